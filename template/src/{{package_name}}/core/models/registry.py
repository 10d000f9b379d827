"""The model registry: MLflow, in SQLite beside the code or on a server."""

import json
import logging
import os
import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

# MLflow reads these when it is imported: it sends no telemetry, and draws no progress bars.
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")

from mlflow import MlflowClient
from mlflow.entities import RunStatus
from mlflow.entities.model_registry import ModelVersion
from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import RESOURCE_ALREADY_EXISTS, ErrorCode
from sqlalchemy.exc import SQLAlchemyError

from ..base import paths
from ..base.errors import ProjectError
from ..base.estimators import Classifier, load
from .lineage import Lineage, Recipe

CHAMPION = "champion"
SQLITE = "sqlite:///"
RECIPE = "recipe.json"

for noisy in ("mlflow", "alembic"):  # they log each migration of a new database
    logging.getLogger(noisy).setLevel(logging.WARNING)


class Registry:
    """The versions of one registered model.

    Attributes:
        name: Name of the model, and of the experiment that holds its runs.
    """

    def __init__(self, uri: str, name: str) -> None:
        """Connect; an SQLite database is created if there is none, its artifacts go beside it.

        Args:
            uri: Address of an MLflow server, or `sqlite:///<path>`.
            name: Name of the model.

        Raises:
            ProjectError: If the registry does not answer.
        """
        self.name = name
        self._artifacts = None
        if uri.startswith(SQLITE):
            database = Path(uri.removeprefix(SQLITE)).absolute()
            database.parent.mkdir(parents=True, exist_ok=True)
            uri = f"{SQLITE}{database}"
            self._artifacts = (database.parent / "artifacts").as_uri()
        try:
            self._client = MlflowClient(uri, uri)
            self._client.search_registered_models(max_results=1)
        except (MlflowException, SQLAlchemyError, ImportError) as error:
            reason = str(error).splitlines()[0]
            raise ProjectError(f"the registry {uri} does not answer: {reason}") from error

    def find(self, key: str) -> list[ModelVersion]:
        """Find the versions of the same results.

        Args:
            key: `Lineage.key`.

        Returns:
            The versions, newest first.
        """
        found = self._client.search_model_versions(f"name='{self.name}' and tags.key='{key}'")
        return sorted(found, key=lambda version: int(version.version), reverse=True)

    def add(
        self,
        lineage: Lineage,
        recipe: Recipe,
        params: dict[str, str],
        metrics: dict[str, float],
    ) -> ModelVersion:
        """Record the last run of the pipeline, and its model as a new version.

        The first version of all becomes the champion.
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

    def promote(self, version: ModelVersion) -> None:
        """Make a version the champion, the one that `predict` uses by default."""
        self._client.set_registered_model_alias(self.name, CHAMPION, version.version)

    def is_champion(self, version: ModelVersion) -> bool:
        """Return whether a version is the champion."""
        now = self._client.get_model_version(self.name, version.version)
        return CHAMPION in now.aliases

    def get(self, wanted: str) -> ModelVersion:
        """Look a version up.

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
            message = f"no model {self.name}@{wanted} is registered: run `uvx nox -s pipeline`"
            raise ProjectError(message) from error

    def metrics(self, version: ModelVersion) -> dict[str, float]:
        """Return the metrics that a version was registered with."""
        found: dict[str, float] = self._client.get_run(str(version.run_id)).data.metrics
        return found

    def recipe(self, version: ModelVersion) -> Recipe:
        """Fetch what a version needs in order to predict."""
        with tempfile.TemporaryDirectory() as folder:
            path = self._fetch(version, RECIPE, Path(folder))
            return Recipe(**json.loads(path.read_text(encoding="utf-8")))

    def load(self, version: ModelVersion, trusted: Sequence[str]) -> Classifier:
        """Fetch and read a model; `trusted` are the types that its file may hold."""
        with tempfile.TemporaryDirectory() as folder:
            path = self._fetch(version, paths.MODEL.name, Path(folder))
            return load(path, version.tags["model_sha256"], trusted)

    def _fetch(self, version: ModelVersion, name: str, folder: Path) -> Path:
        artifact = f"{paths.MODELS.name}/{name}"
        try:
            found = self._client.download_artifacts(str(version.run_id), artifact, str(folder))
        except (MlflowException, OSError) as error:
            message = f"version {version.version} of {self.name} has no file {artifact}"
            raise ProjectError(f"{message}: register the model anew") from error
        return Path(found)

    def _experiment(self) -> str:
        found = self._client.get_experiment_by_name(self.name)
        if found:
            return found.experiment_id
        return self._client.create_experiment(self.name, self._artifacts)

    def _ensure_model(self) -> None:
        try:
            self._client.create_registered_model(self.name)
        except MlflowException as error:
            if error.error_code != ErrorCode.Name(RESOURCE_ALREADY_EXISTS):
                raise
