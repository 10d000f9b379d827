"""The Open Inference Protocol, version 2, over HTTP: tensors in JSON or in binary.

Source: https://kserve.github.io/website/docs/concepts/architecture/data-plane/v2-protocol and, for
the binary tensors, Triton's extension of it.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from typing import Annotated, Any, Self

import numpy as np
import polars as pl
from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    FailFast,
    Field,
    StrictBool,
    StrictInt,
    ValidationError,
)

from .errors import RequestError
from .line import Reply, Request
from .records import JSON, dumps
from .rows import parsed, refuse_height
from .served import Answer, Served

BINARY = "application/octet-stream"
HEADER_LENGTH = "Inference-Header-Content-Length"
EXTENSIONS = ["binary_tensor_data"]
BYTES = "BYTES"
NUMPY = {
    "BOOL": "?",
    "UINT8": "u1",
    "UINT16": "<u2",
    "UINT32": "<u4",
    "UINT64": "<u8",
    "INT8": "i1",
    "INT16": "<i2",
    "INT32": "<i4",
    "INT64": "<i8",
    "FP16": "<f2",
    "FP32": "<f4",
    "FP64": "<f8",
}
DATATYPES = {
    pl.Boolean: "BOOL",
    pl.UInt8: "UINT8",
    pl.UInt16: "UINT16",
    pl.UInt32: "UINT32",
    pl.UInt64: "UINT64",
    pl.Int8: "INT8",
    pl.Int16: "INT16",
    pl.Int32: "INT32",
    pl.Int64: "INT64",
    pl.Float32: "FP32",
    pl.Float64: "FP64",
}
LENGTH = 4  # bytes before each text in a binary tensor, which say how long it is
MOST_REASONS = 20


class _Options(BaseModel):
    model_config = ConfigDict(extra="ignore")

    binary_data_size: StrictInt | None = Field(default=None, ge=0)
    binary_data: StrictBool | None = None
    binary_data_output: StrictBool = False


Options = Annotated[_Options, BeforeValidator(lambda it: {} if it is None else it)]


class _Tensor(BaseModel):
    name: str
    shape: Annotated[
        list[Annotated[StrictInt, Field(ge=0)]], Field(min_length=1, max_length=2), FailFast()
    ]
    datatype: str
    parameters: Options = _Options()
    data: list[Any] | None = None


class _Output(BaseModel):
    name: str
    parameters: Options = _Options()


class _Body(BaseModel):
    id: str | None = None
    parameters: Options = _Options()
    inputs: Annotated[list[_Tensor], Field(min_length=1), FailFast()]
    outputs: Annotated[list[_Output], FailFast(), BeforeValidator(lambda it: it or [])] = []

    @classmethod
    def of(cls, content: bytes) -> Self:
        """Read the part of a body that is JSON.

        Raises:
            RequestError: If it is not as the protocol has it.
        """
        found = parsed(content)
        try:
            return cls.model_validate(found)
        except ValidationError as error:
            fault = error.errors()[0]
            place = ".".join(map(str, fault["loc"])) or "the body"
            raise RequestError(400, f"{place[:200]}: {fault['msg']}") from None


def request(
    name: str, content: bytes, header_length: str | None, version: str | None, most_rows: int
) -> Request:
    """Make a request of the body of `infer`.

    Args:
        name: What names the request, if the body does not name it.
        content: The body.
        header_length: How many bytes of it are JSON, as text, if tensors follow them.
        version: The version that has to answer; None for the one that does.
        most_rows: Most rows that are accepted.
    """
    bodies: list[_Body] = []

    def read(served: Served) -> pl.DataFrame:
        refuse_version(served, version)
        head, binary = _divided(content, header_length)
        body = _Body.of(head)
        bodies.append(body)
        names = [*served.columns]
        if unknown := [it.name for it in body.outputs if it.name not in names]:
            known = ", ".join(names)
            raise RequestError(400, f"there is no output {unknown[0][:100]!r}: there are {known}")
        return _table(body.inputs, binary, served, most_rows)

    def write(served: Served, answer: Answer) -> Reply:
        if answer.reasons:
            faults = [f"row {row}: {why}" for row, why in enumerate(answer.reasons) if why]
            more = f" and {len(faults) - MOST_REASONS} more" if faults[MOST_REASONS:] else ""
            raise RequestError(422, "; ".join(faults[:MOST_REASONS]) + more)
        return _written(bodies[0], name, served, answer)

    return Request(name, read, write)


def refuse_version(served: Served, version: str | None) -> None:
    """Refuse a request for another version than the one that answers."""
    if version not in (None, served.number):
        message = f"version {str(version)[:100]!r} is not served now, but version {served.number}"
        raise RequestError(404, message)


def metadata(served: Served, name: str) -> dict[str, Any]:
    """Describe the model: its inputs and outputs."""
    tensors = {"inputs": served.screen.types, "outputs": served.columns}
    return {
        "name": name,
        "versions": [served.number],
        "platform": served.platform,
        **{
            kind: [
                {"name": column, "datatype": _datatype(dtype), "shape": [-1, 1]}
                for column, dtype in types.items()
            ]
            for kind, types in tensors.items()
        },
    }


def _datatype(dtype: pl.DataType) -> str:
    return DATATYPES.get(type(dtype), BYTES)


def _divided(content: bytes, header_length: str | None) -> tuple[bytes, memoryview]:
    if header_length is None:
        return content, memoryview(b"")
    if not (header_length.isascii() and header_length.isdigit() and len(header_length) < 12):
        raise RequestError(400, f"{HEADER_LENGTH} is not a number of bytes")
    length = int(header_length)
    if length > len(content):
        raise RequestError(400, f"{HEADER_LENGTH} is larger than the body")
    return content[:length], memoryview(content)[length:]


def _table(
    tensors: Sequence[_Tensor], binary: memoryview, served: Served, most_rows: int
) -> pl.DataFrame:
    """Make a table of tensors: one for each column, or one with all columns."""
    types = served.screen.types
    refuse_height(tensors[0].shape[0], most_rows)
    columns: dict[str, pl.Series] = {}
    start = 0
    for tensor in tensors:
        name, size = tensor.name[:100], tensor.parameters.binary_data_size or 0
        if tensor.shape[0] != tensors[0].shape[0]:
            message = f"{name}: {tensor.shape[0]} rows, where {tensors[0].name[:100]} has"
            raise RequestError(400, f"{message} {tensors[0].shape[0]}")
        if tensor.name in columns:
            raise RequestError(400, f"{name} is there twice")
        values = _values(tensor, binary[start : start + size])
        start += size
        width = tensor.shape[1] if len(tensor.shape) > 1 else 1
        if tensor.name in types and width == 1:
            columns[tensor.name] = _arrived(values.alias(tensor.name), types[tensor.name])
        elif len(tensors) == 1 and width == len(types) > 1:
            for place, (column, dtype) in enumerate(types.items()):
                part = values.gather_every(width, place).alias(column)
                columns[column] = _arrived(part, dtype)
        else:
            known = ", ".join([*types][:MOST_REASONS])
            message = f"{name} with the shape {tensor.shape} is no input: send {known}"
            raise RequestError(400, f"{message}, each with one column, or one tensor of all")
    if start != len(binary):
        raise RequestError(400, f"{len(binary) - start} bytes belong to no tensor")
    height = tensors[0].shape[0]
    for name, dtype in types.items():
        if name not in columns and name not in served.screen.optional:
            columns[name] = pl.Series(name, [None] * height, dtype)
    return pl.DataFrame([columns[name] for name in types if name in columns])


def _values(tensor: _Tensor, binary: memoryview) -> pl.Series:
    """Read the values of a tensor, row by row."""
    name, size = tensor.name[:100], tensor.parameters.binary_data_size
    count = 1
    for length in tensor.shape:
        count *= length
    if tensor.datatype != BYTES and tensor.datatype not in NUMPY:
        known = ", ".join([*NUMPY, BYTES])
        raise RequestError(400, f"{name}: the datatype must be one of {known}")
    if (size is None) == (tensor.data is None):
        raise RequestError(400, f"{name} needs either data or binary_data_size")
    if size is None:
        values = _from_json(tensor, name)
    elif len(binary) != size:
        raise RequestError(400, f"{name}: {len(binary)} bytes follow, not {size}")
    elif tensor.datatype == BYTES:
        values = pl.Series(list(_texts(binary, name)), dtype=pl.String)
    else:
        kind = np.dtype(NUMPY[tensor.datatype])
        if size != count * kind.itemsize:
            message = f"{name}: {size} bytes, and the shape {tensor.shape} needs"
            raise RequestError(400, f"{message} {count * kind.itemsize}")
        numbers = np.frombuffer(binary, kind)
        values = pl.Series(numbers.astype("<f4") if kind == "<f2" else numbers)
    if len(values) != count:
        message = f"{name}: {len(values)} values, and the shape {tensor.shape} needs"
        raise RequestError(400, f"{message} {count}")
    return values


def _from_json(tensor: _Tensor, name: str) -> pl.Series:
    data = tensor.data or []
    if data and isinstance(data[0], list):
        if not all(isinstance(row, list) for row in data):
            raise RequestError(400, f"{name}: some rows are lists, and others are not")
        if len(tensor.shape) < 2 or {*map(len, data)} != {tensor.shape[1]}:
            raise RequestError(400, f"{name}: a row has not the length that the shape says")
        data = list(chain.from_iterable(data))
    kinds = {*map(type, data)} - {type(None)}
    wanted: set[type]
    dtype: pl.DataType
    if tensor.datatype == BYTES:
        wanted, dtype = {str}, pl.String()
    elif tensor.datatype == "BOOL":
        wanted, dtype = {bool}, pl.Boolean()
    elif tensor.datatype.startswith("FP"):
        wanted, dtype = {int, float}, pl.Float64()
    else:
        wanted, dtype = {int}, pl.UInt64() if tensor.datatype == "UINT64" else pl.Int64()
    try:
        if kinds <= wanted:
            return pl.Series(data, dtype=dtype, strict=True)
    except (TypeError, OverflowError, pl.exceptions.PolarsError):
        pass
    raise RequestError(400, f"{name}: a value is not of the datatype {tensor.datatype}")


def _texts(binary: memoryview, name: str) -> Iterator[str]:
    """Read texts, each after its length in bytes."""
    start = 0
    while start < len(binary):
        length = int.from_bytes(binary[start : start + LENGTH], "little")
        start += LENGTH
        if start + length > len(binary):
            raise RequestError(400, f"{name}: a text is longer than the tensor")
        try:
            yield str(binary[start : start + length], "utf-8")
        except UnicodeDecodeError:
            raise RequestError(400, f"{name}: a text is not in UTF-8") from None
        start += length


def _arrived(values: pl.Series, wanted: pl.DataType) -> pl.Series:
    """Return a column in the type in which its cells arrive, or as text if that changes one."""
    if values.dtype == wanted:
        return values
    if values.dtype.is_numeric() and wanted.is_numeric():
        cast = values.cast(wanted, strict=False)
        same = cast.cast(values.dtype, strict=False).eq_missing(values)
        if wanted.is_float() or same.all():
            return cast
    return values.cast(pl.String)


def _written(body: _Body, name: str, served: Served, answer: Answer) -> Reply:
    """Write the outputs that are wanted, in JSON or in binary."""
    wanted: Mapping[str, bool | None] = {
        it.name: it.parameters.binary_data for it in body.outputs
    } or dict.fromkeys(served.columns)
    tensors: list[dict[str, Any]] = []
    parts: list[bytes] = []
    for column, is_binary in wanted.items():
        values = answer.predictions[column]
        datatype = _datatype(values.dtype)
        if datatype == BYTES:
            values = values.cast(pl.String)
        tensor = {"name": column, "datatype": datatype, "shape": [len(values), 1]}
        if body.parameters.binary_data_output if is_binary is None else is_binary:
            parts.append(_as_bytes(values, datatype))
            tensors.append({**tensor, "parameters": {"binary_data_size": len(parts[-1])}})
        else:
            tensors.append({**tensor, "data": values.to_list()})
    head = dumps(
        {
            "model_name": served.bundle.registered,
            "model_version": served.number,
            "id": name if body.id is None else body.id,
            "outputs": tensors,
        }
    )
    if not parts:
        return Reply(head, {"Content-Type": JSON})
    headers = {"Content-Type": BINARY, HEADER_LENGTH: str(len(head))}
    return Reply(b"".join([head, *parts]), headers)


def _as_bytes(values: pl.Series, datatype: str) -> bytes:
    if datatype != BYTES:
        return values.to_numpy().astype(NUMPY[datatype]).tobytes()
    texts = (str(text).encode() for text in values)
    return b"".join(len(text).to_bytes(LENGTH, "little") + text for text in texts)
