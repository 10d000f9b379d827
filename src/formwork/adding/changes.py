"""What a scaffold does to files: each change can be made, and be undone where nobody has edited it since."""

from dataclasses import dataclass
from typing import Any, Protocol

from formwork.adding import yaml_text
from formwork.errors import FormworkError


class EditedError(FormworkError):
    """What was added has been edited since."""


class Change(Protocol):
    """A change of one file."""

    @property
    def path(self) -> str:
        """The file, from where the project begins."""

    def make(self, text: str | None) -> str:
        """Return the file with the change; None stands for a file that is not there.

        Raises:
            FormworkError: If there is something else in its place.
        """

    def undo(self, text: str | None) -> str | None:
        """Return the file without the change; None stands for a file that is not there.

        Raises:
            EditedError: If somebody has edited it.
        """


@dataclass(frozen=True)
class NewFile:
    """A file.

    Attributes:
        path: Its path.
        text: All of it.
        is_shared: Whether several scaffolds have it, so that it may be there already.
    """

    path: str
    text: str
    is_shared: bool = False

    def make(self, text: str | None) -> str:
        """Write the file."""
        if text is not None and not self.is_shared:
            raise FormworkError(f"there is {self.path} already: take another name")
        return self.text if text is None else text

    def undo(self, text: str | None) -> str | None:
        """Remove the file; a shared one that was edited stays."""
        if text not in (self.text, None) and not self.is_shared:
            raise EditedError(self.path)
        return None if text == self.text else text


@dataclass(frozen=True)
class Entry:
    """An entry in a YAML file.

    Attributes:
        path: The file.
        place: The names of the mapping or list that it is in.
        text: Its lines, without indentation; those in a list begin with `- `.
        after: The name of the entry that it follows; empty for the last one.
        is_shared: Whether several scaffolds have it, so that it may be there already.
    """

    path: str
    place: tuple[str, ...]
    text: str
    after: str = ""
    is_shared: bool = False

    @property
    def name(self) -> str:
        """The name of the entry in its mapping."""
        return self.text.partition(":")[0]

    def is_in(self, text: str) -> bool:
        """Return whether a file has an entry of this name."""
        return self._number(text) is not None

    def make(self, text: str | None) -> str:
        """Insert the entry."""
        if text is None:
            raise FormworkError(f"there is no {self.path}")
        try:
            if self.is_shared and self.is_in(text):
                return text
            if not self.text.startswith("- ") and yaml_text.has(text, (*self.place, self.name)):
                shown = ".".join((*self.place, self.name))
                raise FormworkError(f"`{shown}` is there already: take another name")
            made = yaml_text.insert(text, self.place, self.text, after=self.after)
        except FormworkError as problem:
            raise FormworkError(f"{self.path}: {problem}") from problem
        try:
            taken, rest = yaml_text.take_out(made, self.place, self._number(made) or 0)
        except FormworkError:
            taken, rest = "", ""
        is_back = (taken, rest.rstrip("\r\n")) == (self.text, text.rstrip("\r\n"))
        if not is_back or self._others(made) != yaml_text.load(text):
            raise FormworkError(f"{self.path}: it is written in a way in which no entry can be inserted safely")
        return made

    def undo(self, text: str | None) -> str | None:
        """Take the entry out."""
        if text is None:
            raise EditedError(self.path)
        try:
            number = self._number(text)
            taken, rest = yaml_text.take_out(text, self.place, number or 0)
        except FormworkError as problem:
            raise FormworkError(f"{self.path}: {problem}") from problem
        if number is None or taken != self.text:
            if self.is_shared:
                return text
            raise EditedError(f"`{self.name}` in {self.path}")
        return rest

    def _others(self, made: str) -> object:
        """Return what a file with the entry means without it: another value may go on below the place of the entry."""
        content: Any = yaml_text.load(made)
        block = content
        for name in self.place:
            block = block[name]
        if isinstance(block, list):
            block.remove(*yaml_text.load(self.text))
        else:
            del block[self.name]
        return content

    def _number(self, text: str) -> int | None:
        """Find the entry; None if it is not there."""
        block = yaml_text.block_at(text, self.place)
        if block.names and self.name in block.names:
            return block.names.index(self.name)
        lines = text.splitlines()
        wanted = self.text.splitlines()[0]
        found = (number for number, (first, _) in enumerate(block.spans) if lines[first].strip() == wanted)
        return next(found, None)


@dataclass(frozen=True)
class Passage:
    """A passage at the end of a text.

    Attributes:
        path: The file.
        text: The passage, which begins with a blank line.
    """

    path: str
    text: str

    def make(self, text: str | None) -> str:
        """Append the passage."""
        if text is None:
            raise FormworkError(f"there is no {self.path}")
        return text + ("" if text.endswith("\n") or not text else "\n") + self.text

    def undo(self, text: str | None) -> str | None:
        """Take the passage out."""
        if text is None or text.count(self.text) != 1:
            raise EditedError(self.path)
        return text.replace(self.text, "")
