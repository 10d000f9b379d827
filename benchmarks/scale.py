"""Measure what the steps take for millions of rows, compared with the same work written by hand."""

import json
import shutil
import statistics
from collections.abc import Sequence
from pathlib import Path

from tests.generated.repository import Repository

BY_HAND = Path(__file__).parent / "inside/by_hand.py"
STEPS = ("ingest", "validate", "featurize", "predict")
ROUNDS = {1_000_000: 1, 10_000_000: 3, 30_000_000: 1}
SIZES = tuple(ROUNDS)

MEASURED = """
import json, resource, sys, time
start = time.process_time()
from my_project.core import cli
try:
    cli.app()
except SystemExit:
    pass
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
json.dump({"seconds": time.process_time() - start, "megabytes": peak}, sys.stdout)
"""

Taken = dict[str, float]  # CPU seconds and the peak of memory in MB


def measure(repository: Repository, scratch: Path) -> dict[tuple[str, int], tuple[Taken, Taken]]:
    """Run each step on each number of rows, the repository's code and that by hand in turn.

    Args:
        repository: A repository generated with the example, with a registered model.
        scratch: An empty folder on a disk with 15 GB.

    Returns:
        What the repository's code and that by hand took, by step and number of rows: medians of the rounds.
    """
    found = {}
    program = scratch / "by_hand.py"
    shutil.copy(BY_HAND, program)
    measured = scratch / "measured.py"
    measured.write_text(MEASURED, encoding="utf-8")
    rows = scratch / "rows.csv"
    params = repository.path / "params.yaml"
    params.write_text(params.read_text("utf-8").replace("tests/sample.csv", str(rows)), encoding="utf-8")
    for size in SIZES:
        write_rows(repository.path / "tests/sample.csv", rows, size)
        for step in STEPS:
            arguments = [step, str(rows), f"--output={scratch / 'ours.parquet'}"] if step == "predict" else [step]
            rounds = [
                (python(repository, measured, *arguments), python(repository, program, step, str(scratch)))
                for _ in range(ROUNDS[size])
            ]
            ours, hand = zip(*rounds, strict=True)
            found[step, size] = medians(ours), medians(hand)
    return found


def medians(rounds: Sequence[Taken]) -> Taken:
    """Return the median of each figure."""
    return {name: statistics.median(taken[name] for taken in rounds) for name in rounds[0]}


def write_rows(sample: Path, target: Path, size: int) -> None:
    """Repeat a sample with a different first number in each repetition, so that rows differ."""
    header, *lines = sample.read_text("utf-8").splitlines()
    cells = [line.partition(",") for line in lines]
    with target.open("w", encoding="utf-8") as file:
        file.write(f"{header}\n")
        for number in range(size // len(lines)):
            file.writelines(f"{float(first) + number / 1e6:.6f},{rest}\n" for first, _, rest in cells)


def python(repository: Repository, program: Path, *arguments: str) -> Taken:
    """Run a program that measures itself."""
    done = repository.run("uv", "run", "--no-sync", "python", str(program), *arguments)
    taken: Taken = json.loads(done.stdout)
    return taken
