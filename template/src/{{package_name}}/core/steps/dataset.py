"""A further table: read and validated as the first one is, in one step."""

import re
from collections.abc import Callable

import pandera.polars as pa
import polars as pl

from ..base.dialect import Dialect
from ..base.errors import ProjectError
from ..base.paths import Table
from . import ingest, validate


def run(
    name: str,
    read: Callable[[], pl.LazyFrame],
    schema: pa.DataFrameSchema,
    dialect: Dialect,
    *,
    max_quarantined_share: float,
) -> None:
    """Read a table, and put rows that break its schema into quarantine.

    Args:
        name: Its name, which is also that of its stage and of its section of params.yaml.
        read: Returns its rows.
        schema: What a valid row is.
        dialect: How the cells are written.
        max_quarantined_share: Largest accepted fraction of bad rows, between 0 and 1.

    Raises:
        ProjectError: If it cannot be read, lacks a column, or has too many bad rows.
    """
    table = Table.of(name)
    settings = validate.ValidationSettings(max_quarantined_share=max_quarantined_share)
    try:
        ingest.run(read, raw=table.raw)
        validate.run(schema, dialect, settings, table)
    except ProjectError as error:  # the steps name the modules and the section of the first table
        message = re.sub(r"\b(schema|source)\.py", f"stages/{name}.py", str(error))
        message = message.replace("`source`", f"`{name}`").replace("the source", name)
        raise ProjectError(message) from error
