"""What was asked and answered, kept for monitoring in Parquet files, off the path of requests."""

import contextlib
import logging
import os
import time
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import chain, groupby
from pathlib import Path
from threading import Event, Lock, Thread

import numpy as np
import polars as pl

from .measures import Measures
from .served import Answer, Served

logger = logging.getLogger(__name__)

MOST_ROWS = 200_000  # that wait to be written; more are dropped, and counted
ROWS_OF_A_FILE = 20_000
TIME = pl.Datetime("us", "UTC")
MOST_BYTES = 200_000_000  # of these rows
SECRET = "a column that is not kept breaks a rule"
SECONDS = 5.0  # after which rows are written, however few they are


@dataclass(frozen=True)
class _Entry:
    at: datetime
    request: str
    served: Served
    rows: pl.DataFrame
    answer: Answer
    size: int

    @property
    def kind(self) -> tuple[str, str]:
        return f"{self.at:%Y-%m-%d}", self.served.number


def _table(entries: Sequence[_Entry], left_out: Sequence[str]) -> pl.DataFrame:
    """Return a row for each row of requests that one version has answered."""
    heights = [it.rows.height for it in entries]
    total = sum(heights)
    types = pl.Schema(entries[0].served.screen.types)
    inputs = pl.concat([_typed(it.rows, types) for it in entries]).drop(left_out, strict=False)
    predictions = pl.concat([it.answer.predictions for it in entries])
    reasons = (it.answer.reasons or [""] * it.rows.height for it in entries)
    of_entry = np.repeat(np.arange(len(entries)), heights)
    start = np.cumsum([0, *heights[:-1]])[of_entry]
    return pl.DataFrame(
        [
            pl.Series("time", [it.at for it in entries], TIME).gather(of_entry),
            pl.Series("request", [it.request for it in entries]).gather(of_entry),
            pl.repeat(entries[0].served.number, total, eager=True).alias("version"),
            pl.Series("row", np.arange(total) - start, pl.UInt32),
            *([inputs.to_struct("inputs")] if inputs.width else []),
            predictions.to_struct("predictions"),
            pl.Series("reason", [*_without_cells([*chain(*reasons)], left_out)], pl.String),
        ]
    )


def _typed(rows: pl.DataFrame, types: pl.Schema) -> pl.DataFrame:
    """Convert columns that arrived as text; a cell that has another type is empty then."""
    if rows.schema == types:
        return rows
    return rows.select(
        _cell(name, rows.schema[name], dtype)
        if name in rows.schema
        else pl.lit(None, dtype).alias(name)
        for name, dtype in types.items()
    )


def _cell(name: str, arrived: pl.DataType, wanted: pl.DataType) -> pl.Expr:
    cell = pl.col(name)
    if arrived == wanted:
        return cell
    if wanted == pl.Boolean:
        return cell.replace_strict(
            {"true": True, "false": False}, default=None, return_dtype=wanted
        )
    return cell.cast(wanted, strict=False)


def _without_cells(reasons: Sequence[str], left_out: Sequence[str]) -> Iterator[str | None]:
    """Leave out the reasons that tell what is in a column that must not be kept."""
    for reason in reasons:
        is_secret = any(name in reason for name in left_out)
        yield SECRET if is_secret else reason or None


class Kept:
    """A folder with a folder for each day, and in it files of requests and predictions."""

    def __init__(self, folder: Path, left_out: Sequence[str], measures: Measures) -> None:
        """Start the thread that writes.

        Args:
            folder: Where to write.
            left_out: Names of columns that are not kept.
            measures: Counts what is kept and what is dropped.
        """
        self._folder, self._left_out, self._measures = folder, left_out, measures
        self._entries: deque[_Entry] = deque()
        self._waiting, self._bytes, self._files = 0, 0, 0
        self._counting = Lock()  # two threads change `_waiting`
        self._wake, self._is_open = Event(), True
        self._thread = Thread(target=self._run, name="kept", daemon=True)
        self._thread.start()

    def add(self, request: str, served: Served, rows: pl.DataFrame, answer: Answer) -> None:
        """Keep the rows of a request, unless too many wait already."""
        size = int(rows.estimated_size())
        with self._counting:
            is_much = self._bytes + size > MOST_BYTES
            if self._waiting + rows.height > MOST_ROWS or is_much:
                self._measures.dropped.inc(rows.height)
                return
            self._waiting += rows.height
            self._bytes += size
        self._entries.append(_Entry(datetime.now(UTC), request, served, rows, answer, size))
        if self._waiting >= ROWS_OF_A_FILE:
            self._wake.set()

    def close(self) -> None:
        """Write what waits."""
        self._is_open = False
        self._wake.set()
        self._thread.join()

    def _run(self) -> None:
        while self._is_open:
            self._wake.wait(SECONDS)
            self._wake.clear()
            self._write()
        self._write()

    def _write(self) -> None:
        """Write a file for each day and version, whole or not at all."""
        entries = [self._entries.popleft() for _ in range(len(self._entries))]
        for (day, number), group in groupby(entries, key=lambda it: it.kind):
            of_one = list(group)
            height = sum(it.rows.height for it in of_one)
            folder = self._folder / day
            self._files += 1
            path = folder / f"{time.time_ns():019}-{os.getpid()}-{self._files}.parquet"
            partial = path.with_name(f".{path.name}.partial")
            try:
                table = _table(of_one, self._left_out)
                folder.mkdir(parents=True, exist_ok=True)
                table.write_parquet(partial)
                partial.replace(path)
                self._measures.kept.inc(height)
            except BaseException as error:  # answering goes on
                with contextlib.suppress(OSError):
                    partial.unlink(missing_ok=True)
                self._measures.dropped.inc(height)
                logger.error("serve: version %s: rows cannot be kept: %s", number, error)
            with self._counting:
                self._waiting -= height
                self._bytes -= sum(it.size for it in of_one)
