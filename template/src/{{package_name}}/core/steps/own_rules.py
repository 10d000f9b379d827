"""Rules that need more than an expression: a schema's own checks, and values that occur twice."""

import logging
from collections.abc import Mapping

import pandera.polars as pa
import polars as pl

from ..base.dialect import Cells
from ..base.errors import ProjectError
from .rules import ROW, Rule, is_known, reason_for, words

logger = logging.getLogger(__name__)

FLAG = "\x1frule "
PROBED = 10  # rows on which to try whether a check judges each row by itself

OwnCheck = tuple[str | None, pa.Check]  # of the named column, or of the whole row


class WholeError(ProjectError):
    """The data as a whole break a rule."""


def add(
    rows: pl.LazyFrame,
    schema: pa.DataFrameSchema,
    cells: Mapping[str, Cells],
    *,
    is_all: bool = True,
) -> tuple[pl.LazyFrame, list[Rule]]:
    """Apply the checks that a schema defines itself, and its rules on values that occur twice.

    A check that judges each row by itself is called with batches of rows, any other with all rows.

    Args:
        rows: The columns of the schema in its types, and `ROW`.
        schema: What a valid row is.
        cells: The cells of each column.
        is_all: Whether these are all rows; if not, each check must judge each row by itself.

    Returns:
        The rows with an additional column for each rule, which says whether it holds, and the
        rules.

    Raises:
        ProjectError: If a check fails to run, or if the data break a check on them as a whole.
    """
    names = list(cells)
    by_batch: dict[str, OwnCheck] = {}
    by_row: dict[str, pl.Series] = {}
    rules: list[Rule] = []
    for place, (name, check) in enumerate(own_checks(schema, names)):
        flag = f"{FLAG}{place}"
        if not is_all or _judges_rows(name, check, rows.select(names).head(PROBED).collect()):
            by_batch[flag] = name, check
        elif (outcome := _outcome_of_all(name, check, rows.select(names))) is not None:
            by_row[flag] = outcome
        else:
            continue
        rules.append(_rule(flag, name, check, cells))
    for key in unique_keys(schema, names):
        flag = f"{FLAG}unique {', '.join(key)}"
        is_unreadable = pl.any_horizontal(
            pl.col(name).is_null() & ~cells[name].is_empty for name in key
        )
        value = pl.struct(*key, pl.when(is_unreadable).then(ROW))  # never equal to another
        by_row[flag] = rows.select(~value.is_duplicated()).collect(engine="streaming").to_series()
        says, asks = ", ".join(key), "must not occur twice"
        shown = pl.concat_str([cells[name].text.fill_null("empty") for name in key], separator=", ")
        fails = ~pl.col(flag)
        rules.append(Rule(f"{says}: {asks}", fails, reason_for(says, shown, asks), fails))
    if not rules:
        return rows, rules

    def judge(batch: pl.DataFrame) -> pl.DataFrame:
        table = batch.select(names)
        flags = [judged(*own, table).alias(flag) for flag, own in by_batch.items()]
        flags += [outcome.gather(batch[ROW]).alias(flag) for flag, outcome in by_row.items()]
        return batch.with_columns(flags)

    types = {**rows.collect_schema(), **dict.fromkeys([*by_batch, *by_row], pl.Boolean())}
    return rows.map_batches(judge, schema=types, streamable=True), rules


def are_by_row(rows: pl.LazyFrame, schema: pa.DataFrameSchema, names: list[str]) -> bool:
    """Return whether each row is good or bad whatever the other rows are.

    Args:
        rows: The columns of the schema in its types.
        schema: What a valid row is.
        names: Names of the columns that the data have.
    """
    if unique_keys(schema, names):
        return False
    sample = rows.select(names).head(PROBED).collect()
    return all(_judges_rows(name, check, sample) for name, check in own_checks(schema, names))


def without(schema: pa.DataFrameSchema, target: str) -> pa.DataFrameSchema:
    """Return a schema for rows that lack the target; rules that need it are left out.

    Args:
        schema: What a valid row is.
        target: Name of the target column.
    """
    schema = schema.remove_columns([target])
    types = {name: column.dtype.type for name, column in schema.columns.items() if column.dtype}

    def needs_target(check: pa.Check) -> bool:
        try:
            check(pl.LazyFrame(schema=types)).check_output.collect()
        except pl.exceptions.ColumnNotFoundError:
            return True
        except Exception:  # it is your code, and the error is reported where the check is applied
            return False
        return False

    schema.checks = [check for check in schema.checks if not needs_target(check)]
    return schema


def own_checks(schema: pa.DataFrameSchema, names: list[str]) -> list[OwnCheck]:
    """List the checks that a schema defines itself: of some columns, and of the whole row."""
    of_columns = [(name, check) for name in names for check in schema.columns[name].checks]
    return [
        *((name, check) for name, check in of_columns if not is_known(check)),
        *((None, check) for check in schema.checks),
    ]


def unique_keys(schema: pa.DataFrameSchema, names: list[str]) -> list[list[str]]:
    """List the columns, alone or together, whose values must not occur twice."""
    keys = [[name] for name in names if schema.columns[name].unique]
    together = [schema.unique] if isinstance(schema.unique, str) else list(schema.unique or [])
    is_new = together and together not in keys and set(together) <= set(names)
    return [*keys, together] if is_new else keys


def _rule(flag: str, name: str | None, check: pa.Check, cells: Mapping[str, Cells]) -> Rule:
    asks, fails = words(check), ~pl.col(flag)
    if name is None:
        reason = pl.lit(f"the row {asks}")
        return Rule(f"the row: {asks}", fails, reason, fails, check.raise_warning)
    is_unreadable = pl.col(name).is_null() & ~cells[name].is_empty  # this has a reason already
    reason = reason_for(name, cells[name].text, asks)
    return Rule(f"{name}: {asks}", fails & ~is_unreadable, reason, fails, check.raise_warning)


def _judges_rows(name: str | None, check: pa.Check, sample: pl.DataFrame) -> bool:
    """Try whether the outcome of a check for a row does not depend on the other rows.

    All rows twice expose checks on values that occur twice, and two halves expose those on a mean.
    """
    half = sample.height // 2
    for parts in ([sample.head(half), sample.slice(half)], [sample, sample]):
        whole = pl.concat(parts)
        outcome = judged(name, check, whole)
        if outcome.len() != whole.height or half == 0:
            return False
        if not pl.concat(judged(name, check, part) for part in parts).equals(outcome):
            return False
    return True


def _outcome_of_all(name: str | None, check: pa.Check, rows: pl.LazyFrame) -> pl.Series | None:
    """Call a check with all rows; return None if it judges them as a whole."""
    every = rows.collect(engine="streaming")
    outcome = judged(name, check, every)
    if outcome.len() == every.height:
        return outcome
    if not outcome.all():
        place = f"{name}: " if name else ""
        message = f"the data as a whole break schema.py: {place}{words(check)}"
        if not check.raise_warning:
            raise WholeError(message)
        logger.warning(message)
    return None


def judged(name: str | None, check: pa.Check, rows: pl.DataFrame) -> pl.Series:
    """Call a check, and return whether it holds for each row or for all together."""
    try:
        found = check(rows.lazy(), name).check_output.collect().to_series()
    except Exception as error:  # the check is your code, which may raise anything
        reason = next(iter(str(error).splitlines()), "")
        place = f"of {name} " if name else ""
        message = f"schema.py: the rule `{check.name}` {place}cannot be checked"
        raise ProjectError(f"{message}: {type(error).__name__}: {reason}") from error
    return pl.Series(found)
