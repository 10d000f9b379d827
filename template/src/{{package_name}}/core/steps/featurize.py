"""Step 3: make the inputs of the model and split the rows."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import polars as pl

from ..base import paths, tables
from ..base.errors import ProjectError
from ..base.history import History
from .split import HELD_OUT, SplitSettings, holdout

logger = logging.getLogger(__name__)

Transform = Callable[[pl.LazyFrame], pl.LazyFrame]


def run(
    transform: Transform, target: str, split: SplitSettings, seed: int, history: History | None
) -> None:
    """Make the inputs of the model and split the rows, without holding all of them in memory.

    Args:
        transform: Makes the inputs of the model from valid rows.
        target: Name of the target column.
        split: Which rows are held out.
        seed: Seed of the split.
        history: How `transform` finds earlier rows, if it does; only then does it get the target.

    Raises:
        ProjectError: If the features do not fit the rows, if the split does not fit the columns, or
            if a side of it has no rows.
    """
    watched = tables.stream(paths.VALID)
    valid = tables.lazy(paths.VALID)  # read beside it, so that each row is counted once
    if history:
        history.require(valid)
    with one_line_errors():
        features = transformed(transform, watched if history else watched.drop(target))
        if target in features.collect_schema():
            raise ProjectError(f"features.py returns the target, {target}: drop it there")
        columns = [features, valid.select(target), holdout(valid.drop(target), split, seed)]
        table = pl.concat(columns, how="horizontal")
        held_out = pl.col(HELD_OUT)
        sides = {paths.TRAIN: table.filter(~held_out), paths.TEST: table.filter(held_out)}
        summary = table.select(pl.len(), train=(~held_out).sum(), test=held_out.sum())
        rows, train, test = tables.sink(
            {path: side.drop(HELD_OUT) for path, side in sides.items()}, summary
        ).row(0)
    if not train or not test:
        for path in sides:
            path.unlink()
        message = f"the split of {rows} valid rows gives {train} to train and {test} to test"
        raise ProjectError(f"{message}: see `split` in params.yaml")
    left_out = f", {rows - train - test} left out" if split.by == "time" else ""
    logger.info("featurize: %d rows to train, %d to test%s", train, test, left_out)


def transformed(transform: Transform, rows: pl.LazyFrame) -> pl.LazyFrame:
    """Make the inputs of the model from valid rows; refuse a table that is computed already."""
    features: object = transform(rows)
    if not isinstance(features, pl.LazyFrame):
        returned = type(features).__name__
        message = f"features.py: transform returns a {returned} where it must return a LazyFrame"
        raise ProjectError(f"{message}: leave out .collect(), and return the result")
    return features


@contextmanager
def one_line_errors() -> Iterator[None]:
    """Explain errors of Polars while features are made, such as a misspelt column, in one line."""
    try:
        yield
    except pl.exceptions.ShapeError:
        message = "features.py returns more or fewer rows than it gets"
        raise ProjectError(f"{message}: every row must come back, in the same order") from None
    except pl.exceptions.PolarsError as error:
        raise ProjectError(f"features.py: {str(error).splitlines()[0]}") from error
