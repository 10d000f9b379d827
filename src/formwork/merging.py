"""The merge: the difference between two trees, brought into HEAD by git."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import PurePosixPath

from formwork import git
from formwork.repository import File, Repository, Tree
from formwork.toml_merging import is_toml, merged_toml

ONE_SIDED = {"CONFLICT (modify/delete)", "CONFLICT (rename/delete)"}


@dataclass(frozen=True)
class Merge:
    """The outcome of a merge.

    Attributes:
        changes: Each path that changes, and what it holds afterwards; None if it is gone.
        conflicts: The versions of each path in conflict: 1 before, 2 yours, 3 the release's.
        held_back: Paths that the user has deleted and the release changes, or the other way round.
        added: Paths that are new.
        moves: The new path of each file that moves, and its old one.
    """

    changes: Mapping[str, File | None]
    conflicts: Mapping[str, Mapping[int, File]]
    held_back: set[str]
    added: set[str]
    moves: Mapping[str, str]

    @property
    def written(self) -> list[str]:
        """The paths of the files that are written."""
        return [path for path, file in self.changes.items() if file]

    @property
    def removed(self) -> list[str]:
        """The paths of the files that are removed."""
        return [path for path, file in self.changes.items() if file is None]


def merged(repository: Repository, old: Tree, new: Tree, name: str, *, moves_own_files: bool = False) -> Merge:
    """Merge the difference between two trees into ours, touching neither index nor files.

    Args:
        repository: The repository.
        old: The tree that ours has in common with the new one.
        new: The tree to merge.
        name: The name of the new tree in the markers of a conflict.
        moves_own_files: Whether a file that is only in ours moves along if the new tree moves its folder.
    """
    base = repository.store_commit(repository.store_tree(old))
    ours = repository.store_commit(repository.ours, base)
    theirs = repository.store_commit(repository.store_tree(new), base)
    command = ("merge-tree", "--write-tree", "-z", "--messages")
    tree, stages, kinds = parse_merge(repository.git(*command, ours, theirs, fine=(0, 1)))
    changes, added, moves = difference(repository, tree)
    if not moves_own_files:
        for path in [path for path, place in moves.items() if place not in old and path not in stages]:
            del changes[path], changes[moves.pop(path)]
    held_back = {path for path in stages if kinds[path] <= ONE_SIDED and not {2, 3} <= set(stages[path])}
    for path in held_back:
        changes.pop(path, None)
    labels = {ours: "yours", theirs: name}
    conflicts = {relabelled(path, labels): stages[path] for path in stages if path not in held_back}
    labelled = {
        relabelled(path, labels): relabelled_file(repository, file, labels) if path in stages else file
        for path, file in changes.items()
    }
    return Merge(labelled, conflicts, held_back, added, moves)


def without_removed_folders(repository: Repository, merge: Merge, old: Tree) -> Merge:
    """Hold back new files of a folder that you have removed, with all that the release had in it."""
    removed = {str(PurePosixPath(path).parent) for path in old}
    removed -= {str(folder) for path in repository.committed() for folder in PurePosixPath(path).parents}
    back = {path for path in merge.added if str(PurePosixPath(path).parent) in removed and path not in merge.moves}
    changes = {path: file for path, file in merge.changes.items() if path not in back}
    return replace(merge, changes=changes, held_back=merge.held_back | back, added=merge.added - back)


def with_merged_toml(repository: Repository, merge: Merge, old: Tree, new: Tree) -> Merge:
    """Merge pyproject.toml by meaning where its lines are in conflict, or would no longer be TOML."""
    path = f"{repository.prefix}pyproject.toml"
    file, ours = merge.changes.get(path), repository.committed()
    if not file or any(path not in tree for tree in (old, ours, new)):
        return merge
    if path not in merge.conflicts and is_toml(text_of(repository, file)):
        return merge
    text = merged_toml(*(text_of(repository, tree[path]) for tree in (old, ours, new)))
    if text is None:
        return merge
    changes = {**merge.changes, path: File(ours[path].mode, repository.store_bytes(text.encode()))}
    conflicts = {name: stages for name, stages in merge.conflicts.items() if name != path}
    return replace(merge, changes=changes, conflicts=conflicts)


def text_of(repository: Repository, file: File) -> str:
    """Read a text from git's store."""
    return repository.content(file).decode(errors="replace")


def parse_merge(output: bytes) -> tuple[str, dict[str, dict[int, File]], dict[str, set[str]]]:
    """Parse what `git merge-tree` prints: the tree, the versions of conflicts, and their kinds."""
    words = iter(git.paths_in(output, keep_empty=True))
    tree = next(words)
    stages: dict[str, dict[int, File]] = {}
    kinds: dict[str, set[str]] = {}
    for word in iter(lambda: next(words, ""), ""):
        details, _, path = word.partition("\t")
        mode, blob, stage = details.split()
        stages.setdefault(path, {})[int(stage)] = File(mode, blob)
    for count in iter(lambda: next(words, ""), ""):
        paths = [next(words) for _ in range(int(count))]
        kind, _message = next(words), next(words)
        for path in paths if kind.startswith("CONFLICT") else []:
            kinds.setdefault(path, set()).add(kind)
    return tree, stages, {path: kinds.get(path, {"CONFLICT"}) for path in stages}


def difference(repository: Repository, tree: str) -> tuple[dict[str, File | None], set[str], dict[str, str]]:
    """Compare our tree with another: what each path holds there, which paths are new, and what moves."""
    raw = iter(git.paths_in(repository.git("diff-tree", "-r", "-z", "--no-renames", repository.ours, tree)))
    changes: dict[str, File | None] = {}
    added = set()
    for (_, mode, _, blob, status), path in ((line.split(), next(raw)) for line in raw):
        changes[path] = None if status == "D" else File(mode, blob)
        added |= {path} if status == "A" else set()
    command = ("diff-tree", "-r", "-z", "-M", "--diff-filter=R", "--name-status", repository.ours, tree)
    moved = iter(git.paths_in(repository.git(*command)))
    return changes, added, {new: old for _, old, new in zip(moved, moved, moved, strict=True)}


def relabelled(text: str, labels: Mapping[str, str]) -> str:
    """Replace the hashes of commits that git has written with names."""
    for commit, name in labels.items():
        text = text.replace(commit, name)
    return text


def relabelled_file(repository: Repository, file: File | None, labels: Mapping[str, str]) -> File | None:
    """Name both sides of each conflict in the markers of a file."""
    if file is None or file.mode == "160000":
        return file
    text = relabelled(os.fsdecode(repository.content(file)), labels)
    return File(file.mode, repository.store_bytes(os.fsencode(text)))
