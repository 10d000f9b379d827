"""Excel files: each cell has a type of its own, and the parameters apply only to text cells.

This runs inside a generated repository, of the package `my_project`.
"""

import datetime as dt
from pathlib import Path
from typing import Any

import pandera.polars as pa
import polars as pl
import pytest
import xlsxwriter
from my_project.core.base import reading
from my_project.core.base.dialect import Dialect
from my_project.core.base.errors import ProjectError
from my_project.core.steps.validate import check

ENGLISH: dict[str, Any] = {}
GERMAN: dict[str, Any] = {"decimal": ",", "thousands": ".", "dates": ["%d.%m.%Y"], "times": ["%d.%m.%Y %H:%M"]}
SHORT = {"times": ["%d.%m.%Y %H:%M"]}
DAY, AT = dt.date(2026, 1, 31), dt.datetime(2026, 1, 31, 14, 30)
MIDNIGHT = dt.datetime(2026, 1, 31)
FORMATS = {
    dt.date: "dd/mm/yy",
    dt.datetime: "dd/mm/yy hh:mm",
    dt.time: "hh:mm",
    dt.timedelta: "[h]:mm",
}


def write(*rows: list[object]) -> Path:
    """Write rows into the first of two sheets."""
    path = Path("rows.xlsx")
    with xlsxwriter.Workbook(path) as book:
        sheet = book.add_worksheet()
        book.add_worksheet().write_row(0, 0, ["another", "sheet"])
        for place, row in enumerate(rows):
            for column, cell in enumerate(row):
                if isinstance(cell, str):
                    sheet.write_string(place, column, cell)
                elif type(cell) in FORMATS:
                    sheet.write(place, column, cell, book.add_format({"num_format": FORMATS[type(cell)]}))
                else:
                    sheet.write(place, column, cell)
    return path


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Work in an empty folder."""
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(
    ("dtype", "cells", "dialect", "expected", "reasons"),
    [
        (float, [71.5, -0.001, 3, 1890.5, "x"], ENGLISH, [71.5, -0.001, 3, 1890.5], ["'x', not a number"]),
        (float, [71.5, -0.001, 3, 1890.5, "x"], GERMAN, [71.5, -0.001, 3, 1890.5], ["'x', not a number"]),
        (float, [1 / 3, 1e-12, 1e300, 123456789.123], GERMAN, [1 / 3, 1e-12, 1e300, 123456789.123], []),
        (float, ["1.890,5", "1.890", 1.89], GERMAN, [1890.5, 1890, 1.89], []),
        (float, ["1.890", 1.89], {"decimal": ","}, [1.89], ["'1.890', not a number"]),
        (int, [1974, 3.5, "4"], GERMAN, [1974, 4], ["'3,5', not a whole number (Int64)"]),
        (int, [2**53 - 1], ENGLISH, [2**53 - 1], []),
        (str, [12, "1.5", "2026-01-31"], GERMAN, ["12", "1.5", "2026-01-31"], []),
        (bool, [True, False, "yes", 1, 7], ENGLISH, [True, False, True, True], ["'7', neither true nor false"]),
        (dt.date, [DAY, "31.01.2026"], ENGLISH, [DAY], ["'31.01.2026', not a date such as 2026-01-31"]),
        (dt.date, [DAY, "31.01.2026", AT], GERMAN, [DAY, DAY], ["'31.01.2026 14:30', not a date such as 31.01.2026"]),
        (dt.datetime, [AT, MIDNIGHT, DAY, "2026-01-31 14:30"], ENGLISH, [AT, MIDNIGHT, MIDNIGHT, AT], []),
        (dt.datetime, [AT, MIDNIGHT, "31.01.2026 14:30", "31.01.2026"], GERMAN, [AT, MIDNIGHT, AT, MIDNIGHT], []),
        (
            pl.Time,
            [AT.time(), dt.time(0, 0), dt.time(23, 59, 59)],
            GERMAN,
            [AT.time(), dt.time(0), dt.time(23, 59, 59)],
            [],
        ),
        (float, [AT.time(), DAY], ENGLISH, [], ["'14:30:00', not a number", "'2026-01-31', not a number"]),
        (float, ["=1/0", None, "NA"], ENGLISH, [None, None], ["'=1/0', not a number"]),
    ],
)
def test_cells_keep_their_values(
    dtype: Any, cells: list[object], dialect: dict[str, Any], expected: list[object], reasons: list[str]
) -> None:
    rows = reading.scan(write(["no", "a"], *([str(no), cell] for no, cell in enumerate(cells))), Dialect(**dialect))
    schema = pa.DataFrameSchema({"a": pa.Column(dtype, nullable=True)})
    checked = check(rows, schema, Dialect(**dialect))
    assert checked.valid.collect()["a"].to_list() == expected
    assert checked.rejected([]).collect()["reason"].to_list() == [f"a is {reason}" for reason in reasons]


def test_a_time_that_its_format_would_cut_is_refused() -> None:
    exact = dt.datetime(2026, 1, 31, 14, 30, 59)
    assert reading.scan(write(["a"], [exact]), Dialect(**SHORT)).collect().item() == "2026-01-31 14:30:59"


def test_times_are_written_in_the_format_that_reads_them() -> None:
    american = Dialect(times=("%m/%d/%Y %H:%M",))
    second = dt.datetime(2026, 1, 2, 14, 30)
    assert reading.scan(write(["a"], [second]), american).collect().item() == "01/02/2026 14:30"


def test_a_formula_that_failed_is_empty() -> None:
    with xlsxwriter.Workbook("rows.xlsx") as book:
        sheet = book.add_worksheet()
        sheet.write_row(0, 0, ["a", "b"])
        sheet.write_formula(1, 0, "=1/0", value="#DIV/0!")
        sheet.write_formula(1, 1, "=1/4", value=0.25)
    assert reading.scan(Path("rows.xlsx"), Dialect(**GERMAN)).collect().rows() == [(None, "0,25")]


def test_rows_that_hold_nothing_are_no_rows() -> None:
    path = write([], [None, "a", None, 2025], [None, 1, 2, 3], [], [None, 4, 5, 6], [None, None, None, None])
    found = reading.scan(path).collect()
    assert found.columns == ["a", "column 2", "2025"]
    assert found.rows() == [("1", "2", "3"), ("4", "5", "6")]


@pytest.mark.parametrize(
    ("rows", "line"),
    [
        ([], "cannot read rows.xlsx: its first sheet is empty"),
        ([["a", "b", "a"], [1, 2, 3]], "rows.xlsx has two columns named a"),
    ],
)
def test_a_sheet_that_is_not_a_table_is_one_line(rows: list[list[object]], line: str) -> None:
    with pytest.raises(ProjectError, match=line):
        reading.scan(write(*rows))


def test_a_broken_file_is_one_line() -> None:
    content = bytearray(write(["a"], *([number] for number in range(500))).read_bytes())
    place = content.index(b"PK\x03\x04", content.index(b"xl/worksheets/sheet1.xml"))
    content[place - 200 : place] = bytes(200)
    Path("rows.xlsx").write_bytes(content)
    with pytest.raises(ProjectError, match=r"cannot read rows\.xlsx: ") as caught:
        reading.scan(Path("rows.xlsx"))
    assert "\n" not in str(caught.value)
