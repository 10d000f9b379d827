"""The registry of a team, an MLflow server on PostgreSQL, holds what SQLite beside the code holds."""

import os
import shutil
from pathlib import Path

import pytest

from tests.generated.repository import generate
from tests.generated.servers import mlflow, postgresql
from tests.generated.test_inside import INSIDE
from tests.harness import Template


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.skipif("FORMWORK_VERSIONS" not in os.environ, reason="`nox -s versions` starts a server")
def test_the_contract_holds_on_a_server(template: Template, tmp_path: Path) -> None:
    """The contract tests of the registry and of promoting run again, with the server as the registry."""
    repository = generate(template, tmp_path / "repository")
    repository.sync()
    names = ("promoting", "server", "server_registry", "server_versions")
    for name in names:
        place = repository.path / f"tests/contract/{'test_' if name != 'server' else ''}{name}.py"
        shutil.copy(INSIDE / f"contract/{name}.py", place)
    files = [f"tests/contract/test_{name}.py" for name in names if name.startswith("server_")]
    with postgresql(tmp_path) as uri, mlflow(repository, tmp_path, uri) as address:
        env = {"SERVER": address, "FORMWORK_VERSIONS": "1 1 4"}
        done = repository.run("uv", "run", "--no-sync", "pytest", "--quiet", "--no-cov", *files, check=False, **env)
    assert done.returncode == 0, done.stdout
