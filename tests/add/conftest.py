"""Fixtures for the tests of adding and removing."""

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from formwork.cli import main
from tests.add.examples import begin
from tests.harness import Template

Told = tuple[int, str]
Run = Callable[..., Told]


@pytest.fixture(scope="session")
def generated(template: Template, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a repository, generated from the working tree and committed. Do not change it."""
    return begin(template, tmp_path_factory.mktemp("generated") / "repository")


@pytest.fixture
def mine(generated: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a copy of the repository, as the working directory."""
    path = tmp_path / "mine"
    shutil.copytree(generated, path)
    monkeypatch.chdir(path)
    return path


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """Return a function that runs `formwork`, and returns its exit status and output."""

    def formwork(*arguments: str) -> Told:
        status = main([*arguments])
        said = capsys.readouterr()
        assert not re.search(r"(?m)^error:", said.out)
        return status, said.out + said.err

    return formwork
