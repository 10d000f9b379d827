"""Features that look back at earlier rows of the same series."""

import polars as pl
from pydantic import Field

from .errors import ProjectError
from .settings import Section


class History(Section):
    """The columns that tell series apart and order their rows, in section `features`.

    With a history, `transform` also gets the target, so that features can use that of earlier rows.

    Attributes:
        by: Columns whose values tell the series apart, such as a shop; empty for a single series.
        order: Column that orders the rows of a series: a date, a time or a number.
    """

    by: list[str] = Field(default=[])
    order: str

    @property
    def key(self) -> list[str]:
        """The columns that define the place of a row."""
        return [*self.by, self.order]

    @classmethod
    def of(cls, settings: Section) -> "History | None":
        """Return the part of the settings that declares a history, if there is one."""
        return next((value for _, value in settings if isinstance(value, cls)), None)

    def earlier(self, values: pl.Expr, steps: int = 1) -> pl.Expr:
        """Return the values that an expression had some rows earlier in the same series.

        Args:
            values: A column, or a window that ends at its row, such as `rolling_mean`.
            steps: How many rows earlier, at least 1, so that the target may be among the columns.

        Returns:
            The values; null where the series has no such row.
        """
        if steps < 1:
            raise ValueError(f"{steps} steps back is not an earlier row")
        return values.shift(steps).over(self.by or None, order_by=self.order)

    def require(self, rows: pl.LazyFrame) -> None:
        """Refuse rows whose place in their series is not known.

        Args:
            rows: Valid rows.

        Raises:
            ProjectError: If a column is missing, `order` is a text column, a place is empty, or two
                rows have the same place.
        """
        for name in self.key:
            if name not in rows.collect_schema():
                raise ProjectError(f"params.yaml: features: schema.py has no column {name}")
        places = rows.select(self.key)
        order = places.collect_schema()[self.order]
        if not (order.is_numeric() or order.is_temporal()):
            message = f"{self.order} is {order}, which cannot order rows"
            raise ProjectError(f"{message}: `order` under `features` takes a date, time or number")
        unknown = places.select(pl.col(self.order).null_count()).collect().item()
        if unknown:
            message = f"{self.order} is empty in {unknown} rows, so their place is not known"
            raise ProjectError(f"{message}: make it not nullable in schema.py")
        twice = places.filter(pl.struct(self.key).is_duplicated()).head(1).collect()
        if twice.height:
            place = ", ".join(f"{name} {value}" for name, value in twice.row(0, named=True).items())
            raise ProjectError(f"two rows have {place}: add a column to `by` under `features`")
