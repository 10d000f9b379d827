"""A version of the model that is ready to answer requests."""

import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import repeat
from typing import Any, Self

import numpy as np
import polars as pl

from ..base.errors import ProjectError
from ..models.bundle import Bundle
from ..models.predict import faults_of, floats_of
from ..prediction import Predictor, types_of
from ..steps import own_rules
from ..steps.validate import IS_BAD, check
from . import bundled
from .errors import RequestError
from .rows import Reader
from .screen import Screen, json_dialect

NO_NUMBER = "the prediction is not a number"
INFINITE = "an input that features.py makes is infinite"
PLACE = "\x1fplace"
WARM_UP = 3  # trials, after which libraries have loaded what they load late


@dataclass(frozen=True)
class Answer:
    """What a version says about the rows of a request.

    Attributes:
        predictions: A row for each row, which is empty where there is no prediction.
        reasons: Why a row has no prediction, or an empty text; without texts, all rows have one.
        broken: How often each rule is broken.
    """

    predictions: pl.DataFrame
    reasons: Sequence[str] = ()
    broken: Mapping[str, int] = field(default_factory=Counter)

    def part(self, start: int, height: int) -> "Answer":
        """Return what it says about some of the rows; the first part has all counts."""
        reasons = self.reasons[start : start + height]
        counts = {} if start else self.broken
        part = self.predictions.slice(start, height)
        return Answer(part, reasons if any(reasons) else (), counts)


@dataclass(frozen=True)
class Served:
    """A version that is loaded and has been tried.

    Attributes:
        number: Its number in the registry, or its hash where there is no registry.
        bundle: Its files.
        platform: What predicts, such as `skops` or `onnx`.
        predictor: What predicts.
        screen: The rules for its rows.
        reader: Reads records.
        columns: Types of the columns that it predicts, by their names.
        example: Records that it can predict for, if the version has them.
        since: When it was loaded, in seconds since 1970.
    """

    number: str
    bundle: Bundle
    platform: str
    predictor: Predictor
    screen: Screen
    reader: Reader
    columns: Mapping[str, pl.DataType]
    example: Sequence[Mapping[str, Any]]
    since: float

    @classmethod
    def load(cls, number: str, bundle: Bundle) -> Self:
        """Load a version that was made with the code here, and try it.

        Args:
            number: Its number.
            bundle: Its files.

        Raises:
            ProjectError: If it cannot be loaded, or cannot predict for its own example.
        """
        onnx = bundled.read(bundle.folder, types_of(bundle))
        predictor = Predictor.of(bundle, onnx)
        if predictor.history:
            raise ProjectError("its features look back at earlier rows: only `predict` has those")
        dialect = json_dialect(predictor.dialect)
        screen = Screen(predictor.schema, dialect)
        reader = Reader(screen.types, screen.optional, [predictor.target])
        example = bundle.example()
        platform = "onnx" if onnx else bundle.model.suffix.removeprefix(".")
        columns, now = predictor.columns, time.time()
        served = cls(number, bundle, platform, predictor, screen, reader, columns, example, now)
        for _ in range(WARM_UP if example else 0):
            try:
                answer = served.answer(reader.table(example))
            except RequestError as error:
                raise ProjectError(f"it cannot read its own example: {error}") from error
            if answer.reasons:
                reason = next(filter(None, answer.reasons))
                raise ProjectError(f"it cannot predict for its own example: {reason}")
        return served

    def answer(self, rows: pl.DataFrame) -> Answer:
        """Predict for rows, and say why where that is not possible.

        Args:
            rows: Columns of the schema, each of the type in `screen.types` or text; only those in
                `screen.optional` may be missing.

        Returns:
            A prediction or a reason for each row, in the same order.

        Raises:
            RequestError: If the rows as a whole do not fit the schema.
        """
        valid = self.screen.passed(rows)
        reasons, broken = [""] * rows.height, Counter[str]()
        places = np.arange(rows.height)  # of the rows that are left
        if valid is None:
            try:
                checked = check(rows.lazy(), self.predictor.schema, self.screen.dialect)
            except own_rules.WholeError as error:
                raise RequestError(422, str(error)) from error
            judged = checked.rows.collect()
            is_bad = judged[IS_BAD]
            if is_bad.any():
                broken, texts = checked.explain(judged.filter(is_bad))
                _refuse(places[is_bad], texts, reasons)
            places, valid = places[~is_bad], judged.filter(~is_bad).select(checked.names)
        inputs = self.predictor.inputs(valid)
        if (faults := faults_of(inputs)) is not None:
            is_bad = faults != ""
            _refuse(places[is_bad], faults.filter(is_bad), reasons)
            broken[INFINITE] += int(is_bad.sum())
            places, inputs = places[~is_bad], inputs.filter(~is_bad)
        predictions = self.predictor.modelled(inputs, self.columns)
        is_number = np.isfinite(floats_of(predictions)).all(axis=1)
        if not is_number.all():
            _refuse(places[~is_number], repeat(NO_NUMBER), reasons)
            broken[NO_NUMBER] += int((~is_number).sum())
            places, predictions = places[is_number], predictions.filter(is_number)
        if places.size == rows.height:
            return Answer(predictions)
        given = predictions.insert_column(0, pl.Series(PLACE, places))
        every = pl.DataFrame({PLACE: np.arange(rows.height)})
        joined = every.join(given, on=PLACE, how="left", maintain_order="left").drop(PLACE)
        return Answer(joined, reasons, broken)


def _refuse(places: Iterable[int], says: Iterable[str], reasons: list[str]) -> None:
    for place, reason in zip(places, says, strict=False):
        reasons[place] = reason
