"""The same code and data give the same results, on any machine and from the registry."""

import json
import os
import re
from pathlib import Path

import pytest

from tests.generated.repository import SUPPORTED, Repository, generate, interpreter
from tests.harness import Template

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("reproducible")]

# Evaluates predictions in a file on the held-out rows, with nothing but the repository's own code.
JUDGE = """
import json, sys
import polars as pl
from my_project import evaluation, source
from my_project.core.base.settings import load_seed
from my_project.core.steps.split import SplitSettings, holdout
from my_project.core.steps.validate import check
from my_project.schema import TARGET, Row

settings = source.SourceSettings.load("source")
valid = check(source.read(settings), Row.to_schema(), settings).valid.collect()
split, inputs = SplitSettings.load("split"), valid.drop(TARGET).lazy()
held_out = holdout(inputs, split, load_seed()).collect().to_series()
predictions = pl.read_csv(sys.argv[1]).drop("row", "reason").filter(held_out)
print(json.dumps(evaluation.metrics(valid[TARGET].filter(held_out), predictions)))
"""


@pytest.fixture(scope="module")
def repository(template: Template, tmp_path_factory: pytest.TempPathFactory) -> Repository:
    """Return a repository that has been set up."""
    generated = generate(template, tmp_path_factory.mktemp("first") / "repository", problem="regression")
    generated.set_up()
    return generated


def test_two_clean_runs_give_the_same_lock(repository: Repository, template: Template, tmp_path: Path) -> None:
    """The hashes of all results are the same in different folders."""
    other = generate(template, tmp_path / "in another folder" / "repository", problem="regression")
    other.sync()
    other.run("git", "init", "--quiet")
    other.run("uv", "run", "dvc", "repro", "--quiet")
    assert content(other, "dvc.lock") == content(repository, "dvc.lock")
    assert content(other, "reports/metrics.json") == content(repository, "reports/metrics.json")


def test_a_fresh_clone_predicts_to_the_reported_figures(repository: Repository, tmp_path: Path) -> None:
    """The clone has the registry, an alias and a raw file, and derives the lineage that was recorded."""
    clone = repository.clone(tmp_path / "clone")
    clone.env["MLFLOW_TRACKING_URI"] = f"sqlite:///{repository.path}/registry/mlflow.db"
    clone.sync()
    out = tmp_path / "predictions.csv"
    clone.run("uv", "run", "my_project", "predict", "tests/sample.csv", "--model=champion", f"--output={out}")
    judged = json.loads(clone.run("uv", "run", "python", "-c", JUDGE, str(out)).stdout)
    assert judged == pytest.approx(json.loads(content(repository, "reports/metrics.json"))["model"], rel=1e-12)
    clone.run("uv", "run", "dvc", "repro", "--quiet")
    said = clone.run("uv", "run", "my_project", "register").stderr
    assert "nothing new, this model is version 1" in said
    assert clone.changes() == ""


@pytest.mark.skipif("FORMWORK_VERSIONS" not in os.environ, reason="`nox -s versions` tries it")
@pytest.mark.parametrize("python", SUPPORTED)
def test_a_version_is_made_again_with_its_python(template: Template, tmp_path: Path, python: str) -> None:
    """The code here has changed since, and the cache of DVC is that of this folder."""
    if not interpreter(python):
        pytest.skip(f"there is no Python {python} on this machine")
    made = generate(template, tmp_path / "repository", python=python)
    made.set_up()
    made.change("params.yaml", "seed: 20", "seed: 21")
    made.run("git", "commit", "--quiet", "--no-verify", "--all", "--message=Another seed")
    said = made.run("uv", "run", "my_project", "reproduce", "1").stderr
    assert f", Python {python}: the environment" in said
    assert re.search(r"reproduce: all \d+ outputs of version 1 have the same bytes", said)
    assert made.changes() == ""
    assert made.run("git", "worktree", "list").stdout.count("\n") == 1


def test_nothing_to_do_is_not_done(repository: Repository) -> None:
    """A changed parameter runs only the stages that depend on it."""
    done = repository.run("uv", "run", "dvc", "repro").stdout
    assert done.count("didn't change, skipping") == 5
    params = repository.path / "params.yaml"
    params.write_text(content(repository, "params.yaml").replace("regularization: 1.0", "regularization: 2.0"), "utf-8")
    said = repository.nox("pipeline")
    assert "train: " in said
    assert "ingest: " not in said
    assert "commit everything, then: uv run my_project register" in said
    repository.run("git", "checkout", "--quiet", ".")


def content(repository: Repository, name: str) -> str:
    """Read a file of a repository."""
    return (repository.path / name).read_text(encoding="utf-8")
