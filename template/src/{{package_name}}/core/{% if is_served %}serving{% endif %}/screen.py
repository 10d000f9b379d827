"""The rules of a schema, compiled once, so that the rows of a request are checked quickly.

Only where that finds a bad row do the functions that `validate` uses look again, for the reasons.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandera.polars as pa
import polars as pl
from numpy.typing import NDArray

from ..base.dialect import Dialect
from ..base.errors import ProjectError
from ..steps import own_rules, rules
from ..steps.rules import AS_READ


class Screen:
    """Whether all rows of a table satisfy a schema.

    Attributes:
        types: The types in which the cells of a request arrive, by the names of the columns: texts
            are converted to dates, times and categories as the dialect says.
        optional: Names of the columns that a request may lack.
        dialect: How texts are written.
        is_by_row: Whether a row is good or bad whatever other rows are beside it.
    """

    def __init__(self, schema: pa.DataFrameSchema, dialect: Dialect) -> None:
        """Compile a schema.

        Args:
            schema: What a valid row is.
            dialect: How texts are written.

        Raises:
            ProjectError: If the schema does not fit its types.
        """
        self.dialect = dialect
        rules.refuse_missing(schema, [*schema.columns])
        self.types = {name: _arriving(column) for name, column in schema.columns.items()}
        self.optional = [name for name, column in schema.columns.items() if not column.required]
        self._ranges = _Ranges(schema)
        cells = {
            name: rules.cells_of(name, schema, dtype, dialect) for name, dtype in self.types.items()
        }
        others = {name: cell for name, cell in cells.items() if name not in self._ranges.names}
        self._as_read = {name: f"{AS_READ}{name}" for name in others}
        self._values = [
            pl.when(cell.values.is_finite()).then(cell.values).alias(name)
            if cell.type.is_float()
            else cell.values.alias(name)
            for name, cell in others.items()
        ]
        screens = [
            rule.screen
            for name, cell in others.items()
            for rule in rules.of_column(name, schema, cell)
            if not rule.only_warns
        ]
        self._is_bad = pl.any_horizontal(screens).any() if screens else None
        self._own = [
            (name, check)
            for name, check in own_rules.own_checks(schema, [*cells])
            if not check.raise_warning
        ]
        self._looks_at_all = bool(own_rules.unique_keys(schema, [*cells]))
        self.is_by_row = not (self._looks_at_all or self._own)

    def passed(self, rows: pl.DataFrame) -> pl.DataFrame | None:
        """Return the rows in the types of the schema, or None if one of them may be bad.

        Args:
            rows: Columns of the schema, each of the type in `types` or text.
        """
        if self._looks_at_all or rows.schema != self.types or not self._ranges.hold(rows):
            return None
        typed = rows
        if self._as_read:
            named = rows.rename(self._as_read).with_columns(self._values)
            if self._is_bad is not None and named.select(self._is_bad).item():
                return None
            typed = named.select([*self.types])
        try:
            outcomes = [own_rules.judged(name, check, typed) for name, check in self._own]
        except ProjectError:
            return None
        return typed if all(outcome.all() for outcome in outcomes) else None


class _Ranges:
    """The columns of floats whose only rules are limits: one comparison is enough for all.

    Attributes:
        names: Their names.
    """

    def __init__(self, schema: pa.DataFrameSchema) -> None:
        ranges = {
            name: limits
            for name, column in schema.columns.items()
            if (limits := _limits(column)) is not None
        }
        self.names = [*ranges]
        self._low = np.array([it.low for it in ranges.values()])
        self._high = np.array([it.high for it in ranges.values()])
        self._may_be_empty = np.array([it.may_be_empty for it in ranges.values()], dtype=bool)

    def hold(self, rows: pl.DataFrame) -> bool:
        """Return whether all cells are within the limits of their columns."""
        if not self.names:
            return True
        values: NDArray[np.float64] = rows[self.names].to_numpy()
        is_good = (values >= self._low) & (values <= self._high)
        if is_good.all():
            return True
        nulls = sum(rows[name].null_count() for name in self.names)
        if not self._may_be_empty.any() or np.isnan(values).sum() != nulls:
            return False  # NaN in a binary tensor is an empty cell, which `check` makes null
        return bool((is_good | (np.isnan(values) & self._may_be_empty)).all())


@dataclass(frozen=True)
class _Limits:
    low: float
    high: float
    may_be_empty: bool


def _limits(column: pa.Column) -> _Limits | None:
    """Return the limits of a column; None if it has another type, or other rules, too."""
    if not column.dtype or column.dtype.type != pl.Float64:
        return None
    low, high = math.nextafter(-math.inf, 0), math.nextafter(math.inf, 0)
    for check in column.checks:
        for is_low, limit in _bounds(check):
            if limit is None or not check.ignore_na or check.raise_warning:
                return None
            low, high = (max(low, limit), high) if is_low else (low, min(high, limit))
    return _Limits(low, high, column.nullable)


def _bounds(check: pa.Check) -> Iterator[tuple[bool, float | None]]:
    """Yield whether each limit of a check is the lower one, and the last value that it allows."""
    known: dict[str, Any] = check.statistics or {}
    lowest, highest = known.get("min_value"), known.get("max_value")
    match str(check.name):
        case "greater_than_or_equal_to":
            yield True, _number(lowest)
        case "greater_than":
            yield True, _number(lowest, is_out=True, towards=math.inf)
        case "less_than_or_equal_to":
            yield False, _number(highest)
        case "less_than":
            yield False, _number(highest, is_out=True, towards=-math.inf)
        case "in_range":
            yield True, _number(lowest, is_out=not known["include_min"], towards=math.inf)
            yield False, _number(highest, is_out=not known["include_max"], towards=-math.inf)
        case _:
            yield True, None


def _number(limit: object, *, is_out: bool = False, towards: float = 0) -> float | None:
    """Return a limit, or the float next to it if it is out itself; None if it is no number."""
    if not isinstance(limit, int | float) or float(limit) != limit:
        return None
    return math.nextafter(limit, towards) if is_out else float(limit)


def _arriving(column: pa.Column) -> pl.DataType:
    """Return the type of a column's cells in a request."""
    wanted = rules.type_of(column, pl.String())
    if wanted.is_float():
        return pl.Float64()
    if wanted.is_integer():
        return wanted if wanted == pl.UInt64 else pl.Int64()
    return wanted if wanted == pl.Boolean else pl.String()


def json_dialect(dialect: Dialect) -> Dialect:
    """Return how texts in a request are written: as JSON has them, however files have them.

    Args:
        dialect: How files of rows are written; what means empty and the time zone stay.
    """
    iso = Dialect()
    return dialect.model_copy(
        update={
            "decimal": iso.decimal,
            "thousands": iso.thousands,
            "dates": iso.dates,
            "times": iso.times,
        }
    )
