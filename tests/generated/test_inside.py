"""What the generated code does with any file and any schema, tried inside a repository."""

import shutil
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
