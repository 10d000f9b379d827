"""Merge TOML files by meaning, where git only sees lines: what you removed stays removed, and lists grow together."""

import tomllib
from collections.abc import Mapping, MutableMapping, Sequence
from typing import Any

import tomlkit
from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name
from tomlkit.items import AoT, Array, Table

LONG = 80  # characters in a line


def merged_toml(old: str, yours: str, new: str) -> str | None:
    """Bring the difference between two texts into a third one.

    Args:
        old: What both others come from.
        yours: The text to change; its comments, order and quotes stay.
        new: What `old` has become elsewhere.

    Returns:
        The merged text; None if the same value was changed on both sides, or if a text is not TOML.
    """
    try:
        before, after, document = tomllib.loads(old), tomlkit.parse(new), tomlkit.parse(yours)
        clashes = merge_tables(before, after, document)
        merged = tomlkit.dumps(document)
        is_sound = tomllib.loads(merged) == document.unwrap()
    except ValueError:
        return None
    return merged if is_sound and not clashes else None


def is_toml(text: str) -> bool:
    """Return whether a text is TOML."""
    try:
        tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return False
    return True


def merge_tables(
    old: Mapping[str, Any], new: Mapping[str, Any], yours: MutableMapping[str, Any], *, within: str = ""
) -> list[str]:
    """Bring the difference between two tables into a third one, and name the values that were changed on both sides.

    Args:
        old: The table that both others come from.
        new: What it has become elsewhere.
        yours: The table to change; a value that both sides changed stays as it is here.
        within: The name of the table.
    """
    clashes = []
    for name in dict.fromkeys([*new, *old]):
        before, after, mine = old.get(name), new.get(name), yours.get(name)
        place = f"{within}.{name}" if within else name
        if after in (before, mine) or (mine is None and before is not None):
            continue  # nothing has changed elsewhere, or you have removed it
        if mine is None:
            yours[name] = written(after)
        elif isinstance(mine, MutableMapping) and isinstance(after, Mapping) and isinstance(before, Mapping | None):
            clashes += merge_tables(before or {}, after, mine, within=place)
        elif isinstance(mine, Array) and is_list(after) and merge_lists(before or [], after or [], mine):
            continue
        elif mine != before:
            clashes.append(place)
        elif after is None:
            del yours[name]
        else:
            yours[name] = after
    return clashes


def written(value: object) -> object:
    """Write a value that is new in a table: a long list with a line per element, a table with an empty line below."""
    item = tomlkit.item(value)
    if isinstance(item, Array) and len(item.as_string()) > LONG:
        item.multiline(True)  # noqa: FBT003
    elif isinstance(item, Table):
        item.add(tomlkit.nl())
    return item


def is_list(value: object) -> bool:
    """Return whether a value is a list, but not a list of tables that have headers of their own."""
    return isinstance(value, list) and not isinstance(value, AoT)


def merge_lists(old: Sequence[object], new: Sequence[object], yours: Array) -> bool:
    """Bring the difference between two lists into a third one; return whether that was possible.

    An element that is replaced keeps its place, and a new one comes last.
    """
    removed = [element for element in old if element not in new]
    added = [element for element in new if element not in old and element not in yours]
    if any(element not in yours for element in removed):
        return False
    for element in added:
        same = [one for one in removed if name_of(one) and name_of(one) == name_of(element)]
        if same:
            yours[yours.index(same[0])] = element
            removed.remove(same[0])
        else:
            append(yours, element)
    for element in removed:
        del yours[yours.index(element)]
    return True


def append(array: Array, element: object) -> None:
    """Add an element, on a line of its own."""
    if "\n" in array.as_string():
        array.add_line(element, indent="    ")
    else:
        array.append(element)
        array.multiline(True)  # noqa: FBT003


def name_of(requirement: object) -> str:
    """Return the name of a requirement; empty if it is an address or has no name."""
    try:
        parsed = Requirement(str(requirement))
    except InvalidRequirement:
        return ""
    return "" if parsed.url else canonicalize_name(parsed.name)
