"""What a repository requires, and how much of it the template requires as well."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from formwork.adopting.metadata import read_metadata
from formwork.adopting.reading import read, read_toml, table


@dataclass(frozen=True)
class Requirements:
    """What a repository requires.

    Attributes:
        added: What the template does not require, as the repository writes it.
        had: What the template also requires, so the template's version applies.
        left: What cannot be written in pyproject.toml: options, files, addresses.
    """

    added: tuple[str, ...] = ()
    had: tuple[str, ...] = ()
    left: tuple[str, ...] = ()


def requirements(folder: Path, known: Iterable[str]) -> Requirements:
    """Sort the requirements, except those in a pyproject.toml, since that file is merged as it is.

    Args:
        folder: The repository.
        known: The names of what the template requires.

    Returns:
        What is new, what the template requires already, and what cannot be carried over.
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
    """Read lines as pip does: remove comments, and join continued lines."""
    joined = re.sub(r"\\\r?\n", " ", content)
    lines = (" ".join(re.sub(r"(^|\s)#.*$", "", line).split()) for line in joined.splitlines())
    return [line for line in lines if line]


def name_of(requirement: str) -> str:
    """Return the name of a requirement; empty if it is an address or has no name."""
    try:
        parsed = Requirement(requirement)
    except InvalidRequirement:
        return ""
    return "" if parsed.url else canonicalize_name(parsed.name)
