"""The rows of a request in JSON: records, one or many."""

import json
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import Any

import orjson
import polars as pl

from .errors import RequestError

Record = dict[str, Any]

MOST_SHAPES = 1000  # whose fit is remembered
FITTING: Mapping[object, set[type]] = {
    pl.Float64: {float, int, type(None)},
    pl.Int64: {int, type(None)},
    pl.UInt64: {int, type(None)},
    pl.Boolean: {bool, type(None)},
    pl.String: {str, type(None)},
}


class Reader:
    """Reads records into a table, without guessing types.

    A row is read in the same way whatever other rows are beside it.
    """

    def __init__(
        self, types: Mapping[str, pl.DataType], optional: Sequence[str], ignored: Sequence[str]
    ) -> None:
        """Prepare for the columns of a schema.

        Args:
            types: The types in which the cells arrive, by the names of the columns.
            optional: Names of the columns that all records may lack.
            ignored: Names that a record may have beside these, such as the target.
        """
        self._schema = pl.Schema(types)
        self._fitting = {name: FITTING[type(dtype)] for name, dtype in types.items()}
        self._optional, self._ignored = optional, set(ignored)
        self._shapes: dict[tuple[object, ...], bool] = {}

    def table(self, records: Sequence[Record]) -> pl.DataFrame:
        """Make a table of records; a missing cell is empty.

        Args:
            records: What JSON says, at least one record.

        Returns:
            A row for each record, in the same order. A column has the type in which its cells
            arrive, or is text if a cell has another type; an optional one may be missing.

        Raises:
            RequestError: If a record has a key that is not a column, or a cell that is no single
                value, or lacks an optional column that another one has.
        """
        missing = [name for name in self._optional if not any(name in it for it in records)]
        for name in self._optional:
            if name not in missing and not all(name in it for it in records):
                message = f"some rows have {name}, and others lack it"
                raise RequestError(422, f"{message}: send them in two requests")
        table = self._whole(records)
        return table.drop(missing) if missing else table

    def _whole(self, records: Sequence[Record]) -> pl.DataFrame:
        """Make a table with all columns."""
        shapes = {(*record, *map(type, record.values())) for record in records}
        if all(self._fits(shape) for shape in shapes):
            try:
                return pl.from_dicts(records, schema=self._schema, strict=True)
            except (pl.exceptions.PolarsError, OverflowError):  # a number that is too large
                pass
        self._refuse_other_keys(records)
        return pl.DataFrame(
            [self._column(name, [it.get(name) for it in records]) for name in self._schema]
        )

    def _fits(self, shape: tuple[object, ...]) -> bool:
        """Return whether a record has no other keys, and the types in which cells arrive."""
        known = self._shapes.get(shape)
        if known is None:
            half = len(shape) // 2
            pairs = zip(shape[:half], shape[half:], strict=True)
            known = all(
                name in self._ignored or kind in self._fitting.get(str(name), set[object]())
                for name, kind in pairs
            )
            if known and len(self._shapes) < MOST_SHAPES:
                self._shapes[shape] = known
        return known

    def _column(self, name: str, cells: list[Any]) -> pl.Series:
        if {*map(type, cells)} <= self._fitting[name]:
            try:
                return pl.Series(name, cells, self._schema[name], strict=True)
            except (TypeError, OverflowError, pl.exceptions.PolarsError):
                pass
        return pl.Series(name, [_text(name, cell) for cell in cells], pl.String)

    def _refuse_other_keys(self, records: Sequence[Record]) -> None:
        known = {*self._schema, *self._ignored}
        for place, record in enumerate(records):
            for name in record.keys() - known:
                near = get_close_matches(name[:100], self._schema, n=1)
                meant = f": did you mean {near[0]}?" if near else ""
                raise RequestError(422, f"row {place} has {name[:100]!r}, which is no input{meant}")


def parsed(content: bytes) -> Any:  # noqa: ANN401
    """Parse JSON.

    Raises:
        RequestError: If it is not JSON.
    """
    try:
        return orjson.loads(content)
    except orjson.JSONDecodeError as error:
        raise RequestError(400, f"the body is not valid JSON: {error}") from None


def records_of(content: bytes, most: int) -> list[Record]:
    """Parse the body of a request.

    Args:
        content: JSON: a record, or a list of records.
        most: Most records that are accepted.

    Raises:
        RequestError: If it is not JSON, or anything else than records.
    """
    found = parsed(content)
    records = [found] if isinstance(found, dict) else found
    if not isinstance(records, list) or not all(type(it) is dict for it in records):
        raise RequestError(422, "the body must be a record, or a list of records")
    refuse_height(len(records), most)
    return records


def refuse_height(rows: int, most: int) -> None:
    """Refuse a request without rows, and one with too many."""
    if not rows:
        raise RequestError(422, "the request has no rows")
    if rows > most:
        raise RequestError(413, f"the request has {rows} rows, and at most {most} are accepted")


def _text(name: str, cell: object) -> str | None:
    """Write a cell as it is in JSON, so that it is read as a file's cells are."""
    if cell is None or isinstance(cell, str):
        return cell
    if isinstance(cell, dict | list):
        raise RequestError(422, f"{name} holds a list or a record, and must be a single value")
    return json.dumps(cell)
