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
from .models import predict
from .models.bundle import Bundle
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


def read(path: Path, params: Path = paths.PARAMS, of: str = "") -> pl.LazyFrame:
    """Read a file of raw rows as training does, with `read` of `source.py`.

    Args:
        path: The file.
        params: The parameters of the version that is to predict.
        of: The name of a further model.
    """
    yours = Yours(of)
    settings = yours.source.SourceSettings.load(yours.section("source"), params)
    if "path" in type(settings).model_fields:
        with one_line_errors("source.py"):
            rows = yours.source.read(settings.model_copy(update={"path": path}))
            rows.collect_schema()
    else:
        rows = reading.scan(path)
    return tables.watched(rows, partial(reading.expected_height, path))
