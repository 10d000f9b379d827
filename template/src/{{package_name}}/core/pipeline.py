"""The five stages of the pipeline, and what each uses from your modules.

Imports are inside the functions, so that a stage imports only what it runs.
"""

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .base import paths
from .yours import Yours

if TYPE_CHECKING:
    from pandera.polars import DataFrameSchema
    from polars import LazyFrame

    from .base.dialect import Dialect
    from .base.history import History
    from .base.tables import Each, Part
    from .steps.split import SplitSettings

OF = Annotated[
    str,
    typer.Option(
        "--of",
        metavar="MODEL",
        help="Name of a further model, instead of the first one.",
        hidden=not paths.further_models(),
    ),
]


def ingest(of: OF = "") -> None:
    """Read the raw data from its source."""
    from .base.dialect import Dialect
    from .base.reading import expected_height
    from .processes import Stage
    from .steps import ingest as step

    yours = Yours(of)
    settings = yours.source.SourceSettings.load(yours.section("source"))

    def each(folder: Path) -> "Each[int]":
        return Stage(work, ("ingest", of, paths.PARAMS, str(folder)), is_python=False).each

    step.run(
        partial(yours.source.read, settings),
        partial(expected_height, getattr(settings, "path", None)),
        yours.files.raw,
        Dialect.of(settings),
        each,
    )


def validate(of: OF = "") -> None:
    """Put rows that break the schema into quarantine."""
    from .processes import Stage
    from .steps import validate as step

    yours = Yours(of)
    settings = step.ValidationSettings.load(yours.section("validation"))
    step.run(
        *_rules(yours),
        settings,
        yours.files,
        Stage(work, ("validate", of, paths.PARAMS), is_python=False).each,
    )


def _rules(yours: Yours, params: Path = paths.PARAMS) -> tuple["DataFrameSchema", "Dialect"]:
    """Return what a valid row is, and how its cells are written."""
    return yours.schema.Row.to_schema(), _dialect(yours, params)


def _dialect(yours: Yours, params: Path) -> "Dialect":
    from .base.dialect import Dialect

    return Dialect.of(yours.source.SourceSettings.load(yours.section("source"), params))


def featurize(of: OF = "") -> None:
    """Make the inputs of the model and split the rows."""
    from .processes import Stage
    from .steps import featurize as step

    yours = Yours(of)
    step.run(
        *_features(yours),
        yours.files,
        Stage(work, ("featurize", of, paths.PARAMS), is_python=True).each,
    )


def _features(
    yours: Yours, params: Path = paths.PARAMS
) -> tuple[Callable[["LazyFrame"], "LazyFrame"], str, "SplitSettings", int, "History | None"]:
    """Return what makes the inputs, the target, the split and its seed, and how to look back."""
    from .base.history import History

    settings = yours.features.FeatureSettings.load(yours.section("features"), params)
    transform = partial(yours.features.transform, settings=settings)
    return transform, yours.schema.TARGET, *split_of(yours, params), History.of(settings)


def work(stage: str, of: str, params: Path, folder: str = "") -> Callable[["Part"], object]:
    """Return what a stage does with a part of a table.

    Args:
        stage: Name of the stage.
        of: Name of a further model; empty for the first one.
        params: The parameters.
        folder: The folder that is ingested.
    """
    from .steps import featurize, ingest, validate

    yours = Yours(of)
    if stage == "ingest":
        return partial(ingest.part, Path(folder), _dialect(yours, params))
    if stage == "validate":
        return partial(validate.part, *_rules(yours, params))
    return partial(featurize.part, *_features(yours, params))


def train(of: OF = "") -> None:
    """Fit the model and the baseline."""
    from .base.estimators import fit_of, formats
    from .base.settings import load_seed
    from .steps import train as step

    yours = Yours(of)
    settings = yours.model.ModelSettings.load(yours.section("model"))
    estimator = yours.model.build(settings, load_seed(yours.section("seed")))
    fitted = {paths.MODEL.stem: estimator, paths.BASELINE.stem: yours.model.baseline()}
    forms = formats(yours.model, yours.files)
    files = {path: (fitted[path.stem], form) for path, form in forms.items()}
    step.run(files, yours.schema.TARGET, yours.files.train, fit_of(yours.model))


def evaluate(of: OF = "") -> None:
    """Evaluate the model and the baseline on held-out rows, and in folds if `split` has them."""
    from .base.estimators import formats
    from .steps import evaluate as step

    yours = Yours(of)
    step.run(
        yours.schema.TARGET,
        formats(yours.model, yours.files),
        predict=yours.model.predict,
        metrics=yours.evaluation.metrics,
        plots=yours.evaluation.plots,
        cross_validate=partial(_cross_validate, yours),
        intervals=partial(_intervals, yours),
        held_out=partial(_held_out, yours),
        files=yours.files,
    )


def _intervals(
    yours: Yours, statistic: Callable[..., Mapping[str, float]], height: int
) -> tuple[dict[str, float], dict[str, float]]:
    from .base import resampling
    from .steps import split

    inputs, settings, seed = _to_split(yours)
    return resampling.intervals(statistic, height, seed, split.groups(inputs, settings, seed))


def _held_out(yours: Yours, rows: "LazyFrame") -> "LazyFrame":
    from .steps import split

    return split.held_out(rows, *_to_split(yours))


def _cross_validate(yours: Yours) -> Mapping[str, Mapping[str, float]]:
    from .base.estimators import fit_of
    from .steps import cross_validation, split

    inputs, settings, seed = _to_split(yours)
    if not settings.folds:
        return {}
    return cross_validation.run(
        partial(yours.model.build, yours.model.ModelSettings.load(yours.section("model")), seed),
        yours.schema.TARGET,
        split.folds(inputs, settings, seed),
        predict=yours.model.predict,
        metrics=yours.evaluation.metrics,
        fit=fit_of(yours.model),
        files=yours.files,
    )


def _to_split(yours: Yours) -> tuple["LazyFrame", "SplitSettings", int]:
    from .base import tables

    return tables.lazy(yours.files.valid).drop(yours.schema.TARGET), *split_of(yours)


def split_of(yours: Yours, params: Path = paths.PARAMS) -> tuple["SplitSettings", int]:
    """Read the section of the split, and its seed."""
    from .base.settings import load_seed
    from .steps.split import SplitSettings

    return (
        SplitSettings.load(yours.section("split"), params),
        load_seed(yours.section("seed"), params),
    )


STAGES = (ingest, validate, featurize, train, evaluate)
