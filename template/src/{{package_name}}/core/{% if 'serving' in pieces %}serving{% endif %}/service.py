"""The service as a whole: its parts, and in which order they begin and end."""

import logging
from socket import socket

import polars as pl

from .app import App
from .champion import Champion, Follower, Look
from .kept import Kept
from .line import Line, Request
from .measures import Measures
from .served import Answer, Served
from .server import Server
from .settings import ServingSettings

logger = logging.getLogger(__name__)


def run(
    settings: ServingSettings, champion: Champion, look: Look | None, listening: socket
) -> None:
    """Answer requests until a signal ends it.

    Args:
        settings: What is allowed.
        champion: The version that answers.
        look: Asks the registry for the champion, if that is to be followed.
        listening: The address.
    """
    measures = Measures(lambda: champion.now)
    champion.outcome = lambda outcome: measures.swaps.labels(outcome).inc()
    kept = Kept(settings.keep_in, settings.keep_without, measures) if settings.keep else None

    def watch(request: Request, served: Served, rows: pl.DataFrame, answer: Answer) -> None:
        measures.answered(served, rows.height, answer)
        if kept:
            kept.add(request.name, served, rows, answer)

    line = Line(lambda: champion.now, watch, settings.max_waiting)
    measures.watch_waiting(lambda: len(line))
    follower = Follower(champion, look, settings.poll_seconds) if look else None
    ends = [line.close, *(part.close for part in (kept, follower) if part)]
    app = App(settings, champion, line, measures)
    at_hangup = follower.at_once if follower else lambda: None
    server = Server(app.starlette, settings, at_hangup, ends)
    if follower:
        follower.start()
    host, port = listening.getsockname()[:2]
    place = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
    served = champion.now
    logger.info("serve: %s, version %s, at %s", served.bundle.registered, served.number, place)
    server.run(sockets=[listening])
    logger.info("serve: ended")
