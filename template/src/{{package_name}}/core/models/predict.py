"""Predict with a registered model."""

import logging
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pandera.polars as pa
import polars as pl

from ..base import tables
from ..base.errors import ProjectError
from ..base.estimators import Classifier
from ..base.settings import Section
from ..steps.validate import ROW, check
from .lineage import CLEAN
from .registry import Registry

logger = logging.getLogger(__name__)


def run(
    path: Path,
    registry: Registry,
    wanted: str,
    schema: pa.DataFrameSchema,
    trusted: Sequence[str],
    *,
    transform: Callable[[pl.LazyFrame, Any], pl.LazyFrame],
    settings: type[Section],
    predict: Callable[[Classifier, pl.DataFrame], pl.DataFrame],
) -> pl.DataFrame:
    """Predict for the rows of a file, with the code that the version was trained with.

    Args:
        path: Raw rows, CSV or Parquet; the target may be missing.
        registry: Where the model is.
        wanted: Alias or number of the version.
        schema: What a valid row without the target is.
        trusted: Types that a model file may hold.
        transform: Makes the inputs of the model from valid rows and their settings.
        settings: What section `features` of params.yaml holds.
        predict: Predicts one row of output for each row of inputs.

    Returns:
        One row for each row of the file, in its order: `row`, counted from 0, what `predict`
        returns, and the `reason` where a row breaks the schema and gets no prediction.

    Raises:
        ProjectError: If the file cannot be read, if there is no such version, or if it was trained
            with other code than is here.
    """
    raw = tables.collect(tables.scan(path), str(path))
    version = registry.get(wanted)
    recipe = registry.recipe(version)
    if other := recipe.other_code():
        is_committed = version.tags["git_state"] == CLEAN
        commit = version.tags["git_commit"] if is_committed else "the code that made it"
        message = f"version {version.version} was trained with other code than is here"
        remedy = f"check out {commit}, choose another version with --model, or register anew"
        raise ProjectError(f"{message} ({', '.join(other)}): {remedy}")
    checked = check(raw, schema)
    estimator = registry.load(version, trusted)
    rows = raw.with_row_index(ROW).select(ROW)
    valid = rows.join(checked.rejected, on=ROW, how="anti", maintain_order="left")
    inputs = transform(checked.valid.lazy(), settings.model_validate(recipe.features)).collect()
    predicted = valid.hstack(predict(estimator, inputs)) if valid.height else valid
    logger.info(
        "predict: version %s, %d rows, %d without a prediction",
        version.version,
        rows.height,
        checked.rejected.height,
    )
    return rows.join(predicted, on=ROW, how="left", maintain_order="left").join(
        checked.rejected, on=ROW, how="left", maintain_order="left"
    )
