"""What the service adds to a version: the model in ONNX, which answers far more quickly.

A version has one if skl2onnx and onnxruntime are installed when it is registered, and if it then
predicts the same for the held-out rows.
"""

import json
import logging
import os
import re
import zipfile
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from ..base import tables
from ..base.errors import ProjectError

if TYPE_CHECKING:
    from ..base.estimators import Classifier
    from ..models.bundle import Bundle
    from ..yours import Yours

logger = logging.getLogger(__name__)

FILE = "onnx/model.onnx"
TOLERANCE = 1e-5  # absolute for probabilities, relative to the largest for other numbers
NO_TELEMETRY = "ORT_DISABLE_TELEMETRY"
IDENTIFIER = re.compile(r"\w+", re.ASCII)  # the names of inputs that skl2onnx leaves as they are
MOST_CHARACTERS = 300
ROWS = 10_000  # that are compared at most
CLASSES = "classes"  # key in the metadata of the file
ALL = "inputs"  # name of the one input, if it holds all columns
NUMPY = {
    "tensor(double)": np.float64,
    "tensor(float)": np.float32,
    "tensor(int64)": np.int64,
    "tensor(bool)": np.bool_,
    "tensor(string)": np.object_,
}

Predict = Callable[[pl.DataFrame], pl.DataFrame]


def refuse_unserved(found: str, bundle: "Bundle") -> None:
    """Refuse a version that has no service.

    Args:
        found: What to call it.
        bundle: Its files.

    Raises:
        ProjectError: If its features look back, or if its code lacks the service.
    """
    if bundle.looks_back:
        raise ProjectError(f"{found} looks back at earlier rows: only `predict` has those")
    with zipfile.ZipFile(bundle.wheel) as archive:
        if f"{bundle.package}/core/serving/command.py" not in archive.namelist():
            raise ProjectError(f"{found} was made before there was a service: train a new one")


def write(folder: Path, yours: "Yours") -> None:
    """Write the model of the last run in ONNX into a bundle, if it then predicts the same.

    Args:
        folder: The bundle.
        yours: Your modules.
    """
    if not (find_spec("skl2onnx") and find_spec("onnxruntime")):
        return
    from ..base.estimators import format_of, load_recorded

    form = format_of(yours.model)
    estimator = load_recorded(form.file(yours.files), form)
    inputs = tables.lazy(yours.files.test).drop(yours.schema.TARGET).head(ROWS).collect()
    expected = yours.model.predict(estimator, inputs)
    reason = ""
    for convert in _attempts(estimator, inputs, yours.registered):
        try:
            content = convert()
            found = _runner(content, expected.schema)(inputs)
        except Exception as error:  # what skl2onnx and onnxruntime raise is not documented
            reason = reason or " ".join(str(error).split())[:MOST_CHARACTERS]
            continue
        reason = _difference(expected, found)
        if not reason:
            file = folder / FILE
            file.parent.mkdir()
            file.write_bytes(content)
            logger.info("register: the model is there in ONNX, too, and predicts the same")
            return
    if unnamed := next((name for name in inputs.columns if not IDENTIFIER.fullmatch(name)), None):
        reason = f"rename {unnamed!r} in features.py, since it knows letters, digits and _ only"
    logger.info("register: the model is not there in ONNX: %s", reason)


def read(folder: Path, columns: Mapping[str, pl.DataType]) -> Predict | None:
    """Return what predicts with ONNX; None if the bundle has no such model.

    Args:
        folder: The bundle.
        columns: Types of the columns to return, by their names.
    """
    file = folder / FILE
    if not file.is_file():
        return None
    if not find_spec("onnxruntime"):
        logger.info("serve: onnxruntime is not installed, so the model predicts without ONNX")
        return None
    return _runner(file.read_bytes(), columns)


def _attempts(
    estimator: "Classifier", inputs: pl.DataFrame, name: str
) -> Iterator[Callable[[], bytes]]:
    """Convert the model: with one input for all columns or with one for each, in 64 or 32 bits."""
    from skl2onnx import to_onnx
    from skl2onnx.common import data_types as types

    is_classifier = hasattr(estimator, "classes_")
    options = {id(estimator): {"zipmap": False}} if is_classifier else None

    def convert(signature: object) -> bytes:
        model = to_onnx(estimator, initial_types=signature, options=options, name=name)
        if is_classifier:
            classes = pl.Series(estimator.classes_).cast(pl.String).to_list()
            entry = model.metadata_props.add()
            entry.key, entry.value = CLASSES, json.dumps(classes)
        content: bytes = model.SerializeToString(deterministic=True)
        return content

    for kind in (types.DoubleTensorType, types.FloatTensorType):
        signatures = [
            [(it, _type(dtype, kind, types)([None, 1])) for it, dtype in inputs.schema.items()]
        ]
        if all(dtype.is_numeric() for dtype in inputs.dtypes):
            signatures.insert(0, [(ALL, kind([None, inputs.width]))])
        yield from (partial(convert, signature) for signature in signatures)


def _type(dtype: pl.DataType, number: Any, types: Any) -> Any:  # noqa: ANN401
    # Only a floating-point number can be empty in a tensor, so the others travel as such.
    return number if dtype.is_numeric() or dtype == pl.Boolean else types.StringTensorType


def _runner(content: bytes, columns: Mapping[str, pl.DataType]) -> Predict:
    """Return a function that predicts with a model in ONNX."""
    os.environ.setdefault(NO_TELEMETRY, "1")  # else it reports to Microsoft, from 1.29 on
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    known = session.get_modelmeta().custom_metadata_map.get(CLASSES, "[]")
    classes: list[str] = json.loads(known)
    if [*columns] != ["prediction", *(f"probability_{name}" for name in classes)]:
        raise ProjectError(f"model.py predicts other columns: {', '.join(columns)}")
    kinds = {it.name: NUMPY[it.type] for it in session.get_inputs()}

    def feed(inputs: pl.DataFrame) -> Iterator[tuple[str, object]]:
        if ALL in kinds:
            yield ALL, inputs.to_numpy().astype(kinds[ALL], copy=False)
            return
        for name, kind in kinds.items():
            values = inputs[name]
            if np.issubdtype(kind, np.floating):
                values = values.cast(pl.Float64)
            yield name, values.to_numpy().reshape(-1, 1).astype(kind, copy=False)

    def predict(inputs: pl.DataFrame) -> pl.DataFrame:
        with np.errstate(over="ignore"):  # then the prediction is no number, which is noticed
            values = dict(feed(inputs))
        label, *probabilities = session.run(None, values)
        of_classes = (probabilities[0][:, place] for place in range(len(classes)))
        found = zip(columns.items(), [np.ravel(label), *of_classes], strict=True)
        return pl.DataFrame([pl.Series(name, it).cast(dtype) for (name, dtype), it in found])

    return predict


def _difference(expected: pl.DataFrame, found: pl.DataFrame) -> str:
    """Say where two tables of predictions differ by more than the tolerance; empty if nowhere."""
    for name, dtype in expected.schema.items():
        if dtype.is_float():
            numbers = expected[name].to_numpy()
            scale = 1.0 if name != "prediction" else max(1.0, float(np.abs(numbers).max()))
            difference = float(np.abs(numbers - found[name].to_numpy()).max())
            if not difference <= TOLERANCE * scale:
                return f"{name} differs by {difference:.2g}"
        elif count := int((expected[name] != found[name]).sum()):
            return f"{name} differs in {count} of {expected.height} rows"
    return ""
