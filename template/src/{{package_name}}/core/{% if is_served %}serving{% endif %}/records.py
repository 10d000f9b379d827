"""`POST /predict`: records in JSON, and a prediction or a reason for each."""

from typing import Any

import orjson
import polars as pl

from .line import Reply, Request
from .rows import records_of
from .served import Answer, Served

JSON = "application/json"


def request(name: str, content: bytes, most_rows: int) -> Request:
    """Make a request of the body of `POST /predict`.

    Args:
        name: What names the request.
        content: The body.
        most_rows: Most rows that are accepted.
    """

    def read(served: Served) -> pl.DataFrame:
        return served.reader.table(records_of(content, most_rows))

    def write(served: Served, answer: Answer) -> Reply:
        body = {"version": served.number, "request": name, "predictions": written(answer)}
        return Reply(dumps(body), {"Content-Type": JSON})

    return Request(name, read, write)


def written(answer: Answer) -> list[dict[str, Any]]:
    """Write an answer as records: the columns that are predicted, or only the `reason`."""
    predictions = answer.predictions.to_dicts()
    if not answer.reasons:
        return predictions
    pairs = zip(predictions, answer.reasons, strict=True)
    return [{"reason": reason} if reason else prediction for prediction, reason in pairs]


def dumps(content: object) -> bytes:
    """Write JSON; what JSON has no type for, such as decimals, is text."""
    return orjson.dumps(content, default=str)
