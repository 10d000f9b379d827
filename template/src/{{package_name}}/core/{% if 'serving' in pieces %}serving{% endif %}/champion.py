"""The version that answers: the champion of the registry, followed while the service runs."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from threading import Event, Thread

from ..base.errors import ProjectError
from ..models.bundle import Bundle
from .served import Served

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Found:
    """A champion in the registry.

    Attributes:
        number: Its number.
        folder: Its files.
        sha256: What the registry recorded of them.
    """

    number: str
    folder: Path
    sha256: str


HASH = 12  # digits of a hash that stand for a version without a number

Look = Callable[[], Found]


class Champion:
    """The version that answers; another one takes its place in one assignment.

    Attributes:
        now: The version that answers.
        outcome: Is told of each champion that is taken over or refused.
    """

    def __init__(self, served: Served) -> None:
        """Begin with a version."""
        self.now = served
        self.outcome: Callable[[str], None] = lambda _: None
        self._refused = ""
        self._fault = ""

    def consider(self, look: Look) -> None:
        """Look for another champion, and take it over if it predicts for its example.

        Whatever is wrong with it or with the registry, the version that answers goes on.
        """
        number = ""
        try:
            found = look()
            number = found.number
            if found.sha256 in (self.now.bundle.sha256, self._refused):
                self._fault = ""
                return
            self._refused = found.sha256  # until it has been tried
            self.now = load(found.number, Bundle.open(found.folder, found.sha256))
            self._refused = self._fault = ""
        except Exception as error:  # such as an error in your modules
            says = (
                str(error)
                if isinstance(error, ProjectError)
                else f"{type(error).__name__}: {error}"
            )
            if number:
                self.outcome("refused")
            if says != self._fault:  # a registry that is away is reported once
                what = f"version {number} is refused" if number else "the champion is not known"
                logger.warning("serve: %s, version %s goes on: %s", what, self.now.number, says)
            self._fault = says
        else:
            self.outcome("taken over")
            logger.info("serve: version %s answers from now on", self.now.number)

    def forget(self) -> None:
        """Try a version again that was refused."""
        self._refused = ""


def fixed(name: str, bundle: Bundle) -> Champion:
    """Load a version that stays.

    Args:
        name: What names it, for error messages.
        bundle: Its files.

    Raises:
        ProjectError: If it cannot be loaded.
    """
    number = name.removeprefix("version ")
    try:
        return Champion(load(number if number.isdigit() else bundle.sha256[:HASH], bundle))
    except ProjectError as error:
        raise ProjectError(f"{name} cannot be served: {error}") from error


def load(number: str, bundle: Bundle) -> Served:
    """Load a version into this process.

    Raises:
        ProjectError: If it was made with other code than is here.
    """
    for other in bundle.other_code():
        message = f"it was made with other code than is here ({other})"
        raise ProjectError(f"{message}: start the service where that code is")
    return Served.load(number, bundle)


class Follower(Thread):
    """Asks the registry every few seconds which version is the champion."""

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
        self.join()

    def run(self) -> None:
        """Ask until `close`."""
        while True:
            self._wake.wait(self._seconds)
            self._wake.clear()
            if not self._is_open:
                return
            self._champion.consider(self._look)
