"""Whether a version is better than the champion, on rows that neither was trained on."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Self

import numpy as np
import polars as pl
from numpy.typing import NDArray
from pydantic import Field

from ..base import resampling
from ..base.errors import ProjectError
from ..base.paths import section_of
from ..base.settings import Section
from ..steps.evaluate import is_better
from ..steps.explain import rows_by_value
from .bundle import Bundle
from .lineage import who

RESAMPLES = 1000
MOST_SLICES = 50  # of a column

Metrics = Callable[[pl.Series, pl.DataFrame], Mapping[str, float]]


class RefusalError(ProjectError):
    """Why a version does not become the champion, where there is nothing to compare."""


class PromotionSettings(Section):
    """Section `promotion` of params.yaml, which may be missing.

    Attributes:
        metric: Name of the metric that decides; by default the first one of `evaluation.py`. If it
            ends in `_loss` or `_error`, lower is better.
        margin: How much better than the champion a version has to be, in the units of the metric.
        confidence: Probability that it is, from 0.5 to 0.99.
        min_rows: Smallest number of held-out rows to decide from, and of rows in a slice to look
            at.
        slices: Columns of the schema, each of whose values is a slice of the rows.
        max_slice_loss: How much worse than the champion a version may be in a slice.
    """

    metric: str | None = None
    margin: float = Field(default=0, ge=0)
    confidence: float = Field(default=0.95, ge=0.5, le=0.99)
    min_rows: int = Field(default=30, ge=2)
    slices: list[str] = Field(default=[])
    max_slice_loss: float = Field(default=0.05, ge=0)

    @classmethod
    def read(cls, of: str = "") -> Self:
        """Read the section of params.yaml, or the defaults if it is missing.

        Args:
            of: Name of a further model.
        """
        return cls.load(section_of(of, "promotion"), is_optional=True)


@dataclass(frozen=True)
class HeldOut:
    """The held-out rows of the last run, to compare versions on.

    Attributes:
        raw: The rows as `ingest` wrote them.
        earlier: All raw rows, for features that look back at them.
        truth: The target of each row.
        slices: The columns that divide the rows into slices.
        groups: The group of each row, if rows belong together.
        seed: Seed of the resamples.
        key: What decides which rows are held out; a version with another key may have been trained
            on them.
    """

    raw: pl.DataFrame
    earlier: pl.LazyFrame
    truth: pl.Series
    slices: pl.DataFrame
    groups: NDArray[np.intp] | None
    seed: int
    key: Mapping[str, object]


@dataclass(frozen=True)
class Gate:
    """What a version has to pass to become the champion.

    Attributes:
        settings: What is asked of it.
        held_out: Reads the held-out rows of the last run.
        predict: Predicts for them with the code of a version.
        metrics: Compares the target with predictions.
    """

    settings: PromotionSettings
    held_out: Callable[[], HeldOut]
    predict: Callable[[Bundle, HeldOut], pl.DataFrame]
    metrics: Metrics


@dataclass(frozen=True)
class Comparison:
    """How a version compares with the champion.

    Attributes:
        metric: Name of the metric that decides.
        value: Its value for the version.
        champion: Its value for the champion.
        better_by: How much better the version is; negative if it is worse.
        at_least: How much better it is at least, with the stated confidence.
        rows: How many rows were compared.
        slices: How much better it is in each slice.
        faults: Why the version does not become the champion; empty if it does.
    """

    metric: str
    value: float
    champion: float
    better_by: float
    at_least: float
    rows: int
    slices: Mapping[str, float]
    faults: tuple[str, ...]

    def __str__(self) -> str:
        """Say it in one line."""
        kind = "a gain of at least" if self.at_least >= 0 else "at worst a loss of"
        return (
            f"{self.metric} {self.value:.4g} against {self.champion:.4g} on {self.rows} held-out "
            f"rows, {_better_by(self.better_by)}, {kind} {abs(self.at_least):.4g}"
        )


def compare(
    version: pl.DataFrame,
    champion: pl.DataFrame,
    rows: HeldOut,
    metrics: Metrics,
    settings: PromotionSettings,
) -> Comparison:
    """Compare the predictions of a version with those of the champion, row by row.

    The difference of the metric is computed on resamples of the rows, the same ones for both: the
    lower bound is a percentile of the paired bootstrap.

    Args:
        version: What the version predicts for the held-out rows.
        champion: What the champion predicts for them.
        rows: The held-out rows.
        metrics: Compares the target with predictions.
        settings: What is asked of a new champion.

    Raises:
        RefusalError: If there are too few rows.
        ProjectError: If there is no such metric or slice.
    """
    height = rows.truth.len()
    if height < settings.min_rows:
        message = f"{height} held-out rows are fewer than promotion.min_rows, {settings.min_rows}"
        raise RefusalError(message)
    metric = chosen(settings, metrics(rows.truth, version))

    def values(numbers: NDArray[np.intp]) -> tuple[float, float]:
        truth = rows.truth[numbers]
        both = (metrics(truth, table[numbers])[metric] for table in (version, champion))
        value, other = both
        return value, other

    is_loss = is_better(metric, 0, 1)

    def gain(value: float, other: float) -> float:
        return other - value if is_loss else value - other

    def better_by(numbers: NDArray[np.intp]) -> Mapping[str, float]:
        return {metric: gain(*values(numbers))}

    value, other = values(np.arange(height))
    difference = gain(value, other)
    if not np.isfinite(difference):
        raise ProjectError(f"{metric} is not defined for the held-out rows")
    drawn = resampling.distribution(better_by, height, RESAMPLES, rows.seed, rows.groups)[metric]
    at_least = float(np.nanquantile(drawn, 1 - settings.confidence))
    gains = ((name, gain(*values(it))) for name, it in _slices(rows.slices, settings))
    slices = {name: found for name, found in gains if np.isfinite(found)}
    faults = []
    if not at_least > settings.margin:
        sure = f"with {settings.confidence:.0%} confidence, the gain is at least {at_least:.4g}"
        needed = f"it has to be above the margin, {settings.margin:g}"
        faults.append(f"{metric} is {_better_by(difference)}; {sure}, and {needed}")
    faults += [
        f"{metric} is worse by {-found:.4g} where {name}, more than promotion.max_slice_loss, "
        f"{settings.max_slice_loss:g}"
        for name, found in slices.items()
        if found < -settings.max_slice_loss
    ]
    return Comparison(metric, value, other, difference, at_least, height, slices, tuple(faults))


def chosen(settings: PromotionSettings, values: Mapping[str, float]) -> str:
    """Name the metric that decides.

    Raises:
        ProjectError: If there is no such metric.
    """
    metric = settings.metric or next(iter(values))
    if metric not in values:
        message = f"params.yaml: promotion.metric: evaluation.py has no {metric}"
        raise ProjectError(f"{message}, only {', '.join(values)}")
    return metric


def _better_by(difference: float) -> str:
    return f"{'better' if difference >= 0 else 'worse'} by {abs(difference):.4g}"


def decision(reason: str, *, is_accepted: bool, **more: object) -> dict[str, object]:
    """Describe a decision, with who made it and when."""
    now = datetime.now(UTC).isoformat(timespec="seconds")
    return {"time": now, "by": who(), "is_accepted": is_accepted, "reason": reason, **more}


def beats_baseline(
    scores: Mapping[str, Mapping[str, float]], settings: PromotionSettings
) -> tuple[bool, str]:
    """Say whether the metric that decides was better than the baseline when it was evaluated.

    Args:
        scores: The content of metrics.json.
        settings: Section `promotion`.
    """
    model, baseline = scores["model"], scores["baseline"]
    metric = chosen(settings, {name: value for name, value in model.items() if name in baseline})
    said = f"{metric} {model[metric]:.4g}, baseline {baseline[metric]:.4g}"
    return is_better(metric, model[metric], baseline[metric]), said


def _slices(
    columns: pl.DataFrame, settings: PromotionSettings
) -> Iterator[tuple[str, NDArray[np.intp]]]:
    """Yield the name and the rows of each slice that has enough of them."""
    for column in columns:
        if (count := column.n_unique()) > MOST_SLICES:
            message = f"params.yaml: promotion.slices: {column.name} has {count} values"
            raise ProjectError(f"{message}, more than {MOST_SLICES}: name a column with few")
        for value, rows in rows_by_value(column, settings.min_rows):
            yield f"{column.name} is {value}", rows
