"""What was asked and answered, kept for monitoring in Parquet files, off the path of requests."""

import logging
import os
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path
from threading import Event, Thread

import polars as pl

from .measures import Measures
from .served import Answer, Served

logger = logging.getLogger(__name__)

MOST_ROWS = 200_000  # that wait to be written; more are dropped, and counted
ROWS_OF_A_FILE = 50_000
SECONDS = 10.0  # after which rows are written, however few they are


@dataclass(frozen=True)
class _Entry:
    at: datetime
    request: str
    number: str
    rows: pl.DataFrame
    answer: Answer
    types: pl.Schema

    @property
    def day(self) -> str:
        return f"{self.at:%Y-%m-%d}"

    def table(self, left_out: Sequence[str]) -> pl.DataFrame:
        """Return a row for each row; a cell that arrived in another type than others is null."""
        inputs = self.rows.select(
            pl.col(name) if self.rows.schema[name] == dtype else pl.lit(None, dtype).alias(name)
            for name, dtype in self.types.items()
            if name not in left_out
        )
        reasons = self.answer.reasons or [""] * self.rows.height
        return pl.DataFrame(
            {
                "time": pl.Series([self.at], dtype=pl.Datetime("us", "UTC")),
                "request": [self.request],
                "version": [self.number],
            }
        ).join(
            pl.DataFrame(
                {
                    "row": pl.int_range(self.rows.height, dtype=pl.UInt32, eager=True),
                    "inputs": inputs.to_struct(),
                    "predictions": self.answer.predictions.to_struct(),
                    "reason": pl.Series([it or None for it in reasons], dtype=pl.String),
                }
            ),
            how="cross",
        )


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
        self._waiting, self._files = 0, 0
        self._wake, self._is_open = Event(), True
        self._thread = Thread(target=self._run, name="kept", daemon=True)
        self._thread.start()

    def add(self, request: str, served: Served, rows: pl.DataFrame, answer: Answer) -> None:
        """Keep the rows of a request, unless too many wait already."""
        if self._waiting + rows.height > MOST_ROWS:
            self._measures.dropped.inc(rows.height)
            return
        self._waiting += rows.height
        types = pl.Schema(served.screen.types)
        now = datetime.now(UTC)
        self._entries.append(_Entry(now, request, served.number, rows, answer, types))
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
        for (day, number), group in groupby(entries, key=lambda it: (it.day, it.number)):
            of_one = list(group)
            height = sum(it.rows.height for it in of_one)
            folder = self._folder / day
            self._files += 1
            path = folder / f"{time.time_ns():019}-{os.getpid()}-{self._files}.parquet"
            try:
                table = pl.concat([it.table(self._left_out) for it in of_one])
                folder.mkdir(parents=True, exist_ok=True)
                partial = path.with_name(f".{path.name}.partial")
                table.write_parquet(partial)
                partial.replace(path)
                self._measures.kept.inc(height)
            except Exception as error:  # answering goes on
                self._measures.dropped.inc(height)
                logger.error("serve: version %s: rows cannot be kept: %s", number, error)
            self._waiting -= height
