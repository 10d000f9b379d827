"""Reasons against a release."""

from typing import NamedTuple


class Refusal(NamedTuple):
    """Something that breaks a rule, and the remedy."""

    what: str
    rule: str

    def __str__(self) -> str:
        """Format it as one line."""
        return f"{self.what}: {self.rule}"
