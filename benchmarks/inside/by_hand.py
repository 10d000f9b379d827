"""The work of the steps, written by hand for the example alone, as a measure of their speed.

This runs inside a generated repository of the package `my_project`, in which the pipeline has run:
`python by_hand.py STEP FOLDER`, where the folder holds rows.csv and the files of the step before.
"""

import json
import resource
import sys
import time
from hashlib import blake2b
from pathlib import Path

import numpy as np
import polars as pl

LIMITS = {"alcohol": 100, "malic_acid": 50, "ash": 50, "alcalinity_of_ash": 100, "magnesium": 1000, "total_phenols": 50}
LIMITS |= {"flavanoids": 50, "nonflavanoid_phenols": 50, "proanthocyanins": 50, "color_intensity": 100, "hue": 10}
HIGHEST = LIMITS | {"od280_od315": 10, "proline": 10_000}
NUMBERS = list(HIGHEST)
TARGET = "cultivar"


def typed(rows: pl.LazyFrame) -> pl.LazyFrame:
    """Read text as numbers."""
    return rows.with_columns(pl.col(NUMBERS).str.strip_chars().cast(pl.Float64, strict=False))


def is_valid() -> pl.Expr:
    """Apply the rules."""
    rules = [(pl.col(name) >= 0) & (pl.col(name) <= HIGHEST[name]) for name in NUMBERS]
    return pl.all_horizontal([*(rule.fill_null(value=False) for rule in rules), pl.col("total_phenols") > 0])


def features(rows: pl.LazyFrame) -> pl.LazyFrame:
    """Make the inputs."""
    return rows.with_columns(flavanoid_share=pl.col("flavanoids") / pl.col("total_phenols"))


def ingest(folder: Path) -> None:
    """Convert CSV to Parquet."""
    pl.scan_csv(folder / "rows.csv", infer_schema=False).sink_parquet(folder / "raw.parquet")


def validate(folder: Path) -> None:
    """Separate valid rows from bad ones."""
    raw = pl.scan_parquet(folder / "raw.parquet").with_row_index("row")
    kept = raw.with_columns(pl.col(NUMBERS).name.prefix("raw_"))
    rows = typed(kept).with_columns(valid=is_valid() & pl.col(TARGET).is_in(["class_0", "class_1", "class_2"]))
    valid = rows.filter("valid").select(*NUMBERS, TARGET).sink_parquet(folder / "valid.parquet", lazy=True)
    names = ["row", *(f"raw_{name}" for name in NUMBERS), TARGET]
    bad = rows.filter(~pl.col("valid")).select(names).sink_parquet(folder / "quarantine.parquet", lazy=True)
    pl.collect_all([valid, bad], engine="streaming")


def is_held_out(batch: pl.DataFrame) -> pl.DataFrame:
    """Hash each row by its content, which is stable whatever the version of Polars."""
    text = pl.concat_str(pl.col(NUMBERS).cast(pl.String).fill_null(""), separator="\x1f")
    key = (20).to_bytes(8, "big")
    texts = batch.select(text).to_series()
    digests = b"".join([blake2b(it.encode(), digest_size=8, key=key).digest() for it in texts])
    return batch.with_columns(held=pl.Series(np.frombuffer(digests, ">u8").astype(np.uint64) < 2**62))


def featurize(folder: Path) -> None:
    """Make the inputs and split the rows."""
    valid = pl.scan_parquet(folder / "valid.parquet")
    schema = {**valid.collect_schema(), "held": pl.Boolean()}
    rows = features(valid.map_batches(is_held_out, schema=schema, streamable=True))
    test = rows.filter("held").drop("held").sink_parquet(folder / "test.parquet", lazy=True)
    train = rows.filter(~pl.col("held")).drop("held").sink_parquet(folder / "train.parquet", lazy=True)
    pl.collect_all([test, train], engine="streaming")


def predict(folder: Path) -> None:
    """Predict for the rows of a CSV file."""
    from my_project import model
    from my_project.core.base import paths
    from my_project.core.base.estimators import as_skops, load_recorded

    estimator = load_recorded(paths.MODEL, as_skops(model.TRUSTED_TYPES))
    raw = pl.scan_csv(folder / "rows.csv", infer_schema=False).select(NUMBERS).with_row_index("row")
    rows = features(typed(raw).filter(is_valid()))

    def predicted(batch: pl.DataFrame) -> pl.DataFrame:
        return batch.select("row").hstack(model.predict(estimator, batch.drop("row")))

    columns = {f"probability_class_{number}": pl.Float64() for number in range(3)}
    schema = {"row": pl.UInt32(), "prediction": pl.String(), **columns}
    rows.map_batches(predicted, schema=schema, streamable=True).sink_parquet(folder / "predictions.parquet")


def main() -> None:
    """Run a step, and print what it took."""
    step, folder = sys.argv[1:]
    start = time.process_time()
    {step.__name__: step for step in (ingest, validate, featurize, predict)}[step](Path(folder))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    json.dump({"seconds": time.process_time() - start, "megabytes": peak}, sys.stdout)


if __name__ == "__main__":
    main()
