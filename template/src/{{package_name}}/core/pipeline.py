"""The five stages of the pipeline, and what each uses from your modules.

Imports are inside the functions, so that a stage imports only what it runs.
"""

from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from .base import paths

if TYPE_CHECKING:
    from polars import LazyFrame


def ingest() -> None:
    """Read the raw data from its source."""
    from .. import source
    from .base.reading import expected_height
    from .steps import ingest as step

    settings = source.SourceSettings.load("source")
    count = partial(expected_height, getattr(settings, "path", None))
    step.run(partial(source.read, settings), count)


def validate() -> None:
    """Put rows that break the schema into quarantine."""
    from ..schema import Row
    from ..source import SourceSettings
    from .base.dialect import Dialect
    from .steps import validate as step

    dialect = Dialect.of(SourceSettings.load("source"))
    step.run(Row.to_schema(), step.ValidationSettings.load("validation"), dialect)


def featurize() -> None:
    """Make the inputs of the model and split the rows."""
    from .. import features
    from ..schema import TARGET
    from .base.history import History
    from .base.settings import load_seed
    from .steps import featurize as step
    from .steps.split import SplitSettings

    settings = features.FeatureSettings.load("features")
    transform = partial(features.transform, settings=settings)
    split, history = SplitSettings.load("split"), History.of(settings)
    step.run(transform, TARGET, split, load_seed(), history)


def train() -> None:
    """Fit the model and the baseline."""
    from .. import model
    from ..schema import TARGET
    from .base.estimators import formats
    from .base.settings import load_seed
    from .steps import train as step

    estimator = model.build(model.ModelSettings.load("model"), load_seed())
    fitted = {paths.MODEL.stem: estimator, paths.BASELINE.stem: model.baseline()}
    files = {path: (fitted[path.stem], form) for path, form in formats(model).items()}
    step.run(files, TARGET)


def evaluate() -> None:
    """Evaluate the model and the baseline on held-out rows, and in folds if `split` has them."""
    from .. import evaluation, model
    from ..schema import TARGET
    from .base.estimators import formats
    from .steps import evaluate as step

    step.run(
        TARGET,
        formats(model),
        predict=model.predict,
        metrics=evaluation.metrics,
        plots=evaluation.plots,
        cross_validate=_cross_validate,
        intervals=_intervals,
        held_out=_held_out,
    )


def _intervals(
    statistic: Callable[..., Mapping[str, float]], height: int
) -> tuple[dict[str, float], dict[str, float]]:
    from .base import resampling
    from .steps import split

    inputs, settings, seed = _to_split()
    return resampling.intervals(statistic, height, seed, split.groups(inputs, settings, seed))


def _held_out(rows: "LazyFrame") -> "LazyFrame":
    from .steps import split

    return split.held_out(rows, *_to_split())


def _cross_validate() -> Mapping[str, Mapping[str, float]]:
    from .. import evaluation, model
    from ..schema import TARGET
    from .steps import cross_validation, split

    inputs, settings, seed = _to_split()
    if not settings.folds:
        return {}
    return cross_validation.run(
        partial(model.build, model.ModelSettings.load("model"), seed),
        TARGET,
        split.folds(inputs, settings, seed),
        predict=model.predict,
        metrics=evaluation.metrics,
    )


def _to_split() -> tuple["LazyFrame", Any, int]:
    from ..schema import TARGET
    from .base import tables
    from .base.settings import load_seed
    from .steps.split import SplitSettings

    return tables.lazy(paths.VALID).drop(TARGET), SplitSettings.load("split"), load_seed()


STAGES = (ingest, validate, featurize, train, evaluate)
