"""Where a model came from."""

import json
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from hashlib import md5, sha256
from pathlib import Path, PurePosixPath
from typing import Any

import yaml

from ..base import paths
from ..base.errors import ProjectError
from ..base.estimators import UV_LOCK, recorded_sha256
from ..base.settings import flat
from . import freshness

CORE = f"src/{(__package__ or '').partition('.')[0]}/core/"
CLEAN, UNCLEAN, UNKNOWN = "clean", "unclean", "unknown"

Entry = Mapping[str, Any]  # what dvc.lock records for a stage


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


@dataclass(frozen=True)
class Recipe:
    """What a version needs from this repository in order to predict.

    Attributes:
        code: MD5 of each of your files that runs between a raw row and a prediction, by its path.
        features: Section `features` of params.yaml.
        columns: Types of the columns that the model predicts, by their names.
    """

    code: Mapping[str, str]
    features: Mapping[str, object]
    columns: Mapping[str, str] = field(default_factory=dict)

    def other_code(self) -> list[str]:
        """List the modules that have changed since the model was trained."""
        return [
            path
            for path, recorded in self.code.items()
            if not Path(path).is_file() or _md5(Path(path)) != recorded
        ]


class Run:
    """The last run of the pipeline, as dvc.lock recorded it."""

    def __init__(self) -> None:
        """Read dvc.lock.

        Raises:
            ProjectError: If the pipeline has not run, or if its results do not belong to the code
                and the parameters in the tree.
        """
        changes = freshness.compare()
        locked = yaml.safe_load(paths.DVC_LOCK.read_text(encoding="utf-8"))["stages"]
        # dvc.lock keeps entries of stages that dvc.yaml no longer has.
        self._stages: Mapping[str, Entry] = {
            name: entry for name, entry in locked.items() if name in changes
        }
        self._ancestry = self._stages_before(paths.MODEL)
        before_metrics = self._stages_before(paths.METRICS)
        self._concerned = dict.fromkeys([*self._ancestry, *before_metrics])
        for stage in self._concerned:
            for change in changes[stage]:
                message = f"the results are not those of the code here: stage {stage}: {change}"
                raise ProjectError(f"{message}: {freshness.REMEDY}")
        for path in (paths.MODEL, paths.METRICS):
            if not path.is_file() or _md5(path) != self._hash(path):
                message = f"{path} does not match {paths.DVC_LOCK}: {freshness.REMEDY}"
                raise ProjectError(message)

    def lineage(self) -> Lineage:
        """Derive where the model in models/ came from."""
        entries = {name: self._stages[name] for name in self._ancestry}
        code = {file for name in self._concerned for file in _code(self._stages[name])}
        commit, state = _commit_of({*code, paths.PARAMS.name, paths.DVC_LOCK.name})
        return Lineage(
            key=sha256(json.dumps(entries, sort_keys=True).encode()).hexdigest(),
            git_commit=commit,
            git_state=state,
            data_hash=self._hash(paths.RAW),
            uv_lock_sha256=recorded_sha256().get(UV_LOCK, ""),
            model_sha256=_sha256(paths.MODEL),
        )

    def recipe(self, columns: Mapping[str, str]) -> Recipe:
        """Derive what predicting with the model needs: your code after the first stage.

        Args:
            columns: Types of the columns that it predicts, by their names.
        """
        first = self._stages_before(paths.RAW)
        entries = [self._stages[name] for name in self._ancestry if name not in first]
        code = {
            file: _md5(Path(file))
            for entry in entries
            for file in _code(entry)
            if not file.startswith(CORE)
        }
        params = yaml.safe_load(paths.PARAMS.read_text(encoding="utf-8"))
        return Recipe(code, params["features"], columns)

    def params(self) -> dict[str, str]:
        """Return the parameters that the run used, by dotted names."""
        return {
            name: str(value)
            for entry in self._stages.values()
            for name, value in flat(_params(entry))
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


def _commit_of(files: Iterable[str]) -> tuple[str, str]:
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


def git(*arguments: str) -> str | None:
    """Return what git prints in the working directory, None if it fails or is missing."""
    try:
        done = subprocess.run(
            ["git", *arguments], capture_output=True, encoding="utf-8", check=False
        )
    except OSError:
        return None
    return done.stdout.strip() if done.returncode == 0 else None
