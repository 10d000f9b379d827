"""Refuse repositories in which an update, or undoing it, might lose something."""

import os
import shutil
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

from formwork import git
from formwork.errors import FormworkError, refuse
from formwork.repository import MARK, Repository

HIDDEN = "hidden edits: git update-index --no-skip-worktree --no-assume-unchanged FILE"
IN_PROGRESS = {
    "MERGE_HEAD": "a merge is in progress: finish it, or git merge --abort",
    "CHERRY_PICK_HEAD": "a cherry-pick is in progress: finish it, or git cherry-pick --abort",
    "REVERT_HEAD": "a revert is in progress: finish it, or git revert --abort",
    "rebase-merge": "a rebase is in progress: finish it, or git rebase --abort",
    "rebase-apply": "a rebase is in progress: finish it, or git rebase --abort (git am --abort)",
    "index.lock": "git is at work here: wait for it, or delete .git/index.lock if it is not",
}


def refuse_unless_ready(repository: Repository) -> None:
    """Refuse whatever an update, or `git reset --hard` after it, might lose.

    Raises:
        FormworkError: If there is any such thing; the message names it.
    """
    changed = refuse_unfinished(repository)
    refuse(changed, "not committed: commit or stash first")
    rejected = repository.git("ls-files", "-z", "--cached", "--others", "--", "*.rej", ":!.venv")
    refuse(git.paths_in(rejected), "left over: carry over what these hold and delete them")
    refuse(hidden_edits(repository), HIDDEN)


def refuse_unfinished(repository: Repository) -> list[str]:
    """Refuse a repository in which something is half done, and return the paths that are not committed.

    Raises:
        FormworkError: If a merge or the like is in progress, or a file is in conflict.
    """
    status = repository.git("status", "--porcelain", "-z", "--untracked-files=no", "--no-renames")
    changed = git.paths_in(status)
    refuse_half_an_update(repository, has_changes=bool(changed))
    for name, reason in IN_PROGRESS.items():
        if (repository.folder / name).exists():
            raise FormworkError(reason)
    unmerged = [path[3:] for path in changed if "U" in path[:2] or path[:2] in ("AA", "DD")]
    refuse(unmerged, "in conflict: resolve it and git add it, or git reset --hard")
    return [path[3:] for path in changed]


def refuse_changed(repository: Repository, touched: Iterable[str], *, since: str = "HEAD") -> None:
    """Refuse files that are to be changed, but have changes of yours.

    Args:
        repository: The repository.
        touched: The paths that are to be changed.
        since: `HEAD`, or empty for the index: what is staged is fine then.

    Raises:
        FormworkError: If there are any; the message names them.
    """
    listed = repository.git("diff", "--name-only", "-z", "--no-renames", *([since] if since else []))
    wanted = {*touched}
    refuse(wanted & {*hidden_edits(repository)}, HIDDEN)
    changed = wanted & {*git.paths_in(listed)}
    refuse(
        changed, "not committed: commit or stash first" if since else "edited and not staged: git add or stash first"
    )


def refuse_half_an_update(repository: Repository, *, has_changes: bool) -> None:
    """Refuse what an interrupted update has left behind, and forget the update once it is undone."""
    mark = repository.folder / MARK
    if not mark.exists():
        return
    release = mark.read_text(encoding="utf-8")
    is_update = release not in ("add", "remove")
    if has_changes and not is_update:
        message = f"a crash has interrupted `{release}`: undo what git status shows of it, then delete {mark}"
        raise FormworkError(message)
    if has_changes:
        message = f"the update to {release} was interrupted: run git reset --hard, then update again"
        raise FormworkError(message)
    undone, over = f"the interrupted update to {release} is undone", f"nothing is left of an interrupted `{release}`"
    print(f"note: {undone if is_update else over}")
    mark.unlink()


def hidden_edits(repository: Repository) -> list[str]:
    """Find edits that git was told to overlook."""
    listed = git.paths_in(repository.git("ls-files", "-v", "-z"))
    hidden = [line[2:] for line in listed if line[0] == "S" or line[0].islower()]
    if not hidden:
        return []
    index = Path(shutil.copy(repository.folder / "index", repository.scratch / "hidden.index"))
    for flag in ("--no-skip-worktree", "--no-assume-unchanged"):
        repository.git("update-index", flag, "-z", "--stdin", stdin=git.joined(hidden), index=index)
    repository.git("update-index", "-q", "--refresh", index=index, fine=(0, 1))
    edited = git.paths_in(repository.git("diff-files", "--name-only", "-z", index=index))
    sparse = {line[2:] for line in listed if line[0] == "S"}
    return [path for path in edited if os.path.lexists(repository.top / path) or path not in sparse]


def refuse_in_the_way(repository: Repository, written: Iterable[str]) -> None:
    """Refuse untracked files, including ignored ones, where files are to be written, and folders that are read-only.

    Raises:
        FormworkError: If there are any; the message names them.
    """
    written = list(written)
    places = {next(folder for folder in (repository.top / path).parents if folder.is_dir()) for path in written}
    read_only = [str(folder) for folder in places if not os.access(folder, os.W_OK)]
    refuse(read_only, "read-only, and files are to be written there: chmod u+w it first")
    tracked = set(git.paths_in(repository.git("ls-files", "-z")))
    new = [path for path in written if path not in tracked]
    above = {str(parent) for path in new for parent in PurePosixPath(path).parents}
    candidates = [
        path for path in {*new, *above} - tracked if in_the_way(repository.top / path, of_folder=path in above)
    ]
    if folders := [path for path in new if (repository.top / path).is_dir()]:
        candidates += git.paths_in(repository.git("ls-files", "-z", "--others", "--", *folders))
    refuse(candidates, "in the way of new files, and not in git: commit, move or delete")


def in_the_way(path: Path, *, of_folder: bool) -> bool:
    """Return whether something else is where a file or a folder must be."""
    return path.is_symlink() or (path.exists() and not (of_folder and path.is_dir()))
