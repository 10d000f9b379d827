"""The service as a whole: its parts, and in which order they begin and end."""

import logging
import os
from collections.abc import Sequence
from socket import socket

import polars as pl

from ..base.errors import ProjectError
from .access import Access
from .app import App
from .champion import Champion, Follower, Look
from .kept import Kept
from .line import Line, Request
from .measures import OTHER, Measures
from .served import Answer, Served
from .server import Server, place_of
from .settings import PREFIX, ServingSettings
from .worker import Parent

logger = logging.getLogger(__name__)


def _refuse_unknown(names: Sequence[str], champion: Champion) -> None:
    """Refuse names that are no columns, since a misspelt one would be kept.

    Raises:
        ProjectError: If there are any.
    """
    columns = champion.columns
    unknown = [name for name in names if columns and name not in columns]
    if unknown:
        raise ProjectError(f"{PREFIX}KEEP_WITHOUT: there is no column {', '.join(unknown)}")


def run(
    settings: ServingSettings, name: str, look: Look, listening: socket, parent: Parent | None
) -> None:
    """Answer requests until a signal ends it.

    Args:
        settings: What is allowed.
        name: Name of the model.
        look: Returns the version that has to answer; it is asked again and again.
        listening: The address.
        parent: The process that has started this one to serve a version with other code.

    Raises:
        ProjectError: If there is no version, or if it cannot answer, or if the provider of tokens
            does not.
    """
    access = Access(settings)
    server = Server(settings, listening)
    champion = Champion(server, None if parent else listening)
    champion.take_over(look())
    measures = Measures(lambda: champion.now)

    def swapped(outcome: str) -> None:
        measures.swaps.labels(outcome).inc()

    champion.outcome = swapped
    server.unreadable = lambda: measures.requests.labels(OTHER, 400).inc()
    if settings.keep and parent is None:
        _refuse_unknown(settings.keep_without, champion)
    kept = Kept(settings.keep_in, settings.keep_without, measures) if settings.keep else None

    def watch(request: Request, served: Served, rows: pl.DataFrame, answer: Answer) -> None:
        measures.answered(served, rows.height, answer)
        if kept:
            kept.add(request.name, served, rows, answer)

    line = Line(lambda: champion.now, watch, settings.max_waiting)
    measures.watch_waiting(lambda: len(line))
    app = App(settings, name, access, champion, line, measures)
    follower = Follower(champion, look, settings.poll_seconds)

    def started() -> None:
        follower.start()
        if parent:
            parent.tell_ready()
            parent.listen(swapped, server.retire)
        else:
            place, process = place_of(listening), os.getpid()
            says = "serve: %s, version %s, process %d, at %s"
            logger.info(says, name, champion.number, process, place)

    ends = [follower.close, champion.close, line.close, *([kept.close] if kept else [])]
    server.serve_pages(app.starlette, started, follower.at_once, ends)
    if not parent:
        logger.info("serve: all requests are answered, and the service has ended")
