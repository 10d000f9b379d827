"""Step 1: read the raw data from its source."""

import logging
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from uuid import uuid4

import polars as pl

from ..base import paths, reading, tables
from ..base.dialect import Dialect
from ..base.errors import ProjectError
from ..base.tables import Each, Part

logger = logging.getLogger(__name__)

BYTES = 64_000_000  # of the files of a folder that are read together, at least


def run(
    read: Callable[[], pl.LazyFrame],
    count: Callable[[], int | None] = lambda: None,
    raw: Path = paths.RAW,
    dialect: Dialect | None = None,
    each: Callable[[Path], Each[int]] = lambda _: map,
) -> None:
    """Write the current rows of the source into a table, unchanged.

    Args:
        read: Returns the rows of the source.
        count: Returns about how many rows there are, if that is known.
        raw: The table; it is in parts if there are many rows.
        dialect: How the cells are written, if files may be read one by one: if `read` returns the
            rows of a folder as they are in the files.
        each: Returns what works on the files of a folder.

    Raises:
        ProjectError: If the source cannot be read or is empty.
    """
    try:
        rows = read()
        folder = reading.folder_of(rows, dialect) if dialect else None
        groups = [*_groups(reading.files_in(folder))] if folder else []
        with tables.replacing(raw) as [target]:
            if folder and dialect and len(groups) > 1:
                parts = [*_parts(groups, target)]
                heights = [*each(folder.absolute())(partial(part, folder, dialect), parts)]
                _flatten(parts, target)
                expected = sum(heights)
            else:
                _sink(tables.watched(rows, count), target)
                expected = tables.height(target)
            if not expected:
                raise ProjectError("the source has no rows: see `source` in params.yaml")
    except (OSError, pl.exceptions.PolarsError) as error:
        raise ProjectError(f"cannot read the source: {str(error).splitlines()[0]}") from error
    if (height := tables.height(raw)) != expected:
        raise AssertionError(f"{expected} rows read, {height} written")
    logger.info("ingest: %d rows, %d columns", height, len(tables.lazy(raw).collect_schema()))


def part(folder: Path, dialect: Dialect, given: Part) -> int:
    """Write the rows of some files of a folder.

    Args:
        folder: The folder, whose names may add columns.
        dialect: How the cells are written.
        given: The files; the target is a folder for the parts that become of them.

    Returns:
        How many rows there are.
    """
    [target] = given.targets
    partial = target.with_name(uuid4().hex)  # another process may do the same
    with reading.within(folder):
        rows = pl.concat(reading.scan(file, dialect) for file in given.sources)
    partial.mkdir()
    _sink(rows, partial)
    tables.remove(target)
    partial.rename(target)
    return tables.height(target)


def _sink(rows: pl.LazyFrame, folder: Path) -> None:
    """Write rows into files of a folder, in their order."""
    files = pl.PartitionBy(folder, max_rows_per_file=tables.ROWS, approximate_bytes_per_file=None)
    rows.sink_parquet(files)


def _groups(files: list[Path]) -> Iterator[list[Path]]:
    """Divide files, in their order, so that each group but the last is large enough for a part."""
    group, size = list[Path](), 0
    for file in files:
        group.append(file)
        size += file.stat().st_size
        if size >= BYTES:
            yield group
            group, size = [], 0
    if group:
        yield group


def _parts(groups: list[list[Path]], target: Path) -> Iterator[Part]:
    for number, group in enumerate(groups):
        height = reading.shown_height(group)
        yield Part(group, height, 0, [target / f"{number:08}"], is_all=False)


def _flatten(parts: list[Part], target: Path) -> None:
    """Give the files of all parts their names in one folder."""
    folders = [folder for part in parts for folder in part.targets]
    for number, file in enumerate([file for folder in folders for file in tables.files(folder)]):
        file.rename(target / tables.name_of(number))
    for folder in target.iterdir():
        if folder.is_dir():  # also of a process that was killed
            tables.remove(folder)
