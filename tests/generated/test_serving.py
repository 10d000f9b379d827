"""The service of a generated repository: its page as printed, champions that change, and signals, all under load."""

import asyncio
import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.request import urlopen

import pytest

from tests.generated.repository import Repository, generate
from tests.harness import Template
from tests.pages import blocks

pytestmark = [
    pytest.mark.slow,
    pytest.mark.xdist_group("serving"),
    pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGHUP"),
]

SWAPS, ENDS = map(int, os.environ.get("FORMWORK_SERVING", "6 2").split())
CLIENTS = 8
LONGEST = 60.0  # seconds to wait for something


@pytest.fixture(scope="module")
def repository(template: Template, tmp_path_factory: pytest.TempPathFactory) -> Repository:
    """Return a repository with a champion, committed."""
    found = generate(template, tmp_path_factory.mktemp("serving") / "repository", pieces=["serving"])
    found.run("git", "init", "--quiet", "--initial-branch=main")
    found.set_up()
    commit(found, "Start")
    found.nox("pipeline")
    return found


def commit(repository: Repository, message: str) -> None:
    """Commit everything."""
    repository.run("git", "add", "--all")
    repository.run("git", "commit", "--quiet", "--no-verify", "--message", message)


@contextmanager
def served(repository: Repository, *command: str, **env: str) -> Iterator["Service"]:
    """Run the service until the end of the block."""
    service = Service(repository, *command, **env)
    try:
        yield service
    finally:
        service.end()


class Service:
    """A service that runs.

    Attributes:
        address: Where it listens.
        said: The lines that it has logged.
    """

    def __init__(self, repository: Repository, *command: str, **env: str) -> None:
        """Start it, and wait until it answers."""
        self.log = repository.path.parent / "service.log"
        wanted = command or (str(repository.path / ".venv/bin/my_project"), "serve")
        with self.log.open("w", encoding="utf-8") as log:
            self.process = subprocess.Popen(
                wanted,
                cwd=repository.path,
                env={**repository.env, "SERVE_PORT": "0", "SERVE_POLL_SECONDS": "3600", **env},
                stdout=subprocess.DEVNULL,
                stderr=log,
                start_new_session=True,  # so that a signal can reach it through uvx and nox
            )
        wait_for(lambda: " at http://" in self.said() or self.process.poll() is not None)
        assert self.process.poll() is None, self.said()
        found = re.search(r" at (http://\S+)", self.said())
        assert found
        self.address = found[1]

    def said(self) -> str:
        """Return what it has logged."""
        return self.log.read_text("utf-8")

    def end(self) -> None:
        """End it as a terminal would."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGTERM)
        self.process.wait(LONGEST)

    def version(self) -> str:
        """Ask which version answers."""
        with urlopen(f"{self.address}/v2/health/ready") as answer:
            return str(answer.headers["X-Model-Version"])


def wait_for(condition: Callable[[], bool]) -> None:
    """Wait until something is true."""
    last = time.monotonic() + LONGEST
    while not condition():
        assert time.monotonic() < last
        time.sleep(0.05)


def test_the_page_works_as_printed(repository: Repository) -> None:
    """Records of the example are answered, kept and, after the last commands, answered by ONNX."""
    [serve], [export, ask], [elsewhere], onnx, [new_token, open_to_others], [kept] = blocks(
        repository.path / "docs/serving.md"
    )
    with served(repository, "bash", "-c", serve, SERVE_PORT="8000") as service:
        assert service.address == "http://127.0.0.1:8000"
        repository.run("bash", "-c", export)
        answer = json.loads(repository.run("bash", "-c", ask).stdout)
        assert answer["version"] == "1"
        assert [*answer["predictions"][0]][0] == "prediction"
    told = repository.run("bash", "-c", kept).stdout
    assert "alcohol" in told
    path = f"{repository.path / '.venv/bin'}:{repository.env['PATH']}"
    with served(repository, "bash", "-c", elsewhere, PATH=path, MLFLOW_TRACKING_URI="sqlite:////nowhere") as service:
        assert len(service.version()) == 12
    token, sha256 = re.findall(r": +(\S+)$", repository.run("bash", "-c", new_token).stdout, re.MULTILINE)
    with served(repository, "bash", "-c", open_to_others.replace("HASH", sha256)) as service:
        port = service.address.rpartition(":")[2]
        curl = f"curl --silent http://127.0.0.1:{port}/openapi.json"
        assert "send a token" in repository.run("bash", "-c", curl).stdout
        assert '"openapi"' in repository.run("bash", "-c", f"{curl} -H 'Authorization: Bearer {token}'").stdout
    for command in onnx:
        repository.run("bash", "-c", command)
    commit(repository, "Use ONNX")
    said = repository.run("uv", "run", "my_project", "register").stderr
    assert "register: the model is there in ONNX, too, and predicts the same" in said
    repository.run("uv", "run", "my_project", "promote", "2", "--force", "ONNX")
    with served(repository) as service:
        again = service.address
        found = json.loads(repository.run("bash", "-c", ask.replace("http://127.0.0.1:8000", again)).stdout)
        modules = f"/proc/{service.process.pid}/maps"
        loaded = Path(modules).read_text("utf-8") if Path(modules).exists() else "onnxruntime"
        assert "onnxruntime" in loaded
        assert "sklearn" not in loaded
    assert found["version"] == "2"
    for name, value in answer["predictions"][0].items():
        close = pytest.approx(value, abs=1e-5) if isinstance(value, float) else value
        assert found["predictions"][0][name] == close


@pytest.fixture(scope="module")
def several(repository: Repository, tmp_path_factory: pytest.TempPathFactory) -> Repository:
    """Return a repository with more versions: of the same code, damaged, and of other code."""
    found = repository.clone(tmp_path_factory.mktemp("several") / "repository")
    found.set_up()
    for seed in (1, 2):
        found.run("sed", "-i", f"s/^seed: .*/seed: {seed}/", "params.yaml")
        run_and_register(found)
    damaged = max((found.path / "registry/artifacts").glob("*"), key=lambda it: it.stat().st_mtime)
    (damaged / "artifacts/bundle/params.yaml").write_text("", "utf-8")
    return found


def run_and_register(repository: Repository) -> None:
    """Make a version of the code and the parameters there."""
    repository.run("uv", "run", "dvc", "repro", "--quiet")
    commit(repository, "Run")
    repository.run("uv", "run", "my_project", "register")


def make_champion(repository: Repository, number: int) -> None:
    """Name another champion in the registry, at once."""
    with sqlite3.connect(repository.path / "registry/mlflow.db", timeout=LONGEST) as registry:
        registry.execute("UPDATE registered_model_aliases SET version = ? WHERE alias = 'champion'", (number,))


def test_no_request_fails_while_champions_come_and_go(several: Repository) -> None:
    """One is damaged and is refused; one has other code, and is served by a process of its own."""
    same, other, damaged, elsewhere = 1, 2, 3, 4
    make_champion(several, same)
    with served(several, SERVE_TIMEOUT_SECONDS="60") as service:
        several.change("src/my_project/features.py", "import Row\n", "import Row\n\nEPSILON = 1e-9\n")
        several.run("sed", "-i", "s/^seed: .*/seed: 3/", "params.yaml")
        run_and_register(several)  # below the service that runs, as a `git pull` would
        with Load(several, service.address) as load:
            for number in range(SWAPS):
                wanted = [other, same, elsewhere, same, damaged, other][number % 6]
                before = service.version()
                make_champion(several, wanted)
                os.kill(service.process.pid, signal.SIGHUP)
                if wanted == damaged:
                    refusals = service.said().count("is refused")
                    wait_for(lambda count=refusals: service.said().count("is refused") > count - 1)
                    assert service.version() == before
                else:
                    wait_for(lambda number=str(wanted): service.version() == number)
        assert {*load.outcomes} == {"200"}, load.outcomes
        assert {*load.versions} == {str(it) for it in (same, other, elsewhere)[: max(2, SWAPS - 1)]}
        assert f"version {damaged} is refused" in service.said()
        assert f"version {elsewhere} runs its own code: my_project/features.py differs" in service.said()


def test_a_signal_ends_the_service_after_each_answer(several: Repository, tmp_path: Path) -> None:
    """What was answered is kept, and no connection that was accepted ends without an answer."""
    import polars as pl

    make_champion(several, 2)
    several.run("git", "checkout", "--quiet", "HEAD~1", "--", "src")
    for number in range(ENDS):
        kept = tmp_path / str(number)
        service = Service(several, SERVE_KEEP_IN=str(kept))
        with Load(several, service.address) as load:
            time.sleep(1)
            service.process.send_signal(signal.SIGTERM)
            service.process.wait(LONGEST)
        assert {*load.outcomes} <= {"200", "ConnectionRefusedError"}, load.outcomes
        rows = sum(pl.read_parquet(file).height for file in kept.glob("*/*.parquet"))
        assert rows == load.outcomes["200"] > 0


class Load:
    """Clients that send one request after the other, in a process of their own.

    Attributes:
        outcomes: How often each status or error occurred.
        versions: How often each version answered.
    """

    def __init__(self, repository: Repository, address: str) -> None:
        """Prepare the clients, which send the example of a version."""
        folder = next((repository.path / "registry/artifacts").glob("*/artifacts/bundle"))
        self._body = (folder / "example.jsonl").read_bytes()
        self._address = address.rpartition("/")[2].rpartition(":")
        self.outcomes, self.versions = Counter[str](), Counter[str]()
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> "Load":
        """Start them."""
        self._process = subprocess.Popen(
            [sys.executable, __file__, self._address[0], self._address[2]],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            encoding="utf-8",
        )
        assert self._process.stdin
        self._process.stdin.write(self._body.decode().strip() + "\n")
        self._process.stdin.flush()
        return self

    def __exit__(self, *_: object) -> None:
        """End them, and count."""
        assert self._process
        said, _ = self._process.communicate()
        outcomes, versions = json.loads(said)
        self.outcomes.update(outcomes)
        self.versions.update(versions)


async def one_client(
    host: str, port: int, body: bytes, outcomes: Counter[str], versions: Counter[str], is_over: Callable[[], bool]
) -> None:
    """Send a request after the other over a connection, and a new one after each that ends."""
    head = f"POST /predict HTTP/1.1\r\nHost: {host}\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    writer = None
    while not is_over():
        try:
            if writer is None:
                reader, writer = await asyncio.open_connection(host, port)
            writer.write(head + body)
            answer = (await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), LONGEST)).decode().lower()
            length = re.search(r"content-length: (\d+)", answer)
            assert length
            content = json.loads(await reader.readexactly(int(length[1])))
            outcomes[answer[9:12]] += 1
            if "predictions" in content:
                assert f"x-model-version: {content['version']}\r\n" in answer
                assert "prediction" in content["predictions"][0]
                versions[content["version"]] += 1
            if "connection: close" in answer:
                writer.close()
                writer = None
        except ConnectionRefusedError:
            outcomes["ConnectionRefusedError"] += 1
            return
        except Exception as error:
            outcomes[f"{type(error).__name__}: {error}"] += 1
            if writer:
                writer.close()
            writer = None


async def all_clients(host: str, port: int) -> None:
    """Send requests until standard input ends, then write what happened."""
    body = sys.stdin.readline().encode()
    outcomes, versions = Counter[str](), Counter[str]()
    reading = asyncio.create_task(asyncio.to_thread(sys.stdin.read))
    clients = (one_client(host, port, body, outcomes, versions, reading.done) for _ in range(CLIENTS))
    await asyncio.gather(*clients)
    print(json.dumps([outcomes, versions]))


if __name__ == "__main__":
    asyncio.run(all_clients(sys.argv[1], int(sys.argv[2])))
