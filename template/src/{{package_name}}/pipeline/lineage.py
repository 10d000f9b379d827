"""Where a model came from."""

import subprocess
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from hashlib import md5, sha256
from pathlib import Path

import yaml

from . import files
from .errors import ProjectError


@dataclass(frozen=True)
class Lineage:
    """Where a model came from; each value can be derived again from the repository.

    Attributes:
        key: SHA-256 of dvc.lock, which names code, parameters, data and results by their hashes.
        git_commit: The commit of the working tree; empty before the first one.
        git_clean: `true` where the working tree was that commit, else `false`.
        data_hash: The raw data, as DVC knows it.
        uv_lock_sha256: The lock that the environment is made from; empty without one.
        model_sha256: The model file.
    """

    key: str
    git_commit: str
    git_clean: str
    data_hash: str
    uv_lock_sha256: str
    model_sha256: str

    def tags(self) -> dict[str, str]:
        """Give the values as tags of a model version."""
        return asdict(self)


def current_key() -> str:
    """Give the key of the last run; empty without one."""
    return _sha256(files.DVC_LOCK) if files.DVC_LOCK.is_file() else ""


class Run:
    """The last run of the pipeline, as dvc.lock recorded it."""

    def __init__(self) -> None:
        """Read dvc.lock.

        Raises:
            ProjectError: If the pipeline has not run, or its results have changed since.
        """
        content = _content(files.DVC_LOCK)
        self._key = sha256(content).hexdigest()
        self._stages = yaml.safe_load(content)["stages"].values()
        for path in (files.MODEL, files.METRICS):
            if md5(_content(path), usedforsecurity=False).hexdigest() != self._hash(path):
                message = f"{path} is not what {files.DVC_LOCK} says: run `uvx nox -s pipeline`"
                raise ProjectError(message)

    def lineage(self) -> Lineage:
        """Derive where the model in models/ came from."""
        return Lineage(
            key=self._key,
            git_commit=_git("rev-parse", "--verify", "--quiet", "HEAD"),
            git_clean=str(not _git("status", "--porcelain", "--", ".")).lower(),
            data_hash=self._hash(files.RAW),
            uv_lock_sha256=_sha256(files.UV_LOCK) if files.UV_LOCK.is_file() else "",
            model_sha256=_sha256(files.MODEL),
        )

    def params(self) -> dict[str, str]:
        """Give the parameters that the run used, by dotted names."""
        return {
            name: str(value)
            for stage in self._stages
            for name, value in _flat(stage.get("params", {}).get(files.PARAMS.name, {}))
        }

    def _hash(self, path: Path) -> str:
        outputs = (output for stage in self._stages for output in stage.get("outs", []))
        hashes = {output["path"]: str(output["md5"]) for output in outputs}
        return hashes.get(path.as_posix(), "")


def _flat(tree: Mapping[str, object], prefix: str = "") -> list[tuple[str, object]]:
    return [
        leaf
        for name, value in tree.items()
        for leaf in (
            _flat(value, f"{prefix}{name}.")
            if isinstance(value, Mapping)
            else [(f"{prefix}{name}", value)]
        )
    ]


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise ProjectError(f"there is no {path} yet: run `uvx nox -s pipeline`") from None


def _sha256(path: Path) -> str:
    return sha256(path.read_bytes()).hexdigest()


def _git(*arguments: str) -> str:
    done = subprocess.run(["git", *arguments], capture_output=True, encoding="utf-8", check=False)
    return done.stdout.strip()
