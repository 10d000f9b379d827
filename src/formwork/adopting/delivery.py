"""What happens to each of the template's files in a repository that was not generated from it."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import PurePosixPath

from formwork.adopting.fitting import has_tests, their_licences
from formwork.errors import refuse
from formwork.merging import Merge, merged
from formwork.repository import File, Repository, Tree

LINK, SUBMODULE = "120000", "160000"


@dataclass(frozen=True)
class Delivery:
    """What happens to the template's files.

    Attributes:
        rendered: All of them.
        merged: Those that are new, or that conflict as text files do.
        standing: Those that conflict with something that cannot be merged: a link of theirs.
        kept: Those of which the repository keeps its own version, with the reason.
        left_out: Those that are not delivered, with the reason.
    """

    rendered: Tree
    merged: dict[str, File] = field(default_factory=dict)
    standing: dict[str, File] = field(default_factory=dict)
    kept: dict[str, str] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)


def sort_out(repository: Repository, theirs: Tree, rendered: Tree, seeds: set[str]) -> Delivery:
    """Decide what is merged and what is not.

    Args:
        repository: The repository.
        theirs: What is committed in it.
        rendered: The template's files.
        seeds: The files that belong to the owner once they are delivered.
    """
    folders = {str(parent) for path in theirs for parent in PurePosixPath(path).parents}
    refuse_other_spellings(rendered, [*theirs, *folders])
    delivery = Delivery(rendered)
    for path, file in rendered.items():
        if reason := why_left_out(repository, theirs, folders, path, seeds):
            delivery.left_out[path] = reason
        elif path not in theirs or theirs[path] == file:
            delivery.merged[path] = file
        elif reason := why_kept(repository, theirs, path, seeds):
            delivery.kept[path] = reason
        elif theirs[path].mode in {LINK, SUBMODULE}:
            delivery.standing[path] = file
        else:
            delivery.merged[path] = file
    return delivery


def refuse_other_spellings(rendered: Tree, theirs: Iterable[str]) -> None:
    """Refuse paths that differ from the template's only in case, since some systems can hold only one of them."""
    spelled = {path.lower(): path for path in theirs}
    for path in rendered:
        parts = (path, *map(str, PurePosixPath(path).parents))
        others = [other for part in parts if (other := spelled.get(part.lower(), part)) != part]
        refuse(others, f"differs from the template's {path} only in case: git mv it first")


def why_left_out(repository: Repository, theirs: Tree, folders: set[str], path: str, seeds: set[str]) -> str:
    """Say why a file of the template is left out; empty if it is delivered."""
    name = path.removeprefix(repository.prefix)
    above = next((str(parent) for parent in PurePosixPath(path).parents if str(parent) in theirs), "")
    if above:
        return f"{above} is {kind(theirs[above])} of yours"
    if path in folders:
        return "it is a folder of yours"
    if name.startswith("tests/") and name not in seeds and has_tests(theirs):
        return "you have tests, which must run as before"
    licences = their_licences(repository.own_paths(theirs))
    if name == "LICENSE" and path not in theirs and licences:
        return f"{licences[0]} is yours"
    return ""


def why_kept(repository: Repository, theirs: Tree, path: str, seeds: set[str]) -> str:
    """Say why a file of the repository stays as it is; empty if it is merged with the template's."""
    name = path.removeprefix(repository.prefix)
    if name in seeds or name == "LICENSE":
        return "yours"
    return "yours, which is empty" if is_empty(repository, theirs[path]) else ""


def kind(file: File) -> str:
    """Name the kind of a file, for people."""
    return {LINK: "a link", SUBMODULE: "a submodule"}.get(file.mode, "a file")


def is_empty(repository: Repository, file: File) -> bool:
    """Return whether a file is empty."""
    return file.mode.startswith("100") and not repository.content(file)


def merge_beside(repository: Repository, theirs: Tree, delivery: Delivery, release: str) -> Merge:
    """Merge, but leave a file alone if not all of its bytes would be on its side of the markers.

    This is the case for binary files, for which git has no markers; for a last line without a line end; for lines that
    look like markers; and where an attribute such as `merge=union` applies.
    """
    merge = merged(repository, {}, delivery.merged, release)
    clashes = {path for path in delivery.merged if path in theirs and theirs[path] != delivery.merged[path]}
    changes: Mapping[str, File | None] = {
        path: file
        for path, file in merge.changes.items()
        if path not in clashes or (file and is_theirs_there(repository, theirs[path], file))
    }
    versions = {
        path: {2: theirs[path], 3: file}
        for path, file in (delivery.merged | delivery.standing).items()
        if path in clashes or path in delivery.standing
    }
    return replace(merge, changes=changes, conflicts=versions)


def is_theirs_there(repository: Repository, yours: File, merged: File) -> bool:
    """Return whether the file equals theirs once the template's side of the conflicts is removed."""
    if yours.mode != merged.mode:
        return False
    return your_side(repository.content(merged)) == repository.content(yours)


def your_side(merged: bytes) -> bytes:
    """Remove the template's side of all conflicts, and the markers."""
    hunk = rb"^<{7} yours\r?\n(.*?)^={7}\r?\n.*?^>{7} [^\n]*\n"
    return re.sub(hunk, lambda sides: sides[1], merged, flags=re.MULTILINE | re.DOTALL)
