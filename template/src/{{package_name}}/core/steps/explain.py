"""What the model relies on, where it is good, and what its data look like."""

from collections.abc import Callable, Iterator, Mapping
from itertools import pairwise
from math import isfinite

import numpy as np
import polars as pl
from numpy.typing import NDArray

MOST_ROWS = 2000  # to shuffle
MOST_PREDICTIONS = 200  # of all these rows
MOST_INPUTS = 30  # in a table
MOST_COUNTED = 100_000  # rows in the bins
BINS = 12
FEWEST_ROWS = 30  # in a slice

Rows = NDArray[np.intp]


def importance(
    rows: pl.LazyFrame, target: str, loss: Callable[[pl.Series, pl.DataFrame], float]
) -> pl.DataFrame:
    """Shuffle one input at a time, and see how much worse the predictions get.

    Inputs that say the same stand in for each other, so each of them may seem to matter little.
    (Breiman, "Random forests", 2001.)

    Args:
        rows: Held-out rows, the inputs of the model and the target.
        target: Name of the target.
        loss: How bad the predictions for inputs are, lower is better.

    Returns:
        Columns `input` and `loss`, how much worse it gets; the most important input first, at most
        30 of them.
    """
    sample = _sample(rows, MOST_ROWS)
    repeated = pl.concat([sample] * max(1, min(5, MOST_PREDICTIONS // sample.width)))
    inputs, truth = repeated.drop(target), repeated[target]
    before = loss(truth, inputs)
    random = np.random.default_rng(0)
    losses = []
    for name in inputs.columns:
        shuffled = inputs[name][random.permutation(inputs.height)]
        losses.append(loss(truth, inputs.with_columns(shuffled)) - before)
    table = pl.DataFrame({"input": inputs.columns, "loss": losses})
    return table.sort("loss", descending=True, maintain_order=True).head(MOST_INPUTS)


def few_valued(rows: pl.LazyFrame) -> list[str]:
    """Name the columns, at most 30, whose few values divide the rows into slices.

    Args:
        rows: Valid rows without the target.
    """
    columns = _sample(rows, MOST_COUNTED)
    return [it.name for it in columns if 1 < it.n_unique() <= BINS][:MOST_INPUTS]


def slices(columns: pl.DataFrame, scores: Callable[[Rows], Mapping[str, float]]) -> pl.DataFrame:
    """Compute scores for each slice of the held-out rows that has at least 30 of them.

    Args:
        columns: Columns of the held-out rows whose values make slices.
        scores: Computes scores from the numbers of rows.

    Returns:
        Columns `column`, `value` and `rows`, and one for each score.
    """
    lines = []
    for column in columns:
        for value, numbers in rows_by_value(column, FEWEST_ROWS):
            found = scores(numbers)
            if found and all(map(isfinite, found.values())):
                place = {"column": column.name, "value": value, "rows": numbers.size}
                lines.append({**place, **found})
    return pl.DataFrame(lines)


def rows_by_value(column: pl.Series, fewest: int) -> Iterator[tuple[str, Rows]]:
    """Yield each value of a column as text, and its rows if they are not too few."""
    values = column.unique().sort()
    for value, text in zip(values, values.cast(pl.String), strict=True):
        rows = column.eq_missing(value).arg_true().to_numpy()
        if rows.size >= fewest:
            yield "empty" if text is None else text, rows


def histograms(rows: pl.LazyFrame) -> pl.DataFrame:
    """Count the rows in bins of equal width of each column of numbers or days.

    Of a column with few values, each value is counted. Columns with many texts are left out, since
    a report should not repeat names or notes.

    Args:
        rows: Valid rows.

    Returns:
        Columns `column`, `value` (the bounds of a bin, or a value) and `rows`, in the order in
        which to draw them; of a sample if there are more than 100,000 rows.
    """
    parts = [_counted(column.drop_nulls()) for column in _sample(rows, MOST_COUNTED)]
    return pl.concat(parts, how="vertical")


def _counted(values: pl.Series) -> pl.DataFrame:
    is_time = values.dtype.base_type() in (pl.Date, pl.Datetime)
    names: list[str] = []
    rows = np.array([], dtype=np.int64)
    if values.n_unique() <= BINS:
        texts = values.alias("value").to_frame().group_by("value").agg(rows=pl.len()).sort("value")
        names, rows = texts["value"].cast(pl.String).to_list(), texts["rows"].to_numpy()
    elif values.dtype.is_numeric() or is_time:
        numbers = values.cast(pl.Datetime("us")).to_physical() if is_time else values
        rows, edges = np.histogram(*_ranged(numbers.cast(pl.Float64).to_numpy()))
        bounds = [_day(edge) if is_time else f"{edge:.4g}" for edge in edges]
        names = [f"{low} to {high}" for low, high in pairwise(bounds)]
    columns = {"column": [values.name] * len(names), "value": names, "rows": rows}
    types = {"column": pl.String, "value": pl.String, "rows": pl.Int64}
    return pl.DataFrame(columns, schema=types)


def _ranged(
    numbers: NDArray[np.float64],
) -> tuple[NDArray[np.float64], int, tuple[float, float]]:
    """Return the arguments for a histogram whose range a float can hold."""
    most = np.finfo(np.float64).max / 4
    return numbers, BINS, (max(numbers.min(), -most), min(numbers.max(), most))


def _day(microseconds: float) -> str:
    moment = pl.Series([int(microseconds)]).cast(pl.Datetime("us"))
    return str(moment.dt.strftime("%Y-%m-%d")[0])


def _sample(rows: pl.LazyFrame, most: int) -> pl.DataFrame:
    """Take all rows, or every second, third or n-th one."""
    height = rows.select(pl.len()).collect().item()
    return rows.gather_every(-(-height // most)).collect(engine="streaming")
