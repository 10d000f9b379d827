"""The questions that the copier.yml of a template asks."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Question:
    """A question, or an answer that the template computes.

    Attributes:
        name: The name of the answer.
        details: What copier.yml says about it.
    """

    name: str
    details: Mapping[str, Any]

    @property
    def is_computed(self) -> bool:
        """Whether the answer is computed instead of asked for."""
        return self.details.get("when") is False

    @property
    def is_asked(self) -> bool:
        """Whether somebody is asked; otherwise it is computed, or only data can give it."""
        return self.details.get("when", True) is True

    @property
    def default(self) -> str:
        """The default, as an expression of Jinja."""
        return str(self.details["default"])

    @property
    def help(self) -> str:
        """The text that people read."""
        return str(self.details.get("help", self.name))

    @property
    def is_multiple(self) -> bool:
        """Whether several of the choices may be chosen; the answer is a list then."""
        return self.details.get("multiselect") is True

    @property
    def choices(self) -> dict[str, str]:
        """The values that may be chosen, with their labels; empty if any text is allowed."""
        choices = self.details.get("choices", {})
        if isinstance(choices, dict):
            return {str(value): str(label) for label, value in choices.items()}
        return {str(value): str(value) for value in choices}


def questions_in(settings: Mapping[str, Any]) -> dict[str, Question]:
    """Separate the questions of a copier.yml from its settings."""
    return {
        name: Question(name, details if isinstance(details, Mapping) else {"default": details})
        for name, details in settings.items()
        if not name.startswith("_")
    }
