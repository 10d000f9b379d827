"""The connection between `predict` and your modules."""

from functools import partial
from pathlib import Path

import polars as pl

from .. import features, model, source
from ..schema import TARGET, Row
from .base import paths, reading, tables
from .base.dialect import Dialect
from .base.estimators import load_recorded
from .models import predict
from .models.predict import Predictor
from .models.registry import Registry
from .steps.featurize import one_line_errors


def read(path: Path) -> pl.LazyFrame:
    """Read a file of raw rows as training does, with `read` of `source.py`."""
    settings = source.SourceSettings.load("source")
    if "path" in type(settings).model_fields:
        with one_line_errors("source.py"):
            rows = source.read(settings.model_copy(update={"path": path}))
            rows.collect_schema()
    else:
        rows = reading.scan(path)
    return tables.watched(rows, partial(reading.expected_height, path))


def predictor(registry: Registry, wanted: str) -> Predictor:
    """Load a version of the model, by its alias or number, to predict with."""
    return predict.load(
        registry,
        wanted,
        Row.to_schema(),
        TARGET,
        Dialect.of(source.SourceSettings.load("source")),
        model.TRUSTED_TYPES,
        transform=features.transform,
        settings=features.FeatureSettings,
        predict=model.predict,
    )


def columns_of_predictions() -> dict[str, str]:
    """Predict for a held-out row to find out the columns and types of the model's output.

    Returns:
        Names of the types by names of the columns; empty where the held-out rows are missing.
    """
    if not paths.TEST.is_file():
        return {}
    row = tables.lazy(paths.TEST).drop(TARGET).head(1).collect()
    predicted = model.predict(load_recorded(paths.MODEL, model.TRUSTED_TYPES), row)
    return {name: str(dtype.base_type()) for name, dtype in predicted.schema.items()}
