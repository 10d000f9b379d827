"""The files through which data flows; `dvc.yaml` names the same ones."""

import json
from pathlib import Path

import polars as pl

from .errors import ProjectError

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
MODELS = Path("models")
MODEL = MODELS / "model.skops"
BASELINE = MODELS / "baseline.skops"
SHA256SUMS = MODELS / "SHA256SUMS"
METRICS = Path("reports/metrics.json")
PLOTS = Path("reports/plots")


def scan(path: Path) -> pl.LazyFrame:
    """Scan a table.

    Args:
        path: A CSV file in UTF-8 with a header, or a Parquet file.

    Returns:
        Its rows. Every column of a CSV is text: a bad cell then costs its row, not the file.

    Raises:
        ProjectError: If the file is missing, empty or of another kind.
    """
    try:
        frame = (
            pl.scan_parquet(path)
            if path.suffix == ".parquet"
            else pl.scan_csv(path, infer_schema=False)
        )
        frame.collect_schema()
    except (OSError, pl.exceptions.PolarsError) as error:
        reason = str(error).splitlines()[0] if path.is_file() else "there is no such file"
        raise ProjectError(f"cannot read {path}: {reason}") from error
    return frame


def collect(frame: pl.LazyFrame, what: str) -> pl.DataFrame:
    """Read all rows of a table.

    Args:
        frame: The table.
        what: It is called in an error.

    Returns:
        Its rows.

    Raises:
        ProjectError: If its content is not what it should be, for example not UTF-8.
    """
    try:
        return frame.collect()
    except (OSError, pl.exceptions.PolarsError) as error:
        raise ProjectError(f"cannot read {what}: {str(error).splitlines()[0]}") from error


def read(path: Path) -> pl.DataFrame:
    """Read a file that an earlier step wrote.

    Args:
        path: A Parquet file.

    Returns:
        Its rows.

    Raises:
        ProjectError: If the earlier step has not run.
    """
    if not path.is_file():
        raise ProjectError(f"there is no {path} yet: run `uvx nox -s pipeline`")
    return pl.read_parquet(path)


def write(frame: pl.DataFrame, path: Path) -> None:
    """Write a Parquet file, whole or not at all.

    Args:
        frame: Rows.
        path: The file; its folder is made where needed.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f"{path.name}.partial")
    frame.write_parquet(partial)
    partial.replace(path)


def write_json(content: object, path: Path) -> None:
    """Write a JSON file for people and machines to read.

    Args:
        content: Anything that JSON can hold.
        path: The file; its folder is made where needed.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8", newline="\n")
