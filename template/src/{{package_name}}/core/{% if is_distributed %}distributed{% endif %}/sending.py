"""What the workers on other machines get with the parts, and what comes back."""

import builtins
import io
import json
import platform
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from hashlib import sha256
from importlib.metadata import requires, version
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import polars as pl
from fsspec.implementations.local import LocalFileSystem
from packaging.requirements import Requirement

from ..base import paths
from ..base.errors import ProjectError
from ..models.bundle import code_here
from .remote import store_of

if TYPE_CHECKING:
    from ..base.tables import Part
    from ..processes import Stage


@dataclass(frozen=True)
class Sent:
    """What the functions of `remote` take.

    Attributes:
        folder: A folder that all machines see, or its URL, which is removed in the end.
        task: What is done with each part.
        parts: The parts.
    """

    folder: str
    task: Mapping[str, Any]
    parts: Sequence[Mapping[str, Any]]


@contextmanager
def sent(stage: "Stage", parts: Sequence["Part"]) -> Iterator[Sent]:
    """Describe work, and put what it needs into a folder beside its targets.

    Args:
        stage: What is done with each part.
        parts: The parts; all machines must see their files under the same names.

    Yields:
        What goes to the workers; its folder is there until the end of the block.
    """
    place = stage.place or parts[0].targets[0].parent.absolute()
    folder = f"{place}/_{uuid4().hex}.work"
    store, root = store_of(folder)
    try:
        with explained(str(place)):
            make_folder(store, root)
            wanted = _wanted(folder, parts[0])
            sums = sorted(code_here().items())
            store.pipe_file(f"{root}/code.zip", _zip([name for name, _ in sums]))
            words = [*_words(stage.words, folder)]
        task = {
            "package": paths.PACKAGE.name,
            "code": f"{folder}/code.zip",
            "sha256": sha256(repr(sums).encode()).hexdigest(),
            "wanted": wanted,
            "folder": str(Path.cwd()),
            "make": (stage.make.__module__, stage.make.__name__),
            "words": words,
        }
        described = [
            {
                "sources": [str(it.absolute()) for it in part.sources],
                "targets": [str(it.absolute()) for it in part.targets],
                "height": part.height,
                "first": part.first,
                "is_all": part.is_all,
            }
            for part in parts
        ]
        yield Sent(folder, task, described)
    finally:
        with suppress(Exception):
            store.rm(root, recursive=True)


def _wanted(folder: str, part: "Part") -> dict[str, Any]:
    store, token = store_of(f"{folder}/token")
    text = uuid4().hex
    store.pipe_file(token, text.encode())
    needed = [Requirement(it) for it in requires(paths.PACKAGE.name) or [] if "extra ==" not in it]
    names = [it.name for it in needed if not it.marker or it.marker.evaluate()]
    return {
        "token": f"{folder}/token",
        "text": text,
        "sources": [str(it.absolute()) for it in part.sources[:1]],
        "python": ".".join(platform.python_version_tuple()[:2]),
        "versions": {name: version(name) for name in names},
    }


def _zip(names: Sequence[str]) -> bytes:
    """Pack files of the package."""
    root, packed = paths.PACKAGE.parent, io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED, strict_timestamps=False) as archive:
        for name in names:
            archive.write(root / name, name)
    return packed.getvalue()


def _words(words: Sequence[object], folder: str) -> Iterator[tuple[str, bool]]:
    """Copy the files and folders among the words to where the workers see them."""
    store, root = store_of(folder)
    for number, word in enumerate(words):
        if not isinstance(word, Path):
            yield str(word), False
            continue
        for file in sorted(it for it in word.rglob("*") if it.is_file()) or [word]:
            # One by one: to copy a folder, fsspec would take `[` in its name for a pattern.
            copy = PurePosixPath(root, str(number), file.relative_to(word.parent).as_posix())
            make_folder(store, str(copy.parent))
            store.put_file(str(file), str(copy))
        yield f"{folder}/{number}/{word.name}", True


def make_folder(store: Any, path: str) -> None:  # noqa: ANN401 - fsspec has no types
    """Make a folder, unless this is a store without folders, which might make a bucket."""
    if isinstance(store, LocalFileSystem):
        store.makedirs(path, exist_ok=True)


@contextmanager
def explained(place: str) -> Iterator[None]:
    """Say what a store refuses in one line; each kind of store has errors of its own."""
    try:
        yield
    except ProjectError:
        raise
    except Exception as error:
        raise ProjectError(f"cannot use {place}: {line_of(error)}") from error


def line_of(error: BaseException) -> str:
    """Return what an error says, in one line."""
    return " ".join(str(error).split()) or type(error).__name__


class _ThereError(Exception):
    """An error on a worker; its text is the traceback."""


def outcome(text: str | bytes) -> Any:  # noqa: ANN401
    """Return the outcome of a part.

    Args:
        text: What `remote.work` returned.

    Raises:
        ProjectError: If a worker lacks something, or if the work raised it; or else the error of
            the work.
    """
    found = json.loads(text)
    if "outcome" in found:
        return found["outcome"]
    if "unfit" in found:
        raise ProjectError(found["unfit"])
    names, message = found["error"], found["message"]
    if ProjectError.__name__ in names:
        raise ProjectError(message)
    error: Exception = RuntimeError(f"{names[0]}: {message}")
    for module in (builtins, pl.exceptions):
        kind = getattr(module, names[0], None)
        if isinstance(kind, type) and issubclass(kind, Exception):
            with suppress(TypeError):  # some are not made of one text
                error = kind(message)
    raise error from _ThereError(found["traceback"])
