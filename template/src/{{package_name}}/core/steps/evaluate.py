"""Step 5: evaluate the model on held-out rows, together with the baseline."""

import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from math import isfinite
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray
from tqdm import tqdm

from ..base import paths, tables
from ..base.errors import ProjectError
from ..base.estimators import Classifier, Format, load_recorded, refuse_empty
from ..base.resampling import Statistic
from . import explain

logger = logging.getLogger(__name__)

BATCH = 100_000  # rows that are predicted at once
MOST_LINES = 10_000  # in a plot's table, since git keeps every version of it


def run(
    target: str,
    formats: Mapping[Path, Format],
    *,
    predict: Callable[[Classifier, pl.DataFrame], pl.DataFrame],
    metrics: Callable[[pl.Series, pl.DataFrame], dict[str, float]],
    plots: Callable[[pl.Series, pl.DataFrame], dict[str, pl.DataFrame]],
    cross_validate: Callable[[], Mapping[str, Mapping[str, float]]],
    intervals: Callable[[Statistic, int], tuple[Mapping[str, float], Mapping[str, float]]],
    held_out: Callable[[pl.LazyFrame], pl.LazyFrame],
    files: paths.Files = paths.FIRST,
) -> None:
    """Write metrics of model and baseline, tables of the plots, and the columns of predictions.

    The bounds of each metric of the model hold it with a probability of 95 %.

    Args:
        target: Name of the target column.
        formats: The files of the model and of the baseline, and how they were written.
        predict: Predicts one row of output for each row of features.
        metrics: Compares the target with predictions; the first metric is logged.
        plots: Makes a table for each plot from the target and predictions.
        cross_validate: Returns what else to write next to the metrics, which may be nothing.
        intervals: Computes the bounds of metrics from resamples of so many rows.
        held_out: Keeps the held-out rows of valid rows.
        files: The files of the model.

    Raises:
        ProjectError: If a cell of the target is empty, or no metric is defined for the rows.
    """
    table = tables.lazy(files.test)
    truth = table.select(target).collect()[target]
    refuse_empty(truth, f"rows of {files.test}")
    estimators = {path.stem: load_recorded(path, form) for path, form in formats.items()}
    predictions = {
        name: pl.concat(predict(estimator, inputs) for inputs in batches(table.drop(target)))
        for name, estimator in estimators.items()
    }
    compared = {name: metrics(truth, rows) for name, rows in predictions.items()}
    scores = defined(compared, f"the rows of {files.test}")
    first = next(iter(scores[paths.MODEL.stem]))

    def loss(truth: pl.Series, inputs: pl.DataFrame) -> float:
        value = metrics(truth, predict(estimators[paths.MODEL.stem], inputs))[first]
        return value if is_better(first, 0, 1) else -value

    def scores_of(rows: NDArray[np.intp]) -> dict[str, float]:
        with suppress(ValueError):  # some metrics are not defined for a single class
            return {name: metrics(truth[rows], it[rows])[first] for name, it in predictions.items()}
        return {}

    valid = tables.lazy(files.valid)
    dividing = held_out(valid.select(explain.few_valued(valid.drop(target))))
    slices = explain.slices(dividing.collect(engine="streaming"), scores_of)
    tables_of_plots = {
        "importance": explain.importance(table, target, loss),
        **({} if slices.is_empty() else {"slices": slices}),
        "columns": explain.histograms(valid),
        **plots(truth, predictions[paths.MODEL.stem]),
    }
    files.plots.mkdir(parents=True, exist_ok=True)
    for name, plot in tables_of_plots.items():
        file = files.plots / f"{name}.csv"
        plot.write_csv(file)
        if plot.height > MOST_LINES:
            message = "evaluate: %s has %d lines, which git keeps: aggregate them in evaluation.py"
            logger.warning(message, file, plot.height)
    for name, values in scores.items():
        logger.debug("%s: %s", name, values)
    log(scores[paths.MODEL.stem], scores[paths.BASELINE.stem], truth.len())
    predicted = predictions[paths.MODEL.stem]
    types = {name: str(dtype.base_type()) for name, dtype in predicted.schema.items()}
    tables.write_json(types, files.predictions)
    lower, upper = intervals(lambda rows: metrics(truth[rows], predicted[rows]), truth.len())
    bounds = {"lower": lower, "upper": upper}
    tables.write_json({**scores, **bounds, **cross_validate()}, files.metrics)


def batches(rows: pl.LazyFrame) -> Iterator[pl.DataFrame]:
    """Read a table in parts of a fixed size, so that each run predicts the same bytes."""
    height = rows.select(pl.len()).collect().item()
    with tqdm(total=height, **tables.BAR) as bar:
        for start in range(0, height, BATCH):
            part = rows.slice(start, BATCH).collect()
            yield part
            bar.update(part.height)


def defined(scores: Mapping[str, Mapping[str, float]], rows: str) -> dict[str, dict[str, float]]:
    """Leave out metrics that are not finite for the model or for the baseline, and say so.

    Args:
        scores: The metrics of each estimator.
        rows: What the rows are, for messages.

    Returns:
        Finite metrics only, since JSON has no others.

    Raises:
        ProjectError: If none is left.
    """
    undefined = {
        name: None
        for values in scores.values()
        for name, value in values.items()
        if not isfinite(value)
    }
    if undefined:
        names = ", ".join(undefined)
        logger.warning("evaluate: %s left out, not defined for %s", names, rows)
    left = {
        scored: {name: float(value) for name, value in values.items() if name not in undefined}
        for scored, values in scores.items()
    }
    if not all(left.values()):
        raise ProjectError(f"evaluation.py has no metric that is defined for {rows}")
    return left


def log(model: Mapping[str, float], baseline: Mapping[str, float], rows: int) -> None:
    """Log the first metric and that of the baseline; warn if the model is not better.

    Args:
        model: Metrics of the model.
        baseline: Metrics of the baseline.
        rows: How many rows were predicted.
    """
    first, *others = (name for name in model if name in baseline)
    line = f"evaluate: {first} {model[first]:.4g} on {rows} rows, baseline {baseline[first]:.4g}"
    if is_better(first, model[first], baseline[first]):
        logger.info(line)
        return
    also = ", ".join(
        f"{name} {model[name]:.4g} against {baseline[name]:.4g}"
        for name in others
        if not is_better(name, model[name], baseline[name])
    )
    logger.warning(f"{line}: the model does not beat the baseline{also and f', nor in {also}'}")


def is_better(metric: str, value: float, than: float) -> bool:
    """Compare two values of a metric.

    Args:
        metric: Its name; if it ends in `_loss` or `_error`, as scikit-learn names such functions,
            lower is better.
        value: The value to judge.
        than: The value to beat.

    Returns:
        Whether `value` is strictly better.
    """
    return value < than if metric.endswith(("_loss", "_error")) else value > than
