"""How a file writes its cells: what means empty, and how numbers, dates and times look."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Literal, Self

import polars as pl
from pydantic import AfterValidator, Field, model_validator

from .errors import ProjectError
from .settings import Section

LISTED = 10
FIRST_YEAR, LAST_YEAR = 1000, 9999  # `%Y` would also take 31.01.26, for the year 26
LONGEST = 60  # characters of a cell that a reason shows
KINDS = (
    (pl.String, "texts"),
    (pl.Categorical, "texts"),
    (pl.Enum, "texts"),
    (pl.Boolean, "booleans"),
    (pl.Date, "dates"),
    (pl.Datetime, "times on a date"),
    (pl.Time, "times of day"),
    (pl.Duration, "durations"),
    (pl.Binary, "bytes"),
    (pl.List, "lists"),
    (pl.Array, "lists"),
    (pl.Struct, "structures"),
    (pl.Null, "nothing"),
)
SIMPLE = ("texts", "numbers", "booleans", "dates", "times on a date", "times of day", "nothing")
EXAMPLE = datetime(2026, 1, 31, 12)
ISO_TIMES = ("%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%d %H:%M")
TRUE, FALSE = ("true", "t", "yes", "y", "1"), ("false", "f", "no", "n", "0")
DECIMALS = {"ms": 3, "us": 6, "ns": 9}  # of a second, by the unit of a type
WORDS_FOR_TRUTH = {**dict.fromkeys(TRUE, True), **dict.fromkeys(FALSE, False)}


def _formats(texts: tuple[str, ...]) -> tuple[str, ...]:
    for text in texts:
        try:
            read = pl.Series([_example(text)]).str.to_datetime(text, strict=False).dt.date().item()
        except pl.exceptions.PolarsError:
            read = None
        if read != EXAMPLE.date():
            message = f"{text!r} is not a format for a complete date"
            raise ValueError(f"{message}, such as %Y-%m-%d or %Y-%m-%d %H:%M")
    return texts


def _zone(text: str) -> str:
    try:
        pl.DataFrame(schema={"": pl.Datetime("us", text)})
    except pl.exceptions.PolarsError:
        raise ValueError(f"{text!r} is not a time zone such as Europe/Vienna") from None
    return text


Formats = Annotated[tuple[str, ...], AfterValidator(_formats)]
Sign = Annotated[str, Field(pattern=r"^[\x01-\x7f]$")]
Zone = Annotated[str, AfterValidator(_zone)]


class Dialect(Section):
    """How the files of rows are written; every key may be missing in params.yaml.

    Attributes:
        separator: Character between two cells; by default a comma, and a tab in `.tsv` files.
        quote: Character around a cell that holds separators; null if there is none.
        comment: Lines that begin with this are left out.
        encoding: Encoding of text files, by Python's name, such as `cp1252`.
        empty: Texts that mean an empty cell, except where the schema allows them by `isin`.
        empty_in: The same for single columns, instead of `empty`.
        decimal: Decimal separator.
        thousands: Character between groups of three digits.
        dates: Formats of dates, tried in this order.
        times: Formats of times of day on a date, tried in this order; by default ISO 8601. A date
            alone is midnight.
        time_zone: Zone of times that name none, such as `Europe/Vienna`.
        query: SQL query, if the file is an SQLite database.
    """

    separator: Sign | None = None
    quote: Sign | None = '"'
    comment: str | None = Field(default=None, min_length=1)
    encoding: str = "utf-8"
    empty: tuple[str, ...] = ("", "NA", "N/A", "NaN", "nan", "null", "NULL")
    empty_in: Mapping[str, tuple[str, ...]] = Field(default_factory=dict)
    decimal: Literal[".", ","] = "."
    thousands: str | None = Field(default=None, min_length=1, max_length=1)
    dates: Formats = Field(default=("%Y-%m-%d",), min_length=1)
    times: Formats = ()
    time_zone: Zone | None = None
    query: str | None = None

    @model_validator(mode="after")
    def _tells_signs_apart(self) -> Self:
        if self.thousands == self.decimal:
            raise ValueError(f"`decimal` and `thousands` are both {self.decimal!r}")
        if self.quote and self.quote == self.separator:
            raise ValueError(f"`quote` and `separator` are both {self.quote!r}")
        return self

    @classmethod
    def of(cls, settings: Section) -> "Dialect":
        """Return settings that say how files are written, or else the defaults."""
        return settings if isinstance(settings, Dialect) else cls()


@dataclass(frozen=True)
class Cells:
    """Expressions for the cells of a column.

    Attributes:
        values: The cells in the wanted type; null where a cell is empty or cannot be read, and not
            finite where the number is not finite.
        is_empty: Whether a cell holds nothing.
        text: The cells as they are shown in reasons.
        fault: What is wrong with a cell that cannot be read, such as "not a number".
        type: The wanted type.
        are_text: Whether the cells were read as text.
    """

    values: pl.Expr
    is_empty: pl.Expr
    text: pl.Expr
    fault: str
    type: pl.DataType
    are_text: bool


def cells(
    cell: pl.Expr,
    name: str,
    types: tuple[pl.DataType, pl.DataType],
    dialect: Dialect,
    known: set[str],
) -> Cells:
    """Convert the cells of a column without guessing: a cell that does not fit becomes null.

    Args:
        cell: The cells as they were read.
        name: Name of the column.
        types: The type that it has, and the one that the schema asks for.
        dialect: How the cells are written.
        known: Texts that the schema allows in this column; they never count as empty.

    Returns:
        The expressions.

    Raises:
        ProjectError: If the two types mean different things, such as a date and a number.
    """
    found, wanted = types
    if found in (pl.Categorical, pl.Enum):
        found, cell = pl.String(), cell.cast(pl.String)
    if found == pl.String:
        marks = {"", *dialect.empty_in.get(name, dialect.empty)} - (known - {""})
        stripped = cell.str.strip_chars()
        is_empty = stripped.is_null() | stripped.is_in(sorted(marks))
        values, text = _read(stripped, marks, wanted, dialect), _short(stripped)
    else:
        _refuse_other_meaning(name, found, wanted)
        is_empty = cell.is_null() | cell.is_nan() if found.is_float() else cell.is_null()
        values, text = _cast(cell, found, wanted), _short(cell.cast(pl.String))
    return Cells(values, is_empty, text, _fault(wanted, dialect), wanted, found == pl.String)


def written(times: pl.Expr, dialect: Dialect) -> pl.Expr:
    """Write times in the first format of the dialect, for dates or times, that loses nothing.

    Args:
        times: Times on a date, without a zone.
        dialect: How the cells are written.

    Returns:
        Text; null where no format can show the time.
    """
    texts = {it: times.dt.to_string(it) for it in (*dialect.dates, *(dialect.times or ISO_TIMES))}
    return pl.coalesce(
        pl.when(text.str.to_datetime(format_, strict=False) == times).then(text)
        for format_, text in texts.items()
    )


def kind(dtype: pl.DataType) -> str:
    """Name what a type means, in the plural."""
    if dtype.is_numeric():
        return "numbers"
    return next((text for known, text in KINDS if dtype == known), str(dtype))


def _refuse_other_meaning(name: str, found: pl.DataType, wanted: pl.DataType) -> None:
    if (has := kind(found)) not in SIMPLE:
        message = f"column {name} of the data holds {has}, which no column type can hold"
        raise ProjectError(f"{message}: split it in source.py")
    if has in ("nothing", kind(wanted)) or kind(wanted) == "texts":
        if isinstance(found, pl.Datetime) and isinstance(wanted, pl.Datetime):
            zones = [str(dtype.time_zone or "none") for dtype in (found, wanted)]
            if zones[0] != zones[1]:
                message = (
                    f"column {name} of the data has the time zone {zones[0]}, schema.py {zones[1]}"
                )
                raise ProjectError(f"{message}: correct one of them")
        return
    message = f"column {name} of the data holds {has}, and schema.py asks for {kind(wanted)}"
    raise ProjectError(f"{message}: correct its type there, or convert it in source.py")


def _cast(cell: pl.Expr, found: pl.DataType, wanted: pl.DataType) -> pl.Expr:
    """Cast a typed cell; the result is null where it is not the same value."""
    values = cell.cast(wanted, strict=False)
    if found == wanted or kind(wanted) == "texts" or wanted == pl.Float32:
        return values
    return pl.when(values.cast(found, strict=False) == cell).then(values)


def _read(text: pl.Expr, marks: set[str], wanted: pl.DataType, dialect: Dialect) -> pl.Expr:
    """Read stripped text as a type; null where it marks an empty cell or is of another type."""
    cells = pl.DataFrame({"text": sorted(marks)}, schema={"text": pl.String})
    values = _parsed(pl.col("text"), wanted, dialect)
    is_value = values.is_finite() if wanted.is_float() else values.is_not_null()
    readable = cells.filter(is_value)["text"]  # few are: "NA" is not a number anyway
    if len(readable):
        text = pl.when(~text.is_in(readable.to_list())).then(text)
    return _parsed(text, wanted, dialect)


def _parsed(text: pl.Expr, wanted: pl.DataType, dialect: Dialect) -> pl.Expr:
    """Read text as a type; null where it cannot be read as that type."""
    if wanted == pl.Boolean:
        return text.str.to_lowercase().replace_strict(
            WORDS_FOR_TRUTH, default=None, return_dtype=pl.Boolean
        )
    if wanted == pl.Date:
        days = (text.str.to_date(format_, strict=False) for format_ in dialect.dates)
        return pl.coalesce(map(_whole_year, days))
    if isinstance(wanted, pl.Datetime):
        return _time(text, wanted, dialect)
    if wanted == pl.Time:
        return text.str.to_time("%H:%M:%S%.f", strict=False)
    if not wanted.is_numeric():
        return text.cast(wanted, strict=False)
    number = _number(text, dialect)
    read = number.cast(wanted, strict=False)
    if isinstance(wanted, pl.Decimal):  # a cast would round
        digits_beyond = r"\." + r"\d" * wanted.scale + r"\d*[1-9]"
        return pl.when(~number.str.contains(digits_beyond)).then(read)
    if not wanted.is_integer():
        return read
    decimal = number.cast(pl.Float64, strict=False)  # whole numbers often have a decimal point: 3.0
    is_whole = (decimal == decimal.round()) & (decimal.abs() < 2**53)
    return pl.coalesce(read, pl.when(is_whole).then(decimal).cast(wanted, strict=False))


def _number(text: pl.Expr, dialect: Dialect) -> pl.Expr:
    """Write numbers with a decimal point and nothing between the digits."""
    if dialect.thousands:
        sign, decimal = re.escape(dialect.thousands), re.escape(dialect.decimal)
        grouped = text.str.contains(rf"^[+-]?\d\d?\d?(?:{sign}\d\d\d)+(?:{decimal}\d*)?$")
        plain = ~text.str.contains(dialect.thousands, literal=True)
        text = pl.when(grouped | plain).then(
            text.str.replace_all(dialect.thousands, "", literal=True)
        )
    if dialect.decimal == ",":
        plain = ~text.str.contains(".", literal=True)
        text = pl.when(plain).then(text.str.replace(",", ".", literal=True))
    return text


def _time(text: pl.Expr, wanted: pl.Datetime, dialect: Dialect) -> pl.Expr:
    """Read times; null where only the cell or only the schema has a zone, without `time_zone`."""
    unit, zone = wanted.time_unit, wanted.time_zone
    digits_beyond = r":\d\d\." + r"\d" * DECIMALS[unit] + r"\d*[1-9]"
    text = pl.when(~text.str.contains(digits_beyond)).then(text)  # they would be cut off
    iso = text.str.replace("T", " ", literal=True)
    source, formats = (text, dialect.times) if dialect.times else (iso, ISO_TIMES)
    readings = [*((source, it) for it in formats), *((text, it) for it in dialect.dates)]
    times = (
        cell.str.to_datetime(format_, time_unit=unit, strict=False) for cell, format_ in readings
    )
    local = pl.coalesce(map(_whole_year, times))
    marked = iso.str.replace("Z$", "+00:00").str.replace(r"([+-]\d{2})(\d{2})$", "$1:$2")
    aware = _whole_year(
        pl.coalesce(
            marked.str.to_datetime(f"{format_}%:z", time_unit=unit, strict=False, time_zone="UTC")
            for format_ in ISO_TIMES
        )
    )
    if zone and dialect.time_zone:
        placed = local.dt.replace_time_zone(
            dialect.time_zone, ambiguous="null", non_existent="null"
        )
        return pl.coalesce(aware.dt.convert_time_zone(zone), placed.dt.convert_time_zone(zone))
    if zone:
        return aware.dt.convert_time_zone(zone)
    if dialect.time_zone:
        return pl.coalesce(
            aware.dt.convert_time_zone(dialect.time_zone).dt.replace_time_zone(None), local
        )
    return local


def _whole_year(times: pl.Expr) -> pl.Expr:
    """Leave out times whose year does not have four digits, such as one written with two."""
    return pl.when(times.dt.year().is_between(FIRST_YEAR, LAST_YEAR)).then(times)


def _fault(wanted: pl.DataType, dialect: Dialect) -> str:
    """Say what is wrong with a cell that cannot be read."""
    if isinstance(wanted, pl.Datetime):
        example = _example([*dialect.times, *ISO_TIMES][0])
        zone = "+00:00" if wanted.time_zone and not dialect.time_zone else ""
        hint = "" if dialect.time_zone else " (see `time_zone` in docs/your-data.md)"
        digits = "" if dialect.times else f" with at most {DECIMALS[wanted.time_unit]} decimals"
        return f"not a time such as {example}{zone}{digits}{hint}"
    if wanted == pl.Date:
        return f"not a date such as {_example(dialect.dates[0])}"
    if wanted == pl.Time:
        return "not a time of day such as 12:00:00"
    if isinstance(wanted, pl.Enum):
        return f"not one of {listed(wanted.categories.to_list())}"
    if wanted.is_integer():
        return f"not a whole number ({wanted})"
    if wanted.is_numeric():
        return "not a number"
    return "neither true nor false" if wanted == pl.Boolean else f"not of type {wanted}"


def _example(format_: str) -> str:
    """Write a time in a format, which has more codes than Python knows."""
    return str(pl.select(pl.lit(EXAMPLE).dt.to_string(format_)).item())


def listed(values: Sequence[object]) -> str:
    """List at most ten values for people to read."""
    shown = ", ".join(map(str, values[:LISTED]))
    return f"{shown} and {len(values) - LISTED} more" if len(values) > LISTED else shown


def _short(text: pl.Expr) -> pl.Expr:
    """Cut long text."""
    cut = pl.concat_str(text.str.slice(0, LONGEST), pl.lit("…"))
    return pl.when(text.str.len_chars() > LONGEST).then(cut).otherwise(text)
