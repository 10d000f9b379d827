"""Tables in files: scanned, read, and written whole or not at all."""

import json
from collections.abc import Mapping
from pathlib import Path

import polars as pl

from .errors import ProjectError


def scan(path: Path) -> pl.LazyFrame:
    """Scan a table.

    Args:
        path: A CSV file in UTF-8 with a header, or a Parquet file.

    Returns:
        Its rows. Every column of a CSV is text: a bad cell then costs its row, not the file.

    Raises:
        ProjectError: If the file is missing, empty or of another kind.
    """
    try:
        frame = (
            pl.scan_parquet(path)
            if path.suffix == ".parquet"
            else pl.scan_csv(path, infer_schema=False)
        )
        frame.collect_schema()
    except (OSError, pl.exceptions.PolarsError) as error:
        reason = str(error).splitlines()[0] if path.is_file() else "there is no such file"
        raise ProjectError(f"cannot read {path}: {reason}") from error
    return frame


def collect(frame: pl.LazyFrame, what: str) -> pl.DataFrame:
    """Read all rows of a table.

    Args:
        frame: The table.
        what: Name of the table, for error messages.

    Returns:
        Its rows.

    Raises:
        ProjectError: If its content cannot be read, for example because it is not UTF-8.
    """
    try:
        return frame.collect()
    except (OSError, pl.exceptions.PolarsError) as error:
        raise ProjectError(f"cannot read {what}: {str(error).splitlines()[0]}") from error


def read(path: Path) -> pl.DataFrame:
    """Read a file that an earlier step wrote.

    Args:
        path: A Parquet file.

    Returns:
        Its rows.

    Raises:
        ProjectError: If the earlier step has not run.
    """
    if not path.is_file():
        raise ProjectError(f"there is no {path} yet: run `uvx nox -s pipeline`")
    return pl.read_parquet(path)


def stream(path: Path) -> pl.LazyFrame:
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
    return pl.scan_parquet(path)


def sink(tables: Mapping[Path, pl.LazyFrame], summary: pl.LazyFrame) -> pl.DataFrame:
    """Write Parquet files in one pass over what they share, all of them or none.

    Args:
        tables: The rows of each file; its folder is created if it is missing.
        summary: What else to compute in the same pass, a frame that fits into memory.

    Returns:
        The rows of `summary`.
    """
    partial = {path: path.with_name(f"{path.name}.partial") for path in tables}
    try:
        for path in tables:
            path.parent.mkdir(parents=True, exist_ok=True)
        sinks = [rows.sink_parquet(partial[path], lazy=True) for path, rows in tables.items()]
        *_, collected = pl.collect_all([*sinks, summary], engine="streaming")
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
    path.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8", newline="\n")
