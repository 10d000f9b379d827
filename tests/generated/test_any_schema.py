"""The contract tests of a generated repository pass for any valid schema, not only for that of the example."""

import os
import random
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.generated.repository import Repository, generate
from tests.harness import Template


@dataclass(frozen=True)
class Case:
    """A schema, and how the cells of its columns are made.

    Attributes:
        name: What is unusual about it.
        columns: Lines of class `Row`.
        cells: For each column, its name and the cells that occur.
        features: Code that converts the columns to numbers.
    """

    name: str
    columns: str
    cells: dict[str, list[str]]
    features: str


WIDE = 500
CASES = [
    Case(
        "one input that is no number, and a boolean to predict",
        'word: str = pa.Field(str_length={"min_value": 2, "max_value": 4})\n    target: bool',
        {"word": ["ab", "abc", "abcd", "äöü", "x y"], "target": ["true", "false"]},
        'pl.col("word").str.len_chars().alias("length")',
    ),
    Case(
        "all inputs may be empty, and a whole number to predict",
        "day: dt.date = pa.Field(nullable=True)\n    at: dt.datetime = pa.Field(nullable=True)\n"
        '    size: pl.Int16 = pa.Field(nullable=True, in_range={"min_value": 0, "max_value": 9})\n    target: int',
        {
            "day": ["2026-01-31", "2025-12-31", ""],
            "at": ["2026-01-31 12:00:00", "", "2024-02-29T00:00"],
            "size": ["0", "9", "3", ""],
            "target": ["-1", "3", "20"],
        },
        'pl.col("day").dt.day(), pl.col("at").dt.hour(), pl.col("size")',
    ),
    Case(
        "names that are not Python names, own checks, and a class to predict",
        'a_b: float = pa.Field(alias="Fläche (m²)", gt=0)\n    lines: int = pa.Field(alias="no. of lines", ge=0)\n'
        '    target: str = pa.Field(alias="Größe, ca.", isin=["klein", "groß genug"])\n\n'
        '    @pa.check("Fläche (m²)")\n    def _is_short(cls, data: pa.PolarsData) -> pl.LazyFrame:\n'
        "        return data.lazyframe.select(pl.col(data.key) < 1e6)\n\n"
        "    @pa.dataframe_check\n    def _has_lines(cls, data: pa.PolarsData) -> pl.LazyFrame:\n"
        '        return data.lazyframe.select(pl.col("no. of lines") < pl.col("Fläche (m²)") * 1000)',
        {
            "Fläche (m²)": ["0.5", "12.25", "3", "7e3"],
            '"no. of lines"': ["0", "1", "12"],
            '"Größe, ca."': ["klein", "groß genug"],
        },
        "pl.col(Row.a_b), pl.col(Row.lines)",
    ),
    Case(
        f"{WIDE} inputs",
        "\n    ".join(
            [
                *(f"c{number}: float = pa.Field(ge=-1, nullable=True)" for number in range(WIDE)),
                "target: pl.Categorical",
            ]
        ),
        {**{f"c{number}": ["-1", "0", "2.5", ""] for number in range(WIDE)}, "target": ["a", "b"]},
        "pl.all()",
    ),
]

SCHEMA = '''\
"""What a valid row is."""

import datetime as dt

import pandera.polars as pa
import polars as pl


class Row(pa.DataFrameModel):
    """A row."""

    {columns}


TARGET = {target}
'''
FEATURES = '''\
"""From a valid row to the inputs of the model."""

import polars as pl

from .core.base.settings import Section
from .schema import Row


class FeatureSettings(Section):
    """Section `features` of params.yaml."""

    unused: list[str]


def transform(rows: pl.LazyFrame, settings: FeatureSettings) -> pl.LazyFrame:
    """Make the inputs of the model."""
    return rows.select({features}).cast(pl.Float64)
'''


@pytest.fixture(scope="module")
def repository(template: Template, tmp_path_factory: pytest.TempPathFactory) -> Repository:
    """Return a repository with its environment, in which nothing has run."""
    generated = generate(template, tmp_path_factory.mktemp("schemas") / "repository", pieces=["serving"])
    generated.sync()
    return generated


@pytest.mark.slow
@pytest.mark.skipif("FORMWORK_SCHEMAS" not in os.environ, reason="`nox -s recipes` tries it")
@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_its_tests_pass(repository: Repository, case: Case) -> None:
    """The contract tests pass on rows of each schema, in which every possible cell of each column occurs."""
    source = repository.path / "src/my_project"
    *_, target = case.cells
    schema = SCHEMA.format(columns=case.columns, target=repr(target.strip('"')))
    (source / "schema.py").write_text(schema, "utf-8")
    (source / "features.py").write_text(FEATURES.format(features=case.features), "utf-8")
    write_sample(repository.path / "tests/sample.csv", case)
    done = repository.run("uv", "run", "--no-sync", "pytest", "--quiet", "--no-cov", "tests/contract", check=False)
    assert done.returncode == 0, done.stdout


def write_sample(path: Path, case: Case) -> None:
    """Write rows with random cells."""
    rows = random.Random(0)  # noqa: S311
    lines = [",".join(case.cells)]
    lines += [",".join(rows.choice(cells) for cells in case.cells.values()) for _ in range(90)]
    path.write_text("\n".join(lines) + "\n", "utf-8")
