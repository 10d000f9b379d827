"""What a repository tells about itself: answers to the template's questions, and what it requires.

Nothing of it is run: `setup.py` is read as text.
"""

import ast
import configparser
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import NamedTuple
from urllib.parse import urlsplit

from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.utils import canonicalize_name

READMES = ("README.md", "README.rst", "README.txt", "README")
LICENCES = re.compile(r"(LICEN[CS]E|COPYING)([-.].+)?", re.IGNORECASE)

# What the text of a licence says, and what only another of its family says.
LICENCE_TEXTS = {
    "MIT": r"^(?!.*Except as contained in this notice).*Permission is hereby granted, free of charge, to any person "
    r"obtaining a copy of this software and associated documentation files",
    "BSD-3-Clause": r"^(?!.*All advertising materials).*Redistribution and use in source and binary forms.*"
    r"Neither the name of",
    "Apache-2.0": r"Apache License,? Version 2\.0, January 2004",
}
LICENCE_NAMES = {
    "mit": "MIT",
    "mitlicense": "MIT",
    "bsd3clause": "BSD-3-Clause",
    "bsd3clauselicense": "BSD-3-Clause",
    "newbsd": "BSD-3-Clause",
    "apache2": "Apache-2.0",
    "apache20": "Apache-2.0",
    "apachelicense20": "Apache-2.0",
    "apachelicenseversion20": "Apache-2.0",
    "apachesoftwarelicense": "Apache-2.0",
    "apachesoftwarelicense20": "Apache-2.0",
    "proprietary": "proprietary",
    "licenserefproprietary": "proprietary",
    "otherproprietarylicense": "proprietary",
}


class Fact(NamedTuple):
    """An answer, and where it stands."""

    value: str
    where: str


@dataclass(frozen=True)
class Person:
    """Somebody with a name, an address or both."""

    name: str = ""
    email: str = ""


@dataclass(frozen=True)
class Metadata:
    """What one file says of the project; what it does not say is empty.

    Attributes:
        where: The file, and the table of it where that matters.
        python: The versions that are supported, as a specifier.
        licences: All that may name the licence, the surest first.
        requires: What is installed with it, where it is a file of setuptools.
    """

    where: str
    name: str = ""
    description: str = ""
    author: Person = Person()
    python: str = ""
    licences: tuple[str, ...] = ()
    url: str = ""
    requires: tuple[str, ...] = ()


@dataclass(frozen=True)
class History:
    """What git says of the project: who made the first commit, and where it is pushed to."""

    author: Person
    remote: str


# ------------------------------------------------------------------------------------- answers


def facts(folder: Path, paths: Iterable[str], history: History, pythons: Iterable[str]) -> dict[str, list[Fact]]:
    """Collect what may answer each question, the surest first.

    Args:
        folder: The repository.
        paths: Its files.
        history: What git says.
        pythons: The versions of Python to choose from, the lowest first.

    Returns:
        For each question that something answers: the answers, and where they stand.
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
    """Read the first heading of the README, without links, images and emphasis."""
    for name in READMES:
        text = read(folder / name)
        if match := re.search(r"^#[ \t]+(.+?)[ \t#]*$|^(?P<title>\S.*)\n[=]{3,}[ \t]*$", text, re.MULTILINE):
            title = re.sub(r"!\[[^]]*\]\([^)]*\)|<[^>]*>", "", match[1] or match["title"])
            title = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", title)
            return [Fact(re.sub(r"[*`]+", "", title).strip(), name)]
    return []


def packages(files: set[str], metadata: Iterable[Metadata]) -> list[Fact]:
    """Find the package among the folders that can be imported: below src/, else at the root."""
    initials = {PurePosixPath(path).parent for path in files if path.endswith("/__init__.py")}
    source = PurePosixPath("src")
    below = [] if source in initials else [folder for folder in initials if folder.parent == source]
    flat = [folder for folder in initials if len(folder.parts) == 1 and folder.name not in {"src", "test", "tests"}]
    names = {as_module(one.name) for one in metadata}
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
    """Tell the service that runs the checks now, if it is one."""
    gitlab = [Fact("gitlab", ".gitlab-ci.yml")] if ".gitlab-ci.yml" in files else []
    github = [Fact("github", ".github/")] if any(path.startswith(".github/") for path in files) else []
    return [] if gitlab and github else gitlab or github


def author(people: Iterable[tuple[Person, str]]) -> dict[str, list[Fact]]:
    """Take name and address from one place, lest they are two persons'."""
    for person, where in people:
        if person.name or person.email:
            is_real = "noreply" not in person.email
            return {
                "author_name": [Fact(person.name, where)],
                "author_email": [Fact(person.email if is_real else "", where)],
            }
    return {}


def web_address(remote: str) -> str:
    """Give the address of a repository for browsers, without credentials; empty for a local one."""
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
    """Read the licence where it is called by its name."""
    for one in metadata:
        for name in one.licences:
            key = re.sub(r"[^a-z0-9]+|^the ", "", name.rpartition("::")[2].lower())
            yield Fact(LICENCE_NAMES.get(key, "") or licence_of(name), one.where)


def written_licence(folder: Path) -> Iterable[Fact]:
    """Recognise the licence by its text."""
    for file in licence_files(path.name for path in folder.iterdir()):
        yield Fact(licence_of(read(folder / file)), file)


def licence_files(names: Iterable[str]) -> list[str]:
    """Pick the files that hold a licence."""
    return sorted(name for name in names if LICENCES.fullmatch(name))


def licence_of(text: str) -> str:
    """Tell which of the known licences a text is, empty if it is none or several."""
    folded = " ".join(text.split())
    found = [name for name, pattern in LICENCE_TEXTS.items() if re.search(pattern, folded)]
    return found[0] if len(found) == 1 else ""


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
    """Read what pyenv and uv read."""
    if match := re.match(r"\s*(\d+\.\d+)", read(folder / ".python-version")):
        yield Fact(match[1], ".python-version")


# ------------------------------------------------------------------------------------ metadata


def read_metadata(folder: Path) -> list[Metadata]:
    """Read all files that describe a Python project, the most authoritative first."""
    toml = read_toml(folder / "pyproject.toml")
    return [
        of_project(table(toml, "project"), folder),
        of_poetry(table(toml, "tool", "poetry")),
        of_setup_cfg(read(folder / "setup.cfg")),
        of_setup_py(read(folder / "setup.py")),
    ]


def read(path: Path) -> str:
    """Read a file that may not be there, or not be text."""
    return path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""


def read_toml(path: Path) -> Mapping[str, object]:
    """Read a file that may not be there, or not be valid."""
    try:
        return tomllib.loads(read(path))
    except tomllib.TOMLDecodeError:
        return {}


def table(toml: object, *names: str) -> Mapping[str, object]:
    """Give a table of a table, empty if there is none."""
    for name in names:
        toml = toml.get(name) if isinstance(toml, dict) else None
    return toml if isinstance(toml, dict) else {}


def project_name(value: object) -> str:
    """Give a project's name; `src` says no more than that it has a folder."""
    return "" if text(value) == "src" else text(value)


def text(value: object) -> str:
    """Give a text as one line; empty if it is none."""
    return " ".join(value.split()) if isinstance(value, str) else ""


def texts(value: object) -> tuple[str, ...]:
    """Give the texts of a list, empty if it is none."""
    return tuple(filter(None, map(text, value))) if isinstance(value, list | tuple) else ()


def of_project(project: Mapping[str, object], folder: Path) -> Metadata:
    """Read the standard table of pyproject.toml."""
    authors = project.get("authors")
    first = table(dict(enumerate(authors)) if isinstance(authors, list) else {}, 0)  # type: ignore[arg-type]
    licence = project.get("license")
    file = text(table(project, "license").get("file"))
    return Metadata(
        "pyproject.toml",
        name=project_name(project.get("name")),
        description=text(project.get("description")),
        author=Person(text(first.get("name")), text(first.get("email"))),
        python=text(project.get("requires-python")),
        licences=(
            text(licence),
            text(table(project, "license").get("text")),
            read(folder / file) if file else "",
            *classified(texts(project.get("classifiers"))),
        ),
        url=first_url(table(project, "urls")),
    )


def of_poetry(poetry: Mapping[str, object]) -> Metadata:
    """Read Poetry's own table."""
    authors = texts(poetry.get("authors"))
    dependencies = table(poetry, "dependencies")
    urls = {"Repository": poetry.get("repository"), "Homepage": poetry.get("homepage")}
    return Metadata(
        "pyproject.toml, tool.poetry",
        name=project_name(poetry.get("name")),
        description=text(poetry.get("description")),
        author=person(authors[0] if authors else ""),
        python=as_specifier(text(dependencies.get("python"))),
        licences=(text(poetry.get("license")), *classified(texts(poetry.get("classifiers")))),
        url=first_url(urls),
    )


def of_setup_cfg(content: str) -> Metadata:
    """Read setuptools' declarative file; what points to other files is passed over."""
    parser = configparser.ConfigParser(interpolation=None, strict=False)
    try:
        parser.read_string(content)
    except configparser.Error:
        return Metadata("setup.cfg")
    metadata, options = (dict(parser[name]) if name in parser else {} for name in ("metadata", "options"))
    told: dict[str, object] = {name: value for name, value in metadata.items() if not elsewhere(value)}
    lists = {
        "classifiers": metadata.get("classifiers", "").splitlines(),
        "install_requires": options.get("install_requires", "").splitlines(),
    }
    return of_setuptools("setup.cfg", told | lists | {"python_requires": options.get("python_requires")})


def elsewhere(value: str) -> bool:
    """Whether setuptools takes a value from another file."""
    return value.startswith(("attr:", "file:"))


def of_setup_py(content: str) -> Metadata:
    """Read the literal arguments of setup(), without running anything."""
    try:
        calls = [node for node in ast.walk(ast.parse(content)) if isinstance(node, ast.Call)]
    except (SyntaxError, ValueError):
        calls = []
    keywords = [
        (keyword.arg, keyword.value)
        for call in calls
        if getattr(call.func, "id", getattr(call.func, "attr", "")) == "setup"
        for keyword in call.keywords
    ]
    return of_setuptools("setup.py", {str(name): literal(value) for name, value in keywords})


def literal(node: ast.expr) -> object:
    """Give the value of a literal, nothing for anything else."""
    try:
        return ast.literal_eval(node)
    except ValueError:
        return None


def of_setuptools(where: str, told: Mapping[str, object]) -> Metadata:
    """Read setuptools' names for things."""
    return Metadata(
        where,
        name=project_name(told.get("name")),
        description=text(told.get("description")),
        author=Person(text(told.get("author")), text(told.get("author_email"))),
        python=text(told.get("python_requires")),
        licences=(text(told.get("license")), *classified(texts(told.get("classifiers")))),
        url=text(told.get("url")),
        requires=texts(told.get("install_requires")),
    )


def classified(classifiers: Iterable[str]) -> list[str]:
    """Pick the classifiers that name a licence."""
    return [name for name in classifiers if name.startswith("License ::")]


def first_url(urls: Mapping[str, object]) -> str:
    """Pick the address of the repository from labelled ones."""
    labels = {label.lower(): text(url) for label, url in urls.items()}
    wanted = ("repository", "source", "source code", "github", "gitlab", "homepage")
    return next((labels[label] for label in wanted if labels.get(label)), "")


def person(entry: str) -> Person:
    """Read `Name <address>`."""
    name, _, address = entry.partition("<")
    return Person(name.strip(), address.rstrip("> "))


def as_specifier(constraint: str) -> str:
    """Write Poetry's constraint of a version as everybody else does."""
    constraint = re.sub(r"\^(\d+)([\d.]*)", lambda m: f">={m[1]}{m[2]},<{int(m[1]) + 1}", constraint)
    constraint = re.sub(
        r"~(\d+)\.(\d+)([\d.]*)", lambda m: f">={m[1]}.{m[2]}{m[3]},<{m[1]}.{int(m[2]) + 1}", constraint
    )
    constraint = re.sub(r"^(?=\d)", "==", constraint)
    return "" if constraint == "*" else constraint


# -------------------------------------------------------------------------------- requirements


@dataclass(frozen=True)
class Requirements:
    """What a repository requires.

    Attributes:
        added: What the template does not have, as it is written.
        had: What the template has, too, and in which version is its own.
        left: What cannot be said in pyproject.toml: options, files, addresses.
    """

    added: tuple[str, ...] = ()
    had: tuple[str, ...] = ()
    left: tuple[str, ...] = ()


def requirements(folder: Path, known: Iterable[str]) -> Requirements:
    """Sort what is required, unless a pyproject.toml says it, which is merged as it is.

    Args:
        folder: The repository.
        known: The names of what the template requires.

    Returns:
        What is new, what is not, and what cannot be carried over.
    """
    toml = read_toml(folder / "pyproject.toml")
    if table(toml, "project") or table(toml, "tool", "poetry"):
        return Requirements()
    lines = logical_lines(read(folder / "requirements.txt"))
    lines += [line for one in read_metadata(folder) for line in one.requires]
    named: dict[str, str] = {}
    for line in lines:
        named.setdefault(name_of(line), line)
    named.pop("", None)
    present = {canonicalize_name(name) for name in known}
    return Requirements(
        added=tuple(line for name, line in named.items() if name not in present),
        had=tuple(line for name, line in named.items() if name in present),
        left=tuple(line for line in lines if not name_of(line)),
    )


def logical_lines(content: str) -> list[str]:
    """Read lines as pip does: comments taken off, broken lines joined."""
    joined = re.sub(r"\\\r?\n", " ", content)
    lines = (" ".join(re.sub(r"(^|\s)#.*$", "", line).split()) for line in joined.splitlines())
    return [line for line in lines if line]


def name_of(requirement: str) -> str:
    """Give the name of what is required; empty if it is named by an address or not at all."""
    try:
        parsed = Requirement(requirement)
    except InvalidRequirement:
        return ""
    return "" if parsed.url else canonicalize_name(parsed.name)
