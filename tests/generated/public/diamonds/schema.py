"""What a valid row is: the one place that names the columns."""

import pandera.polars as pa


class Row(pa.DataFrameModel):
    """One diamond. A row that breaks a rule goes to quarantine, with the reason."""

    carat: float = pa.Field(gt=0, le=10, description="Weight")
    cut: str = pa.Field(
        isin=["Fair", "Good", "Very Good", "Premium", "Ideal"], description="Quality of the cut"
    )
    color: str = pa.Field(isin=list("DEFGHIJ"), description="Colour, from D, the best, to J")
    clarity: str = pa.Field(
        isin=["I1", "SI2", "SI1", "VS2", "VS1", "VVS2", "VVS1", "IF"], description="Clarity"
    )
    depth: float = pa.Field(ge=0, le=100, description="Depth, % of the mean diameter")
    table: float = pa.Field(ge=0, le=100, description="Width of the top, % of the widest place")
    x: float = pa.Field(gt=0, le=30, description="Length, mm")
    y: float = pa.Field(gt=0, le=30, description="Width, mm")
    z: float = pa.Field(gt=0, le=30, description="Depth, mm")
    price: int = pa.Field(gt=0, description="Price, USD, to be predicted")


TARGET = str(Row.price)
