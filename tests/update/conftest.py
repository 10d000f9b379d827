"""Fixtures for the tests of updating."""

from pathlib import Path

import pytest

from tests.harness import Doors, Template, commit_everything, git
from tests.update.synthetic import next_release
from tests.update.ways import ANSWERS, Begin


@pytest.fixture(scope="session")
def later(template: Template, tmp_path_factory: pytest.TempPathFactory) -> Template:
    """Serve the template with a release after the working tree."""
    return next_release(template, tmp_path_factory.mktemp("later"))


@pytest.fixture
def begin(later: Template, doors: Doors, tmp_path: Path) -> Begin:
    """Return a function that generates a repository of a release with one of the commands, and commits it."""

    def generate(release: str, door: str = "copier", **answers: str) -> Path:
        path = tmp_path / "my-project"
        if door == "cookiecutter":
            doors.cookiecutter(later.url, tmp_path, "--checkout", release, answers=ANSWERS | answers)
        else:
            doors.copier(later.url, path, f"--vcs-ref={release}", answers=ANSWERS | answers)
        git(path, "init", "--quiet", "--initial-branch=main")
        commit_everything(path, "Start")
        return path

    return generate
