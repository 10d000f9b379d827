"""Fixtures for the tests of proposing."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from formwork.cli import main
from tests.harness import git
from tests.propose.examples import Run
from tests.propose.fake_forge import JOB, TOKEN, FakeForge, FakeGitHub, FakeGitLab, served


@pytest.fixture(params=[FakeGitHub, FakeGitLab])
def forge(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeForge]:
    """Serve a forge of each kind, with a token that may do everything."""
    for name in ("GITHUB_API_URL", "GITHUB_TOKEN", "CI_API_V4_URL", "VIRTUAL_ENV"):
        monkeypatch.delenv(name, raising=False)
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.setenv(name, "127.0.0.1")
    with served(request.param(tmp_path / "server")) as forge:
        for name, value in {**forge.env(), "FORMWORK_TOKEN": TOKEN}.items():
            monkeypatch.setenv(name, value)
        yield forge


@pytest.fixture
def checkout(forge: FakeForge, repository: Path) -> Path:
    """Return the repository as continuous integration checks it out, with its origin on the forge."""
    git(repository.parent, "clone", "--quiet", "--bare", str(repository), str(forge.bare))
    git(repository, "remote", "add", "origin", forge.origin)
    return repository


@pytest.fixture
def run(forge: FakeForge, checkout: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """Return a function that runs the script, and checks that it prints one line and no token."""
    tokens = {name: value for name, value in {**forge.env(), "FORMWORK_TOKEN": TOKEN}.items() if "TOKEN" in name}

    def run(**changed: str) -> tuple[int, str]:
        for name, value in {**tokens, **changed}.items():
            monkeypatch.setenv(name, value)
        status = main(["propose"])
        said = capsys.readouterr()
        text = said.out + said.err
        assert text.count("\n") == 1, text
        assert text.startswith("error: ") == bool(said.err) == (status == 1)
        assert TOKEN not in text
        assert JOB not in text
        return status, text.strip()

    assert Path.cwd() == checkout
    return run
