"""How much the metrics vary: fit and evaluate an estimator anew for each fold."""

import logging
from collections.abc import Callable, Iterable, Mapping
from math import isfinite
from statistics import fmean, stdev
from typing import cast

import polars as pl

from ..base import paths, tables
from ..base.errors import ProjectError
from ..base.estimators import Classifier, Estimator, Fit, fit_at_once, refuse_unlearnable

logger = logging.getLogger(__name__)


def run(
    build: Callable[[], Estimator],
    target: str,
    folds: Iterable[pl.Series],
    *,
    predict: Callable[[Classifier, pl.DataFrame], pl.DataFrame],
    metrics: Callable[[pl.Series, pl.DataFrame], dict[str, float]],
    fit: Fit = fit_at_once,
    files: paths.Files = paths.FIRST,
) -> Mapping[str, Mapping[str, float]]:
    """Fit and evaluate an estimator for each fold of the training rows.

    Args:
        build: Builds the estimator.
        target: Name of the target column.
        folds: For each fold, what `split.folds` yields.
        predict: Predicts one row of output for each row of features.
        metrics: Compares the target with predictions; the first metric is logged.
        fit: Fits the estimator.
        files: The files of the model.

    Returns:
        Mean and standard deviation over the folds of each metric that is defined in all of them.

    Raises:
        ProjectError: If a fold has too few rows, or if its training rows have a single value of the
            target.
    """
    table = tables.read(files.train)
    scores = []
    for number, fold in enumerate(folds, start=1):
        train, test = table.filter(~fold), table.filter(fold)
        if train.is_empty() or test.is_empty():
            message = f"fold {number} has {test.height} rows, and {train.height} to train"
            raise ProjectError(f"{message}: see `split` in params.yaml")
        refuse_unlearnable(train[target], f"training rows of fold {number}")
        model = cast("Classifier", fit(build(), train.lazy(), target))
        scores.append(metrics(test[target], predict(model, test.drop(target))))
    values = {name: [score.get(name, float("nan")) for score in scores] for name in scores[0]}
    defined = {name: found for name, found in values.items() if all(map(isfinite, found))}
    if undefined := values.keys() - defined:
        names = ", ".join(sorted(undefined))
        logger.warning("evaluate: %s left out, not defined in each fold", names)
    means = {name: fmean(found) for name, found in defined.items()}
    spreads = {name: stdev(found) for name, found in defined.items()}
    for name in list(means)[:1]:
        line = "evaluate: %s %.4g ± %.2g in %d folds"
        logger.info(line, name, means[name], spreads[name], len(scores))
    return {"folds_mean": means, "folds_std": spreads}
