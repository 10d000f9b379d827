"""Step 4: fit the model and the baseline."""

import logging
from collections.abc import Mapping
from pathlib import Path

import polars as pl
from sklearn.dummy import DummyClassifier, DummyRegressor

from ..base import paths, tables
from ..base.errors import ProjectError
from ..base.estimators import (
    Estimator,
    Fit,
    Format,
    fit_at_once,
    refuse_unlearnable,
    save,
)

logger = logging.getLogger(__name__)


def run(
    estimators: Mapping[Path, tuple[Estimator, Format]],
    target: str,
    rows: Path = paths.TRAIN,
    fit: Fit = fit_at_once,
) -> None:
    """Fit the estimators on the training rows.

    Args:
        estimators: Estimators that are not fitted yet, and how to write them, by their files.
        target: Name of the target column.
        rows: The table of the training rows.
        fit: Fits the model; the baseline is fitted at once.

    Raises:
        ProjectError: If the target has an empty cell or a single value, or if an estimator refuses
            the rows.
    """
    table = tables.lazy(rows.absolute())  # other machines may read it, too
    if fit is fit_at_once:
        table = table.collect().lazy()  # so that it is read once
    values = table.select(target).collect()[target]
    refuse_unlearnable(values, f"rows of {rows}")
    contents = {}
    for path, (estimator, form) in estimators.items():
        try:
            fit_it = fit if path.stem == paths.MODEL.stem else _fit_baseline
            fitted = fit_it(estimator, table, target)
        except (TypeError, ValueError) as error:
            message = f"model.py: the estimator refuses the rows of {rows}"
            raise ProjectError(f"{message}: {' '.join(str(error).split())}") from error
        logger.debug("fitted %s", fitted)
        contents[path] = form.write(fitted)
    save(contents)
    logger.info("train: %d rows, %d inputs", values.len(), len(table.collect_schema()) - 1)


def _fit_baseline(estimator: Estimator, rows: pl.LazyFrame, target: str) -> Estimator:
    """Fit the baseline; one that ignores inputs gets none, since all of them may be too many."""
    if not isinstance(estimator, DummyClassifier | DummyRegressor):
        return fit_at_once(estimator, rows, target)
    values = rows.select(target).collect()
    baseline: Estimator = estimator
    baseline.fit(values, values[target])
    return baseline
