"""The server around the pages: its socket, signals, and what starts and ends with it."""

import asyncio
import contextlib
import errno
import logging
import math
import re
import signal
import socket
from asyncio import TimerHandle, Transport
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from functools import partial

import uvicorn
from starlette.applications import Starlette
from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from ..base.errors import ProjectError
from .records import dumps
from .settings import PREFIX, ServingSettings

logger = logging.getLogger(__name__)

QUEUE = 2048  # connections that wait to be accepted
IDLE = 60.0  # seconds that a connection may wait for its next request
# Seconds after which connections are closed at the end. Until then, a request on one of them is
# answered: to close it while a request is on its way would look like a failure.
PATIENCE = 2.0
TICK = 0.02
MOST_HEAD = 400_000  # bytes of headers, and of what arrives with them at once
MOST_AHEAD = 32  # requests on a connection that wait for the answer to another one
SLOWEST = 1000  # bytes of answers that are read in a second
# Clients such as Java's offer HTTP/2 with a request, which is then to be answered in HTTP/1.1.
UPGRADE = re.compile(rb"\r\nupgrade:", re.IGNORECASE)
HEALTH = ("/v2/health/live", "/v2/health/ready")
FULL = "is_full"  # in the state of a request: whether too many connections are open


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


def inherited(descriptor: int) -> socket.socket:
    """Return the address that the process which started this one has taken."""
    return socket.socket(fileno=descriptor)


def place_of(listening: socket.socket) -> str:
    """Write an address as a browser takes it."""
    host, port = listening.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


class Server(uvicorn.Server):
    """A server that can leave new connections to another process, and take them again.

    Attributes:
        unreadable: Is told of each request that is not HTTP.
    """

    def __init__(self, settings: ServingSettings, listening: socket.socket) -> None:
        """Prepare the server, which does not accept connections yet.

        Args:
            settings: What is allowed.
            listening: The address.
        """
        self._listening = listening
        self._is_open, self._patience = False, PATIENCE
        self._loop: asyncio.AbstractEventLoop | None = None
        self._starlette: Starlette | None = None
        self.unreadable: Callable[[], None] = lambda: None
        self._protocol = _protocol(settings, lambda: not self._is_open, lambda: self.unreadable())
        super().__init__(
            uvicorn.Config(
                self._pages,
                http=self._protocol,
                interface="asgi3",
                ws="none",
                lifespan="on",
                log_config=None,
                access_log=False,
                server_header=False,
                proxy_headers=False,
                backlog=QUEUE,
                timeout_keep_alive=round(IDLE),
                timeout_graceful_shutdown=round(2 * settings.timeout_seconds) + 1,
            )
        )

    def serve_pages(
        self,
        app: Starlette,
        started: Callable[[], None],
        at_hangup: Callable[[], None],
        at_end: Sequence[Callable[[], None]],
    ) -> None:
        """Serve until a signal ends it.

        Args:
            app: The pages.
            started: What to do when connections are accepted.
            at_hangup: What to do at SIGHUP.
            at_end: What to do, in this order, after the last answer.

        Raises:
            ProjectError: If another service has taken the address meanwhile.
        """
        self._starlette = app
        self._started, self._at_hangup, self._at_end = started, at_hangup, at_end
        app.router.lifespan_context = self._lifespan
        if self._is_open:
            self._listen()
        self.run(sockets=[])

    def open(self) -> None:
        """Accept connections."""
        self._is_open = True
        self._in_loop(self._accept)

    def shut(self) -> None:
        """Leave new connections to another process; those that are here end after an answer."""
        self._is_open = False
        self._in_loop(self._leave)

    def retire(self) -> None:
        """End, since another process answers now, but leave clients time to go there."""
        self._patience = IDLE
        self.should_exit = True

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Refuse new connections, answer the others, and end."""
        self._is_open = False
        self._listening.close()
        await self._leave()
        last = self._loop.time() + self._patience if self._loop else 0
        while self._loop and self.server_state.connections and self._loop.time() < last:
            await asyncio.sleep(TICK)
        await super().shutdown(sockets)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to serve."""
        await super().startup(sockets)
        self._loop = asyncio.get_running_loop()
        if self._is_open:
            await self._accept()
        self._started()

    def _listen(self) -> None:
        try:
            self._listening.listen(QUEUE)
        except OSError:  # another service has taken the address in the same moment
            place = place_of(self._listening)
            raise ProjectError(f"the address {place} is in use: set {PREFIX}PORT") from None

    def _in_loop(self, work: Callable[[], Coroutine[None, None, None]]) -> None:
        if self._loop:
            asyncio.run_coroutine_threadsafe(work(), self._loop).result()

    async def _accept(self) -> None:
        if self._loop and not self.servers:
            self._listen()
            copy = self._listening.dup()  # which is closed with the server
            self.servers = [
                await self._loop.create_server(
                    partial(self._protocol, self.config, self.server_state, self.lifespan.state),
                    sock=copy,
                    backlog=QUEUE,
                )
            ]

    async def _leave(self) -> None:
        for server in self.servers:
            server.close()
        self.servers = []

    async def _pages(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._starlette is None:
            raise AssertionError("there are no pages yet")
        await self._starlette(scope, receive, send)

    @contextlib.asynccontextmanager
    async def _lifespan(self, _: Starlette) -> AsyncIterator[None]:
        hangup = getattr(signal, "SIGHUP", None)  # Windows has none
        if hangup:
            asyncio.get_running_loop().add_signal_handler(hangup, self._at_hangup)
        yield
        for end in self._at_end:
            await asyncio.to_thread(end)


def _protocol(
    settings: ServingSettings, is_leaving: Callable[[], bool], unreadable: Callable[[], None]
) -> type[HttpToolsProtocol]:
    """Make a protocol that closes a connection on which requests or answers move too slowly.

    Args:
        settings: The longest time, and most connections.
        is_leaving: Whether another process answers, so that each connection ends after an answer.
        unreadable: Is told of each request that is not HTTP.
    """
    seconds = settings.timeout_seconds

    class Protocol(HttpToolsProtocol):
        _too_slow: TimerHandle | None = None
        _unread: TimerHandle | None = None
        _head = 0  # bytes of headers

        def connection_made(self, transport: Transport) -> None:  # type: ignore[override]
            super().connection_made(transport)
            self._too_slow = self.loop.call_later(seconds, transport.close)

        def on_headers_complete(self) -> None:
            # Whoever supervises the service must not end it because many others ask.
            is_health = self.url.decode("latin-1") in HEALTH
            is_full = not is_health and len(self.connections) > settings.max_connections
            self.scope["state"][FULL] = is_full
            self._head = 0
            if len(self.pipeline) >= MOST_AHEAD:
                raise RuntimeError("requests are sent faster than they are answered")
            super().on_headers_complete()
            if is_full or is_leaving():
                self.cycle.keep_alive = False

        def data_received(self, data: bytes) -> None:
            before: RequestResponseCycle | None = self.cycle
            if before is None or before.response_complete:
                head, end, rest = data.partition(b"\r\n\r\n")
                data = UPGRADE.sub(b"\r\nNot-Upgrade:", head) + end + rest
            super().data_received(data)
            cycle: RequestResponseCycle | None = self.cycle
            is_waiting = cycle is None or cycle.response_complete
            self._head += len(data) if is_waiting else 0
            if self._head > MOST_HEAD:
                self.transport.close()
            if not is_waiting and self._too_slow:
                self._too_slow.cancel()
                self._too_slow = None
            elif is_waiting and not self._too_slow and not self.transport.is_closing():
                self._too_slow = self.loop.call_later(seconds, self.transport.close)

        def send_400_response(self, msg: str) -> None:
            unreadable()
            body = dumps({"error": msg})
            head = "HTTP/1.1 400 Bad Request\r\nContent-Type: application/json\r\n"
            head += f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
            self.transport.write(head.encode() + body)
            self.transport.close()

        def on_response_complete(self) -> None:
            super().on_response_complete()
            if self.pipeline:
                self.flow.pause_reading()
            if not self._unread:
                self._end_unread(math.inf)

        def _end_unread(self, before: float) -> None:
            """End a connection on which answers are not read, or too slowly."""
            left = self.transport.get_write_buffer_size()
            if left > before - SLOWEST * seconds:
                self.transport.abort()
            self._unread = self.loop.call_later(seconds, self._end_unread, left) if left else None

        def connection_lost(self, exc: Exception | None) -> None:
            for timer in (self._too_slow, self._unread):
                if timer:
                    timer.cancel()
            super().connection_lost(exc)

    return Protocol
