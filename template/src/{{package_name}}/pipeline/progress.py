"""A sign of life during long work."""

import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

logger = logging.getLogger(__name__)


@contextmanager
def heartbeat(name: str, *, seconds: float = 30) -> Iterator[None]:
    """Log every now and then that a step still runs.

    Args:
        name: Of the step.
        seconds: Between two lines.
    """
    start = time.monotonic()
    done = threading.Event()

    def beat() -> None:
        while not done.wait(seconds):
            logger.info("%s: still running after %.0f s", name, time.monotonic() - start)

    thread = threading.Thread(target=beat, daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()
