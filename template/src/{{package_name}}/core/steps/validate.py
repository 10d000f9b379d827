"""Step 2: put rows that break the schema into quarantine, with the reason."""

import logging
from dataclasses import dataclass

import pandera.polars as pa
import polars as pl
from pydantic import Field

from ..base import paths, tables
from ..base.dialect import Dialect
from ..base.errors import ProjectError
from ..base.settings import Section
from . import own_rules, rules
from .rules import AS_READ, ROW, Rule

logger = logging.getLogger(__name__)

REASON = "reason"
IS_BAD = "\x1fis bad"


@dataclass(frozen=True)
class Checked:
    """Rows, each with whether it satisfies the schema.

    Attributes:
        rows: `row` (from 0, in the order of the input), the columns of the schema in its types,
            the cells as read (`AS_READ` before their names), what `rules` need, and `IS_BAD`.
        names: Names of the schema's columns that the data have.
        rules: What makes a row bad.
    """

    rows: pl.LazyFrame
    names: list[str]
    rules: list[Rule]

    @property
    def valid(self) -> pl.LazyFrame:
        """The rows that satisfy the schema: its columns, of its types."""
        return self.rows.filter(~pl.col(IS_BAD)).select(self.names)

    @property
    def rejected(self) -> pl.LazyFrame:
        """The other rows as they were read, after their `row` and `reason`."""
        as_read = [
            pl.col(name).alias(name.removeprefix(AS_READ))
            for name in self.rows.collect_schema().names()
            if name.startswith(AS_READ)
        ]
        return self.rows.filter(IS_BAD).select(ROW, self.reason, *as_read)

    @property
    def reason(self) -> pl.Expr:
        """Everything that is wrong with a row, in one text."""
        reasons = [pl.when(rule.is_broken).then(rule.reason) for rule in self.rules]
        return pl.concat_str(reasons, separator="; ", ignore_nulls=True).alias(REASON)

    @property
    def counts(self) -> pl.LazyFrame:
        """One row: how many rows are bad, and how many break each rule."""
        broken = [rule.is_broken.sum().alias(str(place)) for place, rule in enumerate(self.rules)]
        return self.rows.filter(IS_BAD).select(pl.len(), *broken)


class ValidationSettings(Section):
    """Section `validation` of params.yaml.

    Attributes:
        max_quarantined_share: Largest accepted fraction of bad rows, between 0 and 1.
    """

    max_quarantined_share: float = Field(ge=0, le=1)


def run(schema: pa.DataFrameSchema, settings: ValidationSettings, dialect: Dialect) -> None:
    """Separate valid rows from bad ones.

    Args:
        schema: What a valid row is.
        settings: How many bad rows are too many.
        dialect: How the cells are written.

    Raises:
        ProjectError: If a column is missing, or too large a share of the rows is bad.
    """
    raw = tables.stream(paths.RAW)
    checked = check(raw, schema, dialect)
    files = {paths.VALID: checked.valid, paths.QUARANTINE: checked.rejected}
    bad, *broken = tables.sink(files, checked.counts).row(0)
    read, valid, quarantined = (tables.height(path) for path in (paths.RAW, *files))
    if (valid, quarantined) != (read - bad, bad):
        message = f"{read} rows read, {valid} valid, {quarantined} in quarantine, {bad} bad"
        raise AssertionError(message)
    reasons = {rule.title: number for rule, number in zip(checked.rules, broken, strict=True)}
    ordered = sorted(filter(lambda item: item[1], reasons.items()), key=lambda item: -item[1])
    report = {"read": read, "valid": valid, "quarantined": bad, "reasons": dict(ordered)}
    tables.write_json(report, paths.VALIDATION)
    logger.info("validate: %d rows valid, %d in quarantine", valid, bad)
    if bad > settings.max_quarantined_share * read:
        message = f"{bad} of {read} rows are bad, more than the accepted "
        message += f"{settings.max_quarantined_share:.1%}"
        frequent = f", most often since {ordered[0][0]}" if ordered else ""
        raise ProjectError(
            f"{message}{frequent}: see {paths.VALIDATION}, and {paths.QUARANTINE} for the rows"
        )


def check(raw: pl.LazyFrame, schema: pa.DataFrameSchema, dialect: Dialect) -> Checked:
    """Separate rows that satisfy a schema from those that do not, as a stream.

    Args:
        raw: At least the columns that the schema requires; text is converted to their types.
        schema: What a valid row is.
        dialect: How the cells are written.

    Returns:
        The rows with what is wrong with them; nothing has been read yet except for rules that
        look at all rows.

    Raises:
        ProjectError: If a column is missing or has a type of another meaning, or if a rule fails
            that is not about single rows.
    """
    found = raw.collect_schema()
    rules.refuse_missing(schema, found.names())
    names = [name for name in schema.columns if name in found]
    surplus = [name for name in found if name not in schema.columns]
    if surplus:
        logger.debug("not in the schema, left out: %s", ", ".join(surplus))
    cells = {name: rules.cells_of(name, schema, found[name], dialect) for name in names}
    typed = (
        raw.select(pl.all().name.prefix(AS_READ))
        .with_row_index(ROW)
        .with_columns(cell.values.alias(name) for name, cell in cells.items())
    )
    on_cells = [rule for name in names for rule in rules.of_column(name, schema, cells[name])]
    judged, own = own_rules.add(typed, schema, cells)
    every = [*on_cells, *own]
    is_bad = pl.any_horizontal(rule.screen for rule in every)
    return Checked(judged.with_columns(is_bad.alias(IS_BAD)), names, every)
