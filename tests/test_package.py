"""The package, built and installed as a repository's noxfile runs it."""

import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest
import yaml

from tests.generated.repository import machine
from tests.harness import ROOT, Doors, Template, answers_of, commit_everything, git, run

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))


def test_it_is_never_installed_by_a_name_that_is_somebody_elses() -> None:
    assert PROJECT["project"]["name"] == "formwork-ml"
    pages = [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"), *(ROOT / "src").rglob("*.py")]
    wrong = ("uvx formwork", "pip install formwork", "pipx run formwork", "uv tool install formwork")
    assert [page.name for page in pages if any(command in page.read_text("utf-8") for command in wrong)] == []


def test_each_dependency_has_a_lower_bound() -> None:
    assert all(">=" in requirement for requirement in PROJECT["project"]["dependencies"])


@pytest.mark.slow
def test_only_the_package_is_shipped(tmp_path: Path) -> None:
    """Everything that the package imports is a dependency or part of Python."""
    run("uv", "build", "--quiet", "--wheel", "--out-dir", tmp_path / "dist", ROOT, cwd=tmp_path, env=machine())
    [wheel] = (tmp_path / "dist").glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    assert {name.split("/")[0].partition("-")[0] for name in names} == {"formwork", "formwork_ml"}
    assert "formwork/py.typed" in names
    run("uv", "venv", "--quiet", "--python", sys.executable, tmp_path / "venv", cwd=tmp_path, env=machine())
    python = tmp_path / "venv/bin/python"
    run("uv", "pip", "install", "--quiet", "--python", python, wheel, cwd=tmp_path, env=machine())
    modules = [name.removesuffix(".py").replace("/", ".") for name in names if name.endswith(".py")]
    imports = "; ".join(f"import {name}" for name in modules if "__" not in name)
    run(python, "-c", imports, cwd=tmp_path, env=machine())
    assert "COMMAND" in run(tmp_path / "venv/bin/formwork", "--help", cwd=tmp_path, env=machine()).stdout


@pytest.mark.slow
@pytest.mark.parametrize("release", ["v0.1.0", "v0.2.0"])
def test_uvx_updates_a_repository_from_any_commit(
    template: Template, doors: Doors, tmp_path: Path, release: str
) -> None:
    """The commit may be given in full or shortened, and another run needs no network."""
    repository = tmp_path / "wine"
    doors.copier(template.url, repository, f"--vcs-ref={release}")
    git(repository, "init", "--quiet", "--initial-branch=main")
    commit_everything(repository, "Start")
    commit = template.commit(template.newest)
    command = ["formwork", "update", "--dry-run"]
    said = run("uvx", "--from", f"{template.url}@{commit}", *command, cwd=repository, env=machine()).stdout
    assert f"formwork {release} -> {template.newest}" in said
    short = run("uvx", "--from", f"{template.url}@{commit[:8]}", *command, cwd=repository, env=machine()).stdout
    assert short == said
    offline = ["uvx", "--offline", "--from", f"{template.url}@{commit}", "formwork", "update"]
    run(*offline, cwd=repository, env=machine())
    assert yaml.safe_load(answers_of(repository))["_commit"] == template.newest


def test_it_runs_as_a_module(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "formwork", "update"], cwd=tmp_path, capture_output=True, encoding="utf-8", check=False
    )
    assert done.returncode == 1
    assert done.stderr.startswith("error: this needs git 2.38 or newer, and a repository with a commit: ")
