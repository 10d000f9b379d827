"""Estimators and their files: no pickle, reproducible bytes, checked by hash."""

import io
import json
import re
import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import polars as pl
from numpy.typing import NDArray

from . import paths
from .errors import ProjectError

SCHEMA = "schema.json"
EPOCH = (1980, 1, 1, 0, 0, 0)


class Estimator(Protocol):
    """An estimator with scikit-learn's interface, for which scikit-learn has no type."""

    def fit(self, features: pl.DataFrame, target: pl.Series) -> object:
        """Fit in place."""

    def predict(self, features: pl.DataFrame) -> NDArray[np.generic]:
        """Predict one value for each row."""


class Classifier(Estimator, Protocol):
    """An estimator that predicts the probability of each class."""

    classes_: NDArray[np.generic]

    def predict_proba(self, features: pl.DataFrame) -> NDArray[np.float64]:
        """Predict probabilities, shape (rows, classes)."""


Fit = Callable[[Any, pl.LazyFrame, str], Estimator]


def fit_at_once(estimator: Estimator, rows: pl.LazyFrame, target: str) -> Estimator:
    """Fit an estimator with all rows in memory.

    Args:
        estimator: An estimator that is not fitted yet.
        rows: The inputs and the target.
        target: Name of the target column.

    Returns:
        The fitted estimator.
    """
    table = rows.collect()
    estimator.fit(table.drop(target), table[target])
    return estimator


def refuse_empty(target: pl.Series, rows: str) -> None:
    """Refuse a target with empty cells, since no metric can compare them.

    Args:
        target: The target of each row.
        rows: What the rows are, for the error message.

    Raises:
        ProjectError: If a cell is empty.
    """
    if empty := target.null_count():
        message = f"{empty} {rows} have no {target.name}: make that column not nullable"
        raise ProjectError(f"{message} in schema.py, and such rows go into quarantine")


def refuse_unlearnable(target: pl.Series, rows: str) -> None:
    """Refuse a target from which nothing can be learned.

    Args:
        target: The target of each row.
        rows: What the rows are, for the error message.

    Raises:
        ProjectError: If a cell is empty, or if all cells have one value.
    """
    refuse_empty(target, rows)
    if target.n_unique() == 1:
        message = f"{target.name} is {target[0]} in all {target.len()} {rows}"
        raise ProjectError(f"{message}, so there is nothing to learn: see the data, and `split`")


@dataclass(frozen=True)
class Format:
    """How a model is written to a file and read from it.

    Attributes:
        suffix: The end of the file's name, such as `.json`.
        write: Returns the content of the file; the same model must give the same bytes.
        read: Returns the model for the content. It must not run code from it, as pickle does.
    """

    suffix: str
    write: Callable[[Any], bytes]
    read: Callable[[bytes], Any]

    def __post_init__(self) -> None:
        """Refuse a suffix with which nobody could find the file again."""
        if not re.fullmatch(r"\.\w+", self.suffix) or self.suffix == ".whl":
            message = f"FORMAT in model.py: the suffix is {self.suffix!r}"
            raise ProjectError(f"{message}, and must be a dot and letters or digits, as .json")

    def file(self, files: paths.Files = paths.FIRST) -> Path:
        """Return the file of the model."""
        return files.model.with_suffix(self.suffix)


class Model(Protocol):
    """The module `model.py`, which may also have `FORMAT`, a `Format`, and `fit`, a `Fit`."""

    TRUSTED_TYPES: list[str]


def format_of(model: Model) -> Format:
    """Return the format of the model: `FORMAT` of `model.py`, or else skops."""
    found: Format = getattr(model, "FORMAT", None) or as_skops(model.TRUSTED_TYPES)
    return found


def fit_of(model: Model) -> Fit:
    """Return what fits the model: `fit` of `model.py`, or else its own `fit` with all rows."""
    found: Fit = getattr(model, "fit", None) or fit_at_once
    return found


def formats(model: Model, files: paths.Files = paths.FIRST) -> dict[Path, Format]:
    """Return the files of the model and of the baseline, which is always written by skops."""
    form = format_of(model)
    return {form.file(files): form, files.baseline: as_skops(model.TRUSTED_TYPES)}


def as_skops(trusted: Sequence[str]) -> Format:
    """Return the format of skops.

    Args:
        trusted: Types that a file may hold in addition to those that skops trusts.
    """

    def write(model: object) -> bytes:
        import skops.io  # this import takes a second, and `register` only reads the hashes

        content = skops.io.dumps(model)
        try:
            refuse_untrusted(content)
        except ProjectError as error:
            raise ProjectError(f"model.py: the estimator {error}") from None
        return _canonical(content)

    def read(content: bytes) -> object:
        import skops.io

        refuse_untrusted(content)
        return skops.io.loads(content, trusted=list(trusted))

    def refuse_untrusted(content: bytes) -> None:
        import skops.io

        try:
            unknown = set(skops.io.get_untrusted_types(data=content)) - set(trusted)
        except (zipfile.BadZipFile, KeyError, ValueError):
            raise ProjectError("is not a skops file") from None
        if unknown:
            raise ProjectError(f"holds {', '.join(sorted(unknown))}: see TRUSTED_TYPES in model.py")

    return Format(".skops", write, read)


def save(models: Mapping[Path, bytes]) -> None:
    """Write models and, in the format of `sha256sum`, their hashes and that of uv.lock.

    Args:
        models: The contents of files, all in one folder, which is created if missing.
    """
    [folder] = {path.parent for path in models}
    folder.mkdir(parents=True, exist_ok=True)
    sums = ""
    for path, content in models.items():
        path.write_bytes(content)
        sums += f"{sha256(content).hexdigest()}  {path.name}\n"
    if paths.UV_LOCK.is_file():  # the environment that the models were trained in
        sums += f"{sha256(paths.UV_LOCK.read_bytes()).hexdigest()}  {_lock_from(folder)}\n"
    (folder / paths.SHA256SUMS.name).write_text(sums, encoding="utf-8", newline="\n")


def recorded_sha256(file: Path) -> dict[str, str]:
    """Read hashes in the format of `sha256sum`, by the names of the files."""
    lines = file.read_text(encoding="utf-8").splitlines()
    return {name: digest for digest, _, name in (line.partition("  ") for line in lines)}


def recorded_lock(sums: Path) -> str:
    """Return the hash of uv.lock at the time of training; empty if there was none.

    Args:
        sums: What `save` wrote beside the models.
    """
    return recorded_sha256(sums).get(_lock_from(sums.parent), "")


def _lock_from(folder: Path) -> str:
    return "../" * len(folder.parts) + paths.UV_LOCK.name


def load_recorded(path: Path, form: Format) -> Classifier:
    """Read a model of the last run, and check it against the hash that `save` recorded."""
    try:
        return load(path, recorded_sha256(path.with_name(paths.SHA256SUMS.name))[path.name], form)
    except (FileNotFoundError, KeyError):
        raise ProjectError(f"there is no {path} yet: run `uvx nox -s pipeline`") from None


def load(path: Path, expected_sha256: str, form: Format) -> Classifier:
    """Check the hash of a model file, then read the model.

    Args:
        path: The file.
        expected_sha256: 64 hexadecimal digits.
        form: How it was written.

    Returns:
        The fitted estimator.

    Raises:
        ProjectError: If the file is not the one that was saved, or has another format.
    """
    content = path.read_bytes()
    if sha256(content).hexdigest() != expected_sha256:
        raise ProjectError(f"{path} is not the file that was saved: its SHA-256 differs")
    try:
        model: Classifier = form.read(content)
    except ProjectError as error:
        raise ProjectError(f"{path} {error}") from None
    except ValueError as error:  # such as damaged JSON
        reason = " ".join(str(error).split())
        raise ProjectError(f"{path} cannot be read by FORMAT of model.py: {reason}") from error
    return model


def _canonical(content: bytes) -> bytes:
    """Rewrite a skops file so that the same model has the same bytes.

    Skops names objects and arrays by their memory addresses, and a zip file holds times. So
    addresses are replaced by numbers in order of appearance, and members are sorted and get the
    same date.
    """
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    numbers: dict[str, int] = {}

    def renumber(node: object) -> object:
        if isinstance(node, list):
            return [renumber(item) for item in node]
        if not isinstance(node, dict):
            return node
        renumbered = {key: renumber(value) for key, value in node.items()}
        if "__id__" in node:
            renumbered["__id__"] = numbers.setdefault(str(node["__id__"]), len(numbers))
        if isinstance(file := node.get("file"), str):
            renumbered["file"] = _renamed(file, numbers)
        return renumbered

    schema = json.dumps(renumber(json.loads(members.pop(SCHEMA))), indent=1)
    renamed = {_renamed(name, numbers): data for name, data in members.items()}
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        for name, data in sorted({**renamed, SCHEMA: schema.encode()}.items()):
            archive.writestr(zipfile.ZipInfo(name, EPOCH), data, zipfile.ZIP_DEFLATED)
    return target.getvalue()


def _renamed(name: str, numbers: dict[str, int]) -> str:
    address, dot, ending = name.partition(".")
    return f"{numbers.setdefault(address, len(numbers))}{dot}{ending}"
