"""Fixtures for the tests of updating."""

from collections.abc import Callable
from pathlib import Path

import pytest
import update

from tests.harness import AUTHOR, Doors, Template, commit_everything, git
from tests.update.small import SmallTemplate
from tests.update.synthetic import next_release
from tests.update.ways import ANSWERS, Begin


@pytest.fixture(autouse=True)
def plain_git(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no setting of the person who runs the tests matter to git."""
    for name, value in {**AUTHOR, "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_NOSYSTEM": "1"}.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def small(tmp_path: Path) -> SmallTemplate:
    """A small template with one release."""
    return SmallTemplate(tmp_path / "small")


@pytest.fixture
def repository(small: SmallTemplate, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository of its first release, which is the current folder."""
    path = small.generate(tmp_path / "mine")
    monkeypatch.chdir(path)
    return path


Told = tuple[int, str]


@pytest.fixture
def run_update(capsys: pytest.CaptureFixture[str]) -> Callable[..., Told]:
    """Run the script in the current folder, and give its exit status and all that it says."""

    def run(*arguments: str) -> Told:
        status = update.main(list(arguments))
        said = capsys.readouterr()
        return status, said.out + said.err

    return run


@pytest.fixture(scope="session")
def later(template: Template, tmp_path_factory: pytest.TempPathFactory) -> Template:
    """The template with a release after the working tree."""
    return next_release(template, tmp_path_factory.mktemp("later"))


@pytest.fixture
def begin(later: Template, doors: Doors, tmp_path: Path) -> Begin:
    """Generate and commit a repository of a release, through a door."""

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
