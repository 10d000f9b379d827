"""Tables in the files between two stages; they are written whole or not at all.

A large table is in parts: a folder of Parquet files in the place of one file.
"""

import json
import shutil
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeVar
from uuid import uuid4

import polars as pl
from tqdm import tqdm

from .errors import ProjectError

# Rows in a batch: if two files are written, batches wait in memory for the slower one.
BATCH = 10_000

# A progress bar for rows on stderr, only if stderr is a terminal.
BAR = {"unit": " rows", "unit_scale": True, "disable": None, "leave": False, "delay": 1}

ROWS = 1_000_000  # of a part, at most
ATTEMPTS, PAUSE = 10, 0.02  # to remove a folder, and seconds between two
SUFFIX = ".parquet"

Outcome = TypeVar("Outcome")


@dataclass(frozen=True)
class Part:
    """Some rows of a table, and what is to be written of them.

    Attributes:
        sources: The files with the rows.
        height: How many rows there are.
        first: The number of the first one in the whole table, from 0.
        targets: The files to write.
        is_all: Whether these are all rows of the table.
    """

    sources: Sequence[Path]
    height: int
    first: int
    targets: Sequence[Path]
    is_all: bool


Each = Callable[[Callable[[Part], Outcome], Sequence[Part]], Iterable[Outcome]]


def read(path: Path) -> pl.DataFrame:
    """Read a table that an earlier step wrote.

    Args:
        path: A Parquet file, or a folder with its parts.

    Returns:
        Its rows.

    Raises:
        ProjectError: If the earlier step has not run.
    """
    return lazy(path).collect()


def lazy(path: Path) -> pl.LazyFrame:
    """Scan a table that an earlier step wrote, to work on it without holding it in memory.

    Args:
        path: A Parquet file, or a folder with its parts.

    Returns:
        Its rows.

    Raises:
        ProjectError: If the earlier step has not run.
    """
    if not (found := files(path)):
        is_repository = Path("dvc.yaml").is_file()
        remedy = "run `uvx nox -s pipeline`" if is_repository else "put it there"
        raise ProjectError(f"there is no {path} yet: {remedy}")
    try:
        rows = scan(found)
        rows.collect_schema()
    except pl.exceptions.PolarsError as error:
        message = f"{path} cannot be read ({str(error).splitlines()[0]})"
        raise ProjectError(f"{message}: delete it, and run `uvx nox -s pipeline`") from None
    return rows


def files(table: Path) -> list[Path]:
    """List the files of a table in the order of its rows; none if it does not exist."""
    if table.is_dir():
        return sorted(table.glob(f"*{SUFFIX}"))
    return [table] if table.is_file() else []


def name_of(number: int) -> str:
    """Return the name of the file of a part, as Polars names it."""
    return f"{number:08}{SUFFIX}"


def remove(table: Path) -> None:
    """Remove a table, if it exists."""
    if not table.is_dir():
        table.unlink(missing_ok=True)
    for _ in range(ATTEMPTS):  # Polars may still write into a folder after it has failed
        shutil.rmtree(table, ignore_errors=True)
        if not table.exists():
            return
        time.sleep(PAUSE)


def _exchange(table: Path, new: Path) -> None:
    """Put something in the place of a table, so that half a table is never visible."""
    former = table.with_name(f"{table.name}.{uuid4().hex}.partial")
    if table.exists():
        table.rename(former)
    try:
        new.rename(table)
    except OSError:  # on Windows, another program may have it open
        if former.exists():
            former.rename(table)
        raise
    remove(former)


@contextmanager
def replacing(*tables: Path) -> Iterator[list[Path]]:
    """Replace tables by what is written into a folder for each; after an error, they stay.

    Args:
        tables: The tables. One that gets a single file becomes that file, any other a folder.

    Yields:
        An empty folder for the files of each table, which are named as `name_of` says.
    """
    of_this_run = uuid4().hex  # so that what others do for a run that was killed is not taken
    folders = [table.with_name(f"{table.name}.{of_this_run}.partial") for table in tables]
    try:
        for table, folder in zip(tables, folders, strict=True):
            for old in table.parent.glob(f"{table.name}.*.partial"):
                remove(old)
            folder.mkdir(parents=True)
        yield folders
        for table, folder in zip(tables, folders, strict=True):
            written = files(folder)
            for other in {*folder.iterdir()} - {*written}:  # of a process that was killed
                other.unlink()
            if len(written) == 1 and not table.is_dir():
                written[0].replace(table)
            else:
                _exchange(table, written[0] if len(written) == 1 else folder)
    finally:
        for folder in folders:
            remove(folder)


def scan(files: Sequence[Path]) -> pl.LazyFrame:
    """Scan Parquet files as one table, in their order."""
    return pl.scan_parquet([*files], glob=False, hive_partitioning=False)


def stream(path: Path) -> pl.LazyFrame:
    """Scan a table as `lazy` does, and show in a terminal how far it has been read."""
    return watched(lazy(path), partial(height, path))


def height(path: Path) -> int:
    """Return how many rows a table holds, from the metadata of its files."""
    rows: int = scan(files(path)).select(pl.len()).collect().item()
    return rows


@contextmanager
def divided(source: Path, *targets: Path, at_once: bool) -> Iterator[list[Part]]:
    """Divide the work on a table into that on its parts; then put the results into their places.

    Args:
        source: The table that is read.
        targets: The tables that are written.
        at_once: Whether all rows are needed at once.

    Yields:
        The parts; their targets must exist in the end.

    Raises:
        ProjectError: If the table that is read does not exist.
    """
    lazy(source)
    groups = [files(source)] if at_once else [[file] for file in files(source)]
    heights = [sum(map(height, group)) for group in groups]
    with replacing(*targets) as folders:
        parts = [
            Part(
                sources=group,
                height=rows,
                first=sum(heights[:number]),
                targets=[folder / name_of(number) for folder in folders],
                is_all=len(groups) == 1,
            )
            for number, (group, rows) in enumerate(zip(groups, heights, strict=True))
        ]
        yield parts
        missing = [file for part in parts for file in part.targets if not file.is_file()]
        if missing:
            raise AssertionError(f"{missing[0]} was not written")


def sink(tables: Mapping[Path, pl.LazyFrame], summary: pl.LazyFrame | None = None) -> pl.DataFrame:
    """Write all of several Parquet files, or none, in one pass over what they share.

    Args:
        tables: The rows of each file; its folder is created if it is missing.
        summary: What else to compute in the same pass: a frame that fits into memory.

    Returns:
        The rows of `summary`.
    """
    for path in tables:
        path.parent.mkdir(parents=True, exist_ok=True)
    return sink_parts(tables, summary)


def sink_parts(
    tables: Mapping[Path, pl.LazyFrame], summary: pl.LazyFrame | None = None
) -> pl.DataFrame:
    """Do what `sink` does, in folders that are there: one that is gone is no longer wanted."""
    # Another process may write the same file: one that was thought to be dead.
    partial = {path: path.with_name(f"{path.name}.{uuid4().hex}") for path in tables}
    try:
        sinks = [rows.sink_parquet(partial[path], lazy=True) for path, rows in tables.items()]
        frames = [*sinks, pl.LazyFrame() if summary is None else summary]
        with pl.Config(streaming_chunk_size=BATCH):
            *_, collected = pl.collect_all(frames, engine="streaming")
        for path, written in partial.items():
            written.replace(path)
    finally:
        for written in partial.values():
            written.unlink(missing_ok=True)
    return collected


def write(frame: pl.DataFrame, path: Path) -> None:
    """Write a table into one file, whole or not at all.

    Args:
        frame: The rows.
        path: The file; its folder is created if it is missing.
    """
    with replacing(path) as [folder]:
        frame.write_parquet(folder / name_of(0))


def write_json(content: object, path: Path) -> None:
    """Write a JSON file for people and machines to read.

    Args:
        content: Anything that JSON can hold.
        path: The file; its folder is created if it is missing.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps(content, indent=2, ensure_ascii=False)
    path.write_text(f"{text}\n", encoding="utf-8", newline="\n")


def watched(rows: pl.LazyFrame, count: Callable[[], int | None]) -> pl.LazyFrame:
    """Show how many rows have passed, how many per second, and the time left.

    Args:
        rows: A table.
        count: Returns how many rows it has, exactly or approximately, if that is known.

    Returns:
        The table; unchanged if stderr is not a terminal.
    """
    if not sys.stderr.isatty():
        return rows
    bar = tqdm(total=count(), **BAR)

    def advance(batch: pl.DataFrame) -> pl.DataFrame:
        bar.update(batch.height)
        return batch

    return rows.map_batches(advance, schema=rows.collect_schema(), streamable=True)
