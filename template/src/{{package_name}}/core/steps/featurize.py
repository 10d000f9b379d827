"""Step 3: make the inputs of the model and split the rows."""

import logging
from collections.abc import Callable
from hashlib import blake2b

import polars as pl
from pydantic import Field

from ..base import paths, tables
from ..base.errors import ProjectError
from ..base.settings import Section

logger = logging.getLogger(__name__)


class SplitSettings(Section):
    """Section `split` of params.yaml.

    Attributes:
        test_share: Approximate fraction of rows to hold out, between 0 and 1.
        together_by: Columns whose equal values keep rows on one side; if empty, all inputs.
    """

    test_share: float = Field(gt=0, lt=1)
    together_by: list[str]


def run(
    transform: Callable[[pl.LazyFrame], pl.LazyFrame], target: str, split: SplitSettings, seed: int
) -> None:
    """Make the inputs of the model and split the rows.

    Args:
        transform: Makes the inputs of the model from valid rows without the target.
        target: Name of the target column.
        split: Which rows are held out.
        seed: Seed of the split.

    Raises:
        ProjectError: If a side of the split has no rows.
    """
    valid = tables.read(paths.VALID)
    inputs = valid.drop(target)  # the features are made without a look at the target
    table = transform(inputs.lazy()).collect().with_columns(valid[target])
    keys = inputs.select(split.together_by or pl.all())
    held_out = is_holdout(keys, seed=seed, share=split.test_share)
    train_rows, test_rows = table.filter(~held_out), table.filter(held_out)
    if train_rows.is_empty() or test_rows.is_empty():
        message = f"{valid.height} valid rows are too few to split: see `split` in params.yaml"
        raise ProjectError(message)
    tables.write(train_rows, paths.TRAIN)
    tables.write(test_rows, paths.TEST)
    logger.info("featurize: %d rows to train, %d to test", train_rows.height, test_rows.height)


def is_holdout(keys: pl.DataFrame, *, seed: int, share: float) -> pl.Series:
    """Choose the rows to hold out by a hash of their content.

    A row stays on its side when others come or go, and equal rows are never on both.

    Args:
        keys: Columns that distinguish rows.
        seed: Seed of the hash, not negative.
        share: Approximate fraction of rows to hold out, between 0 and 1.

    Returns:
        Whether each row is held out.
    """
    key = seed.to_bytes(8, "big")
    limit = int(share * 2**64)
    texts = keys.select(
        pl.concat_str(pl.all().cast(pl.String).fill_null(""), separator="\x1f")
    ).to_series()
    return pl.Series(
        (
            int.from_bytes(blake2b(text.encode(), digest_size=8, key=key).digest(), "big") < limit
            for text in texts
        ),
        dtype=pl.Boolean,
    )
