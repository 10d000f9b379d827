"""The last run of the pipeline."""

import json
from collections.abc import Iterator, Mapping
from hashlib import md5, sha256
from pathlib import Path, PurePosixPath
from typing import Any

import yaml

from ..base import paths
from ..base.errors import ProjectError
from ..base.estimators import recorded_lock
from ..base.settings import flat
from . import freshness
from .lineage import Lineage, commit_of

Entry = Mapping[str, Any]  # what dvc.lock records for a stage


class Run:
    """The last run of the pipeline, as dvc.lock recorded it.

    Attributes:
        model: The file of the model.
    """

    def __init__(self, of: str = "") -> None:
        """Read dvc.lock.

        Args:
            of: Name of a further model.

        Raises:
            ProjectError: If the pipeline has not run, or if its results do not belong to the code
                and the parameters in the tree.
        """
        self._of = paths.Files.of(of)
        changes = freshness.compare()
        locked = yaml.safe_load(paths.DVC_LOCK.read_text(encoding="utf-8"))["stages"]
        # dvc.lock keeps entries of stages that dvc.yaml no longer has.
        self._stages: Mapping[str, Entry] = {
            name: entry for name, entry in locked.items() if name in changes
        }
        self.model = self._model_file()
        self._ancestry = self._stages_before(self.model)
        before_metrics = self._stages_before(self._of.metrics)
        self._concerned = dict.fromkeys([*self._ancestry, *before_metrics])
        for stage in self._concerned:
            for change in changes[stage]:
                message = f"the results are not those of the code here: stage {stage}: {change}"
                raise ProjectError(f"{message}: {freshness.REMEDY}")
        for path in (self.model, self._of.metrics):
            if not path.is_file() or _md5(path) != self._hash(path):
                message = f"{path} does not match {paths.DVC_LOCK}: {freshness.REMEDY}"
                raise ProjectError(message)

    def lineage(self) -> Lineage:
        """Derive where the model in models/ came from."""
        entries = {name: self._stages[name] for name in self._ancestry}
        code = {file for name in self._concerned for file in _code(self._stages[name])}
        commit, state = commit_of({*code, paths.PARAMS.name, paths.DVC_LOCK.name})
        return Lineage(
            key=sha256(json.dumps(entries, sort_keys=True).encode()).hexdigest(),
            git_commit=commit,
            git_state=state,
            data_hash=self._hash(self._of.raw),
            uv_lock_sha256=recorded_lock(self._of.sums),
            model_sha256=_sha256(self.model),
        )

    def params(self) -> dict[str, str]:
        """Return the parameters that the run used, by dotted names."""
        return {
            name: str(value)
            for stage in self._concerned
            for name, value in flat(_params(self._stages[stage]))
        }

    def _stages_before(self, path: Path) -> list[str]:
        """List the stage that writes a file and, transitively, those that write what it reads."""
        found: list[str] = []
        wanted = [path.as_posix()]
        while wanted:
            file = wanted.pop()
            for name, entry in self._stages.items():
                outs = _files(entry, "outs")
                if name not in found and any(_overlap(file, out) for out in outs):
                    found.append(name)
                    wanted += _files(entry, "deps")
        return found

    def _model_file(self) -> Path:
        """Find the file of the model, whose name ends as its format says."""
        outs = (Path(out) for entry in self._stages.values() for out in _files(entry, "outs"))
        model = self._of.model
        return next((it for it in outs if it.with_suffix("") == model.with_suffix("")), model)

    def _hash(self, path: Path) -> str:
        found = (_files(entry, "outs").get(path.as_posix()) for entry in self._stages.values())
        return next(filter(None, found), "")


def _files(entry: Entry, kind: str) -> dict[str, str]:
    return {item["path"]: str(item.get("md5", "")) for item in entry.get(kind, [])}


def _code(entry: Entry) -> Iterator[str]:
    for path in map(Path, _files(entry, "deps")):
        if path.suffix == ".py":
            yield path.as_posix()
        elif path.parts[0] == "src":  # a file or a folder that the code reads
            files = [path] if path.is_file() else path.rglob("*")
            yield from (it.as_posix() for it in files if it.is_file() and it.suffix != ".pyc")


def _params(entry: Entry) -> Mapping[str, Any]:
    params: Mapping[str, Any] = entry.get("params", {}).get(paths.PARAMS.name, {})
    return params


def _overlap(one: str, other: str) -> bool:
    first, second = PurePosixPath(one), PurePosixPath(other)
    return first.is_relative_to(second) or second.is_relative_to(first)


def _md5(path: Path) -> str:
    return md5(path.read_bytes(), usedforsecurity=False).hexdigest()


def _sha256(path: Path) -> str:
    return sha256(path.read_bytes()).hexdigest()
