"""The page on many machines works as printed, and whatever is killed, the results are the same."""

import os
import random
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import pytest

from benchmarks.scale import write_rows
from tests.generated.repository import Repository, generate
from tests.generated.test_own_data import BLOCK
from tests.generated.test_recipes import TRAINING, section
from tests.harness import ROOT, Template
from tests.pages import blocks

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(4 * 3600),
    pytest.mark.skipif("FORMWORK_KILLED" not in os.environ, reason="`nox -s distributed` tries it"),
]

KILLS = int(os.environ.get("FORMWORK_KILLED", "0"))
ROWS, ROWS_OF_A_PART = 2_000_000, 100_000
TABLES = "src/my_project/core/base/tables.py"
PROCESSES = "src/my_project/core/processes.py"
LOG = "data/log.txt"
MADE = ("valid", "quarantine", "train", "test")
LONGEST = 60.0  # seconds until workers are there


@dataclass(frozen=True)
class Cluster:
    """An engine that has started.

    Attributes:
        engine: The engine.
        pid: The process above those that work on parts.
    """

    engine: "Engine"
    pid: int


@dataclass(frozen=True)
class Engine:
    """What the page starts.

    Attributes:
        commands: Words by which the commands that start it are found.
        variable: The variable of the environment that holds the address.
        address: Where it is.
        ready: What one of the commands prints when it can begin.
        worker: A word in the command line of a process that works on parts.
        seconds: When to kill the command, from its start.
        of_worker: When to kill a worker, from when there is one.
    """

    commands: tuple[str, ...]
    variable: str
    address: str
    ready: str
    worker: str
    seconds: tuple[float, float]
    of_worker: tuple[float, float]


ENGINES = {
    "dask": Engine(
        ("dask scheduler", "dask worker"),
        "DASK_SCHEDULER_ADDRESS",
        "tcp://127.0.0.1:8786",
        "Starting established connection to",
        "spawn_main",
        (2, 8),
        (2, 8),
    ),
    "spark": Engine(
        ("master.Master", "worker.Worker"),
        "SPARK_MASTER",
        "spark://127.0.0.1:7077",
        "Successfully registered with master",
        "pyspark.daemon",
        (8, 20),
        (0, 6),
    ),
    "connect": Engine(
        ("SparkConnectServer",),
        "SPARK_REMOTE",
        "sc://127.0.0.1",
        "Connect server started at",
        "pyspark.daemon",
        (4, 12),
        (0, 6),
    ),
}


@pytest.fixture(scope="module")
def repository(template: Template, tmp_path_factory: pytest.TempPathFactory) -> Repository:
    """Return a repository with the pieces, a champion and 20 parts of rows."""
    pieces = ["distributed", "spark"]
    found = generate(template, tmp_path_factory.mktemp("distributed") / "repository", pieces=pieces)
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


SCHEMA = '''\
"""What a valid row is."""

from datetime import datetime

import pandera.polars as pa
import polars as pl

TARGET = "count"


class Row(pa.DataFrameModel):
    """A row."""

    name: str = pa.Field(nullable=True, str_length={"max_value": 8})
    amount: float = pa.Field(nullable=True)
    at: datetime = pa.Field(nullable=True)
    level: pl.Enum = pa.Field(nullable=True, dtype_kwargs={"categories": ["low", "high"]})
    count: int = pa.Field(ge=0)
'''
FEATURES = '''\
"""From a valid row to the inputs of the model."""

import polars as pl

from .core.base.settings import Section


class FeatureSettings(Section):
    """Section `features` of params.yaml."""

    unused: list[str]


def transform(rows: pl.LazyFrame, settings: FeatureSettings) -> pl.LazyFrame:
    """Make the inputs of the model."""
    return rows.select(
        "name",
        "level",
        pl.col("amount").clip(-10, 1e6),
        letters=pl.col("name").str.len_chars(),
        hour=pl.col("at").dt.hour(),
        since=(pl.col("at") - pl.datetime(2026, 1, 1)).dt.total_seconds() / 3600,
    )
'''


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


def workers(pid: int, word: str = "spawn_main") -> list[int]:
    """List the processes below one that work on parts, by a word in their command lines."""
    found = []
    for child in below(pid):
        try:
            command = Path(f"/proc/{child}/cmdline").read_text("utf-8")
        except OSError:  # it has ended
            continue
        if word in command:
            found.append(child)
    return found


@contextmanager
def started(repository: Repository, command: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run a command of the page until the end of the block, and everything that it starts."""
    with (repository.path / LOG).open("ab") as target:
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
def of_all_kinds(template: Template, tmp_path_factory: pytest.TempPathFactory) -> Repository:
    """Return a repository whose schema has columns of all kinds."""
    pieces = ["distributed", "spark"]
    path = tmp_path_factory.mktemp("kinds") / "repository"
    found = generate(template, path, pieces=pieces, problem="regression")
    found.run("git", "init", "--quiet")
    found.sync()
    for name, content in {"schema": SCHEMA, "features": FEATURES}.items():
        (found.path / f"src/my_project/{name}.py").write_text(content, "utf-8")
    found.change("params.yaml", "max_quarantined_share: 0.05", "max_quarantined_share: 1")
    found.change("params.yaml", "source:\n", "source:\n  time_zone: Europe/Vienna\n")
    shutil.copy(ROOT / "tests/generated/inside/engines/frames.py", path / "frames.py")
    return found


@pytest.fixture(scope="module", params=ENGINES)
def cluster(request: pytest.FixtureRequest, repository: Repository, expected: dict[str, str]) -> Iterator[Cluster]:
    """Start what works on parts as the page says."""
    assert expected
    engine = ENGINES[request.param]
    if engine.variable.startswith("SPARK") and not shutil.which("java"):
        pytest.skip("there is no Java, which Spark needs")
    (repository.path / LOG).unlink(missing_ok=True)
    with ExitStack() as stack:
        for word in engine.commands:
            process = stack.enter_context(started(repository, command_with(repository, word)))
            if word == "master.Master":
                wait_for(repository, "I have been elected leader")
        wait_for(repository, engine.ready)
        yield Cluster(engine, process.pid)


def command_with(repository: Repository, word: str) -> str:
    """Return the only block of the page in which there is a word."""
    found = ["\n".join(lines) for lines in blocks(repository.path / "docs/distributed.md")]
    [command] = [it for it in found if word in it]
    return command


def wait_for(repository: Repository, word: str) -> None:
    """Wait until one of the commands has printed something."""
    last = time.monotonic() + LONGEST
    while word not in (said := (repository.path / LOG).read_text("utf-8")):
        assert time.monotonic() < last, said
        time.sleep(0.1)


def test_all_checks_are_green(repository: Repository) -> None:
    assert "* tests: success" in repository.nox("check")


def outcome(repository: Repository, seed: int, **env: str) -> dict[str, object]:
    """Validate and featurize random rows, and return what there is then."""
    python = repository.path / ".venv/bin/python"
    subprocess.run([python, "frames.py", str(seed)], cwd=repository.path, env=repository.env, check=True)
    found: dict[str, object] = {}
    for stage in ("validate", "featurize"):
        done = repository.run(str(python.with_name("my_project")), stage, check=False, **env)
        last = done.stderr.splitlines()[-1:]  # the lines before say who has worked
        found[stage] = (done.returncode, last if done.returncode else "")
    for file in sorted((repository.path / "data").rglob("*.parquet")):
        if file.is_file():
            found[str(file.relative_to(repository.path))] = sha256(file.read_bytes()).hexdigest()
    found["report"] = (repository.path / "reports/validation.json").read_text("utf-8")
    return found


def test_random_rows_give_the_same(of_all_kinds: Repository, cluster: Cluster) -> None:
    """On one process, on four, and on what the page starts."""
    engine = cluster.engine
    seeds = range(8 * KILLS if engine.variable.startswith("DASK") else KILLS)
    statuses = set()
    for seed in seeds:
        expected = outcome(of_all_kinds, seed, POLARS_MAX_THREADS="1")
        assert outcome(of_all_kinds, seed, POLARS_MAX_THREADS="4") == expected
        assert outcome(of_all_kinds, seed, **{engine.variable: engine.address}) == expected
        statuses.add(str(expected["featurize"]))
    assert "(0, '')" in statuses


def test_lightgbm_trains_on_the_workers(repository: Repository, cluster: Cluster) -> None:
    """The recipe for it works as printed."""
    if cluster.engine.variable != "DASK_SCHEDULER_ADDRESS":
        pytest.skip("LightGBM's own trainer needs Dask")
    found = [it for it in BLOCK.finditer(section(TRAINING)) if it["language"] != "python" or it["file"]]
    install, settings, model = (it["content"] for it in found[-3:])
    changed = ["pyproject.toml", "uv.lock", "params.yaml", "src/my_project/model.py"]
    before = {name: (repository.path / name).read_text("utf-8") for name in changed}
    repository.run("bash", "-c", install)
    params = re.sub(r"(?m)^model:\n(  .*\n)+", settings, before["params.yaml"])
    (repository.path / "params.yaml").write_text(params, "utf-8")
    (repository.path / "src/my_project/model.py").write_text(model, "utf-8")
    repository.run("uv", "run", "--no-sync", "ruff", "check")
    repository.run("uv", "run", "--no-sync", "mypy")
    command = ["uv", "run", "--no-sync", "my_project"]
    said = repository.run(*command, "train", DASK_SCHEDULER_ADDRESS=cluster.engine.address).stderr
    assert "train: 1499" in said
    assert "evaluate: accuracy 1 on" in repository.run(*command, "evaluate").stderr
    for name, text in before.items():
        (repository.path / name).write_text(text, "utf-8")
    repository.run("uv", "sync", "--quiet")


def test_the_page_works_as_printed(repository: Repository, expected: dict[str, str], cluster: Cluster) -> None:
    """The pipeline and `predict` give what one process gives."""
    engine = cluster.engine
    pipeline, *predict = command_with(repository, f"{engine.variable}={engine.address} uvx").splitlines()
    module = repository.path / PROCESSES
    before = module.read_text("utf-8")
    module.write_text(f"{before}# {engine.variable}\n", "utf-8")  # so that DVC runs the stages again
    done = repository.run("bash", "-c", pipeline)
    module.write_text(before, "utf-8")
    said = done.stdout + done.stderr
    assert said.count(f": {engine.address}, ") == 2, said
    assert hashes(repository) == expected
    assert "1 in quarantine" in said
    small, large = f"ROWS = {ROWS_OF_A_PART:_}", "ROWS = 1_000_000"
    for command in predict:
        repository.change(TABLES, small, large)  # as it was when the champion was registered
        assert f": {engine.address}, " in repository.run("bash", "-c", command).stderr
        alone = command.replace("data/predicted", "data/alone").partition(" ")[2]
        repository.run("bash", "-c", alone)
        for file in sorted((repository.path / "data/alone").iterdir()):
            assert file.read_bytes() == (repository.path / "data/predicted" / file.name).read_bytes()
        repository.change(TABLES, large, small)
        shutil.rmtree(repository.path / "data/predicted")
        repository.run("bash", "-c", command)  # in the environment of the version, which has no engine
        for folder in ("alone", "predicted"):
            shutil.rmtree(repository.path / "data" / folder)


@contextmanager
def object_store(scratch: Path) -> Iterator[dict[str, str]]:
    """Run a server that answers as S3 does, and yield the variables by which it is reached."""
    port, log = "5559", scratch / "moto.log"
    command = ["uvx", "--quiet", "--from=moto[server]>=5.1", "moto_server", "-H", "127.0.0.1", "-p", port]
    with log.open("wb") as target:
        process = subprocess.Popen(command, stdout=target, stderr=target)
    try:
        last = time.monotonic() + LONGEST
        while "Running on" not in log.read_text("utf-8"):
            assert time.monotonic() < last, log.read_text("utf-8")
            time.sleep(0.1)
        keys = dict.fromkeys(["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"], "tested")
        yield {"AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}", "AWS_DEFAULT_REGION": "us-east-1", **keys}
    finally:
        for child in [*below(process.pid), process.pid]:
            with_signal(child, signal.SIGTERM)
        process.wait(LONGEST)


def test_files_in_an_object_store_are_predicted_as_printed(
    template: Template, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """The manifest is written last, and a bucket that does not exist is not made."""
    scratch = tmp_path_factory.mktemp("store")
    repository = generate(template, scratch / "repository", pieces=["distributed"])
    [install], [predict] = blocks(repository.path / "docs/distributed.md", "## Files in an object store")
    repository.run("git", "init", "--quiet")
    repository.run("bash", "-c", install)
    repository.set_up()
    for number in range(8):
        file = scratch / f"new/half={number % 2}/{number}.csv"
        file.parent.mkdir(parents=True, exist_ok=True)
        write_rows(repository.path / "tests/sample.csv", file, 50_000)
    with object_store(scratch) as variables:
        within = ["env", *(f"{name}={value}" for name, value in variables.items())]

        def s3(command: str) -> str:
            script = f"import fsspec; s3 = fsspec.filesystem('s3'); print({command})"
            return repository.run(*within, "uv", "run", "--no-sync", "python", "-c", script).stdout

        s3(f"s3.mkdir('bucket'), s3.put({str(scratch / 'new')!r}, 'bucket/new', recursive=True)")
        env = {**repository.env, **variables}
        command = predict.replace("uv run ", f"exec {repository.path}/.venv/bin/")  # uv itself would be killed alone
        for _ in range(KILLS):
            with subprocess.Popen(["bash", "-c", command], cwd=repository.path, env=env) as process:
                time.sleep(random.uniform(2, 12))  # noqa: S311
                process.kill()
            if "_manifest.json" in s3("s3.find('bucket/predicted')"):
                s3("s3.rm('bucket/predicted', recursive=True)")
        said = repository.run(*within, "bash", "-c", predict).stderr
        assert "predict: version 1, 398720 rows, 0 without a prediction" in said
        assert s3("len(s3.find('bucket/predicted'))") == "9\n"
        alone = ["uv", "run", "--no-sync", "my_project", "predict", str(scratch / "new"), "--output=data/alone"]
        repository.run(*alone)
        s3(f"s3.get('bucket/predicted', {str(scratch / 'got')!r}, recursive=True)")
        for file in (repository.path / "data/alone").rglob("*.parquet"):
            got = scratch / "got" / file.relative_to(repository.path / "data/alone")
            assert file.read_bytes() == got.read_bytes()
        other = predict.replace("bucket/predicted", "no-such-bucket/predicted")
        done = repository.run(*within, "bash", "-c", other, check=False)
        assert done.returncode
        assert done.stderr.count("\n") == 1
        assert s3("s3.ls('')") == "['bucket']\n"


@pytest.mark.parametrize("victim", ["worker", "command"])
def test_whatever_is_killed_the_results_are_the_same(
    repository: Repository, expected: dict[str, str], cluster: Cluster, victim: str
) -> None:
    """Another worker does the part again; after the end of the command, nothing has changed."""
    engine = cluster.engine
    if victim == "worker" and engine.variable == "SPARK_REMOTE":
        pytest.skip("the server of the page runs everything on one machine, where Spark tries nothing again")
    above, seconds = ((cluster.pid, engine.worker), engine.of_worker) if victim == "worker" else (None, engine.seconds)
    killed(repository, expected, {engine.variable: engine.address}, seconds, above)


def test_a_killed_process_of_this_machine_leaves_what_was_there(
    repository: Repository, expected: dict[str, str]
) -> None:
    killed(repository, expected, {}, (2, 8), None, is_below=True)


def killed(
    repository: Repository,
    expected: dict[str, str],
    where: dict[str, str],
    seconds: tuple[float, float],
    above: tuple[int, str] | None,
    *,
    is_below: bool = False,
) -> None:
    """Kill again and again, and compare the results.

    Args:
        repository: The repository.
        expected: The hashes of the results.
        where: The variable with the address.
        seconds: When to kill, from the start of the command; of a worker, from when there is one.
        above: Kill a process below this one, in whose command line there is this word; else the command itself.
        is_below: Kill a process that the command has started.
    """
    chance = random.Random(repr((above, is_below)))  # noqa: S311
    program = str(repository.path / ".venv/bin/my_project")
    env, hits = {**repository.env, **where}, 0
    for _ in range(KILLS):
        with subprocess.Popen([program, "featurize"], cwd=repository.path, env=env, stderr=subprocess.PIPE) as command:
            while above and not workers(*above) and command.poll() is None:
                time.sleep(0.1)
            time.sleep(chance.uniform(*seconds))
            pids = workers(*above) if above else workers(command.pid) if is_below else [command.pid]
            if command.poll() is None and pids:
                with_signal(chance.choice(pids), signal.SIGKILL)
                hits += 1
            _, said = command.communicate()
        if above:
            assert command.returncode == 0, said
        elif command.returncode:
            assert command.returncode == -signal.SIGKILL or re.search(rb"a process was killed", said), said
        assert hashes(repository) == expected
    assert hits >= KILLS / 4
    subprocess.run([program, "featurize"], cwd=repository.path, env=env, check=True, capture_output=True)
    assert hashes(repository) == expected
    assert not [*repository.path.glob("data/*.partial")]
