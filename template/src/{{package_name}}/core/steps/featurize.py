"""Step 3: make the inputs of the model and split the rows."""

import logging
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial

import polars as pl

from ..base import paths, tables
from ..base.errors import ProjectError
from ..base.history import History
from ..base.tables import Each, Part
from .split import HELD_OUT, SIDE, SplitSettings, holdout

logger = logging.getLogger(__name__)

ROWS, TRAIN, TEST = "\x1frows", "\x1ftrain", "\x1ftest"  # beside names of inputs

Transform = Callable[[pl.LazyFrame], pl.LazyFrame]


def run(
    transform: Transform,
    target: str,
    split: SplitSettings,
    seed: int,
    history: History | None,
    files: paths.Files = paths.FIRST,
    each: Each[Mapping[str, int]] = map,
) -> None:
    """Make the inputs of the model and split the rows, without holding all of them in memory.

    Args:
        transform: Makes the inputs of the model from valid rows.
        target: Name of the target column.
        split: Which rows are held out.
        seed: Seed of the split.
        history: How `transform` finds earlier rows, if it looks back; only then does it get the
            target.
        files: The files of the model.
        each: Works on the parts.

    Raises:
        ProjectError: If the features do not fit the rows, if the split does not fit the columns, or
            if one side of the split has no rows.
    """
    work = partial(part, transform, target, split, seed, history)
    targets = files.train, files.test
    with tables.divided(files.valid, *targets, at_once=history is not None) as divided:
        # The sum leaves counts of 0 out.
        counts = sum(map(Counter, each(work, divided)), Counter[str]())
    rows, train, test = counts.pop(ROWS, 0), counts.pop(TRAIN, 0), counts.pop(TEST, 0)
    if (rows, train, test) != (*map(tables.height, (files.valid, *targets)),):
        raise AssertionError(f"{rows} rows read, {train} to train, {test} to test")
    try:
        for name, count in counts.items():
            message = f"features.py: {name} is infinite in {count} of {rows} rows: make it"
            raise ProjectError(f"{message} null there, for example where a divisor is 0")
        if not train or not test:
            message = f"the split of {rows} valid rows gives {train} to train and {test} to test"
            raise ProjectError(f"{message}: see `split` in params.yaml")
    except ProjectError:
        for table in targets:
            tables.remove(table)
        raise
    neither = rows - train - test
    left_out = {"neither": neither} if neither else {}
    tables.write_json({"train": train, "test": test, **left_out}, files.split)
    also = f", {neither} to neither" if neither else ""
    logger.info("featurize: %d rows to train, %d to test%s", train, test, also)


def part(
    transform: Transform,
    target: str,
    split: SplitSettings,
    seed: int,
    history: History | None,
    given: Part,
) -> Counter[str]:
    """Make the inputs of the model from the rows of a part, and split these.

    Args:
        transform: Makes the inputs of the model from valid rows.
        target: Name of the target column.
        split: Which rows are held out.
        seed: Seed of the split.
        history: How `transform` finds earlier rows, if it looks back.
        given: The part; its targets are the files of the rows to train and to test.

    Returns:
        How many rows there are, how many are to train and to test, and in how many each float input
        is infinite.
    """
    valid = tables.scan(given.sources)  # not watched, so that the progress bar counts each row once
    watched = tables.watched(valid, lambda: given.height) if given.is_all else valid
    if target not in valid.collect_schema():
        raise ProjectError(f"schema.py: TARGET is {target}: name a column of Row")
    if history:
        history.require(valid)
    with one_line_errors("features.py"):
        features = transformed(transform, watched if history else watched.drop(target))
        if target in features.collect_schema():
            raise ProjectError(f"features.py returns the target, {target}: drop it there")
        if not features.collect_schema():
            raise ProjectError("features.py returns no column, so the model has no input")
        infinite = is_infinite(features.collect_schema())
        side = holdout(valid.drop(target), split, seed).rename({HELD_OUT: SIDE})
        table = pl.concat([features, valid.select(target), side], how="horizontal")
        held_out = pl.col(SIDE)
        sides = (table.filter(chosen).drop(SIDE) for chosen in (~held_out, held_out))
        counts = {ROWS: pl.len(), TRAIN: (~held_out).sum(), TEST: held_out.sum()}
        counts |= {name: found.sum() for name, found in infinite.items()}
        found = tables.sink_parts(
            dict(zip(given.targets, sides, strict=True)),
            table.select(count.alias(f"{SIDE} {name}") for name, count in counts.items()),
        )
    return Counter(dict(zip(counts, found.row(0), strict=True)))


def transformed(transform: Transform, rows: pl.LazyFrame) -> pl.LazyFrame:
    """Make the inputs of the model from valid rows; refuse a table that is already computed."""
    features: object = transform(rows)
    if not isinstance(features, pl.LazyFrame):
        returned = type(features).__name__
        message = f"features.py: transform returns a {returned} where it must return a LazyFrame"
        raise ProjectError(f"{message}: leave out .collect(), and return the result")
    return features


def is_infinite(types: pl.Schema) -> dict[str, pl.Expr]:
    """Return for each float input whether it is infinite, which no model can use."""
    names = (name for name, dtype in types.items() if dtype.is_float())
    return {name: pl.col(name).is_infinite().fill_null(value=False) for name in names}


@contextmanager
def one_line_errors(module: str) -> Iterator[None]:
    """Explain errors of Polars in one of your modules, such as a misspelt column, in one line."""
    try:
        yield
    except SystemExit as error:
        raise ProjectError(f"{module} ends the program: sys.exit({error.code!r})") from error
    except pl.exceptions.ShapeError:
        message = f"{module} returns more or fewer rows than it gets"
        raise ProjectError(f"{message}: every row must come back, in the same order") from None
    except pl.exceptions.PolarsError as error:
        raise ProjectError(f"{module}: {str(error).splitlines()[0]}") from error
