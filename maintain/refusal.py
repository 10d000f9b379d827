"""What speaks against a release."""

from typing import NamedTuple


class Refusal(NamedTuple):
    """What breaks which rule, with the remedy."""

    what: str
    rule: str

    def __str__(self) -> str:
        """Write it as a line."""
        return f"{self.what}: {self.rule}"
