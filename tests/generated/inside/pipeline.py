"""For any valid schema, all steps run on random rows, and `predict` gives what was evaluated.

This runs inside a generated repository of the package `my_project`.
"""

import datetime as dt
import json
import re
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

import pandera.polars as pa
import polars as pl
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from my_project import model
from my_project.core.base import paths, reading, resampling, scores, tables
from my_project.core.base.dialect import Dialect
from my_project.core.base.errors import ProjectError
from my_project.core.base.estimators import Classifier, Estimator, as_skops, load_recorded
from my_project.core.models.predict import Predictor
from my_project.core.steps import cross_validation, evaluate, featurize, ingest, own_rules, train, validate
from my_project.core.steps import split as splits
from my_project.core.steps.split import SplitSettings, folds, holdout
from polars.testing import assert_frame_equal
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

FORMAT = as_skops(["numpy.dtype"])
TARGET, RAW = "the target", Path("rows.csv")
CLASSES: dict[Any, list[Any]] = {
    pl.String: ["yes", "no", "süß, sauer"],
    pl.Int64: [-1, 0, 7],
    pl.Boolean: [True, False],
    pl.Enum(["low", "high"]): ["low", "high"],
}
NUMBERS: dict[Any, list[Any]] = {pl.Float64: [-0.5, 0.0, 1.25, 1e9], pl.Int32: [-3, 0, 2, 1000]}
INPUTS: dict[Any, list[Any]] = {
    **CLASSES,
    **NUMBERS,
    pl.UInt8: [0, 255],
    pl.Float32: [0.5, 2.0],
    pl.Date: [dt.date(2026, 1, 31), dt.date(1999, 12, 1)],
    pl.Datetime("us", "UTC"): [dt.datetime(2026, 1, 31, 12, tzinfo=dt.UTC)],
    pl.Time: [dt.time(12, 30)],
    pl.Categorical: ["a", "b"],
}


def is_long(data: pa.PolarsData) -> pl.LazyFrame:
    """Judge each row."""
    return data.lazyframe.select(pl.col(data.key).cast(pl.String).str.len_chars() > 0)


def has_a_target(data: pa.PolarsData) -> pl.LazyFrame:
    """Judge each row by its target, which is missing in rows to predict."""
    return data.lazyframe.select(pl.col(TARGET).is_not_null())


@st.composite
def columns(draw: st.DrawFn) -> pa.Column:
    """Draw an input, with rules that most of its values satisfy."""
    dtype = draw(st.sampled_from(list(INPUTS)))
    checks = [pa.Check.isin(INPUTS[dtype]), pa.Check(is_long, name="is_long")]
    if dtype in NUMBERS:
        checks += [pa.Check.ge(-3), pa.Check.in_range(-10, 1e10), pa.Check.ne(5)]
    if dtype == pl.String:
        checks += [pa.Check.str_length(1, 20), pa.Check.str_matches("^[ynsü]")]
    return pa.Column(dtype, draw(st.lists(st.sampled_from(checks), max_size=2)), nullable=draw(st.booleans()))


@st.composite
def schemas(draw: st.DrawFn) -> pa.DataFrameSchema:
    """Draw a schema with one to five inputs and a target."""
    inputs = draw(st.lists(columns(), min_size=1, max_size=5))
    named = {f"c {number}": column for number, column in enumerate(inputs)}
    target = pa.Column(draw(st.sampled_from([*CLASSES, *NUMBERS])))
    frame_checks = draw(st.sampled_from([None, pa.Check(has_a_target, name="has_a_target")]))
    return pa.DataFrameSchema({**named, TARGET: target}, checks=frame_checks)


def text_of(value: object) -> str:
    """Write a cell of a CSV file."""
    text = "" if value is None else str(value)
    return f'"{text}"' if "," in text else text


def write_rows(random: Random, schema: pa.DataFrameSchema) -> None:
    """Write a CSV file of random rows, of which some are bad."""
    lines = [",".join(schema.columns)]
    types = [column.dtype.type for column in schema.columns.values()]
    choices = [next(values for known, values in INPUTS.items() if known == dtype) for dtype in types]
    for _ in range(random.randint(60, 120)):
        cells = [random.choice(values) for values in choices]
        if random.random() < 0.1:
            cells[random.randrange(len(cells))] = random.choice([None, "?"])
        lines.append(",".join(map(text_of, cells)))
    RAW.write_text("\n".join(lines) + "\n", encoding="utf-8")


def transform(rows: pl.LazyFrame) -> pl.LazyFrame:
    """Convert each cell to a number."""
    found = rows.collect_schema()
    return rows.select(
        (pl.col(name) if dtype.is_numeric() else pl.col(name).cast(pl.String).str.len_chars()).cast(pl.Float64)
        for name, dtype in found.items()
    )


def predicted(estimator: Classifier, inputs: pl.DataFrame) -> pl.DataFrame:
    """Predict a class with its probabilities, or else a number."""
    if hasattr(estimator, "predict_proba"):
        return model.predict(estimator, inputs)
    return pl.DataFrame({"prediction": estimator.predict(inputs)})


def run_all(schema: pa.DataFrameSchema, split: SplitSettings) -> None:
    """Run the steps, and predict for the rows that were read."""
    dialect = Dialect()
    ingest.run(lambda: reading.scan(RAW, dialect))
    validate.run(schema, dialect, validate.ValidationSettings(max_quarantined_share=1))
    featurize.run(transform, TARGET, split, 1, None)
    is_class = schema.columns[TARGET].dtype.type in CLASSES
    metrics = scores.classification if is_class else scores.regression

    def build() -> Estimator:
        last = LogisticRegression() if is_class else LinearRegression()
        estimator: Estimator = make_pipeline(SimpleImputer(keep_empty_features=True), StandardScaler(), last)
        return estimator

    baseline = DummyClassifier() if is_class else DummyRegressor()
    train.run({paths.MODEL: (build(), FORMAT), paths.BASELINE: (baseline, FORMAT)}, TARGET)

    def cross_validate() -> Mapping[str, Mapping[str, float]]:
        parts = folds(tables.lazy(paths.VALID).drop(TARGET), split, 1)
        return cross_validation.run(build, TARGET, parts, predict=predicted, metrics=metrics)

    evaluate.run(
        TARGET,
        {paths.MODEL: FORMAT, paths.BASELINE: FORMAT},
        predict=predicted,
        metrics=metrics,
        plots=lambda truth, rows: {"confusion": scores.confusion(truth, rows)},
        cross_validate=cross_validate if split.folds else dict,
        intervals=lambda statistic, height: resampling.intervals(statistic, height, 1),
        held_out=lambda rows: splits.held_out(rows, tables.lazy(paths.VALID).drop(TARGET), split, 1),
    )


@settings(
    max_examples=30,
    deadline=None,
    derandomize=True,
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(schema=schemas(), random=st.randoms(use_true_random=False), count=st.sampled_from([None, 3]))
def test_the_steps_run_with_any_schema(
    schema: pa.DataFrameSchema,
    random: Random,
    count: int | None,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    write_rows(random, schema)
    split = SplitSettings(folds=count)
    try:
        run_all(schema, split)
    except ProjectError as error:  # a few rows may not be enough
        if not re.fullmatch(r"[^\n]*(nothing to learn|see `split`)[^\n]*", str(error)):
            raise
        return
    report = json.loads(paths.VALIDATION.read_text("utf-8"))
    train_rows, test_rows = tables.read(paths.TRAIN), tables.read(paths.TEST)
    assert report["valid"] == train_rows.height + test_rows.height
    estimator = load_recorded(paths.MODEL, FORMAT)
    predictor = Predictor(
        target=TARGET,
        schema=own_rules.without(schema, TARGET),
        dialect=Dialect(),
        transform=transform,
        model=partial(predicted, estimator),
        columns={},
        history=None,
    )
    answers = predictor.rows(reading.scan(RAW)).collect(engine="streaming")
    assert answers.height == report["read"]
    bad = tables.read(paths.QUARANTINE)["row"]
    kept = answers.filter(~pl.col("row").is_in(bad.implode()))
    held_out = holdout(tables.lazy(paths.VALID).drop(TARGET), split, 1).collect().to_series()
    expected = predicted(estimator, test_rows.drop(TARGET))
    found = kept.filter(held_out).select(expected.columns)
    assert_frame_equal(found, expected, rel_tol=1e-12)  # sums of a batch of another size are rounded otherwise
    measured = json.loads(paths.METRICS.read_text("utf-8"))
    assert ("folds_mean" in measured) == (count is not None)


def test_500_inputs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    inputs = {f"c{number}": pa.Column(pl.Float64, nullable=True) for number in range(500)}
    schema = pa.DataFrameSchema({**inputs, TARGET: pa.Column(pl.Boolean)})
    write_rows(Random(0), schema)  # noqa: S311
    run_all(schema, SplitSettings(folds=2))
    assert tables.read(paths.TRAIN).width == 501
