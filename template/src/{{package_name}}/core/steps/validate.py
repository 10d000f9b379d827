"""Step 2: put rows that break the schema into quarantine, with the reason."""

import logging
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

import pandera.polars as pa
import polars as pl
from pydantic import Field

from ..base import paths, tables
from ..base.dialect import Cells, Dialect
from ..base.errors import ProjectError
from ..base.settings import Section
from ..base.tables import Each, Part
from . import own_rules, rules
from .rules import AS_READ, ROW, Rule

logger = logging.getLogger(__name__)

NUMBER, REASON = "row", "reason"
IS_BAD = "\x1fis bad"


@dataclass(frozen=True)
class Checked:
    """Rows, and whether each satisfies the schema.

    Attributes:
        rows: `ROW` (from 0, in the order of the input), the columns of the schema in its types,
            the cells as read (`AS_READ` before their names), what `rules` need, and `IS_BAD`.
        names: Names of the schema's columns that the data have.
        rules: The rules that make a row bad.
        warnings: The rules that are only counted.
    """

    rows: pl.LazyFrame
    names: list[str]
    rules: list[Rule]
    warnings: list[Rule]

    @property
    def valid(self) -> pl.LazyFrame:
        """The rows that satisfy the schema: its columns, of its types."""
        return self.rows.filter(~pl.col(IS_BAD)).select(self.names)

    def explain(self, bad: pl.DataFrame) -> tuple[Counter[str], pl.Series]:
        """Explain why rows are bad.

        Args:
            bad: Some of the bad rows, at least one.

        Returns:
            How often each rule is broken, and everything that is wrong with each row, in one text.
        """
        sums = (rule.is_broken.sum().alias(str(place)) for place, rule in enumerate(self.rules))
        counted = zip(self.rules, bad.select(sums).row(0), strict=True)
        broken = [(rule, count) for rule, count in counted if count]
        texts = [pl.when(rule.is_broken).then(rule.reason) for rule, _ in broken]
        reasons = bad.select(pl.concat_str(texts, separator="; ", ignore_nulls=True).alias(REASON))
        return Counter({rule.title: count for rule, count in broken}), reasons.to_series()

    def rejected(self, counts: list[Counter[str]]) -> pl.LazyFrame:
        """Return the other rows as they were read, after their `row` and `reason`.

        Args:
            counts: Receives, for each batch of rows, how often each rule is broken.
        """
        found = self.rows.collect_schema()
        columns = {name.removeprefix(AS_READ): name for name in found if name.startswith(AS_READ)}
        as_read = {
            f"{name} as read" if name in (NUMBER, REASON) else name: column
            for name, column in columns.items()
        }

        types = {name: found[column] for name, column in as_read.items()}
        schema = pl.Schema({NUMBER: found[ROW], REASON: pl.String(), **types})

        def explained(batch: pl.DataFrame) -> pl.DataFrame:
            if batch.is_empty():
                return schema.to_frame()
            broken, reasons = self.explain(batch)
            counts.append(broken)  # append is safe in the threads of Polars, += is not
            cells = {name: pl.col(column) for name, column in as_read.items()}
            return batch.select(pl.col(ROW).alias(NUMBER), reasons, **cells)

        return self.rows.filter(IS_BAD).map_batches(explained, schema=schema, streamable=True)


class ValidationSettings(Section):
    """Section `validation` of params.yaml.

    Attributes:
        max_quarantined_share: Largest accepted fraction of bad rows, between 0 and 1.
    """

    max_quarantined_share: float = Field(ge=0, le=1)


# Of a part: how often each rule is broken that makes a row bad, and each that only warns.
Counts = tuple[Mapping[str, int], Mapping[str, int]]


def run(
    schema: pa.DataFrameSchema,
    dialect: Dialect,
    settings: ValidationSettings,
    table: paths.Table = paths.FIRST,
    each: Each[Counts] = map,
) -> None:
    """Separate valid rows from bad ones.

    Args:
        schema: What a valid row is.
        dialect: How the cells are written.
        settings: How many bad rows are too many.
        table: Where the rows are.
        each: Works on the parts.

    Raises:
        ProjectError: If a column is missing, or if the share of bad rows is too large; the file of
            valid rows is gone then.
    """
    targets = table.valid, table.quarantine
    is_large = len(tables.files(table.raw)) > 1
    at_once = is_large and not are_by_row(tables.lazy(table.raw), schema, dialect)
    with tables.divided(table.raw, *targets, at_once=at_once) as divided:
        counts = [*each(partial(part, schema, dialect), divided)]
    read, valid, bad = map(tables.height, (table.raw, *targets))
    if read != valid + bad:
        raise AssertionError(f"{read} rows read, {valid} valid, {bad} in quarantine")
    broken, warned = (sum(map(Counter, it), Counter[str]()) for it in zip(*counts, strict=True))
    # Of equally frequent ones, the order does not depend on which batch was done first.
    reasons = dict(sorted(broken.items(), key=lambda it: (-it[1], it[0])))
    report = {
        "read": read,
        "valid": valid,
        "quarantined": bad,
        "reasons": reasons,
    }
    tables.write_json(report, table.report)
    logger.info("validate: %d rows valid, %d in quarantine", valid, bad)
    for title, count in warned.items():
        says = "validate: %d of %d rows break a rule that only warns: %s"
        logger.warning(says, count, read, title)
    if bad > settings.max_quarantined_share * read:
        share = f"{settings.max_quarantined_share:.1%}"
        message = f"{bad} of {read} rows are bad, more than the accepted {share}"
        first = tables.lazy(table.quarantine).select(NUMBER, REASON).head(1).collect()
        example = f"for example in row {first[NUMBER][0]}: {first[REASON][0]}"
        places = f"see {table.report}, {table.quarantine} for the rows, and docs/your-data.md"
        most = f"most often {next(iter(reasons))}, {example}"
        tables.remove(table.valid)  # so that nothing goes on with the rest
        raise ProjectError(f"{message}, {most}: {places} for how cells are written")


def part(schema: pa.DataFrameSchema, dialect: Dialect, given: Part) -> Counts:
    """Separate the valid rows of a part from the bad ones.

    Args:
        schema: What a valid row is.
        dialect: How the cells are written.
        given: The part; its targets are the files of valid and of bad rows.

    Returns:
        How often each rule is broken that makes a row bad, and each that only warns.
    """
    raw = tables.scan(given.sources)
    if given.is_all:
        raw = tables.watched(raw, lambda: given.height)
    checked = check(raw, schema, dialect, first=given.first, is_all=given.is_all)
    counts: list[Counter[str]] = []
    frames = checked.valid, checked.rejected(counts)
    sums = (rule.is_broken.sum().alias(str(place)) for place, rule in enumerate(checked.warnings))
    summary = checked.rows.select(sums) if checked.warnings else None  # it costs another pass
    warned = tables.sink_parts(dict(zip(given.targets, frames, strict=True)), summary)
    pairs = zip(checked.warnings, warned, strict=True)
    return sum(counts, Counter()), {rule.title: count for rule, [count] in pairs if count}


def check(
    raw: pl.LazyFrame,
    schema: pa.DataFrameSchema,
    dialect: Dialect,
    *,
    first: int = 0,
    is_all: bool = True,
) -> Checked:
    """Separate rows that satisfy a schema from those that do not, as a stream.

    Args:
        raw: At least the columns that the schema requires; text is converted to their types.
        schema: What a valid row is.
        dialect: How the cells are written.
        first: The number of the first row.
        is_all: Whether these are all rows of the table; if not, no rule may look at others.

    Returns:
        The rows and what is wrong with them. Nothing has been read yet, except for rules that look
        at all rows.

    Raises:
        ProjectError: If a column is missing or has a type with another meaning, or if the data as a
            whole break a rule.
    """
    typed, cells = _typed(raw, schema, dialect, first)
    on_cells = [rule for name in cells for rule in rules.of_column(name, schema, cells[name])]
    judged, own = own_rules.add(typed, schema, cells, is_all=is_all)
    every = [*on_cells, *own]
    warnings = [rule for rule in every if rule.only_warns]
    strict = [rule for rule in every if not rule.only_warns]
    is_bad = pl.any_horizontal(rule.screen for rule in strict)
    return Checked(judged.with_columns(is_bad.alias(IS_BAD)), [*cells], strict, warnings)


def are_by_row(raw: pl.LazyFrame, schema: pa.DataFrameSchema, dialect: Dialect) -> bool:
    """Return whether a row is good or bad whatever the other rows are.

    Args:
        raw: The rows, as for `check`.
        schema: What a valid row is.
        dialect: How the cells are written.
    """
    typed, cells = _typed(raw, schema, dialect)
    return own_rules.are_by_row(typed, schema, [*cells])


def _typed(
    raw: pl.LazyFrame, schema: pa.DataFrameSchema, dialect: Dialect, first: int = 0
) -> tuple[pl.LazyFrame, dict[str, Cells]]:
    """Convert rows to the types of the schema; return them and the cells of each column."""
    found = raw.collect_schema()
    rules.refuse_missing(schema, found.names())
    for name in set(dialect.empty_in) - {*schema.columns, *found}:
        message = f"params.yaml: `empty_in` under `source` names {name}"
        raise ProjectError(f"{message}, which is not a column in schema.py")
    names = [name for name in schema.columns if name in found]
    surplus = [name for name in found if name not in schema.columns]
    if surplus and schema.strict is True:
        message = f"the data have a column {surplus[0]}, which schema.py lacks"
        raise ProjectError(f"{message}, and its Config is strict")
    if surplus:
        logger.debug("not in the schema, left out: %s", ", ".join(surplus))
    cells = {name: rules.cells_of(name, schema, found[name], dialect) for name in names}
    typed = (
        raw.select(pl.all().name.prefix(AS_READ))
        .with_row_index(ROW, first)
        .with_columns(cell.values.alias(name) for name, cell in cells.items())
        .with_columns(  # separate from the line above, so that no cell is read twice
            pl.when(pl.col(name).is_finite()).then(pl.col(name))
            for name, cell in cells.items()
            if cell.type.is_float()
        )
    )
    return typed, cells
