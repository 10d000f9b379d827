"""Predict with a registered model, for any number of rows."""

import logging
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path, PurePath
from types import ModuleType
from typing import TextIO
from uuid import uuid4

import numpy as np
import pandera.polars as pa
import polars as pl
from numpy.typing import NDArray

from ..base import paths, reading
from ..base.dialect import Dialect
from ..base.errors import ProjectError
from ..base.history import History
from ..base.tables import Part, remove
from ..steps import own_rules
from ..steps.featurize import is_infinite, one_line_errors, transformed
from ..steps.rules import ROW
from ..steps.validate import IS_BAD, NUMBER, REASON, Checked, check

logger = logging.getLogger(__name__)

KNOWN = "\x1fknown target"
NEARLY_URL = re.compile(r"(\w{2,}:/)[^/]")
WRITERS: Mapping[str, Callable[[pl.LazyFrame, Path], object]] = {
    ".csv": lambda rows, path: rows.sink_csv(path),
    ".parquet": lambda rows, path: rows.sink_parquet(path),
    ".jsonl": lambda rows, path: rows.sink_ndjson(path),
}


@dataclass(frozen=True)
class Predictor:
    """A version of the model, with everything between raw rows and its predictions.

    Attributes:
        target: Name of the target column.
        schema: What a valid row is. Only with a history does it have the target, which may be
            empty.
        dialect: How the cells of raw rows are written.
        transform: Makes the inputs of the model from valid rows.
        model: Predicts one row of output for each row of inputs.
        columns: Types of the columns that `model` returns, by their names; empty if the version
            does not record them.
        history: How `transform` finds earlier rows, if it looks back.
    """

    target: str
    schema: pa.DataFrameSchema
    dialect: Dialect
    transform: Callable[[pl.LazyFrame], pl.LazyFrame]
    model: Callable[[pl.DataFrame], pl.DataFrame]
    columns: Mapping[str, pl.DataType]
    history: History | None

    def predict(self, rows: pl.DataFrame) -> pl.DataFrame:
        """Predict for raw rows in memory: `rows`, computed."""
        return self.rows(rows.lazy()).collect()

    def rows(self, raw: pl.LazyFrame, earlier: pl.LazyFrame | None = None) -> pl.LazyFrame:
        """Predict for raw rows.

        Args:
            raw: Raw rows; the target may be missing.
            earlier: Raw rows for `transform` to look back at, which get no prediction. Those that
                break the schema are left out; those that are also in `raw` supply the target there.

        Returns:
            One row for each raw row, in the same order, not computed yet: `row`, counted from 0,
            the columns of `model`, and the `reason` if a row breaks the schema and gets no
            prediction.

        Raises:
            ProjectError: If the rows do not fit the schema or the history, or if there are
                `earlier` rows but no history.
        """
        if self.history:
            return self._series(self.history, raw, earlier)
        if earlier is not None:
            raise ProjectError("this version looks at one row at a time: leave --history out")
        checked = check(raw, self.schema, self.dialect)
        columns = self.columns or self._columns_for(checked)

        def predicted(batch: pl.DataFrame) -> pl.DataFrame:
            valid = batch.select(checked.names).filter(~batch[IS_BAD])
            return self._answered(batch, checked, self.inputs(valid), columns)

        types = {NUMBER: pl.UInt32(), **columns, REASON: pl.String()}
        return checked.rows.map_batches(predicted, schema=types, streamable=True)

    def _series(
        self, history: History, raw: pl.LazyFrame, earlier: pl.LazyFrame | None
    ) -> pl.LazyFrame:
        """Predict for rows whose features need other rows, so all of them are held in memory."""
        if self.target not in raw.collect_schema():
            raw = raw.with_columns(pl.lit(None).alias(self.target))
        checked = check(raw, self.schema, self.dialect)
        rows = checked.rows.collect(engine="streaming")
        every = valid = rows.filter(~pl.col(IS_BAD)).select(checked.names)
        if earlier is not None:
            past = check(earlier, self.schema, self.dialect).valid.collect(engine="streaming")
            history.require(past.lazy())
            new = past.join(valid, on=history.key, how="anti", nulls_equal=True)
            known = past.select(*history.key, pl.col(self.target).alias(KNOWN))
            valid = valid.join(
                known, on=history.key, how="left", nulls_equal=True, maintain_order="left"
            ).select(
                pl.coalesce(name, KNOWN).alias(name) if name == self.target else name
                for name in checked.names
            )
            every = pl.concat([new, valid], how="diagonal")
        history.require(every.lazy())
        inputs = self.inputs(every).tail(valid.height)
        columns = self.columns or (self._modelled(inputs.head(1)).schema if valid.height else {})
        return self._answered(rows, checked, inputs, columns).lazy()

    def _answered(
        self,
        rows: pl.DataFrame,
        checked: Checked,
        inputs: pl.DataFrame,
        columns: Mapping[str, pl.DataType],
    ) -> pl.DataFrame:
        """Join to each row its prediction, or the reason why it has none."""
        reasons = pl.DataFrame(schema={ROW: pl.UInt32, REASON: pl.String})
        if rows[IS_BAD].any():  # most batches have no bad row, and need no reasons
            bad = rows.filter(IS_BAD)
            reasons.extend(bad.select(ROW, checked.explain(bad)[1]))
        valid = rows.select(ROW).filter(~rows[IS_BAD])
        if (faults := faults_of(inputs)) is not None:
            reasons.extend(valid.with_columns(faults.alias(REASON)).filter(faults != ""))
            valid, inputs = valid.filter(faults == ""), inputs.filter(faults == "")
        predicted = valid.hstack(self.modelled(inputs, columns))
        if reasons.is_empty():
            answered = predicted.with_columns(pl.lit(None, pl.String).alias(REASON))
        else:
            answered = (
                rows.select(ROW)
                .join(predicted, on=ROW, how="left", maintain_order="left")
                .join(reasons, on=ROW, how="left", maintain_order="left")
            )
        return answered.rename({ROW: NUMBER})

    def inputs(self, valid: pl.DataFrame) -> pl.DataFrame:
        """Make the inputs of the model from valid rows."""
        if valid.is_empty():
            return valid
        with one_line_errors("features.py"):
            inputs = transformed(self.transform, valid.lazy()).collect(engine="in-memory")
            if inputs.height != valid.height:
                raise pl.exceptions.ShapeError
        return inputs

    def modelled(self, inputs: pl.DataFrame, columns: Mapping[str, pl.DataType]) -> pl.DataFrame:
        """Predict for inputs of the model.

        Args:
            inputs: Inputs without faults; there may be none.
            columns: Types of the columns to return, by their names.
        """
        if inputs.is_empty():
            return pl.DataFrame(schema=columns)
        return self._modelled(inputs).cast(pl.Schema(columns))

    def _modelled(self, inputs: pl.DataFrame) -> pl.DataFrame:
        """Predict, and explain in one line what the model does not accept, such as empty cells."""
        try:
            return self.model(inputs)
        except ValueError as error:
            message = f"model.py cannot predict for these rows: {' '.join(str(error).split())}"
            raise ProjectError(message) from error

    def _columns_for(self, checked: Checked) -> Mapping[str, pl.DataType]:
        """Find out the columns from the first valid row, if the version does not record them."""
        first = checked.valid.head(1).collect(engine="streaming")
        return self._modelled(self.inputs(first)).schema if first.height else {}


def floats_of(table: pl.DataFrame) -> NDArray[np.floating]:
    """Return the columns of floats as one array, shape (rows, columns); null is NaN there."""
    names = [name for name, dtype in table.schema.items() if dtype.is_float()]
    return table[names].to_numpy() if names else np.empty((table.height, 0))


def faults_of(inputs: pl.DataFrame) -> pl.Series | None:
    """Say for each row which inputs are infinite, which no model can use; None if none is.

    Args:
        inputs: What `transform` made.

    Returns:
        A text for each row, which is empty where nothing is wrong.
    """
    if not np.isinf(floats_of(inputs)).any():
        return None
    named = (
        pl.when(found).then(pl.lit(f"{name} of features.py is infinite"))
        for name, found in is_infinite(inputs.schema).items()
    )
    joined = pl.concat_str(named, separator="; ", ignore_nulls=True)
    return inputs.select(joined.alias(REASON)).to_series()


def schema_of(
    schema: pa.DataFrameSchema, target: str, history: History | None
) -> pa.DataFrameSchema:
    """Return what a valid row to predict is: without the target, or with one that may be empty."""
    without_target = own_rules.without(schema, target)
    if not history:
        return without_target
    checks = [check for check in schema.columns[target].checks if check.ignore_na]
    schema = schema.update_column(target, nullable=True, checks=checks)
    schema.checks = without_target.checks
    return schema


@contextmanager
def file_of(place: str) -> Iterator[Path]:
    """Yield the path that rows are read from; other things are copied into a file first.

    Args:
        place: A file, a folder, a URL, a pipe, or `-` for standard input.

    Raises:
        ProjectError: If the rows cannot be read, with what to do about a file to predict.
    """
    path = Path(place)
    if place != "-" and not is_url(place) and not path.is_fifo():
        with advice():
            yield path
        return
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / (path.name if is_url(place) else "stdin")
        if is_url(place):
            stores().fetch(place, copy)
        elif place == "-":
            with copy.open("wb") as target:
                shutil.copyfileobj(_open_stream("stdin").buffer, target)
        else:
            with path.open("rb") as pipe, copy.open("wb") as target:
                shutil.copyfileobj(pipe, target)
        try:
            with advice():
                yield copy
        except ProjectError as error:
            raise ProjectError(str(error).replace(str(copy), place)) from error


@contextmanager
def target_of(place: str | None) -> Iterator[Path | None]:
    """Yield the path to write to; the file goes to a URL when all is written.

    Args:
        place: A file, or the URL of one; None for stdout.
    """
    local = (place or "").removeprefix("file://")
    if not place or not is_url(local):
        target = Path(local) if local else None
        if target:
            target.resolve().parent.mkdir(parents=True, exist_ok=True)
        yield target
        return
    with tempfile.TemporaryDirectory() as folder:
        made = Path(folder, Path(place).name)
        yield made
        stores().send(made, place)


@contextmanager
def advice() -> Iterator[None]:
    """Add to advice about training data what it means for a file to predict."""
    try:
        yield
    except ProjectError as error:
        remedy = "(or write the file to predict like the training data)"
        is_advice = any(word in str(error) for word in ("params.yaml", "source.py"))
        if not is_advice or remedy in str(error):
            raise
        raise ProjectError(f"{error} {remedy}") from error


def is_url(*places: str | None) -> bool:
    """Return whether one of some places is in an object store."""
    return any("://" in (place or "") for place in places)


def stores() -> ModuleType:
    """Return the module that reaches URLs, which a piece of the template brings."""
    return import_module(f"{paths.PACKAGE.name}.core.distributed.stores")


def refuse(source: str, place: str | None) -> None:
    """Refuse an input that is missing, and an output that cannot be written or is also the input.

    Args:
        source: What `file_of` takes.
        place: The file to write; None for stdout.
    """
    for it in (source, place or ""):
        if (begin := NEARLY_URL.match(it)) and not Path(it).exists():
            raise ProjectError(f"{it}: a URL begins with {begin[1]}/")
    if is_url(source, place):
        url = source if is_url(source) else place
        if not (paths.PACKAGE / "core/distributed").is_dir():
            message = f"{url} is not on this machine"
            raise ProjectError(f"{message}: `uvx nox -s add -- distributed` adds what reaches it")
        if place and source == "-" and is_folder(place):
            raise ProjectError(f"{place}: its name must end with {', '.join(WRITERS)}")
        if place and source != "-":
            stores().refuse_same(source, place)
        return
    path, output = Path(source), Path(place) if place else None
    if source != "-" and not path.exists():
        raise ProjectError(f"cannot read {source}: there is no such file")
    if output is None:
        return
    if path.is_dir() and is_folder(output.name):
        if output.exists():
            raise ProjectError(f"{output} exists: remove it, or name another folder to write to")
    elif output.is_dir():
        raise ProjectError(f"{output} is a folder: name a file to write to")
    elif output.suffix not in WRITERS:
        raise ProjectError(f"{output}: its name must end with {', '.join(WRITERS)}")
    if output.exists() and not output.is_file():
        raise ProjectError(f"{output} is not a file: name a file to write to")
    if path.exists() and path.resolve() in (output.resolve(), *output.resolve().parents):
        raise ProjectError(f"{output} is the input: name another output file")


def is_folder(output: str) -> bool:
    """Return whether an output is to be a folder: its name has no suffix of a file."""
    suffix = PurePath(output).suffix
    return suffix not in WRITERS if is_url(output) else not suffix


def targets_of(names: Iterable[PurePath]) -> dict[PurePath, PurePath]:
    """Name the result of each file of a folder.

    Args:
        names: The files, as the folder names them.

    Returns:
        The files by the names of their results.

    Raises:
        ProjectError: If two files would have the same result.
    """
    targets: dict[PurePath, PurePath] = {}
    for name in names:
        target = name.with_suffix(".parquet")
        if other := targets.get(target):
            raise ProjectError(f"{other} and {name} would both be {target}: rename one")
        targets[target] = name
    for target, name in targets.items():
        if folder := next((it for it in target.parents if it in targets), None):
            message = f"{targets[folder]} would be {folder}, which is a folder with {name}"
            raise ProjectError(f"{message}: rename one")
    return targets


@contextmanager
def by_file(source: Path, output: Path) -> Iterator[list[Part]]:
    """Divide a prediction into one for each file of a folder; the results come into their place.

    Args:
        source: The folder with files of rows.
        output: The folder to write: it gets a Parquet file for each file, of the same name.

    Yields:
        The files to read and to write.

    Raises:
        ProjectError: If two files would have the same result, or if results have been removed.
    """
    partial = output.with_name(f".{output.name}.{uuid4().hex}.partial")
    for old in output.parent.glob(f".{output.name}.*.partial"):
        remove(old)  # of a run that was killed
    files = reading.files_in(source)
    named = targets_of([file.relative_to(source) for file in files])
    targets = {partial / target: source / name for target, name in named.items()}
    gone = f"{output}: results are gone: is another `predict` writing to it?"
    try:
        for target in targets:
            target.parent.mkdir(parents=True, exist_ok=True)
        yield [
            Part([file], reading.shown_height([file]), 0, [target], is_all=False)
            for target, file in targets.items()
        ]
        for other in {it for it in partial.rglob("*") if it.is_file()} - targets.keys():
            other.unlink()  # of a process that was killed
        if not all(target.is_file() for target in targets):
            raise ProjectError(gone)
        partial.rename(output)
    except Exception as error:
        if partial.is_dir():
            raise
        raise ProjectError(gone) from error  # which a process has noticed in its own way
    finally:
        remove(partial)


def write(predictions: pl.LazyFrame, output: Path | None) -> tuple[int, int]:
    """Write predictions into a file, whole or not at all, or to stdout as CSV.

    Args:
        predictions: What `Predictor.rows` returned.
        output: The file; the suffix of its name decides the format.

    Returns:
        How many rows were written, and how many of them have no prediction.
    """
    counts: list[tuple[int, int]] = []

    def count(batch: pl.DataFrame) -> pl.DataFrame:
        counts.append((batch.height, batch.height - batch[REASON].null_count()))
        return batch

    schema = predictions.collect_schema()
    rows = predictions.map_batches(count, schema=schema, streamable=True)
    try:
        if output is None:
            _print(rows)
        else:
            _write(rows, output)
    except pl.exceptions.PolarsError as error:
        raise ProjectError(f"cannot predict: {str(error).splitlines()[0]}") from error
    return sum(height for height, _ in counts), sum(without for _, without in counts)


def _write(rows: pl.LazyFrame, output: Path) -> None:
    """Write a file, whole or not at all."""
    output = output.resolve()  # a link stays, and what it names is written
    partial = output.with_name(f".{uuid4().hex}{output.suffix}")
    try:
        WRITERS[output.suffix](rows, partial)
        partial.replace(output)
    finally:
        partial.unlink(missing_ok=True)


def _print(rows: pl.LazyFrame) -> None:
    """Print CSV until the reader closes the pipe."""
    target = _open_stream("stdout")
    try:
        target.write(pl.DataFrame(schema=rows.collect_schema()).write_csv())
        for batch in rows.collect_batches():
            target.write(batch.write_csv(include_header=False))
        target.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), target.fileno())


def _open_stream(name: str) -> TextIO:
    """Return standard input or output, which whoever calls this may have closed."""
    stream: TextIO | None = getattr(sys, name)
    if stream is None:
        raise ProjectError(f"{name} is closed: name a file instead")
    return stream
