"""The model registry: MLflow, in SQLite beside the code or on a server."""

import json
import logging
import os
import re
import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import url2pathname
from uuid import uuid4

# MLflow reads these when it is imported: it sends no telemetry, draws no progress bars, and tries
# seconds, not minutes, to reach a server.
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "2")

import mlflow
from filelock import FileLock
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
from platformdirs import user_cache_path
from sqlalchemy.exc import SQLAlchemyError

from ..base.errors import ProjectError
from .bundle import Bundle
from .database import BUNDLE, BUNDLE_SHA256, CHALLENGER, CHAMPION, SQLITE, Database

logger = logging.getLogger(__name__)

# Tags of a version: what was decided about it, and the champions before it while it is one itself.
DECISIONS, BEFORE = "decisions", "champions_before"
MOST_DECISIONS, MOST_CHARACTERS = 10, 90_000  # that are kept, since MLflow limits a tag's length
MOST_DIGITS = 9  # of the number of a version
# A tag of the model while its champion changes on a server: whoever waits longer than a request
# takes, and still finds its own mark, is alone (Fischer's algorithm).
CHANGING, PAUSE, STALE = "champion_changes", 1.0, 60.0  # seconds
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
        raise ProjectError(re.sub(r"//\S*@", "//", message)) from error  # without passwords


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

    def __init__(self, uri: str, name: str, of: str = "") -> None:
        """Connect, and create an SQLite database if there is none; its artifacts go next to it.

        Args:
            uri: Address of an MLflow server, or `sqlite:///<path>`.
            name: Name of the model in the registry.
            of: Name of a further model, with which the name in the registry ends.

        Raises:
            ProjectError: If the registry does not answer.
        """
        self.name, self.of = name, of
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
        return self._search(f" and tags.key='{key}'")

    @_one_line_errors()
    def add(
        self,
        bundle: Path,
        tags: dict[str, str],
        params: dict[str, str],
        metrics: dict[str, float],
    ) -> ModelVersion:
        """Record the last run of the pipeline, and its bundle as a new version."""
        run = self._client.create_run(self._experiment(), tags=tags).info.run_id
        try:
            for name, text in params.items():
                self._client.log_param(run, name, text)
            for name, value in metrics.items():
                self._client.log_metric(run, name, value)
            self._client.log_artifacts(run, str(bundle), BUNDLE)
            self._ensure_model()
            version = self._client.create_model_version(
                self.name, f"runs:/{run}/{BUNDLE}", run, tags=tags
            )
        except BaseException as error:
            self._client.set_terminated(run, RunStatus.to_string(RunStatus.FAILED))
            if isinstance(error, MlflowException):
                reason = str(error).splitlines()[0]
                raise ProjectError(f"the registry refuses this run: {reason}") from error
            raise
        self._client.set_terminated(run)
        return version

    @_one_line_errors()
    def versions(self) -> list[ModelVersion]:
        """List all versions, newest first."""
        return self._search()

    @_one_line_errors()
    def aliases(self) -> dict[str, str]:
        """Return the number of the version that each alias names."""
        try:
            found = self._client.get_registered_model(self.name).aliases
        except MlflowException as error:
            if error.error_code not in ABSENT:
                raise
            return {}
        return {alias: str(number) for alias, number in found.items()}

    def champion(self) -> str | None:
        """Return the number of the champion, the version that `predict` uses by default."""
        return self.aliases().get(CHAMPION)

    def is_champion(self, version: ModelVersion) -> bool:
        """Return whether a version is the champion."""
        return self.champion() == str(version.version)

    @_one_line_errors()
    def set_challenger(self, version: ModelVersion) -> None:
        """Make a version the challenger, the one that `promote` compares by default."""
        self._client.set_registered_model_alias(self.name, CHALLENGER, version.version)

    @_one_line_errors()
    def decisions(self, version: ModelVersion) -> list[dict[str, Any]]:
        """Return what was decided about a version, the latest last."""
        now = self._client.get_model_version(self.name, version.version)
        decided: list[dict[str, Any]] = json.loads(now.tags.get(DECISIONS, "[]"))
        return decided

    @_one_line_errors()
    def decide(self, version: ModelVersion, decision: Mapping[str, object]) -> None:
        """Keep a decision with a version."""
        kept = [*self.decisions(version), decision][-MOST_DECISIONS:]
        while len(text := json.dumps(kept, ensure_ascii=False)) > MOST_CHARACTERS and kept[1:]:
            kept = kept[1:]
        self._client.set_model_version_tag(self.name, version.version, DECISIONS, text)

    @_one_line_errors()
    def champions_before(self, number: str) -> list[str]:
        """Return the champions before a champion, the latest first."""
        tags = self._client.get_model_version(self.name, number).tags
        before: list[str] = json.loads(tags.get(BEFORE, "[]"))
        return before

    @_one_line_errors()
    def make_champion(self, version: ModelVersion, before: Sequence[str]) -> None:
        """Make a version the champion; until the last step, the old one is.

        Args:
            version: The version.
            before: Numbers of the champions before it, the latest first.
        """
        number = str(version.version)
        self._client.set_model_version_tag(self.name, number, BEFORE, json.dumps([*before]))
        self._client.set_registered_model_alias(self.name, CHAMPION, number)
        if self.aliases().get(CHALLENGER) == number:
            self._client.delete_registered_model_alias(self.name, CHALLENGER)

    @contextmanager
    def changing(self) -> Iterator[None]:
        """Keep others from changing the champion meanwhile.

        Raises:
            ProjectError: If somebody else is changing it.
        """
        if self._database:
            with self._database.alone():
                yield
            return
        mark = f"{uuid4()} {time.time():.0f}"
        with _one_line_errors():
            held = self._client.get_registered_model(self.name).tags.get(CHANGING, "")
            is_free = not held or time.time() - float(held.partition(" ")[2]) > STALE
            if is_free:
                begun = time.monotonic()
                self._client.set_registered_model_tag(self.name, CHANGING, mark)
                time.sleep(max(PAUSE, 5 * (time.monotonic() - begun)))
                held = self._client.get_registered_model(self.name).tags.get(CHANGING, "")
        if held != mark:
            raise ProjectError("somebody else is changing the champion: run this again")
        try:
            yield
        finally:
            with _one_line_errors():
                self._client.delete_registered_model_tag(self.name, CHANGING)

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
            if wanted.isdigit() and len(wanted) <= MOST_DIGITS:
                return self._client.get_model_version(self.name, wanted)
            return self._client.get_model_version_by_alias(self.name, wanted)
        except MlflowException as error:
            if error.error_code not in ABSENT:
                raise
            raise self._no_version(wanted) from None

    @_one_line_errors()
    def metrics(self, version: ModelVersion) -> dict[str, float]:
        """Return the metrics that a version was registered with, such as `model.accuracy`.

        A version whose run was deleted, or that another program made, has none.
        """
        try:
            found: dict[str, float] = self._client.get_run(str(version.run_id)).data.metrics
        except MlflowException as error:
            if error.error_code not in ABSENT:
                raise
            return {}
        return found

    @_one_line_errors()
    def bundle(self, version: ModelVersion) -> Bundle:
        """Fetch a version, and check it before anything of it is used.

        Raises:
            ProjectError: If the version has no bundle, or if a file is not the one that was
                registered.
        """
        expected = version.tags.get(BUNDLE_SHA256)
        if not expected:
            message = f"version {version.version} has no bundle"
            reason = "an earlier release or another program made it"
            raise ProjectError(f"{message}, since {reason}: {self._remedy}")
        if self._database:
            uri = self._client.get_run(str(version.run_id)).info.artifact_uri
            folder = Path(url2pathname(urlsplit(uri).path), BUNDLE)
            if not folder.is_dir():
                raise self._lost(version)
            return Bundle.open(folder, expected)
        cached = user_cache_path(self.name) / "bundles" / expected
        with suppress(ProjectError):  # it is not there yet, or is damaged
            return Bundle.open(cached, expected)
        cached.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(f"{cached}.lock"), tempfile.TemporaryDirectory(dir=cached.parent) as place:
            with suppress(ProjectError):  # another process was quicker
                return Bundle.open(cached, expected)
            Bundle.open(self._download(version, place), expected)
            shutil.rmtree(cached, ignore_errors=True)
            Path(place, BUNDLE).replace(cached)
            return Bundle.open(cached, expected)

    def is_whole(self, version: ModelVersion) -> bool:
        """Return whether a version has all of its files, as they were registered."""
        try:
            self.bundle(version)
        except ProjectError:
            return False
        return True

    def _search(self, condition: str = "") -> list[ModelVersion]:
        found = self._client.search_model_versions(f"name='{self.name}'{condition}")
        return sorted(found, key=lambda version: int(version.version), reverse=True)

    def _download(self, version: ModelVersion, into: str) -> Path:
        try:
            return Path(self._client.download_artifacts(str(version.run_id), BUNDLE, into))
        except (MlflowException, OSError) as error:
            raise self._lost(version) from error

    def _lost(self, version: ModelVersion) -> ProjectError:
        message = f"version {version.version} of {self.name} has lost its files"
        return ProjectError(f"{message}: {self._remedy}")

    def command(self, *words: str) -> str:
        """Write a command of the package that is about this model."""
        return f"uv run {self.name.removesuffix(f'.{self.of}')} {self.about(*words)}"

    def about(self, *words: str) -> str:
        """Write words of a command with the option that names this model."""
        return " ".join(map(str, [*words, *(["--of", self.of] if self.of else [])]))

    @property
    def _remedy(self) -> str:
        return f"`{self.command('register')}` makes a new version of the last run"

    def _no_version(self, wanted: str) -> ProjectError:
        """Explain that a version is missing, and what there is instead."""
        message = f"no model {self.name}@{wanted} is registered"
        versions = self.versions()
        if not versions:
            return ProjectError(f"{message}: run `uvx nox -s pipeline`")
        newest = versions[0].version
        if wanted == CHAMPION:
            remedy = f"`{self.command('promote', newest)}`, or predict with --model {newest}"
            return ProjectError(f"{message}, since no version is the champion now: {remedy}")
        if wanted == CHALLENGER:
            newer = f"no version is newer than the champion, version {self.champion()}"
            return ProjectError(f"{newer}: train and register one, or name the version")
        return ProjectError(f"{message}, the newest version is {newest}")

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
