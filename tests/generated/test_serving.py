"""The service of a generated repository: its page as printed, champions that change, and signals, all under load."""

import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from urllib.request import urlopen

import pytest

from tests.generated.load import Load
from tests.generated.repository import Repository, generate
from tests.harness import Template
from tests.pages import blocks

pytestmark = [
    pytest.mark.slow,
    pytest.mark.xdist_group("serving"),
    pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGHUP"),
    pytest.mark.skipif("FORMWORK_SERVING" not in os.environ, reason="`nox -s serving` tries it"),
]

SWAPS, ENDS = map(int, os.environ.get("FORMWORK_SERVING", "6 2").split())
SAME, OTHER, DAMAGED, ELSEWHERE = 1, 2, 3, 4  # versions
ORDER = (OTHER, SAME, DAMAGED, OTHER, ELSEWHERE, SAME)
LONGEST = 60.0  # seconds to wait for something


@pytest.fixture(scope="module")
def repository(template: Template, tmp_path_factory: pytest.TempPathFactory) -> Repository:
    """Return a repository with a champion, committed."""
    found = generate(template, tmp_path_factory.mktemp("serving") / "repository", pieces=["serving"])
    found.set_up()
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
        service.wait()
        yield service
    finally:
        service.end()


class Service:
    """A service that runs.

    Attributes:
        address: Where it listens.
        log: What it has logged.
    """

    def __init__(self, repository: Repository, *command: str, **env: str) -> None:
        """Start it."""
        self.log = repository.path.parent / "service.log"
        wanted = command or (str(repository.path / ".venv/bin/my_project"), "serve")
        with self.log.open("w", encoding="utf-8") as log:
            self.process = subprocess.Popen(
                wanted,
                cwd=repository.path,
                env={**repository.env, "SERVE_PORT": "0", "SERVE_POLL_SECONDS": "3600", **env},
                stdout=log,  # nox writes both there
                stderr=log,
                start_new_session=True,  # so that a signal can reach it through uvx and nox
            )
        self.address = ""

    def wait(self) -> None:
        """Wait until it answers."""
        wait_for(lambda: " at http://" in self.said() or self.process.poll() is not None)
        found = re.search(r" at (http://\S+)", self.said())
        assert found, self.said()
        self.address = found[1]

    def said(self) -> str:
        """Return what it has logged."""
        return self.log.read_text("utf-8")

    def end(self) -> None:
        """End it as a terminal would."""
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGTERM)
        self.process.wait(LONGEST)

    def version(self) -> str:
        """Ask which version answers."""
        with urlopen(f"{self.address}/v2/health/ready") as answer:  # noqa: S310
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
        assert "prediction" in answer["predictions"][0]
    told = repository.run("bash", "-c", kept).stdout
    assert told.startswith("Rows: 1\n")
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


def example(repository: Repository) -> str:
    """Return a record that its versions can predict for."""
    [folder, *_] = (repository.path / "registry/artifacts").glob("*/artifacts/bundle")
    return (folder / "example.jsonl").read_text("utf-8")


def run_and_register(repository: Repository) -> None:
    """Make a version of the code and the parameters there."""
    repository.run("uv", "run", "dvc", "repro", "--quiet")
    commit(repository, "Run")
    repository.run("uv", "run", "my_project", "register")


def make_champion(repository: Repository, number: int) -> None:
    """Name another champion in the registry, at once."""
    with sqlite3.connect(repository.path / "registry/mlflow.db", timeout=LONGEST) as registry:
        registry.execute("UPDATE registered_model_aliases SET version = ? WHERE alias = 'champion'", (number,))


def answers(service: Service, version: str) -> bool:
    """Return whether a version answers."""
    return service.version() == version


def has_refused(service: Service, number: int) -> bool:
    """Return whether the service has refused as many versions as the first swaps have asked it to."""
    with urlopen(f"{service.address}/metrics") as answer:  # noqa: S310
        text = answer.read().decode()
    found = re.search(r'serve_swaps_total\{outcome="refused"\} (\d+)', text)
    return found is not None and int(found[1]) > number // len(ORDER)


def test_no_request_fails_while_champions_come_and_go(several: Repository) -> None:
    """One is damaged and is refused; one has other code, and is served by a process of its own."""
    make_champion(several, SAME)
    with served(several, SERVE_TIMEOUT_SECONDS="60") as service:
        several.change("src/my_project/features.py", "import Row\n", "import Row\n\nEPSILON = 1e-9\n")
        several.run("sed", "-i", "s/^seed: .*/seed: 3/", "params.yaml")
        run_and_register(several)  # below the service that runs, as a `git pull` would
        with Load(service.address, example(several)) as load:
            for number in range(SWAPS):
                wanted = ORDER[number % len(ORDER)]
                before = service.version()
                make_champion(several, wanted)
                os.kill(service.process.pid, signal.SIGHUP)
                if wanted == DAMAGED:
                    wait_for(partial(has_refused, service, number))
                    assert service.version() == before
                else:
                    wait_for(partial(answers, service, str(wanted)))
        assert {*load.outcomes} == {"200"}, load.outcomes
        assert {*load.versions} == {str(it) for it in (SAME, OTHER, ELSEWHERE)}
        assert f"version {DAMAGED} is refused" in service.said()
        assert f"version {ELSEWHERE} runs its own code: my_project/features.py differs" in service.said()


def test_a_signal_ends_the_service_after_each_answer(several: Repository, tmp_path: Path) -> None:
    """What was answered is kept, and no connection that was accepted ends without an answer."""
    make_champion(several, 2)
    several.run("git", "checkout", "--quiet", "HEAD~1", "--", "src")
    for number in range(ENDS):
        kept = tmp_path / str(number)
        with served(several, SERVE_KEEP_IN=str(kept)) as service, Load(service.address, example(several)) as load:
            time.sleep(1)
            service.process.send_signal(signal.SIGTERM)
            service.process.wait(LONGEST)
        assert {*load.outcomes} <= {"200", "ConnectionRefusedError"}, load.outcomes
        count = f"import polars as pl; print(pl.scan_parquet('{kept}/*/*.parquet').select(pl.len()).collect().item())"
        assert int(several.run("uv", "run", "python", "-c", count).stdout) == load.outcomes["200"] > 0
