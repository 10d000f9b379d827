"""Read rows below a URL, such as `s3://bucket/new`, and write predictions below another one."""

import json
import re
import shutil
import tempfile
import weakref
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Self
from uuid import uuid4

from fsspec.implementations.local import LocalFileSystem
from fsspec.implementations.memory import MemoryFileSystem

from .. import prediction
from ..base import reading
from ..base.errors import ProjectError
from ..base.settings import Environment
from ..base.tables import Part
from ..models.bundle import Bundle
from ..models.predict import targets_of
from ..processes import Stage
from .remote import store_of
from .sending import explained, make_folder

MANIFEST = "_manifest.json"  # written last
UNFINISHED = "_unfinished"  # written first, and removed after the manifest is there
WORK = re.compile(r"_[0-9a-f]{32}\.work/")  # what a command that was killed has left for workers


@dataclass(frozen=True)
class Place:
    """Where files are.

    Attributes:
        address: The URL, as it was given; for a folder of this machine, its path.
        store: The store of fsspec.
        root: The path in the store, written in one way.
    """

    address: str
    store: Any
    root: str

    @classmethod
    def of(cls, address: str) -> Self:
        """Find a place.

        Args:
            address: A URL, or a path.

        Raises:
            ProjectError: If there is no such kind of store, or if a path in it is not plain.
        """
        Environment.load()  # .env may hold the keys of a store
        with explained(address):
            store, root = store_of(address)
        if isinstance(store, LocalFileSystem):
            root = str(Path(root).resolve())
            return cls(root, store, root)
        root = root.rstrip("/") if store.root_marker else root.strip("/")
        if "://" not in root and {"", ".", ".."} & {*root.lstrip("/").split("/")}:
            raise ProjectError(f"{address}: write it without empty names, `.` and `..`")
        return cls(address.rstrip("/"), store, root)

    def files(self) -> list[str]:
        """List the files below this place, or the one that is there.

        Raises:
            ProjectError: If the place cannot be read, or if there is none.
        """
        if isinstance(self.store, LocalFileSystem) and Path(self.root).is_dir():
            return [str(file) for file in reading.files_in(Path(self.root))]
        with explained(self.address):
            found = [it for it in sorted(self.store.find(self.root)) if not it.endswith("/")]
            if not found:
                try:
                    self.store.info(self.root)  # may say why, where a list is just empty
                except FileNotFoundError as error:
                    if error.__cause__:
                        raise error.__cause__ from None
        if not found:
            raise ProjectError(f"cannot read {self.address}: there is no file")
        return found

    def name_of(self, file: str) -> str:
        """Return the name below this place of a file in its store; empty if it is the place."""
        return file.removeprefix(self.root).lstrip("/")

    def is_within(self, other: Self) -> bool:
        """Return whether this place is the other one, or below it."""
        is_below = f"{self.root}/".startswith(f"{other.root}/")
        return type(self.store) is type(other.store) and is_below

    @contextmanager
    def claimed(self, names: Sequence[str]) -> Iterator[Callable[[Mapping[str, Any]], None]]:
        """Keep this place for what the block writes; if it writes nothing, leave it as it was.

        What an unfinished command has written there is removed.

        Args:
            names: The files that the block will write.

        Yields:
            What writes the manifest in the end.

        Raises:
            ProjectError: If something else is there, or comes there.
        """
        store, mark = self.store, f"{self.root}/{UNFINISHED}"
        claim = json.dumps({"token": uuid4().hex, "files": [*names]}).encode()
        is_new = isinstance(store, LocalFileSystem) and not store.exists(self.root)
        with explained(self.address):
            for name in self._left():
                store.rm_file(f"{self.root}/{name}")
            make_folder(store, self.root)
            store.pipe_file(mark, claim)

        def finish(content: Mapping[str, Any]) -> None:
            with explained(self.address):
                store.invalidate_cache()
                if store.cat_file(mark) != claim:
                    raise FileExistsError("another `predict` writes there")
                if {*names} - self._names():
                    raise FileNotFoundError("results that were written are not there")
                manifest = f"{json.dumps(content, indent=2)}\n".encode()
                store.pipe_file(f"{self.root}/{MANIFEST}", manifest)

        try:
            yield finish
        finally:
            with suppress(Exception):
                store.invalidate_cache()
                found = self._names()
                if MANIFEST in found or found == {UNFINISHED}:
                    store.rm_file(mark)
                if is_new:
                    store.rmdir(self.root)  # unless something is in it

    def _names(self) -> set[str]:
        """List what is below this place, by the names that it has there."""
        return {self.name_of(file) for file in self.store.find(self.root)}

    def _left(self) -> set[str]:
        """List what an unfinished command has left here, and refuse anything else."""
        self.store.invalidate_cache()
        try:
            listed = self.store.ls(self.root, detail=False)
        except FileNotFoundError:
            return set()
        found = {str(it).rstrip("/").rpartition("/")[2] for it in listed}
        remedy = "remove what is there, or name another place"
        if MANIFEST in found:
            raise ProjectError(f"there are predictions at {self.address} already: {remedy}")
        left: set[str] = set()
        if UNFINISHED in found:
            claim = json.loads(self.store.cat_file(f"{self.root}/{UNFINISHED}"))
            names = self._names()
            left = names & {UNFINISHED, *claim["files"]}
            found = {it for it in names - left if not WORK.match(it)}
        if found:
            raise ProjectError(f"{self.address} is not empty ({min(found)}): {remedy}")
        return left


def refuse_same(source: str, output: str) -> None:
    """Refuse to write to where the rows are, or to where nothing stays."""
    read, write = Place.of(source), Place.of(output)
    if isinstance(write.store, MemoryFileSystem):
        raise ProjectError(f"{output} would not outlast this command: name another place")
    if write.is_within(read):
        what = "is the input" if write.root == read.root else "is below the input"
        raise ProjectError(f"{output} {what}: name another place")


def fetch(address: str, copy: Path) -> None:
    """Copy the file at a URL, or the files below it, to this machine.

    Args:
        address: The URL.
        copy: Where to write the file, or the folder.
    """
    place = Place.of(address)
    for file in place.files():
        name = place.name_of(file)
        target = copy / name if name else copy
        target.parent.mkdir(parents=True, exist_ok=True)
        with explained(f"{address}/{name}" if name else address):
            place.store.get_file(file, str(target))


def send(made: Path, address: str) -> None:
    """Copy a file of this machine to a URL."""
    place = Place.of(address)
    with explained(address):
        make_folder(place.store, str(PurePosixPath(place.root).parent))
        place.store.put_file(str(made), place.root)


def predict_below(
    version: Bundle, source: str, output: str, ingested: str
) -> list[tuple[int, int]]:
    """Predict for each file below a URL, several at once.

    An object store cannot rename a folder. So the results are whole only when the manifest is
    there, which is written last and names each file.

    Args:
        version: The version.
        source: Where the files of rows are.
        output: Where to write: a Parquet file for each file, of the same name, and the manifest.
        ingested: Some text if `source.py` has read the rows already, else empty.

    Returns:
        For each file, how many rows there were, and how many of them have no prediction.

    Raises:
        ProjectError: If a place cannot be used, or if something is at `output`.
    """
    refuse_same(source, output)
    read, write = Place.of(source), Place.of(output)
    found = read.files()
    if found == [read.root]:
        read = Place.of(read.address.rpartition("/")[0])
    names = [PurePosixPath(read.name_of(file)) for file in found]
    named = targets_of(name for name in names if not any(map(reading.is_hidden, name.parts)))
    targets = {str(target): str(name) for target, name in named.items()}
    if not targets:
        raise ProjectError(f"cannot read {source}: there is no file")
    with write.claimed([*targets]) as finish, tempfile.TemporaryDirectory() as folder:
        listed = Path(folder) / "names.json"
        listed.write_text(json.dumps([*targets.items()]), encoding="utf-8")
        words = (version.folder, read.address, write.address, ingested, listed)
        stage = Stage(work, words, is_python=True, place=write.address)
        parts = [Part([], 0, number, [], is_all=False) for number in range(len(targets))]
        counts = [*stage.each(stage, parts)]
        files = {
            target: {"rows": rows, "without_prediction": without}
            for target, (rows, without) in zip(targets, counts, strict=True)
        }
        finish({"version_sha256": version.sha256, "source": source, "files": files})
    return counts


def work(
    version: Path, source: str, output: str, ingested: str, names: Path
) -> Callable[[Part], tuple[int, int]]:
    """Return what predicts for a file below a URL, whose number is the first row of the part.

    Args:
        version: The folder of the version.
        source: Where the files of rows are.
        output: Where to write.
        ingested: Some text if `source.py` has read the rows already, else empty.
        names: A file with the names of the results and of the files.
    """
    scratch = tempfile.mkdtemp()
    predict_file = prediction.work(version, scratch, ingested)
    pairs = json.loads(names.read_text(encoding="utf-8"))
    read, write = Place.of(source), Place.of(output)

    def predict_object(part: Part) -> tuple[int, int]:
        target, name = pairs[part.first]
        rows, made = Path(scratch, name), Path(scratch, ".predicted.parquet")
        rows.parent.mkdir(parents=True, exist_ok=True)
        try:
            with explained(f"{source}/{name}"):
                read.store.get_file(f"{read.root}/{name}", str(rows))
            counts = predict_file(Part([rows], 0, 0, [made], is_all=False))
            with explained(f"{output}/{target}"):
                make_folder(write.store, str(PurePosixPath(write.root, target).parent))
                write.store.put_file(str(made), f"{write.root}/{target}")
        except ProjectError as error:
            raise ProjectError(str(error).replace(str(rows), f"{source}/{name}")) from error
        finally:
            for file in (rows, made):
                file.unlink(missing_ok=True)
        return counts

    weakref.finalize(predict_object, shutil.rmtree, scratch, ignore_errors=True)
    return predict_object
