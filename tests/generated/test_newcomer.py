"""A new member of the team follows the pages as printed, from a clone to a merged change."""

import json
import re

import pytest

from tests.generated.repository import Repository, generate, rare
from tests.harness import Template
from tests.pages import blocks

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("newcomer"), rare]

PARAMS = "params.yaml"


@pytest.fixture(scope="module")
def first(template: Template, tmp_path_factory: pytest.TempPathFactory) -> Repository:
    """Return a repository whose data are pushed; `host`, next to it, is the copy on the server."""
    repository = generate(template, tmp_path_factory.mktemp("team") / "first")
    repository.set_up()
    repository.run("uv", "run", "dvc", "push", "--quiet")
    repository.run("git", "clone", "--quiet", "--bare", ".", "../host")
    return repository


def merge(repository: Repository) -> None:
    """Merge the branch on the host, as a colleague who has reviewed it would."""
    branch = repository.run("git", "branch", "--show-current").stdout.strip()
    repository.run("git", "push", "--quiet", "origin", f"{branch}:main")


def test_nine_commands_lead_from_a_clone_to_a_pushed_change(first: Repository) -> None:
    """The page names the parameter to change, and the change arrives with new metrics."""
    page = first.path / "docs/start.md"
    clone, branch, run, send, after = blocks(page)
    assert len([*clone, *branch, *run, *send]) == 9
    getting, entering, *setting_up = clone
    assert entering == f"cd {getting.split()[-1]}"
    folder = Repository(first.path.parent, first.python)
    folder.run("bash", "-c", getting.replace("ADDRESS", "host"))
    repository = Repository(folder.path / getting.split()[-1], first.python)
    repository.sync()
    before = (repository.path / "reports/metrics.json").read_text("utf-8")

    for command in setting_up:
        assert "files are there, not here" in repository.run("bash", "-c", command).stdout
    for command in branch:
        repository.run("bash", "-c", command)
    found = re.search(r"set `(?P<name>\w+)` to (?P<value>[\d.]+) under `model`", page.read_text("utf-8"))
    assert found
    params = (repository.path / PARAMS).read_text("utf-8")
    edited = re.sub(rf"{found['name']}: \S+", f"{found['name']}: {found['value']}", params)
    assert edited != params
    (repository.path / PARAMS).write_text(edited, "utf-8")
    said = ""
    for command in [*run, *send]:
        done = repository.run("bash", "-c", command)
        said += done.stdout + done.stderr
    assert "featurize: " not in said
    assert "train: " in said
    assert re.search(r"\d+ passed", said)
    assert re.search(r"\d files? pushed", said)
    pushed = repository.run("git", "show", "origin/stronger-regularization:reports/metrics.json").stdout
    assert pushed != before

    merge(repository)
    for command in after:
        done = repository.run("bash", "-c", command)
    assert "register: my_project, version 2" in done.stderr
    assert repository.changes() == ""


def test_the_loop_of_a_change_works_as_printed(first: Repository) -> None:
    """The loop ends with a comparison: the new model is no better, so the champion stays."""
    first.run("git", "clone", "--quiet", "../host", "../loop")
    repository = Repository(first.path.parent / "loop", first.python)
    repository.set_up()
    branch, check, send, register, promote = blocks(repository.path / "CONTRIBUTING.md", "## The loop of a change")
    for command in branch:
        repository.run("bash", "-c", command)
    features = repository.path / "src/my_project/features.py"
    text = features.read_text("utf-8")
    features.write_text(text.replace("import Row\n", "import Row\n\nEPSILON  =  1e-9\n"), "utf-8")
    params = repository.path / PARAMS
    before = params.read_text("utf-8")  # another newcomer's change may be merged already
    params.write_text(re.sub(r"inverse_regularization: \S+", "inverse_regularization: 0.9", before), "utf-8")
    said = ""
    for command in [*check, *send]:
        done = repository.run("bash", "-c", command)
        said += done.stdout + done.stderr
    assert "1 file reformatted" in said
    assert re.search(r"reports/metrics.json\s+model.log_loss", said)
    merge(repository)
    for command in [*register, *promote]:
        done = repository.run("bash", "-c", command, check=command not in promote)
    assert "version 2 does not become the champion: accuracy is better by 0" in done.stderr
    predicted = repository.run("uv", "run", "my_project", "predict", "tests/sample.csv").stderr
    assert "predict: version 1 runs its own code, since my_project/features.py differs" in predicted
    assert repository.changes() == ""


def test_the_commands_about_the_pipeline_work_as_printed(first: Repository) -> None:
    """An experiment is made, compared and taken back, and both versions of the output are written."""
    repository = first.clone(first.path.parent / "pipeline")
    repository.set_up()
    said = ""
    for block in blocks(repository.path / "docs/pipeline.md"):
        for command in block:
            done = repository.run("bash", "-c", command)
            said += done.stdout + done.stderr
    assert re.search(r"reports/metrics.json\s+model.accuracy", said)
    assert "0.4" in said
    assert "A  src/my_project/stages/clean.py" in repository.changes()
    repository.nox("remove", "--", "stage", "clean")
    assert repository.changes() == ""


def test_the_commands_about_versions_work_as_printed(first: Repository) -> None:
    """A version that is no better is refused, gets in with a reason, and makes room again."""
    repository = first.clone(first.path.parent / "versions")
    repository.set_up()
    repository.change(PARAMS, "inverse_regularization: 1.0", "inverse_regularization: 0.9")
    repository.nox("pipeline")
    repository.run("git", "commit", "--quiet", "--all", "--message=Regularize more")
    repository.nox("pipeline")
    compare, *others = blocks(repository.path / "docs/versions.md")
    refused = repository.run("bash", "-c", *compare, check=False)
    assert refused.returncode == 1
    assert "promote: version 2 against 1: accuracy " in refused.stderr
    assert "my_project: version 2 does not become the champion: accuracy is better by 0" in refused.stderr
    said = ""
    for command in [command for block in others for command in block]:
        done = repository.run("bash", "-c", command)
        said += done.stdout + done.stderr
    assert "promote: version 2 is the champion" in said
    assert "rollback: version 1 is the champion again" in said
    assert said.count("178 rows, 0 without a prediction") == 3
    assert (repository.path / "data/predictions.csv").is_file()
    assert re.search(r"reproduce: all \d+ outputs of version 1 have the same bytes", said)
    shown = json.loads(repository.run("uv", "run", "my_project", "models", "show", "2", "--json").stdout)
    assert [decision["is_accepted"] for decision in shown["decisions"]] == [False, True, False]
    assert shown["decisions"][-1]["reason"] == "rollback to version 1"
    differences = json.loads(repository.run("uv", "run", "my_project", "models", "diff", "1", "2", "--json").stdout)
    assert differences["parameters"] == {"model.inverse_regularization": [1.0, 0.9]}
    assert set(differences["code"]) == {"commit"}
    assert repository.changes() == ""
    assert repository.run("uv", "run", "dvc", "status").stdout.strip() == "Data and pipelines are up to date."
