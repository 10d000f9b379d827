"""Register the model of the last run, with where it came from."""

import json
import logging
from collections.abc import Callable, Mapping

from ..base import paths
from ..base.settings import Environment
from .lineage import CLEAN, UNCLEAN, Lineage, Run
from .registry import Registry

logger = logging.getLogger(__name__)


def run(
    environment: Environment,
    name: str,
    columns: Callable[[], Mapping[str, str]],
    *,
    champion: bool,
) -> None:
    """Make an MLflow run and a model version from the last run of the pipeline.

    The same results are registered once, however often this is called. A version whose code was not
    committed stays marked as such; after the commit, the same results make a new version.

    Args:
        environment: Says where the registry is.
        name: Name of the registered model.
        columns: Returns the types of the columns that the model predicts, by their names.
        champion: Whether to make the version the champion. The first version becomes the champion
            anyway, and so does a version that replaces a champion whose code was not committed.

    Raises:
        ProjectError: If the pipeline has not run, if its results do not belong to the code and the
            parameters here, or if the registry does not answer.
    """
    last = Run()
    lineage = last.lineage()
    registry = Registry(environment.mlflow_tracking_uri, name)
    with registry.alone():
        _register(registry, last, lineage, columns, champion=champion)


def _register(
    registry: Registry,
    last: Run,
    lineage: Lineage,
    columns: Callable[[], Mapping[str, str]],
    *,
    champion: bool,
) -> None:
    same = registry.find(lineage.key)
    whole = [it for it in same if registry.is_whole(it)]
    known = [it for it in whole if lineage.git_state != CLEAN or it.tags["git_state"] == CLEAN]
    if known:
        version = known[0]
        logger.info("register: nothing new, this model is version %s", version.version)
        if registry.metrics(version) != metrics():
            logger.info("register: it keeps the metrics that it was registered with")
    else:
        version = registry.add(lineage, last.recipe(columns()), last.params(), metrics())
        logger.info("register: %s, version %s", registry.name, version.version)
        champion = champion or any(map(registry.is_champion, same))
    state = version.tags["git_state"]
    if state == UNCLEAN:
        logger.info(
            "register: version %s is marked `unclean`, since its code is not committed: "
            "commit, then register again",
            version.version,
        )
    elif state != CLEAN:
        logger.info("register: git does not say which commit made version %s", version.version)
    if champion:
        registry.promote(version)
    if registry.is_champion(version):
        logger.info("register: version %s is the champion, the one `predict` uses", version.version)
    elif state == CLEAN:
        logger.info("register: to make version %s the champion: --champion", version.version)


def metrics() -> dict[str, float]:
    """Read the metrics of the last run.

    Returns:
        The values by names such as `model.accuracy` and `baseline.accuracy`.
    """
    scores = json.loads(paths.METRICS.read_text(encoding="utf-8"))
    return {
        f"{scored}.{name}": float(value)
        for scored, values in scores.items()
        for name, value in values.items()
    }
