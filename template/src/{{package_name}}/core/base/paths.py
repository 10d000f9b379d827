"""The files through which data flows; `dvc.yaml` names the same ones."""

import re
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Self

PACKAGE = Path(__file__).parents[2]
MODULES = ("source", "schema", "features", "model", "evaluation")

PARAMS = Path("params.yaml")
DVC_YAML = Path("dvc.yaml")
DVC_LOCK = Path("dvc.lock")
UV_LOCK = Path("uv.lock")
REGISTRY = Path("registry")
SAMPLE = Path("tests/sample.csv")

RAW = Path("data/raw.parquet")
VALID = Path("data/valid.parquet")
QUARANTINE = Path("data/quarantine.parquet")
VALIDATION = Path("reports/validation.json")
TRAIN = Path("data/train.parquet")
TEST = Path("data/test.parquet")
SPLIT = Path("reports/split.json")
MODEL = Path("models/model.skops")
BASELINE = Path("models/baseline.skops")
SHA256SUMS = Path("models/SHA256SUMS")
METRICS = Path("reports/metrics.json")
PREDICTIONS = Path("reports/predictions.json")  # the types of their columns
PLOTS = Path("reports/plots")


def further_models() -> list[str]:
    """List the further models: folders with all five modules, whose stages are in dvc.yaml."""
    files = {f"{module}.py" for module in MODULES}
    folders = (file.parent for file in PACKAGE.glob("*/model.py"))
    names = [it.name for it in folders if files <= {file.name for file in it.iterdir()}]
    if names and DVC_YAML.is_file():  # there is none where a version was exported to
        stages = DVC_YAML.read_text(encoding="utf-8")
        names = [it for it in names if re.search(rf"--of[ =]{it}\b", stages)]
    return sorted(names)


def section_of(model: str, name: str) -> str:
    """Return the place of a section in params.yaml: that of a further model is in its own."""
    return f"{model}.{name}" if model else name


def sample_of(model: str) -> Path:
    """Return the sample of raw rows in the tests: that of a further model has its name."""
    return SAMPLE.with_stem(model) if model else SAMPLE


@dataclass(frozen=True)
class Table:
    """The files of a table that is read and validated.

    Attributes:
        raw: Its rows as they were read.
        valid: The valid rows.
        quarantine: The other rows.
        report: How many there are of each, and why.
    """

    raw: Path = RAW
    valid: Path = VALID
    quarantine: Path = QUARANTINE
    report: Path = VALIDATION

    @classmethod
    def of(cls, name: str) -> Self:
        """Return the files of a further table or model, in folders of its own."""
        first = (field.default for field in fields(cls))
        return cls(*(path.parent / name / path.name for path in first if isinstance(path, Path)))


@dataclass(frozen=True)
class Files(Table):
    """The files of a model: those of its rows, and what the pipeline makes of them.

    Attributes:
        train: The rows that it is trained on.
        test: The rows that are held out.
        split: How many there are of each.
        model: The fitted estimator; with another format than skops, the name ends otherwise.
        baseline: The fitted baseline.
        sums: The hashes of the estimators, in the format of `sha256sum`.
        metrics: How good they are.
        predictions: The types of the columns that are predicted.
        plots: The folder with the tables of the plots.
    """

    train: Path = TRAIN
    test: Path = TEST
    split: Path = SPLIT
    model: Path = MODEL
    baseline: Path = BASELINE
    sums: Path = SHA256SUMS
    metrics: Path = METRICS
    predictions: Path = PREDICTIONS
    plots: Path = PLOTS


FIRST = Files()  # of the first model, in no folder of its own
