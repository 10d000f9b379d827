"""Read files of rows by their content; a file that is not a table is refused in one line."""

import codecs
import csv
import glob
import gzip
import io
import json
import os
import re
import shutil
import sys
import tempfile
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import timedelta
from decimal import Decimal
from functools import partial
from importlib import import_module
from itertools import islice
from pathlib import Path
from typing import IO, TYPE_CHECKING, cast
from urllib.parse import unquote

import polars as pl
from polars.io.plugins import register_io_source

from . import tables
from .dialect import Dialect, written
from .errors import ProjectError

if TYPE_CHECKING:
    from sqlalchemy.engine import URL

GZIP, ZSTD, ZIP = b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b"PK\x03\x04"
PARQUET, ARROW, SQLITE = b"PAR1", b"ARROW1", b"SQLite format 3\0"
BOM = b"\xef\xbb\xbf"
NO_VALUE = "__HIVE_DEFAULT_PARTITION__"
ROWS_AT_ONCE = 50_000
SNIFFED = 1000  # lines of a zstd file that are read to find out what it holds
NO_SEPARATOR = "\x1f"  # a character that does not occur in text, so that lines stay whole

# How files that hold no rows begin, and what to do about them.
NO_ROWS = {
    rb"\s*<(?i:!doctype|html|\?xml)": "is a web page or XML: load the file behind it",
    rb"version https://git-lfs": "is a pointer of Git LFS: run `git lfs pull`",
    rb"(?:outs|md5):\s": "is a pointer of DVC: name the file beside it, and run `uv run dvc pull`",
    rb"PK\x03\x04|7z\xbc\xaf\x27\x1c|Rar!|BZh|\xfd7zXZ": "is an archive: unpack it",
    rb"%PDF|\x89PNG|\xff\xd8\xff|\x89HDF|\x80[\x02-\x05]": "is not a table",
    rb"\s*\[\s*[\[{]": "is one JSON array: write one object on each line",
    rb"\xff\xfe|\xfe\xff": "is in UTF-16: set `encoding: utf-16` under `source` in params.yaml",
}

SEPARATORS = (";", "\t", "|", ",")

_folder: ContextVar[Path | None] = ContextVar("folder", default=None)

# What `scan` returned for the last folder, which folder that was, and how it was to be read.
_scanned: ContextVar[tuple[pl.LazyFrame, Path, Dialect] | None] = ContextVar(
    "scanned", default=None
)

Batches = Callable[[], Iterator[pl.DataFrame]]


def scan(path: Path, dialect: Dialect | None = None) -> pl.LazyFrame:
    """Scan a file or the files in a folder; folder names may add columns (`year=2026/`).

    Args:
        path: CSV, JSON lines (both also as gzip or zstd), Parquet, Arrow, Excel or SQLite. The
            content decides, not the name.
        dialect: How its cells are written, by default as in CSV files in UTF-8 with commas; for a
            database, the query.

    Returns:
        Its rows. Cells of text files and databases are text, so that a bad cell affects its row
        only, not the file.

    Raises:
        ProjectError: If the file is missing or does not hold rows; while rows are read, if a line
            cannot be read.
    """
    dialect = dialect or Dialect()
    if not path.is_dir():
        folder = _folder.get()
        if folder is None or not path.absolute().is_relative_to(folder):
            return _scan_file(path, dialect)
        return _scan_within(path.absolute(), folder, dialect)
    files = files_in(path)
    frames = [_scan_within(file, path, dialect) for file in files]
    schema = frames[0].collect_schema()
    for file, frame in zip(files, frames, strict=True):
        if frame.collect_schema() != schema:
            message = f"{files[0]} and {file} have other columns"
            raise ProjectError(f"cannot read {path} as one table: {message}")
    rows = pl.concat(frames)
    _scanned.set((rows, path, dialect))
    return rows


def folder_of(rows: pl.LazyFrame, dialect: Dialect) -> Path | None:
    """Return the folder whose rows these are, as `scan` returned them for a dialect."""
    scanned, folder, used = _scanned.get() or (None, None, None)
    return folder if scanned is rows and used == dialect else None


@contextmanager
def within(folder: Path) -> Iterator[None]:
    """Let `scan` read single files as it reads them in a folder: with the columns in its names."""
    token = _folder.set(folder.absolute())
    try:
        yield
    finally:
        _folder.reset(token)


def _scan_within(file: Path, folder: Path, dialect: Dialect) -> pl.LazyFrame:
    columns = (pl.lit(it, pl.String).alias(name) for name, it in _partition(file, folder))
    return _scan_file(file, dialect).with_columns(columns)


def files_in(folder: Path) -> list[Path]:
    """List the files of a folder and its subfolders, except hidden ones (`_`, `.`).

    Raises:
        ProjectError: If there is none, or if something else is among them, such as a pipe.
    """
    found: list[Path] = []

    def refuse(error: OSError) -> None:
        raise ProjectError(f"cannot read {error.filename}: {error.strerror}") from error

    for place, folders, names in os.walk(folder, onerror=refuse, followlinks=True):
        folders[:] = [name for name in folders if not is_hidden(name)]
        found += [Path(place, name) for name in names if not is_hidden(name)]
    if not found:
        raise ProjectError(f"cannot read {folder}: there is no file in this folder")
    if other := next((file for file in found if not file.is_file()), None):
        reason = "it is neither a file nor a folder" if other.exists() else "there is no such file"
        raise ProjectError(f"cannot read {other}: {reason}")
    return sorted(found)


def is_hidden(name: str) -> bool:
    """Return whether a file or folder holds no rows, as its name says, to Spark and others too."""
    return name.startswith((".", "_"))


def _partition(file: Path, folder: Path) -> list[tuple[str, str | None]]:
    """Read the columns that folder names define, as Hive and Spark write them."""
    parts = [part.partition("=") for part in file.relative_to(folder).parts[:-1] if "=" in part]
    return [(name, None if value == NO_VALUE else unquote(value)) for name, _, value in parts]


def expected_height(path: Path | None) -> int | None:
    """Return about how many rows a file or folder holds, if that can be found out quickly."""
    if path is None:
        return None
    if path.is_dir():
        heights = [expected_height(file) for file in path.rglob("*") if file.is_file()]
        return None if None in heights else sum(filter(None, heights))
    if not path.is_file() or _starts_with(path, GZIP, ZSTD, SQLITE, ZIP):
        return None
    if _starts_with(path, PARQUET):
        return tables.height(path)
    with path.open("rb") as file:
        return sum(block.count(b"\n") for block in iter(partial(file.read, 2**20), b""))


def shown_height(files: Sequence[Path]) -> int:
    """Return about how many rows files hold, to show it; 0 if nobody knows or nothing is shown."""
    if not sys.stderr.isatty():
        return 0  # the lines of text files are not counted in vain
    return sum(expected_height(file) or 0 for file in files)


def query(address: "str | URL", sql: str, dialect: Dialect | None = None) -> pl.LazyFrame:
    """Query a database.

    Args:
        address: Address with the driver, in SQLAlchemy's format; its password is never shown.
        sql: The query.
        dialect: How numbers are written into the cells.

    Returns:
        The rows of the result; all cells are text, as in a CSV file.

    Raises:
        ProjectError: If the database cannot be reached or refuses the query.
    """
    from sqlalchemy import create_engine, text
    from sqlalchemy.engine import make_url
    from sqlalchemy.exc import SQLAlchemyError

    try:
        url = make_url(address)
        engine = create_engine(url)
    except (SQLAlchemyError, ModuleNotFoundError) as error:
        reason = _first_line(error).replace(str(address), "it")
        raise ProjectError(f"the address of the database cannot be used: {reason}") from None
    place = url.render_as_string(hide_password=True)
    file = url.database if url.get_backend_name() == "sqlite" else None
    if file and not file.startswith((":memory:", "file:")) and not Path(file).is_file():
        raise ProjectError(f"the database {place} is not there")  # SQLite would make an empty one
    sign = (dialect or Dialect()).decimal

    def chunks() -> Iterator[pl.DataFrame]:
        try:
            with engine.connect().execution_options(stream_results=True) as connection:
                result = connection.execute(text(sql))
                names = list(result.keys())
                _refuse_names(names, place)
                yield pl.DataFrame(schema=dict.fromkeys(names, pl.String))
                while rows := result.fetchmany(ROWS_AT_ONCE):
                    columns = zip(*rows, strict=True)
                    cells = [[_cell(value, place, sign) for value in column] for column in columns]
                    yield pl.DataFrame(cells, schema=dict.fromkeys(names, pl.String))
        except SQLAlchemyError as error:
            reason = _first_line(getattr(error, "orig", None) or error)
            raise ProjectError(f"the database {place} refuses: {reason}") from None
        finally:
            engine.dispose()

    schema = next(chunks()).schema
    return _source(chunks, schema)


def _scan_file(path: Path, dialect: Dialect) -> pl.LazyFrame:
    begin = _begin(path)
    if not begin.strip():
        raise ProjectError(f"cannot read {path}: the file is empty")
    if begin.startswith(PARQUET):
        return _native(path, lambda: pl.scan_parquet(path, glob=False, hive_partitioning=False))
    if begin.startswith(ARROW):
        return _native(path, lambda: pl.scan_ipc(path, glob=False, hive_partitioning=False))
    if begin.startswith(SQLITE):
        if not dialect.query:
            message = f"{path} is a database: set `query` under `source` in params.yaml"
            raise ProjectError(message)
        from sqlalchemy.engine import URL

        return query(URL.create("sqlite", database=str(path)), dialect.query, dialect)
    if begin.startswith(ZIP) and zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            if "xl/workbook.xml" in archive.namelist():
                return _excel(path, dialect)
    if (encoding := _encoding(dialect)).startswith("utf-16"):
        begin = begin.decode(encoding, errors="ignore").encode()
    for pattern, reason in NO_ROWS.items():
        if re.match(pattern, begin):
            raise ProjectError(f"{path} {reason}")
    if begin.removeprefix(BOM).lstrip().startswith(b"{"):
        return _json_lines(path, dialect)
    if b"\r" in begin and b"\n" not in begin:
        raise ProjectError(f"{path} uses CR alone as line ending: save it with LF or CRLF")
    return _csv(path, dialect)


def _native(path: Path, scanned: Callable[[], pl.LazyFrame]) -> pl.LazyFrame:
    try:
        frame = scanned()
        frame.collect_schema()
    except (OSError, pl.exceptions.PolarsError) as error:
        raise ProjectError(f"cannot read {path}: {_first_line(error)}") from None
    return frame


def _excel(path: Path, dialect: Dialect) -> pl.LazyFrame:
    """Read the first sheet of an Excel file, with numbers and dates as the dialect writes them.

    Each cell has a type of its own, so the sheet is read once as each type to find it out.
    """
    kinds = ("string", "boolean", "float", "duration")
    try:
        book = import_module("fastexcel").read_excel(path)
        sheets = [pl.DataFrame(book.load_sheet(0, header_row=None, dtypes=kind)) for kind in kinds]
    except ModuleNotFoundError:
        message = f"cannot read {path}: Excel files need another package: run `uv add fastexcel`"
        raise ProjectError(message) from None
    except Exception as error:  # the package may be missing, so its errors cannot be named here
        raise ProjectError(f"cannot read {path}: {_first_line(error)}") from None
    if sheets[0].is_empty():
        raise ProjectError(f"cannot read {path}: its first sheet is empty")
    header = _named([name or "" for name in sheets[0].row(0)])
    _refuse_names(header, str(path))
    cell = _cell_of_excel(dialect)
    rows = pl.DataFrame(
        pl.DataFrame(dict(zip(kinds, cells, strict=True)))[1:].select(cell.alias(name)).to_series()
        for name, *cells in zip(header, *sheets, strict=True)
    )
    return rows.filter(pl.any_horizontal(pl.all().is_not_null())).lazy()


def _cell_of_excel(dialect: Dialect) -> pl.Expr:
    """Write a cell as text. It is given as each type, and null as types that it is not of."""
    text, number, time = pl.col("string"), pl.col("float"), pl.col("duration")
    is_number = pl.col("boolean").is_not_null() & ~text.is_in(["true", "false"])
    at = text.str.to_datetime("%Y-%m-%d %H:%M:%S%.f", strict=False)
    return (
        pl.when(is_number & (number != number.round()))
        .then(number.cast(pl.String).str.replace(".", dialect.decimal, literal=True))
        .when(time < timedelta(days=1))  # a time of day has no date
        .then(at.dt.to_string("%H:%M:%S%.f"))
        .when(time.is_not_null())
        .then(pl.coalesce(written(at, dialect), text))
        .otherwise(text)
    )


def _json_lines(path: Path, dialect: Dialect) -> pl.LazyFrame:
    """Scan JSON lines, and write their numbers as the dialect does."""
    with _json_source(path, dialect) as source:
        found = pl.scan_ndjson(source, infer_schema_length=None).collect_schema()
    _refuse_names(list(found), str(path))
    schema = {name: dtype if dtype.is_nested() else pl.String() for name, dtype in found.items()}
    numbers = pl.col(name for name, dtype in found.items() if dtype.is_float())
    as_written = numbers.str.replace(".", dialect.decimal, literal=True)

    def batches() -> Iterator[pl.DataFrame]:
        with _json_source(path, dialect) as source:
            rows = pl.scan_ndjson(source, schema=schema)
            yield from rows.with_columns(as_written).collect_batches()

    return _source(batches, pl.Schema(schema))


@contextmanager
def _json_source(path: Path, dialect: Dialect) -> Iterator[str]:
    """Yield a path that Polars reads as one file, and explain what it cannot read."""
    with _undamaged(path):
        try:
            with _as_utf8(path, dialect, is_json=True) as source:
                yield glob.escape(str(source))
        except pl.exceptions.PolarsError as error:
            _refuse_json(path, dialect)
            raise ProjectError(f"cannot read {path}: {_first_line(error)}") from None


def _refuse_json(path: Path, dialect: Dialect) -> None:
    """Refuse the first line that is not a JSON object."""
    with _lines(path, dialect) as lines:
        for number, line in enumerate(lines, start=1):
            try:
                is_object = not line.strip() or isinstance(json.loads(line), dict)
            except ValueError as error:
                raise ProjectError(f"{path}:{number}: not JSON: {error}") from None
            if not is_object:
                raise ProjectError(f"{path}:{number}: not a JSON object")


def _csv(path: Path, dialect: Dialect) -> pl.LazyFrame:
    """Scan a CSV file; empty lines are skipped, and lines that are too short or long refused."""
    _refuse_utf8(path, dialect)
    separator = dialect.separator or ("\t" if ".tsv" in path.suffixes else ",")
    begins, header = _header(path, dialect, separator)
    schema = pl.Schema(dict.fromkeys(header, pl.String()))
    last = pl.col(header[-1]).str.strip_chars()

    def batches() -> Iterator[pl.DataFrame]:
        are_whole = False
        with _undamaged(path), _as_utf8(path, dialect) as source:
            try:
                for batch in pl.scan_csv(
                    source,
                    has_header=False,
                    skip_lines=begins,
                    schema=schema,
                    separator=separator,
                    quote_char=dialect.quote,
                    comment_prefix=dialect.comment,
                    missing_columns="insert",  # in short lines, which are refused below
                    raise_if_empty=False,
                    glob=False,
                ).collect_batches(chunk_size=ROWS_AT_ONCE):
                    if batch.select((last.is_null() | (last == "")).any()).item() is False:
                        yield batch
                        continue
                    if not are_whole:  # Polars fills short lines up, so they end in empty cells
                        _refuse_ragged(path, dialect, separator, len(header))
                        are_whole = True
                    cells = pl.all().str.strip_chars().str.len_bytes().fill_null(0)
                    yield batch.filter(pl.any_horizontal(cells > 0))
            except pl.exceptions.PolarsError as error:
                _refuse_encoding(path, dialect)
                _refuse_ragged(path, dialect, separator, len(header))
                _refuse_quotes(path, dialect, separator)
                raise ProjectError(f"cannot read {path}: {_first_line(error)}") from None

    return _source(batches, schema)


def _header(path: Path, dialect: Dialect, separator: str) -> tuple[int, list[str]]:
    """Return how many lines there are up to and including the header, and the column names."""
    with _lines(path, dialect) as lines:
        records = _records(path, lines, dialect, separator)
        begin = next((it for it in records if any(name.strip() for name in it[1])), None)
    if begin is None:
        raise ProjectError(f"cannot read {path}: it has no header")
    number, names = begin
    if any("\ufffd" in name for name in names):
        _refuse_encoding(path, dialect)
    if any(ord(sign) < ord(" ") and sign not in "\t\n" for name in names for sign in name):
        raise ProjectError(f"{path} is not a text file")
    names = _named(names)
    _refuse_names(names, str(path))
    return number, names


def _named(header: Sequence[str]) -> list[str]:
    """Name the columns that have no name, such as the index that pandas writes."""
    return [name or f"column {number}" for number, name in enumerate(header, start=1)]


def _refuse_names(names: Sequence[str], place: str) -> None:
    """Refuse ambiguous names of columns."""
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        raise ProjectError(f"{place} has two columns named {twice[0]}: rename one of them")
    if "*" in names:
        raise ProjectError(f"{place} has a column named *, which means all columns: rename it")


def _refuse_ragged(path: Path, dialect: Dialect, separator: str, width: int) -> None:
    """Refuse the first line that does not have as many cells as the header."""
    with _lines(path, dialect) as lines:
        records = _records(path, lines, dialect, separator)
        _, header = next(it for it in records if any(name.strip() for name in it[1]))
        other = next((sign for sign in SEPARATORS if width == 1 and sign in header[0]), None)
        for number, cells in records:
            if len(cells) != width and any(cell.strip() for cell in cells):
                found = f"{len(cells)} cell{'s' if len(cells) > 1 else ''}"
                message = f"{path}:{number}: {found}, the header has {width}"
                if other:
                    remedy = f"set `separator: {other!r}` under `source` in params.yaml"
                    raise ProjectError(f"{message}, which is {header[0]!r}: {remedy}")
                raise ProjectError(f"{message}: correct the line, or see `separator` and `quote`")


def _refuse_quotes(path: Path, dialect: Dialect, separator: str) -> None:
    """Refuse the first line with a quote inside a cell that does not begin with one."""
    if not dialect.quote:
        return
    sign, between = re.escape(dialect.quote), re.escape(separator)
    with _lines(path, dialect) as lines:
        for number, line in enumerate(lines, start=1):
            if re.search(rf"(?:^|{between})[^{between}{sign}\r\n]+{sign}", line):
                message = f"{path}:{number}: {dialect.quote} inside a cell"
                remedy = "set `quote: null` under `source` in params.yaml"
                raise ProjectError(f"{message}: {remedy} if it does not mark quoted cells")


def _refuse_encoding(path: Path, dialect: Dialect) -> None:
    """Refuse the first line that is not in the encoding."""
    encoding = _encoding(dialect)
    if _starts_with(path, ZSTD) or encoding.startswith("utf-16"):
        return
    with _open(path) as file:
        for number, line in enumerate(file, start=1):
            try:
                line.decode(encoding)
            except UnicodeDecodeError as error:
                byte = line[error.start]
                other = "cp1252" if _fits(line, "cp1252") else "latin-1"
                message = f"{path}:{number}: byte 0x{byte:02x} is not {dialect.encoding}"
                remedy = f"set `encoding: {other}` under `source` in params.yaml if that fits"
                raise ProjectError(f"{message}: {remedy}") from None


def _refuse_utf8(path: Path, dialect: Dialect) -> None:
    """Refuse a file in UTF-8 where another encoding is set, which would read other letters."""
    begin = _begin(path)
    if _encoding(dialect) == "utf-8-sig" or begin.isascii():
        return
    whole = begin[: begin.rfind(b"\n") + 1]  # without a character that is cut at the end
    if not whole.isascii() and _fits(whole, "utf-8"):
        message = f"{path} is in UTF-8, not in {dialect.encoding}"
        raise ProjectError(f"{message}: set `encoding: utf-8` under `source` in params.yaml")


def _fits(line: bytes, encoding: str) -> bool:
    try:
        line.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True


def _encoding(dialect: Dialect) -> str:
    try:
        name = codecs.lookup(dialect.encoding).name
        is_read = name.startswith("utf-16") or "a".encode(name) == b"a"
    except (LookupError, UnicodeError):
        is_read = False
    if not is_read:
        message = f"params.yaml: source.encoding: {dialect.encoding} is not a supported"
        raise ProjectError(f"{message} text encoding, such as cp1252 or utf-16")
    return "utf-8-sig" if name in ("utf-8", "ascii") else name


def _begin(path: Path) -> bytes:
    """Read the beginning of a file, unpacked."""
    try:
        with _open(path) as file:
            return file.read(2**16)
    except (OSError, EOFError, zlib.error) as error:
        reason = "there is no such file" if not path.exists() else str(error)
        raise ProjectError(f"cannot read {path}: {reason}") from None


def _open(path: Path) -> IO[bytes]:
    """Open a file to read bytes, unpacked where that is possible without Polars."""
    if _starts_with(path, GZIP):
        return cast("IO[bytes]", gzip.open(path))
    if _starts_with(path, ZSTD):
        return io.BytesIO("".join(islice(_zstd_lines(path), SNIFFED)).encode())
    return path.open("rb")


def _starts_with(path: Path, *signatures: bytes) -> bool:
    with path.open("rb") as file:
        return file.read(16).startswith(signatures)


def _zstd_lines(path: Path) -> Iterator[str]:
    """Read the lines of a file with Polars, since Python can unpack zstd only from 3.14 on."""
    lines = pl.scan_csv(
        path,
        has_header=False,
        infer_schema=False,
        separator=NO_SEPARATOR,
        quote_char=None,
        glob=False,
    )
    for batch in lines.collect_batches():
        yield from (f"{line or ''}\n" for line in batch.to_series())


@contextmanager
def _lines(path: Path, dialect: Dialect) -> Iterator[Iterator[str]]:
    """Open a file to read its lines; bytes that are not in the encoding become U+FFFD."""
    if _starts_with(path, ZSTD):
        yield _zstd_lines(path)
        return
    encoding = _encoding(dialect)
    with io.TextIOWrapper(_open(path), encoding=encoding, errors="replace", newline="") as lines:
        yield lines


def _records(
    path: Path, lines: Iterator[str], dialect: Dialect, separator: str
) -> Iterator[tuple[int, list[str]]]:
    """Split lines into cells, as Polars does, and number each record by its last line."""
    csv.field_size_limit(2**31 - 1)
    last = 0

    def kept() -> Iterator[str]:
        nonlocal last
        for number, line in enumerate(lines, start=1):
            last = number
            if not (dialect.comment and line.startswith(dialect.comment)):
                yield line

    try:
        for cells in csv.reader(
            kept(),
            delimiter=separator,
            quotechar=dialect.quote,
            quoting=csv.QUOTE_MINIMAL if dialect.quote else csv.QUOTE_NONE,
            strict=True,
        ):
            yield last, cells
    except csv.Error as error:
        raise ProjectError(f"{path}:{last}: {error}") from None


@contextmanager
def _undamaged(path: Path) -> Iterator[None]:
    """Name a file that cannot be read to its end, such as one that was cut off."""
    try:
        yield
    except (OSError, EOFError, zlib.error) as error:
        raise ProjectError(f"cannot read {path}: {_first_line(error)}") from None


@contextmanager
def _as_utf8(path: Path, dialect: Dialect, *, is_json: bool = False) -> Iterator[Path]:
    """Yield a file in UTF-8: the file itself, or a copy that is deleted afterwards.

    Polars overlooks a byte order mark in CSV files, and stumbles over it in JSON lines.
    """
    encoding = _encoding(dialect)
    if encoding == "utf-8-sig" and not (is_json and _begin(path).startswith(BOM)):
        yield path
        return
    if _starts_with(path, ZSTD):
        raise ProjectError(f"{path} is compressed with zstd: decompress it, or save it in UTF-8")
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / path.name
        try:
            with (
                io.TextIOWrapper(_open(path), encoding=encoding, newline="") as text,
                copy.open("w", encoding="utf-8", newline="") as target,
            ):
                shutil.copyfileobj(text, target)
        except UnicodeError:
            _refuse_encoding(path, dialect)
            raise ProjectError(f"{path} is not in {encoding}") from None
        yield copy


def _source(batches: Batches, schema: pl.Schema) -> pl.LazyFrame:
    """Make a table of batches of rows, which are read again for each use of the table."""

    def read(
        columns: list[str] | None, predicate: pl.Expr | None, rows: int | None, _: int | None
    ) -> Iterator[pl.DataFrame]:
        for batch in batches():
            part = batch if rows is None else batch.head(rows)
            rows = None if rows is None else rows - part.height
            part = part if predicate is None else part.filter(predicate)
            yield part if columns is None else part.select(columns)
            if rows == 0:
                return

    return register_io_source(read, schema=schema)


def _cell(value: object, place: str, decimal: str) -> str | None:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bytes | memoryview):
        raise ProjectError(f"the database {place} returns bytes: leave them out of the query")
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float | Decimal):
        return str(value).replace(".", decimal)
    return str(value)


def _first_line(error: BaseException) -> str:
    return next(iter(str(error).splitlines()), type(error).__name__)
