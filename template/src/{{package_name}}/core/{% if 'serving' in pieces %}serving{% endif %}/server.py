"""The server around the pages: its socket, signals, and what starts and ends with it."""

import asyncio
import contextlib
import errno
import logging
import signal
import socket
from asyncio import TimerHandle, Transport
from collections.abc import AsyncIterator, Callable, Sequence

import uvicorn
from starlette.applications import Starlette
from uvicorn.protocols.http.auto import AutoHTTPProtocol

from ..base.errors import ProjectError
from .settings import PREFIX, ServingSettings

logger = logging.getLogger(__name__)

QUEUE = 2048  # connections that wait to be accepted


def bound(settings: ServingSettings) -> socket.socket:
    """Take the address, before anything takes time.

    Raises:
        ProjectError: If it cannot be had.
    """
    place = f"{settings.host}:{settings.port}"
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            settings.host, settings.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        found = socket.socket(family, kind, protocol)
        found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        found.bind(address)
    except OSError as error:
        used = (
            "is in use" if error.errno == errno.EADDRINUSE else f"cannot be used: {error.strerror}"
        )
        message = f"the address {place} {used}"
        raise ProjectError(f"{message}: set {PREFIX}HOST or {PREFIX}PORT") from None
    return found


class Server(uvicorn.Server):
    """A server that calls a function at SIGHUP."""

    def __init__(
        self,
        app: Starlette,
        settings: ServingSettings,
        at_hangup: Callable[[], None],
        at_end: Sequence[Callable[[], None]],
    ) -> None:
        """Prepare the server.

        Args:
            app: The pages.
            settings: What is allowed.
            at_hangup: What to do at SIGHUP.
            at_end: What to do, in this order, after the last answer.
        """
        self._at_hangup, self._at_end = at_hangup, at_end
        app.router.lifespan_context = self._lifespan
        super().__init__(
            uvicorn.Config(
                app,
                http=_protocol(settings.timeout_seconds),
                ws="none",
                lifespan="on",
                log_config=None,
                access_log=False,
                server_header=False,
                proxy_headers=False,
                backlog=QUEUE,
                limit_concurrency=settings.max_connections,
                timeout_keep_alive=60,
                timeout_graceful_shutdown=round(2 * settings.timeout_seconds) + 1,
            )
        )

    @contextlib.asynccontextmanager
    async def _lifespan(self, _: Starlette) -> AsyncIterator[None]:
        hangup = getattr(signal, "SIGHUP", None)  # Windows has none
        if hangup:
            asyncio.get_running_loop().add_signal_handler(hangup, self._at_hangup)
        yield
        for end in self._at_end:
            await asyncio.to_thread(end)


def _protocol(seconds: float) -> type[asyncio.Protocol]:
    """Make a protocol that closes a connection whose request does not arrive in time."""

    class Protocol(AutoHTTPProtocol):  # type: ignore[misc,valid-type]
        _too_slow: TimerHandle | None = None

        def connection_made(self, transport: Transport) -> None:
            super().connection_made(transport)
            self._too_slow = self.loop.call_later(seconds, transport.close)

        def data_received(self, data: bytes) -> None:
            super().data_received(data)
            is_waiting = self.cycle is None or self.cycle.response_complete
            if not is_waiting and self._too_slow:
                self._too_slow.cancel()
                self._too_slow = None
            elif is_waiting and not self._too_slow and not self.transport.is_closing():
                self._too_slow = self.loop.call_later(seconds, self.transport.close)

        def connection_lost(self, exc: Exception | None) -> None:
            if self._too_slow:
                self._too_slow.cancel()
            super().connection_lost(exc)

    return Protocol
