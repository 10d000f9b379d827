"""Make a version again, from its commit and its data, and compare the results."""

import json
import logging
import math
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import yaml

from ..base import paths
from ..base.errors import ProjectError
from ..base.settings import flat
from .bundle import Bundle
from .lineage import CLEAN, git

logger = logging.getLogger(__name__)

DVC = (sys.executable, "-m", "dvc")
LOCAL_CONFIG = Path(".dvc/config.local")


def run(bundle: Bundle, name: str, tolerance: float) -> None:
    """Run the pipeline of a version again, in a scratch worktree of its commit.

    The raw data come from DVC's cache or remote, so `ingest` does not run again.

    Args:
        bundle: The version.
        name: What to call it.
        tolerance: How far a metric may be off, relative or absolute, where bytes differ.

    Raises:
        ProjectError: If the version cannot be made again, or if its metrics are others.
    """
    commit = bundle.lineage.git_commit
    if bundle.lineage.git_state != CLEAN:
        message = f"the commit that made {name} is not known: it is `{bundle.lineage.git_state}`"
        raise ProjectError(f"{message}, so nobody can make it again")
    if not shutil.which("git"):
        raise ProjectError("git is not in PATH, and is needed to make a version again")
    if git("cat-file", "commit", commit) is None:
        raise ProjectError(f"commit {commit} of {name} is not in this clone: `git fetch --all`")
    files = paths.Files.of(bundle.of)
    with _worktree(commit) as root:
        logger.info("reproduce: commit %s, Python %s: the environment", commit, bundle.python)
        _run(root, "uv", "sync", "--quiet", "--frozen", "--python", bundle.python)
        _fetch(root, files.raw, name)
        recorded = _outs(root, files.raw)
        logger.info("reproduce: the pipeline, from %s on", files.raw)
        readers = [
            stage
            for stage, entry in _stages(root).items()
            if files.raw.as_posix() in {it["path"] for it in entry.get("deps", [])}
        ]
        again = ("repro", "--force", "--no-run-cache", "--no-commit", "--downstream")
        _run(root, "uv", "run", "--no-sync", "dvc", *again, *readers)
        made = _outs(root, files.raw)
        metrics = _metrics(root / files.metrics)
    judge(name, (recorded, made), (_metrics(bundle.folder / paths.METRICS), metrics), tolerance)


def judge(
    name: str,
    files: tuple[Mapping[str, str], Mapping[str, str]],
    metrics: tuple[Mapping[str, float], Mapping[str, float]],
    tolerance: float,
) -> None:
    """Say whether a version was made again: the same bytes, or else the same metrics.

    Args:
        name: What to call the version.
        files: The hashes of the files, recorded and made again.
        metrics: The metrics, recorded and made again.
        tolerance: How far a metric may be off, relative or absolute, where bytes differ.

    Raises:
        ProjectError: If a metric is off by more.
    """
    recorded, made = files
    expected, found = metrics
    others = sorted(path for path in recorded if made.get(path) != recorded[path])
    if not others:
        logger.info("reproduce: all %d outputs of %s have the same bytes", len(recorded), name)
        return
    pairs = {metric: (value, found.get(metric, math.nan)) for metric, value in expected.items()}
    apart = "; ".join(
        f"{metric} {value:.6g}, now {again:.6g}"
        for metric, (value, again) in pairs.items()
        if not math.isclose(value, again, rel_tol=tolerance, abs_tol=tolerance)
    )
    listed = ", ".join(others)
    if apart:
        raise ProjectError(f"{name} is not reproduced: {listed} have other bytes, and {apart}")
    logger.info("reproduce: other bytes: %s", listed)
    logger.info("reproduce: all metrics of %s agree within %g", name, tolerance)


@contextmanager
def _worktree(commit: str) -> Iterator[Path]:
    """Check a commit out into a scratch folder, with the cache of this repository."""
    prefix = git("rev-parse", "--show-prefix") or ""
    cache = _run(Path.cwd(), *DVC, "cache", "dir").strip()
    git("worktree", "prune")  # of runs that were killed
    with tempfile.TemporaryDirectory() as place:
        tree = Path(place) / "tree"
        _run(Path.cwd(), "git", "worktree", "add", "--quiet", "--detach", str(tree), commit)
        try:
            root = tree / prefix
            if LOCAL_CONFIG.is_file():
                shutil.copy(LOCAL_CONFIG, root / LOCAL_CONFIG)
            _run(root, *DVC, "cache", "dir", "--local", str(Path(cache).absolute()))
            yield root
        finally:
            git("worktree", "remove", "--force", str(tree))


def _fetch(root: Path, raw: Path, name: str) -> None:
    """Put the data and whatever else DVC has into the worktree."""
    for command in ("checkout", "pull"):
        _run(root, "uv", "run", "--no-sync", "dvc", command, may_fail=True)
        if (root / raw).exists():
            return
    message = f"the raw data of {name} are neither in DVC's cache nor on its remote"
    raise ProjectError(f"{message}: ask whoever has them for `uv run dvc push`")


def _stages(root: Path) -> Mapping[str, Mapping[str, list[dict[str, str]]]]:
    content = yaml.safe_load((root / paths.DVC_LOCK).read_text(encoding="utf-8"))
    stages: Mapping[str, Mapping[str, list[dict[str, str]]]] = content["stages"]
    return stages


def _outs(root: Path, raw: Path) -> dict[str, str]:
    """Return the hash of the raw data, and of each file that is made from them."""
    entries = _stages(root).values()
    outs = {out["path"]: out["md5"] for entry in entries for out in entry.get("outs", [])}
    found: set[str] = set()
    new = {raw.as_posix()}
    while new - found:
        found |= new
        readers = (it for it in entries if found & {dep["path"] for dep in it.get("deps", [])})
        new = {out["path"] for entry in readers for out in entry.get("outs", [])}
    return {path: outs[path] for path in sorted(found)}


def _metrics(file: Path) -> dict[str, float]:
    values = flat(json.loads(file.read_text(encoding="utf-8")))
    return {name: float(value) for name, value in values if isinstance(value, int | float)}


def _run(folder: Path, *command: str, may_fail: bool = False) -> str:
    """Run a command, and return what it prints."""
    of_this_run = {"VIRTUAL_ENV", "UV_PROJECT_ENVIRONMENT", "UV_PYTHON"}
    env = {name: value for name, value in os.environ.items() if name not in of_this_run}
    try:
        done = subprocess.run(
            command, cwd=folder, env=env, capture_output=True, encoding="utf-8", check=False
        )
    except OSError:
        raise ProjectError(f"{command[0]} is not in PATH") from None
    if done.returncode and not may_fail:
        last = " ".join((done.stderr or done.stdout).strip().splitlines()[-3:])
        raise ProjectError(f"`{' '.join(command)}` failed in the scratch worktree: {last}")
    return done.stdout
