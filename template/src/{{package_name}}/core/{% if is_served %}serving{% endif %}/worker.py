"""A process that serves a version with its own code, at the same address."""

import contextlib
import os
import subprocess
import sys
from collections.abc import Callable
from socket import socket
from threading import Thread, Timer
from typing import IO, Self

from ..base.errors import ProjectError
from ..models.bundle import Bundle
from .bundled import refuse_unserved
from .settings import PREFIX

READY = "ready\n"  # what a worker writes when it answers
LONGEST_START, LONGEST_END = 120.0, 60.0  # seconds
LONGEST = 1000  # characters of the reason why it does not start


class Worker:
    """A process that answers requests at an address that it shares with this one.

    Attributes:
        bundle: The version that it serves.
    """

    def __init__(self, bundle: Bundle, process: subprocess.Popen[str]) -> None:
        """Take care of a process that answers."""
        self.bundle, self._process = bundle, process

    @classmethod
    def start(cls, number: str, bundle: Bundle, listening: socket) -> Self:
        """Start the service of a version in an environment of its own, and wait until it answers.

        Args:
            number: The number of the version.
            bundle: Its files.
            listening: The address.

        Raises:
            ProjectError: If there is no such environment, or if the service does not start there.
        """
        if sys.platform == "win32":
            raise ProjectError("on Windows, a version is served where its own code is")
        from ..models.environment import environment  # which a mere service has no need of

        refuse_unserved(f"version {number}", bundle)
        folder = environment(bundle)
        program = str(folder / "bin" / bundle.package)
        env = {**os.environ, f"{PREFIX}NUMBER": number}
        env.pop("PYTHONPATH", None)  # which may name the code here
        os.set_inheritable(listening.fileno(), True)  # noqa: FBT003
        process = subprocess.Popen(
            [program, "serve", f"--model={bundle.folder}", f"--listening={listening.fileno()}"],
            env=env,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            errors="replace",
            pass_fds=[listening.fileno()],
            start_new_session=True,  # Ctrl-C in a terminal ends it through this process
        )
        assert process.stdout
        assert process.stderr
        said: list[str] = []
        log = Thread(target=_pass_on, args=(process.stderr, said), daemon=True)
        log.start()
        late = Timer(LONGEST_START, process.kill)
        late.start()
        is_ready = any(line == READY for line in process.stdout)  # after what libraries print
        late.cancel()
        if not is_ready:
            process.kill()
            process.wait()
            log.join()
            reason = "".join(said[-1:]).strip()[-LONGEST:]
            raise ProjectError(f"its own code does not serve it: {reason}")
        return cls(bundle, process)

    @property
    def is_alive(self) -> bool:
        """Whether it still runs."""
        return self._process.poll() is None

    def tell(self, outcome: str) -> None:
        """Let it count a champion that was taken over or refused, since it reports the counts."""
        assert self._process.stdin
        with contextlib.suppress(OSError):  # it may have ended
            self._process.stdin.write(f"{outcome}\n")
            self._process.stdin.flush()

    def retire(self) -> None:
        """Let it answer whoever is connected to it, and end by itself."""
        assert self._process.stdin
        self._process.stdin.close()

    def close(self) -> None:
        """Let it answer what it has accepted, and end."""
        self._process.terminate()
        try:
            self._process.wait(LONGEST_END)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def _pass_on(log: IO[str], said: list[str]) -> None:
    for line in log:
        said[:] = [line]
        sys.stderr.write(line)


class Parent:
    """The process that has started this one."""

    def tell_ready(self) -> None:
        """Say that this process answers."""
        sys.stdout.write(READY)
        sys.stdout.flush()
        os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # what is printed later goes to the log

    def listen(self, told: Callable[[str], None], end: Callable[[], None]) -> None:
        """Listen to the parent.

        Args:
            told: Is called with each outcome that the parent tells.
            end: Is called when the parent closes its side of the pipe, or does not run any more.
        """

        def wait() -> None:
            for line in sys.stdin:
                told(line.strip())
            end()

        Thread(target=wait, name="parent", daemon=True).start()
