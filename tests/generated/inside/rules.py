"""For any valid schema and any frame, rows are rejected for the reasons that Pandera gives.

This runs inside a generated repository, of the package `my_project`.
"""

import datetime as dt
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pandera.polars as pa
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from my_project.core.base import paths, tables
from my_project.core.base.dialect import Dialect
from my_project.core.base.errors import ProjectError
from my_project.core.steps import rules, validate
from my_project.core.steps.validate import check
from pandera.errors import SchemaErrors

TEXTS = ["", "a", "ab", "Zoë", "x y", "2026"]
DAYS = [dt.date(2025, 12, 31), dt.date(2026, 1, 1), dt.date(2026, 6, 1)]
VALUES: dict[Any, st.SearchStrategy[Any]] = {
    pl.Int64: st.integers(-5, 5),
    pl.UInt8: st.integers(0, 5),
    pl.Float64: st.sampled_from([-1.5, 0.0, 0.5, 2.0, 3.25]),
    pl.String: st.sampled_from(TEXTS[1:]),
    pl.Boolean: st.booleans(),
    pl.Date: st.sampled_from(DAYS),
    pl.Datetime("us"): st.sampled_from([dt.datetime(2026, 1, 1, hour) for hour in (0, 12)]),
}


def is_even(data: pa.PolarsData) -> pl.LazyFrame:
    """Judge each row by the place of its text."""
    return data.lazyframe.select(pl.col(data.key).cast(pl.String).str.len_chars() % 2 == 0)


def is_below_mean(data: pa.PolarsData) -> pl.LazyFrame:
    """Judge each row by all rows."""
    key = pl.col(data.key).cast(pl.String).str.len_chars()
    return data.lazyframe.select(key <= key.mean())


def is_short(value: object) -> bool:
    """Judge a single value."""
    return len(str(value)) < 4


def own_checks() -> list[pa.Check]:
    """Return checks that are not expressions of Polars."""
    return [
        pa.Check(is_even, name="is_even", error="must have an even number of signs"),
        pa.Check(is_below_mean, name="is_below_mean"),
        pa.Check(is_short, name="is_short", element_wise=True),
    ]


@st.composite
def checks(draw: st.DrawFn, dtype: Any) -> list[pa.Check]:
    """Draw checks that fit a type."""
    values = VALUES[dtype]
    low, high = sorted([draw(values), draw(values)])
    several = draw(st.lists(values, min_size=1, max_size=3, unique=True))
    known = [pa.Check.isin(several), pa.Check.notin(several), pa.Check.eq(low), pa.Check.ne(low)]
    if dtype != pl.Boolean:
        known += [pa.Check.ge(low), pa.Check.le(high), pa.Check.gt(low), pa.Check.lt(high)]
        inclusive = {"include_min": draw(st.booleans()), "include_max": draw(st.booleans())}
        if low < high:
            known.append(pa.Check.in_range(low, high, **inclusive))
    if dtype == pl.String:
        known += [
            pa.Check.str_matches("[a-z]"),
            pa.Check.str_matches(re.compile("^Z")),
            pa.Check.str_contains("o|a"),
            pa.Check.str_startswith("a"),
            pa.Check.str_endswith("b"),
            pa.Check.str_length(min_value=2),
            pa.Check.str_length(1, 3),
            pa.Check.str_length(exact_value=2),
        ]
    return draw(st.lists(st.sampled_from([*known, *own_checks()]), max_size=3))


@st.composite
def schemas(draw: st.DrawFn) -> pa.DataFrameSchema:
    """Draw a schema of one to four columns."""
    types = draw(st.lists(st.sampled_from(list(VALUES)), min_size=1, max_size=4))
    columns = {
        f"c {number}": pa.Column(
            dtype, draw(checks(dtype)), nullable=draw(st.booleans()), unique=draw(st.integers(0, 5)) == 0
        )
        for number, dtype in enumerate(types)
    }
    return pa.DataFrameSchema(columns, unique=["c 0"] if draw(st.integers(0, 9)) == 0 else None)


def frame(draw: st.DrawFn, schema: pa.DataFrameSchema) -> pl.DataFrame:
    """Draw rows of the types of a schema, with gaps."""
    size = draw(st.integers(1, 12))
    return pl.DataFrame(
        {
            name: pl.Series([draw(st.none() | VALUES[column.dtype.type]) for _ in range(size)], dtype=column.dtype.type)
            for name, column in schema.columns.items()
        }
    )


def by_pandera(rows: pl.DataFrame, schema: pa.DataFrameSchema) -> set[tuple[int, str, str]] | None:
    """Return row, column and wording for each broken rule, or None if the frame as a whole is refused."""
    try:
        schema.validate(rows, lazy=True)
    except SchemaErrors as error:
        failures = error.failure_cases
    else:
        return set()
    if failures["index"].is_null().any():
        return None
    asks = {
        (name, str(check.error or check.name)): rules.words(check)
        for name, column in schema.columns.items()
        for check in column.checks
    }
    found = set()
    for case in failures.iter_rows(named=True):
        name, said = case["column"] or "c 0", case["check"]
        if said == "not_nullable":
            words = "is empty"
        elif said == "field_uniqueness" or (name, said) not in asks:
            words = "must not occur twice"
        else:
            words = asks[name, said]
        found.add((case["index"], name, words))
    return found


@settings(max_examples=300, deadline=None, derandomize=True)
@given(data=st.data())
def test_what_is_rejected_is_what_pandera_rejects(data: st.DataObject) -> None:
    schema = data.draw(schemas())
    rows = frame(data.draw, schema)
    expected = by_pandera(rows, schema)
    if expected is None:
        with pytest.raises(ProjectError, match="as a whole"):
            check(rows.lazy(), schema, Dialect())
        return
    checked = check(rows.lazy(), schema, Dialect())
    counts: list[Counter[str]] = []
    rejected = checked.rejected(counts).collect(engine="streaming")
    valid = checked.valid.collect(engine="streaming")
    bad = {row for row, _, _ in expected}
    assert rejected["row"].to_list() == sorted(bad)
    assert valid.equals(rows.filter(~pl.int_range(pl.len()).is_in(sorted(bad))))
    assert sum(counts, Counter()).total() == len(expected)
    for row, name, words in expected:
        reason = rejected.filter(pl.col("row") == row)["reason"].item()
        assert re.search(rf"{re.escape(name)} is [^;]*{re.escape(words.removeprefix('is '))}", reason), reason


@settings(max_examples=50, deadline=None, derandomize=True)
@given(data=st.data())
def test_text_is_judged_as_the_values_that_it_says(data: st.DataObject) -> None:
    schema = data.draw(schemas())
    rows = frame(data.draw, schema)
    if by_pandera(rows, schema) is None:
        return
    typed = check(rows.lazy(), schema, Dialect()).valid.collect()
    text = rows.with_columns(pl.all().cast(pl.String))
    assert check(text.lazy(), schema, Dialect()).valid.collect().equals(typed)


@pytest.mark.parametrize("size", [1, 10, 300_000])
def test_checks_over_several_columns(size: int) -> None:
    def at_most_b(data: pa.PolarsData) -> pl.LazyFrame:
        return data.lazyframe.select(pl.col("a") <= pl.col("b"))

    schema = pa.DataFrameSchema(
        {"a": pa.Column(int), "b": pa.Column(int)}, checks=pa.Check(at_most_b, name="at_most_b")
    )
    rows = pl.LazyFrame({"a": [1] * size, "b": [2] * (size - 1) + [0]})
    rejected = check(rows, schema, Dialect()).rejected([]).collect(engine="streaming")
    assert rejected["row"].to_list() == [size - 1]
    assert rejected["reason"].to_list() == ["the row must satisfy `at_most_b`"]


def test_500_columns() -> None:
    schema = pa.DataFrameSchema({f"c{i}": pa.Column(float, pa.Check.ge(0)) for i in range(500)})
    rows = pl.LazyFrame({f"c{i}": ["1", "-1" if i == 499 else "2"] for i in range(500)})
    rejected = check(rows, schema, Dialect()).rejected([]).collect(engine="streaming")
    assert rejected["reason"].to_list() == ["c499 is -1, must be at least 0"]


@pytest.mark.parametrize(
    ("column", "message"),
    [
        (pa.Column(int, pa.Check(lambda _: 1 / 0, name="faulty")), "the rule `faulty` of a cannot be checked: ZeroDiv"),
        (pa.Column(int, pa.Check(lambda _: False, name="whole")), "as a whole break schema.py: a: must satisfy"),
        (pa.Column(int, pa.Check.str_length(1)), "schema.py: the rule `str_length` of a does not fit its type"),
        (pa.Column(pl.List(pl.Int64)), "schema.py: column a is of type List"),
        (pa.Column(int, regex=True), "schema.py: name each column: `a` is a pattern"),
    ],
)
def test_a_schema_that_cannot_be_applied_is_one_line(column: pa.Column, message: str) -> None:
    with pytest.raises(ProjectError) as caught:
        check(pl.LazyFrame({"a": ["1", "2", "3"]}), pa.DataFrameSchema({"a": column}), Dialect()).valid.collect()
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_data_may_have_the_columns_that_quarantine_adds() -> None:
    schema = pa.DataFrameSchema({"row": pa.Column(int), "reason": pa.Column(str)})
    checked = check(pl.LazyFrame({"row": ["7", "x"], "reason": ["a", "b"]}), schema, Dialect())
    assert checked.valid.collect().rows() == [(7, "a")]
    rejected = checked.rejected([]).collect()
    assert rejected.columns == ["row", "reason", "row as read", "reason as read"]
    assert rejected.rows() == [(1, "row is 'x', not a whole number (Int64)", "x", "b")]


def test_a_rule_that_only_warns_is_counted_and_its_rows_are_valid(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def has_two(data: pa.PolarsData) -> pl.LazyFrame:
        return data.lazyframe.select(pl.all().len() == 2)

    def judged(data: pa.PolarsData) -> pl.LazyFrame:
        return data.lazyframe.select(pl.col("a") > 2)

    monkeypatch.chdir(tmp_path)
    only_warns = {"raise_warning": True}
    checks = [
        pa.Check.le(1, **only_warns),
        pa.Check(is_even, name="is_even", error="must be even", **only_warns),
        pa.Check(has_two, name="has_two", **only_warns),
    ]
    rows = pa.Check(judged, name="judged", error="must be right", **only_warns)
    schema = pa.DataFrameSchema({"a": pa.Column(int, [*checks, pa.Check.ge(0)])}, checks=rows)
    tables.write(pl.DataFrame({"a": ["7", "x", "-1", "1", "10"]}), paths.RAW)
    validate.run(schema, Dialect(), validate.ValidationSettings(max_quarantined_share=1))
    assert tables.read(paths.VALID)["a"].to_list() == [7, 1, 10]
    assert tables.read(paths.QUARANTINE)["reason"].to_list() == [
        "a is 'x', not a whole number (Int64)",
        "a is -1, must be at least 0",
    ]
    assert [it.message for it in caplog.records if it.levelname == "WARNING"] == [
        "the data as a whole break schema.py: a: must satisfy `has_two`",
        "validate: 2 of 5 rows break a rule that only warns: a: must be at most 1",
        "validate: 2 of 5 rows break a rule that only warns: a: must be even",
        "validate: 2 of 5 rows break a rule that only warns: the row: must be right",
    ]


def test_an_own_check_on_repeated_values_sees_all_rows() -> None:
    is_new = pa.Check(lambda data: data.lazyframe.select(pl.col(data.key).is_unique()), name="is_new")
    rows = pl.LazyFrame({"a": [*range(1000), 0]})
    checked = check(rows, pa.DataFrameSchema({"a": pa.Column(int, is_new)}), Dialect())
    assert checked.rejected([]).collect(engine="streaming")["row"].to_list() == [0, 1000]
