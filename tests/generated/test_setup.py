"""`nox -s setup` works wherever a repository is and whoever sets it up."""

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.generated.repository import Repository, generate, rare
from tests.harness import ROOT, Template

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("setup")]


@pytest.fixture(scope="module")
def repository(template: Template, tmp_path_factory: pytest.TempPathFactory) -> Repository:
    """Return a repository that has been set up."""
    generated = generate(template, tmp_path_factory.mktemp("setup") / "repository")
    generated.set_up()
    return generated


@pytest.fixture
def colleague(repository: Repository) -> Iterator[Repository]:
    """Yield a clone next to the repository, where the default remote is the same folder."""
    clone = repository.clone(repository.path.parent / "clone")
    yield clone
    shutil.rmtree(clone.path)


@rare
def test_the_terminal_of_the_readme_is_what_is_printed(template: Template, tmp_path: Path) -> None:
    """Its commands are run as printed, and print these lines."""
    repository = generate(template, tmp_path / "repository", package_name="wine_quality")
    repository.sync()
    [block] = re.findall(r"^```text\n(.*?)^```$", (ROOT / "README.md").read_text("utf-8"), re.MULTILINE | re.DOTALL)
    printed = ""
    for line in block.splitlines():
        if line.startswith("$ "):
            done = repository.run("bash", "-c", line[2:])
            printed = re.sub(r"(?<= )[\d.]+$", "1.2.3", done.stdout + done.stderr, flags=re.MULTILINE)
        elif line not in ("", "..."):
            assert re.sub(r"(?<= )[\d.]+$", "1.2.3", line) in printed.splitlines()


def storage(repository: Repository) -> Path:
    """Return the folder that is the default remote."""
    return repository.path.parent / "my_project-storage"


@rare
def test_a_colleague_without_the_data_makes_them_anew(repository: Repository, colleague: Repository) -> None:
    """If the remote does not answer, the pipeline runs and gives the same results."""
    shutil.rmtree(storage(repository), ignore_errors=True)
    said = colleague.nox("setup")
    assert "files are neither there nor here" in said
    assert "data: some files are missing on the remote: failed to pull data from the cloud - " in said
    assert "data/raw.parquet" in said
    assert "train: " in said
    assert "register: my_project, version 1" in said
    assert "commit: none, since there are commits already" in said
    assert colleague.changes() == ""


def test_a_colleague_fetches_the_data(repository: Repository, colleague: Repository) -> None:
    """Nobody has to make again what a colleague has pushed, and the model is still registered."""
    repository.run("uv", "run", "dvc", "push")
    said = colleague.nox("setup")
    assert "files are there, not here" in said
    assert "data: as on the remote" in said
    assert "train: " not in said
    assert "register: my_project, version 1" in said
    predicted = colleague.run("uv", "run", "my_project", "predict", "tests/sample.csv").stdout
    assert predicted.startswith("row,prediction,")
    assert colleague.changes() == ""


def test_looking_changes_nothing(colleague: Repository) -> None:
    """`--check` says, as text or as JSON, what is missing and which command brings it."""
    looked = [colleague.run("uvx", "nox", "-s", "setup", "--", it, check=False) for it in ("--check", "--json")]
    assert [done.returncode for done in looked] == [1, 1]
    assert "--  environment  none yet\n                 uvx nox -s setup\n" in looked[0].stdout
    assert "not ready: environment, hooks, remote, results, registry" in looked[0].stderr
    found = {finding["name"]: finding for finding in json.loads(looked[1].stdout)}
    assert found["git"]["is_ready"]
    assert found["registry"]["remedy"] == "uvx nox -s setup"
    assert not {".venv", "data", "registry"} & {path.name for path in colleague.path.iterdir()}

    colleague.set_up()

    done = colleague.run("uvx", "nox", "-s", "setup", "--", "--check", check=False)
    assert "these results are version 1" in done.stdout
    assert "not ready" not in done.stderr
    assert done.returncode == 0
    assert "use --check or --json" in colleague.nox("setup", "--", "--chek", check=False)


def test_a_step_that_fails_is_named_at_the_end(colleague: Repository) -> None:
    """`setup` does everything else, and the next attempt continues from there."""
    params = colleague.path / "params.yaml"
    good = params.read_text("utf-8")
    params.write_text(good.replace("tests/sample.csv", "nowhere.csv"), "utf-8")
    done = colleague.run("uvx", "nox", "-s", "setup", check=False)
    assert done.returncode
    assert "hooks" in done.stderr.partition("ready: ")[2].partition("\n")[0]
    assert "--  results      stage ingest: " in done.stdout
    assert "uvx nox -s pipeline" in done.stdout
    params.write_text(good, "utf-8")
    assert "next: uv run my_project predict" in colleague.nox("setup")


def test_the_chosen_python_is_used(colleague: Repository) -> None:
    """The choice holds although nox removes it from the environment of its commands."""
    said = colleague.nox("lint", check=False, UV_PYTHON="3.8")
    assert "3.8" in said
    assert not (colleague.path / ".venv").exists()


@rare
def test_another_folder_can_be_the_remote(colleague: Repository, tmp_path: Path) -> None:
    """One command changes it, and pushing and pulling use it."""
    said = colleague.nox("remote", "--", str(tmp_path / "elsewhere"))
    assert f"remote: {tmp_path / 'elsewhere'}" in said
    colleague.run("uv", "run", "dvc", "repro")
    colleague.run("uv", "run", "dvc", "push")
    assert any(file.is_file() for file in (tmp_path / "elsewhere").rglob("*"))


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        ([], "name one address, for example: uvx nox -s remote -- s3://bucket/path"),
        (["ftp://host/path"], "ftp://host/path: use one of s3, gs, azure, ssh"),
        ([""], "(empty): name a folder outside this repository"),
        (["data/here"], "data/here: name a folder outside this repository"),
    ],
)
def test_a_remote_that_cannot_be_is_refused(repository: Repository, arguments: list[str], line: str) -> None:
    """One line refuses the remote, and nothing has changed."""
    done = repository.run("uvx", "nox", "--sessions", "remote", "--", *arguments, check=False)
    assert done.returncode
    assert line in done.stdout + done.stderr
    assert repository.changes() == ""


def test_a_remote_in_the_cloud_brings_what_it_needs(colleague: Repository) -> None:
    """The extra of DVC takes the place of DVC in `pyproject.toml`."""
    colleague.nox("remote", "--", "s3://bucket/path")
    project = (colleague.path / "pyproject.toml").read_text(encoding="utf-8")
    assert '    "dvc[s3]>=3.67",\n' in project
    assert "url = s3://bucket/path" in (colleague.path / ".dvc/config").read_text(encoding="utf-8")
    colleague.run("uv", "run", "--locked", "python", "-c", "import dvc_s3")


@rare
def test_a_folder_of_a_larger_repository_stays_a_part_of_it(template: Template, tmp_path: Path) -> None:
    """`setup` makes no repository, no hooks and no commit inside another repository, and says so."""
    outer = Repository(tmp_path, "")
    outer.run("git", "init", "--quiet")
    inner = generate(template, tmp_path / "part")
    said = inner.nox("setup")
    assert f"repository: inside {tmp_path}, so no init, no hooks and no commit here" in said
    assert not (inner.path / ".git").exists()
    assert not (tmp_path / ".git/hooks/pre-commit").exists()
    assert outer.run("git", "log", check=False).returncode
    assert "register: my_project, version 1" in said


def test_somebody_git_does_not_know_is_told(template: Template, tmp_path: Path) -> None:
    """All files are staged, and the exit status is 0."""
    stranger = generate(template, tmp_path / "repository")
    for name in [name for name in stranger.env if name.startswith(("GIT_AUTHOR", "GIT_COMMITTER"))]:
        del stranger.env[name]
    said = stranger.nox("setup")
    assert "commit: none, since git does not know who you are; all files are staged" in said
    assert stranger.run("git", "log", check=False).returncode
    staged = stranger.run("git", "diff", "--cached", "--name-only").stdout.splitlines()
    assert {"uv.lock", "dvc.lock", "reports/metrics.json"} < set(staged)
    assert all(line.startswith("A ") for line in stranger.changes().splitlines())
