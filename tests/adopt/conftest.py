"""Fixtures for the tests of adopting."""

from pathlib import Path

import pytest

from formwork.cli import main
from tests.adopt.examples import FILES, Adopt, Told, make
from tests.small import SmallTemplate


@pytest.fixture(scope="module")
def example(tmp_path_factory: pytest.TempPathFactory) -> SmallTemplate:
    """Make a template with one release, v1.0.0."""
    return SmallTemplate(tmp_path_factory.mktemp("adopt") / "small", FILES)


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    """Make a repository with one file, in which nothing conflicts."""
    return make(tmp_path / "My wines", {"notes.txt": "Mine.\n"})


@pytest.fixture
def run_adopt(example: SmallTemplate, capsys: pytest.CaptureFixture[str]) -> Adopt:
    """Return a function that adopts a folder, and returns the exit status and the output."""

    def run(path: Path, *options: str) -> Told:
        source = [] if "--template" in options else ["--template", example.url]
        status = main(["adopt", str(path), *source, *options])
        said = capsys.readouterr()
        assert "error:" not in said.out
        return status, said.out + said.err

    return run
