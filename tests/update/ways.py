"""Both ways to update, as users take them."""

import sys
from collections.abc import Callable
from pathlib import Path

from tests.harness import AUTHOR, Doors, git, run

ANSWERS = {"author_name": "Jane", "description": "Old words.", "repository_url": "https://github.com/example/wine"}
WAYS: dict[str, list[str]] = {
    "merge": ["-m", "formwork", "update"],
    "plain": ["-m", "copier", "update", "--defaults"],
}

Begin = Callable[..., Path]


def update(repository: Path, doors: Doors, way: str, target: str, *more: str, check: bool = True, **env: str) -> str:
    """Update as a user would, without trusting the template, and return all of the output."""
    to = [target] if way == "merge" else ["--vcs-ref", target]
    command = [sys.executable, *WAYS[way], *to, *more]
    done = run(*command, cwd=repository, env=doors.env | AUTHOR | env, check=check)
    return done.stdout + done.stderr


def conflicts(repository: Path) -> set[str]:
    """Return the files that are unmerged."""
    return set(git(repository, "diff", "--name-only", "--diff-filter=U").splitlines())
