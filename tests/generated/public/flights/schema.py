"""What a valid row is: the one place that names the columns.

The data are all flights that left New York in 2013, with the weather and the planes.
"""

from datetime import datetime

import pandera.polars as pa


class Row(pa.DataFrameModel):
    """One flight. A row that breaks a rule goes to quarantine, with the reason."""

    month: int = pa.Field(ge=1, le=12, description="Month")
    day: int = pa.Field(ge=1, le=31, description="Day of the month")
    sched_dep_time: int = pa.Field(ge=0, le=2400, description="Departure in the timetable, hhmm")
    time_hour: datetime = pa.Field(description="Hour of the departure in the timetable, UTC")
    carrier: str = pa.Field(str_length=2, description="Airline")
    origin: str = pa.Field(isin=["EWR", "JFK", "LGA"], description="Airport of departure")
    dest: str = pa.Field(str_length=3, description="Airport of arrival")
    distance: int = pa.Field(ge=0, le=6000, description="Distance, miles")
    temp: float = pa.Field(ge=-50, le=150, nullable=True, description="Temperature, °F")
    wind_speed: float = pa.Field(ge=0, le=200, nullable=True, description="Wind, mph")
    precip: float = pa.Field(ge=0, nullable=True, description="Rain and snow, inches")
    visib: float = pa.Field(ge=0, nullable=True, description="How far one sees, miles")
    seats: int = pa.Field(ge=1, nullable=True, description="Seats of the plane")
    built: int = pa.Field(ge=1940, le=2013, nullable=True, description="Year of the plane")
    late: bool = pa.Field(description="Whether it left more than an hour late, to be predicted")


TARGET = str(Row.late)
