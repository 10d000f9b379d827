"""Step 1: read the raw data from its source."""

import logging

from .. import source
from ..settings import Params
from . import files
from .errors import ProjectError

logger = logging.getLogger(__name__)


def run(params: Params) -> None:
    """Keep what the source holds now, unchanged.

    Args:
        params: params.yaml.

    Raises:
        ProjectError: If the source cannot be read or is empty.
    """
    raw = files.collect(source.read(params.source), "the source")
    if raw.is_empty():
        raise ProjectError("the source has no rows: see `source` in params.yaml")
    files.write(raw, files.RAW)
    logger.info("ingest: %d rows, %d columns", raw.height, raw.width)
