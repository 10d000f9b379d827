"""Tables in the files between two stages; a file is written whole or not at all."""

import json
import sys
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

import polars as pl
from tqdm import tqdm

from .errors import ProjectError

# Rows in a batch: if two files are written, batches wait in memory for the slower one.
BATCH = 10_000

# A progress bar for rows on stderr, only if stderr is a terminal.
BAR = {"unit": " rows", "unit_scale": True, "disable": None, "leave": False, "delay": 1}


def read(path: Path) -> pl.DataFrame:
    """Read a file that an earlier step wrote.

    Args:
        path: A Parquet file.

    Returns:
        Its rows.

    Raises:
        ProjectError: If the earlier step has not run.
    """
    return lazy(path).collect()


def lazy(path: Path) -> pl.LazyFrame:
    """Scan a file that an earlier step wrote, to work on it without holding it in memory.

    Args:
        path: A Parquet file.

    Returns:
        Its rows.

    Raises:
        ProjectError: If the earlier step has not run.
    """
    if not path.is_file():
        raise ProjectError(f"there is no {path} yet: run `uvx nox -s pipeline`")
    try:
        rows = pl.scan_parquet(path)
        rows.collect_schema()
    except pl.exceptions.PolarsError as error:
        message = f"{path} cannot be read ({str(error).splitlines()[0]})"
        raise ProjectError(f"{message}: delete it, and run `uvx nox -s pipeline`") from None
    return rows


def stream(path: Path) -> pl.LazyFrame:
    """Scan a file as `lazy` does, and show in a terminal how far it has been read."""
    return watched(lazy(path), partial(height, path))


def height(path: Path) -> int:
    """Return how many rows a Parquet file holds, from its metadata."""
    rows: int = pl.scan_parquet(path).select(pl.len()).collect().item()
    return rows


def sink(tables: Mapping[Path, pl.LazyFrame], summary: pl.LazyFrame | None = None) -> pl.DataFrame:
    """Write all of several Parquet files, or none, in one pass over what they share.

    Args:
        tables: The rows of each file; its folder is created if it is missing.
        summary: What else to compute in the same pass: a frame that fits into memory.

    Returns:
        The rows of `summary`.
    """
    partial = {path: path.with_name(f"{path.name}.partial") for path in tables}
    try:
        for path in tables:
            path.parent.mkdir(parents=True, exist_ok=True)
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
    """Write a Parquet file, whole or not at all.

    Args:
        frame: The rows.
        path: The file; its folder is created if it is missing.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f"{path.name}.partial")
    frame.write_parquet(partial)
    partial.replace(path)


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
