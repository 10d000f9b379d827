"""Whether the results in dvc.lock are those of the code and the parameters beside it."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Protocol

from dvc.exceptions import DvcException
from dvc.repo import Repo

from ..base.errors import ProjectError
from ..base.paths import DVC_LOCK

REMEDY = "run `uvx nox -s pipeline`"
NEVER = "it has not run yet"


class _Item(Protocol):
    """A dependency or an output of a stage, as DVC describes it."""

    def_path: str
    fs_path: str
    hash_info: object
    exists: bool
    use_cache: bool

    def status(self) -> Mapping[str, Mapping[str, str]]:
        """Compare the item with what dvc.lock records for it."""


class _Stage(Protocol):
    """A stage, as DVC describes it."""

    addressing: str
    path: str
    cmd_changed: bool
    deps: Sequence[_Item]
    outs: Sequence[_Item]


def compare(root: Path = Path()) -> dict[str, list[str]]:
    """Compare dvc.lock with dvc.yaml, the code, the parameters and the results that are in git.

    The data need not be present: for files that a stage or `dvc add` writes, only the recorded
    hashes are compared.

    Args:
        root: Root of the repository.

    Returns:
        For each stage of dvc.yaml, what has changed since it ran; empty if its results belong to
        the current code and parameters.

    Raises:
        ProjectError: If there has been no run yet, or dvc.yaml or dvc.lock cannot be read.
    """
    if not (root / DVC_LOCK).is_file():
        raise ProjectError(f"there is no {DVC_LOCK} yet: {REMEDY}")
    try:
        with Repo(str(root)) as repo:
            stages: Sequence[_Stage] = repo.index.stages
            written = {out.fs_path: out for stage in stages for out in stage.outs}
            return {
                stage.addressing: list(_changes_of(stage, written))
                for stage in stages
                if Path(stage.path).name == "dvc.yaml"
            }
    except (DvcException, TypeError, ValueError) as error:
        reason = " ".join(str(error).split())
        raise ProjectError(f"dvc.yaml or {DVC_LOCK} cannot be read: {reason}") from error


def changes(root: Path = Path()) -> list[str]:
    """List what has changed since the last run, one line for each change: see `compare`."""
    return [f"stage {name}: {what}" for name, found in compare(root).items() for what in found]


def _changes_of(stage: _Stage, written: Mapping[str, _Item]) -> Iterator[str]:
    if not any(item.hash_info for item in (*stage.deps, *stage.outs)):
        yield NEVER
        return
    if stage.cmd_changed:
        yield "its command has changed"
    for dep in stage.deps:
        if hasattr(dep, "params"):
            for file, params in dep.status().items():
                yield from (f"{name} in {file} has changed" for name in params)
        elif not dep.hash_info:
            yield f"{dep.def_path} is new in dvc.yaml"
        elif dep.fs_path in written:
            if dep.hash_info != written[dep.fs_path].hash_info:
                yield f"{dep.def_path} has been written again since"
        elif dep.exists and dep.status():
            yield f"{dep.def_path} has changed"
        elif not dep.exists and dep.def_path.startswith("src/"):
            yield f"{dep.def_path} is gone"
    for out in stage.outs:
        if not out.hash_info:
            yield f"{out.def_path} is new in dvc.yaml"
        elif not out.use_cache and out.status():
            yield f"{out.def_path} is not what the run wrote"
