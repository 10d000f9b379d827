"""The same code and data give the same results, anywhere and from the registry too."""

import json
from pathlib import Path

import pytest

from tests.generated.repository import Repository, generate
from tests.harness import Template

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("reproducible")]

# Judges predictions in a file against the test rows, with nothing but the repository's own code.
JUDGE = """
import json, sys
import polars as pl
from my_project import model
from my_project.pipeline import files
from my_project.pipeline.featurize import in_test
from my_project.pipeline.validate import check
from my_project.schema import TARGET, Row
from my_project.settings import Params

params = Params.load()
valid = check(files.scan(params.source.path).collect(), Row.to_schema()).valid
test = in_test(valid.drop(TARGET), seed=params.seed, share=params.split.test_share)
predictions = pl.read_csv(sys.argv[1]).drop("row", "reason").filter(test)
print(json.dumps(model.metrics(valid[TARGET].filter(test), predictions)))
"""


@pytest.fixture(scope="module")
def repository(template: Template, tmp_path_factory: pytest.TempPathFactory) -> Repository:
    """Give a repository that has been set up."""
    generated = generate(template, tmp_path_factory.mktemp("first") / "repository", problem="regression")
    generated.nox("setup")
    return generated


def test_two_clean_runs_give_the_same_lock(repository: Repository, template: Template, tmp_path: Path) -> None:
    """In different folders, the hashes of all results are the same."""
    other = generate(template, tmp_path / "in another folder" / "repository", problem="regression")
    other.run("uv", "sync", "--quiet")
    other.run("git", "init", "--quiet")
    other.run("uv", "run", "dvc", "repro", "--quiet")
    assert content(other, "dvc.lock") == content(repository, "dvc.lock")
    assert content(other, "reports/metrics.json") == content(repository, "reports/metrics.json")


def test_a_fresh_clone_predicts_to_the_reported_figures(repository: Repository, tmp_path: Path) -> None:
    """Given the registry, an alias and a raw file; and the lineage derived again is the recorded one."""
    clone = repository.clone(tmp_path / "clone")
    clone.env["MLFLOW_TRACKING_URI"] = f"sqlite:///{repository.path}/registry/mlflow.db"
    clone.run("uv", "sync", "--quiet")
    out = tmp_path / "predictions.csv"
    said = clone.run(
        "uv", "run", "my_project", "-v", "predict", "tests/sample.csv", "--model=champion", f"--output={out}"
    ).stderr
    judged = json.loads(clone.run("uv", "run", "python", "-c", JUDGE, str(out)).stdout)
    assert judged == pytest.approx(json.loads(content(repository, "reports/metrics.json"))["model"], rel=1e-12)
    commit = clone.run("git", "rev-parse", "HEAD").stdout.strip()
    clone.run("uv", "run", "dvc", "repro", "--quiet", "ingest")
    assert f"'git_commit': '{commit}'" in said
    assert "'git_clean': 'true'" in said
    assert f"'data_hash': '{md5(clone, 'data/raw.parquet')}'" in said


def test_nothing_to_do_is_not_done(repository: Repository) -> None:
    """And a changed parameter runs what depends on it, nothing else."""
    done = repository.run("uv", "run", "dvc", "repro").stdout
    assert done.count("didn't change, skipping") == 5
    params = repository.path / "params.yaml"
    params.write_text(content(repository, "params.yaml").replace("regularization: 1.0", "regularization: 2.0"), "utf-8")
    said = repository.nox("pipeline")
    assert "train: " in said
    assert "ingest: " not in said
    assert "register: my_project, version 2" in said
    repository.run("git", "checkout", "--quiet", ".")


def content(repository: Repository, name: str) -> str:
    """Read a file of a repository."""
    return (repository.path / name).read_text(encoding="utf-8")


def md5(repository: Repository, name: str) -> str:
    """Hash a file as DVC does."""
    return repository.run("uv", "run", "python", "-c", HASH, name).stdout.strip()


HASH = "import hashlib, sys; print(hashlib.md5(open(sys.argv[1], 'rb').read()).hexdigest())"
