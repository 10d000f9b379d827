"""What a valid row is: the one place that names the columns."""

from datetime import date as day

import pandera.polars as pa


class Row(pa.DataFrameModel):
    """One week. A row that breaks a rule goes to quarantine, with the reason."""

    date: day = pa.Field(ge=day(1950, 1, 1), description="Saturday of the week")
    co2: float = pa.Field(ge=250, le=500, description="CO2 on Mauna Loa, ppm, to be predicted")


TARGET = str(Row.co2)
