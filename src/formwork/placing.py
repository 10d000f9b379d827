"""Putting a merge into place, so that `git reset --hard` undoes it at any moment.

`python -m formwork.placing` does so in a process of its own: see `put_all_into_place`.
"""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from formwork import git
from formwork.errors import FormworkError, in_one_line, reported
from formwork.merging import Merge
from formwork.repository import MARK, File, Repository


def put_into_place(repository: Repository, merge: Merge, name: str) -> None:
    """Change the index in one step, then the files: `git reset --hard` undoes both.

    Raises:
        FormworkError: If another program has changed the index meanwhile, or is changing it; nothing is done then.
    """
    scratch = repository.folder / f"{MARK}.d"
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir()
    index, plain, staged = repository.folder / "index", scratch / "plain", scratch / "staged"
    before = index.read_bytes()
    plain.write_bytes(before)
    info = ("update-index", "-z", "--index-info")
    repository.git(*info, stdin=repository.index_lines(merge.changes), index=plain)
    shutil.copy(plain, staged)
    repository.git(*info, stdin=repository.stage_lines(merge.conflicts), index=staged)
    (repository.folder / MARK).write_text(name, encoding="utf-8")
    if not exchanged(index, before, staged.read_bytes()):
        (repository.folder / MARK).unlink()
        shutil.rmtree(scratch)
        raise FormworkError("another git command ran here at the same time, so nothing was done: try again")
    for path in merge.removed:
        remove(repository.top, path)
    repository.git("checkout-index", "--force", "-z", "--stdin", stdin=git.joined(merge.written), index=plain)
    (repository.folder / MARK).unlink()
    shutil.rmtree(scratch)


def exchanged(index: Path, before: bytes, after: bytes) -> bool:
    """Exchange the index as git does, by way of a lock, unless it has changed or is being changed."""
    lock = index.with_name("index.lock")
    try:
        with lock.open("xb") as file:
            file.write(after)
    except FileExistsError:
        return False
    if index.read_bytes() != before:
        lock.unlink()
        return False
    lock.replace(index)
    return True


def put_all_into_place(repository: Repository, merge: Merge, name: str) -> None:
    """Put a merge into place in another process, which ends its work even if this one is killed.

    So the result is either complete or not begun, and nothing that is not committed has to be given up to undo it.

    Raises:
        FormworkError: If that process fails.
    """
    places = [str(place) for place in (repository.top, repository.folder, repository.scratch)]
    order = {"places": places, "prefix": repository.prefix, "env": repository.env, "name": name}
    order |= {"nothing": repository.nothing, "changes": merge.changes, "conflicts": merge.conflicts}
    told, errors = repository.scratch / "order.json", repository.scratch / "errors"
    told.write_text(json.dumps(order), encoding="utf-8")
    with told.open("rb") as stdin, errors.open("wb") as stderr:
        # It inherits the lock of `add`, which is free once it has ended.
        command = [sys.executable, "-P", "-m", "formwork.placing"]
        process = subprocess.Popen(command, stdin=stdin, stderr=stderr, start_new_session=True, close_fds=False)
        try:
            process.wait()
        except KeyboardInterrupt:
            process.wait()
            raise
    if process.returncode:
        said = in_one_line(errors.read_text(encoding="utf-8", errors="replace")).removeprefix("error: ")
        began = (repository.folder / MARK).exists()
        raise FormworkError(f"not everything is in place, see git status: {said}" if began else said)


def main() -> int:
    """Put the merge that the standard input describes into place."""
    order: dict[str, Any] = json.load(sys.stdin)
    top, folder, scratch = map(Path, order["places"])
    changes = {path: File(*file) if file else None for path, file in order["changes"].items()}
    conflicts = {
        path: {int(stage): File(*file) for stage, file in stages.items()} for path, stages in order["conflicts"].items()
    }
    merge = Merge(changes, conflicts, held_back=set(), added=set(), moves={})
    repository = Repository(top, order["prefix"], folder, scratch, order["env"], nothing=order["nothing"])
    put_into_place(repository, merge, order["name"])
    return 0


def remove(top: Path, path: str) -> None:
    """Remove a file, and the folders that are empty afterwards."""
    file = top / path
    file.unlink(missing_ok=True)
    for folder in file.parents:
        if folder == top or any(folder.iterdir()):
            break
        folder.rmdir()


if __name__ == "__main__":
    sys.exit(reported(main))
