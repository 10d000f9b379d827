"""Step 3: make the inputs of the model and split the rows."""

import logging
from collections.abc import Callable, Sequence
from datetime import datetime
from hashlib import blake2b
from typing import Literal, Self
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl
from pydantic import Field, model_validator

from ..base import paths, tables
from ..base.errors import ProjectError
from ..base.settings import Section

logger = logging.getLogger(__name__)

HELD_OUT = "held_out"  # in a frame of its own, so that a column of yours may have the name


class SplitSettings(Section):
    """Section `split` of params.yaml.

    Attributes:
        by: `hash` holds out rows by a hash of their content, `time` the latest rows.
        test_share: Approximate fraction of rows that `hash` holds out, between 0 and 1.
        together_by: Columns whose equal values `hash` keeps on one side; if empty, all inputs.
        column: Column of the schema with a date or a time, for `time`.
        test_from: First date or time to hold out, such as "2024-10-01" or "2024-10-01 06:00", in
            quotes, since DVC refuses a date; if the column has a time zone, in that zone.
        gap: How long before `test_from` rows are left out of training, such as "12h", "7d" or
            "1mo", so that a feature that looks back does not see both sides.
    """

    by: Literal["hash", "time"] = "hash"
    test_share: float = Field(default=0.25, gt=0, lt=1)
    together_by: list[str] = Field(default=[])
    column: str | None = None
    test_from: str | None = None
    gap: str = Field(default="0d", pattern=r"^(\d+(ns|us|ms|s|m|h|d|w|mo|q|y))+$")

    @model_validator(mode="after")
    def _belong_together(self) -> Self:
        if {self.column is None, self.test_from is None} != {self.by == "hash"}:
            raise ValueError("`by: time` needs `column` and `test_from`, and only it has them")
        return self


def run(
    transform: Callable[[pl.LazyFrame], pl.LazyFrame], target: str, split: SplitSettings, seed: int
) -> None:
    """Make the inputs of the model and split the rows, without holding all of them in memory.

    Args:
        transform: Makes the inputs of the model from valid rows without the target.
        target: Name of the target column.
        split: Which rows are held out.
        seed: Seed of the split.

    Raises:
        ProjectError: If the split does not fit the columns, or a side of it has no rows.
    """
    valid = tables.stream(paths.VALID)
    inputs = valid.drop(target)  # the features are made without a look at the target
    columns = [transform(inputs), valid.select(target), holdout(inputs, split, seed)]
    table = pl.concat(columns, how="horizontal")
    held_out = pl.col(HELD_OUT)
    sides = {paths.TRAIN: table.filter(~held_out), paths.TEST: table.filter(held_out)}
    summary = table.select(pl.len(), train=(~held_out).sum(), test=held_out.sum())
    rows, train, test = tables.sink(
        {path: side.drop(HELD_OUT) for path, side in sides.items()}, summary
    ).row(0)
    if not train or not test:
        for path in sides:
            path.unlink()
        message = f"the split of {rows} valid rows gives {train} to train and {test} to test"
        raise ProjectError(f"{message}: see `split` in params.yaml")
    left_out = f", {rows - train - test} left out" if split.by == "time" else ""
    logger.info("featurize: %d rows to train, %d to test%s", train, test, left_out)


def holdout(inputs: pl.LazyFrame, split: SplitSettings, seed: int) -> pl.LazyFrame:
    """Choose the rows to hold out.

    Args:
        inputs: Valid rows without the target, before features are made of them.
        split: How to choose.
        seed: Seed of the hash, not negative.

    Returns:
        Column `held_out` for the same rows: true on the test side, false on the training side,
        null for a row on neither.

    Raises:
        ProjectError: If the settings do not fit the columns.
    """
    schema = inputs.collect_schema()
    if split.by == "time":
        return inputs.select(_is_late(schema, split).alias(HELD_OUT))
    _require(schema, split.together_by, "together_by")
    keys = inputs.select(split.together_by or pl.all())
    return _hashed(keys, seed, split.test_share)


def is_holdout(keys: pl.DataFrame, *, seed: int, share: float) -> pl.Series:
    """Choose the rows to hold out by a hash of their content.

    A row stays on its side when others come or go, and equal rows are never on both.

    Args:
        keys: Columns that distinguish rows.
        seed: Seed of the hash, not negative.
        share: Approximate fraction of rows to hold out, between 0 and 1.

    Returns:
        Whether each row is held out.
    """
    return _hashed(keys.lazy(), seed, share).collect().to_series()


def _hashed(keys: pl.LazyFrame, seed: int, share: float) -> pl.LazyFrame:
    key = seed.to_bytes(8, "big")
    limit = np.uint64(share * 2**64)
    text = pl.concat_str(pl.all().cast(pl.String).fill_null(""), separator="\x1f").cast(pl.Binary)

    def is_low(rows: pl.DataFrame) -> pl.DataFrame:
        texts = rows.to_series()
        digests = b"".join([blake2b(text, digest_size=8, key=key).digest() for text in texts])
        return pl.DataFrame({HELD_OUT: np.frombuffer(digests, dtype=">u8") < limit})

    schema = {HELD_OUT: pl.Boolean}
    return keys.select(text).map_batches(is_low, schema=schema, streamable=True)


def _is_late(schema: pl.Schema, split: SplitSettings) -> pl.Expr:
    """Compare times with `test_from`; null for rows in the gap and for rows without a time."""
    name, text = str(split.column), str(split.test_from)
    _require(schema, [name], "column")
    dtype = schema[name]
    if not isinstance(dtype, pl.Date | pl.Datetime):
        message = f"params.yaml: split.column: {name} is {dtype}, not a date or a time"
        raise ProjectError(f"{message}: see schema.py")
    zone = dtype.time_zone if isinstance(dtype, pl.Datetime) else None
    try:
        start = datetime.fromisoformat(text)
    except ValueError:
        message = f'params.yaml: split.test_from: {text} is not a date or a time like "2024-10-01"'
        raise ProjectError(message) from None
    if start.tzinfo:
        message = f"params.yaml: split.test_from: write {text} without an offset, as {name} has it"
        raise ProjectError(message)
    first = pl.lit(start.replace(tzinfo=ZoneInfo(zone) if zone else None))
    time = pl.col(name).cast(pl.Datetime("us", zone))
    is_late = time >= first
    return pl.when(is_late | (time < first.dt.offset_by(f"-{split.gap}"))).then(is_late)


def _require(schema: pl.Schema, names: Sequence[str], setting: str) -> None:
    """Refuse names of columns that the inputs lack."""
    for name in names:
        if name not in schema:
            raise ProjectError(f"params.yaml: split.{setting}: schema.py has no input {name}")
