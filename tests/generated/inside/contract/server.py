"""Fixtures for tests with a registry on a server, where they had one in a file."""

import os
from contextlib import suppress
from pathlib import Path

import pytest
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException

from .conftest import NAME

ADDRESS = os.environ["SERVER"]


@pytest.fixture
def empty_registry(project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Return the address of the server, which has no version of the model any more."""
    monkeypatch.setenv("MLFLOW_TRACKING_URI", ADDRESS)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    assert project.is_dir()
    with suppress(MlflowException):
        MlflowClient(ADDRESS, ADDRESS).delete_registered_model(NAME)
    return ADDRESS
