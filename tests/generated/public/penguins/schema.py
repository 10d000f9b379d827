"""What a valid row is: the one place that names the columns.

The data are penguins near Palmer Station, Antarctica.
"""

from datetime import date

import pandera.polars as pa


class Row(pa.DataFrameModel):
    """One penguin. A row that breaks a rule goes to quarantine, with the reason."""

    individual: str = pa.Field(
        alias="Individual ID", str_matches=r"^N\d+A[12]$", description="Nest and adult"
    )
    island: str = pa.Field(
        alias="Island", isin=["Biscoe", "Dream", "Torgersen"], description="Island of the nest"
    )
    clutch_completion: str = pa.Field(
        alias="Clutch Completion", isin=["Yes", "No"], description="Whether it had two eggs"
    )
    date_egg: date = pa.Field(
        alias="Date Egg", ge=date(2007, 1, 1), description="Day of the first egg"
    )
    culmen_length: float = pa.Field(
        alias="Culmen Length (mm)", gt=0, le=100, nullable=True, description="Length of the bill"
    )
    culmen_depth: float = pa.Field(
        alias="Culmen Depth (mm)", gt=0, le=50, nullable=True, description="Depth of the bill"
    )
    flipper_length: int = pa.Field(
        alias="Flipper Length (mm)", gt=0, le=400, nullable=True, description="Length of a flipper"
    )
    body_mass: int = pa.Field(
        alias="Body Mass (g)", gt=0, le=20_000, nullable=True, description="Mass"
    )
    sex: str = pa.Field(
        alias="Sex", isin=["MALE", "FEMALE"], nullable=True, description="Sex, by a test of DNA"
    )
    delta_15_n: float = pa.Field(
        alias="Delta 15 N (o/oo)", nullable=True, description="Ratio of isotopes of nitrogen"
    )
    delta_13_c: float = pa.Field(
        alias="Delta 13 C (o/oo)", nullable=True, description="Ratio of isotopes of carbon"
    )
    species: str = pa.Field(
        alias="Species",
        isin=[
            "Adelie Penguin (Pygoscelis adeliae)",
            "Chinstrap penguin (Pygoscelis antarctica)",
            "Gentoo penguin (Pygoscelis papua)",
        ],
        description="Species, to be predicted",
    )


TARGET = str(Row.species)
