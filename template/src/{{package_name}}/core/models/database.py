"""The registry in an SQLite file, which may move and is written by one process at a time."""

import os
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import url2pathname

from filelock import FileLock, Timeout

from ..base.errors import ProjectError

CHAMPION, CHALLENGER = "champion", "challenger"
BUNDLE, BUNDLE_SHA256 = "bundle", "bundle_sha256"  # folder and tag of a version
SQLITE = "sqlite:///"
WAIT = 60  # seconds for another process to finish


@dataclass(frozen=True)
class Registered:
    """A version in the registry.

    Attributes:
        number: Its number.
        git_state: `Lineage.git_state` of its results.
        is_champion: Whether `predict` uses it by default.
    """

    number: int
    git_state: str
    is_champion: bool


class Database:
    """An SQLite file with its artifacts beside it.

    Attributes:
        path: The file, which need not exist yet.
        artifacts: Address of the folder for the artifacts, as MLflow keeps it.
    """

    def __init__(self, path: Path) -> None:
        """Set the path; nothing is read or written.

        Raises:
            ProjectError: If MLflow is installed in a folder in which it cannot migrate databases.
        """
        if "%" in sys.prefix:
            message = "the registry cannot be used in a folder whose path has the sign %"
            raise ProjectError(f"{message}: rename it, then run `uvx nox -s setup`")
        self.path = path.absolute()
        self.artifacts = (self.path.parent / "artifacts").as_uri()

    @property
    def uri(self) -> str:
        """Its address for MLflow, which does not escape special characters in a path."""
        is_plain = not any(sign in str(self.path) for sign in "%?#")
        return f"{SQLITE}{self.path if is_plain else os.path.relpath(self.path)}"

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Keep other processes from creating the database or registering in it meanwhile.

        Raises:
            ProjectError: If another process does not finish in time.
        """
        self.path.parent.mkdir(parents=True, exist_ok=True)
        lock = FileLock(f"{self.path}.lock", timeout=WAIT, is_singleton=True)
        is_ours = os.access(self.path.parent, os.W_OK)  # otherwise it can only be read
        try:
            with lock if is_ours else nullcontext():
                yield
        except Timeout:
            raise self._refusal(f"has been in use for {WAIT} s", "let the others finish") from None

    def prepare(self) -> None:
        """Check that the file can be used, and record in it where the artifacts are.

        MLflow stores their absolute addresses, which are wrong after the folder has been moved or
        copied: a copy would write into the original.

        Raises:
            ProjectError: If the file is locked or damaged.
        """
        if not self.path.exists() or not self.path.stat().st_size:
            return
        try:
            with closing(sqlite3.connect(self.path, timeout=WAIT)) as connection, connection:
                connection.execute("BEGIN IMMEDIATE")
                self._bring_home(connection)
        except sqlite3.OperationalError as error:
            if "readonly" in str(error):
                return
            reason = str(error).splitlines()[0]
            raise self._refusal(f"cannot be used ({reason})", "close what uses it") from None
        except sqlite3.DatabaseError as error:
            remedy = "restore it from a copy, or delete it and register anew"
            raise self._refusal(f"is damaged ({error})", remedy) from None

    def versions(self, name: str, key: str) -> list[Registered]:
        """Look up which versions have the same results, quickly and without changing anything.

        Args:
            name: Name of the model.
            key: `Lineage.key`.

        Returns:
            These versions, the newest first.

        Raises:
            ProjectError: If the file cannot be read.
        """
        if not self.path.is_file():
            return []
        query = """
            SELECT same.version, state.value, champion.alias IS NOT NULL
            FROM model_version_tags AS same JOIN model_version_tags AS state USING (name, version)
            LEFT JOIN registered_model_aliases AS champion ON champion.name = same.name
                AND champion.version = same.version AND champion.alias = ?
            WHERE same.name = ? AND same.key = 'key' AND same.value = ? AND state.key = 'git_state'
            ORDER BY same.version DESC
        """
        found = self._ask(query, (CHAMPION, name, key))
        return [Registered(int(number), state, bool(is_)) for number, state, is_ in found]

    def champion(self, name: str) -> tuple[str, Path, str]:
        """Look up the champion, quickly and without changing anything.

        Args:
            name: Name of the model.

        Returns:
            Its number, the folder of its files, and what `Bundle.open` expects of them.

        Raises:
            ProjectError: If there is none, or if the file cannot be read.
        """
        query = """
            SELECT champion.version, runs.artifact_uri, tags.value
            FROM registered_model_aliases AS champion
            JOIN model_versions AS versions USING (name, version)
            JOIN runs ON runs.run_uuid = versions.run_id
            JOIN model_version_tags AS tags USING (name, version)
            WHERE champion.alias = ? AND champion.name = ? AND tags.key = ?
        """
        found = self._ask(query, (CHAMPION, name, BUNDLE_SHA256)) if self.path.is_file() else []
        if not found:
            message = f"the registry {self.path} has no champion of {name}"
            raise ProjectError(f"{message}: see `register` and `promote`")
        [(number, uri, sha256)] = found
        return str(number), Path(url2pathname(urlsplit(uri).path), BUNDLE), sha256

    def _ask(self, query: str, values: tuple[str, ...]) -> list[tuple[Any, ...]]:
        try:
            address = f"{self.path.as_uri()}?mode=ro"
            with closing(sqlite3.connect(address, timeout=WAIT, uri=True)) as connection:
                return connection.execute(query, values).fetchall()
        except sqlite3.Error as error:
            raise self._refusal(f"cannot be read ({error})", "restore it from a copy") from None

    def _bring_home(self, connection: sqlite3.Connection) -> None:
        is_new = not connection.execute(
            "SELECT 1 FROM sqlite_master WHERE name = 'experiments'"
        ).fetchone()
        if is_new:
            return
        addresses = "SELECT artifact_location FROM experiments WHERE artifact_location LIKE ?"
        for (old,) in connection.execute(addresses, ("file:%/artifacts",)).fetchall():
            if old == self.artifacts:
                continue
            for table, column in (("experiments", "artifact_location"), ("runs", "artifact_uri")):
                connection.execute(
                    f"UPDATE {table} SET {column} = ? || substr({column}, ?) "
                    f"WHERE substr({column}, 1, ?) = ?",
                    (self.artifacts, len(old) + 1, len(old), old),
                )

    def _refusal(self, what: str, remedy: str) -> ProjectError:
        return ProjectError(f"the registry {self.path} {what}: {remedy}, then try again")
