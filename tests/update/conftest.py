"""Fixtures for the tests of updating."""

from collections.abc import Callable
from pathlib import Path

import pytest
import update

from tests.harness import AUTHOR
from tests.update.small import SmallTemplate


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
