"""Measure the figures that must hold, ratios side by side in one run, and write them as a table."""

import argparse
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import textwrap
import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import product
from pathlib import Path

from copier import run_copy

from benchmarks import parts, scale, serving
from benchmarks.table import update_rows
from maintain.releases import served
from tests.generated.repository import RUNNING, Repository, generate, machine
from tests.harness import ROOT, Doors, Template


@dataclass(frozen=True)
class Figure:
    """One measured figure.

    Attributes:
        what: What was measured.
        limit: The largest value that is allowed, in `unit`.
        value: The measured value, in `unit`.
        unit: The unit of both.
        how: How the value was measured.
    """

    what: str
    limit: float
    value: float
    unit: str
    how: str

    @property
    def holds(self) -> bool:
        """Whether the limit is kept."""
        return self.value <= self.limit

    def row(self) -> str:
        """Format it as a row of the table."""
        mark = "" if self.holds else " **exceeded**"
        value = float(f"{self.value:.3g}")  # 1,270 rather than 1.27e+03
        return f"| {self.what} | {self.limit:,g} {self.unit} | {value:,g} {self.unit}{mark} | {self.how} |"


def main() -> int:
    """Measure, write the table, and fail if a limit is exceeded."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=11, help="how often each is measured")
    parser.add_argument(
        "--only",
        choices=["generation", "update", "repository", "scale", "parts", "serving"],
        help="these; the others' rows stay",
    )
    options = parser.parse_args()
    rounds, only = options.rounds, options.only
    figures: list[Figure] = []
    with tempfile.TemporaryDirectory(prefix="formwork-bench-") as folder:
        scratch = Path(folder)
        template = served(ROOT, scratch)
        if only in (None, "generation"):
            figures.append(generation(template, scratch, rounds))
        if only in (None, "update"):
            figures += updates(template, scratch, rounds)
        if only in (None, "repository"):
            repository = generate(template, scratch / "repository")
            figures += [setup(repository), nothing_to_do(repository, scratch, rounds), size(repository, scratch)]
            figures += quickness(repository, template, scratch, rounds)
            figures += versions(repository, template, scratch, rounds)
        if only in (None, "scale"):
            figures += scale_figures(template, scratch)
        if only in (None, "parts"):
            figures += parts_figures(template, scratch)
        if only in (None, "serving"):
            figures += serving_figures(template, scratch)
    update_rows("figures", ["what", "limit", "measured", "how"], {figure.what: figure.row() for figure in figures})
    return 0 if all(figure.holds for figure in figures) else 1


def generation(template: Template, scratch: Path, rounds: int) -> Figure:
    """Compare generating with cookiecutter with `copier copy` of as many plain files, in turn."""
    home = scratch / "home"
    home.mkdir()
    doors = Doors(home)
    local = scratch / "clone"
    run(["git", "clone", "--quiet", str(template.clone), str(local)], scratch)
    rendered = scratch / "rendered"
    doors.copier(local, rendered)
    plain = scratch / "plain"
    shutil.copytree(rendered, plain / "template")
    (plain / "template" / ".copier-answers.yml").unlink()
    (plain / "copier.yml").write_text("_subdirectory: template\n", encoding="utf-8")
    run(["git", "init", "--quiet"], plain)
    run(["git", "add", "--all", "--force"], plain)
    run(["git", "commit", "--quiet", "--message", "Plain files"], plain)
    ours, theirs = side_by_side(
        lambda number: doors.cookiecutter(local, scratch / f"ours-{number}"),
        lambda number: doors.copier(plain, scratch / f"theirs-{number}"),
        rounds,
    )
    count = sum(path.is_file() for path in rendered.rglob("*"))
    how = f"{ours:.2f} s and {theirs:.2f} s for {count} files, medians of {rounds}"
    return Figure(
        "generation through cookiecutter, over `copier copy` of as many plain files", 1.6, ours / theirs, "times", how
    )


def updates(template: Template, scratch: Path, rounds: int) -> list[Figure]:
    """Compare `formwork update` with `copier update`, from the first release to the working tree, and with `add`.

    All of them run through uvx.
    """
    old = start(template, scratch / "before", template.releases()[0])
    new = start(template, scratch / "now", template.newest)
    tool = f"{template.url}@{template.commit(template.newest)}"

    def done_by(way: str, base: Path, *command: str) -> Callable[[int], object]:
        repositories = [scratch / f"{way}-{number}" for number in range(rounds + 1)]
        for repository in repositories:
            shutil.copytree(base, repository, symlinks=True)
        return lambda number: run(["uvx", *command], repositories[number])

    merge, plain = side_by_side(
        done_by("merge", old, "--from", tool, "formwork", "update"),
        done_by("plain", old, "copier", "update", "--defaults"),
        rounds,
    )
    piece, again = side_by_side(
        done_by("piece", new, "--from", tool, "formwork", "add", "agents"),
        done_by("again", old, "--from", tool, "formwork", "update"),
        rounds,
    )
    stage, table = side_by_side(
        done_by("stage", new, "--from", tool, "formwork", "add", "stage", "clean"),
        done_by("table", new, "--from", tool, "formwork", "add", "dataset", "prices", "--from=sql"),
        rounds,
    )
    how = f"{merge:.2f} s and {plain:.2f} s through a warm `uvx`, medians of {rounds}"
    what = "`formwork update` without conflicts, over plain `copier update`"
    adding = f"{piece:.2f} s and {again:.2f} s through a warm `uvx`, medians of {rounds}"
    scaffold = f"`add` of a stage through a warm `uvx`, median of {rounds}; of a table from a database {table:.2f} s"
    return [
        Figure(what, 1.0, merge / plain, "times", how),
        Figure("`formwork add` of a piece, over `formwork update`", 1.0, piece / again, "times", adding),
        Figure("`formwork add` of a scaffold", 3.0, max(stage, table), "s", scaffold),
    ]


def start(template: Template, folder: Path, release: str) -> Path:
    """Generate a repository of a release, and commit it."""
    Doors(folder.parent / "home").copier(template.url, folder, f"--vcs-ref={release}")
    run(["git", "init", "--quiet"], folder)
    run(["git", "add", "--all"], folder)
    run(["git", "commit", "--quiet", "--message", "Start"], folder)
    return folder


def setup(repository: Repository) -> Figure:
    """Time `nox -s setup` of a fresh repository, with the package cache warm."""
    start = time.perf_counter()
    repository.nox("setup")
    return Figure("`setup` to a registered model", 40, time.perf_counter() - start, "s", "one run, package cache warm")


def nothing_to_do(repository: Repository, scratch: Path, rounds: int) -> Figure:
    """Compare `dvc repro` that finds nothing to do with that of five trivial stages."""
    trivial = scratch / "trivial"
    trivial.mkdir()
    stages = "".join(
        f"  s{n}:\n    cmd: python -c \"open('f{n}', 'w').write('x')\"\n    deps: [f{n - 1}]\n    outs: [f{n}]\n"
        for n in range(1, 6)
    )
    (trivial / "dvc.yaml").write_text(f"stages:\n{stages}", encoding="utf-8")
    (trivial / "f0").write_text("x", encoding="utf-8")
    dvc = repository.path / ".venv" / ("Scripts" if os.name == "nt" else "bin") / "dvc"
    run(["git", "init", "--quiet"], trivial)
    run([str(dvc), "init", "--quiet"], trivial)
    shutil.copy(repository.path / ".dvc" / "config", trivial / ".dvc" / "config")
    path = f"{dvc.parent}{os.pathsep}{os.environ['PATH']}"
    run([str(dvc), "repro", "--quiet"], trivial, PATH=path)
    ours, bare = side_by_side(
        lambda _: run([str(dvc), "repro"], repository.path, PATH=path),
        lambda _: run([str(dvc), "repro"], trivial, PATH=path),
        rounds,
    )
    how = f"{ours:.2f} s and {bare:.2f} s, medians of {rounds}"
    return Figure("`dvc repro` with nothing to do, over that of five trivial stages", 1.2, ours / bare, "times", how)


def size(repository: Repository, scratch: Path) -> Figure:
    """Measure the size of the environment that runs the pipeline and predicts, without development groups."""
    target = scratch / "environment"
    groups = ("--no-default-groups", "--group=pipeline")
    repository.run("uv", "sync", "--quiet", *groups, UV_PROJECT_ENVIRONMENT=str(target))
    size_mb = megabytes(target)
    return Figure("default environment without development groups", 650, size_mb, "MB", "sum of the files' sizes")


def megabytes(folder: Path) -> float:
    """Sum up the sizes of all files in a folder."""
    return sum(path.lstat().st_size for path in folder.rglob("*") if path.is_file()) / 1e6


def versions(repository: Repository, template: Template, scratch: Path, rounds: int) -> list[Figure]:
    """Measure what bundles cost: registering, their environment, and predicting with one."""
    taken = []
    for _ in range(3):
        shutil.rmtree(repository.path / "registry")
        start = time.perf_counter()
        repository.run("uv", "run", "--no-sync", "my_project", "register")
        taken.append(time.perf_counter() - start)
    figures = [Figure("`register` with its bundle, on the example", 4, statistics.median(taken), "s", "median of 3")]
    script = """
        import time
        from pathlib import Path
        from my_project.core.models import environment
        from my_project.core.models.bundle import Bundle

        [sums] = Path("registry").rglob("SHA256SUMS")
        bundle = Bundle.open(sums.parent)
        start = time.perf_counter()
        folder = environment.environment(bundle)
        print(time.perf_counter() - start, folder)
    """
    taken = []
    for number in range(rounds + 1):
        command = ("uv", "run", "--no-sync", "python", "-c", textwrap.dedent(script))
        done = repository.run(*command, XDG_CACHE_HOME=str(scratch / f"cache-{number}"), UV_OFFLINE="1")
        seconds, folder = done.stdout.split()
        taken.append(float(seconds))
    how = f"median of {rounds}, packages in the cache of uv, offline"
    figures.append(Figure("environment of a bundle", 3, statistics.median(taken[1:]), "s", how))
    ours, whole = megabytes(Path(folder)), megabytes(scratch / "environment")
    how = f"{ours:.0f} MB and {whole:.0f} MB"
    figures.append(Figure("environment of a bundle, over the default one", 0.8, ours / whole, "times", how))
    old = Repository(scratch / "before", repository.python)
    run_copy(template.url, old.path, data={"python_version": RUNNING}, defaults=True, quiet=True, vcs_ref="v0.3.0")
    old.nox("setup")
    for one in (repository, old):
        lines = (one.path / "tests/sample.csv").read_text("utf-8").splitlines()[:2]
        (one.path / "data/one.csv").write_text("\n".join(lines) + "\n", "utf-8")

    def predict(one: Repository) -> Callable[[int], object]:
        command = [str(one.path / ".venv/bin/my_project"), "predict", "data/one.csv"]
        return lambda _: run(command, one.path)

    now, before = side_by_side(predict(repository), predict(old), rounds)
    how = f"{now:.2f} s and {before:.2f} s, medians of {rounds}"
    figures.append(Figure("`predict` of one row, over that of 0.3.0", 1.3, now / before, "times", how))
    return figures


def quickness(repository: Repository, template: Template, scratch: Path, rounds: int) -> list[Figure]:
    """Compare the commands on the example with those of release 0.2.0, in CPU seconds."""
    old = Repository(scratch / "old", repository.python)
    data = {"python_version": RUNNING}
    run_copy(template.url, old.path, data=data, defaults=True, quiet=True, vcs_ref="v0.2.0")
    old.nox("setup")

    def taken(one: Repository, program: str, *arguments: str) -> float:
        command = [str(one.path / ".venv/bin" / program), *arguments]
        return statistics.median(cpu_seconds(command, one.path) for _ in range(rounds))

    start = taken(repository, "python", "-c", "pass")
    now, before = (taken(one, "my_project", "--help") - start for one in (repository, old))
    help_text = "`my_project --help`, over Python's own start"
    how = f"CPU, median of {rounds}; {before:.2f} s in 0.2.0"
    figures = [
        Figure(help_text, 0.15, now, "s", how),
        Figure(f"{help_text}, over that of 0.2.0", 1 / 1.5, now / before, "times", how),
    ]
    for stage in ("ingest", "validate", "featurize"):
        now, before = (taken(one, "my_project", stage) for one in (repository, old))
        how = f"CPU {now:.2f} s and {before:.2f} s, medians of {rounds}"
        figures.append(Figure(f"`{stage}` on the example, over that of 0.2.0", 1 / 1.5, now / before, "times", how))
    libraries = taken(
        repository, "python", "-c", "import pandera.polars, sklearn.linear_model, sklearn.metrics, skops.io"
    )
    for stage in ("train", "evaluate"):
        now = taken(repository, "my_project", stage)
        how = f"CPU {now:.2f} s and {libraries:.2f} s, medians of {rounds}"
        figures.append(
            Figure(f"`{stage}` on the example, over importing its libraries", 1.3, now / libraries, "times", how)
        )
    return figures


def cpu_seconds(command: list[str], folder: Path) -> float:
    """Run a command, and measure the CPU time that it takes."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    run(command, folder)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def scale_figures(template: Template, scratch: Path) -> list[Figure]:
    """Compare the steps on millions of rows with the same work written by hand."""
    repository = generate(template, scratch / "large")
    repository.nox("setup")
    folder = scratch / "rows"
    folder.mkdir()
    taken = scale.measure(repository, folder)
    small, middle, large = scale.SIZES
    figures = []
    for step in scale.STEPS:
        ours, hand = taken[step, middle]
        seconds = f"{ours['seconds']:.1f} s and {hand['seconds']:.1f} s, medians of {scale.ROUNDS[middle]}"
        ratio = ours["seconds"] / hand["seconds"]
        figures.append(
            Figure(f"`{step}`, 10 million rows: CPU over that of hand-written Polars", 1.3, ratio, "times", seconds)
        )
        megabytes = ours["megabytes"]
        figures.append(
            Figure(f"`{step}`, 10 million rows: memory", 1500, megabytes, "MB", f"by hand {hand['megabytes']:.0f} MB")
        )
        beyond, _ = taken[step, large]
        growth = beyond["megabytes"] / megabytes
        figures.append(
            Figure(
                f"`{step}`, 30 million rows: memory over that of 10 million",
                1.2,
                growth,
                "times",
                "one run of 30 million",
            )
        )
        linear = beyond["seconds"] / ours["seconds"] / (large / middle)
        start = taken[step, small][0]["seconds"]
        how = f"{start:.1f}, {ours['seconds']:.1f} and {beyond['seconds']:.1f} s for 1, 10 and 30 million"
        figures.append(
            Figure(f"`{step}`, 30 million rows: CPU a row over that of 10 million", 1.2, linear, "times", how)
        )
    return figures


def parts_figures(template: Template, scratch: Path) -> list[Figure]:
    """Compare one stream, a loop over parts and workers of Dask, and see how the loop grows."""
    repository = generate(template, scratch / "parts", pieces=["distributed"])
    repository.set_up()
    found = parts.measure(repository)
    seconds = {way: sum(it.seconds for it in stages.values()) for way, stages in found.items()}
    megabytes = {way: max(it.megabytes for it in stages.values()) for way, stages in found.items()}
    three = f"{parts.ROWS // 1_000_000} million rows, validate, featurize and predict"
    files = f"{parts.FILES} files"

    def cpu(what: str, limit: float, one: str, other: str) -> Figure:
        how = f"{seconds[one]:.0f} s and {seconds[other]:.0f} s"
        return Figure(f"{three}: CPU of {what}", limit, seconds[one] / seconds[other], "times", how)

    small, middle, large = map(str, parts.GROWTH)
    figures = [
        cpu(f"a loop over {files} over that of one stream", 1.2, "loop", "one stream"),
        cpu("two workers of Dask, once they are warm, over that of the loop", 1.1, "Dask, warm", "loop"),
        Figure(f"{three}: memory of the loop", 600, megabytes["loop"], "MB", "all processes together"),
        Figure(f"{three}: memory of Dask", 1500, megabytes["Dask, warm"], "MB", "scheduler, workers and the command"),
    ]
    for one, other, times in ((middle, small, 4), (large, middle, 3)):
        what = f"{int(one) // 1_000_000} million rows in parts over {int(other) // 1_000_000} million"
        how = f"{seconds[one]:.0f} s and {seconds[other]:.0f} s"
        figures.append(Figure(f"{what}: CPU a row", 1.2, seconds[one] / seconds[other] / times, "times", how))
        how = f"{megabytes[one]:.0f} MB and {megabytes[other]:.0f} MB"
        figures.append(Figure(f"{what}: memory", 1.2, megabytes[one] / megabytes[other], "times", how))
    a_part = [stages.seconds / parts.FILES for stages in found["Dask, warm"].values()]
    slept = parts.scheduling(repository, a_part)
    how = f"{slept['wall']:.1f} s and {slept['ideal']:.1f} s, parts that sleep as long as they took above; "
    how += f"{slept['start']:.1f} s before the first one begins are not counted"
    what = "1,000 parts on 64 workers of Dask in one process, over the time without scheduling"
    figures.append(Figure(what, 1.05, slept["wall"] / slept["ideal"], "times", how))
    return figures


def serving_figures(template: Template, scratch: Path) -> list[Figure]:
    """Compare the service with other servers of the same model."""
    repository = generate(template, scratch / "served", pieces=["serving"])
    repository.set_up()
    folder = scratch / "servers"
    folder.mkdir()
    started, found = serving.measure(repository, folder)

    def rate(server: str, rows: int, clients: int) -> float:
        return statistics.median(it.per_second for it in found[server, rows, clients])

    def longest(server: str, rows: int, clients: int) -> float:
        return statistics.median(it.longest for it in found[server, rows, clients])

    figures = []
    for rows, clients in product(serving.ROWS, serving.CLIENTS):
        what = f"{rows} row{'s' * (rows > 1)}, {clients} client{'s' * (clients > 1)}"
        ours, theirs, constant = (rate(name, rows, clients) for name in ("onnx", "mlflow", "constant"))
        others = ", ".join(f"{name} {rate(name, rows, clients):,.0f}" for name in ("skops", "bento", "mlserver"))
        how = f"a second: {ours:,.0f} with ONNX, {theirs:,.0f} of MLflow; {others}"
        figures.append(
            Figure(f"requests of `mlflow models serve` over ours, {what}", 1 / 3, theirs / ours, "times", how)
        )
        how = f"{constant:,.0f} a second"
        figures.append(
            Figure(
                f"requests of a FastAPI page that says the same always over ours, {what}",
                2,
                constant / ours,
                "times",
                how,
            )
        )
        mine, others_p99 = longest("onnx", rows, clients), longest("mlflow", rows, clients)
        how = f"{mine:.1f} and {others_p99:.1f} ms"
        figures.append(
            Figure(
                f"longest of 99 of 100 requests over that of `mlflow models serve`, {what}",
                0.5,
                mine / others_p99,
                "times",
                how,
            )
        )
    beside = {it: started[it] for it in ("mlflow", "bento", "mlserver")}
    seconds = ", ".join(f"{it} {taken.seconds:.1f}" for it, taken in beside.items())
    megabytes = ", ".join(f"{it} {taken.megabytes:.0f}" for it, taken in beside.items())
    for name, limit in {"onnx": 250, "skops": 300}.items():
        figures.append(Figure(f"`serve` until it is ready, {name}", 3, started[name].seconds, "s", f"CPU; {seconds}"))
        figures.append(Figure(f"memory of `serve`, {name}", limit, started[name].megabytes, "MB", megabytes))
    return figures


def side_by_side(one: Callable[[int], object], other: Callable[[int], object], rounds: int) -> tuple[float, float]:
    """Time two things in turn, after one round to warm up, and return the medians in seconds."""
    times: list[tuple[float, float]] = []
    for number in range(rounds + 1):
        taken = []
        for thing in (one, other):
            start = time.perf_counter()
            thing(number)
            taken.append(time.perf_counter() - start)
        times.append((taken[0], taken[1]))
    first, second = zip(*times[1:], strict=True)
    return statistics.median(first), statistics.median(second)


def run(command: list[str], folder: Path, **env: str) -> None:
    """Run a command quietly."""
    subprocess.run(command, cwd=folder, env={**machine(), **env}, stdout=subprocess.DEVNULL, check=True)


if __name__ == "__main__":
    sys.exit(main())
