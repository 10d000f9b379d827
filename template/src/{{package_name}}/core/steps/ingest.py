"""Step 1: read the raw data from its source."""

import logging

import polars as pl

from ..base import paths, tables
from ..base.errors import ProjectError

logger = logging.getLogger(__name__)


def run(rows: pl.LazyFrame) -> None:
    """Keep what the source holds now, unchanged.

    Args:
        rows: The rows of the source.

    Raises:
        ProjectError: If the source cannot be read or is empty.
    """
    raw = tables.collect(rows, "the source")
    if raw.is_empty():
        raise ProjectError("the source has no rows: see `source` in params.yaml")
    tables.write(raw, paths.RAW)
    logger.info("ingest: %d rows, %d columns", raw.height, raw.width)
