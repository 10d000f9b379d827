"""Step 2: put rows that break the schema into quarantine, with the reason."""

import logging
from dataclasses import dataclass

import pandera.polars as pa
import polars as pl
from pandera.errors import SchemaErrors
from pydantic import Field

from ..base import paths, tables
from ..base.errors import ProjectError
from ..base.settings import Section

logger = logging.getLogger(__name__)

ROW = "row"
REASON = "reason"


@dataclass(frozen=True)
class Checked:
    """Rows, separated into valid and rejected ones.

    Attributes:
        valid: Rows that satisfy the schema: its columns, of its types.
        rejected: Columns `row` (from 0, in the order of the input) and `reason` of the others.
    """

    valid: pl.DataFrame
    rejected: pl.DataFrame


class ValidationSettings(Section):
    """Section `validation` of params.yaml.

    Attributes:
        max_quarantined_share: Largest accepted fraction of bad rows, between 0 and 1.
    """

    max_quarantined_share: float = Field(ge=0, le=1)


def run(schema: pa.DataFrameSchema, settings: ValidationSettings) -> None:
    """Separate valid rows from bad ones.

    Args:
        schema: What a valid row is.
        settings: How many bad rows are too many.

    Raises:
        ProjectError: If a column is missing, or too large a share of the rows is bad.
    """
    raw = tables.read(paths.RAW)
    checked = check(raw, schema)
    quarantine = checked.rejected.join(raw.with_row_index(ROW), on=ROW, maintain_order="left")
    if raw.height != checked.valid.height + quarantine.height:
        message = f"{raw.height} rows read, {checked.valid.height} valid, {quarantine.height} bad"
        raise AssertionError(message)
    tables.write(checked.valid, paths.VALID)
    tables.write(quarantine, paths.QUARANTINE)
    tables.write_json(_report(raw, checked), paths.VALIDATION)
    logger.info(
        "validate: %d rows valid, %d in quarantine", checked.valid.height, quarantine.height
    )
    _refuse_too_many(quarantine.height, raw.height, settings.max_quarantined_share)


def check(raw: pl.DataFrame, schema: pa.DataFrameSchema) -> Checked:
    """Separate rows that satisfy a schema from those that do not.

    Args:
        raw: At least the columns that the schema requires; text is converted to their types.
        schema: What a valid row is.

    Returns:
        The valid rows, and the reason for each of the others.

    Raises:
        ProjectError: If a column is missing or a rule fails that is not about single rows.
    """
    missing = [
        name for name, column in schema.columns.items() if column.required and name not in raw
    ]
    if missing:
        raise ProjectError(f"the data lack {', '.join(missing)}, which schema.py requires")
    surplus = [name for name in raw.columns if name not in schema.columns]
    if surplus:
        logger.debug("not in the schema, left out: %s", ", ".join(surplus))
    names = [name for name in schema.columns if name in raw]
    typed = raw.select(
        convert(raw[name], schema.columns[name].dtype.type).alias(name) for name in names
    )
    failures = pl.concat([_unreadable(raw, typed), _broken_rules(typed, schema)])
    # A cell that cannot be read has become null: that it is null is no second reason.
    first = failures.unique(["index", "column"], keep="first", maintain_order=True)
    rejected = (
        first.group_by(pl.col("index").alias(ROW)).agg(pl.col(REASON).str.join("; ")).sort(ROW)
    )
    rows = typed.with_row_index(ROW)
    valid = rows.join(rejected, on=ROW, how="anti", maintain_order="left").drop(ROW)
    return Checked(valid, rejected)


def convert(values: pl.Series, dtype: pl.DataType) -> pl.Series:
    """Convert cells to a type.

    Args:
        values: Cells as read.
        dtype: Type that the schema asks for.

    Returns:
        The same number of cells; null where a cell is blank, not a number or not of that type.
    """
    if values.dtype == pl.String:
        stripped = values.str.strip_chars()
        converted = _parse(stripped.set(stripped == "", None), dtype)
    elif values.dtype.is_float() and dtype.is_integer():
        converted = _whole(values, dtype)
    else:
        converted = values.cast(dtype, strict=False)
    return converted.set(~converted.is_finite(), None) if dtype.is_float() else converted


def _parse(texts: pl.Series, dtype: pl.DataType) -> pl.Series:
    """Read stripped text as a type; null where it cannot be read as that type."""
    if dtype == pl.Boolean:
        known = {"true": True, "1": True, "false": False, "0": False}
        return texts.str.to_lowercase().replace_strict(known, default=None, return_dtype=pl.Boolean)
    if dtype == pl.Date:
        return texts.str.to_date("%Y-%m-%d", strict=False)
    if dtype == pl.Datetime:
        times = texts.str.replace("T", " ").str.to_datetime("%Y-%m-%d %H:%M:%S%.f", strict=False)
        return times.cast(dtype)
    read = texts.cast(dtype, strict=False)
    if dtype.is_integer():  # often written with a decimal point: 3.0
        return read.fill_null(_whole(texts.cast(pl.Float64, strict=False), dtype))
    return read


def _whole(numbers: pl.Series, dtype: pl.DataType) -> pl.Series:
    """Convert numbers to an integer type; null where a number is not whole."""
    return numbers.set(numbers != numbers.round(), None).cast(dtype, strict=False)


def _unreadable(raw: pl.DataFrame, typed: pl.DataFrame) -> pl.DataFrame:
    """List the cells that could not be converted: columns `index`, `column`, `reason`."""
    return pl.concat(
        raw.select(pl.col(name).cast(pl.String))
        .with_row_index("index")
        .filter(typed[name].is_null() & ~_empty(raw[name]))
        .rechunk()  # polars 2.1 panics in `format` where a chunk is empty
        .select(
            "index",
            column=pl.lit(name),
            reason=pl.format("{}: {} is not {}", pl.lit(name), name, pl.lit(str(dtype))),
        )
        for name, dtype in typed.schema.items()
    )


def _empty(values: pl.Series) -> pl.Series:
    """Return which cells hold nothing: null, blank text or not a number."""
    text = values.cast(pl.String).str.strip_chars().str.to_lowercase()
    return text.is_null() | text.is_in(["", "nan"])


def _broken_rules(typed: pl.DataFrame, schema: pa.DataFrameSchema) -> pl.DataFrame:
    """List the cells that break a rule of the schema: columns as `unreadable` has."""
    nothing = pl.DataFrame(schema={"index": pl.UInt32, "column": pl.String, REASON: pl.String})
    try:
        schema.validate(typed, lazy=True)
    except SchemaErrors as error:
        failures: pl.DataFrame = error.failure_cases
    else:
        return nothing
    whole = failures.filter(pl.col("index").is_null())
    if not whole.is_empty():
        fault = whole.row(0, named=True)
        message = f"the data as a whole break schema.py: {fault['column']}: {fault['check']}"
        raise ProjectError(message)
    place = pl.col("column").fill_null("the row")  # a rule may be about several columns
    empty_cell = pl.format("{}: is empty", place)
    broken = pl.format("{}: {} breaks {}", place, pl.col("failure_case").fill_null(""), "check")
    return failures.select(
        pl.col("index").cast(pl.UInt32),
        place.alias("column"),
        pl.when(pl.col("check") == "not_nullable").then(empty_cell).otherwise(broken).alias(REASON),
    )


def _report(raw: pl.DataFrame, checked: Checked) -> dict[str, object]:
    """Count rows and reasons, for reports/validation.json."""
    reasons = checked.rejected.select(
        pl.col(REASON).str.split("; ").explode().str.replace(r": .* (is not|breaks) ", ": ")
    )
    counts = reasons.group_by(REASON).len().sort("len", REASON, descending=[True, False])
    return {
        "read": raw.height,
        "valid": checked.valid.height,
        "quarantined": checked.rejected.height,
        "reasons": dict(counts.iter_rows()),
    }


def _refuse_too_many(bad: int, read: int, share: float) -> None:
    """Stop if so many rows are bad that the rest can hardly be trusted."""
    if bad > share * read:
        message = (
            f"{bad} of {read} rows are bad, more than the accepted {share:.1%}: "
            f"see {paths.VALIDATION}, and {paths.QUARANTINE} for the rows"
        )
        raise ProjectError(message)
