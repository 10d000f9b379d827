"""From a valid row to the inputs of the model."""

import polars as pl

from .core.base.settings import Section
from .schema import Row


class FeatureSettings(Section):
    """Section `features` of params.yaml.

    Attributes:
        unused: Columns of the schema that the model does not see.
    """

    unused: list[str]


def transform(rows: pl.LazyFrame, settings: FeatureSettings) -> pl.LazyFrame:
    """Make the inputs of the model.

    Args:
        rows: Valid rows, without the target.
        settings: Section `features` of params.yaml.

    Returns:
        As many rows in the same order; every column is an input of the model.
    """
    return rows.with_columns(
        weekday=pl.col(str(Row.time_hour)).dt.weekday(),
        age=2013 - pl.col(str(Row.built)),
    ).drop(settings.unused)
