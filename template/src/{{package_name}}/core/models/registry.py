"""The model registry: MLflow, in SQLite beside the code or on a server."""

import json
import logging
import os
import re
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import asdict
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

# MLflow reads these when it is imported: it sends no telemetry, draws no progress bars, and tries
# seconds, not minutes, to reach a server.
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "2")

import mlflow
from mlflow import MlflowClient
from mlflow.entities import LifecycleStage, RunStatus
from mlflow.entities.model_registry import ModelVersion
from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import (
    INVALID_PARAMETER_VALUE,
    RESOURCE_ALREADY_EXISTS,
    RESOURCE_DOES_NOT_EXIST,
    ErrorCode,
)
from sqlalchemy.exc import SQLAlchemyError

from ..base import paths
from ..base.errors import ProjectError
from .database import CHAMPION, SQLITE, Database
from .lineage import Lineage, Recipe

if TYPE_CHECKING:
    from ..base.estimators import Classifier

logger = logging.getLogger(__name__)

RECIPE = "recipe.json"
ABSENT = {ErrorCode.Name(code) for code in (RESOURCE_DOES_NOT_EXIST, INVALID_PARAMETER_VALUE)}

for noisy in ("mlflow", "alembic"):  # they log migrations, and errors that are one line below
    logging.getLogger(noisy).setLevel(logging.CRITICAL)


@contextmanager
def _one_line_errors(uri: str | None = None) -> Iterator[None]:
    """Explain in one line that a registry refuses something or does not answer."""
    try:
        yield
    except (MlflowException, SQLAlchemyError, ImportError) as error:
        cause = re.search(r"\(sqlite3\.\w+\) (.+)", str(error))  # such as a full disk
        reason = cause[1] if cause else str(error).splitlines()[0]
        if found := re.search(r"out-of-date database schema \(found version (\w+)", reason):
            raise ProjectError(_of_another_release(found[1], str(uri))) from None
        message = f"the registry{f' {uri}' if uri else ''} does not answer: {reason}"
        raise ProjectError(re.sub(r"//[^/\s]*@", "//", message)) from error  # without passwords


def _of_another_release(revision: str, uri: str) -> str:
    """Say what to do about a database of an older or newer MLflow."""
    from alembic.script import ScriptDirectory
    from alembic.util import CommandError
    from mlflow.store import db_migrations

    message = f"another release of MLflow wrote the registry {uri}"
    try:
        ScriptDirectory(str(Path(str(db_migrations.__file__)).parent)).get_revision(revision)
    except CommandError:
        return f"{message}, newer than {mlflow.__version__} here: update mlflow-skinny in uv.lock"
    remedy = f"copy it, then `uv run mlflow db upgrade {uri}`"
    return f"{message}, older than {mlflow.__version__} here: {remedy}"


class Registry:
    """The versions of one registered model.

    Attributes:
        name: Name of the model, and of the experiment that holds its runs.
    """

    def __init__(self, uri: str, name: str) -> None:
        """Connect, and create an SQLite database if there is none; its artifacts go next to it.

        Args:
            uri: Address of an MLflow server, or `sqlite:///<path>`.
            name: Name of the model.

        Raises:
            ProjectError: If the registry does not answer.
        """
        self.name = name
        self._database = None
        if uri.startswith(SQLITE):
            self._database = Database(Path(uri.removeprefix(SQLITE)))
            uri = self._database.uri
        with self.alone(), _one_line_errors(uri):
            if self._database:
                self._database.prepare()
            self._client = MlflowClient(uri, uri)
            self._client.search_registered_models(max_results=1)

    def alone(self) -> AbstractContextManager[None]:
        """Keep other processes from writing into an SQLite registry; a server does this itself."""
        return self._database.alone() if self._database else nullcontext()

    @_one_line_errors()
    def find(self, key: str) -> list[ModelVersion]:
        """Find the versions that hold the same results.

        Args:
            key: `Lineage.key`.

        Returns:
            The versions, newest first.
        """
        found = self._client.search_model_versions(f"name='{self.name}' and tags.key='{key}'")
        return sorted(found, key=lambda version: int(version.version), reverse=True)

    @_one_line_errors()
    def add(
        self,
        lineage: Lineage,
        recipe: Recipe,
        params: dict[str, str],
        metrics: dict[str, float],
    ) -> ModelVersion:
        """Record the last run of the pipeline, and its model as a new version.

        The very first version becomes the champion.
        """
        run = self._client.create_run(self._experiment(), tags=lineage.tags()).info.run_id
        try:
            for name, text in params.items():
                self._client.log_param(run, name, text)
            for name, value in metrics.items():
                self._client.log_metric(run, name, value)
            self._client.log_artifact(run, str(paths.MODEL), paths.MODELS.name)
            self._client.log_dict(run, asdict(recipe), f"{paths.MODELS.name}/{RECIPE}")
            self._client.log_artifacts(run, str(paths.METRICS.parent), paths.METRICS.parent.name)
            self._ensure_model()
            version = self._client.create_model_version(
                self.name, f"runs:/{run}/{paths.MODELS.name}", run, tags=lineage.tags()
            )
        except BaseException as error:
            self._client.set_terminated(run, RunStatus.to_string(RunStatus.FAILED))
            if isinstance(error, MlflowException):
                reason = str(error).splitlines()[0]
                raise ProjectError(f"the registry refuses this run: {reason}") from error
            raise
        self._client.set_terminated(run)
        if str(version.version) == "1":
            self.promote(version)
        return version

    @_one_line_errors()
    def promote(self, version: ModelVersion) -> None:
        """Make a version the champion, the one that `predict` uses by default."""
        self._client.set_registered_model_alias(self.name, CHAMPION, version.version)

    @_one_line_errors()
    def is_champion(self, version: ModelVersion) -> bool:
        """Return whether a version is the champion."""
        now = self._client.get_model_version(self.name, version.version)
        return CHAMPION in now.aliases

    @_one_line_errors()
    def get(self, wanted: str) -> ModelVersion:
        """Look up a version.

        Args:
            wanted: An alias, or a version number.

        Returns:
            The version.

        Raises:
            ProjectError: If there is none.
        """
        try:
            if wanted.isdigit():
                return self._client.get_model_version(self.name, wanted)
            return self._client.get_model_version_by_alias(self.name, wanted)
        except MlflowException as error:
            if error.error_code not in ABSENT:
                raise
            raise self._no_version(wanted) from None

    @_one_line_errors()
    def metrics(self, version: ModelVersion) -> dict[str, float]:
        """Return the metrics that a version was registered with."""
        found: dict[str, float] = self._client.get_run(str(version.run_id)).data.metrics
        return found

    @_one_line_errors()
    def recipe(self, version: ModelVersion) -> Recipe:
        """Fetch what a version needs in order to predict."""
        with tempfile.TemporaryDirectory() as folder:
            path = self._fetch(version, RECIPE, Path(folder))
            return Recipe(**json.loads(path.read_text(encoding="utf-8")))

    @_one_line_errors()
    def load(self, version: ModelVersion, trusted: Sequence[str]) -> "Classifier":
        """Fetch and read a model; `trusted` are the types that its file may hold."""
        from ..base.estimators import load

        with tempfile.TemporaryDirectory() as folder:
            path = self._fetch(version, paths.MODEL.name, Path(folder))
            expected = version.tags["model_sha256"]
            if sha256(path.read_bytes()).hexdigest() != expected:
                message = f"the model file of version {version.version} of {self.name} is damaged"
                raise ProjectError(f"{message} (SHA-256 differs): register the model anew")
            return load(path, expected, trusted)

    def is_whole(self, version: ModelVersion) -> bool:
        """Return whether the files of a version are there, as they were registered."""
        with tempfile.TemporaryDirectory() as folder:
            try:
                self._fetch(version, RECIPE, Path(folder))
                model = self._fetch(version, paths.MODEL.name, Path(folder)).read_bytes()
            except ProjectError:
                return False
        return sha256(model).hexdigest() == version.tags["model_sha256"]

    def _fetch(self, version: ModelVersion, name: str, folder: Path) -> Path:
        artifact = f"{paths.MODELS.name}/{name}"
        try:
            found = self._client.download_artifacts(str(version.run_id), artifact, str(folder))
        except (MlflowException, OSError) as error:
            message = f"version {version.version} of {self.name} has no file {artifact}"
            raise ProjectError(f"{message}: register the model anew") from error
        return Path(found)

    def _no_version(self, wanted: str) -> ProjectError:
        """Explain that a version is missing, and what there is instead."""
        message = f"no model {self.name}@{wanted} is registered"
        versions = self._client.search_model_versions(f"name='{self.name}'")
        if not versions:
            return ProjectError(f"{message}: run `uvx nox -s pipeline`")
        newest = max(int(version.version) for version in versions)
        if wanted != CHAMPION:
            return ProjectError(f"{message}, the newest version is {newest}")
        remedy = f"`uv run {self.name} register --champion`, or predict with --model {newest}"
        return ProjectError(f"{message}, since no version is the champion now: {remedy}")

    def _experiment(self) -> str:
        found = self._client.get_experiment_by_name(self.name)
        if not found:
            artifacts = self._database.artifacts if self._database else None
            return self._client.create_experiment(self.name, artifacts)
        if found.lifecycle_stage == LifecycleStage.DELETED:
            self._client.restore_experiment(found.experiment_id)
            logger.info("register: the experiment %s was deleted, and is restored", self.name)
        return found.experiment_id

    def _ensure_model(self) -> None:
        try:
            self._client.create_registered_model(self.name)
        except MlflowException as error:
            if error.error_code != ErrorCode.Name(RESOURCE_ALREADY_EXISTS):
                raise
