"""What all scaffolds have in common."""

from abc import ABC, abstractmethod
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Self

from formwork.adding.changes import Change
from formwork.adding.project import Project, listed
from formwork.errors import FormworkError


@dataclass(frozen=True)
class Scaffold(ABC):
    """Something that is written once and then belongs to the owner of the repository.

    Attributes:
        kind: The word for it that `add` takes.
        purpose: What it is, for people.
        named: The placeholder for its name.
        project: The repository.
    """

    kind: ClassVar[str]
    purpose: ClassVar[str]
    named: ClassVar[str] = "NAME"

    project: Project

    @classmethod
    def describe(cls, _parser: ArgumentParser) -> None:
        """Describe the options of `add`; without any, nothing is to be done."""
        return

    @classmethod
    @abstractmethod
    def present(cls, project: Project) -> Sequence[str]:
        """List those that are there, as `remove` takes them."""

    @classmethod
    def require(cls, project: Project, name: str) -> None:
        """Refuse a name that none of those that are there has.

        Raises:
            FormworkError: If there is none of that name.
        """
        there = cls.present(project)
        if name not in there:
            message = f"there is no {cls.kind} {name} in git; there are: {listed(there)}"
            raise FormworkError(message)

    @classmethod
    @abstractmethod
    def asked(cls, project: Project, options: Namespace) -> Self:
        """Check what is asked for.

        Raises:
            FormworkError: If it cannot be.
        """

    @classmethod
    @abstractmethod
    def found(cls, project: Project, name: str) -> Self:
        """Work out the options with which an existing one was added.

        Raises:
            FormworkError: If there is none of that name.
        """

    @abstractmethod
    def changes(self) -> Sequence[Change]:
        """Say what it does to files."""

    @abstractmethod
    def next_steps(self) -> Sequence[str]:
        """Say what is left to do by hand."""
