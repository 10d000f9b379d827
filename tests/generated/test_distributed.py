"""The page on many machines works as printed, and whatever is killed, the results are the same."""

import os
import random
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from hashlib import sha256
from pathlib import Path

import pytest

from benchmarks.scale import write_rows
from tests.generated.repository import Repository, generate
from tests.harness import Template
from tests.pages import blocks

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif("FORMWORK_KILLED" not in os.environ, reason="`nox -s distributed` tries it"),
]

KILLS = int(os.environ.get("FORMWORK_KILLED", "0"))
ROWS, ROWS_OF_A_PART = 2_000_000, 100_000
TABLES = "src/my_project/core/base/tables.py"
MADE = ("valid", "quarantine", "train", "test")
LONGEST = 60.0  # seconds until workers are there


@pytest.fixture(scope="module")
def repository(template: Template, tmp_path_factory: pytest.TempPathFactory) -> Repository:
    """Return a repository with the piece, a champion and 20 parts of rows."""
    found = generate(template, tmp_path_factory.mktemp("distributed") / "repository", pieces=["distributed"])
    found.set_up()
    rows = found.path / "data/rows.csv"
    write_rows(found.path / "tests/sample.csv", rows, ROWS)
    text = rows.read_text("utf-8").replace("\n1", "\nx", 1)  # a bad row
    rows.write_text(text, "utf-8")
    (found.path / "data/new").mkdir()
    for number in range(4):
        write_rows(found.path / "tests/sample.csv", found.path / f"data/new/{number}.csv", 50_000)
    return found


@pytest.fixture(scope="module")
def expected(repository: Repository) -> dict[str, str]:
    """Return the hashes of what one process makes."""
    repository.change(TABLES, "ROWS = 1_000_000", f"ROWS = {ROWS_OF_A_PART:_}")
    repository.change("params.yaml", "tests/sample.csv", "data/rows.csv")
    for stage in ("ingest", "validate", "featurize"):
        repository.run("uv", "run", "--no-sync", "my_project", stage, POLARS_MAX_THREADS="1")
    return hashes(repository)


def hashes(repository: Repository) -> dict[str, str]:
    """Return the hash of each table that has been made of the raw rows."""
    found = {}
    for name in MADE:
        content = sha256()
        files = sorted((repository.path / f"data/{name}.parquet").iterdir())
        assert len(files) == len([*(repository.path / "data/raw.parquet").iterdir()])
        for file in files:
            content.update(file.read_bytes())
        found[name] = content.hexdigest()
    return found


def below(pid: int) -> Iterator[int]:
    """List the processes that a process has started, and those that these have started."""
    done = subprocess.run(["pgrep", "--parent", str(pid)], capture_output=True, encoding="utf-8", check=False)
    for child in map(int, done.stdout.split()):
        yield child
        yield from below(child)


def workers(pid: int) -> list[int]:
    """List the processes below one that work on parts."""
    found = []
    for child in below(pid):
        try:
            command = Path(f"/proc/{child}/cmdline").read_text("utf-8")
        except OSError:  # it has ended
            continue
        if "spawn_main" in command:
            found.append(child)
    return found


@contextmanager
def started(repository: Repository, command: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run a command of the page until the end of the block, and everything that it starts."""
    log = repository.path / "data/log.txt"
    with log.open("ab") as target:
        process = subprocess.Popen(
            ["bash", "-c", command], cwd=repository.path, env=repository.env, stdout=target, stderr=target
        )
    try:
        yield process
    finally:
        for child in [*below(process.pid), process.pid]:
            with_signal(child, signal.SIGTERM)
        process.wait(LONGEST)


def with_signal(pid: int, number: int) -> None:
    """Send a signal to a process, unless it has ended."""
    with suppress(ProcessLookupError):
        os.kill(pid, number)


@pytest.fixture(scope="module")
def cluster(repository: Repository, expected: dict[str, str]) -> Iterator[int]:
    """Start a scheduler and its workers as the page says, and yield the process above the workers."""
    assert expected
    [scheduler], [worker], _ = blocks(repository.path / "docs/distributed.md")
    with started(repository, scheduler), started(repository, worker) as process:
        last = time.monotonic() + LONGEST
        while not workers(process.pid):
            assert time.monotonic() < last, (repository.path / "data/log.txt").read_text("utf-8")
            time.sleep(0.1)
        yield process.pid


@pytest.mark.usefixtures("cluster")
def test_the_page_works_as_printed(repository: Repository, expected: dict[str, str]) -> None:
    """The pipeline and `predict` give what one process gives."""
    *_, [pipeline, predict] = blocks(repository.path / "docs/distributed.md")
    done = repository.run("bash", "-c", pipeline)
    said = done.stdout + done.stderr
    assert said.count("dask: tcp://127.0.0.1:8786") == 2, said
    assert hashes(repository) == expected
    assert "1 in quarantine" in said
    small, large = f"ROWS = {ROWS_OF_A_PART:_}", "ROWS = 1_000_000"
    repository.change(TABLES, small, large)  # as it was when the champion was registered
    assert "dask: " in repository.run("bash", "-c", predict).stderr
    alone = predict.replace("data/predicted", "data/alone").partition(" ")[2]
    repository.run("bash", "-c", alone)
    for file in sorted((repository.path / "data/alone").iterdir()):
        assert file.read_bytes() == (repository.path / "data/predicted" / file.name).read_bytes()
    repository.change(TABLES, large, small)
    shutil.rmtree(repository.path / "data/predicted")
    repository.run("bash", "-c", predict)  # in the environment of the version, which has no Dask


@pytest.mark.parametrize("victim", ["worker", "command", "process of this machine"])
def test_whatever_is_killed_the_results_are_the_same(
    repository: Repository, expected: dict[str, str], cluster: int, victim: str
) -> None:
    """Another worker does the part again; after the end of the command, nothing has changed."""
    chance = random.Random(victim)  # noqa: S311
    address = "" if "machine" in victim else "tcp://127.0.0.1:8786"
    env = {**repository.env, "DASK_SCHEDULER_ADDRESS": address}
    program = str(repository.path / ".venv/bin/my_project")
    hits = 0
    for _ in range(KILLS):
        with subprocess.Popen([program, "featurize"], cwd=repository.path, env=env, stderr=subprocess.PIPE) as command:
            time.sleep(chance.uniform(2, 8))
            above = cluster if victim == "worker" else command.pid
            pids = [command.pid] if victim == "command" else workers(above)
            if command.poll() is None and pids:
                with_signal(chance.choice(pids), signal.SIGKILL)
                hits += 1
            _, said = command.communicate()
        if victim == "worker":
            assert command.returncode == 0, said
        elif command.returncode:
            assert command.returncode == -signal.SIGKILL or re.search(rb"a process was killed", said)
        assert hashes(repository) == expected
    assert hits >= KILLS / 4
    repository.run(program, "featurize", DASK_SCHEDULER_ADDRESS=address)
    assert hashes(repository) == expected
    assert not [*repository.path.glob("data/*.partial")]
