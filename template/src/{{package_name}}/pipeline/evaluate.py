"""Step 5: judge the model on rows that it has not seen, beside the baseline."""

import logging

from .. import model
from ..schema import TARGET
from . import files, model_file

logger = logging.getLogger(__name__)


def run() -> None:
    """Write the metrics of the model and of the baseline, and the tables of the plots."""
    table = files.read(files.TEST)
    inputs, truth = table.drop(TARGET), table[TARGET]
    predictions = {
        path.stem: model.predict(model_file.load(path, model_file.recorded_sha256(path)), inputs)
        for path in (files.MODEL, files.BASELINE)
    }
    metrics = {name: model.metrics(truth, predicted) for name, predicted in predictions.items()}
    files.write_json(metrics, files.METRICS)
    files.PLOTS.mkdir(parents=True, exist_ok=True)
    for name, plot in model.plots(truth, predictions[files.MODEL.stem]).items():
        plot.write_csv(files.PLOTS / f"{name}.csv")
    for name, values in metrics.items():
        logger.debug("%s: %s", name, values)
    first, value = next(iter(metrics[files.MODEL.stem].items()))
    beside = metrics[files.BASELINE.stem][first]
    logger.info("evaluate: %s %.4g on %d rows, baseline %.4g", first, value, truth.len(), beside)
