"""Where the raw data comes from."""

from pathlib import Path

import polars as pl

from .core.base.settings import Section
from .core.base.tables import scan


class SourceSettings(Section):
    """Section `source` of params.yaml.

    Attributes:
        path: A CSV or Parquet file; `dvc.yaml` makes the pipeline depend on it.
    """

    path: Path


def read(settings: SourceSettings) -> pl.LazyFrame:
    """Read the raw data as it is; `schema.py` defines what a valid row is.

    Args:
        settings: Section `source` of params.yaml.

    Returns:
        At least the columns of the schema, one row for each observation.
    """
    return scan(settings.path)
