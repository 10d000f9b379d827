"""What happens to each of the template's files in a repository that was not generated from it."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import PurePosixPath

from formwork.adopting.combining import combined
from formwork.adopting.fitting import has_tests, their_licences
from formwork.adopting.project import Sides
from formwork.errors import refuse
from formwork.merging import Merge, merged
from formwork.repository import File, Repository, Tree

LINK, SUBMODULE = "120000", "160000"
PACKAGE = re.compile(r"src/[^/]+/__init__\.py")  # the template's has a docstring only
OVERRIDING = {  # tools read these instead of what the template has in pyproject.toml
    **dict.fromkeys((".ruff.toml", "ruff.toml"), "[tool.ruff]"),
    **dict.fromkeys((".mypy.ini", "mypy.ini"), "[tool.mypy]"),
}


@dataclass(frozen=True)
class Delivery:
    """What happens to the template's files.

    Attributes:
        rendered: All of them.
        merged: Those that are new, or that conflict as text files do.
        combined: Those in which both sides are, merged by meaning.
        standing: Those that conflict with something that cannot be merged: a link of theirs.
        overriding: Files of the repository that stand in the way of the template's settings, with the settings.
        kept: Those of which the repository keeps its own version, with the reason.
        left_out: Those that are not delivered, with the reason.
    """

    rendered: Tree
    merged: dict[str, File] = field(default_factory=dict)
    combined: dict[str, Sides] = field(default_factory=dict)
    standing: dict[str, File] = field(default_factory=dict)
    overriding: dict[str, str] = field(default_factory=dict)
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
    refuse_other_folders(rendered, folders)
    delivery = Delivery(rendered)
    for path, file in rendered.items():
        if reason := why_left_out(repository, theirs, folders, path, seeds):
            delivery.left_out[path] = reason
        elif path not in theirs:
            delivery.merged[path] = File(file.mode, repository.store_bytes(repository.content(file), new=path))
        elif theirs[path] == file:
            delivery.merged[path] = file
        elif sides := combined(repository, path, theirs[path], file):
            delivery.combined[path] = sides
        elif reason := why_kept(repository, theirs, path, seeds):
            delivery.kept[path] = reason
        elif theirs[path].mode in {LINK, SUBMODULE}:
            delivery.standing[path] = file
        else:
            delivery.merged[path] = file
    has_settings = f"{repository.prefix}pyproject.toml" in rendered
    for name, settings in OVERRIDING.items():
        path = f"{repository.prefix}{name}"
        if has_settings and path in theirs and path not in rendered:
            delivery.overriding[path] = settings
    return delivery


def refuse_other_folders(rendered: Tree, folders: Iterable[str]) -> None:
    """Refuse folders that differ from the template's only in case, since some systems can hold only one of them."""
    spelled = {folder.lower(): folder for folder in folders}
    for path in rendered:
        parts = map(str, PurePosixPath(path).parents)
        others = [other for part in parts if (other := spelled.get(part.lower(), part)) != part]
        refuse(others, f"differs from the folder of the template's {path} only in case: git mv it first")


def why_left_out(repository: Repository, theirs: Tree, folders: set[str], path: str, seeds: set[str]) -> str:
    """Say why a file of the template is left out; empty if it is delivered."""
    name = path.removeprefix(repository.prefix)
    above = next((str(parent) for parent in PurePosixPath(path).parents if str(parent) in theirs), "")
    if above:
        return f"{above} is {kind(theirs[above])} of yours"
    if path in folders:
        return "it is a folder of yours"
    if path not in theirs and (other := next((one for one in theirs if one.lower() == path.lower()), "")):
        return f"{other} is yours"  # some systems can hold only one of them
    if name.startswith("tests/") and name not in seeds and has_tests(theirs):
        return "you have tests, which must run as before"
    licences = their_licences(repository.own_paths(theirs))
    if name == "LICENSE" and path not in theirs and licences:
        return f"{licences[0]} is yours"
    return ""


def why_kept(repository: Repository, theirs: Tree, path: str, seeds: set[str]) -> str:
    """Say why a file of the repository stays as it is; empty if it is merged with the template's."""
    name = path.removeprefix(repository.prefix)
    if name in seeds or name in {"LICENSE", ".dvc/config"} or PACKAGE.fullmatch(name):
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
    changes = {
        path: file
        for path, file in merge.changes.items()
        if path not in clashes or (file and is_theirs_there(repository, theirs[path], file))
    }
    versions = {
        path: {2: theirs[path], 3: file}
        for path, file in (delivery.merged | delivery.standing).items()
        if path in clashes or path in delivery.standing
    }
    versions |= {path: {1: theirs[path], 2: theirs[path]} for path in delivery.overriding}
    for path, sides in delivery.combined.items():
        yours, template = (stored(repository, theirs[path], text) for text in (sides.yours, sides.template))
        changes[path] = stored(repository, theirs[path], with_markers(repository, sides, release))
        if sides.clashes:
            versions[path] = {2: yours, 3: template}
    return replace(merge, changes=changes, conflicts=versions)


def stored(repository: Repository, file: File, text: str) -> File:
    """Store a text in place of a file."""
    return File(file.mode, repository.store_bytes(text.encode()))


def with_markers(repository: Repository, sides: Sides, release: str) -> str:
    """Write both sides into one text, with markers where they differ."""
    if not sides.clashes:
        return sides.yours
    files = {name: repository.scratch / name for name in ("yours", "nothing", "template")}
    for name, text in {"yours": sides.yours, "nothing": "", "template": sides.template}.items():
        files[name].write_text(text, encoding="utf-8", newline="")
    labels = ("-L", "yours", "-L", "nothing", "-L", release)
    command = ("merge-file", "--stdout", "--quiet", *labels, *map(str, files.values()))
    return repository.git(*command, fine=tuple(range(128))).decode()


def is_theirs_there(repository: Repository, yours: File, merged: File) -> bool:
    """Return whether the file equals theirs once the template's side of the conflicts is removed."""
    if yours.mode != merged.mode:
        return False
    return your_side(repository.content(merged)) == repository.content(yours)


def your_side(merged: bytes) -> bytes:
    """Remove the template's side of all conflicts, and the markers."""
    hunk = rb"^<{7} yours\r?\n(.*?)^={7}\r?\n.*?^>{7} [^\n]*\n"
    return re.sub(hunk, lambda sides: sides[1], merged, flags=re.MULTILINE | re.DOTALL)
