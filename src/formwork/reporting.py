"""What an update says about each file that the release changes."""

import os
from collections.abc import Iterator

from formwork.merging import Merge
from formwork.rendering import Renders
from formwork.repository import File, Repository

DISAGREEMENTS = {
    frozenset({1, 2, 3}): "you and the release changed the same lines",
    frozenset({2, 3}): "you and the release added it",
}


def summary(repository: Repository, renders: Renders, merge: Merge) -> Iterator[str]:
    """Yield a line for each answer that is new, and for each file that the release changes."""
    yield from (line("answer", f"{name} = {answer}") for name, answer in sorted(renders.answers.items()))
    yield from changed_files(repository, renders, merge)
    yield from kept_files(repository, renders, merge)
    for path, stages in sorted(merge.conflicts.items()):
        reason = DISAGREEMENTS.get(frozenset(stages), "you and the release moved or replaced it")
        yield line("conflict", shown(repository, path), f"({reason})")


def changed_files(repository: Repository, renders: Renders, merge: Merge) -> Iterator[str]:
    """Yield a line for each file that the update writes, moves or removes without a conflict."""
    for path, file in sorted(merge.changes.items()):
        if path in merge.conflicts or path in merge.moves.values():
            continue
        here = shown(repository, path)
        if path in merge.moves:
            yield line("moved", shown(repository, merge.moves[path]), f"-> {here}")
        elif file is None:
            yield line("removed", here)
        elif file != renders.merged.get(path):
            yield line("merged", here)
        else:
            yield line("added" if path in merge.added else "updated", here)


def kept_files(repository: Repository, renders: Renders, merge: Merge) -> Iterator[str]:
    """Yield a line for each file that stays as it is although the release changes it."""
    for path in sorted({*renders.old, *renders.new}):
        old, new = renders.old.get(path), renders.new.get(path)
        if old == new or (new == renders.merged.get(path) and path not in merge.held_back):
            continue
        kept = "kept" if os.path.lexists(repository.top / path) else "kept deleted"
        yield line(kept, shown(repository, path), f"({what_changed(repository, old, new)})")
    for path in sorted(merge.held_back - {*renders.old, *renders.new}):
        yield line("kept", shown(repository, path), "(you have moved it; no longer of the template)")


def what_changed(repository: Repository, old: File | None, new: File | None) -> str:
    """Say what the release did to a file that stays as it is, and how to see it."""
    if new is None:
        return "no longer of the template"
    what = "the release changes it" if old else "the release has it"
    if not repository.keeps_objects:
        return what
    blobs = " ".join(file.blob[:12] for file in (old, new) if file)
    return f"{what}: git {'diff' if old else 'show'} {blobs}"


def line(what: str, path: str, more: str = "") -> str:
    """Format a line: a word, a path and what there is to say about it."""
    return f"  {what:13}{path} {more}".rstrip()


def shown(repository: Repository, path: str) -> str:
    """Return a path as it is seen from the folder that is updated."""
    return path.removeprefix(repository.prefix)
