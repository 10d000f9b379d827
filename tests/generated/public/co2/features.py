"""From valid rows to the inputs of the model."""

import polars as pl

from .core.base.history import History
from .core.base.settings import Section
from .schema import Row


class FeatureSettings(Section):
    """Section `features` of params.yaml.

    Attributes:
        history: How the weeks are ordered.
    """

    history: History


def transform(rows: pl.LazyFrame, settings: FeatureSettings) -> pl.LazyFrame:
    """Make the inputs of the model.

    Args:
        rows: Valid rows; the target is empty in those to predict.
        settings: Section `features` of params.yaml.

    Returns:
        As many rows in the same order; every column is an input of the model.
    """
    earlier = settings.history.earlier
    co2, date = pl.col(str(Row.co2)), pl.col(str(Row.date))
    return rows.select(
        last_week=earlier(co2),
        two_weeks_ago=earlier(co2, steps=2),
        mean_of_the_year=earlier(co2.rolling_mean(52)),
        days_since_last=(date - earlier(date)).dt.total_days(),
        day_of_year=date.dt.ordinal_day(),
    )
