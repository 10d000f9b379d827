"""Where the raw data comes from."""

from pathlib import Path

import polars as pl

from .core.base.dialect import Dialect
from .core.base.reading import scan


class SourceSettings(Dialect):
    """Section `source` of params.yaml; the keys of `Dialect` have defaults.

    Attributes:
        path: A file or a folder; `dvc.yaml` makes the pipeline depend on it.
    """

    path: Path


def read(settings: SourceSettings) -> pl.LazyFrame:
    """Read the raw data as it is; `schema.py` defines what a valid row is.

    The tests and `predict` also read their files with it, with another `path`.

    Args:
        settings: Section `source` of params.yaml.

    Returns:
        At least the columns of the schema, one row for each observation.
    """
    return scan(settings.path, settings)
