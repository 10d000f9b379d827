"""Step 5: evaluate the model on held-out rows, beside the baseline."""

import logging
from collections.abc import Callable, Sequence

import polars as pl

from ..base import paths, tables
from ..base.estimators import Classifier, load_recorded

logger = logging.getLogger(__name__)


def run(
    target: str,
    trusted: Sequence[str],
    *,
    predict: Callable[[Classifier, pl.DataFrame], pl.DataFrame],
    metrics: Callable[[pl.Series, pl.DataFrame], dict[str, float]],
    plots: Callable[[pl.Series, pl.DataFrame], dict[str, pl.DataFrame]],
) -> None:
    """Write the metrics of the model and of the baseline, and the tables of the plots.

    Args:
        target: Name of the target column.
        trusted: Types that a model file may hold.
        predict: Predicts one row of output for each row of features.
        metrics: Compares the target with predictions; the first metric is logged.
        plots: Makes a table for each plot from the target and predictions.
    """
    table = tables.read(paths.TEST)
    inputs, truth = table.drop(target), table[target]
    predictions = {
        path.stem: predict(load_recorded(path, trusted), inputs)
        for path in (paths.MODEL, paths.BASELINE)
    }
    scores = {name: metrics(truth, predicted) for name, predicted in predictions.items()}
    tables.write_json(scores, paths.METRICS)
    paths.PLOTS.mkdir(parents=True, exist_ok=True)
    for name, plot in plots(truth, predictions[paths.MODEL.stem]).items():
        plot.write_csv(paths.PLOTS / f"{name}.csv")
    for name, values in scores.items():
        logger.debug("%s: %s", name, values)
    first, value = next(iter(scores[paths.MODEL.stem].items()))
    beside = scores[paths.BASELINE.stem][first]
    logger.info("evaluate: %s %.4g on %d rows, baseline %.4g", first, value, truth.len(), beside)
