"""Measure the service of a repository beside other servers of the same model, in turn on the same machine."""

import asyncio
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.request import urlopen

from tests.generated.repository import Repository

OTHERS = Path(__file__).parent / "inside/others.py"
ROWS, CLIENTS = (1, 100), (1, 8)
ROUNDS, SECONDS = 3, 4.0
LONGEST = 120.0  # seconds until a server answers
FASTAPI = ["--with=fastapi", "--with=uvicorn", "--with=httptools", "--with=uvloop"]
BENTO, MLSERVER = ["--with=bentoml>=1.4"], ["--with=mlserver==1.7.1", "--with=mlserver-sklearn==1.7.1"]


@dataclass(frozen=True)
class Server:
    """A server of the model.

    Attributes:
        name: What it is called.
        port: Where it listens.
        command: Starts it.
        path: Where requests go.
        body: The kind of the requests.
        ready: What answers as soon as it is ready.
    """

    name: str
    port: int
    command: Sequence[str]
    path: str
    body: str
    ready: str


@dataclass(frozen=True)
class Answered:
    """What became of requests.

    Attributes:
        per_second: How many were answered a second.
        longest: How long it took for 99 of 100, in milliseconds.
    """

    per_second: float
    longest: float


@dataclass(frozen=True)
class Started:
    """What a server took until it was ready.

    Attributes:
        seconds: CPU seconds, those of its processes included.
        megabytes: Memory of all of its processes after some requests.
    """

    seconds: float
    megabytes: float


def servers(repository: Repository, folder: Path) -> list[Server]:
    """List the service and the other servers.

    Args:
        repository: A repository with the piece `serving`, whose champion is there in ONNX, too.
        folder: What `others.py` has written.
    """
    program = str(repository.path / ".venv/bin/my_project")
    plain = ["uv", "run", "--quiet", "--no-project", f"--python={repository.python}"]
    locked = ["uv", "run", "--quiet", "--isolated", "--frozen"]
    sklearn = [f"--with={pin}" for pin in pins(repository, "scikit-learn", "numpy", "scipy", "joblib")]
    sklearn += ["--with=pandas"]
    mlflow = ["mlflow", "models", "serve", "--env-manager=local", f"--model-uri={folder / 'mlflow'}", "--port=8702"]
    bento = ["bentoml", "serve", "bento:Model", f"--working-dir={folder}", "--port=8703"]
    return [
        Server("onnx", 8700, [program, "serve"], "/predict", "records", "/v2/health/ready"),
        Server(
            "constant",
            8701,
            [*plain, *FASTAPI, "uvicorn", f"--app-dir={folder}", "constant:app", "--port=8701", "--no-access-log"],
            "/predict",
            "records",
            "/docs",
        ),
        Server("mlflow", 8702, [*locked, "--extra=ui", *mlflow], "/invocations", "mlflow", "/health"),
        Server("bento", 8703, [*plain, *BENTO, *sklearn, *bento], "/predict", "bento", "/readyz"),
        Server(
            "mlserver",
            8704,
            [*plain, *MLSERVER, *sklearn, "mlserver", "start", str(folder / "mlserver")],
            "/v2/models/model/infer",
            "mlserver",
            "/v2/models/model/ready",
        ),
        Server(
            "skops",
            8707,
            [program, "serve", "--model", str(folder / "plain")],
            "/predict",
            "records",
            "/v2/health/ready",
        ),
    ]


def pins(repository: Repository, *names: str) -> list[str]:
    """Return the versions of packages in the repository's environment."""
    listed = repository.run("uv", "pip", "freeze", "--python=.venv").stdout
    return re.findall(rf"(?m)^(?:{'|'.join(names)})==\S+$", listed)


@contextmanager
def running(server: Server, repository: Repository, folder: Path) -> Iterator[int]:
    """Run a server, and return the number of its process group."""
    env = {**repository.env, "SERVE_PORT": str(server.port), "SERVE_KEEP": "false", "BENTOML_DO_NOT_TRACK": "true"}
    env["MLFLOW_DISABLE_TELEMETRY"] = "true"
    log = folder / f"{server.name}.log"
    with log.open("w", encoding="utf-8") as said:
        process = subprocess.Popen(
            server.command, cwd=repository.path, env=env, stdout=said, stderr=said, start_new_session=True
        )
    try:
        end = time.monotonic() + LONGEST
        while not answers(server):
            if process.poll() is not None or time.monotonic() > end:
                raise RuntimeError(f"{server.name} does not answer:\n{log.read_text('utf-8')[-3000:]}")
            time.sleep(0.05)
        yield process.pid
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        process.wait(60)


def answers(server: Server) -> bool:
    """Return whether a server is ready."""
    try:
        urlopen(f"http://127.0.0.1:{server.port}{server.ready}", timeout=5).close()
    except OSError:  # it refuses, does not answer yet, or says that it is not ready
        return False
    return True


def taken(group: int) -> Started:
    """Return what the processes of a group have taken until now."""
    ticks, kilobytes = 0, 0
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            fields = (folder / "stat").read_text("utf-8").rpartition(")")[2].split()
            status = (folder / "status").read_text("utf-8")
        except OSError:  # it has ended
            continue
        if int(fields[2]) == group:
            ticks += int(fields[11]) + int(fields[12])
            kilobytes += sum(map(int, re.findall(r"VmRSS:\s+(\d+)", status)))
    return Started(ticks / os.sysconf("SC_CLK_TCK"), kilobytes / 1024)


async def ask(server: Server, body: bytes, clients: int) -> Answered:
    """Send one request after the other over a few connections, for some seconds."""
    lines = [
        f"POST {server.path} HTTP/1.1",
        "Host: localhost",
        "Content-Type: application/json",
        f"Content-Length: {len(body)}",
    ]
    asked = "\r\n".join([*lines, "", ""]).encode() + body
    times: list[float] = []
    end = time.perf_counter() + SECONDS

    async def one() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        while (start := time.perf_counter()) < end:
            writer.write(asked)
            head = await reader.readuntil(b"\r\n\r\n")
            length = re.search(rb"content-length: (\d+)", head.lower())
            if b" 200 " not in head[:16] or length is None:
                raise RuntimeError(f"{server.name}: {(head + await reader.read(500)).decode()}")
            await reader.readexactly(int(length[1]))
            times.append(time.perf_counter() - start)
        writer.close()

    await asyncio.gather(*(one() for _ in range(clients)))
    times.sort()
    return Answered(len(times) / SECONDS, times[int(len(times) * 0.99)] * 1000)


def measure(
    repository: Repository, folder: Path
) -> tuple[dict[str, Started], dict[tuple[str, int, int], list[Answered]]]:
    """Measure each server.

    Args:
        repository: A repository with the piece `serving` that was set up.
        folder: An empty folder.

    Returns:
        What each server took to start, and what became of requests, by server, rows and clients.
    """
    repository.run("uv", "run", "my_project", "export", "champion", str(folder / "plain"))
    repository.run("uv", "add", "--quiet", "onnxruntime")
    repository.run("uv", "add", "--quiet", "--group=pipeline", "skl2onnx")
    repository.run("uv", "run", "dvc", "repro", "--quiet", "--force", "train", "evaluate")
    repository.run("git", "commit", "--quiet", "--all", "--no-verify", "--message", "Use ONNX")
    repository.run("uv", "run", "my_project", "register")
    repository.run("uv", "run", "my_project", "promote", "--force", "ONNX")
    shutil.copy(OTHERS, folder / "others.py")
    apart = ["--isolated", "--frozen", "--extra=ui", "--with=pandas"]  # the service starts without them
    repository.run("uv", "run", *apart, "python", str(folder / "others.py"), str(folder), "8704")
    started: dict[str, Started] = {}
    found: dict[tuple[str, int, int], list[Answered]] = {}
    listed = servers(repository, folder)
    for turn in range(ROUNDS):
        for server in listed:
            with running(server, repository, folder) as group:
                begun = taken(group).seconds
                for rows in ROWS:
                    body = (folder / f"{server.body}-{rows}.json").read_bytes()
                    for clients in CLIENTS:
                        measured = asyncio.run(ask(server, body, clients))
                        found.setdefault((server.name, rows, clients), []).append(measured)
                started.setdefault(server.name, Started(begun, taken(group).megabytes))
            print(f"{server.name}, turn {turn + 1}: done", file=sys.stderr)
    return started, found
