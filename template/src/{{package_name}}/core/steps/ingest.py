"""Step 1: read the raw data from its source."""

import logging
from collections.abc import Callable
from pathlib import Path

import polars as pl

from ..base import paths, tables
from ..base.errors import ProjectError

logger = logging.getLogger(__name__)


def run(
    read: Callable[[], pl.LazyFrame],
    count: Callable[[], int | None] = lambda: None,
    raw: Path = paths.RAW,
) -> None:
    """Write the current rows of the source into a file, unchanged.

    Args:
        read: Returns the rows of the source.
        count: Returns about how many rows there are, if that is known.
        raw: The file.

    Raises:
        ProjectError: If the source cannot be read or is empty.
    """
    try:
        tables.sink({raw: tables.watched(read(), count)})
    except (OSError, pl.exceptions.PolarsError) as error:
        raise ProjectError(f"cannot read the source: {str(error).splitlines()[0]}") from error
    height = tables.height(raw)
    if not height:
        raise ProjectError("the source has no rows: see `source` in params.yaml")
    logger.info("ingest: %d rows, %d columns", height, len(pl.read_parquet_schema(raw)))
