"""The files through which data flows; `dvc.yaml` names the same ones."""

from pathlib import Path

PARAMS = Path("params.yaml")
DVC_LOCK = Path("dvc.lock")
UV_LOCK = Path("uv.lock")
REGISTRY = Path("registry")

RAW = Path("data/raw.parquet")
VALID = Path("data/valid.parquet")
QUARANTINE = Path("data/quarantine.parquet")
VALIDATION = Path("reports/validation.json")
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
