"""Edit a YAML file by whole entries: all other lines stay as they are, byte for byte.

A parser says where entries begin and end, and what the file means before and after; the text between those places is
never written anew. Libraries that write a file from its content change quotes, blank lines or indentation.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import yaml

from formwork.errors import FormworkError, in_one_line

LOADER = getattr(yaml, "CBaseLoader", yaml.BaseLoader)  # that of libyaml, if it is there, takes a tenth of the time
Pair = tuple[yaml.Node | None, yaml.Node]


@dataclass(frozen=True)
class Block:
    """A mapping or a list whose entries are lines of their own.

    Attributes:
        column: The column in which the entries begin.
        spans: The first line of each entry, and the line after it, from 0.
        names: The name of each entry; empty in a list.
        end: The line at which a further entry is inserted.
    """

    column: int
    spans: list[tuple[int, int]]
    names: list[str]
    end: int


def has(text: str, place: Sequence[str]) -> bool:
    """Return whether there is an entry of that name, such as `("stages", "train")`."""
    node = compose(text)
    for name in place:
        node = value_of(node, name)
    return node is not None


def insert(text: str, place: Sequence[str], entry: str, *, after: str = "") -> str:
    """Insert an entry into a mapping or a list.

    Args:
        text: The file.
        place: The names of the mapping or list, from the outside to the inside; empty for the whole file.
        entry: The lines of the entry, without indentation; in a list, they begin with `- `.
        after: The name of the entry after which it is inserted; empty for the last one.

    Raises:
        FormworkError: If there is no such place, or it is not written with one entry on a line.
    """
    block = block_at(text, place)
    if after and after not in block.names:
        message = f"`{'.'.join(place)}` has no entry {after} on lines of its own"
        raise FormworkError(message)
    number = block.names.index(after) if after else len(block.spans) - 1
    lines = text.splitlines(keepends=True)
    end = block.end if number == len(block.spans) - 1 else after_comments(lines, block.spans[number][1], block.column)
    newline = "\r\n" if lines and lines[0].endswith("\r\n") else "\n"
    if not lines[-1].endswith("\n"):
        lines[-1] += newline
    new = [f"{' ' * block.column}{line}{newline}" if line else newline for line in entry.splitlines()]
    return "".join([*lines[:end], *([newline] if is_spaced(block, lines) else []), *new, *lines[end:]])


def take_out(text: str, place: Sequence[str], number: int) -> tuple[str, str]:
    """Take the entry with a number out of a mapping or a list, with the blank line before it.

    Returns:
        The lines of the entry, without indentation, and the rest of the file.
    """
    block = block_at(text, place)
    first, end = block.spans[number]
    lines = text.splitlines(keepends=True)
    taken = "".join(line.rstrip("\r\n")[block.column :] + "\n" for line in lines[first:end])
    if first and not lines[first - 1].strip():
        first -= 1
    return taken, "".join(lines[:first] + lines[end:])


def block_at(text: str, place: Sequence[str]) -> Block:
    """Find the entries of a mapping or a list.

    Raises:
        FormworkError: If there is no such place, or it is not written with one entry on a line.
    """
    node = compose(text)
    for name in place:
        node = value_of(node, name)
    shown = f"`{'.'.join(place)}`" if place else "the file"
    if node is None:
        message = f"there is no {shown}, where an entry would go: write it first" if place else "it is empty"
        raise FormworkError(message)
    if not isinstance(node, yaml.CollectionNode) or node.flow_style or not node.value:
        message = f"{shown} has no entries on lines of their own: write it so, one entry below the other"
        raise FormworkError(message)
    lines = text.splitlines()
    pairs: list[Pair] = node.value if isinstance(node, yaml.MappingNode) else [(None, item) for item in node.value]
    starts = [(key or value).start_mark for key, value in pairs]
    column = starts[0].column
    if isinstance(node, yaml.SequenceNode):
        column = lines[starts[0].line].find("-")
        if any(not lines[mark.line][column:].startswith("- ") for mark in starts):
            message = f"{shown} has entries that do not begin beside their `-`: write them so"
            raise FormworkError(message)
    spans = [(mark.line, end_of(value, mark.line, lines)) for mark, (_, value) in zip(starts, pairs, strict=True)]
    names = [str(key.value) for key, _ in pairs if key]
    end = after_comments(lines, spans[-1][1], column)
    while end < len(lines) and lines[end].startswith(" " * column + "#"):
        end += 1
    return Block(column, spans, names, end)


def end_of(node: yaml.Node, start: int, lines: Sequence[str]) -> int:
    """Return the line after the last one that belongs to an entry.

    Args:
        node: The value of the entry.
        start: The line where the entry begins; an alias is the node that it stands for, which is elsewhere.
        lines: All lines.
    """
    if node.start_mark.line < start:
        return start + 1
    if isinstance(node, yaml.CollectionNode) and not node.flow_style and node.value:
        last = node.value[-1]
        key, value = last if isinstance(last, tuple) else (last, last)
        return end_of(value, max(start, key.start_mark.line), lines)
    mark = node.end_mark
    end = mark.line + (1 if mark.column else 0)
    while end > start + 1 and not lines[end - 1].strip():
        end -= 1
    return max(end, start + 1)


def after_comments(lines: Sequence[str], end: int, column: int) -> int:
    """Return the line after the comments that follow an entry and, being indented further than it, are part of it."""
    for number, line in enumerate(lines[end:], end):
        indented = line.lstrip(" ")
        if indented.startswith("#") and len(line) - len(indented) > column:
            end = number + 1
        elif line.strip():
            break
    return end


def is_spaced(block: Block, lines: Sequence[str]) -> bool:
    """Return whether blank lines divide the entries."""
    between = [lines[end:first] for (_, end), (first, _) in pairwise(block.spans)]
    return not between or any(not line.strip() for part in between for line in part)


def compose(text: str) -> yaml.Node | None:
    """Parse a file without building objects, since it may have tags that only another program knows.

    Raises:
        FormworkError: If it is not valid.
    """
    try:
        return yaml.compose(text, Loader=LOADER)
    except yaml.YAMLError as error:
        message = f"not valid YAML: {in_one_line(error)}"
        raise FormworkError(message) from error


def load(text: str) -> Any:  # noqa: ANN401, which YAML can be
    """Read a file, with all values as texts."""
    return yaml.load(text, Loader=LOADER)  # noqa: S506, which does not know this one as safe: it makes texts only


def value_of(node: yaml.Node | None, name: str) -> yaml.Node | None:
    """Return a value of a mapping."""
    pairs: list[tuple[yaml.Node, yaml.Node]] = node.value if isinstance(node, yaml.MappingNode) else []
    return next((value for key, value in pairs if key.value == name), None)
