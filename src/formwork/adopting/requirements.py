"""What a repository requires, and how much of it the template requires as well."""

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from formwork.adopting.metadata import read_metadata
from formwork.adopting.reading import read, read_toml, table, texts
from formwork.toml_merging import name_of

# Where requirements are; those of a file that has such a word in its name are for work on the code only.
FILES = re.compile(r"(?:src/)?requirements[^/]*\.(?:txt|in)|requirements/[^/]+\.(?:txt|in)")
FOR_DEVELOPMENT = re.compile(r"[-_./](dev|develop|development|tests?|testing|lint|linting|docs?|build|ci)(?=[-_.])")
CONDA = re.compile(r"(?:conda[^/]*|environment)\.ya?ml")
PANDAS = Version("2.2.2")  # the first that supports numpy 2; older ones do not say that they need numpy 1
INCLUDED = re.compile(r"(?:-r|--requirement)[ =]*(\S+)")


@dataclass(frozen=True)
class Requirements:
    """What a repository requires.

    Attributes:
        added: What the template does not require, as the repository writes it.
        dev: The same, for what only work on the code requires.
        had: What the template also requires, so the template's version applies.
        left: What is not carried over: options, files, addresses, environments of Conda, a pandas for numpy 1.
    """

    added: tuple[str, ...] = ()
    dev: tuple[str, ...] = ()
    had: tuple[str, ...] = ()
    left: tuple[str, ...] = ()


def requirements(folder: Path, paths: Collection[str], known: Iterable[str]) -> Requirements:
    """Sort the requirements, except those in a table [project], since that is merged as it is.

    Args:
        folder: The repository.
        paths: Its files.
        known: The names of what the template requires.

    Returns:
        What is new, what the template requires already, and what cannot be carried over.
    """
    toml = read_toml(folder / "pyproject.toml")
    if (project := table(toml, "project")) and "dependencies" not in texts(project.get("dynamic")):
        return Requirements()
    is_poetry = bool(table(toml, "tool", "poetry"))
    metadata = [one for one in read_metadata(folder) if not is_poetry or one.where.endswith("tool.poetry")]
    files = [] if is_poetry else requirement_files(folder, paths)
    lines = [line for file in files if not FOR_DEVELOPMENT.search(file) for line in listed_in(folder / file)]
    lines += [line for one in metadata for line in one.requires]
    dev = [line for file in files if FOR_DEVELOPMENT.search(file) for line in listed_in(folder / file)]
    dev += [line for one in metadata for line in one.requires_for_development]
    named: dict[str, str] = {}
    for line in [*lines, *dev]:
        named.setdefault(name_of(line), line)
    named.pop("", None)
    present = {canonicalize_name(name) for name in known}
    old = [line for name, line in named.items() if name == "pandas" and is_for_numpy_1(line)]
    new = [line for name, line in named.items() if name not in present and line not in old]
    left = [line for line in [*lines, *dev] if not name_of(line)] + [f"{line} (it needs numpy 1)" for line in old]
    left += sorted(f"{path} (Conda)" for path in paths if CONDA.fullmatch(path))
    return Requirements(
        added=tuple(line for line in new if line in lines),
        dev=tuple(line for line in new if line not in lines),
        had=tuple(line for name, line in named.items() if name in present),
        left=tuple(dict.fromkeys(left)),
    )


def is_for_numpy_1(pandas: str) -> bool:
    """Return whether a requirement allows only releases of pandas that break under numpy 2 when they are imported."""
    bounds = Requirement(pandas).specifier
    named = [Version(each.version.removesuffix(".*")) for each in bounds if each.operator != "==="]
    later = any(version in bounds for version in (PANDAS, Version("2.3"), Version("99")))
    return min(named, default=PANDAS) < PANDAS and not later


def requirement_files(folder: Path, paths: Iterable[str]) -> list[str]:
    """List the files of requirements: what people write, instead of what a tool has made from it."""
    found = {path for path in paths if FILES.fullmatch(path) and (folder / path).is_file()}
    return sorted(path for path in found if path.endswith(".in") or f"{path.removesuffix('.txt')}.in" not in found)


def listed_in(file: Path, seen: tuple[Path, ...] = ()) -> list[str]:
    """List the requirements in a file and in those that it includes."""
    lines = []
    for line in logical_lines(read(file)):
        included = INCLUDED.fullmatch(line)
        other = file.parent / included[1] if included else file
        is_new = included and other.is_file() and other not in seen
        lines += listed_in(other, (*seen, file)) if is_new else [line]
    return lines


def logical_lines(content: str) -> list[str]:
    """Read lines as pip does: remove comments, and join continued lines."""
    joined = re.sub(r"\\\r?\n", " ", content)
    lines = (" ".join(re.sub(r"(^|\s)(#.*$|--hash=\S+)", "", line).split()) for line in joined.splitlines())
    return [line for line in lines if line]
