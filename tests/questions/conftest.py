"""Fixtures for the tests of the questions."""

from pathlib import Path

import pytest

from tests.harness import Template, plain_copy
from tests.questions.engines import Engines


@pytest.fixture(autouse=True)
def no_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep out the settings of the person who runs the tests, also in this process."""
    settings = f"cookiecutters_dir: {tmp_path / 'templates'}\nreplay_dir: {tmp_path / 'replay'}\n"
    (tmp_path / "cookiecutterrc").write_text(settings, encoding="utf-8")
    monkeypatch.setenv("COOKIECUTTER_CONFIG", str(tmp_path / "cookiecutterrc"))
    monkeypatch.setenv("COPIER_SETTINGS_PATH", str(tmp_path / "none.yml"))
    (tmp_path / "none.yml").write_text("{}\n", encoding="utf-8")


@pytest.fixture(scope="session")
def plain(template: Template, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Copy the whole template without its history."""
    return plain_copy(template, tmp_path_factory.mktemp("plain") / "formwork")


@pytest.fixture
def asking(questions_only: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> Engines:
    """Provide both engines for the template that renders almost nothing."""
    return Engines(questions_only, tmp_path, capfd)


@pytest.fixture
def engines(plain: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> Engines:
    """Provide both engines for the whole template."""
    return Engines(plain, tmp_path, capfd)
