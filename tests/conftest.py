"""Fixtures for all tests."""

from pathlib import Path

import pytest

from tests.harness import ROOT, Doors, Template, release_of, small_template


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Template:
    """This repository as released, with the working tree as the newest release."""
    return release_of(ROOT, tmp_path_factory.mktemp("server"))


@pytest.fixture(scope="session")
def questions_only(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A template that asks everything and renders almost nothing, without history."""
    return small_template(tmp_path_factory.mktemp("questions"))


@pytest.fixture
def doors(tmp_path: Path) -> Doors:
    """Both command lines, for somebody without any settings."""
    home = tmp_path / "home"
    home.mkdir(exist_ok=True)
    return Doors(home)
