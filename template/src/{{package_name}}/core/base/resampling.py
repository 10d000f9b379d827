"""The bootstrap: how far a metric could be off, since the held-out rows are a sample."""

from collections.abc import Callable, Iterator, Mapping

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

MOST_UNITS = 10_000  # drawn for a resample
CONFIDENCE = 0.95  # of an interval
RESAMPLES = 200  # for an interval

Rows = NDArray[np.intp]
Statistic = Callable[[Rows], Mapping[str, float]]


def intervals(
    statistic: Statistic, height: int, seed: int, groups: NDArray[np.intp] | None = None
) -> tuple[dict[str, float], dict[str, float]]:
    """Compute the interval that holds each value with a probability of 95 %.

    Args:
        statistic: Computes values from the numbers of rows.
        height: How many rows there are.
        seed: Seed of the draws.
        groups: The group of each row, if rows belong together.

    Returns:
        The lower and the upper bounds, by the names of the values; without values that are not
        defined for the resamples.
    """
    drawn = distribution(statistic, height, RESAMPLES, seed, groups)
    outside = (1 - CONFIDENCE) / 2
    bounds = {
        name: np.quantile(values[np.isfinite(values)], [outside, 1 - outside])
        for name, values in drawn.items()
        if np.isfinite(values).any()
    }
    lower = {name: float(bound[0]) for name, bound in bounds.items()}
    return lower, {name: float(bound[1]) for name, bound in bounds.items()}


def distribution(
    statistic: Statistic,
    height: int,
    resamples: int,
    seed: int,
    groups: NDArray[np.intp] | None = None,
) -> dict[str, NDArray[np.float64]]:
    """Compute values on rows that are drawn with replacement, and whole groups at a time.

    Of more than 10,000 rows or groups only as many are drawn, and what is found with fewer of them
    is brought closer to the values of all rows, by the square root of the ratio (Bickel, Götze and
    van Zwet, "Resampling fewer than n observations", 1997).

    Args:
        statistic: Computes values from the numbers of rows.
        height: How many rows there are.
        resamples: How often to draw.
        seed: Seed of the draws.
        groups: The group of each row, if rows belong together.

    Returns:
        The values of each resample, by their names, shape (resamples,).
    """
    whole = _values(statistic, np.arange(height))
    count = height if groups is None else np.unique(groups).size
    scale = np.sqrt(min(count, MOST_UNITS) / count)
    draws = tqdm(
        _draws(height, resamples, seed, groups),
        total=resamples,
        disable=None,
        leave=False,
        delay=1,
        unit=" resamples",
    )
    found = [_values(statistic, rows) for rows in draws]
    return {
        name: value + scale * (np.array([values.get(name, np.nan) for values in found]) - value)
        for name, value in whole.items()
    }


def _values(statistic: Statistic, rows: Rows) -> Mapping[str, float]:
    """Compute values that need not be defined for all rows, such as those of a single class."""
    try:
        return statistic(rows)
    except ValueError:
        return {}


def _draws(
    height: int, resamples: int, seed: int, groups: NDArray[np.intp] | None
) -> Iterator[Rows]:
    random = np.random.default_rng(seed)
    if groups is None:
        for _ in range(resamples):
            yield random.integers(height, size=min(height, MOST_UNITS))
        return
    order = np.argsort(groups, kind="stable")
    starts = np.flatnonzero(np.diff(groups[order])) + 1
    members = np.split(order, starts)
    for _ in range(resamples):
        drawn = random.integers(len(members), size=min(len(members), MOST_UNITS))
        yield np.concatenate([members[number] for number in drawn])
