"""The tests of a generated repository fail when its code is wrong."""

import os
import shutil
from pathlib import Path

import pytest

from tests.generated.mutations import MUTATIONS, Mutation
from tests.generated.repository import Repository, generate
from tests.harness import Template

STEP = int(os.environ.get("FORMWORK_FAULTS_STEP", "12"))  # each of them takes up to ten seconds


@pytest.fixture(scope="module")
def repository(template: Template, tmp_path_factory: pytest.TempPathFactory) -> Repository:
    """Return a repository with all code that there can be, and its environment, in which nothing has run."""
    generated = generate(
        template, tmp_path_factory.mktemp("mutations") / "repository", pieces=["deploy", "distributed"]
    )
    generated.sync()
    return generated


def place(repository: Repository, mutation: Mutation) -> Path:
    """Find the file that a mutation changes."""
    if mutation.file.startswith("/"):
        return repository.path / mutation.file.removeprefix("/")
    return repository.path / "src/my_project" / mutation.file


def test_each_fault_fits_the_code(template: Template, tmp_path: Path) -> None:
    """A fault whose place is gone from the code would test nothing."""
    generated = generate(template, tmp_path / "repository", pieces=["deploy", "distributed"])
    gone = [it.name for it in MUTATIONS if it.good not in place(generated, it).read_text(encoding="utf-8")]
    assert not gone, "the code has changed: bring these faults in step"


@pytest.mark.slow
@pytest.mark.parametrize(
    "mutation",
    [
        pytest.param(mutation, marks=pytest.mark.xdist_group(f"mutations-{number % 2}"), id=mutation.name)
        for number, mutation in enumerate(MUTATIONS[::STEP])
    ],
)
def test_a_fault_is_noticed(repository: Repository, mutation: Mutation) -> None:
    """A failing test has to notice the fault; code that cannot run at all does not count."""
    file = place(repository, mutation)
    sound = file.read_text(encoding="utf-8")
    file.write_text(sound.replace(mutation.good, mutation.bad), encoding="utf-8")
    try:
        tests = f"tests/contract/{mutation.tests}"
        if mutation.tests.startswith("inside/"):
            tests = f"tests/test_{mutation.tests.removeprefix('inside/')}"
            shutil.copy(Path(__file__).parent / mutation.tests, repository.path / tests)
        done = repository.run("uv", "run", "--no-sync", "pytest", "-q", "-x", tests, check=False)
    finally:
        file.write_text(sound, encoding="utf-8")
    assert done.returncode == 1, done.stdout
    assert f"FAILED {tests}::" in done.stdout, done.stdout
    assert "SyntaxError" not in done.stdout
