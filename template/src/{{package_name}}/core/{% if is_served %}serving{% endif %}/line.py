"""The requests that wait, and the thread that answers them, several at once where it can."""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from threading import Condition, Thread

import polars as pl

from ..base.errors import ProjectError
from .errors import RequestError, busy
from .served import Answer, Served

logger = logging.getLogger(__name__)

TOGETHER = 64  # most requests that are answered at once
VERSION = "X-Model-Version"
FAILED = "the service failed to answer: its log says why"


@dataclass(frozen=True)
class Reply:
    """What goes back to whoever sent a request.

    Attributes:
        content: The body.
        headers: The headers that describe it.
    """

    content: bytes
    headers: dict[str, str]


@dataclass(frozen=True)
class Request:
    """A request for predictions, as one of the protocols reads and answers it.

    Attributes:
        name: What names it in the log and in the answer.
        read: Reads its rows.
        write: Writes the answer.
    """

    name: str
    read: Callable[[Served], pl.DataFrame]
    write: Callable[[Served, Answer], Reply]


Job = tuple[Request, "asyncio.Future[Reply]", asyncio.AbstractEventLoop]
Watch = Callable[[Request, Served, pl.DataFrame, Answer], None]


class Line:
    """Requests that wait for an answer."""

    def __init__(self, served: Callable[[], Served], watch: Watch, most: int) -> None:
        """Start the thread that answers.

        Args:
            served: Returns the version that answers now.
            watch: Is told of each answer, in that thread.
            most: Most requests that wait.
        """
        self._served, self._watch, self._most = served, watch, most
        self._jobs: deque[Job] = deque()
        self._changed = Condition()
        self._is_open = True
        self._thread = Thread(target=self._run, name="answers", daemon=True)
        self._thread.start()

    def __len__(self) -> int:
        """Return how many requests wait."""
        return len(self._jobs)

    @property
    def is_answering(self) -> bool:
        """Whether the thread that answers runs."""
        return self._thread.is_alive()

    async def answer(self, request: Request) -> Reply:
        """Wait for the answer to a request.

        Raises:
            RequestError: If it is refused, or if too many others wait.
        """
        loop = asyncio.get_running_loop()
        done: asyncio.Future[Reply] = loop.create_future()
        with self._changed:
            if not self._is_open:
                raise busy(503, "the service is stopping")
            if len(self._jobs) >= self._most:
                raise busy(429, "too many requests are waiting")
            self._jobs.append((request, done, loop))
            self._changed.notify()
        return await done

    def close(self) -> None:
        """Answer the requests that wait, and take no more."""
        with self._changed:
            self._is_open = False
            self._changed.notify()
        self._thread.join()

    def _run(self) -> None:
        while jobs := self._next():
            served = self._served()
            try:
                self._answer(served, [job for job in jobs if not job[1].cancelled()])
            except (
                BaseException
            ) as error:  # nothing may stop this thread, no panic of Polars either
                logger.exception("serve: a request failed")
                for job in jobs:
                    _settle(job, error)

    def _next(self) -> list[Job]:
        with self._changed:
            self._changed.wait_for(lambda: self._jobs or not self._is_open)
            count = min(len(self._jobs), TOGETHER)
            return [self._jobs.popleft() for _ in range(count)]

    def _answer(self, served: Served, jobs: Sequence[Job]) -> None:
        """Answer requests together if no row depends on another, else one after the other."""
        read: list[tuple[Job, pl.DataFrame]] = []
        for job in jobs:
            try:
                read.append((job, job[0].read(served)))
            except BaseException as error:
                _settle(job, error)
        types = served.screen.types
        is_alike = [served.screen.is_by_row and rows.schema == types for _, rows in read]
        together = [it for it, is_like in zip(read, is_alike, strict=True) if is_like]
        alone = [it for it, is_like in zip(read, is_alike, strict=True) if not is_like]
        if len(together) > 1:
            try:
                every = served.answer(pl.concat([rows for _, rows in together]))
            except BaseException:  # one of them fails: the others must not
                alone += together
            else:
                start = 0
                for job, rows in together:
                    self._reply(job, served, rows, every.part(start, rows.height))
                    start += rows.height
        else:
            alone += together
        for job, rows in alone:
            try:
                answer = served.answer(rows)
            except BaseException as error:
                _settle(job, error)
            else:
                self._reply(job, served, rows, answer)

    def _reply(self, job: Job, served: Served, rows: pl.DataFrame, answer: Answer) -> None:
        try:
            reply = job[0].write(served, answer)
        except BaseException as error:
            _settle(job, error)
        else:
            self._watch(job[0], served, rows, answer)
            _settle(job, Reply(reply.content, {VERSION: served.number, **reply.headers}))


def _settle(job: Job, outcome: Reply | BaseException) -> None:
    """Give the outcome to whoever waits for it, in the thread of its event loop."""
    request, done, loop = job
    if isinstance(outcome, BaseException) and not isinstance(outcome, RequestError):
        says = str(outcome) if isinstance(outcome, ProjectError) else type(outcome).__name__
        logger.error("serve: request %s: %s", request.name, says, exc_info=outcome)
        outcome = RequestError(500, FAILED)

    def settle() -> None:
        if done.done():  # whoever waited has gone
            return
        if isinstance(outcome, BaseException):
            done.set_exception(outcome)
        else:
            done.set_result(outcome)

    loop.call_soon_threadsafe(settle)
