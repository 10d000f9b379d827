"""The repository that something is added to."""

import json
import keyword
import os
import re
import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import yaml

from formwork.adding.yaml_text import load
from formwork.answers import ANSWERS, read_answers
from formwork.errors import FormworkError, in_one_line
from formwork.repository import Repository, Tree

WINDOWS = r"con|prn|aux|nul|(?:com|lpt)\d"  # names that Windows does not allow
LONGEST = 30  # of a name: so lines with the longest package name, too, have less than 100 characters


@dataclass(frozen=True)
class Project:
    """A generated repository, or the folder of a repository that was generated, as it is staged.

    Attributes:
        repository: The repository.
        tree: Its files.
        render: Renders the recorded release of the template with some other answers.
    """

    repository: Repository
    tree: Tree
    render: Callable[[Mapping[str, Any]], Path]

    @cached_property
    def answers(self) -> Mapping[str, Any]:
        """What the repository records about its template."""
        return read_answers(self.repository.project / ANSWERS)

    @property
    def package(self) -> str:
        """The name of the package.

        Raises:
            FormworkError: If there is no package of the name that is recorded.
        """
        name = str(self.answers.get("package_name", ""))
        if not self.has(f"src/{name}/core/cli.py"):
            message = f"there is no src/{name or 'PACKAGE'}/core: correct package_name in {ANSWERS}"
            raise FormworkError(message)
        return name

    def text(self, path: str) -> str | None:
        """Read a file; None if it is not there.

        Raises:
            FormworkError: If it is no file, or not a text in UTF-8.
        """
        file = self.tree.get(self.repository.prefix + path)
        if not file:
            return None
        if not file.mode.startswith("100"):
            message = f"{path} is a link, and only a file can be changed: put the file itself there"
            raise FormworkError(message)
        try:
            return self.repository.content(file).decode()
        except UnicodeDecodeError as error:
            message = f"{path} is not in UTF-8: {error}"
            raise FormworkError(message) from error

    def has(self, path: str) -> bool:
        """Return whether something is there, in git or not; what Python has left of a removed package is nothing."""
        place = self.repository.project / path
        is_left = place.is_dir() and {each.name for each in place.iterdir()} == {"__pycache__"}
        return self.repository.prefix + path in self.tree or (os.path.lexists(place) and not is_left)

    def require_contract(self) -> None:
        """Refuse if the template's own tests are missing, as they may be after adopting.

        Raises:
            FormworkError: If they are.
        """
        if not self.has("tests/contract/conftest.py"):
            message = (
                "its test needs tests/contract, which is not here: docs/adopt.md of the template says how to add it"
            )
            raise FormworkError(message)

    def below(self, folder: str = "") -> list[str]:
        """List the files in a folder and in those below it, as paths from there."""
        start = self.repository.prefix + (f"{folder}/" if folder else "")
        return sorted(path.removeprefix(start) for path in self.tree if path.startswith(start))

    def names(self, folder: str, suffix: str) -> list[str]:
        """List the files of a folder that end in a suffix, without it."""
        found = (name for name in self.below(folder) if "/" not in name and name.endswith(suffix))
        return [name.removesuffix(suffix) for name in found]

    def yaml(self, path: str) -> Mapping[str, Any]:
        """Read a YAML file, with all values as texts, so that no name turns into something else.

        Raises:
            FormworkError: If it is missing or not valid.
        """
        try:
            content = parsed(self.text(path) or "")
        except yaml.YAMLError as error:
            message = f"{path} is not valid YAML: {in_one_line(error)}"
            raise FormworkError(message) from error
        if not isinstance(content, dict):
            there = self.text(path) is not None
            message = f"there is no {path} {'with entries ' if there else ''}here"
            message += "" if there else ": run this where the generated repository begins"
            raise FormworkError(message)
        return content

    def toml(self, path: str) -> Mapping[str, Any]:
        """Read a TOML file, which is empty if it is not there.

        Raises:
            FormworkError: If it is not valid.
        """
        try:
            return tomllib.loads(self.text(path) or "")
        except tomllib.TOMLDecodeError as error:
            message = f"{path} cannot be read: {in_one_line(error)}"
            raise FormworkError(message) from error

    def json(self, path: str) -> Mapping[str, Any]:
        """Read a JSON file, which is empty if it is not there or no object.

        Raises:
            FormworkError: If it is not valid.
        """
        try:
            content = json.loads(self.text(path) or "{}")
        except ValueError as error:
            message = f"{path} cannot be read: {in_one_line(error)}"
            raise FormworkError(message) from error
        return content if isinstance(content, dict) else {}


@lru_cache(maxsize=8)  # each check of a name looks at the same files
def parsed(text: str) -> object:
    """Read YAML, whose content nobody may change."""
    return load(text)


def listed(names: Iterable[str]) -> str:
    """List names for people."""
    return ", ".join(names) or "none"


def in_capitals(name: str) -> str:
    """Write a name as that of a class."""
    return "".join(word.capitalize() for word in name.split("_"))


def identifier(name: str, example: str, *, of: str = "a name", longest: int = LONGEST) -> str:
    """Check a name that becomes a module.

    Args:
        name: The name.
        example: One that would do.
        of: What a name that is too long is called.
        longest: How many characters it may have.

    Raises:
        FormworkError: If it cannot be one.
    """
    if not re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", name):
        rule = "a name begins with a letter and has small ASCII letters, digits and single _ only"
        message = f"{name!r}: {rule}, for example: {example}"
        raise FormworkError(message)
    if len(name) > longest:
        message = f"{name}: {of} has at most {longest} characters, for example: {example}"
        raise FormworkError(message)
    if re.fullmatch(WINDOWS, name):
        message = f"{name} is a name of Windows: take another, for example {name}_{example}"
        raise FormworkError(message)
    if yaml.safe_load(name) != name:
        message = f"{name} is a word of YAML: take another, for example {name}_{example}"
        raise FormworkError(message)
    if keyword.iskeyword(name) or keyword.issoftkeyword(name):
        message = f"{name} is a word of Python: add another, for example {name}_{example}"
        raise FormworkError(message)
    return name
