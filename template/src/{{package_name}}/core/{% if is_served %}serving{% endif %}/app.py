"""The pages of the service."""

import asyncio
import gzip
import logging
import re
import time
import zlib
from base64 import b64encode
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from hashlib import sha256
from pathlib import Path
from urllib.parse import urlsplit
from uuid import uuid4

from starlette.applications import Starlette
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from . import inference, line, openapi, records
from .access import Access
from .champion import Champion
from .errors import RequestError, busy
from .measures import OTHER, TYPE, Measures
from .server import FULL, HEALTH
from .settings import LOCAL, PREFIX, ServingSettings

logger = logging.getLogger(__name__)

PAGE = Path(__file__).with_name("page.html")
REQUEST_ID = "X-Request-ID"
NAMED = re.compile(r"[\x21-\x7e]{1,128}")
OPEN = {"/", *HEALTH}  # without a token: they say nothing
SECURITY = {
    "Cache-Control": "no-store",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
NOTHING = "default-src 'none'; frame-ancestors 'none'"
CLOSED = 499  # whoever asked has gone
BODIES = 20  # of the largest size that may be in memory, before and after decompression


class App:
    """The pages, and what they work with.

    Attributes:
        starlette: The pages, by their paths.
    """

    def __init__(
        self,
        settings: ServingSettings,
        name: str,
        access: Access,
        champion: Champion,
        requests: line.Line,
        measures: Measures,
    ) -> None:
        """Prepare the pages.

        Args:
            settings: What is allowed.
            name: Name of the model.
            access: Refuses who may not use it.
            champion: The version that answers.
            requests: Those that wait for an answer.
            measures: Counts them.
        """
        self._settings, self._champion, self._line = settings, champion, requests
        self._measures, self._name = measures, name
        self._access = access
        self._names = {*LOCAL, settings.host, *map(_name_of, settings.origins)}
        self._held = 0  # bytes of bodies that are in memory
        self._page = PAGE.read_bytes()
        self._page_policy = _policy(self._page.decode())
        model = "/v2/models/{name}"
        one = f"{model}/versions/{{version}}"
        self.starlette = Starlette(
            routes=[
                Route("/", self.page),
                Route("/openapi.json", self.openapi),
                Route("/metrics", self.metrics),
                Route("/predict", self.predict, methods=["POST"]),
                Route("/v2", self.server),
                Route("/v2/health/live", self.live),
                Route("/v2/health/ready", self.ready),
                *(Route(path, self.metadata) for path in (model, one)),
                *(Route(f"{path}/ready", self.model_ready) for path in (model, one)),
                *(Route(f"{path}/infer", self.infer, methods=["POST"]) for path in (model, one)),
            ],
            middleware=[
                *([_across(settings.origins)] if settings.origins else []),
                Middleware(self._guard),
            ],
            exception_handlers={
                RequestError: _refused,
                HTTPException: _http_error,
                Exception: _failed,
            },
        )
        self.starlette.router.redirect_slashes = False

    async def page(self, _: Request) -> Response:
        """Show a page on which one can try the service; it asks for a token if one is needed."""
        headers = {"Content-Security-Policy": self._page_policy}
        return Response(self._page, headers=headers, media_type="text/html")

    async def openapi(self, _: Request) -> Response:
        """Describe the service for programs."""
        served = self._champion.now
        return _as_json(openapi.document(served, self._name, needs_token=self._access.is_needed))

    async def metrics(self, _: Request) -> Response:
        """Report what has been counted, in the format of Prometheus."""
        return Response(self._measures.text(), headers={"Content-Type": TYPE})

    async def predict(self, request: Request) -> Response:
        """Predict for records."""
        async with self._body(request) as content:
            asked = records.request(request.state.name, content, self._settings.max_rows)
            return await self._answer(asked)

    async def server(self, _: Request) -> Response:
        """Describe the server."""
        version = self._champion.now.number
        extensions = inference.EXTENSIONS
        return _as_json({"name": self._name, "version": version, "extensions": extensions})

    async def live(self, _: Request) -> Response:
        """Say that the service runs."""
        return _as_json({"live": True})

    async def ready(self, _: Request) -> Response:
        """Say that the service answers."""
        if not self._line.is_answering:
            raise busy(503, "the service is stopping")
        return _as_json({"ready": True})

    async def metadata(self, request: Request) -> Response:
        """Describe the model."""
        self._refuse_other(request)
        return _as_json(inference.metadata(self._champion.now, self._name))

    async def model_ready(self, request: Request) -> Response:
        """Say that the model answers."""
        self._refuse_other(request)
        return _as_json({"name": self._name, "ready": True})

    async def infer(self, request: Request) -> Response:
        """Predict for tensors."""
        self._refuse_other(request)
        async with self._body(request) as content:
            asked = inference.request(
                request.state.name,
                content,
                request.headers.get(inference.HEADER_LENGTH),
                request.path_params.get("version"),
                self._settings.max_rows,
            )
            return await self._answer(asked, request.headers.get("accept-encoding", ""))

    def _refuse_other(self, request: Request) -> None:
        """Refuse another model, and another version than the one that answers."""
        name = request.path_params["name"]
        if name != self._name:
            raise RequestError(404, f"there is no model {name[:100]!r}, but {self._name}")
        inference.refuse_version(self._champion.now, request.path_params.get("version"))

    async def _answer(self, asked: line.Request, accepted: str = "") -> Response:
        try:
            async with asyncio.timeout(self._settings.timeout_seconds):
                reply = await self._line.answer(asked)
        except TimeoutError:
            raise busy(503, "the answer took too long") from None
        return Response(*_packed(reply, accepted))

    @asynccontextmanager
    async def _body(self, request: Request) -> AsyncIterator[bytes]:
        """Read the body, within the limits of size and time, for as long as it is needed."""
        most = self._settings.max_body_bytes
        encoding = request.headers.get("content-encoding", "identity").strip().lower()
        if encoding not in ("identity", "gzip", "deflate"):
            raise RequestError(415, "the body may be compressed by gzip or deflate only")
        size = request.headers.get("content-length", "0")
        if size.isdigit() and (len(size) > len(str(most)) or int(size) > most):
            raise RequestError(413, f"the body is larger than {most} bytes")
        content, held = bytearray(), 0
        try:
            async with asyncio.timeout(self._settings.timeout_seconds):
                async for part in request.stream():
                    if len(content) + len(part) > most:
                        raise RequestError(413, f"the body is larger than {most} bytes")
                    held = self._hold(held, len(part))
                    content += part
            unpacked = _unpacked(bytes(content), encoding, most)
            held = self._hold(held, len(unpacked))
            yield unpacked
        except TimeoutError:
            raise RequestError(408, "the body did not arrive in time") from None
        finally:
            self._held -= held

    def _hold(self, held: int, more: int) -> int:
        """Count the bytes that are in memory for a request, unless those of all are too many."""
        if self._held + more > self._settings.max_body_bytes * BODIES:
            raise busy(503, "too many large requests arrive")
        self._held += more
        return held + more

    def _refuse_other_sites(self, given: Headers) -> None:
        """Refuse what a page of another web site sends, whose reader may not know of it.

        Such a page can also give a name of its own to this machine, and is then no other site to a
        browser. It knows no token, though.
        """
        host = given.get("host", "")
        if host and not self._access.is_needed and _name_of(host) not in self._names:
            message = f"ask at {' or '.join(LOCAL)}"
            raise RequestError(403, f"{message}: other names need {PREFIX}TOKENS")
        origin = given.get("origin", "")
        is_own = origin.partition("://")[2] == given.get("host", "")
        if origin and not is_own and origin not in self._settings.origins:
            raise RequestError(403, "pages of other web sites may not ask: see SERVE_ORIGINS")

    async def _refusal(self, scope: Scope, given: Headers) -> Response | None:
        """Return the answer to a request that no page may see; None if one may."""
        try:
            if scope["state"].get(FULL):
                raise busy(503, "too many connections are open")
            self._refuse_other_sites(given)
            if scope["path"] not in OPEN:
                await self._access.refuse_unknown(given.get("authorization", ""))
        except RequestError as error:
            return _as_error(error.status, str(error), error.headers)
        return None

    def _guard(self, app: ASGIApp) -> ASGIApp:
        """Name, check, count and complete each request, around all pages."""

        async def guarded(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] != "http":
                await app(scope, receive, send)
                return
            start = time.perf_counter()
            given = Headers(scope=scope)
            wanted = given.get(REQUEST_ID, "")
            name = wanted if NAMED.fullmatch(wanted) else uuid4().hex
            scope["state"] = {**scope.get("state", {}), "name": name}
            status = CLOSED

            async def complete(message: Message) -> None:
                nonlocal status
                if message["type"] == "http.response.start":
                    status = message["status"]
                    headers = MutableHeaders(scope=message)
                    headers.setdefault("Content-Security-Policy", NOTHING)
                    headers[REQUEST_ID] = name
                    headers.setdefault(line.VERSION, self._champion.now.number)
                    for header, value in SECURITY.items():
                        headers[header] = value
                try:
                    await send(message)
                except RuntimeError as error:  # of uvloop, if the connection has ended meanwhile
                    status = CLOSED
                    raise ClientDisconnect from error

            try:
                if (refusal := await self._refusal(scope, given)) is None:
                    await app(scope, receive, complete)
                else:
                    await refusal(scope, receive, complete)
            except ClientDisconnect:
                pass
            finally:
                route = scope.get("route")
                path = route.path if isinstance(route, Route) else OTHER
                self._measures.requests.labels(path, status).inc()
                self._measures.seconds.labels(path).observe(time.perf_counter() - start)

        return guarded


def _name_of(address: str) -> str:
    """Return the name of a machine in an address, with or without a scheme and a port."""
    try:
        return urlsplit(f"//{address.rpartition('//')[2]}").hostname or ""
    except ValueError:
        return ""


def _across(origins: Sequence[str]) -> Middleware:
    """Let pages of other web sites send requests, and read the answers."""
    return Middleware(
        CORSMiddleware,
        allow_origins=origins,
        allow_methods=["GET", "POST"],
        allow_headers=["*"],
        expose_headers=[REQUEST_ID, line.VERSION],
    )


def _policy(page: str) -> str:
    """Allow the script and the style that are in a page, and nothing else."""

    def hash_of(tag: str) -> str:
        [content] = re.findall(rf"<{tag}>(.*?)</{tag}>", page, re.DOTALL)
        return f"'sha256-{b64encode(sha256(content.encode()).digest()).decode()}'"

    allowed = f"script-src {hash_of('script')}; style-src {hash_of('style')}"
    return f"{NOTHING}; {allowed}; connect-src 'self'; base-uri 'none'; form-action 'none'"


def _unpacked(content: bytes, encoding: str, most: int) -> bytes:
    """Decompress a body, unless that makes it too large."""
    if encoding == "identity":
        return content
    window = zlib.MAX_WBITS | 16 if encoding == "gzip" else zlib.MAX_WBITS
    unpacking = zlib.decompressobj(window)
    try:
        unpacked = unpacking.decompress(content, most + 1)
    except zlib.error:
        raise RequestError(400, f"the body is not compressed by {encoding}") from None
    if len(unpacked) > most:
        raise RequestError(413, f"the body is larger than {most} bytes after decompression")
    if not unpacking.eof or unpacking.unused_data:
        raise RequestError(400, f"the body does not end where {encoding} does")
    return unpacked


PACKERS: dict[str, Callable[[bytes], bytes]] = {"gzip": gzip.compress, "deflate": zlib.compress}


def _packed(reply: line.Reply, accepted: str) -> tuple[bytes, int, dict[str, str]]:
    """Compress an answer if that is asked for, and nothing else is."""
    encoding = accepted.strip().lower()
    if encoding not in PACKERS:
        return reply.content, 200, reply.headers
    headers = {**reply.headers, "Content-Encoding": encoding}
    return PACKERS[encoding](reply.content), 200, headers


def _as_json(content: object) -> Response:
    return Response(records.dumps(content), media_type=records.JSON)


def _as_error(status: int, says: str, headers: dict[str, str]) -> Response:
    content = records.dumps({"error": says})
    return Response(content, status, headers, media_type=records.JSON)


async def _refused(_: Request, error: Exception) -> Response:
    if not isinstance(error, RequestError):
        raise error
    return _as_error(error.status, str(error), error.headers)


async def _http_error(_: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        raise error
    says = {404: "there is no such page", 405: "the method is not allowed here"}
    headers = dict(error.headers or {})
    return _as_error(error.status_code, says.get(error.status_code, error.detail), headers)


async def _failed(request: Request, error: Exception) -> Response:
    logger.error("serve: request %s failed", request.state.name, exc_info=error)
    return _as_error(500, line.FAILED, {})
