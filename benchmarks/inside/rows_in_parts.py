"""Write millions of raw rows into a folder of Parquet files, or into one file.

This runs inside a generated repository: `python rows_in_parts.py ROWS FILES`, where no files means one table.
"""

import shutil
import sys
from pathlib import Path

import polars as pl

RAW = Path("data/raw.parquet")


def main(rows: int, files: int) -> None:
    """Repeat the sample with another first number in each repetition, so that rows differ."""
    sample = pl.read_csv("tests/sample.csv", infer_schema=False)
    first = sample.columns[0]
    shutil.rmtree("data", ignore_errors=True)
    RAW.mkdir(parents=True) if files else RAW.parent.mkdir()
    repetitions = rows // sample.height // (files or 1)

    def part(number: int) -> pl.LazyFrame:
        steps = pl.LazyFrame({"step": range(number * repetitions, (number + 1) * repetitions)})
        number_of = pl.col(first).cast(pl.Float64) + pl.col("step") / 1e7
        return steps.join(sample.lazy(), how="cross").with_columns(number_of.round(7).cast(pl.String).alias(first))

    for number in range(files or 1):
        target = RAW / f"{number:08}.parquet" if files else RAW
        part(number).drop("step").sink_parquet(target)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
