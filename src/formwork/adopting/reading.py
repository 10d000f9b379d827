"""Reading files of somebody else: what is missing or malformed says nothing."""

import tomllib
from collections.abc import Mapping
from pathlib import Path


def read(path: Path) -> str:
    """Read a file that may not be there, or not be text."""
    return path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""


def read_toml(path: Path) -> Mapping[str, object]:
    """Read a file that may not be there, or not be valid."""
    try:
        return tomllib.loads(read(path))
    except tomllib.TOMLDecodeError:
        return {}


def table(toml: object, *names: str) -> Mapping[str, object]:
    """Give a table of a table, empty if there is none."""
    for name in names:
        toml = toml.get(name) if isinstance(toml, dict) else None
    return toml if isinstance(toml, dict) else {}


def text(value: object) -> str:
    """Give a text as one line; empty if it is none."""
    return " ".join(value.split()) if isinstance(value, str) else ""


def texts(value: object) -> tuple[str, ...]:
    """Give the texts of a list, empty if it is none."""
    return tuple(filter(None, map(text, value))) if isinstance(value, list | tuple) else ()
