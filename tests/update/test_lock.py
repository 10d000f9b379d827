"""`formwork update` brings uv.lock in line with the pyproject.toml that it changes."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.harness import commit_everything, git
from tests.small import SmallTemplate, put

Run = Callable[..., tuple[int, str]]

PROJECT = "template/pyproject.toml"


@pytest.fixture
def project(small: SmallTemplate, repository: Path, run_update: Run) -> Path:
    """Return a repository with a pyproject.toml and a lock."""
    small.release("1.1.0", {PROJECT: "a = 1\n"})
    run_update()
    put(repository, {"uv.lock": "old\n"})
    commit_everything(repository, "Lock")
    return repository


def lock_of(repository: Path) -> str:
    """Read the lock."""
    return (repository / "uv.lock").read_text("utf-8").strip()


@pytest.mark.usefixtures("fake_uv")
def test_the_lock_follows(small: SmallTemplate, project: Path, run_update: Run) -> None:
    small.release("1.2.0", {PROJECT: "a = 1\nb = 2\n"})
    code, said = run_update()
    assert code == 0
    assert lock_of(project) == "locked"
    assert "uv lock" not in said
    git(project, "reset", "--quiet", "--hard")
    assert lock_of(project) == "old"


@pytest.mark.usefixtures("fake_uv")
def test_a_dry_run_leaves_the_lock(small: SmallTemplate, project: Path, run_update: Run) -> None:
    small.release("1.2.0", {PROJECT: "a = 1\nb = 2\n"})
    assert run_update("--dry-run")[0] == 0
    assert lock_of(project) == "old"


@pytest.mark.usefixtures("fake_uv")
def test_a_lock_that_fails_is_one_line(small: SmallTemplate, project: Path, run_update: Run) -> None:
    small.release("1.2.0", {PROJECT: "a = 1\nnonsense\n"})
    code, said = run_update()
    assert code == 1
    assert "\nuv lock failed, so uv.lock is out of date: error: no nonsense\nnext: git diff HEAD; uv lock; " in said
    assert "nonsense" in (project / "pyproject.toml").read_text("utf-8")
    assert lock_of(project) == "old"


def test_without_uv_it_is_said(
    small: SmallTemplate, project: Path, run_update: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UV", str(project / "missing"))
    small.release("1.2.0", {PROJECT: "a = 1\nb = 2\n"})
    assert "uv lock failed, so uv.lock is out of date: uv is not installed\n" in run_update()[1]


@pytest.mark.usefixtures("fake_uv")
def test_a_conflict_in_the_project_comes_first(small: SmallTemplate, project: Path, run_update: Run) -> None:
    put(project, {"pyproject.toml": "a = 3\n"})
    commit_everything(project, "Mine")
    small.release("1.2.0", {PROJECT: "a = 2\n"})
    code, said = run_update()
    assert (code, lock_of(project)) == (1, "old")
    assert "next: resolve each conflict and git add it; uv lock; uvx nox -s check" in said


@pytest.mark.usefixtures("fake_uv")
def test_a_conflict_elsewhere_does_not_matter(small: SmallTemplate, project: Path, run_update: Run) -> None:
    put(project, {"stages.yaml": "mine\n"})
    commit_everything(project, "Mine")
    small.release("1.2.0", {PROJECT: "a = 2\n", "template/stages.yaml": "theirs\n"})
    assert run_update()[0] == 1
    assert lock_of(project) == "locked"


@pytest.mark.usefixtures("fake_uv", "project")
def test_nothing_newer_locks_nothing(project: Path, run_update: Run) -> None:
    assert run_update()[0] == 0
    assert lock_of(project) == "old"
