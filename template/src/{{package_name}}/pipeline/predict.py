"""Predict with a registered model."""

import logging
from pathlib import Path

import polars as pl

from .. import features, model
from ..schema import TARGET, Row
from ..settings import Environment, Params
from . import files
from .errors import ProjectError
from .lineage import current_key
from .registry import Registry
from .validate import ROW, check

logger = logging.getLogger(__name__)


def run(
    path: Path, params: Params, environment: Environment, name: str, *, version: str
) -> pl.DataFrame:
    """Predict for the rows of a file.

    Args:
        path: Raw rows, CSV or Parquet; the target may be missing.
        params: params.yaml.
        environment: Says where the registry is.
        name: Of the registered model.
        version: Alias or number of its version.

    Returns:
        One row for each row of the file, in its order: `row`, counted from 0, what `model.py`
        predicts, and the `reason` where a row breaks the schema and gets no prediction.

    Raises:
        ProjectError: If the file cannot be read, or there is no such model.
    """
    raw = files.collect(files.scan(path), str(path))
    checked = check(raw, Row.to_schema().remove_columns([TARGET]))
    registry = Registry(environment.mlflow_tracking_uri, name)
    wanted = registry.get(version)
    estimator = registry.load(wanted)
    logger.debug("version %s: %s", wanted.version, wanted.tags)
    if wanted.tags["key"] != current_key():
        logger.warning(
            "predict: version %s is not of the last run; its code is that of commit %s",
            wanted.version,
            wanted.tags["git_commit"],
        )
    rows = raw.with_row_index(ROW).select(ROW)
    valid = rows.join(checked.rejected, on=ROW, how="anti", maintain_order="left")
    inputs = features.transform(checked.valid.lazy(), params.features).collect()
    try:
        predicted = valid.hstack(model.predict(estimator, inputs)) if valid.height else valid
    except ValueError as error:  # of scikit-learn, where columns differ
        message = (
            f"version {wanted.version} was trained on other inputs: use another with --model, "
            f"or check out commit {wanted.tags['git_commit']}, which made it"
        )
        raise ProjectError(message) from error
    logger.info(
        "predict: version %s, %d rows, %d without a prediction",
        wanted.version,
        valid.height,
        checked.rejected.height,
    )
    return rows.join(predicted, on=ROW, how="left", maintain_order="left").join(
        checked.rejected, on=ROW, how="left", maintain_order="left"
    )
