"""Step 4: fit the model and the baseline."""

import logging

from .. import model
from ..schema import TARGET
from ..settings import Params
from . import files, model_file

logger = logging.getLogger(__name__)


def run(params: Params) -> None:
    """Fit the model and the baseline on the training rows.

    Args:
        params: params.yaml.
    """
    table = files.read(files.TRAIN)
    inputs, target = table.drop(TARGET), table[TARGET]
    estimators = {
        files.MODEL: model.build(params.model, params.seed),
        files.BASELINE: model.baseline(),
    }
    for estimator in estimators.values():
        estimator.fit(inputs, target)
        logger.debug("fitted %s", estimator)
    model_file.save(estimators)
    logger.info("train: %d rows, %d inputs", inputs.height, inputs.width)
