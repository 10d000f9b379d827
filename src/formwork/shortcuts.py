"""What a render into a folder of its own can do without, which is more than half of copier's time."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from copier import run_copy
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

ASKS_GIT = "is_git_available"  # what copier calls for each file; if it no longer does, it is only slower

_compile = Environment.compile
_compiled: dict[tuple[object, ...], Any] = {}


def _compile_once(environment: Environment, source: Any, *arguments: Any, **options: Any) -> Any:  # noqa: ANN401
    syntax = (getattr(environment, name) for name in SYNTAX)
    key = (type(environment), *syntax, source, arguments, *sorted(options.items()))
    if key not in _compiled:
        _compiled[key] = _compile(environment, source, *arguments, **options)
    return _compiled[key]


@contextmanager
def shortcuts() -> Iterator[None]:
    """Let Jinja keep what it has compiled, and copier not ask git about each file.

    A release is rendered twice, and shares most texts with the next one; Jinja itself caches no texts. And copier asks
    for each file whether git ignores its mode, which matters only in a repository.
    """
    Environment.compile = _compile_once  # type: ignore[assignment, method-assign]
    copying = sys.modules[run_copy.__module__]
    has_git = getattr(copying, ASKS_GIT, None)
    setattr(copying, ASKS_GIT, lambda: False)
    try:
        yield
    finally:
        Environment.compile = _compile  # type: ignore[method-assign]
        setattr(copying, ASKS_GIT, has_git)
