"""Which rows the model is evaluated on: the held-out rows, and the folds of the others."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from hashlib import blake2b
from typing import Literal, Self
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl
from numpy.typing import NDArray
from pydantic import Field, model_validator

from ..base.errors import ProjectError
from ..base.settings import Section

HELD_OUT = "held_out"  # in a frame of its own, so that one of your columns may have this name
SIDE = "\x1fheld out"  # beside your columns
NUMBERS = 2**64  # of hashes


class SplitSettings(Section):
    """Section `split` of params.yaml.

    Attributes:
        by: `hash` holds out rows by a hash of their content, `time` the latest rows.
        test_share: Approximate fraction of rows that `hash` holds out, between 0 and 1.
        together_by: Columns whose equal values `hash` keeps on one side; if empty, all inputs.
        column: Column of the schema with a date or a time, for `time`.
        test_from: First date or time to hold out, such as "2024-10-01" or "2024-10-01 06:00", in
            quotes, since DVC refuses a date; if the column has a time zone, in that zone.
        gap: Length of the period before `test_from` whose rows are left out of training, such as
            "12h", "7d" or "1mo", so that a feature that looks back does not see both sides.
        folds: Number of folds of the training rows for cross-validation, by default none.
    """

    by: Literal["hash", "time"] = "hash"
    test_share: float = Field(default=0.25, gt=0, lt=1)
    together_by: list[str] = Field(default=[])
    column: str | None = None
    test_from: str | None = None
    gap: str = Field(default="0d", pattern=r"^(\d{1,6}(ns|us|ms|s|m|h|d|w|mo|q|y))+$")
    folds: int | None = Field(default=None, ge=2)

    @model_validator(mode="after")
    def _belong_together(self) -> Self:
        if {self.column is None, self.test_from is None} != {self.by == "hash"}:
            raise ValueError("`by: time` needs `column` and `test_from`, and only it has them")
        return self


def holdout(inputs: pl.LazyFrame, split: SplitSettings, seed: int) -> pl.LazyFrame:
    """Choose the rows to hold out.

    With `hash`, a row stays on its side when others are added or removed, and equal rows are on the
    same side.

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
    if split.by == "hash":
        is_low = pl.all() < pl.lit(int(split.test_share * NUMBERS), pl.UInt64)
        return _hashed(inputs, split, seed).select(is_low.alias(HELD_OUT))
    time, zone = _time(inputs.collect_schema(), split)
    return inputs.select(_is_from(_start(split, zone), time, split.gap).alias(HELD_OUT))


def folds(inputs: pl.LazyFrame, split: SplitSettings, seed: int) -> Iterator[pl.Series]:
    """Divide the training rows for cross-validation.

    With `hash`, rows that belong together are in one fold. With `time`, the folds follow each other
    and have about the same number of rows; the rows before a fold train its model, and the first
    part of the rows is in no fold.

    Args:
        inputs: Valid rows without the target, before features are made of them.
        split: How to divide, and into how many folds.
        seed: Seed of the hash, not negative.

    Yields:
        For each fold, a value for each training row in their order: true if the row is in the fold,
        false if it trains, null if neither.
    """
    count = split.folds or 0
    trains = ~holdout(inputs, split, seed).collect().to_series()
    if split.by == "hash":
        hashes = _hashed(inputs, split, seed, b"folds").collect().filter(trains).to_series()
        numbers = hashes // (NUMBERS // count + 1)
        yield from (numbers == number for number in range(count))
        return
    time, _ = _time(inputs.collect_schema(), split)
    times = inputs.select(time).collect().filter(trains)
    ordered = times.to_series().sort()
    starts = [ordered[number * len(ordered) // (count + 1)] for number in range(1, count + 1)]
    for start, end in zip(starts, [*starts[1:], None], strict=True):
        is_in_fold = _is_from(pl.lit(start), time, split.gap)
        if end:
            is_in_fold = pl.when(time < end).then(is_in_fold)
        yield times.select(is_in_fold).to_series()


def held_out(
    rows: pl.LazyFrame, inputs: pl.LazyFrame, split: SplitSettings, seed: int
) -> pl.LazyFrame:
    """Keep the held-out rows of a table.

    Args:
        rows: The table.
        inputs: The same rows as `holdout` needs them.
        split: How to choose.
        seed: Seed of the hash.
    """
    side = holdout(inputs, split, seed).rename({HELD_OUT: SIDE})
    return pl.concat([rows, side], how="horizontal").filter(SIDE).drop(SIDE)


def groups(inputs: pl.LazyFrame, split: SplitSettings, seed: int) -> NDArray[np.intp] | None:
    """Number the groups of the held-out rows that `together_by` keeps on one side.

    Args:
        inputs: Valid rows without the target, before features are made of them.
        split: How to choose the held-out rows.
        seed: Seed of the hash.

    Returns:
        The number of the group of each held-out row; None if each row stands for itself.
    """
    if not split.together_by:
        return None
    _require(inputs.collect_schema(), split.together_by, "together_by")
    key = pl.concat_str(pl.col(split.together_by).cast(pl.String).fill_null(""), separator="\x1f")
    keys = held_out(inputs.select(key=key), inputs, split, seed).collect()["key"]
    return (keys.rank("dense") - 1).cast(pl.Int64).to_numpy()


def _hashed(
    inputs: pl.LazyFrame, split: SplitSettings, seed: int, purpose: bytes = b""
) -> pl.LazyFrame:
    """Hash the values that decide which rows belong together."""
    _require(inputs.collect_schema(), split.together_by, "together_by")
    keys = inputs.select(split.together_by or pl.all())
    text = pl.concat_str(pl.all().cast(pl.String).fill_null(""), separator="\x1f").cast(pl.Binary)
    key = seed.to_bytes(8, "big")

    def hashed(rows: pl.DataFrame) -> pl.DataFrame:
        texts = rows.to_series()
        digests = [blake2b(it, digest_size=8, key=key, person=purpose).digest() for it in texts]
        return pl.DataFrame({"hash": np.frombuffer(b"".join(digests), dtype=">u8").astype("u8")})

    return keys.select(text).map_batches(hashed, schema={"hash": pl.UInt64}, streamable=True)


def _time(schema: pl.Schema, split: SplitSettings) -> tuple[pl.Expr, str | None]:
    """Return the times that the split compares, in microseconds, and their zone."""
    name = str(split.column)
    _require(schema, [name], "column")
    dtype = schema[name]
    if not isinstance(dtype, pl.Date | pl.Datetime):
        message = f"params.yaml: split.column: {name} is {dtype}, not a date or a time"
        raise ProjectError(f"{message}: see schema.py")
    zone = dtype.time_zone if isinstance(dtype, pl.Datetime) else None
    return pl.col(name).cast(pl.Datetime("us", zone)), zone


def _start(split: SplitSettings, zone: str | None) -> pl.Expr:
    """Read `test_from` as a time in the zone of the column."""
    text = str(split.test_from)
    try:
        start = datetime.fromisoformat(text)
    except ValueError:
        message = f'params.yaml: split.test_from: {text} is not a date or a time like "2024-10-01"'
        raise ProjectError(message) from None
    if start.tzinfo:
        message = f"params.yaml: split.test_from: write {text} without an offset"
        raise ProjectError(f"{message}, as {split.column} has it")
    placed = start.replace(tzinfo=ZoneInfo(zone) if zone else None)
    if zone and placed.astimezone(UTC).astimezone(placed.tzinfo).replace(tzinfo=None) != start:
        raise ProjectError(f"params.yaml: split.test_from: {text} does not exist in {zone}")
    return pl.lit(placed)


def _is_from(start: pl.Expr, time: pl.Expr, gap: str) -> pl.Expr:
    """Say whether a time is at or after `start`; null in the gap and where there is no time."""
    is_late = time >= start
    return pl.when(is_late | (time < start.dt.offset_by(f"-{gap}"))).then(is_late)


def _require(schema: pl.Schema, names: Sequence[str], setting: str) -> None:
    """Refuse names of columns that the inputs lack."""
    for name in names:
        if name not in schema:
            raise ProjectError(f"params.yaml: split.{setting}: schema.py has no input {name}")
