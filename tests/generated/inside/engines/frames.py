"""Random raw rows in parts, as whatever works on parts may get them; this runs inside a generated repository."""

import shutil
import sys
from pathlib import Path
from random import Random

import polars as pl

CELLS: dict[str, list[str | None]] = {
    "name": ["a", "b", "süß", "日本", "🙂", "e\u0301", "", " ", "NA", "much too long a name", None],
    "amount": ["0", "-0.0", "1.5", "1e300", "NaN", "nan", "inf", "-inf", "1e400", "x", "", None, "2.5", "2.5"],
    "at": ["2026-03-29T01:30:00+01:00", "2026-03-29T03:00:00+02:00", "2026-10-25 02:30:00", "2026-01-31", "soon", None],
    "level": ["low", "high", "other", None],
    "count": ["1", "2", "2", "2", "7", "-1", "1.5", "x", None],
}
LONGEST = 60  # rows of a part


def main(seed: int) -> None:
    """Write the rows into `data/raw.parquet`; some parts are empty."""
    chance = Random(seed)  # noqa: S311
    raw = Path("data/raw.parquet")
    shutil.rmtree("data", ignore_errors=True)
    raw.mkdir(parents=True)
    for number in range(chance.randint(4, 6)):
        height = chance.choice([0, 1, chance.randint(2, LONGEST), LONGEST])
        columns = {name: chance.choices(cells, k=height) for name, cells in CELLS.items()}
        table = pl.DataFrame(columns, schema=dict.fromkeys(CELLS, pl.String))
        table.write_parquet(raw / f"{number:08}.parquet")


if __name__ == "__main__":
    main(int(sys.argv[1]))
