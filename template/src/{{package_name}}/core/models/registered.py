"""Find the version in the registry that holds the results of the last run; register nothing."""

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

from ..base.errors import ProjectError
from ..base.settings import Environment
from .database import SQLITE, Database, Registered
from .lineage import CLEAN, Lineage
from .run import Run

if TYPE_CHECKING:
    from .listing import Tree

ABSENT = Lineage("", "", "", "", "", "")


def find(name: str, of: str = "") -> tuple[str, Registered | None]:
    """Find the version that `register` would find.

    Args:
        name: Name of the model in the registry.
        of: Name of a further model.

    Returns:
        The place of the registry, without a password, and the version; None if there is none, or if
        the results do not belong to the code and the parameters here.

    Raises:
        ProjectError: If the registry does not answer.
    """
    uri = Environment.load().mlflow_tracking_uri
    try:
        lineage = Run(of).lineage()
    except (ProjectError, OSError):
        lineage = ABSENT
    if uri.startswith(SQLITE):
        path = Path(uri.removeprefix(SQLITE))
        place, versions = str(path), Database(path).versions(name, lineage.key)
    else:
        place, versions = re.sub(r"//\S*@", "//", uri), _ask(uri, name, of, lineage.key)
    same = (it for it in versions if lineage.git_state != CLEAN or it.git_state == CLEAN)
    return place, next(same, None)


def known(name: str, of: str = "") -> "list[Tree]":
    """List the versions of the registry as `models` does; a missing registry has none.

    Args:
        name: Name of the model in the registry.
        of: Name of a further model.

    Raises:
        ProjectError: If the registry does not answer.
    """
    uri = Environment.load().mlflow_tracking_uri
    if uri.startswith(SQLITE) and not Path(uri.removeprefix(SQLITE)).is_file():
        return []
    _wait_less()
    from . import listing
    from .promotion import PromotionSettings
    from .registry import Registry

    return listing.table(Registry(uri, name, of), PromotionSettings.read(of))


def _wait_less() -> None:
    """Let whoever only looks wait less than whoever registers; MLflow reads this once."""
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "10")


def _ask(uri: str, name: str, of: str, key: str) -> list[Registered]:
    _wait_less()
    from .registry import Registry

    registry = Registry(uri, name, of)
    return [
        Registered(int(it.version), it.tags["git_state"], registry.is_champion(it))
        for it in registry.find(key)
    ]
