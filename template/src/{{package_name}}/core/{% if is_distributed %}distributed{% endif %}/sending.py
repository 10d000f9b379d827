"""What the workers on other machines get with the parts, and what comes back."""

import builtins
import json
import platform
import shutil
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from importlib.metadata import requires, version
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import polars as pl
from packaging.requirements import Requirement

from ..base import paths
from ..base.errors import ProjectError
from ..models.bundle import code_here

if TYPE_CHECKING:
    from ..base.tables import Part
    from ..processes import Stage


@dataclass(frozen=True)
class Sent:
    """What the functions of `remote` take.

    Attributes:
        folder: A folder on the shared storage, which is removed in the end.
        wanted: What a worker needs.
        task: What is done with each part.
        parts: The parts.
    """

    folder: Path
    wanted: Mapping[str, Any]
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
    folder = parts[0].targets[0].parent.absolute() / f"{uuid4().hex}.work"
    folder.mkdir()
    try:
        wanted = _wanted(folder, parts[0])
        code, sums = folder / "code.zip", sorted(code_here().items())
        _zip(code, [name for name, _ in sums])
        task = {
            "package": paths.PACKAGE.name,
            "code": str(code),
            "sha256": sha256(repr(sums).encode()).hexdigest(),
            "wanted": wanted,
            "folder": str(Path.cwd()),
            "make": (stage.make.__module__, stage.make.__name__),
            "words": [*_words(stage.words, folder)],
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
        yield Sent(folder, wanted, task, described)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _wanted(folder: Path, part: "Part") -> dict[str, Any]:
    token = folder / "token"
    token.write_text(uuid4().hex, encoding="utf-8")
    needed = [Requirement(it) for it in requires(paths.PACKAGE.name) or [] if "extra ==" not in it]
    names = [it.name for it in needed if not it.marker or it.marker.evaluate()]
    return {
        "token": str(token),
        "text": token.read_text(encoding="utf-8"),
        "source": str(part.sources[0].absolute()),
        "python": ".".join(platform.python_version_tuple()[:2]),
        "versions": {name: version(name) for name in names},
    }


def _zip(file: Path, names: Sequence[str]) -> None:
    """Pack the files of the package."""
    root = paths.PACKAGE.parent
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in names:
            archive.write(root / name, name)


def _words(words: Sequence[object], folder: Path) -> Iterator[tuple[str, bool]]:
    """Copy the files and folders among the words to where the workers see them."""
    for number, word in enumerate(words):
        if not isinstance(word, Path):
            yield str(word), False
            continue
        copy = folder / str(number) / word.name
        copy.parent.mkdir()
        (shutil.copytree if word.is_dir() else shutil.copyfile)(word, copy)
        yield str(copy), True


class _ThereError(Exception):
    """An error on a worker; its text is the traceback."""


def outcome(text: str) -> Any:  # noqa: ANN401
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
    name, message = found["error"], found["message"]
    if name == ProjectError.__name__:
        raise ProjectError(message)
    for module in (builtins, pl.exceptions):
        kind = getattr(module, name, None)
        if isinstance(kind, type) and issubclass(kind, Exception):
            break
    else:
        kind, message = RuntimeError, f"{name}: {message}"
    raise kind(message) from _ThereError(found["traceback"])
