"""Step 3: make the inputs of the model and split them."""

import logging
from hashlib import blake2b

import polars as pl

from .. import features
from ..schema import TARGET
from ..settings import Params
from . import files
from .errors import ProjectError

logger = logging.getLogger(__name__)


def run(params: Params) -> None:
    """Make the inputs of the model and split them.

    Args:
        params: params.yaml.

    Raises:
        ProjectError: If a side of the split has no rows.
    """
    valid = files.read(files.VALID)
    inputs = valid.drop(TARGET)  # the features are made without a look at the target
    table = features.transform(inputs.lazy(), params.features).collect()
    table = table.with_columns(valid[TARGET])
    test = in_test(
        inputs.select(params.split.together_by or pl.all()),
        seed=params.seed,
        share=params.split.test_share,
    )
    train_rows, test_rows = table.filter(~test), table.filter(test)
    if train_rows.is_empty() or test_rows.is_empty():
        message = f"{valid.height} valid rows are too few to split: see `split` in params.yaml"
        raise ProjectError(message)
    files.write(train_rows, files.TRAIN)
    files.write(test_rows, files.TEST)
    logger.info("featurize: %d rows to train, %d to test", train_rows.height, test_rows.height)


def in_test(keys: pl.DataFrame, *, seed: int, share: float) -> pl.Series:
    """Choose the test rows by a hash of their content.

    A row stays on its side when others come or go, and equal rows are never on both.

    Args:
        keys: Columns that tell rows apart.
        seed: Another seed, another split.
        share: Of the rows, about.

    Returns:
        Whether each row is for testing.
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
