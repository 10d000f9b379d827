"""Files and frames that nobody planned for, and what the pipeline and `predict` do with each.

This runs inside a generated repository, of the package `my_project`.
"""

import datetime as dt
import gzip
import io
import json
import re
import sqlite3
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandera.polars as pa
import polars as pl
import pytest
from my_project.core.base import paths, reading, tables
from my_project.core.base.dialect import Dialect
from my_project.core.base.errors import ProjectError
from my_project.core.models.predict import Predictor
from my_project.core.steps import ingest, validate
from my_project.core.steps.validate import check

HEADER = "size,count,name,day,sold\n"
GOOD = "1.5,2,Zoë,2026-01-31,true\n"
FRAME = pl.DataFrame({"size": [1.5], "count": [2], "name": ["Zoë"], "day": [dt.date(2026, 1, 31)], "sold": [True]})


class Row(pa.DataFrameModel):
    """What a valid row is."""

    size: float = pa.Field(ge=0, description="Size")
    count: int = pa.Field(nullable=True, description="Count")
    name: str = pa.Field(isin=["Zoë", "Ann", "NA"], nullable=True, description="Name")
    day: dt.date = pa.Field(nullable=True, description="Day")
    sold: bool = pa.Field(nullable=True, description="Whether it is sold")


@dataclass(frozen=True)
class Case:
    """A file, and what is expected of it.

    Attributes:
        name: What is odd about it.
        content: Text in UTF-8, bytes, or a function that writes the file.
        error: What the one line says; empty if there is no error.
        valid: How many rows are valid.
        reasons: Why the other rows are not.
        file: Name of the file.
        dialect: Settings other than the defaults.
        schema: Columns that replace those of `Row`.
    """

    name: str
    content: str | bytes | Callable[[Path], object]
    error: str = ""
    valid: int = 0
    reasons: list[str] = field(default_factory=list)
    file: str = "rows.csv"
    dialect: dict[str, Any] = field(default_factory=dict)
    schema: dict[str, Any] = field(default_factory=dict)


def parquet(**columns: pl.Series) -> Callable[[Path], object]:
    """Write the good row as Parquet, with some columns replaced."""
    return FRAME.with_columns(**columns).write_parquet


def sqlite(*rows: tuple[object, ...]) -> Callable[[Path], object]:
    """Write rows into a table of an SQLite database that has no types."""

    def write(path: Path) -> None:
        with sqlite3.connect(path) as database:
            database.execute("CREATE TABLE sales (size, count, name, day, sold)")
            database.executemany("INSERT INTO sales VALUES (?, ?, ?, ?, ?)", rows)
        database.close()

    return write


SIGNS = {"_dot_": ".", "_is_": "=", "_percent_": "%", "_none_": "@HIVE_DEFAULT_PARTITION@", "__": "/", "@": "__"}


def folder(**files: str | bytes) -> Callable[[Path], object]:
    """Write a folder; `SIGNS` lists the stand-ins for signs in names."""

    def write(path: Path) -> None:
        for name, content in files.items():
            for word, sign in SIGNS.items():
                name = name.replace(word, sign)
            file = path / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content.encode() if isinstance(content, str) else content)

    return write


def as_parquet(frame: pl.DataFrame) -> bytes:
    """Return the bytes of a Parquet file."""
    target = io.BytesIO()
    frame.write_parquet(target)
    return target.getvalue()


def archive(name: str) -> bytes:
    """Return a zip file with one member."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as file:
        file.writestr(name, HEADER + GOOD)
    return target.getvalue()


ONE = "1.5,2,Zoë,2026-01-31,true"
JSON = '{"size":1.5,"count":2,"name":"Ann","day":"2026-01-31","sold":true}\n'
TIME = {"day": pa.Column(pl.Datetime("us"), nullable=True)}
UTC = {"day": pa.Column(pl.Datetime("us", "UTC"), nullable=True)}

CASES = [
    # Text files as they come
    Case("a clean file", HEADER + GOOD, valid=1),
    Case("Windows line ends", (HEADER + GOOD).replace("\n", "\r\n"), valid=1),
    Case("no newline at the end", HEADER + ONE, valid=1),
    Case("a byte order mark", b"\xef\xbb\xbf" + (HEADER + GOOD).encode(), valid=1),
    Case("blank lines at the end", HEADER + GOOD + "\n" * 30, valid=1),
    Case("blank lines between rows", HEADER + "\n" + GOOD + "   \n" + GOOD, valid=2),
    Case("lines of separators alone", HEADER + GOOD + ",,,,\n" * 3, valid=1),
    Case("blank lines before the header", "\n\n" + HEADER + GOOD, valid=1),
    Case("a line of separators before the header", ",,,,\n" + HEADER + GOOD, valid=1),
    Case("a line of spaces before the header", "  \n" + HEADER + GOOD, valid=1),
    Case("rows of spaces", HEADER + "  ,  ,  ,  ,  \n" + GOOD, valid=1),
    Case("names that look like JSON", "[more]," + HEADER + "x," + GOOD, valid=1),
    Case("a name that means several files", HEADER + GOOD, valid=1, file="rows[1]?*.csv"),
    Case(
        "quoted cells with separators and line breaks",
        HEADER + '1,2,"Ann",2026-01-31,true\n"1","","NA","",""\n',
        valid=2,
    ),
    Case("spaces around cells", HEADER + " 1.5 , 2 , Ann , 2026-01-31 , TRUE \n", valid=1),
    Case("a column beyond the schema", "more," + HEADER + "x," + GOOD, valid=1),
    Case("an index as Pandas writes it", "," + HEADER + "0," + GOOD, valid=1),
    Case("columns in another order", "sold,day,name,count,size\ntrue,2026-01-31,Ann,2,1.5\n", valid=1),
    Case("comments", "# made by hand\n" + HEADER + "# and checked\n" + GOOD, valid=1, dialect={"comment": "#"}),
    Case("tabs in a .tsv file", (HEADER + GOOD).replace(",", "\t"), valid=1, file="rows.tsv"),
    Case("semicolons, as set", (HEADER + GOOD).replace(",", ";"), valid=1, dialect={"separator": ";"}),
    Case(
        "decimal commas",
        "size;count;name;day;sold\n1,5;2;Ann;;\n1.5;2;Ann;;\n",
        valid=1,
        reasons=["size is '1.5', not a number"],
        dialect={"separator": ";", "decimal": ","},
    ),
    Case(
        "thousands",
        HEADER.replace(",", ";") + "1.234,5;1.000;Ann;;\n1.5;2;Ann;;\n",
        valid=1,
        reasons=["size is '1.5', not a number"],
        dialect={"separator": ";", "decimal": ",", "thousands": "."},
    ),
    Case("Latin-1, as set", (HEADER + GOOD).encode("latin-1"), valid=1, dialect={"encoding": "latin-1"}),
    Case("UTF-8, called ASCII", HEADER + GOOD, valid=1, dialect={"encoding": "ascii"}),
    Case("UTF-16, as set", (HEADER + GOOD).encode("utf-16"), valid=1, dialect={"encoding": "utf-16"}),
    Case("gzip", gzip.compress((HEADER + GOOD).encode()), valid=1, file="rows.csv.gz"),
    Case("gzip without its ending", gzip.compress((HEADER + GOOD).encode()), valid=1),
    Case(
        "zstd",
        lambda path: (
            pl.read_csv(io.StringIO(HEADER + GOOD), infer_schema=False)
            .lazy()
            .sink_csv(path, compression="zstd", check_extension=False)
        ),
        valid=1,
        file="rows.csv.zst",
    ),
    Case("other single quotes", HEADER + "1,2,'Ann',,\n", valid=1, dialect={"quote": "'"}),
    Case("no quotes at all", 'size,count,name,day,sold,say\n1,2,Ann,,,"oh\n', valid=1, dialect={"quote": None}),
    Case(
        "other dates",
        HEADER + "1,2,Ann,31.1.2026,\n1,2,Ann,2026-01-31,\n",
        valid=1,
        reasons=["day is '2026-01-31', not a date such as 31.01.2026"],
        dialect={"dates": ["%d.%m.%Y"]},
    ),
    Case(
        "500 columns more",
        ",".join([HEADER.strip(), *(f"c{i}" for i in range(500))]) + "\n" + ONE + ",x" * 500 + "\n",
        valid=1,
    ),
    Case(
        "a cell of a million characters",
        HEADER + f'1,2,"{"x" * 1_000_000}",,\n',
        reasons=[f"name is '{'x' * 60}…', must be one of Zoë, Ann, NA"],
    ),
    # Text files that are refused
    Case("an empty file", "", error="rows.csv: the file is empty"),
    Case("nothing but spaces", " \n \n", error="rows.csv: the file is empty"),
    Case("a header alone", HEADER, error="no rows"),
    Case("a name twice in the header", "size," + HEADER + "9," + GOOD, error="rows.csv has two columns named size"),
    Case("a long line", HEADER + GOOD + ONE + ",7\n", error="rows.csv:3: 6 cells, the header has 5"),
    Case("a short line", HEADER + GOOD + "1.5,2,Ann\n", error="rows.csv:3: 3 cells, the header has 5"),
    Case("a short line after a cell over two lines", HEADER + '1,2,"Ann\n",,\n1\n', error="rows.csv:4: 1 cell"),
    Case("a quote that is not closed", HEADER + '1.5,2,"Ann,,\n' + GOOD, error=r"rows.csv:\d+: unexpected end of data"),
    Case(
        "Latin-1, not set",
        (HEADER + GOOD).encode("latin-1"),
        error="rows.csv:2: byte 0xeb is not utf-8: set `encoding: cp1252`",
    ),
    Case("Latin-1 in the header", "größe,count\n1,2\n".encode("latin-1"), error="rows.csv:1: byte 0xf6 is not utf-8"),
    Case(
        "UTF-8, and another encoding set",
        HEADER + GOOD,
        error="rows.csv is in UTF-8, not in cp1252: set `encoding: utf-8`",
        dialect={"encoding": "cp1252"},
    ),
    Case("UTF-16, not set", (HEADER + GOOD).encode("utf-16"), error="rows.csv is in UTF-16: set `encoding: utf-16`"),
    Case(
        "an encoding that does not exist",
        HEADER + GOOD,
        error="params.yaml: source.encoding: utf-9 is not a supported text encoding",
        dialect={"encoding": "utf-9"},
    ),
    Case(
        "an encoding that is none of text",
        HEADER + GOOD,
        error="params.yaml: source.encoding: hex is not a supported text encoding",
        dialect={"encoding": "hex"},
    ),
    Case(
        "an encoding of four bytes",
        (HEADER + GOOD).encode("utf-32"),
        error="params.yaml: source.encoding: utf-32 is not a supported text encoding",
        dialect={"encoding": "utf-32"},
    ),
    Case("a column named *", "*," + HEADER + "x," + GOOD, error=r"rows.csv has a column named \*"),
    Case("a quote in the header", '"size"x,count\n1,2\n', error=r"rows.csv:1: ',' expected after '\"'"),
    Case(
        "inches",
        HEADER.strip() + ',more\n1,2,Ann,,,5" pipe\n1,2,Ann,,,6" tube\n1,2,Ann,,,a\n',
        error='rows.csv:2: " inside a cell: set `quote: null`',
    ),
    Case(
        "a bad line after comments and a cell over two lines",
        "# one\n" + HEADER + '# two\n1,2,"NA\n",,\n1\n',
        error="rows.csv:6: 1 cell",
        dialect={"comment": "#"},
    ),
    Case("semicolons, not set", (HEADER + GOOD).replace(",", ";"), error="set `separator: ';'`"),
    Case(
        "semicolons and decimal commas, not set",
        "size;count\n1,5;2\n",
        error="'size;count': set `separator: ';'`",
    ),
    Case("semicolons and other columns", "a;b\n1;2\n", error="the header is 'a;b': set `separator: ';'`"),
    Case("tabs, not set", (HEADER + GOOD).replace(",", "\t"), error=r"set `separator: '\\t'`"),
    Case(
        "spaces around the names",
        HEADER.replace("size", " size ") + GOOD,
        error="no column size.*did you mean ' size '",
    ),
    Case("other capitals", HEADER.replace("size", "Size") + GOOD, error="no column size.*did you mean 'Size'"),
    Case("another header", "a,b\n1,2\n", error="no columns size, count, name, day, sold, .*: they have a, b"),
    Case("no header", GOOD * 2, error="no columns size"),
    Case("Mac line ends", (HEADER + GOOD).replace("\n", "\r"), error="rows.csv uses CR alone as line ending"),
    Case("a web page", "<!DOCTYPE html><html></html>", error="rows.csv is a web page"),
    Case("XML", "<?xml version='1.0'?><a/>", error="rows.csv is a web page or XML"),
    Case(
        "a pointer of Git LFS",
        "version https://git-lfs.github.com/spec/v1\noid sha256:1\n",
        error="pointer of Git LFS: run `git lfs pull`",
    ),
    Case("a pointer of DVC", "outs:\n- md5: 1\n  path: rows.csv\n", error="pointer of DVC"),
    Case("a zip archive", archive("rows.csv"), error="rows.csv is an archive: unpack it"),
    Case("a PDF", b"%PDF-1.7\n", error="rows.csv is not a table"),
    Case("a pickle", b"\x80\x04\x95\x00", error="rows.csv is not a table"),
    Case("bytes", bytes(range(1, 256)) * 10, error="rows.csv is not a text file"),
    Case("zeros", bytes(1000), error="rows.csv is not a text file"),
    Case(
        "a gzip file of JSON lines cut short",
        gzip.compress(b"".join(b'{"price": %d}\n' % (number**3) for number in range(50_000)))[:90_000],
        error=r"cannot read rows\.csv: ",
    ),
    Case(
        "a large gzip file cut short",
        gzip.compress((HEADER + "".join(f"{number**3}{GOOD}" for number in range(50_000))).encode())[:90_000],
        error=r"cannot read rows\.csv: ",
    ),
    Case("a gzip file cut short", gzip.compress((HEADER + GOOD * 1000).encode())[:60], error="cannot read rows.csv"),
    Case("a missing file", lambda _: None, error="cannot read rows.csv: there is no such file"),
    Case("an empty folder", lambda path: path.mkdir(), error="cannot read rows.csv: there is no file in this folder"),
    # Cells
    Case("a text among numbers", HEADER + GOOD + "many,2,Ann,,\n", valid=1, reasons=["size is 'many', not a number"]),
    Case("a number that breaks a rule", HEADER + "-3,2,Ann,,\n", reasons=["size is -3, must be at least 0"]),
    Case(
        "all that is wrong with a row",
        HEADER + "-3,x,Bob,31.1.,perhaps\n",
        reasons=[
            "size is -3, must be at least 0; count is 'x', not a whole number (Int64); name is 'Bob', must be one of Zoë, Ann, NA; day is '31.1.', not a date such as 2026-01-31; sold is 'perhaps', neither true nor false"
        ],
    ),
    Case(
        "two formats of dates",
        HEADER + "1,2,Ann,31.01.2026,\n1,2,Ann,31.01.26,\n",
        valid=2,
        dialect={"dates": ["%d.%m.%Y", "%d.%m.%y"]},
    ),
    Case(
        "decimals with more digits than the schema has",
        HEADER + "1.50,2,Ann,,\n1.5000,2,Ann,,\n1.005,2,Ann,,\n",
        valid=2,
        reasons=["size is '1.005', not a number"],
        schema={"size": pa.Column(pl.Decimal(10, 2))},
    ),
    Case(
        "a category that usually means empty",
        HEADER + "1,2,NA,,\n",
        valid=1,
        schema={"name": pa.Column(pl.Enum(["NA", "EU"]))},
    ),
    Case(
        "cells that cannot be read among values that occur once",
        HEADER + "1,x,Ann,,\n1,y,Ann,,\n1,,Ann,,\n1,3,Ann,,\n1,3,Ann,,\n",
        valid=1,
        reasons=[
            "count is 'x', not a whole number (Int64)",
            "count is 'y', not a whole number (Int64)",
            "count is 3, must not occur twice",
            "count is 3, must not occur twice",
        ],
        schema={"count": pa.Column(int, nullable=True, unique=True)},
    ),
    Case("infinity", HEADER + "inf,2,Ann,,\n", reasons=["size is 'inf', not a number"]),
    Case("what means empty", HEADER + "NA,,,,\nnan,,,,\nnull,,,,\n", reasons=["size is empty"] * 3),
    Case("what means empty, where the schema knows it", HEADER + "1,NA,NA,NA,NA\n", valid=1),
    Case(
        "what means empty, as set",
        HEADER + "1,?,?,?,?\n1,NA,Ann,,\n",
        valid=1,
        reasons=["count is 'NA', not a whole number (Int64)"],
        dialect={"empty": ["?"]},
    ),
    Case(
        "what means empty in one column",
        HEADER + "1,-,Ann,,\n1,2,-,,\n",
        valid=1,
        reasons=["name is '-', must be one of Zoë, Ann, NA"],
        dialect={"empty_in": {"count": ["-"]}},
    ),
    Case(
        "whole numbers with a point",
        HEADER + "1,2.0,Ann,,\n1,2.5,Ann,,\n",
        valid=1,
        reasons=["count is '2.5', not a whole number (Int64)"],
    ),
    Case(
        "a whole number that is too long",
        HEADER + "1,99999999999999999999,Ann,,\n",
        reasons=["count is '99999999999999999999', not a whole number (Int64)"],
    ),
    Case(
        "a whole number that a decimal cannot hold",
        HEADER + "1,9007199254740993.0,Ann,,\n",
        reasons=["count is '9007199254740993.0', not a whole number (Int64)"],
    ),
    Case(
        "a date that does not exist",
        HEADER + "1,2,Ann,2026-02-30,\n",
        reasons=["day is '2026-02-30', not a date such as 2026-01-31"],
    ),
    Case("yes and no", HEADER + "1,2,Ann,,yes\n1,2,Ann,,N\n1,2,Ann,,0\n", valid=3),
    Case(
        "times",
        HEADER + "1,2,Ann,2026-01-31T12:00:00,\n1,2,Ann,2026-01-31 12:00,\n1,2,Ann,noon,\n",
        valid=2,
        reasons=[
            "day is 'noon', not a time such as 2026-01-31 12:00:00 with at most 6 decimals (see `time_zone` in docs/your-data.md)"
        ],
        schema=TIME,
    ),
    Case(
        "times with more decimals than microseconds",
        HEADER + "1,2,Ann,2026-01-31 12:00:00.1234560,\n1,2,Ann,2026-01-31T12:00:00.1234567,\n",
        valid=1,
        reasons=[
            "day is '2026-01-31T12:00:00.1234567', not a time such as 2026-01-31 12:00:00 with at most 6 decimals (see `time_zone` in docs/your-data.md)"
        ],
        schema=TIME,
    ),
    Case("dates among times", HEADER + "1,2,Ann,2026-01-31,\n1,2,Ann,2026-01-31 12:00,\n", valid=2, schema=TIME),
    Case(
        "times with a zone, no zone set",
        HEADER + "1,2,Ann,2026-01-31T12:00:00Z,\n",
        reasons=[
            "day is '2026-01-31T12:00:00Z', not a time such as 2026-01-31 12:00:00 with at most 6 decimals (see `time_zone` in docs/your-data.md)"
        ],
        schema=TIME,
    ),
    Case(
        "times with a zone, a zone set",
        HEADER + "1,2,Ann,2026-01-31T12:00:00Z,\n1,2,Ann,2026-01-31 12:00:00.5+0100,\n",
        valid=2,
        dialect={"time_zone": "Europe/Vienna"},
        schema=TIME,
    ),
    Case(
        "times in UTC",
        HEADER + "1,2,Ann,2026-01-31T12:00:00+02:00,\n1,2,Ann,2026-01-31 12:00:00,\n",
        valid=1,
        reasons=[
            "day is '2026-01-31 12:00:00', not a time such as 2026-01-31 12:00:00+00:00 with at most 6 decimals (see `time_zone` in docs/your-data.md)"
        ],
        schema=UTC,
    ),
    Case(
        "a local time that does not exist",
        HEADER + "1,2,Ann,2026-03-29 02:30:00,\n",
        reasons=["day is '2026-03-29 02:30:00', not a time such as 2026-01-31 12:00:00 with at most 6 decimals"],
        dialect={"time_zone": "Europe/Vienna"},
        schema=UTC,
    ),
    Case(
        "a bad cell in the last rows of 300,000",
        HEADER + "1.5,2,Ann,,\n" * 299_990 + "x,2,Ann,,\n" + "1.5,2,Ann,,\n" * 9,
        valid=299_999,
        reasons=["size is 'x', not a number"],
    ),
    # JSON lines
    Case("JSON lines", JSON, valid=1, file="rows.jsonl"),
    Case(
        "JSON lines of other types",
        JSON + JSON.replace("1.5", '"many"'),
        valid=1,
        reasons=["size is 'many', not a number"],
        file="rows.jsonl",
    ),
    Case("JSON lines without some keys", JSON + '{"size":2}\n', valid=2, file="rows.json"),
    Case(
        "one JSON array", "[" + JSON + "]", error="is one JSON array: write one object on each line", file="rows.json"
    ),
    Case("broken JSON", JSON + "{oh\n", error="rows.jsonl:2: not JSON: Expecting", file="rows.jsonl"),
    Case("JSON that is no object", JSON + "7\n", error="rows.jsonl:2: not a JSON object", file="rows.jsonl"),
    Case("JSON with a byte order mark", b"\xef\xbb\xbf" + JSON.encode(), valid=1, file="rows.jsonl"),
    Case("JSON in UTF-16", JSON.encode("utf-16"), valid=1, file="rows.jsonl", dialect={"encoding": "utf-16"}),
    Case(
        "numbers in JSON, which have decimal points",
        JSON.replace("1.5", "1.234"),
        valid=1,
        file="rows.jsonl",
        dialect={"decimal": ",", "thousands": "."},
        schema={"size": pa.Column(float, pa.Check.lt(2))},
    ),
    Case(
        "JSON with a list", JSON.replace("1.5", "[1.5]"), error="column size of the data holds lists", file="rows.jsonl"
    ),
    # Typed files
    Case("Parquet", parquet(), valid=1, file="rows.parquet"),
    Case("Parquet with another name", parquet(), valid=1),
    Case("Arrow", FRAME.write_ipc, valid=1, file="rows.arrow"),
    Case("Parquet cut short", as_parquet(FRAME)[:100], error="cannot read rows.parquet", file="rows.parquet"),
    Case(
        "dates into numbers",
        parquet(size=pl.Series([dt.date(2026, 1, 31)])),
        error="column size of the data holds dates, and schema.py asks for numbers",
    ),
    Case(
        "numbers into dates",
        parquet(day=pl.Series([20454])),
        error="column day of the data holds numbers, and schema.py asks for dates",
    ),
    Case(
        "numbers into booleans",
        parquet(sold=pl.Series([7])),
        error="column sold of the data holds numbers, and schema.py asks for booleans",
    ),
    Case("booleans into numbers", parquet(count=pl.Series([True])), error="column count of the data holds booleans"),
    Case(
        "times into dates",
        parquet(day=pl.Series([dt.datetime(2026, 1, 31, 12)])),
        error="column day of the data holds times on a date, and schema.py asks for dates",
    ),
    Case(
        "another time zone",
        parquet(day=pl.Series([dt.datetime(2026, 1, 31, 12)]).dt.replace_time_zone("Asia/Tokyo")),
        error="column day of the data has the time zone Asia/Tokyo, schema.py none",
        schema=TIME,
    ),
    Case(
        "decimals into whole numbers",
        parquet(count=pl.Series([2.5])),
        reasons=["count is 2.5, not a whole number (Int64)"],
    ),
    Case(
        "long whole numbers into decimals",
        parquet(size=pl.Series([2**53 + 1])),
        reasons=["size is 9007199254740993, not a number"],
    ),
    Case(
        "NaN and infinity",
        FRAME.vstack(FRAME).with_columns(size=pl.Series([float("nan"), float("inf")])).write_parquet,
        reasons=["size is empty", "size is inf, not a number"],
    ),
    Case("categories into text", parquet(name=pl.Series(["Ann"], dtype=pl.Categorical)), valid=1),
    Case("a column of nulls", parquet(day=pl.Series([None])), valid=1),
    Case("lists", parquet(size=pl.Series([[1.5]])), error="column size of the data holds lists"),
    Case("structures", parquet(name=pl.Series([{"a": 1}])), error="column name of the data holds structures"),
    Case("bytes in a column", parquet(name=pl.Series([b"Ann"])), error="column name of the data holds bytes"),
    Case("durations", parquet(size=pl.Series([dt.timedelta(days=1)])), error="column size of the data holds durations"),
    Case("lists beyond the schema", parquet(more=pl.Series([[1]])), valid=1),
    # Folders
    Case(
        "a folder of Parquet files",
        folder(a_dot_parquet=as_parquet(FRAME), b_dot_parquet=as_parquet(FRAME), _SUCCESS=""),
        valid=2,
        file="rows",
    ),
    Case(
        "partitions",
        folder(
            size_is_1__a_dot_parquet=as_parquet(FRAME.drop("size")),
            size_is_2__b_dot_parquet=as_parquet(FRAME.drop("size")),
        ),
        valid=2,
        file="rows",
    ),
    Case(
        "partitions whose names are quoted, empty, or begin with a zero",
        folder(
            name_is_a_percent_20b__a_dot_csv="size,count,day,sold\n1,2,,\n",
            name_is__none___a_dot_csv="size,count,day,sold\n1,2,,\n",
            name_is_007__a_dot_csv="size,count,day,sold\n1,2,,\n",
        ),
        valid=1,
        reasons=["name is '007', must be one of Zoë, Ann, NA", "name is 'a b', must be one of Zoë, Ann, NA"],
        file="rows",
    ),
    Case(
        "partitions of Parquet files that begin with a zero",
        folder(name_is_007__a_dot_parquet=as_parquet(FRAME.drop("name"))),
        reasons=["name is '007', must be one of Zoë, Ann, NA"],
        file="rows",
    ),
    Case(
        "a folder with files of two kinds",
        folder(a_dot_csv=HEADER + GOOD, b_dot_parquet=as_parquet(FRAME)),
        error="cannot read rows as one table: rows/a.csv and rows/b.parquet have other columns",
        file="rows",
    ),
    Case(
        "a link to nothing in a folder",
        lambda path: (path.mkdir(), (path / "a.csv").write_text(HEADER + GOOD), (path / "b.csv").symlink_to("c.csv")),
        error="cannot read rows/b.csv: there is no such file",
        file="rows",
    ),
    Case("a folder of CSV files", folder(a_dot_csv=HEADER + GOOD, b_dot_csv=HEADER + GOOD), valid=2, file="rows"),
    Case(
        "a folder of CSV files that differ",
        folder(a_dot_csv=HEADER + GOOD, b_dot_csv="a,b\n1,2\n"),
        error=r"cannot read rows as one table: rows/a\.csv and rows/b\.csv have other columns",
        file="rows",
    ),
    # Databases
    Case(
        "a database",
        sqlite((1.5, 2, "Ann", "2026-01-31", 1), (2, None, None, None, None)),
        valid=2,
        dialect={"query": "SELECT * FROM sales"},
    ),
    Case(
        "a text among numbers in a database",
        sqlite((1.5, 2, "Ann", None, 1), ("many", 2, "Ann", None, 0)),
        valid=1,
        reasons=["size is 'many', not a number"],
        dialect={"query": "SELECT * FROM sales"},
    ),
    Case(
        "numbers in a database, which have decimal points",
        sqlite((1.234, 2, "Ann", None, 1)),
        valid=1,
        dialect={"query": "SELECT * FROM sales", "decimal": ",", "thousands": "."},
        schema={"size": pa.Column(float, pa.Check.lt(2))},
    ),
    Case(
        "a database whose name has signs of addresses",
        sqlite((1, 2, "Ann", None, 1)),
        valid=1,
        file="rows?a%20b.db",
        dialect={"query": "SELECT * FROM sales"},
    ),
    Case("a database, no query", sqlite(), error="rows.csv is a database: set `query`"),
    Case(
        "a table that does not exist",
        sqlite(),
        error="rows.csv refuses: no such table: other",
        dialect={"query": "SELECT * FROM other"},
    ),
    Case(
        "bytes in a database",
        sqlite((1.5, 2, b"Ann", None, 1)),
        error="returns bytes: leave them out of the query",
        dialect={"query": "SELECT * FROM sales"},
    ),
    Case(
        "a query that names a column twice",
        sqlite((1, 2, "Ann", None, 1)),
        error="two columns named size",
        dialect={"query": "SELECT *, size FROM sales"},
    ),
]


def schema_of(case: Case) -> pa.DataFrameSchema:
    """Return the schema of a case."""
    schema = Row.to_schema()
    return (
        schema.update_columns({})
        if not case.schema
        else schema.remove_columns(list(case.schema)).add_columns(case.schema)
    )


def by_pipeline(path: Path, case: Case) -> tuple[int, list[str]]:
    """Ingest and validate."""
    dialect = Dialect(**case.dialect)
    ingest.run(lambda: reading.scan(path, dialect))
    validate.run(schema_of(case), dialect, validate.ValidationSettings(max_quarantined_share=1))
    return tables.read(paths.VALID).height, tables.read(paths.QUARANTINE)["reason"].to_list()


def count_inputs(inputs: pl.DataFrame) -> pl.DataFrame:
    """Predict the number of inputs for each row."""
    return pl.DataFrame({"prediction": [inputs.width] * inputs.height})


def by_predict(path: Path, case: Case) -> tuple[int, list[str]]:
    """Predict with a model that counts the inputs."""
    columns = {"prediction": pl.Int64()}
    dialect = Dialect(**case.dialect)
    predictor = Predictor("", schema_of(case), dialect, lambda rows: rows, count_inputs, columns, None)
    predicted = predictor.rows(reading.scan(path, dialect)).collect(engine="streaming")
    assert predicted.columns == ["row", "prediction", "reason"]
    assert predicted["row"].to_list() == list(range(predicted.height))
    assert (predicted["prediction"].is_null() == predicted["reason"].is_not_null()).all()
    if predicted.is_empty():
        raise ProjectError("no rows")
    return predicted["reason"].null_count(), predicted["reason"].drop_nulls().to_list()


@pytest.mark.parametrize("work", [by_pipeline, by_predict])
@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_a_file_is_read_or_refused(
    case: Case,
    work: Callable[[Path, Case], tuple[int, list[str]]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    path = Path(case.file)
    if callable(case.content):
        case.content(path)
    else:
        path.write_bytes(case.content.encode() if isinstance(case.content, str) else case.content)
    if case.error:
        with pytest.raises(ProjectError) as caught:
            work(path, case)
        assert re.search(case.error, str(caught.value)), caught.value
        assert "\n" not in str(caught.value)
        assert not paths.VALID.exists()
    else:
        assert work(path, case) == (case.valid, case.reasons)


@pytest.mark.parametrize("format_", ["%Q", "%", "%H:%M", "%d.%m.", "%d.%m.%Y %H", "DD.MM.YYYY"])
@pytest.mark.parametrize("key", ["dates", "times"])
def test_a_format_that_reads_no_date_is_one_line(key: str, format_: str, tmp_path: Path) -> None:
    path = tmp_path / "params.yaml"
    path.write_text(json.dumps({"source": {key: ["%Y-%m-%d", format_]}}), "utf-8")
    line = f"{path}: source.{key}: '{format_}' is not a format for a complete date, such as %Y-%m-%d or %Y-%m-%d %H:%M"
    with pytest.raises(ProjectError, match=f"^{re.escape(line)}$"):
        Dialect.load("source", path)


def test_a_zone_that_does_not_exist_is_one_line(tmp_path: Path) -> None:
    path = tmp_path / "params.yaml"
    path.write_text("source: {time_zone: Europe/Wien}", "utf-8")
    with pytest.raises(ProjectError, match=r"source.time_zone: 'Europe/Wien' is not a time zone such as [^\n]*$"):
        Dialect.load("source", path)


@pytest.mark.parametrize(
    ("format_", "example"),
    [
        ("%d.%m.%Y", "31.01.2026"),
        ("%-d.%-m.%y", "31.1.26"),
        ("%v", "31-Jan-2026"),
        ("%Y-%m-%dT%H:%M:%S%.3f", "2026-01-31T12:00:00.000"),
        ("%I:%M %p on %D", "12:00 PM on 01/31/26"),
    ],
)
def test_a_reason_shows_an_example_in_the_first_format(format_: str, example: str) -> None:
    dialect = Dialect(dates=[format_], times=[format_], time_zone="UTC")
    schema = pa.DataFrameSchema({"day": pa.Column(dt.date), "at": pa.Column(dt.datetime)})
    rejected = (
        check(pl.LazyFrame({"day": ["x", example], "at": ["x", example]}), schema, dialect).rejected([]).collect()
    )
    says = f"day is 'x', not a date such as {example}; at is 'x', not a time such as {example}"
    assert rejected["reason"].to_list() == [says]


THOUSAND = pl.DataFrame({"a": range(1000)})


@pytest.mark.parametrize(
    ("write", "expected"),
    [
        (THOUSAND.write_csv, 1001),  # including the header
        (THOUSAND.write_parquet, 1000),
        (folder(a_dot_csv="a\n1\n", b__c_dot_parquet=as_parquet(THOUSAND)), 1002),
        (folder(a_dot_csv="a\n1\n", b_dot_gz=gzip.compress(b"a\n1\n")), None),
        (folder(a_dot_gz=gzip.compress(b"a\n1\n"), b_dot_csv="a\n1\n"), None),
        (lambda path: path.write_bytes(gzip.compress(b"a\n1\n")), None),
        (lambda path: THOUSAND.lazy().sink_csv(path, compression="zstd", check_extension=False), None),
        (lambda path: path.write_bytes(archive("rows.csv")), None),
        (sqlite((1, 2, 3, 4, 5)), None),
        (lambda _: None, None),
    ],
)
def test_how_long_reading_takes_is_known_for_plain_files(
    write: Callable[[Path], object], expected: int | None, tmp_path: Path
) -> None:
    write(tmp_path / "rows")
    assert reading.expected_height(tmp_path / "rows") == expected
    assert reading.expected_height(None) is None
