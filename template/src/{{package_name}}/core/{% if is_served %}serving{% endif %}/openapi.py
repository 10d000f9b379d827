"""The description of the service for other programs: OpenAPI, made from the schema."""

from collections.abc import Mapping
from typing import Any

import pandera.polars as pa
import polars as pl

from ..steps.rules import type_of, words
from .served import Served

OPENAPI = "3.1.0"
LIMITS = {
    "greater_than_or_equal_to": ("minimum", "min_value"),
    "greater_than": ("exclusiveMinimum", "min_value"),
    "less_than_or_equal_to": ("maximum", "max_value"),
    "less_than": ("exclusiveMaximum", "max_value"),
}
REFUSALS = {
    "400": "The body cannot be read.",
    "401": "The token is missing or not accepted.",
    "404": "There is no such page, model or version.",
    "405": "The method is not allowed here.",
    "408": "The body did not arrive in time.",
    "413": "The body is too large, or has too many rows.",
    "415": "The encoding of the body is not known.",
    "422": "The body can be read, but does not hold rows.",
    "429": "Too many requests are waiting: try again.",
    "500": "The service failed.",
    "503": "The service is busy or stopping: try again.",
}


def document(served: Served, name: str, *, needs_token: bool) -> dict[str, Any]:
    """Describe `POST /predict`.

    Args:
        served: The version that answers.
        name: Name of the model.
        needs_token: Whether requests need a token.
    """
    row = {"$ref": "#/components/schemas/Row"}
    body = {"anyOf": [{"type": "array", "items": row, "minItems": 1}, row]}
    example = {"example": [*served.example]} if served.example else {}
    refusals = {
        status: {"description": says, "content": _json({"$ref": "#/components/schemas/Refusal"})}
        for status, says in REFUSALS.items()
    }
    answers = {
        "200": {
            "description": "A prediction or a reason for each row, in the same order.",
            "content": _json({"$ref": "#/components/schemas/Answer"}),
        }
    }
    security: dict[str, Any] = {"security": [{"token": []}]} if needs_token else {}
    schemes = {"securitySchemes": {"token": {"type": "http", "scheme": "bearer"}}}
    return {
        "openapi": OPENAPI,
        "info": {"title": name, "version": served.number},
        "paths": {
            "/predict": {
                "post": {
                    "operationId": "predict",
                    "summary": "Predict for rows.",
                    "requestBody": {"required": True, "content": _json(body, example)},
                    "responses": answers | refusals,
                }
            }
        },
        "components": {
            "schemas": {
                "Row": _row(served.predictor.schema),
                "Answer": _answer(served.columns),
                "Refusal": _record({"error": {"type": "string"}}),
            },
            **(schemes if needs_token else {}),
        },
        **security,
    }


def _json(schema: Mapping[str, Any], more: Mapping[str, Any] | None = None) -> dict[str, Any]:
    return {"application/json": {"schema": schema, **(more or {})}}


def _record(properties: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": dict(properties), "required": [*properties]}


def _row(schema: pa.DataFrameSchema) -> dict[str, Any]:
    columns = {name: _column(column) for name, column in schema.columns.items()}
    needed = [name for name, it in schema.columns.items() if it.required and not it.nullable]
    return {
        "type": "object",
        "properties": columns,
        "required": needed,
        "additionalProperties": False,
    }


def _column(column: pa.Column) -> dict[str, Any]:
    """Describe a column: its type, what it means, and the rules that OpenAPI can express."""
    wanted = type_of(column, pl.String())
    described = _type(wanted)
    rules = [words(check) for check in column.checks]
    for check in column.checks:
        limits = check.statistics or {}
        if known := LIMITS.get(str(check.name)):
            if isinstance(value := limits.get(known[1]), int | float):
                described[known[0]] = value
        elif check.name == "isin":
            allowed = [*limits.get("allowed_values", [])]
            if all(isinstance(it, str | int | float | bool) for it in allowed):
                described["enum"] = allowed
    if isinstance(wanted, pl.Enum):
        described["enum"] = wanted.categories.to_list()
    if column.nullable:
        described["type"] = [described["type"], "null"]
        if "enum" in described:
            described["enum"] = [*described["enum"], None]
    if says := "; ".join(filter(None, [column.description, *rules])):
        described["description"] = says
    return described


def _type(dtype: pl.DataType) -> dict[str, Any]:
    if dtype == pl.Boolean:
        return {"type": "boolean"}
    if dtype.is_integer():
        return {"type": "integer"}
    if dtype.is_numeric():
        return {"type": "number"}
    if dtype == pl.Date:
        return {"type": "string", "format": "date"}
    if isinstance(dtype, pl.Datetime) and dtype.time_zone:  # without a zone, it is no date-time
        return {"type": "string", "format": "date-time"}
    return {"type": "string"}


def _answer(columns: Mapping[str, pl.DataType]) -> dict[str, Any]:
    types = {
        name: _type(pl.String() if dtype.is_decimal() else dtype) for name, dtype in columns.items()
    }
    predicted = {name: {**it, "type": [it["type"], "null"]} for name, it in types.items()}
    rows = {"anyOf": [_record(predicted), _record({"reason": {"type": "string"}})]}
    return _record(
        {
            "version": {"type": "string"},
            "request": {"type": "string"},
            "predictions": {"type": "array", "items": rows},
        }
    )
