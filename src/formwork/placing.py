"""Putting a merge into place, so that `git reset --hard` undoes it at any moment."""

import shutil
from pathlib import Path

from formwork import git
from formwork.merging import Merge
from formwork.repository import MARK, Repository, index_lines, stage_lines


def put_into_place(repository: Repository, merge: Merge, name: str) -> None:
    """Change the index in one step, then the files: `git reset --hard` undoes both."""
    scratch = repository.folder / f"{MARK}.d"
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir()
    (repository.folder / MARK).write_text(name, encoding="utf-8")
    plain, staged = scratch / "plain", scratch / "staged"
    shutil.copy(repository.folder / "index", plain)
    info = ("update-index", "-z", "--index-info")
    repository.git(*info, stdin=index_lines(merge.changes), index=plain)
    shutil.copy(plain, staged)
    repository.git(*info, stdin=stage_lines(merge.conflicts), index=staged)
    staged.replace(repository.folder / "index")
    for path in merge.removed:
        remove(repository.top, path)
    repository.git("checkout-index", "--force", "-z", "--stdin", stdin=git.joined(merge.written), index=plain)
    (repository.folder / MARK).unlink()
    shutil.rmtree(scratch)


def remove(top: Path, path: str) -> None:
    """Remove a file, and the folders that are empty afterwards."""
    file = top / path
    file.unlink(missing_ok=True)
    for folder in file.parents:
        if folder == top or any(folder.iterdir()):
            break
        folder.rmdir()
