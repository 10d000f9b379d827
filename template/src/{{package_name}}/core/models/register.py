"""Register the model of the last run, with where it came from."""

import json
import logging
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ..base import paths
from ..base.settings import Environment
from . import promotion
from .lineage import CLEAN, UNCLEAN, Lineage, who
from .registry import Registry
from .run import Run

if TYPE_CHECKING:
    from mlflow.entities.model_registry import ModelVersion

logger = logging.getLogger(__name__)

Write = Callable[[Path, Path, Lineage], dict[str, str]]


def run(environment: Environment, name: str, write: Write, of: str = "") -> None:
    """Make an MLflow run and a model version from the last run of the pipeline.

    The same results are registered once, however often this is called. They make a new version if
    the code of the version was not committed then and is now, or if `core/` has changed since.

    The first version becomes the champion if it beats the baseline, and so does the next one after
    a champion that has no bundle any more. A version with the results of the champion takes its
    place. Any other version becomes the challenger.

    Args:
        environment: Says where the registry is.
        name: Name of the registered model.
        write: Writes the bundle of the last run into an empty folder, given the file of the model
            and its lineage, and returns tags of the version.
        of: Name of a further model.

    Raises:
        ProjectError: If the pipeline has not run, if its results do not belong to the code and the
            parameters here, or if the registry does not answer.
    """
    last = Run(of)
    lineage = last.lineage()
    registry = Registry(environment.mlflow_tracking_uri, name, of)
    with registry.alone():
        _register(registry, last, lineage, write)


def _register(registry: Registry, last: Run, lineage: Lineage, write: Write) -> None:
    files = paths.Files.of(registry.of)
    same = registry.find(lineage.key)
    whole = [it for it in same if registry.is_whole(it)]
    known = [it for it in whole if lineage.git_state != CLEAN or _is_current(registry, it)]
    if known:
        version = known[0]
        logger.info("register: nothing new, this model is version %s", version.version)
        if registry.metrics(version) != metrics(files):
            logger.info("register: it keeps the metrics that it was registered with")
    else:
        is_first = not registry.versions()
        with tempfile.TemporaryDirectory() as folder:
            written = write(Path(folder), last.model, lineage)
            tags = {**lineage.tags(), **written, "registered_by": who()}
            version = registry.add(Path(folder), tags, last.params(), metrics(files))
        logger.info("register: %s, version %s", registry.name, version.version)
        _place(registry, version, same, is_first=is_first)
    state = version.tags["git_state"]
    if state == UNCLEAN:
        logger.info(
            "register: version %s is marked `unclean`, since not everything is committed: "
            "commit, then register again",
            version.version,
        )
    elif state != CLEAN:
        logger.info("register: git does not say which commit made version %s", version.version)
    if registry.is_champion(version):
        says = "register: version %s is the champion, the one `%s` uses"
        logger.info(says, version.version, registry.about("predict"))
    elif state == CLEAN:
        command = registry.command("promote", version.version)
        logger.info("register: to make it the champion, if it is better: %s", command)


def _is_current(registry: Registry, version: "ModelVersion") -> bool:
    """Return whether a version was made from committed code, and with the template's code here."""
    if version.tags["git_state"] != CLEAN:
        return False
    if other := registry.bundle(version).other_core():
        says = "register: version %s has these results, but an earlier `core/`: %s differs"
        logger.info(says, version.version, other[0])
    return not other


def _place(
    registry: Registry, version: "ModelVersion", same: Sequence["ModelVersion"], *, is_first: bool
) -> None:
    """Make a new version the champion or the challenger."""
    champion = registry.champion()
    if champion and champion in {str(it.version) for it in same}:
        reason = f"it has the results of version {champion}, which was the champion"
        registry.decide(version, promotion.decision(reason, is_accepted=True))
        registry.make_champion(version, registry.champions_before(champion))
        return
    registry.set_challenger(version)
    is_broken = champion is not None and not registry.is_whole(registry.get(champion))
    if not (is_first or is_broken):
        return
    settings = promotion.PromotionSettings.read(registry.of)
    file = paths.Files.of(registry.of).metrics
    scores = json.loads(file.read_text(encoding="utf-8"))
    is_better, reason = promotion.beats_baseline(scores, settings)
    why = f"version {champion} has lost its files" if is_broken else "first version"
    registry.decide(version, promotion.decision(f"{why}, {reason}", is_accepted=is_better))
    if is_better:
        registry.make_champion(version, [])
    elif is_first:
        message = "register: version %s does not beat the baseline (%s), so there is no champion"
        logger.warning(message, version.version, reason)


def metrics(files: paths.Files = paths.FIRST) -> dict[str, float]:
    """Read the metrics of the last run.

    Args:
        files: The files of the model.

    Returns:
        The values by names such as `model.accuracy` and `baseline.accuracy`.
    """
    scores = json.loads(files.metrics.read_text(encoding="utf-8"))
    return {
        f"{scored}.{name}": float(value)
        for scored, values in scores.items()
        for name, value in values.items()
    }
