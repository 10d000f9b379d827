"""Register the model of the last run, with where it came from."""

import json
import logging

from ..settings import Environment
from . import files
from .lineage import Run
from .registry import Registry

logger = logging.getLogger(__name__)


def run(environment: Environment, name: str, *, champion: bool) -> None:
    """Make one MLflow run and one model version of the last run of the pipeline.

    The same run is registered once, however often this is called.

    Args:
        environment: Says where the registry is.
        name: Of the registered model.
        champion: Whether the version shall be the one that `predict` uses; the first one is.

    Raises:
        ProjectError: If the pipeline has not run, or the registry does not answer.
    """
    last = Run()
    lineage = last.lineage()
    registry = Registry(environment.mlflow_tracking_uri, name)
    version = registry.find(lineage.key)
    if version is None:
        version = registry.add(lineage, last.params(), metrics())
        logger.info("register: %s, version %s", name, version.version)
    elif version.tags["git_clean"] == "false" and lineage.git_clean == "true":
        registry.correct(version, lineage)
        logger.info("register: version %s, now committed", version.version)
    else:
        logger.info("register: nothing new, this run is version %s", version.version)
    if champion:
        registry.crown(version)
    if registry.is_champion(version):
        logger.info("register: version %s is the champion, which `predict` uses", version.version)
    else:
        logger.info("register: --champion lets `predict` use version %s", version.version)


def metrics() -> dict[str, float]:
    """Read the metrics of the last run.

    Returns:
        By names such as `model.accuracy` and `baseline.accuracy`.
    """
    scores = json.loads(files.METRICS.read_text(encoding="utf-8"))
    return {
        f"{scored}.{name}": float(value)
        for scored, values in scores.items()
        for name, value in values.items()
    }
