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
        pl.col(str(Row.sex)).fill_null("unknown"),
        egg_on=pl.col(str(Row.date_egg)).dt.ordinal_day(),
        bill_shape=pl.col(str(Row.culmen_length)) / pl.col(str(Row.culmen_depth)),
    ).drop(settings.unused)
