"""Metrics and plot tables for targets of any type, to use in `evaluation.py`.

Truth and predictions are compared as text, so that a class may be text, a number, a boolean or a
category. A metric is nan where it is not defined for the given rows, for example the area under the
curve where all rows have one class; `evaluate` leaves such a metric out and says so.

A metric whose name ends in `_loss` or `_error` is better when lower, and any other when higher.
This is scikit-learn's convention, and `evaluate` follows it to compare the model with the baseline.
"""

import re
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

PROBABILITY = "probability_"
QUANTILE = re.compile(r"quantile_(0?\.\d+)")
MOST_POINTS = 2000  # in a scatter plot


def classification(truth: pl.Series, predictions: pl.DataFrame) -> dict[str, float]:
    """Compute the usual metrics of a classification.

    A class that the training rows lack has probability 0, which `log_loss` counts as 2e-16.

    Args:
        truth: The class of each row.
        predictions: Column `prediction`, and a column `probability_<class>` for each class that
            the model knows, in the sorted order of the classes. Without them, the metrics of
            probabilities are left out.

    Returns:
        Accuracy and balanced accuracy, between 0 and 1. For two classes, also the area under the
        ROC curve, average precision and the Brier score, where the second class in sorted order is
        the positive one. For more classes, the means over the classes of F1 and of the area under
        the ROC curve of each class against the rest. Then the log loss, in nats.
    """
    stated = {
        name.removeprefix(PROBABILITY): predictions[name].to_numpy()
        for name in predictions.columns
        if name.startswith(PROBABILITY)
    }
    texts = [truth.cast(pl.String), predictions["prediction"].cast(pl.String)]
    classes = sorted({*stated, *texts[0].unique(), *texts[1].unique()})
    number = {name: place for place, name in enumerate(classes)}  # much faster than text
    actual, predicted = (text.replace_strict(number).to_numpy() for text in texts)
    size = len(classes)
    counts = np.bincount(actual * size + predicted, minlength=size**2).reshape(size, size)
    right, is_truth, is_predicted = counts.diagonal(), counts.sum(axis=1), counts.sum(axis=0)
    is_there, is_named = is_truth > 0, is_truth + is_predicted > 0
    scores: dict[str, float | np.floating[Any]] = {
        "accuracy": right.sum() / actual.size,
        "balanced_accuracy": np.mean(right[is_there] / is_truth[is_there]),
    }
    if len(stated) == 2:
        positive, probability = list(stated.items())[1]
        is_positive = actual == number[positive]
        scores["roc_auc"], scores["average_precision"] = _ranked(is_positive, probability)
        scores["brier_score_loss"] = np.mean((probability - is_positive) ** 2)
    else:
        f1 = 2 * right[is_named] / (is_truth + is_predicted)[is_named]
        scores["f1_macro"] = np.mean(f1)
    if len(stated) > 2:
        areas = (_ranked(actual == number[name], values)[0] for name, values in stated.items())
        scores["roc_auc_ovr"] = np.mean([*areas])
    if stated:
        absent = np.zeros(actual.size)
        columns = np.column_stack([stated.get(name, absent) for name in classes])
        least = np.finfo(np.float64).eps
        of_truth = columns[np.arange(actual.size), actual]
        scores["log_loss"] = -np.mean(np.log(of_truth.clip(least, 1 - least)))
    return {name: float(value) for name, value in scores.items()}


def regression(truth: pl.Series, predictions: pl.DataFrame) -> dict[str, float]:
    """Compute the usual metrics of a regression.

    Args:
        truth: The target of each row.
        predictions: Column `prediction`, in the units of the target; and, if the model predicts
            quantiles, columns such as `quantile_0.9`.

    Returns:
        Mean absolute error and root mean squared error in the units of the target, R² (1 is best;
        0 is as good as the mean), and the mean pinball loss of each quantile.
    """
    actual = truth.cast(pl.Float64).to_numpy()
    predicted = predictions["prediction"].cast(pl.Float64).to_numpy()
    residuals, spread = actual - predicted, np.sum((actual - actual.mean()) ** 2)
    scores: dict[str, float | np.floating[Any]] = {
        "mean_absolute_error": np.mean(np.abs(residuals)),
        "root_mean_squared_error": np.sqrt(np.mean(residuals**2)),
        "r2": 1 - np.sum(residuals**2) / spread if np.ptp(actual) > 0 else np.nan,
    }
    for name in predictions.columns:
        if found := QUANTILE.fullmatch(name):
            below = actual - predictions[name].cast(pl.Float64).to_numpy()
            share = float(found[1])
            loss = np.mean(np.maximum(share * below, (share - 1) * below))
            scores[f"{name}_pinball_loss"] = loss
    return {name: float(value) for name, value in scores.items()}


def confusion(truth: pl.Series, predictions: pl.DataFrame) -> pl.DataFrame:
    """Count the rows of each pair of classes.

    Args:
        truth: The class of each row.
        predictions: Column `prediction`.

    Returns:
        Columns `truth`, `prediction` and `rows`, sorted, without pairs that do not occur.
    """
    pairs = pl.DataFrame({"truth": truth, "prediction": predictions["prediction"]}).cast(pl.String)
    return pairs.group_by("truth", "prediction").agg(rows=pl.len()).sort("truth", "prediction")


def curves(truth: pl.Series, predictions: pl.DataFrame) -> dict[str, pl.DataFrame]:
    """Compute the ROC curve and the precision-recall curve, on 101 points each.

    Args:
        truth: The class of each row.
        predictions: A column `probability_<class>` for each class that the model knows.

    Returns:
        `roc` with the columns `false positive rate` and `true positive rate`, and
        `precision_recall` with `recall` and `precision`, the highest one with at least this recall.
        With two classes, the second is the positive one; with more, these are the means over the
        classes, each against the rest. Without rows if no class has both kinds of rows.
    """
    actual = truth.cast(pl.String).to_numpy()
    names = [name for name in predictions.columns if name.startswith(PROBABILITY)]
    grid = np.linspace(0, 1, 101)
    rates, precisions = [], []
    for name in names[1:] if len(names) == 2 else names:
        is_positive = actual == name.removeprefix(PROBABILITY)
        if is_positive.all() or not is_positive.any():
            continue
        recall, false, precision = _ranking(is_positive, predictions[name].to_numpy())
        rates.append(np.interp(grid, [0, *false], [0, *recall]))
        highest = np.maximum.accumulate(precision[::-1])[::-1]
        precisions.append(highest[np.searchsorted(recall, grid)])
    known = grid if rates else grid[:0]
    rate, precision = (np.mean(it, axis=0) if it else known for it in (rates, precisions))
    return {
        "roc": pl.DataFrame({"false positive rate": known, "true positive rate": rate}),
        "precision_recall": pl.DataFrame({"recall": known, "precision": precision}),
    }


def calibration(truth: pl.Series, predictions: pl.DataFrame) -> pl.DataFrame:
    """Compare the probability that the model states with how often it is right.

    Args:
        truth: The class of each row.
        predictions: Column `prediction`, and a column `probability_<class>` for each class.

    Returns:
        For each tenth of the stated probability, that of the most probable class, the columns
        `stated probability` (the mean), `share right` and `rows`.
    """
    stated = pl.max_horizontal(pl.selectors.starts_with(PROBABILITY)).alias("stated probability")
    right = predictions["prediction"].cast(pl.String) == truth.cast(pl.String)
    bins = (pl.col("stated probability") * 10).ceil().alias("bin")
    calibration = (
        predictions.select(stated, right=right)
        .group_by(bins)
        .agg(
            pl.col("stated probability").mean(),
            pl.col("right").mean().alias("share right"),
            pl.len().alias("rows"),
        )
    )
    return calibration.sort("bin").drop("bin")


def points(truth: pl.Series, predictions: pl.DataFrame) -> pl.DataFrame:
    """Choose rows for scatter plots, at even distances.

    Args:
        truth: The target of each row.
        predictions: Column `prediction`, in the units of the target.

    Returns:
        Columns `truth`, `prediction` and `residual` (their difference) of at most 2,000 rows.
    """
    rows = predictions.select(truth=truth, prediction="prediction")
    count = min(rows.height, MOST_POINTS)
    chosen = rows[[number * rows.height // count for number in range(count)]]
    return chosen.with_columns(residual=pl.col("truth") - pl.col("prediction"))


def _ranked(is_positive: NDArray[np.bool_], probability: NDArray[np.float64]) -> list[float]:
    """Compute how well rows are ranked, or nan if all rows have the same class.

    Returns:
        The area under the ROC curve, and average precision.
    """
    if is_positive.all() or not is_positive.any():
        return [np.nan, np.nan]
    recall, false, precision = _ranking(is_positive, probability)
    area = np.trapezoid([0, *recall], [0, *false])
    return [float(area), float(np.sum(np.diff(recall, prepend=0) * precision))]


def _ranking(
    is_positive: NDArray[np.bool_], probability: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return recall, false positive rate and precision for each threshold, the highest first."""
    order = np.argsort(-probability, kind="stable")
    ranked = probability[order]
    ends = np.flatnonzero(np.append(ranked[1:] != ranked[:-1], True))  # of equal probabilities
    found = np.cumsum(is_positive[order])[ends]
    false = ends + 1 - found
    return found / found[-1], false / false[-1], found / (ends + 1)
