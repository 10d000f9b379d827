"""Step 4: fit the model and the baseline."""

import logging
from collections.abc import Mapping
from pathlib import Path

from ..base import paths, tables
from ..base.errors import ProjectError
from ..base.estimators import Estimator, Format, refuse_unlearnable, save

logger = logging.getLogger(__name__)


def run(
    estimators: Mapping[Path, tuple[Estimator, Format]],
    target: str,
    rows: Path = paths.TRAIN,
) -> None:
    """Fit the estimators on the training rows.

    Args:
        estimators: Estimators that are not fitted yet, and how to write them, by their files.
        target: Name of the target column.
        rows: The file of the training rows.

    Raises:
        ProjectError: If the target has an empty cell or a single value, or if an estimator refuses
            the rows.
    """
    table = tables.read(rows)
    inputs, values = table.drop(target), table[target]
    refuse_unlearnable(values, f"rows of {rows}")
    for estimator, _ in estimators.values():
        try:
            estimator.fit(inputs, values)
        except (TypeError, ValueError) as error:
            message = f"model.py: the estimator refuses the rows of {rows}"
            raise ProjectError(f"{message}: {' '.join(str(error).split())}") from error
        logger.debug("fitted %s", estimator)
    save({path: form.write(estimator) for path, (estimator, form) in estimators.items()})
    logger.info("train: %d rows, %d inputs", inputs.height, inputs.width)
