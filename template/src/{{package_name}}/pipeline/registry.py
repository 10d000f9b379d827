"""The model registry: MLflow, in SQLite beside the code or on a server."""

import logging
import tempfile
from pathlib import Path

from mlflow import MlflowClient
from mlflow.entities import RunStatus
from mlflow.entities.model_registry import ModelVersion
from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import RESOURCE_ALREADY_EXISTS, ErrorCode

from . import files, model_file
from .errors import ProjectError
from .lineage import Lineage
from .types import Classifier

CHAMPION = "champion"
SQLITE = "sqlite:///"

for noisy in ("mlflow", "alembic"):  # they tell each migration of a new database
    logging.getLogger(noisy).setLevel(logging.WARNING)


class Registry:
    """The versions of one registered model.

    Attributes:
        name: Of the model, and of the experiment with its runs.
    """

    def __init__(self, uri: str, name: str) -> None:
        """Connect; an SQLite database is made where there is none, its artifacts go beside it.

        Args:
            uri: Of an MLflow server, or `sqlite:///<path>`.
            name: Of the model.

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
        except MlflowException as error:
            reason = str(error).splitlines()[0]
            raise ProjectError(f"the registry {uri} does not answer: {reason}") from error

    def find(self, key: str) -> ModelVersion | None:
        """Find the version of a run of the pipeline.

        Args:
            key: `Lineage.key`.

        Returns:
            Its version, or None.
        """
        found = self._client.search_model_versions(f"name='{self.name}' and tags.key='{key}'")
        return found[0] if found else None

    def add(
        self, lineage: Lineage, params: dict[str, str], metrics: dict[str, float]
    ) -> ModelVersion:
        """Record the last run of the pipeline, and its model as a new version.

        Args:
            lineage: Where the model came from.
            params: What the run used.
            metrics: What it reached.

        Returns:
            The new version; the first one of all is the champion.
        """
        run = self._client.create_run(self._experiment(), tags=lineage.tags()).info.run_id
        try:
            for name, text in params.items():
                self._client.log_param(run, name, text)
            for name, value in metrics.items():
                self._client.log_metric(run, name, value)
            self._client.log_artifact(run, str(files.MODEL), files.MODELS.name)
            self._client.log_artifacts(run, str(files.METRICS.parent), files.METRICS.parent.name)
            self._ensure_model()
            version = self._client.create_model_version(
                self.name, f"runs:/{run}/{files.MODELS.name}", run, tags=lineage.tags()
            )
        except BaseException:
            self._client.set_terminated(run, RunStatus.to_string(RunStatus.FAILED))
            raise
        self._client.set_terminated(run)
        if str(version.version) == "1":
            self.crown(version)
        return version

    def correct(self, version: ModelVersion, lineage: Lineage) -> None:
        """Record that the same results have been committed since.

        Args:
            version: Registered from a working tree that was not clean.
            lineage: The same run, seen from a clean one.
        """
        for name, value in lineage.tags().items():
            self._client.set_model_version_tag(self.name, version.version, name, value)
            self._client.set_tag(str(version.run_id), name, value)

    def crown(self, version: ModelVersion) -> None:
        """Let a version be the champion, which `predict` uses."""
        self._client.set_registered_model_alias(self.name, CHAMPION, version.version)

    def is_champion(self, version: ModelVersion) -> bool:
        """Say whether `predict` uses a version."""
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

    def load(self, version: ModelVersion) -> Classifier:
        """Fetch and read a model.

        Args:
            version: Of the model.

        Returns:
            The fitted estimator, after its SHA-256 has been checked.

        Raises:
            ProjectError: If its file is gone, or is not the one that was registered.
        """
        with tempfile.TemporaryDirectory() as folder:
            artifact = f"{files.MODELS.name}/{files.MODEL.name}"
            try:
                path = self._client.download_artifacts(str(version.run_id), artifact, folder)
            except (MlflowException, OSError) as error:
                message = f"version {version.version} of {self.name} has lost its file {artifact}"
                raise ProjectError(message) from error
            return model_file.load(Path(path), version.tags["model_sha256"])

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
