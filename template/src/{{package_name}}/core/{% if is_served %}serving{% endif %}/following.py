"""Where the service finds the champion: in an SQLite file, or on an MLflow server."""

from pathlib import Path

from ..models.database import CHAMPION, SQLITE, Database
from .champion import Found, Look


def in_registry(uri: str, name: str, of: str) -> Look:
    """Return a function that asks a registry for the champion.

    Args:
        uri: Address of the registry.
        name: Name of the model in it.
        of: Name of a further model.
    """
    return _in_database(uri, name) if uri.startswith(SQLITE) else _on_server(uri, name, of)


def _in_database(uri: str, name: str) -> Look:
    """Ask an SQLite file itself: this takes a millisecond, and MLflow seconds to import."""
    database = Database(Path(uri.removeprefix(SQLITE)))
    database.prepare()
    return lambda: Found(*database.champion(name))


def _on_server(uri: str, name: str, of: str) -> Look:
    from ..models.registry import Registry

    registry = Registry(uri, name, of)

    def look() -> Found:
        version = registry.get(CHAMPION)
        bundle = registry.bundle(version)
        return Found(str(version.version), bundle.folder, bundle.sha256)

    return look
