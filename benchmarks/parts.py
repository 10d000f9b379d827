"""Measure what parts cost: as one stream, in a loop over the parts, and on workers of Dask."""

import json
import os
import re
import shutil
import statistics
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.generated.repository import Repository

INSIDE = Path(__file__).parent / "inside"
FILES, ROWS = 64, 20_000_000
GROWTH = (5_000_000, 20_000_000, 60_000_000)
STAGES = ("validate", "featurize", "predict")
ADDRESS = "tcp://127.0.0.1:8797"
WORKERS = 2
TICK = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Taken:
    """What something took.

    Attributes:
        seconds: CPU time of all processes.
        megabytes: The most memory that all processes had together, each page counted once.
    """

    seconds: float
    megabytes: float


class Watch:
    """Measures a tree of processes, until it is stopped."""

    def __init__(self, *roots: int) -> None:
        """Begin with some processes and those that they have started or will start."""
        self.roots, self.peak, self.seconds = roots, 0.0, dict[int, float]()
        self.ended = threading.Event()
        self.thread = threading.Thread(target=self._look, daemon=True)
        self.before = {pid: used for pid in self._tree() if (used := cpu(pid)) is not None}
        self.thread.start()

    def _tree(self) -> Iterator[int]:
        todo = [*self.roots]
        while todo:
            pid = todo.pop()
            yield pid
            done = subprocess.run(["pgrep", "--parent", str(pid)], capture_output=True, encoding="utf-8", check=False)
            todo += map(int, done.stdout.split())

    def _look(self) -> None:
        while not self.ended.wait(0.1):
            memory = 0.0
            for pid in self._tree():
                if (used := cpu(pid)) is not None:
                    self.seconds[pid] = used
                memory += megabytes(pid)
            self.peak = max(self.peak, memory)

    def stop(self) -> Taken:
        """Return what the processes took since the beginning; those that ended just now may be missing."""
        self.ended.set()
        self.thread.join()
        seconds = sum(used - self.before.get(pid, 0) for pid, used in self.seconds.items())
        return Taken(seconds, self.peak)


def cpu(pid: int) -> float | None:
    """Return the CPU seconds of a process, without those of its children."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text("utf-8").rpartition(")")[2].split()
    except OSError:
        return None
    return (int(fields[11]) + int(fields[12])) / TICK


def megabytes(pid: int) -> float:
    """Return the memory of a process; a page that several share counts in parts."""
    try:
        text = Path(f"/proc/{pid}/smaps_rollup").read_text("utf-8")
    except OSError:
        return 0
    found = re.search(r"(?m)^Pss: +(\d+) kB", text)
    return int(found[1]) / 1024 if found else 0


def measure(repository: Repository) -> dict[str, dict[str, Taken]]:
    """Run each stage on the same rows in several ways.

    Args:
        repository: A repository with the piece `distributed` and a registered model.

    Returns:
        By the name of the way, then of the stage: what it took.
    """
    make_rows(repository, ROWS, 0)
    found = {"one stream": {stage: run(repository, stage) for stage in STAGES}}
    make_rows(repository, ROWS, FILES)
    found["loop"] = {stage: run(repository, stage) for stage in STAGES}
    with cluster(repository) as pids:
        for way in ("Dask, first", "Dask, warm"):
            found[way] = {stage: run(repository, stage, *pids) for stage in STAGES}
    for rows in GROWTH:
        make_rows(repository, rows, rows // (ROWS // FILES))
        found[f"{rows}"] = {stage: run(repository, stage) for stage in STAGES}
    return found


def make_rows(repository: Repository, rows: int, files: int) -> None:
    """Write raw rows into so many files, or into one table."""
    python = repository.path / ".venv/bin/python"
    repository.run(str(python), str(INSIDE / "rows_in_parts.py"), str(rows), str(files))


def run(repository: Repository, stage: str, *others: int) -> Taken:
    """Run a stage, and measure it together with other processes."""
    command = [str(repository.path / ".venv/bin/my_project"), stage]
    if stage == "predict":
        raw = repository.path / "data/raw.parquet"
        output = repository.path / ("data/predicted" if raw.is_dir() else "data/predicted.parquet")
        command += [str(raw), "--ingested", f"--output={output}"]
        shutil.rmtree(output, ignore_errors=True)
    env = repository.env | ({"DASK_SCHEDULER_ADDRESS": ADDRESS} if others else {})
    log = repository.path / "benchmark.log"
    with log.open("wb") as target:
        process = subprocess.Popen(command, cwd=repository.path, env=env, stdout=target, stderr=target)
        watch = Watch(process.pid, *others)
        status = process.wait()
        taken = watch.stop()
    if status:
        raise RuntimeError(log.read_text("utf-8"))
    return taken


@contextmanager
def cluster(repository: Repository) -> Iterator[list[int]]:
    """Start a scheduler and workers, and yield their processes."""
    dask = str(repository.path / ".venv/bin/dask")
    host, _, port = ADDRESS.partition("//")[2].partition(":")
    env = repository.env | {"POLARS_MAX_THREADS": "1", "OMP_NUM_THREADS": "1"}
    commands = [
        [dask, "scheduler", "--host", host, "--port", port, "--no-dashboard"],
        [dask, "worker", ADDRESS, "--nworkers", str(WORKERS), "--nthreads", "1", "--no-dashboard"],
    ]
    with (repository.path / "dask.log").open("wb") as log:
        processes = []
        for command in commands:
            processes.append(subprocess.Popen(command, cwd=repository.path, env=env, stdout=log, stderr=log))
            time.sleep(10)
    try:
        yield [process.pid for process in processes]
    finally:
        for process in reversed(processes):
            process.terminate()
            process.wait()


def scheduling(repository: Repository, seconds: list[float]) -> dict[str, float]:
    """Measure how much longer 1,000 parts take on 64 workers than they would without scheduling."""
    make_rows(repository, 1000, 0)
    program = str(INSIDE / "sleeping.py")
    python = str(repository.path / ".venv/bin/python")
    turns = [json.loads(repository.run(python, program, *map(str, seconds)).stdout) for _ in range(3)]
    return {name: statistics.median(turn[name] for turn in turns) for name in ("start", "wall", "ideal")}
