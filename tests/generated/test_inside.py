"""What the generated code does with any file and any schema, tried inside a repository."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.generated.repository import Repository, generate
from tests.harness import ROOT, Template

INSIDE = ROOT / "tests/generated/inside"
WITH = ["--with=fastexcel", "--with=xlsxwriter"]  # to read Excel files, and to write them here


@pytest.fixture(scope="module")
def repository(template: Template, tmp_path_factory: pytest.TempPathFactory) -> Repository:
    """Return a repository with its environment, in which nothing has run."""
    generated = generate(template, tmp_path_factory.mktemp("inside") / "repository")
    generated.sync()
    return generated


@pytest.mark.slow
@pytest.mark.parametrize("file", sorted(path.name for path in INSIDE.glob("*.py")))
def test_its_own_tests_pass(repository: Repository, file: str) -> None:
    """The tests run in the repository's environment, since they call its code."""
    place = Path("tests") / f"test_{file}"
    shutil.copy(INSIDE / file, repository.path / place)
    command = ["uv", "run", "--no-sync", *WITH, "pytest", "--quiet", "--no-cov", str(place)]
    done = repository.run(*command, check=False)
    assert done.returncode == 0, done.stdout


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_promoting_is_fair_and_survives_interruptions(repository: Repository) -> None:
    """The tests use the fixtures of the contract tests."""
    place = Path("tests/contract/test_promoting.py")
    shutil.copy(INSIDE / "contract/promoting.py", repository.path / place)
    env = {"FORMWORK_VERSIONS": os.environ.get("FORMWORK_VERSIONS", "16 2 3")}
    command = ["uv", "run", "--no-sync", "pytest", "--quiet", "--no-cov", str(place)]
    done = subprocess.run(
        command, cwd=repository.path, env=repository.env | env, capture_output=True, encoding="utf-8", check=False
    )
    assert done.returncode == 0, done.stdout
