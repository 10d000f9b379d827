"""The service of repositories with public data, asked by programs of others, by damaged requests, and by too many."""

import asyncio
import json
import os
import re
import shutil
import socket
import subprocess
import time
from base64 import b64encode
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import Request, urlopen

import pytest

from tests.generated.repository import Repository, generate
from tests.generated.test_public_data import DATA_SETS, bring
from tests.generated.test_serving import Service, commit, served, wait_for
from tests.harness import Template, run

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(7200),
    pytest.mark.skipif("FORMWORK_SERVING" not in os.environ, reason="`nox -s serving` tries it"),
]

CLIENTS = Path(__file__).parent / "clients"
# One predicts a class, of text, dates and numbers with empty cells; the other a number, of text and numbers.
PUBLIC = ["penguins", "diamonds"]
PACKAGES = {
    "triton": ["tritonclient[http]==2.73.0"],
    "kserve": ["kserve==0.21.0"],
    "mlserver": ["mlserver==1.7.1", "pandas<3"],  # whose codec does not know the texts of Pandas 3
}
CASES, BODIES = 20_000, 20_000
PROVIDER = "oidc-provider@9.13.3"
SCHEMATHESIS = "schemathesis==4.32.5"


@pytest.fixture(scope="module", params=PUBLIC)
def brought(request: pytest.FixtureRequest, template: Template, tmp_path_factory: pytest.TempPathFactory) -> Repository:
    """Return a repository with a champion that was trained on public data."""
    [data_set] = [it for it in DATA_SETS if it.name == request.param]
    path = tmp_path_factory.mktemp(data_set.name) / "repository"
    repository = generate(template, path, problem=data_set.problem, pieces=["serving"])
    repository.set_up()
    bring(repository, data_set)
    repository.run("uv", "run", "dvc", "repro", "--quiet")
    commit(repository, "Use our data")
    repository.run("uv", "run", "my_project", "register")
    repository.run("uv", "run", "my_project", "promote", "--force", "The first model of these data")
    return repository


@pytest.fixture(scope="module")
def service(brought: Repository) -> Iterator[Service]:
    """Run the service."""
    with served(brought, SERVE_KEEP="false") as running:
        yield running


@pytest.fixture(scope="module")
def records(brought: Repository) -> Path:
    """Write rows of the valid ones as records, and return the file."""
    write = "import polars as pl; from my_project.schema import TARGET; "
    write += "pl.read_parquet('data/valid.parquet').drop(TARGET).head(120).write_ndjson('data/records.jsonl')"
    brought.run("uv", "run", "python", "-c", write)
    return brought.path / "data/records.jsonl"


def memory(service: Service) -> int:
    """Return how many MB of memory the service has."""
    status = Path(f"/proc/{service.process.pid}/status").read_text("utf-8")
    [size] = re.findall(r"VmRSS:\s+(\d+) kB", status)
    return int(size) // 1000


@pytest.mark.parametrize("client", PACKAGES)
def test_clients_of_others_get_what_records_get(
    brought: Repository, service: Service, records: Path, client: str
) -> None:
    packages = [f"--with={it}" for it in PACKAGES[client]]
    script = [str(CLIENTS / "agree.py"), client, service.address, "my_project", str(records)]
    said = brought.run("uv", "run", "--no-project", "--python=3.11", *packages, "python", *script).stdout
    assert "agree" in said


def test_damaged_requests_are_refused_in_time(brought: Repository, service: Service, records: Path) -> None:
    """Memory does not grow with them."""
    script = [str(CLIENTS / "fuzzed.py"), service.address, "my_project", str(records)]

    def send(count: int) -> dict[str, object]:
        told: dict[str, object] = json.loads(brought.run("python3", *script, str(count)).stdout)
        return told

    send(2_000)
    before = memory(service)
    told = send(BODIES)
    assert not told["wrong"], told
    assert float(str(told["longest"])) < 10
    assert memory(service) < before * 1.2 + 10, before


@pytest.mark.parametrize("brought", PUBLIC[:1], indirect=True)
def test_requests_as_the_description_has_them_never_fail(brought: Repository, service: Service) -> None:
    """Also requests that it does not allow, and those of other methods."""
    options = [
        "--checks=not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance"
    ]
    options += [f"--max-examples={CASES}", "--phases=examples,coverage,fuzzing", "--no-color", "--seed=1"]
    command = ["uvx", "--from", SCHEMATHESIS, "schemathesis", "run", f"{service.address}/openapi.json", *options]
    done = run(*command, cwd=brought.path, env=brought.env, check=False, timeout=7000)
    assert done.returncode == 0, done.stdout[-5000:]
    [cases] = re.findall(r"(\d+) generated", done.stdout)
    assert int(cases) >= CASES, done.stdout[-2000:]


@contextmanager
def provider(folder: Path, port: int) -> Iterator[None]:
    """Run an OpenID provider, with a new key."""
    command = ["node", "provider.mjs", str(port)]
    process = subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, encoding="utf-8")
    with process:
        assert process.stdout
        while process.stdout.readline() != "ready\n":
            assert process.poll() is None
        yield
        process.terminate()


def token_of(port: int, audience: str) -> str:
    """Ask a provider for a token, as a program does."""
    form = {"grant_type": "client_credentials", "scope": "predict", "resource": f"urn:{audience}"}
    password = b64encode(b"program:a-secret-of-a-test").decode()
    asked = Request(f"http://127.0.0.1:{port}/token", urlencode(form).encode())
    asked.add_header("Authorization", f"Basic {password}")
    with urlopen(asked) as answer:  # noqa: S310
        return str(json.load(answer)["access_token"])


def status_with(service: Service, token: str) -> int:
    """Ask the service with a token, and return the status."""
    asked = Request(f"{service.address}/openapi.json")  # noqa: S310
    asked.add_header("Authorization", f"Bearer {token}")
    try:
        with urlopen(asked) as answer:  # noqa: S310
            return int(answer.status)
    except HTTPError as error:
        with error:
            return error.code


def test_tokens_of_a_real_provider_are_checked(brought: Repository, tmp_path: Path) -> None:
    """Also after it has changed its key."""
    if not shutil.which("npm"):
        pytest.skip("npm is not installed")
    shutil.copy(CLIENTS / "provider.mjs", tmp_path)
    subprocess.run(["npm", "install", "--silent", "--no-audit", PROVIDER], cwd=tmp_path, check=True)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    env = {"SERVE_ISSUER": f"http://127.0.0.1:{port}", "SERVE_AUDIENCE": "service", "SERVE_KEEP": "false"}
    with ExitStack() as running:
        with provider(tmp_path, port):
            service = running.enter_context(served(brought, **env))
            old = token_of(port, "service")
            head, content, signature = old.split(".")
            assert status_with(service, old) == 200
            assert status_with(service, token_of(port, "another")) == 401
            assert status_with(service, f"{head}.{content[:-4]}AAAA.{signature}") == 401
            assert status_with(service, "") == 401
        assert status_with(service, old) == 200  # its key is known, also while the provider is away
        with provider(tmp_path, port):
            new = token_of(port, "service")
            wait_for(lambda: status_with(service, new) == 200)
            assert status_with(service, old) == 401


class Asked:
    """Clients in this process, and what becomes of their requests."""

    def __init__(self, service: Service, record: str) -> None:
        """Prepare."""
        self.outcomes, self.longest = Counter[str](), 0.0
        self.address = ("127.0.0.1", int(service.address.rpartition(":")[2]))
        body = record.encode()
        self.head = f"POST /predict HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n\r\n".encode()
        self.body = body

    async def one(self) -> None:
        """Send a request over a new connection."""
        start = time.perf_counter()
        reader, writer = await asyncio.open_connection(*self.address)
        writer.write(self.head + self.body)
        told = await reader.readuntil(b"\r\n\r\n")
        status = told[9:12].decode()
        assert status == "200" or b"retry-after" in told.lower(), told
        self.outcomes[status] += 1
        if status == "200":
            self.longest = max(self.longest, time.perf_counter() - start)
        writer.close()

    async def until(self, is_over: Callable[[], bool]) -> None:
        """Send one request after the other."""
        while not is_over():
            try:
                await self.one()
            except (ConnectionError, asyncio.IncompleteReadError) as error:
                self.outcomes[type(error).__name__] += 1

    async def slow(self, at_once: bytes, slowly: bytes) -> float:
        """Send some bytes, then a byte a second; return after how many seconds the service closed the connection."""
        start = time.perf_counter()
        reader, writer = await asyncio.open_connection(*self.address)
        writer.write(at_once)
        closed = asyncio.ensure_future(reader.read())
        for byte in slowly:
            if closed.done():
                break
            writer.write(bytes([byte]))
            await asyncio.wait([closed], timeout=1)
        with suppress(ConnectionError):
            await asyncio.wait_for(closed, 60)
        writer.close()
        return time.perf_counter() - start

    async def deaf(self) -> float:
        """Send requests and read no answer; return after how many seconds the service closed the connection."""
        start = time.perf_counter()
        with socket.create_connection(self.address) as connection:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            connection.settimeout(0)
            with suppress(ConnectionError):
                while time.perf_counter() - start < 60:
                    with suppress(BlockingIOError):
                        connection.send(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n" * 10)
                    await asyncio.sleep(0.2)
        return time.perf_counter() - start


def test_others_are_served_while_hundreds_of_clients_are_slow(service: Service, records: Path) -> None:
    """A byte a second of headers or of a body, nothing, or no answer read: after the time allowed, it is over."""
    asked = Asked(service, records.read_text("utf-8").splitlines()[0])

    async def all_of_them() -> list[float]:
        end = time.monotonic() + 25
        good = asyncio.create_task(asked.until(lambda: time.monotonic() > end))
        slow = [asked.slow(b"", asked.head * 20) for _ in range(200)]
        slow += [asked.slow(asked.head, asked.body) for _ in range(200)]
        slow += [asked.slow(b"", b"") for _ in range(90)]
        slow += [asked.deaf() for _ in range(10)]
        times = await asyncio.gather(*slow)
        await good
        return times

    times = asyncio.run(all_of_them())
    assert max(times) < 30  # ten seconds for the request, and as many until the connection is closed
    assert {*asked.outcomes} == {"200"}, asked.outcomes
    assert asked.longest < 2


def test_too_many_requests_are_told_so_and_the_others_answered(service: Service, records: Path) -> None:
    """For two minutes, many more clients ask than can be answered; afterwards, all is as before.

    What says which version answers is asked now and then.
    """
    asked = Asked(service, records.read_text("utf-8").splitlines()[0])
    before = memory(service)

    async def all_of_them() -> list[float]:
        end = time.monotonic() + 120
        clients = [asyncio.create_task(asked.until(lambda: time.monotonic() > end)) for _ in range(250)]
        health = []
        while time.monotonic() < end:
            start = time.perf_counter()
            await asyncio.to_thread(service.version)
            health.append(time.perf_counter() - start)
            await asyncio.sleep(1)
        await asyncio.gather(*clients)
        return health

    health = asyncio.run(all_of_them())
    assert {*asked.outcomes} <= {"200", "429", "503"}, asked.outcomes
    assert asked.outcomes["200"] > 1000
    assert asked.outcomes["429"] > 1000
    assert asked.longest < 10
    assert max(health) < 5
    assert memory(service) < before * 1.3 + 20, before
    asked.outcomes.clear()
    asyncio.run(asked.one())
    assert asked.outcomes == {"200": 1}
