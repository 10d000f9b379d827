"""The version that answers: the champion of the registry, followed while the service runs."""

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from socket import socket
from threading import Event, Thread
from typing import Protocol

from ..base.errors import ProjectError
from ..models.bundle import Bundle, code_here
from .served import Served
from .worker import Worker

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Found:
    """A version in the registry.

    Attributes:
        number: Its number.
        folder: Its files.
        sha256: What the registry recorded of them.
    """

    number: str
    folder: Path
    sha256: str


Look = Callable[[], Found]

AGAIN = 600.0  # seconds until a version that was refused is tried once more
LONGEST = 5.0  # seconds to wait at the end for a version that is being loaded
HASH = 12  # digits of a hash that stand for a version without a number


def fixed(name: str, bundle: Bundle, number: str = "") -> Look:
    """Return a function that always finds one version.

    Args:
        name: What the registry calls it; other words if it does not come from there.
        bundle: Its files.
        number: Its number, if it does not come from the registry; if empty, it is not known.
    """
    _, _, registered = name.partition("version ")
    known = registered if registered.isdigit() else number or bundle.sha256[:HASH]
    return lambda: Found(known, bundle.folder, bundle.sha256)


class Door(Protocol):
    """What accepts connections in this process."""

    def open(self) -> None:
        """Accept connections."""

    def shut(self) -> None:
        """Leave new connections to another process, and answer those that are there."""


class Champion:
    """The version that answers, in this process or, with other code, in one of its own.

    Attributes:
        number: Its number.
        outcome: Is told of each version that is taken over or refused.
    """

    def __init__(self, door: Door, listening: socket | None, served: Served | None = None) -> None:
        """Begin.

        Args:
            door: Accepts connections in this process.
            listening: The address, to share with other processes; None if this one is such a
                process.
            served: The version that answers already, if there is one.
        """
        self.number = served.number if served else ""
        self.outcome: Callable[[str], None] = lambda _: None
        self._listening, self._door = listening, door
        self._code = code_here()  # that runs, also if the files change meanwhile
        self._served = served
        self._worker: Worker | None = None
        self._refused, self._again, self._fault = "", 0.0, ""

    @property
    def now(self) -> Served:
        """The version that answers in this process, or the last one that did."""
        if self._served is None:
            raise AssertionError("no version answers in this process")
        return self._served

    @property
    def columns(self) -> Sequence[str]:
        """The columns of the rows, if a version answers in this process; else none."""
        return [*self._served.screen.types] if self._served else []

    def take_over(self, found: Found) -> None:
        """Let a version answer, after it has predicted for its example.

        Raises:
            ProjectError: If it cannot; then the one before goes on.
        """
        bundle = Bundle.open(found.folder, found.sha256)
        old = self._worker
        other = next(bundle.other_code(self._code), None)
        if other is None:
            self._served = Served.load(found.number, bundle)
            self._door.open()
            self._worker = None
        elif self._listening is None:
            raise ProjectError(f"its code differs in an environment of its own, too: {other}")
        else:
            logger.info("serve: version %s runs its own code: %s differs", found.number, other)
            self._worker = Worker.start(found.number, bundle, self._listening)
            self._door.shut()
        self.number = found.number
        if old:
            old.retire()

    def consider(self, look: Look) -> None:
        """Look for the champion, and let it answer if it is another one.

        Whatever is wrong with it or with the registry, the version that answers goes on.
        """
        self._replace_dead()
        number = ""
        try:
            found = look()
            number = found.number
            is_refused = found.sha256 == self._refused and time.monotonic() < self._again
            if found.sha256 == self._sha256 or is_refused:
                self._fault = ""
                return
            self._refused, self._again = found.sha256, time.monotonic() + AGAIN
            self.take_over(found)
            self._refused = self._fault = ""
        except BaseException as error:  # such as an error in your modules, or a panic of Polars
            is_known = isinstance(error, ProjectError)
            says = str(error) if is_known else f"{type(error).__name__}: {error}"
            if number:
                self._tell("refused")
            if not self._sha256:
                self._refused = ""  # nobody answers, so try again
            if says != self._fault:  # a registry that is away is reported once
                what = f"version {number} is refused" if number else "the champion is not known"
                logger.warning("serve: %s, version %s goes on: %s", what, self.number, says)
            self._fault = says
        else:
            self._tell("taken over")
            logger.info("serve: version %s answers from now on", self.number)

    def _tell(self, outcome: str) -> None:
        self.outcome(outcome)
        if self._worker:
            self._worker.tell(outcome)

    def _replace_dead(self) -> None:
        """Start a process again that has ended by itself, or let the version here answer."""
        if self._worker is None or self._worker.is_alive or self._listening is None:
            return
        logger.error("serve: the process of version %s has ended", self.number)
        try:
            self._worker = Worker.start(self.number, self._worker.bundle, self._listening)
        except Exception as error:
            logger.error("serve: version %s does not start again: %s", self.number, error)
            if self._served:
                self._worker, self.number = None, self._served.number
                self._door.open()

    def forget(self) -> None:
        """Try a version again that was refused."""
        self._refused = ""

    def close(self) -> None:
        """End the process that answers, if there is one."""
        if self._worker:
            self._worker.close()

    @property
    def _sha256(self) -> str:
        """The hash of the version that answers; empty if it has ended by itself."""
        if self._worker:
            return self._worker.bundle.sha256 if self._worker.is_alive else ""
        return self._served.bundle.sha256 if self._served else ""


class Follower(Thread):
    """Asks every few seconds which version is the champion, and whether it still answers."""

    def __init__(self, champion: Champion, look: Look, seconds: float) -> None:
        """Prepare to follow; `start` begins.

        Args:
            champion: What is changed.
            look: Asks the registry.
            seconds: Time between two questions.
        """
        super().__init__(name="follower", daemon=True)
        self._champion, self._look, self._seconds = champion, look, seconds
        self._wake, self._is_open = Event(), True

    def at_once(self) -> None:
        """Ask now, and try a version again that was refused."""
        self._champion.forget()
        self._wake.set()

    def close(self) -> None:
        """End."""
        self._is_open = False
        self._wake.set()
        self.join(LONGEST)

    def run(self) -> None:
        """Ask until `close`."""
        while True:
            self._wake.wait(self._seconds)
            self._wake.clear()
            if not self._is_open:
                return
            self._champion.consider(self._look)
