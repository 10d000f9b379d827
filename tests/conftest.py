"""Fixtures for all tests."""

from collections.abc import Callable
from pathlib import Path

import pytest

from formwork.cli import main
from maintain.releases import served
from tests.harness import AUTHOR, ROOT, Doors, Template, small_template
from tests.later import with_later_release
from tests.small import SmallTemplate

Told = tuple[int, str]


@pytest.fixture(autouse=True)
def plain_git(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep git from using the settings of the person who runs the tests."""
    for name, value in {**AUTHOR, "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_NOSYSTEM": "1"}.items():
        monkeypatch.setenv(name, value)


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Template:
    """Serve this repository with its releases, and with the working tree as the newest release."""
    return served(ROOT, tmp_path_factory.mktemp("server"))


@pytest.fixture(scope="session")
def later(template: Template, tmp_path_factory: pytest.TempPathFactory) -> Template:
    """Serve the template with a later release than its newest one."""
    return with_later_release(template, tmp_path_factory.mktemp("later"))


@pytest.fixture(scope="session")
def questions_only(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a template without history that asks all questions and renders almost nothing."""
    return small_template(tmp_path_factory.mktemp("questions"))


@pytest.fixture
def doors(tmp_path: Path) -> Doors:
    """Provide both command lines without any personal settings."""
    home = tmp_path / "home"
    home.mkdir(exist_ok=True)
    return Doors(home)


@pytest.fixture
def small(tmp_path: Path) -> SmallTemplate:
    """Make a small template with one release."""
    return SmallTemplate(tmp_path / "small")


@pytest.fixture
def repository(small: SmallTemplate, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Generate a repository from the small template's first release, and enter it."""
    path = small.generate(tmp_path / "mine")
    monkeypatch.chdir(path)
    return path


@pytest.fixture
def run_update(capsys: pytest.CaptureFixture[str]) -> Callable[..., Told]:
    """Return a function that runs `formwork update` here, and returns its exit status and output."""

    def run(*arguments: str) -> Told:
        status = main(["update", *arguments])
        said = capsys.readouterr()
        return status, said.out + said.err

    return run


@pytest.fixture
def fake_uv(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make a fake uv that writes a lock of one line, fails for unknown packages, and refuses to get a token."""
    program = tmp_path / "uv"
    lines = [
        "#!/bin/sh",
        'test "$*" = "lock --quiet" || exit 9',
        'test -z "$(env | grep TOKEN)" || exit 8',
        "if grep -q nonsense pyproject.toml; then echo 'error: no nonsense' >&2; exit 1; fi",
        "echo locked > uv.lock",
    ]
    program.write_text("\n".join(lines) + "\n", "utf-8")
    program.chmod(0o755)
    monkeypatch.setenv("UV", str(program))
    return program
