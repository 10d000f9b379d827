"""The connection between `predict` and your modules."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Self

import polars as pl

from .base import paths, reading, tables
from .base.dialect import Dialect
from .base.errors import ProjectError
from .base.estimators import format_of, load
from .base.history import History
from .base.tables import Part
from .models import predict
from .models.bundle import Bundle
from .processes import Stage
from .steps.featurize import one_line_errors
from .yours import Yours


class Predictor(predict.Predictor):
    """A version of the model, with your modules around it."""

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Load an exported version.

        Args:
            folder: What `export` wrote.

        Raises:
            ProjectError: If a file is not the one that was registered, or if the version was made
                with other code than is here.
        """
        version = Bundle.open(folder)
        for other in version.other_code():
            message = f"{folder} was made with other code than is here ({other})"
            raise ProjectError(f"{message}: install the wheel and the requirements in it")
        return cls.of(version)

    @classmethod
    def of(
        cls, version: Bundle, model: Callable[[pl.DataFrame], pl.DataFrame] | None = None
    ) -> Self:
        """Load a version that was made with the code here.

        Args:
            version: The version.
            model: What predicts, instead of `predict` of `model.py`, which is then not imported.
        """
        yours = Yours(version.of)
        section, params, target = yours.section, version.params, yours.schema.TARGET
        settings = yours.features.FeatureSettings.load(section("features"), params)
        if model is None:
            form = format_of(yours.model)
            estimator = load(version.model, version.lineage.model_sha256, form)
            model = partial(yours.model.predict, estimator)
        history = History.of(settings)
        return cls(
            target=target,
            schema=predict.schema_of(yours.schema.Row.to_schema(), target, history),
            dialect=Dialect.of(yours.source.SourceSettings.load(section("source"), params)),
            transform=partial(yours.features.transform, settings=settings),
            model=model,
            columns=types_of(version),
            history=history,
        )


def types_of(version: Bundle) -> dict[str, pl.DataType]:
    """Return the types of the columns that a version predicts, by their names."""
    return {name: _dtype(text) for name, text in version.columns.items()}


def _dtype(name: str) -> pl.DataType:
    dtype = getattr(pl, name, None)
    if not (isinstance(dtype, type) and issubclass(dtype, pl.DataType)):
        raise ProjectError(f"version.json: {name} is not a type of Polars")
    return dtype()


def predict_files(
    version: Bundle, source: str, output: str, *, is_ingested: bool
) -> tuple[int, int]:
    """Predict for each file of a folder, several at once.

    Args:
        version: The version.
        source: The folder with files of rows, or its URL.
        output: The folder to write, or its URL.
        is_ingested: Whether `source.py` has read the rows already.

    Returns:
        How many rows there were, and how many of them have no prediction.

    Raises:
        ProjectError: If the features of the version look back at other rows, or if a place cannot
            be used.
    """
    if version.looks_back:
        message = "features look back at earlier rows, which may be in other files"
        raise ProjectError(f"{message}: write one file, on this machine")
    how = "ingested" if is_ingested else ""
    counts: list[tuple[int, int]]
    if predict.is_url(source, output):
        with predict.advice():
            counts = predict.stores().predict_below(version, source, output, how)
    else:
        words = (version.folder, str(Path(source).absolute()), how)
        with predict.advice(), predict.by_file(Path(source), Path(output)) as parts:
            stage = Stage(work, words, is_python=True)
            counts = [*stage.each(stage, parts)]
    return sum(rows for rows, _ in counts), sum(without for _, without in counts)


def work(version: Path, folder: str, ingested: str) -> Callable[[Part], tuple[int, int]]:
    """Return what predicts for a file of a folder.

    Args:
        version: The folder of the version.
        folder: The folder of files.
        ingested: Some text if `source.py` has read the rows already, else empty.
    """
    bundle = Bundle.open(version)
    predictor = Predictor.of(bundle)

    def predict_file(part: Part) -> tuple[int, int]:
        [source], [target] = part.sources, part.targets
        try:
            with reading.within(Path(folder)):
                rows = tables.lazy(source) if ingested else _read(source, bundle.params, bundle.of)
                return predict.write(predictor.rows(rows), target)
        except ProjectError as error:
            named = str(error) if str(source) in str(error) else f"{source}: {error}"
            raise ProjectError(named) from error

    return predict_file


def read(path: Path, params: Path = paths.PARAMS, of: str = "") -> pl.LazyFrame:
    """Read a file of raw rows as training does, with `read` of `source.py`.

    Args:
        path: The file.
        params: The parameters of the version that is to predict.
        of: The name of a further model.
    """
    return tables.watched(_read(path, params, of), partial(reading.expected_height, path))


def _read(path: Path, params: Path, of: str) -> pl.LazyFrame:
    yours = Yours(of)
    settings = yours.source.SourceSettings.load(yours.section("source"), params)
    if "path" not in type(settings).model_fields:
        return reading.scan(path)
    with one_line_errors("source.py"):
        rows: pl.LazyFrame = yours.source.read(settings.model_copy(update={"path": path}))
        rows.collect_schema()
    return rows
