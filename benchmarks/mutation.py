"""Measure which share of faults the tests notice.

These are faults in the code that updates, adopts, adds and releases, and in the code of a generated repository that
reads, validates, splits and predicts. mutmut makes them, one at a time, and runs the tests of that part of the code.
It works in a copy of this repository, which holds what these tests read, or in a repository that is generated for it.
"""

import argparse
import json
import random
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from benchmarks.table import update_rows
from maintain.releases import served
from tests.generated.repository import generate
from tests.harness import ROOT

SOURCES = ["src", "maintain"]
BESIDE = ["hooks", "template", "parts", "docs", "copier.yml", "cookiecutter.json", "reserved-names.txt", "LICENSE"]
BESIDE += [".git"]  # with the releases that are served to the tests
LIMIT = 0.85
NOT_NOTICED = (0, 33)  # the tests pass, or no test runs the code

SETTINGS = """
[tool.mutmut]
source_paths = {sources}
only_mutate = {mutated}
pytest_add_cli_args_test_selection = {tests}
also_copy = {beside}
use_git_change_detection = false
track_dependencies = false
"""

# Tests that only notice what others notice are left out, and so are those that run the command in another process.
HERE = """\
[project]
name = "mutated"
version = "{version}"

[tool.pytest.ini_options]
markers = ["slow: takes long"]
timeout = 120
{settings}
pytest_add_cli_args = [
    "-p", "no:xdist", "-m", "not slow",
    "-k", "not a_setting_of_git and not unless_another_is_named and not in_a_terminal and not of_two",
    "--deselect", "tests/add/test_pieces.py::test_through_cookiecutter_there_are_none_at_first",
]
"""

# A process in which Polars has run cannot be forked, but one that has only imported it can.
GENERATED = """
{settings}
pytest_add_cli_args = ["--hypothesis-profile=quick"]
process_isolation = "forkserver"
forkserver_warmup = "import"
preload_modules_file = "preload.txt"
timeout_constant = 6
"""
PRELOADED = ["pytest", "pandera.polars", "sklearn.linear_model", "skops.io", "mlflow", "dvc.repo", "alembic", "typer"]
QUICK = """\
from hypothesis import Phase, settings

settings.register_profile(
    "quick", deadline=None, derandomize=True, max_examples=10, phases=[Phase.generate]
)
"""
BESIDE_GENERATED = ["dvc.yaml", "params.yaml", ".dvc", ".gitignore", "uv.lock", "README.md"]
INSIDE = ROOT / "tests/generated/inside"
CORE = "src/my_project/core"


@dataclass(frozen=True)
class Piece:
    """A part of the code, and the tests that must notice faults in it.

    Attributes:
        name: Its name in the table.
        modules: Patterns for the paths of its modules.
        tests: The files or folders of its tests; those of `tests/inside` are from `tests/generated/inside`.
        is_generated: Whether it is code of a generated repository.
    """

    name: str
    modules: tuple[str, ...]
    tests: tuple[str, ...]
    is_generated: bool = False


def core(name: str, modules: tuple[str, ...], contract: tuple[str, ...], inside: tuple[str, ...]) -> Piece:
    """Describe a part of a generated repository's code by the names of its modules and tests."""
    tests = [f"tests/contract/test_{test}.py" for test in contract]
    tests += [f"tests/inside/test_{test}.py" for test in inside]
    return Piece(name, tuple(f"{CORE}/{module}.py" for module in modules), tuple(tests), is_generated=True)


UPDATE = (
    "answers",
    "locking",
    "merging",
    "placing",
    "readiness",
    "rendering",
    "reporting",
    "repository",
    "template",
    "update",
)
RELEASE = ("compatibility", "file_rules", "question_rules", "release", "spread", "trial")
PIECES = [
    Piece(
        "update",
        tuple(f"src/formwork/{name}.py" for name in UPDATE),
        tuple(f"tests/update/test_{name}.py" for name in ("merge", "answers", "refusals", "surroundings", "lock")),
    ),
    Piece(
        "adopt",
        ("src/formwork/adopt.py", "src/formwork/adopting/*", "src/formwork/toml_merging.py"),
        tuple(
            f"tests/adopt/test_{name}.py"
            for name in ("adopt", "answers", "clashes", "detect", "fitting", "project", "refusals")
        ),
    ),
    Piece(
        "add",
        ("src/formwork/add.py", "src/formwork/adding/*"),
        tuple(f"tests/add/test_{name}.py" for name in ("wiring", "habits", "scaffolds", "pieces")),
    ),
    Piece("release", tuple(f"maintain/{name}.py" for name in RELEASE), ("tests/release",)),
    # Parts of a generated repository
    core("reading", ("base/reading", "base/dialect"), ("reading",), ("hostile", "excel")),
    core(
        "validating", ("steps/rules", "steps/own_rules", "steps/validate"), ("rules", "validate"), ("rules", "hostile")
    ),
    core("splitting", ("steps/split", "steps/featurize"), ("featurize",), ()),
    core("predicting", ("prediction", "models/predict"), ("cli", "registry"), ("hostile",)),
    core(
        "versions",
        tuple(f"models/{name}" for name in ("bundle", "lineage", "registry", "promotion", "promote")),
        ("registry", "versions"),
        (),
    ),
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
        """The share of faults that were noticed, from 0 to 1."""
        return self.noticed / self.tried

    def row(self) -> str:
        """Format it as a row of the table."""
        mark = "" if self.share >= LIMIT else " **too few**"
        how = f"{self.noticed} of {self.tried} faults that were tried, of {self.there} in all"
        return f"| {self.name} | {LIMIT:.0%} | {self.share:.0%}{mark} | {how} |"


def main() -> int:
    """Measure, write the table, and fail if too few faults are noticed."""
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
    """Try all faults of a part of the code, or a sample that is always the same."""
    with tempfile.TemporaryDirectory(prefix="formwork-mutation-") as folder:
        workspace = Path(folder)
        python = prepare_generated(piece, workspace) if piece.is_generated else prepare(piece, workspace)
        run(python, workspace, "none*")  # makes the faults, and finds which tests run which function
        names = sorted(outcomes(piece, workspace))
        chosen = random.Random(0).sample(names, min(sample or len(names), len(names)))  # noqa: S311
        run(python, workspace, *chosen)
        found = {name: outcomes(piece, workspace)[name] for name in chosen}
    survivors = sorted(name for name, status in found.items() if status in NOT_NOTICED)
    print(*(f"not noticed: {name}" for name in survivors), sep="\n")
    unknown = [name for name, status in found.items() if status is None]
    if unknown:
        message = f"mutmut did not try {len(unknown)} of {len(chosen)} faults of {piece.name}"
        raise SystemExit(message)
    return Score(piece.name, len(chosen), len(chosen) - len(survivors), len(names))


def prepare(piece: Piece, workspace: Path) -> str:
    """Copy the code and its tests into the workspace; return the interpreter that runs them."""
    ignored = shutil.ignore_patterns("__pycache__", "doors", "questions")
    for name in [*SOURCES, "tests", *BESIDE]:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, workspace / name, ignore=ignored)
        else:
            shutil.copy(ROOT / name, workspace)
    version = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    text = HERE.format(version=version, settings=settings(piece, SOURCES, BESIDE))
    (workspace / "pyproject.toml").write_text(text, encoding="utf-8")
    return sys.executable


def prepare_generated(piece: Piece, workspace: Path) -> str:
    """Generate a repository, and add tests and settings; return the interpreter that runs them."""
    with tempfile.TemporaryDirectory(prefix="formwork-server-") as server:
        repository = generate(served(ROOT, Path(server)), workspace)
    repository.run("uv", "sync", "--quiet")
    packages = [f"mutmut=={metadata.version('mutmut')}", "fastexcel", "xlsxwriter"]
    python = str(workspace / ".venv" / "bin" / "python")
    repository.run("uv", "pip", "install", "--quiet", "--python", python, *packages)
    tests = workspace / "tests"
    (tests / "inside").mkdir()
    (tests / "conftest.py").write_text(QUICK, encoding="utf-8")
    for file in INSIDE.glob("*.py"):
        text = re.sub(r"max_examples=\d+,\s*", "", file.read_text(encoding="utf-8"))  # the profile says how many
        (tests / "inside" / f"test_{file.name}").write_text(text, encoding="utf-8")
    (workspace / "preload.txt").write_text("\n".join(PRELOADED), encoding="utf-8")
    with (workspace / "pyproject.toml").open("a", encoding="utf-8") as project:
        project.write(GENERATED.format(settings=settings(piece, ["src"], BESIDE_GENERATED)))
    return python


def settings(piece: Piece, sources: list[str], beside: list[str]) -> str:
    """Write the settings of mutmut that both kinds of code share."""
    return SETTINGS.format(
        sources=json.dumps(sources),
        mutated=json.dumps(piece.modules),
        beside=json.dumps(beside),
        tests=json.dumps(piece.tests),
    )


def run(python: str, workspace: Path, *names: str) -> None:
    """Run mutmut for some of the faults; it fails if it finds none, but not if some are not noticed."""
    command = [python, "-m", "mutmut", "run", "--max-children=2", *names]
    subprocess.run(command, cwd=workspace, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)


def outcomes(piece: Piece, workspace: Path) -> dict[str, int | None]:
    """Read the exit status of the tests for each fault: 0 if none noticed it, None if it was not tried."""
    found: dict[str, int | None] = {}
    mutants = workspace / "mutants"
    for meta in sorted(meta for pattern in piece.modules for meta in mutants.glob(f"{pattern}.meta")):
        found |= json.loads(meta.read_text(encoding="utf-8"))["exit_code_by_key"]
    return found


if __name__ == "__main__":
    sys.exit(main())
