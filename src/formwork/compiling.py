"""Compile each text of a template once, though a release is rendered twice and shares most texts with the next one."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from jinja2 import Environment

# The settings of Jinja that decide what a text means; the extensions are the same in each render.
SYNTAX = (
    "block_start_string",
    "block_end_string",
    "variable_start_string",
    "variable_end_string",
    "comment_start_string",
    "comment_end_string",
    "line_statement_prefix",
    "line_comment_prefix",
    "trim_blocks",
    "lstrip_blocks",
    "newline_sequence",
    "keep_trailing_newline",
)

_compile = Environment.compile
_compiled: dict[tuple[object, ...], Any] = {}


def _compile_once(environment: Environment, source: Any, *arguments: Any, **options: Any) -> Any:  # noqa: ANN401
    syntax = (getattr(environment, name) for name in SYNTAX)
    key = (type(environment), *syntax, source, arguments, *sorted(options.items()))
    if key not in _compiled:
        _compiled[key] = _compile(environment, source, *arguments, **options)
    return _compiled[key]


@contextmanager
def compiled_once() -> Iterator[None]:
    """Let Jinja keep what it has compiled: that takes half of the time of a render, and Jinja caches no texts."""
    Environment.compile = _compile_once  # type: ignore[assignment, method-assign]
    try:
        yield
    finally:
        Environment.compile = _compile  # type: ignore[method-assign]
