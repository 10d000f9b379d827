"""Work on parts: one after the other, or several at once in processes."""

import logging
import os
import signal
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache, partial
from importlib import import_module
from pathlib import Path
from typing import Any

import polars as pl
from tqdm import tqdm

from .base import tables
from .base.errors import ProjectError
from .base.tables import Outcome, Part

logger = logging.getLogger(__name__)

WORTH = 4  # parts from which on the start of further processes pays
THREADS = "POLARS_MAX_THREADS"
OF_MODELS = "OMP_NUM_THREADS"
TRAVEL = ("builtins", "polars.exceptions")  # modules whose errors other processes can return


@dataclass(frozen=True)
class Stage:
    """What a stage does with a part, as something from which each process makes it anew.

    Attributes:
        make: Makes it from some words; other processes import this function.
        words: The words, such as the names of the stage and of the model; a path among them is
            that of a file or a folder which the work needs.
        is_python: Whether it computes in Python, one thread at a time, and not in those of Polars.
        place: A folder, or a URL, at which all machines see what they need for the work; by default
            it is where the results are.
    """

    make: Callable[..., Callable[[Part], Any]]
    words: tuple[str | Path, ...]
    is_python: bool
    place: str = ""

    def each(self, work: Callable[[Part], Outcome], parts: Sequence[Part]) -> Iterator[Outcome]:
        """Work on all parts: one after the other, or in as many processes as Polars uses threads.

        Args:
            work: What this stage does with a part.
            parts: The parts.

        Yields:
            The outcome of each part, in the same order.

        Raises:
            ProjectError: If the work raises it, or if a process is killed.
        """
        count = min(pl.thread_pool_size(), len(parts))
        if len(parts) == 1:
            if len(parts[0].sources) > 1 and _engine():
                says = "%s: rows depend on others, so this machine works on all of them at once"
                logger.warning(says, self.words[0])
            yield work(parts[0])
        elif engine := _engine():
            yield from _watched(engine(self, parts), parts)
        elif self.is_python and count > 1 and len(parts) >= WORTH:
            yield from _watched(in_processes(count, self, parts), parts)
        else:
            yield from _watched(map(work, parts), parts)

    def __call__(self, part: Part) -> Any:  # noqa: ANN401
        """Do with a part what the stage does with it."""
        return _made(self)(part)


def _engine() -> Callable[[Stage, Sequence[Part]], Iterator[Any]] | None:
    """Return what works on parts on other machines, if there is such a piece and an address."""
    files = sorted(Path(__file__).parent.glob("distributed/*_engine.py"))
    engines = [import_module(f"{__package__}.distributed.{file.stem}") for file in files]
    engines = [engine for engine in engines if engine.address()]
    found = [name for engine in engines for name in engine.VARIABLES if os.environ.get(name)]
    if len(found) > 1:
        raise ProjectError(f"{' and '.join(found)} are set, here or in .env: unset all but one")
    each: Callable[[Stage, Sequence[Part]], Iterator[Any]] | None
    each = next((engine.each for engine in engines), None)
    return each


@lru_cache(maxsize=4)  # the workers of others may live long, and have work of several runs
def _made(stage: Stage) -> Callable[[Part], Any]:
    return stage.make(*stage.words)


def in_processes(count: int, work: Callable[[Any], object], parts: Sequence[Any]) -> Iterator[Any]:
    """Call a function in several processes at once, with one part at a time in each.

    Args:
        count: How many processes to start.
        work: The function, which other processes must be able to import.
        parts: What to call it with.

    Yields:
        What it returns for each part, in the same order.

    Raises:
        ProjectError: If a process is killed.
    """
    from concurrent.futures import ProcessPoolExecutor
    from concurrent.futures.process import BrokenProcessPool
    from multiprocessing import get_context

    with _one_thread_each():
        executor = ProcessPoolExecutor(count, get_context("spawn"), _prepare)
        try:
            yield from executor.map(partial(_answer, work), parts)
        except BrokenProcessPool as error:
            message = "a process was killed, perhaps for lack of memory"
            raise ProjectError(f"{message}: set {THREADS}=1, which starts no others") from error
        finally:
            executor.shutdown(cancel_futures=True)


def _answer(work: Callable[[Any], object], part: Any) -> object:  # noqa: ANN401
    """Call a function; an error that might not travel between processes becomes one that does."""
    try:
        return work(part)
    except ProjectError as error:
        raise ProjectError(str(error)) from error
    except (Exception, SystemExit) as error:
        kind = type(error)
        if issubclass(kind, Exception) and kind.__module__ in TRAVEL:
            raise
        raise RuntimeError(f"{kind.__name__}: {error}") from error


def _prepare() -> None:
    """Let this process end at Ctrl-C, and with the process that has started it."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    from multiprocessing import parent_process

    parent = parent_process()

    def wait() -> None:
        if parent:
            parent.join()
        os._exit(1)

    threading.Thread(target=wait, daemon=True).start()


@contextmanager
def _one_thread_each() -> Iterator[None]:
    """Let processes that start now use one thread each, since there is one for each core."""
    before = {name: os.environ.get(name) for name in (THREADS, OF_MODELS)}
    os.environ.update(dict.fromkeys(before, "1"))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _watched(outcomes: Iterable[Any], parts: Sequence[Part]) -> Iterator[Any]:
    """Show in a terminal how many rows and parts are done, how fast, and the time left."""
    height = sum(part.height for part in parts)
    # Where nobody knows how many rows there are, parts are counted.
    unit = {} if height else {"unit": " parts", "unit_scale": False}
    with tqdm(total=height or len(parts), **tables.BAR | unit) as bar:
        for number, (part, outcome) in enumerate(zip(parts, outcomes, strict=True), start=1):
            bar.set_postfix_str(f"{number} of {len(parts)} parts", refresh=False)
            bar.update(part.height if height else 1)
            yield outcome
