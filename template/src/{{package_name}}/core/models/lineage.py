"""Where a model came from, and what git says of the files that made it."""

import getpass
import subprocess
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

CLEAN, UNCLEAN, UNKNOWN = "clean", "unclean", "unknown"


@dataclass(frozen=True)
class Lineage:
    """Where a model came from; each value can be derived again from the repository.

    Attributes:
        key: SHA-256 of what dvc.lock records of the stages that the model depends on.
        git_commit: The commit of the working tree; `unknown` if git does not name one.
        git_state: `clean` if the working tree equals that commit, `unclean` if it does not, and
            `unknown` if git does not say.
        data_hash: Hash of the raw data, as DVC records it.
        uv_lock_sha256: SHA-256 of uv.lock at the time of training; empty if there was none.
        model_sha256: SHA-256 of the model file.
    """

    key: str
    git_commit: str
    git_state: str
    data_hash: str
    uv_lock_sha256: str
    model_sha256: str

    def tags(self) -> dict[str, str]:
        """Return the values as tags of a model version."""
        return asdict(self)


def commit_of(files: Iterable[str]) -> tuple[str, str]:
    """Name the commit, and say whether it holds the working tree and these files as they are.

    `git status` shows neither edits that git was told to overlook nor files that it ignores.
    """
    commit = git("rev-parse", "--verify", "--quiet", "HEAD")
    status = git("status", "--porcelain", "--untracked-files=all", "--", ".")
    listed = git("ls-files", "-v", "--", ".")
    if commit is None or status is None or listed is None:
        return UNKNOWN, UNKNOWN
    flags = ((line[0], Path(line[2:])) for line in listed.splitlines())
    hidden = any(flag.islower() or (flag == "S" and file.exists()) for flag, file in flags)
    files = sorted(files)
    here = git("hash-object", "--", *files)
    there = git("rev-parse", *(f"HEAD:./{file}" for file in files))
    is_clean = not status and not hidden and here is not None and here == there
    return commit, CLEAN if is_clean else UNCLEAN


def who() -> str:
    """Name the person at this machine: as in commits, or else their account."""
    try:
        return git("config", "user.name") or getpass.getuser()
    except (KeyError, OSError):  # an account that only has a number
        return UNKNOWN


def git(*arguments: str) -> str | None:
    """Return what git prints in the working directory, None if it fails or is missing."""
    try:
        done = subprocess.run(
            ["git", *arguments], capture_output=True, encoding="utf-8", check=False
        )
    except OSError:
        return None
    return done.stdout.strip() if done.returncode == 0 else None
