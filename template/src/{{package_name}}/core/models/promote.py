"""Change the champion: promote a version for a reason, or go back to the champion before."""

import json
import logging
from dataclasses import asdict
from typing import TYPE_CHECKING

import polars as pl

from ..base import paths
from ..base.errors import ProjectError
from ..steps.validate import NUMBER, REASON
from . import promotion
from .bundle import Bundle
from .lineage import CLEAN
from .promotion import Gate, HeldOut, RefusalError
from .registry import Registry

if TYPE_CHECKING:
    from mlflow.entities.model_registry import ModelVersion

logger = logging.getLogger(__name__)

ROUNDING = 1e-9  # of sums, which are rounded otherwise in batches of another size


def run(registry: Registry, wanted: str, gate: Gate, force: str | None = None) -> None:
    """Make a version the champion if it is better than the champion, and keep the decision.

    Args:
        registry: The registry.
        wanted: An alias, or a version number.
        gate: What it has to pass.
        force: A reason to make the version the champion without comparing it.

    Raises:
        ProjectError: If the version does not become the champion.
    """
    version = registry.get(wanted)
    number, champion = str(version.version), registry.champion()
    if number == champion:
        logger.info("promote: version %s is the champion already", number)
        return
    bundle = registry.bundle(version)
    if force is not None:
        decision = promotion.decision(f"without a comparison: {force}", is_accepted=True)
    else:
        try:
            _refuse_unclean(version)
            decision = _judged(registry, version, bundle, champion, gate)
        except RefusalError as refusal:
            decision = promotion.decision(str(refusal), is_accepted=False, against=champion)
    with registry.changing():
        now = registry.champion()
        if now != champion:
            message = (
                f"version {now} became the champion meanwhile" if now else "the champion is gone"
            )
            raise ProjectError(f"{message}, so nothing is changed: run this again")
        registry.decide(version, decision)
        if decision["is_accepted"]:
            before = [champion, *registry.champions_before(champion)] if champion else []
            registry.make_champion(version, before)
    if not decision["is_accepted"]:
        message = f"version {number} does not become the champion: {decision['reason']}"
        raise ProjectError(f"{message} (see `promotion` in params.yaml)")
    used = registry.about("predict")
    logger.info("promote: version %s is the champion, the one `%s` uses", number, used)


def _judged(
    registry: Registry, version: "ModelVersion", bundle: Bundle, number: str | None, gate: Gate
) -> dict[str, object]:
    """Decide whether a version beats the baseline and the champion, or predicts as the latter."""
    scores = json.loads((bundle.folder / paths.METRICS).read_text(encoding="utf-8"))
    is_better, said = promotion.beats_baseline(scores, gate.settings)
    if not is_better:
        raise RefusalError(f"it does not beat the baseline: {said}")
    if not number:
        return promotion.decision(said, is_accepted=True)
    champion = registry.get(number)
    rows = gate.held_out()
    ours = _predicted(version, bundle, rows, gate)
    theirs = _predicted(champion, registry.bundle(champion), rows, gate)
    if _are_same(ours, theirs):
        reason = f"it predicts the same as version {number} for the held-out rows"
        logger.info("promote: version %s: %s", version.version, reason)
        return promotion.decision(reason, is_accepted=True, against=number)
    compared = promotion.compare(ours, theirs, rows, gate.metrics, gate.settings)
    logger.info("promote: version %s against %s: %s", version.version, number, compared)
    return promotion.decision(
        "; ".join(compared.faults) or f"{compared}",
        is_accepted=not compared.faults,
        against=number,
        comparison=asdict(compared),
        confidence=gate.settings.confidence,
    )


def _are_same(ours: pl.DataFrame, theirs: pl.DataFrame) -> bool:
    """Return whether predictions are the same, but for how sums over batches are rounded."""
    if ours.schema != theirs.schema or ours.height != theirs.height:
        return False
    if not ours.select(pl.all().is_null()).equals(theirs.select(pl.all().is_null())):
        return False
    return all(
        one.is_close(other, rel_tol=ROUNDING, abs_tol=0, nans_equal=True).all()
        if one.dtype.is_float()
        else one.equals(other)
        for one, other in zip(ours, theirs, strict=True)
    )


def roll_back(registry: Registry) -> None:
    """Make the champion before this one the champion again.

    Raises:
        ProjectError: If there is none, or if it has lost its files.
    """
    with registry.changing():
        champion = registry.champion()
        if not champion:
            raise ProjectError("no version is the champion, so there is nothing to roll back")
        there = {str(it.version) for it in registry.versions()}
        before = [it for it in registry.champions_before(champion) if it in there]
        if not before:
            raise ProjectError(f"there was no champion before version {champion}")
        version, last = registry.get(before[0]), registry.get(champion)
        registry.bundle(version)
        reason = f"rollback from version {champion}"
        registry.decide(version, promotion.decision(reason, is_accepted=True))
        registry.make_champion(version, before[1:])
        reason = f"rollback to version {version.version}"
        registry.decide(last, promotion.decision(reason, is_accepted=False, is_withdrawn=True))
    logger.info("rollback: version %s is the champion again", version.version)
    command = registry.command("promote", champion, '--force "..."')
    logger.info("rollback: to bring version %s back, with a reason: %s", champion, command)


def _refuse_unclean(version: "ModelVersion") -> None:
    state = version.tags["git_state"]
    if state != CLEAN:
        message = f"the code of version {version.version} is not committed"
        remedy = "commit, register and promote that version"
        if state != "unclean":
            message = f"git does not say which commit made version {version.version}"
            remedy = "register it in a repository with commits"
        raise RefusalError(f'{message}: {remedy}, or give a reason with --force "..."')


def _predicted(version: "ModelVersion", bundle: Bundle, rows: HeldOut, gate: Gate) -> pl.DataFrame:
    """Predict for the held-out rows, which must be held-out rows of the version, too."""
    number = version.version
    differing = [name for name, value in rows.key.items() if bundle.split.get(name) != value]
    if "target" in differing:
        targets = f"{bundle.split.get('target')}, not {rows.key['target']}"
        message = f"version {number} predicts {targets}"
        raise RefusalError(f'{message}: give a reason with --force "..."')
    if differing:
        message = f"version {number} was trained with another split ({', '.join(differing)})"
        reason = "so it may have seen the held-out rows of this one"
        raise RefusalError(f'{message}, {reason}: give a reason with --force "..."')
    try:
        predictions = gate.predict(bundle, rows)
    except ProjectError as error:
        message = f"version {number} does not predict for the held-out rows ({error})"
        raise RefusalError(f'{message}: give a reason with --force "..."') from error
    if without := predictions.height - predictions[REASON].null_count():
        first = predictions[REASON].drop_nulls()[0]
        message = f"version {number} has no prediction for {without} of the held-out rows"
        raise RefusalError(f'{message} ({first}): give a reason with --force "..."')
    return predictions.drop(NUMBER, REASON)
