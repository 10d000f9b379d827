"""Where the raw data comes from."""

from pathlib import Path

import polars as pl

from .core.base.dialect import Dialect
from .core.base.reading import scan


class SourceSettings(Dialect):
    """Section `source` of params.yaml; `Dialect` says how files are written, and has defaults.

    Attributes:
        path: The flights.
        weather: The weather at the airports, hour by hour.
        planes: The planes.
    """

    path: Path
    weather: Path
    planes: Path


def read(settings: SourceSettings) -> pl.LazyFrame:
    """Read the flights, each with the weather of its hour and its plane.

    Args:
        settings: Section `source` of params.yaml.

    Returns:
        One row for each flight, in the order of the file.
    """
    flights = scan(settings.path, settings)
    weather = scan(settings.weather, settings).select(
        "origin", "time_hour", "temp", "wind_speed", "precip", "visib"
    )
    planes = scan(settings.planes, settings).select("tailnum", "seats", built="year")
    rows = flights.join(
        weather,
        on=["origin", "time_hour"],
        how="left",
        validate="m:1",
        maintain_order="left",
    ).join(planes, on="tailnum", how="left", validate="m:1", maintain_order="left")
    if "dep_delay" not in rows.collect_schema():  # it is not known yet: rows to predict
        return rows
    delay = pl.col("dep_delay").cast(pl.Float64, strict=False)  # null if it never left
    return rows.with_columns(late=delay > 60)
