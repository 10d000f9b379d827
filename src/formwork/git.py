"""Running git, whatever the settings and the environment of the person who runs this."""

import os
import re
import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TypedDict, Unpack

from formwork.errors import FormworkError, in_one_line

# What git does must depend neither on the user's settings nor on their hooks.
SETTINGS: Mapping[str, str] = {
    "core.hooksPath": os.devnull,
    "core.fsmonitor": "false",
    "core.safecrlf": "false",
    "core.splitIndex": "false",
    "merge.renames": "true",
    "merge.directoryRenames": "true",
    "merge.renameLimit": "0",
    "merge.conflictStyle": "merge",
}
# Variables that point git to another repository, as a hook of git sets them.
ELSEWHERE = re.compile(
    r"GIT_(DIR|WORK_TREE|INDEX_FILE|PREFIX|COMMON_DIR|NAMESPACE|.*OBJECT_DIRECTORIES|OBJECT_DIRECTORY)"
)
# The author of commits that are on no branch: always the same, so that their hashes are the same, too.
NOBODY: Mapping[str, str] = {
    f"GIT_{person}_{detail}": value
    for person in ("AUTHOR", "COMMITTER")
    for detail, value in (("NAME", "update"), ("EMAIL", "update@localhost"), ("DATE", "@0 +0000"))
}


def environment() -> dict[str, str]:
    """Return the environment of this process without the variables that point git to another repository."""
    kept = {name: value for name, value in os.environ.items() if not ELSEWHERE.fullmatch(name)}
    return kept | {"LC_ALL": "C"}


def run(
    folder: Path,
    *arguments: str,
    env: Mapping[str, str] | None = None,
    stdin: bytes = b"",
    fine: tuple[int, ...] = (0,),
    settings: Mapping[str, str] = SETTINGS,
) -> bytes:
    """Run git in a folder and return what it prints.

    Args:
        folder: Where git runs.
        arguments: The command and its options.
        env: The environment; by default `environment()`.
        stdin: What git reads.
        fine: The exit statuses that are not errors.
        settings: Settings of git that override all others.

    Raises:
        FormworkError: If git ends with another exit status, or is not installed.
    """
    configured = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
    command = ["git", *configured, *arguments]
    env = environment() if env is None else env
    try:
        done = subprocess.run(command, cwd=folder, env=env, input=stdin, capture_output=True, check=False)
    except FileNotFoundError as error:
        message = "git is not installed" if folder.is_dir() else f"{folder}: there is no such folder"
        raise FormworkError(message) from error
    if done.returncode not in fine:
        message = f"git {arguments[0]}: {in_one_line(done.stderr.decode(errors='replace'))}"
        raise FormworkError(message)
    return done.stdout


class Options(TypedDict, total=False):
    """The options of `run`."""

    env: Mapping[str, str] | None
    stdin: bytes
    fine: tuple[int, ...]
    settings: Mapping[str, str]


def text(folder: Path, *arguments: str, **options: Unpack[Options]) -> str:
    """Run git as `run` does, and return what it prints as a text without white space around it."""
    return os.fsdecode(run(folder, *arguments, **options)).strip()


def paths_in(output: bytes, *, keep_empty: bool = False) -> list[str]:
    """Split what git prints with `-z`."""
    return [word for word in os.fsdecode(output).split("\0") if word or keep_empty]


def joined(lines: Iterable[str]) -> bytes:
    """Write what git reads with `-z`."""
    return b"".join(os.fsencode(line) + b"\0" for line in lines)
