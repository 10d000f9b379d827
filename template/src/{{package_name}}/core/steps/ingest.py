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
    """Write the current rows of the source into a table, unchanged.

    Args:
        read: Returns the rows of the source.
        count: Returns about how many rows there are, if that is known.
        raw: The table; it is in parts if there are many rows.

    Raises:
        ProjectError: If the source cannot be read or is empty.
    """
    try:
        rows = tables.watched(read(), count)
        with tables.replacing(raw) as [folder]:
            files = pl.PartitionBy(
                folder, max_rows_per_file=tables.ROWS, approximate_bytes_per_file=None
            )
            rows.sink_parquet(files)
            height = tables.height(folder)
            if not height:
                raise ProjectError("the source has no rows: see `source` in params.yaml")
    except (OSError, pl.exceptions.PolarsError) as error:
        raise ProjectError(f"cannot read the source: {str(error).splitlines()[0]}") from error
    logger.info("ingest: %d rows, %d columns", height, len(tables.lazy(raw).collect_schema()))
