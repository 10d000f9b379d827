"""Everyday events of folders, clones and branches keep nobody from working."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.generated.repository import Repository, generate, rare
from tests.harness import Template

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("everyday"), rare]

PARAMS = "params.yaml"


@pytest.fixture(scope="module")
def original(template: Template, tmp_path_factory: pytest.TempPathFactory) -> Repository:
    """Return a repository that has been set up."""
    generated = generate(template, tmp_path_factory.mktemp("everyday") / "repository", problem="regression")
    generated.set_up()
    return generated


@pytest.fixture
def repository(original: Repository, tmp_path: Path) -> Repository:
    """Return a copy in another folder, with the environment of the first one, as after a move."""
    path = tmp_path / "a copy"
    shutil.copytree(original.path, path, symlinks=True)
    return Repository(path, original.python)


def commit(repository: Repository, message: str = "Change it") -> str:
    """Commit everything with the hooks, and return their output."""
    repository.run("git", "add", "--all")
    return repository.run("git", "commit", "--message", message).stderr


def test_a_folder_that_has_moved_goes_on(repository: Repository, original: Repository) -> None:
    """A moved repository commits, trains, registers and predicts, and writes nothing into its old folder."""
    before = {path: path.stat().st_mtime_ns for path in original.path.rglob("*") if ".venv" not in path.parts}
    repository.change(PARAMS, "seed: 20", "seed: 21")
    repository.change("src/my_project/features.py", "import polars as pl\n", "import  polars as pl\n")
    repository.run("git", "add", "--all")
    said = repository.run("git", "commit", "--message", "Change it", check=False).stderr
    assert "files were modified by this hook" in said
    commit(repository)

    said = repository.nox("pipeline")

    assert "environment: .venv made anew, since this folder has moved" in said
    commit(repository, "Run")
    assert "my_project, version 2" in repository.run("uv", "run", "my_project", "register").stderr
    repository.run("uv", "run", "my_project", "promote", "--force", "to predict with it")
    said = repository.run("uv", "run", "my_project", "predict", "tests/sample.csv", "--model=1").stderr
    assert "predict: version 1, " in said
    repository.run("uv", "run", "my_project", "predict", "tests/sample.csv")
    assert "made anew" not in repository.nox("lint")
    after = {path: path.stat().st_mtime_ns for path in original.path.rglob("*") if ".venv" not in path.parts}
    assert after == before


def test_commits_go_on_after_a_worktree_is_gone(repository: Repository, tmp_path: Path) -> None:
    """A worktree has an environment of its own, in which its hooks run."""
    worktree = Repository(tmp_path / "worktree", repository.python)
    repository.run("git", "worktree", "add", "--quiet", str(worktree.path))
    worktree.change(PARAMS, "seed: 20", "seed: 21")
    assert "lint" in commit(worktree)
    assert "Session setup was successful" in worktree.nox("setup")
    repository.run("git", "worktree", "remove", "--force", str(worktree.path))
    repository.change(PARAMS, "seed: 20", "seed: 22")
    assert "lint" in commit(repository)


def test_a_graphical_client_commits(repository: Repository) -> None:
    """A graphical client knows only the system's PATH."""
    repository.nox("setup")
    repository.change(PARAMS, "seed: 20", "seed: 21")
    repository.run("git", "add", "--all")
    bare = {"PATH": "/usr/bin:/bin", "HOME": repository.env["HOME"], "UV_CACHE_DIR": repository.env["UV_CACHE_DIR"]}
    who = ["-c", "user.name=Jane", "-c", "user.email=jane@example.org"]
    command = ["git", *who, "commit", "--message", "Change it"]
    done = subprocess.run(command, cwd=repository.path, env=bare, capture_output=True, encoding="utf-8", check=False)
    assert done.returncode == 0, done.stderr
    assert "format" in done.stderr


def test_a_hook_of_ones_own_runs_as_well(repository: Repository) -> None:
    """Setting up keeps a hook that exists already."""
    hook = repository.path / ".git/hooks/pre-commit"
    hook.write_text("#!/bin/sh\necho my own >&2\n", "utf-8")
    hook.chmod(0o755)
    for _ in range(2):
        repository.nox("setup")
    repository.change(PARAMS, "seed: 20", "seed: 21")
    said = commit(repository)
    assert "my own" in said
    assert "format" in said


def test_branches_with_different_parameters_merge(repository: Repository) -> None:
    """`resolve` writes the files of tools again, and `lint` names this remedy."""
    repository.change(PARAMS, "regularization: 1.0", "regularization: 2.0")
    repository.nox("pipeline")
    repository.run("git", "switch", "--quiet", "--create", "other")
    commit(repository, "Regularize more")
    repository.run("git", "switch", "--quiet", "main")
    repository.change(PARAMS, "seed: 20", "seed: 21")
    repository.nox("pipeline")
    commit(repository, "Take another seed")
    done = repository.run("git", "merge", "other", check=False)
    assert "CONFLICT (content): Merge conflict in dvc.lock" in done.stdout
    said = repository.nox("lint", check=False)
    assert "`uvx nox -s resolve` ends those in uv.lock, dvc.lock, reports/" in said

    said = repository.nox("resolve")

    assert "resolved and staged. Next: git commit" in said
    repository.run("git", "commit", "--no-edit")
    assert "regularization: 2.0" in (repository.path / PARAMS).read_text("utf-8")
    assert repository.run("uv", "run", "dvc", "status").stdout.strip() == "Data and pipelines are up to date."
    assert repository.changes() == ""
    assert "there is no file in conflict" in repository.nox("resolve", check=False)


def test_a_conflict_that_only_a_person_can_resolve_is_named(repository: Repository) -> None:
    """`resolve` changes nothing before such a conflict is resolved."""
    for branch, seed in (("other", "22"), ("main", "21")):
        repository.run("git", "switch", "--quiet", *(["--create"] if branch == "other" else []), branch)
        repository.change(PARAMS, "seed: 20", f"seed: {seed}")
        commit(repository)
    repository.run("git", "merge", "other", check=False)
    before = repository.changes()
    assert "edit these files and `git add` them, then resolve: params.yaml" in repository.nox("resolve", check=False)
    assert repository.changes() == before


def test_three_register_at_once_where_there_is_no_registry(repository: Repository) -> None:
    """One process creates the database and registers; the others wait and find the model registered."""
    repository.nox("lint")  # this makes the environment anew
    shutil.rmtree(repository.path / "registry")
    command = ["uv", "run", "--no-sync", "my_project", "register"]
    running = [
        subprocess.Popen(command, cwd=repository.path, env=repository.env, stderr=subprocess.PIPE, encoding="utf-8")
        for _ in range(3)
    ]
    said = [process.communicate()[1] for process in running]
    assert [process.returncode for process in running] == [0, 0, 0], said
    assert sorted("nothing new, this model is version 1" in text for text in said) == [False, True, True]


@pytest.mark.parametrize("name", ["100% sure", "what? #1 ünï"])
def test_a_folder_may_have_an_odd_name(repository: Repository, name: str) -> None:
    """If MLflow cannot work in a folder, one line says so, and nothing is written elsewhere."""
    folder = repository.path.rename(repository.path.with_name(name))
    odd = Repository(folder, repository.python)
    beside = sorted(folder.parent.iterdir())
    said = odd.nox("pipeline", check=False)
    if "%" in name:
        assert "the registry cannot be used in a folder whose path has the sign %: rename it" in said
        assert "Traceback" not in said
    else:
        assert "nothing new, this model is version 1" in said
        odd.run("uv", "run", "my_project", "predict", "tests/sample.csv")
        odd.run("git", "commit", "--allow-empty", "--message", "Nothing")
    assert sorted(folder.parent.iterdir()) == beside


def test_a_lock_that_does_not_fit_is_explained(repository: Repository) -> None:
    """The message says whether the project or a setting of the machine is the cause."""
    said = repository.nox("lint", check=False, UV_PRERELEASE="allow")
    assert "uv.lock fits pyproject.toml, but not the settings of this machine: UV_PRERELEASE" in said
    repository.change("pyproject.toml", '"tqdm>=4.67"', '"tqdm>=4.67.1"')
    said = repository.nox("lint", check=False)
    assert "uv.lock does not fit pyproject.toml: run `uv lock`, and commit it" in said


def test_files_that_an_ignore_rule_leaves_out_are_named(template: Template, tmp_path: Path) -> None:
    """The message is about the user's own ignore rules, not about those of the repository."""
    repository = generate(template, tmp_path / "repository")
    repository.sync()
    repository.run("git", "init", "--quiet", "--initial-branch=main")
    (repository.path / ".git/info/exclude").write_text("*.csv\n.dvc\n", "utf-8")
    said = repository.nox("setup")
    assert "commit: an ignore rule of yours leaves out .dvc/, " in said
    assert "tests/sample.csv" in said
    assert ".venv" not in said.partition("an ignore rule")[2].partition("\n")[0]
    assert os.sep + "data" not in said.partition("an ignore rule")[2].partition("\n")[0]
