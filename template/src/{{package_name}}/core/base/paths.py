"""The files through which data flows; `dvc.yaml` names the same ones."""

from dataclasses import dataclass
from pathlib import Path
from typing import Self

PARAMS = Path("params.yaml")
DVC_LOCK = Path("dvc.lock")
UV_LOCK = Path("uv.lock")
REGISTRY = Path("registry")

RAW = Path("data/raw.parquet")
VALID = Path("data/valid.parquet")
QUARANTINE = Path("data/quarantine.parquet")
VALIDATION = Path("reports/validation.json")


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
        """Return the files of a further table, in folders of its own."""
        data, reports = Path("data", name), Path("reports", name)
        raw, valid, quarantine = (data / file.name for file in (RAW, VALID, QUARANTINE))
        return cls(raw, valid, quarantine, reports / VALIDATION.name)


TRAIN = Path("data/train.parquet")
TEST = Path("data/test.parquet")
SPLIT = Path("reports/split.json")
MODELS = Path("models")
MODEL = MODELS / "model.skops"
BASELINE = MODELS / "baseline.skops"
SHA256SUMS = MODELS / "SHA256SUMS"
METRICS = Path("reports/metrics.json")
PREDICTIONS = Path("reports/predictions.json")  # the types of their columns
PLOTS = Path("reports/plots")
