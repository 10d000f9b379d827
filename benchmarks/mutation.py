"""Measure which share of faults the tests notice in the code that updates, adopts and releases.

mutmut makes the faults, one at a time, and runs the tests of that part of the code. It works in a copy of this
repository, which holds what these tests read.
"""

import argparse
import json
import random
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from benchmarks.table import update_rows
from tests.harness import ROOT

SOURCES = ["src", "maintain"]
BESIDE = ["hooks", "template", "copier.yml", "cookiecutter.json", "reserved-names.txt", "LICENSE"]
LIMIT = 0.85

# Left out are thirty tests that notice what others do, and those that run the command in another process.
SETTINGS = """\
[project]
name = "mutated"
version = "0"

[tool.mutmut]
source_paths = {sources}
only_mutate = {mutated}
pytest_add_cli_args = [
    "-p", "no:xdist", "-m", "not slow",
    "-k", "not a_setting_of_git and not unless_another_is_named and not in_a_terminal",
]
pytest_add_cli_args_test_selection = {tests}
also_copy = {beside}
use_git_change_detection = false
track_dependencies = false

[tool.pytest.ini_options]
markers = ["slow: takes long"]
timeout = 120
"""


@dataclass(frozen=True)
class Piece:
    """A part of the code, and the tests that must notice faults in it.

    Attributes:
        name: What it is called in the table.
        modules: Its modules, as patterns of paths.
        tests: The files or folders of its tests.
    """

    name: str
    modules: tuple[str, ...]
    tests: tuple[str, ...]


UPDATE = ("answers", "locking", "merging", "placing", "rendering", "reporting", "repository", "template", "update")
RELEASE = ("compatibility", "file_rules", "question_rules", "release", "spread", "trial")
PIECES = [
    Piece(
        "update",
        tuple(f"src/formwork/{name}.py" for name in UPDATE),
        ("tests/update/test_merge.py", "tests/update/test_refusals.py", "tests/update/test_lock.py"),
    ),
    Piece(
        "adopt",
        ("src/formwork/adopt.py", "src/formwork/adopting/*"),
        ("tests/adopt/test_adopt.py", "tests/adopt/test_detect.py"),
    ),
    Piece("release", tuple(f"maintain/{name}.py" for name in RELEASE), ("tests/release/test_release.py",)),
]


@dataclass(frozen=True)
class Score:
    """How many of the faults that were tried are noticed."""

    name: str
    tried: int
    noticed: int
    there: int

    @property
    def share(self) -> float:
        """From 0 to 1."""
        return self.noticed / self.tried

    def row(self) -> str:
        """Write it as a row of the table."""
        mark = "" if self.share >= LIMIT else " **too few**"
        how = f"{self.noticed} of {self.tried} faults that were tried, of {self.there} in all"
        return f"| {self.name} | {LIMIT:.0%} | {self.share:.0%}{mark} | {how} |"


def main() -> int:
    """Measure, write the table, and fail where too few faults are noticed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sample", type=int, default=0, help="how many faults of each part to try (default: all)")
    parser.add_argument(
        "--only", choices=[piece.name for piece in PIECES], help="only this part; the others' rows stay"
    )
    options = parser.parse_args()
    chosen = [piece for piece in PIECES if options.only in (None, piece.name)]
    scores = [measure(piece, options.sample) for piece in chosen]
    update_rows("mutation", ["tests of", "limit", "noticed", "how"], {score.name: score.row() for score in scores})
    return 0 if all(score.share >= LIMIT for score in scores) else 1


def measure(piece: Piece, sample: int) -> Score:
    """Try the faults of a part of the code, all of them or a sample that is always the same."""
    with tempfile.TemporaryDirectory(prefix="formwork-mutation-") as folder:
        workspace = Path(folder)
        prepare(piece, workspace)
        run(workspace, "none*")  # makes the faults, and finds which tests run which function
        names = sorted(outcomes(piece, workspace))
        chosen = random.Random(0).sample(names, min(sample or len(names), len(names)))  # noqa: S311
        run(workspace, *chosen)
        found = {name: outcomes(piece, workspace)[name] for name in chosen}
    survivors = sorted(name for name, status in found.items() if status == 0)
    print(*(f"not noticed: {name}" for name in survivors), sep="\n")
    unknown = [name for name, status in found.items() if status is None]
    if unknown:
        message = f"mutmut did not try {len(unknown)} of {len(chosen)} faults of {piece.name}"
        raise SystemExit(message)
    return Score(piece.name, len(chosen), len(chosen) - len(survivors), len(names))


def prepare(piece: Piece, workspace: Path) -> None:
    """Lay the code and its tests out."""
    ignored = shutil.ignore_patterns("__pycache__", "doors", "questions")
    for name in [*SOURCES, "tests", *BESIDE]:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, workspace / name, ignore=ignored)
        else:
            shutil.copy(ROOT / name, workspace)
    settings = SETTINGS.format(
        sources=json.dumps(SOURCES),
        mutated=json.dumps(piece.modules),
        beside=json.dumps(BESIDE),
        tests=json.dumps(piece.tests),
    )
    (workspace / "pyproject.toml").write_text(settings, encoding="utf-8")


def run(workspace: Path, *names: str) -> None:
    """Run mutmut for some of the faults; it fails where it finds none, and does not where some are not noticed."""
    command = [sys.executable, "-m", "mutmut", "run", "--max-children=2", *names]
    subprocess.run(command, cwd=workspace, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)


def outcomes(piece: Piece, workspace: Path) -> dict[str, int | None]:
    """Read the exit status of the tests for each fault: 0 where none noticed it, None where it was not tried."""
    found: dict[str, int | None] = {}
    mutants = workspace / "mutants"
    for meta in sorted(meta for pattern in piece.modules for meta in mutants.glob(f"{pattern}.meta")):
        found |= json.loads(meta.read_text(encoding="utf-8"))["exit_code_by_key"]
    return found


if __name__ == "__main__":
    sys.exit(main())
