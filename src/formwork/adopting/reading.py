"""Read files that may be missing or malformed, which then count as empty."""

import codecs
import tomllib
from collections.abc import Mapping
from pathlib import Path


def read(path: Path) -> str:
    """Read a file that may be missing or may not be text."""
    content = path.read_bytes() if path.is_file() else b""
    is_utf_16 = content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    return content.decode("utf-16" if is_utf_16 else "utf-8-sig", errors="replace").replace("\r\n", "\n")


def read_toml(path: Path) -> Mapping[str, object]:
    """Read a file that may be missing or may not be valid."""
    try:
        return tomllib.loads(read(path))
    except tomllib.TOMLDecodeError:
        return {}


def table(toml: object, *names: str) -> Mapping[str, object]:
    """Return a table inside a table; empty if there is none."""
    for name in names:
        toml = toml.get(name) if isinstance(toml, dict) else None
    return toml if isinstance(toml, dict) else {}


def text(value: object) -> str:
    """Return a text as one line; empty if the value is not a text."""
    return " ".join(value.split()) if isinstance(value, str) else ""


def texts(value: object) -> tuple[str, ...]:
    """Return the texts in a list; empty if the value is not a list."""
    return tuple(filter(None, map(text, value))) if isinstance(value, list | tuple) else ()
