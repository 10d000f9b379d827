"""What a repository says about itself: answers to the template's questions.

None of its code is run: `setup.py` is read as text.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import NamedTuple
from urllib.parse import urlsplit

from packaging.specifiers import InvalidSpecifier, SpecifierSet

from formwork.adopting.licences import licence_files, licence_named, licence_of
from formwork.adopting.metadata import Metadata, Person, read_metadata
from formwork.adopting.reading import read

READMES = ("readme.md", "readme.rst", "readme.txt", "readme")  # in any case


class Fact(NamedTuple):
    """An answer, and where it was found."""

    value: str
    where: str


@dataclass(frozen=True)
class History:
    """What git knows about the project: who made the first commit, and where it is pushed to."""

    author: Person
    remote: str


def facts(folder: Path, paths: Iterable[str], history: History, pythons: Iterable[str]) -> dict[str, list[Fact]]:
    """Collect what may answer each question, the most certain first.

    Args:
        folder: The repository.
        paths: Its files.
        history: What git knows about the project.
        pythons: The versions of Python to choose from, the lowest first.

    Returns:
        For each question that has any: the possible answers, and where they were found.
    """
    files = set(paths)
    metadata = read_metadata(folder)
    found = {
        "project_name": [
            *(Fact(one.name, one.where) for one in metadata),
            *heading(folder),
            Fact(folder.resolve().name, "the folder's name"),
        ],
        "package_name": [*packages(files, metadata), *(Fact(as_module(one.name), one.where) for one in metadata)],
        "description": [Fact(one.description, one.where) for one in metadata],
        "repository_url": [
            Fact(web_address(history.remote), "git remote"),
            *(Fact(web_address(one.url), one.where) for one in metadata),
        ],
        "ci": list(integration(files)),
        "license": [*named_licences(metadata), *written_licence(folder)],
        "python_version": [
            *(lowest(one.python, pythons, one.where) for one in metadata if one.python),
            *pinned_python(folder),
        ],
    }
    found |= author([*((one.author, one.where) for one in metadata), (history.author, "the first commit")])
    told = {name: [fact for fact in answers if fact.value] for name, answers in found.items()}
    return {name: answers for name, answers in told.items() if answers}


def heading(folder: Path) -> list[Fact]:
    """Read the first heading of the README outside code, without links, images and emphasis."""
    names = {path.name.lower(): path.name for path in sorted(folder.iterdir(), reverse=True)}
    for name in (names[readme] for readme in READMES if readme in names):
        text = re.sub(
            r"^ *(```+|~~~+).*?(^ *\1|\Z)|<!--.*?-->", "", read(folder / name), flags=re.MULTILINE | re.DOTALL
        )
        if match := re.search(r"^#[ \t]+(.+?)[ \t#]*$|^(?P<title>\S.*)\n[=]{3,}[ \t]*$", text, re.MULTILINE):
            title = re.sub(r"!\[[^]]*\]\([^)]*\)|<[^>]*>", "", match[1] or match["title"])
            title = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", title)
            return [Fact(re.sub(r"[*`]+", "", title).strip(), name)]
    return []


def packages(files: set[str], metadata: Iterable[Metadata]) -> list[Fact]:
    """Find the package among the folders that can be imported: below src/, else at the root.

    A folder at the root without code beside its `__init__.py`, such as `configs`, has to have the project's name.
    """
    initials = {PurePosixPath(path).parent for path in files if path.endswith("/__init__.py")}
    code = (PurePosixPath(path) for path in files if path.endswith(".py"))
    coded = {path.parts[0] for path in code if path.name != "__init__.py"}
    names = {as_module(one.name) for one in metadata}
    source = PurePosixPath("src")
    below = [] if source in initials else [folder for folder in initials if folder.parent == source]
    likely = (coded | names) - {"src", "test", "tests"}
    flat = [folder for folder in initials if len(folder.parts) == 1 and folder.name in likely]
    for folders in (below, flat):
        named = [folder for folder in folders if folder.name in names]
        if len(named or folders) == 1:
            folder = (named or folders)[0]
            return [Fact(folder.name, f"{folder}/")]
    return []


def as_module(name: str) -> str:
    """Spell a project's name as a module."""
    return re.sub(r"[-_. ]+", "_", name).lower()


def integration(files: set[str]) -> Iterable[Fact]:
    """Return the service that runs the checks now, unless there are two."""
    gitlab = [Fact("gitlab", ".gitlab-ci.yml")] if ".gitlab-ci.yml" in files else []
    github = [Fact("github", ".github/")] if any(path.startswith(".github/") for path in files) else []
    return [] if gitlab and github else gitlab or github


def author(people: Iterable[tuple[Person, str]]) -> dict[str, list[Fact]]:
    """Take name and address from one place, so that they belong to the same person."""
    for person, where in people:
        if person.name or person.email:
            is_real = "noreply" not in person.email
            return {
                "author_name": [Fact(person.name, where)],
                "author_email": [Fact(person.email if is_real else "", where)],
            }
    return {}


def web_address(remote: str) -> str:
    """Return the address of a repository for browsers, without credentials; empty for a local one."""
    if match := re.fullmatch(r"(?:[^@/]+@)?(?P<host>[\w.-]+\.\w+):(?P<path>[^/].*)", remote):
        host, path = match["host"], match["path"]
    else:
        parts = urlsplit(remote)
        is_web = parts.scheme in {"http", "https"}
        if not is_web and parts.scheme not in {"ssh", "git", "git+ssh"}:
            return ""
        host, path = parts.netloc.rpartition("@")[2], parts.path
        if not is_web:
            host = host.partition(":")[0]
        elif parts.scheme == "http":
            return f"http://{host}/{path.strip('/').removesuffix('.git')}"
    return f"https://{host}/{path.strip('/').removesuffix('.git')}"


def named_licences(metadata: Iterable[Metadata]) -> Iterable[Fact]:
    """Read the licence where the metadata name it."""
    for one in metadata:
        for name in one.licences:
            yield Fact(licence_named(name), one.where)


def written_licence(folder: Path) -> Iterable[Fact]:
    """Recognise the licence by its text."""
    for file in licence_files(path.name for path in folder.iterdir()):
        yield Fact(licence_of(read(folder / file)), file)


def lowest(specifier: str, pythons: Iterable[str], where: str) -> Fact:
    """Choose the lowest version of Python that is supported; the specifier itself if none is."""
    where = f"{where}: {specifier}"
    try:
        allowed = SpecifierSet(specifier)
    except InvalidSpecifier:
        return Fact(specifier, where)
    fine = (python for python in pythons if python in allowed or f"{python}.99" in allowed)
    return Fact(next(fine, specifier), where)


def pinned_python(folder: Path) -> Iterable[Fact]:
    """Read the version that pyenv and uv use."""
    if match := re.match(r"\s*(\d+\.\d+)", read(folder / ".python-version")):
        yield Fact(match[1], ".python-version")
