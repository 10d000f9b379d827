"""Fixtures for the tests of releasing."""

from pathlib import Path

import pytest

from maintain import compatibility, file_rules, release
from tests.release.examples import CHANGELOG, OLD_CHANGES, PROJECT, copier_yml
from tests.small import FILES, SmallTemplate, put


@pytest.fixture
def small(tmp_path: Path) -> SmallTemplate:
    """Make a template with one release, and everything for the next one written but not committed."""
    files = {"pyproject.toml": PROJECT, "CHANGELOG.md": f"# Changelog\n\n{OLD_CHANGES}", "copier.yml": copier_yml()}
    small = SmallTemplate(tmp_path / "small", {**FILES, **files})
    put(small.path, {"CHANGELOG.md": CHANGELOG})
    return small


@pytest.fixture
def lenient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make all rules pass, so that a test quickly sees what else stops a release."""
    monkeypatch.setattr(release, "refusals", lambda *_: [])


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Use one repository in place of all."""
    for module in (compatibility, file_rules):
        monkeypatch.setattr(module, "spread", lambda *_: [{"package_name": "beer"}])
