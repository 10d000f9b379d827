"""What is added passes all checks at once, and the pipeline runs with it."""

import ast
import os
import re
import textwrap
from collections.abc import Iterable, Iterator
from itertools import combinations
from pathlib import Path

import pytest

from formwork.cli import main
from tests.add.examples import SCAFFOLDS
from tests.generated.repository import Repository, generate
from tests.harness import Template, commit_everything, git

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(4 * 3600),
    pytest.mark.skipif("FORMWORK_SEQUENCES" not in os.environ, reason="`nox -s growth` tries it"),
]


@pytest.mark.parametrize("problem", ["classification", "regression"])
def test_check_is_green_before_and_after_the_pipeline_ran(
    template: Template, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, problem: str
) -> None:
    """Each scaffold alone."""
    for repository in grown(template, tmp_path, monkeypatch, problem, ((kind,) for kind in SCAFFOLDS)):
        assert "* tests: success" in repository.nox("check")
        repository.nox("pipeline")
        commit_everything(repository.path, "Run")
        assert "* tests: success" in repository.nox("check")
        assert repository.changes() == ""


@pytest.mark.parametrize("problem", ["classification", "regression"])
def test_pairs_are_green_before_and_after_the_pipeline_ran(
    template: Template, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, problem: str
) -> None:
    """Each pair, in one order and in the other, with the tests that look at what is added and at the pipeline."""
    kinds = ["stage", "dataset", "model", "notebook", "decision"]
    pairs = combinations(kinds if problem == "classification" else kinds[::-1], 2)
    for repository in grown(template, tmp_path, monkeypatch, problem, pairs):
        tests = ["tests/contract/test_stages.py", *map(str, repository.path.glob("tests/test_*.py"))]
        repository.nox("lint", "types", "docs")  # an error if one of them fails
        repository.nox("tests", "--", *tests)
        repository.nox("pipeline")
        commit_everything(repository.path, "Run")
        repository.nox("tests", "--", *tests)
        assert repository.changes() == ""


def grown(
    template: Template,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    problem: str,
    wanted: Iterable[tuple[str, ...]],
) -> Iterator[Repository]:
    """Yield a repository to which some scaffolds have been added, one after the other."""
    repository = generate(template, folder / "repository", problem=problem)
    repository.set_up()
    monkeypatch.chdir(repository.path)
    start = git(repository.path, "rev-parse", "HEAD")
    for kinds in wanted:
        print("with", *kinds)
        for kind in kinds:
            assert main(["add", *SCAFFOLDS[kind][0]]) == 0
            commit_everything(repository.path, kind)
        yield repository
        git(repository.path, "reset", "--quiet", "--hard", start)
        git(repository.path, "clean", "--quiet", "-fdx", "--", "data")  # `add` refuses a file that is there


def test_a_further_model_may_have_rows_without_a_target(
    template: Template, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its test counts the predictions of valid rows only: those that lack the target get one, too."""
    repository = next(grown(template, tmp_path, monkeypatch, "classification", [("model",)]))
    repository.change("tests/demand.csv", ",87,151\n", ",87,\n")
    repository.nox("tests", "--", "tests/test_demand.py")


@pytest.mark.parametrize(("origin", "stage"), [("csv", ""), ("sql", ""), ("csv", "clean")])
def test_a_table_is_joined_as_its_test_says(
    template: Template, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, origin: str, stage: str
) -> None:
    """The pipeline, the tests and `predict` read the rows with the columns of the table, or of a stage after it."""
    repository = generate(template, tmp_path / "repository", problem="regression")
    repository.set_up()
    monkeypatch.chdir(repository.path)
    assert main(["add", "dataset", "vineyards", f"--from={origin}"]) == 0
    if stage:
        commit_everything(repository.path, "Add a table")
        assert main(["add", "stage", stage, "--after=vineyards"]) == 0
    page = ast.get_docstring(ast.parse((repository.path / "tests/test_vineyards.py").read_text("utf-8"))) or ""
    join, dep = (textwrap.dedent(block) for block in re.findall(r"(?:^    .+\n?)+", page, re.MULTILINE))
    if stage:
        join, dep = (text.replace("data/vineyards/valid.parquet", f"data/{stage}.parquet") for text in (join, dep))
    package = "src/my_project"
    repository.change(
        f"{package}/source.py", "    return scan(settings.path, settings)\n", textwrap.indent(join, "    ")
    )
    repository.change(
        f"{package}/source.py", "from .core.base.dialect", "from .core.base import tables\nfrom .core.base.dialect"
    )
    repository.change("dvc.yaml", "      - ${source.path}\n", f"      - ${{source.path}}\n      {dep}\n")
    columns = "    key: str\n    value: float = pa.Field(nullable=True)\n"
    schema = repository.path / package / "schema.py"
    schema.write_text(re.sub(r"(?m)^(    \w+: )", columns + r"\1", schema.read_text("utf-8"), count=1), "utf-8")
    repository.change("params.yaml", "unused: []", "unused: [key]")
    sample = repository.path / "tests/sample.csv"
    header, *rows = sample.read_text("utf-8").splitlines()
    keyed = [f"{row},{'abx'[number % 3]}" for number, row in enumerate(rows)]
    sample.write_text("\n".join([f"{header},key", *keyed, ""]), "utf-8")
    repository.run("uv", "run", "ruff", "format")
    repository.nox("pipeline")
    commit_everything(repository.path, "Join")
    repository.run("uv", "run", "my_project", "register")
    assert "* tests: success" in repository.nox("check")
    predicted = repository.run("uv", "run", "my_project", "predict", "tests/sample.csv")
    assert f"{len(rows)} rows, 0 without a prediction" in predicted.stderr
    ingested = "import polars as pl; print(pl.read_parquet('data/valid.parquet')['value'].null_count())"
    assert repository.run("uv", "run", "python", "-c", ingested).stdout.strip() == str(len(rows[2::3]))
