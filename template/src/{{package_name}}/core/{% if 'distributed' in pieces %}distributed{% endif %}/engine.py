"""Work on the parts of a table with the workers of Dask."""

import logging
import os
import platform
import shutil
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from hashlib import sha256
from importlib.metadata import requires, version
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from packaging.requirements import Requirement

from ..base import paths
from ..base.errors import ProjectError
from ..base.settings import Environment
from ..models.bundle import code_here
from . import remote

if TYPE_CHECKING:
    from distributed import Client

    from ..base.tables import Part
    from ..processes import Stage

logger = logging.getLogger(__name__)

ADDRESS = "DASK_SCHEDULER_ADDRESS"
PATIENCE = 10  # seconds for the scheduler to answer


def address() -> str:
    """Return where the scheduler is; empty if this machine works on the parts itself."""
    Environment.load()  # reads .env
    found = os.environ.get(ADDRESS, "")
    if found and not find_spec("distributed"):
        logger.info("dask: it is not installed in the environment of this version")
        return ""
    return found


def each(stage: "Stage", parts: Sequence["Part"]) -> Iterator[Any]:
    """Work on parts with the workers of Dask.

    Args:
        stage: What is done with each part.
        parts: The parts; all machines must see their files under the same names.

    Yields:
        The outcome of each part, in the same order.

    Raises:
        ProjectError: If the scheduler does not answer, or if a worker does not have what it needs;
            or else what the work raises.
    """
    from distributed import KilledWorker, as_completed

    with _client() as client, _shared(parts) as folder:
        code, sums = folder / "code.zip", sorted(code_here().items())
        _zip(code, [name for name, _ in sums])
        _refuse_unfit(client, folder, parts[0])
        task = {
            "package": paths.PACKAGE.name,
            "code": str(code),
            "sha256": sha256(repr(sums).encode()).hexdigest(),
            "folder": str(Path.cwd()),
            "make": (stage.make.__module__, stage.make.__name__),
            "words": [*_sent(stage.words, folder)],
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
        futures = client.map(remote.work, [task] * len(parts), described, pure=False)
        places = {future.key: place for place, future in enumerate(futures)}
        outcomes: dict[int, object] = {}
        first = 0  # that is not yielded yet
        try:
            done = as_completed(  # type: ignore[no-untyped-call]
                futures, client.loop, with_results=True
            )
            for future, outcome in done:
                outcomes[places[future.key]] = outcome
                future.release()  # so that nothing is done again if its worker dies now
                while first in outcomes:
                    yield outcomes.pop(first)
                    first += 1
        except KilledWorker as error:
            message = "several workers died while they worked on one part"
            raise ProjectError(f"{message}, perhaps for lack of memory: {error}") from error
        finally:
            if first < len(parts):
                client.cancel(futures, force=True)  # type: ignore[no-untyped-call]


@contextmanager
def _client() -> Iterator["Client"]:
    import cloudpickle  # type: ignore[import-untyped]
    from distributed import Client

    place = address()
    try:
        client = Client(  # type: ignore[no-untyped-call]
            place, timeout=PATIENCE, set_as_default=False
        )
    except (OSError, TimeoutError, ValueError) as error:
        raise ProjectError(f"{ADDRESS}: no scheduler of Dask answers at {place}") from error
    cloudpickle.register_pickle_by_value(remote)
    try:
        with client:
            if not client.scheduler_info(n_workers=-1)["workers"]:
                raise ProjectError(f"the scheduler at {place} has no workers: start `dask worker`")
            logger.info("dask: %s, its page is %s", place, client.dashboard_link)
            yield client
    finally:
        cloudpickle.unregister_pickle_by_value(remote)


@contextmanager
def _shared(parts: Sequence["Part"]) -> Iterator[Path]:
    """Make a folder beside the targets for what the workers need, and remove it in the end."""
    folder = parts[0].targets[0].parent.absolute() / f"{uuid4().hex}.work"
    folder.mkdir()
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _zip(file: Path, names: Sequence[str]) -> None:
    """Pack the files of the package."""
    root = paths.PACKAGE.parent
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in names:
            archive.write(root / name, name)


def _sent(words: Sequence[object], folder: Path) -> Iterator[tuple[str, bool]]:
    """Copy the files and folders among the words to where the workers see them."""
    for number, word in enumerate(words):
        if not isinstance(word, Path):
            yield str(word), False
            continue
        copy = folder / str(number) / word.name
        copy.parent.mkdir()
        (shutil.copytree if word.is_dir() else shutil.copyfile)(word, copy)
        yield str(copy), True


def _refuse_unfit(client: "Client", folder: Path, part: "Part") -> None:
    """Refuse workers that have other packages, or do not see the files."""
    token = folder / "token"
    token.write_text(uuid4().hex, encoding="utf-8")
    package = paths.PACKAGE.name
    needed = [Requirement(it) for it in requires(package) or [] if "extra ==" not in it]
    names = [it.name for it in needed if not it.marker or it.marker.evaluate()]
    source = str(part.sources[0].absolute())
    answers = client.run(remote.look, str(token), source, names, on_error="return")
    here = {name: version(name) for name in names}
    python = ".".join(platform.python_version_tuple()[:2])
    for worker, answer in answers.items():
        if fault := _fault(answer, token.read_text(encoding="utf-8"), python, here):
            raise ProjectError(f"the worker {worker} {fault}")


def _fault(answer: Any, token: str, python: str, here: Mapping[str, str]) -> str:  # noqa: ANN401
    if isinstance(answer, BaseException):
        return f"does not answer: {' '.join(str(answer).split())}"
    if answer["file"] != token or not answer["sees_rows"]:
        return "does not see the files of this folder: it needs the same storage, at the same path"
    if answer["python"] != python:
        return f"has Python {answer['python']}, and here is {python}: use one environment"
    for name, wanted in here.items():
        if (found := answer["versions"][name]) != wanted:
            has = f"has {name} {found}" if found else f"lacks {name}"
            return f"{has}, and here is {wanted}: install what uv.lock says there"
    return ""
