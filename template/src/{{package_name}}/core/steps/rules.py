"""The rules of a schema as expressions, with words for people.

Pandera's own checks and the types become expressions of Polars, which work on a stream of any size.
Checks that the schema defines itself are called with batches of rows.
"""

import difflib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandera.polars as pa
import polars as pl

from ..base import dialect as dialects
from ..base.dialect import Cells, Dialect
from ..base.errors import ProjectError
from ..base.reading import SEPARATORS

ROW = "\x1frow"  # until it gets a name that one of your columns may also have
AS_READ = "\x1fas read: "

Words = Callable[[Mapping[str, Any]], str]


@dataclass(frozen=True)
class Rule:
    """One way in which a row can be bad.

    Attributes:
        title: The rule without the value, under which broken rules are counted.
        is_broken: Whether a row breaks the rule; never null.
        reason: What is wrong with the row, for people.
        screen: A faster version of `is_broken`, which may also hold for rows that break another
            rule.
        only_warns: Whether a row that breaks the rule is still valid.
    """

    title: str
    is_broken: pl.Expr
    reason: pl.Expr
    screen: pl.Expr
    only_warns: bool = False


def _anchored(pattern: str | re.Pattern[str]) -> str:
    text = _text(pattern)
    return text if text.startswith("^") else f"^{text}"


def _text(pattern: str | re.Pattern[str]) -> str:
    return pattern if isinstance(pattern, str) else pattern.pattern


def _within(column: pl.Expr, limits: Mapping[str, Any]) -> pl.Expr:
    low, high = limits["min_value"], limits["max_value"]
    above = column.ge(low) if limits["include_min"] else column.gt(low)
    return above & (column.le(high) if limits["include_max"] else column.lt(high))


def _has_length(column: pl.Expr, limits: Mapping[str, Any]) -> pl.Expr:
    length, exact = column.str.len_chars(), limits.get("exact_value")
    if exact is not None:
        return length.eq(exact)
    low, high = limits.get("min_value"), limits.get("max_value")
    return length.is_between(0 if low is None else low, 2**32 - 1 if high is None else high)


def _length(limits: Mapping[str, Any]) -> str:
    low, high = limits.get("min_value"), limits.get("max_value")
    if limits.get("exact_value") is not None:
        return f"must have {limits['exact_value']} characters"
    if high is None:
        return f"must have at least {low} characters"
    return (
        f"must have at most {high} characters"
        if low is None
        else f"must have {low} to {high} characters"
    )


def _range(limits: Mapping[str, Any]) -> str:
    low = (
        f"at least {limits['min_value']}"
        if limits["include_min"]
        else f"more than {limits['min_value']}"
    )
    high = (
        f"at most {limits['max_value']}"
        if limits["include_max"]
        else f"less than {limits['max_value']}"
    )
    return f"must be {low} and {high}"


# Pandera's checks of single cells: an expression for each, and its wording for people.
KNOWN: dict[str, tuple[Callable[[pl.Expr, Mapping[str, Any]], pl.Expr], Words]] = {
    "equal_to": (lambda c, k: c == k["value"], lambda k: f"must be {k['value']}"),
    "not_equal_to": (lambda c, k: c != k["value"], lambda k: f"must not be {k['value']}"),
    "greater_than": (
        lambda c, k: c > k["min_value"],
        lambda k: f"must be more than {k['min_value']}",
    ),
    "greater_than_or_equal_to": (
        lambda c, k: c >= k["min_value"],
        lambda k: f"must be at least {k['min_value']}",
    ),
    "less_than": (lambda c, k: c < k["max_value"], lambda k: f"must be less than {k['max_value']}"),
    "less_than_or_equal_to": (
        lambda c, k: c <= k["max_value"],
        lambda k: f"must be at most {k['max_value']}",
    ),
    "in_range": (_within, _range),
    "isin": (
        lambda c, k: c.is_in(list(k["allowed_values"])),
        lambda k: f"must be one of {dialects.listed(list(k['allowed_values']))}",
    ),
    "notin": (
        lambda c, k: ~c.is_in(list(k["forbidden_values"])),
        lambda k: f"must not be one of {dialects.listed(list(k['forbidden_values']))}",
    ),
    "str_matches": (
        lambda c, k: c.str.contains(_anchored(k["pattern"])),
        lambda k: f"must match {_anchored(k['pattern'])}",
    ),
    "str_contains": (
        lambda c, k: c.str.contains(_text(k["pattern"])),
        lambda k: f"must contain {_text(k['pattern'])}",
    ),
    "str_startswith": (
        lambda c, k: c.str.starts_with(k["string"]),
        lambda k: f"must start with {k['string']}",
    ),
    "str_endswith": (
        lambda c, k: c.str.ends_with(k["string"]),
        lambda k: f"must end with {k['string']}",
    ),
    "str_length": (_has_length, _length),
}


def words(check: pa.Check) -> str:
    """Say what a check requires of a cell or of a row."""
    error = str(check.error or "")
    if is_known(check) and error.startswith(f"{check.name}("):  # the default text
        return KNOWN[str(check.name)][1](check.statistics or {})
    return error or check.description or f"must satisfy `{check.name}`"


def is_known(check: pa.Check) -> bool:
    """Return whether a check is one of Pandera's own in `KNOWN`."""
    return str(check.name) in KNOWN and bool(check.statistics)


def refuse_missing(schema: pa.DataFrameSchema, found: Sequence[str]) -> None:
    """Refuse data that lack a column of the schema.

    Args:
        schema: What a valid row is.
        found: Names of the columns of the data.

    Raises:
        ProjectError: If a column is missing; the message names it and similar names in the header.
    """
    for name, column in schema.columns.items():
        if column.regex:
            raise ProjectError(f"schema.py: name each column: `{name}` is a pattern")
        if column.default is not None:
            message = f"schema.py: `default` of {name} is not applied"
            raise ProjectError(f"{message}: fill empty cells in features.py")
    wanted = [name for name, column in schema.columns.items() if column.required]
    missing = [name for name in wanted if name not in found]
    if not missing:
        return
    columns = "column" if len(missing) == 1 else "columns"
    message = f"the data have no {columns} {dialects.listed(missing)}, which schema.py requires"
    for separator in SEPARATORS:
        parts = {part for name in found for part in name.split(separator)}
        if set(missing) & parts or (len(found) == 1 and len(parts) > 1):
            remedy = f"set `separator: {separator!r}` under `source` in params.yaml"
            raise ProjectError(f"{message}: the header is {dialects.listed(found)!r}: {remedy}")
    plain = {name.strip().casefold(): name for name in reversed(found)}
    for name in missing:
        near = difflib.get_close_matches(name.strip().casefold(), plain, n=1)
        if near:
            remedy = "Rename it in source.py, or see `alias` in docs/your-data.md"
            raise ProjectError(f"{message}: did you mean {plain[near[0]]!r}? {remedy}")
    raise ProjectError(f"{message}: they have {dialects.listed(found)}")


def type_of(column: pa.Column, otherwise: pl.DataType) -> pl.DataType:
    """Return the type that the schema requires of a column, or another one if it names none."""
    wanted = column.dtype.type if column.dtype else otherwise
    return wanted() if isinstance(wanted, type) else wanted


def cells_of(name: str, schema: pa.DataFrameSchema, found: pl.DataType, dialect: Dialect) -> Cells:
    """Convert the cells of a column to the type that the schema requires.

    Raises:
        ProjectError: If the type of the data means something different.
    """
    column = schema.columns[name]
    wanted = type_of(column, found)  # or else the type of the data
    if dialects.kind(wanted) not in dialects.SIMPLE:
        message = f"schema.py: column {name} is of type {wanted}"
        raise ProjectError(f"{message}: only numbers, texts, booleans, dates and times can be read")
    lists = (it.statistics["allowed_values"] for it in column.checks if it.name == "isin")
    known = {str(value) for values in lists for value in values}
    if isinstance(wanted, pl.Enum):
        known.update(wanted.categories)
    return dialects.cells(pl.col(f"{AS_READ}{name}"), name, (found, wanted), dialect, known)


def of_column(name: str, schema: pa.DataFrameSchema, cells: Cells) -> list[Rule]:
    """Make the rules for single cells: type, whether a cell may be empty, and Pandera's checks.

    Args:
        name: Name of the column.
        schema: What a valid row is.
        cells: The cells of the column.

    Returns:
        The rules; checks that the schema defines itself are left to `own_rules`.
    """
    column = schema.columns[name]
    unreadable = pl.col(name).is_null() & ~cells.is_empty
    quoted = pl.concat_str(pl.lit("'"), cells.text, pl.lit("'"))
    shown = quoted if cells.are_text else cells.text
    reason = reason_for(name, shown, cells.fault)
    if column.nullable:
        rules = [Rule(f"{name}: {cells.fault}", unreadable, reason, unreadable)]
    else:
        is_null = pl.col(name).is_null()
        empty = pl.lit(f"{name} is empty")
        rules = [
            Rule(f"{name}: {cells.fault}", unreadable, reason, is_null),
            Rule(f"{name}: empty", cells.is_empty, empty, is_null),
        ]
    shown = quoted if dialects.kind(cells.type) == "texts" else cells.text
    for check in column.checks:
        if not is_known(check):
            continue
        holds = KNOWN[str(check.name)][0](pl.col(name), check.statistics or {})
        try:
            pl.DataFrame(schema={name: cells.type}).select(holds)
        except pl.exceptions.PolarsError as error:
            message = f"schema.py: the rule `{check.name}` of {name} does not fit its type"
            says = str(error).splitlines()[0]
            raise ProjectError(f"{message} {cells.type}: {says}") from None
        fails = (~holds).fill_null(value=not check.ignore_na)
        title, reason = f"{name}: {words(check)}", reason_for(name, shown, words(check))
        rules.append(Rule(title, fails & ~unreadable, reason, fails, check.raise_warning))
    return rules


def reason_for(name: str, shown: pl.Expr, text: str) -> pl.Expr:
    """Say what is wrong with a cell: its column, how it is shown, and what it must be."""
    return pl.concat_str(pl.lit(f"{name} is "), shown.fill_null("empty"), pl.lit(f", {text}"))
