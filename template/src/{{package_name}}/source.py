"""Where the raw data comes from."""

from pathlib import Path

import polars as pl

from .pipeline.files import scan
from .pipeline.types import Section


class SourceSettings(Section):
    """Section `source` of params.yaml.

    Attributes:
        path: A CSV or Parquet file; `dvc.yaml` makes the pipeline depend on it.
    """

    path: Path


def read(settings: SourceSettings) -> pl.LazyFrame:
    """Read the raw data, as it is: what a valid row is says `schema.py`.

    Args:
        settings: Section `source` of params.yaml.

    Returns:
        At least the columns of the schema, one row an observation.
    """
    return scan(settings.path)
