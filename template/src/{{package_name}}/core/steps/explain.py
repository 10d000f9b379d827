"""What the model relies on, and what its data look like."""

from collections.abc import Callable
from itertools import pairwise

import numpy as np
import polars as pl

MOST_ROWS = 2000  # to shuffle
MOST_PREDICTIONS = 200
MOST_INPUTS = 30  # in the table
MOST_COUNTED = 100_000  # rows in the bins
BINS = 12


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
        Columns `input` and `loss`, how much worse it gets in the mean; the most important input
        first, at most 30 of them.
    """
    sample = _sample(rows, MOST_ROWS)
    inputs, truth = sample.drop(target), sample[target]
    before = loss(truth, inputs)
    random = np.random.default_rng(0)
    repeats = max(1, min(5, MOST_PREDICTIONS // inputs.width))
    losses = []
    for name in inputs.columns:
        shuffled = (inputs[name][random.permutation(inputs.height)] for _ in range(repeats))
        after = [loss(truth, inputs.with_columns(values)) for values in shuffled]
        losses.append(float(np.mean(after)) - before)
    table = pl.DataFrame({"input": inputs.columns, "loss": losses})
    return table.sort("loss", descending=True, maintain_order=True).head(MOST_INPUTS)


def histograms(rows: pl.LazyFrame) -> pl.DataFrame:
    """Count the rows in bins of equal width of each numeric column, or of its frequent values.

    Args:
        rows: Valid rows.

    Returns:
        Columns `column`, `value` (the bounds of a bin, or a value) and `rows`, in the order in
        which to draw them; of a sample if there are more than 100,000 rows.
    """
    parts = [_counted(column.drop_nulls()) for column in _sample(rows, MOST_COUNTED)]
    return pl.concat(parts, how="vertical")


def _counted(values: pl.Series) -> pl.DataFrame:
    if values.dtype.is_numeric() and values.n_unique() > BINS:
        numbers = values.cast(pl.Float64).to_numpy()
        rows, edges = np.histogram(numbers, BINS)
        names = [f"{low:.4g} to {high:.4g}" for low, high in pairwise(edges)]
    else:
        if values.dtype.is_temporal():
            values = values.dt.strftime("%Y-%m")
        counted = values.cast(pl.String).value_counts(name="rows").sort("rows", descending=True)
        most = counted.head(BINS).sort(values.name)
        names, rows = most[values.name].to_list(), most["rows"].to_numpy()
    columns = {"column": [values.name] * len(names), "value": names, "rows": rows}
    types = {"column": pl.String, "value": pl.String, "rows": pl.Int64}
    return pl.DataFrame(columns, schema=types)


def _sample(rows: pl.LazyFrame, most: int) -> pl.DataFrame:
    """Take all rows, or every second, third or n-th one."""
    height = rows.select(pl.len()).collect().item()
    return rows.gather_every(-(-height // most)).collect(engine="streaming")
