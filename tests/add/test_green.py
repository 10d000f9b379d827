"""What is added passes all checks at once, and the pipeline runs with it."""

import os
from itertools import permutations
from pathlib import Path

import pytest

from formwork.cli import main
from tests.add.examples import SCAFFOLDS
from tests.generated.repository import generate
from tests.harness import Template, commit_everything, git


@pytest.mark.slow
@pytest.mark.skipif("FORMWORK_SEQUENCES" not in os.environ, reason="`nox -s growth` tries it")
@pytest.mark.parametrize("problem", ["classification", "regression"])
def test_check_is_green_before_and_after_the_pipeline_ran(
    template: Template, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, problem: str
) -> None:
    """Each scaffold alone, and each pair in both orders."""
    repository = generate(template, tmp_path / "repository", problem=problem)
    repository.set_up()
    monkeypatch.chdir(repository.path)
    start = git(repository.path, "rev-parse", "HEAD")
    for kinds in [*((kind,) for kind in SCAFFOLDS), *permutations(SCAFFOLDS, 2)]:
        for kind in kinds:
            assert main(["add", *SCAFFOLDS[kind][0]]) == 0
            commit_everything(repository.path, kind)
        assert "* tests: success" in repository.nox("check"), kinds
        repository.nox("pipeline")
        commit_everything(repository.path, "Run")
        assert "* tests: success" in repository.nox("check"), kinds
        assert repository.changes() == ""
        git(repository.path, "reset", "--quiet", "--hard", start)
