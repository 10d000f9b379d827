"""A repository tells the truth: results, versions and predictions belong to the code next to them."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.generated.repository import Repository, generate, rare
from tests.harness import Template

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("truth")]

PACKAGE = Path("src/my_project")
STAGES = "tests/contract/test_stages.py"

SUMMARIZE = '''\
"""Put the names of the metrics into one file."""

import json
from pathlib import Path


def run() -> None:
    """Write reports/names.json."""
    metrics = json.loads(Path("reports/metrics.json").read_text(encoding="utf-8"))
    text = json.dumps(sorted(metrics["model"])) + "\\n"
    Path("reports/names.json").write_text(text, encoding="utf-8")
'''
SUMMARIZE_STAGE = """\
  summarize:
    cmd: my_project summarize
    deps:
      - reports/metrics.json
      - src/my_project/stages/summarize.py
    outs:
      - reports/names.json:
          cache: false

"""


@pytest.fixture(scope="module")
def pristine(template: Template, tmp_path_factory: pytest.TempPathFactory) -> Repository:
    """Return a repository that has been set up, which tests reset but do not change for good."""
    generated = generate(template, tmp_path_factory.mktemp("truth") / "repository")
    generated.set_up()
    generated.run("git", "tag", "start")
    return generated


@pytest.fixture
def repository(pristine: Repository) -> Iterator[Repository]:
    """Yield the repository as it was set up, with its first version as the only one."""
    kept = pristine.path.with_name("registry")
    if not kept.exists():
        shutil.copytree(pristine.path / "registry", kept)
    yield pristine
    pristine.run("git", "reset", "--quiet", "--hard", "start")
    pristine.run("git", "clean", "--quiet", "--force", "-d")
    shutil.rmtree(pristine.path / "registry")
    shutil.copytree(kept, pristine.path / "registry")
    pristine.run("uv", "run", "dvc", "checkout", "--quiet", "--force")


def edit(repository: Repository, file: Path | str, old: str, new: str) -> None:
    """Replace a text that is in a file of the repository once."""
    path = repository.path / file
    text = path.read_text(encoding="utf-8")
    assert text.count(old) == 1, (file, old)
    path.write_text(text.replace(old, new), encoding="utf-8")


def commit(repository: Repository) -> str:
    """Commit everything without the hooks, and return the commit."""
    repository.run("git", "add", "--all")
    repository.run("git", "commit", "--quiet", "--no-verify", "--message", "Change")
    return repository.run("git", "rev-parse", "HEAD").stdout.strip()


def said_by(repository: Repository, *command: str, fails: bool = False, **env: str) -> str:
    """Run a command of the package, and return what it prints to stderr."""
    done = repository.run("uv", "run", "my_project", *command, check=False, **env)
    assert bool(done.returncode) == fails, done.stderr
    return done.stderr


def run_tests(repository: Repository, *tests: str) -> tuple[int, str]:
    """Run some of the repository's own tests."""
    done = repository.run("uv", "run", "pytest", "-q", *tests, check=False)
    return done.returncode, done.stdout


@rare
def test_a_helper_of_a_helper_is_code_that_a_stage_runs(repository: Repository) -> None:
    (repository.path / PACKAGE / "ratios.py").write_text(
        '"""Ratios."""\n\nfrom .numbers_of_ours import ONE\n\n__all__ = ["ONE"]\n', "utf-8"
    )
    helper = repository.path / PACKAGE / "numbers_of_ours.py"
    helper.write_text('"""Numbers."""\n\nONE = 1\n', "utf-8")
    edit(
        repository,
        PACKAGE / "features.py",
        "from .schema import Row\n",
        "from .ratios import ONE\nfrom .schema import Row\n",
    )
    edit(repository, PACKAGE / "features.py", "pl.col(str(Row.flavanoids)) /", "ONE * pl.col(str(Row.flavanoids)) /")
    status, said = run_tests(repository, STAGES)
    lines = [f"      - {PACKAGE}/{name}.py" for name in ("numbers_of_ours", "ratios")]
    assert status == 1
    assert "add to the deps of stage featurize in dvc.yaml:\n" in said
    assert all(line in said for line in lines)
    before = f"      - {PACKAGE}/features.py\n"
    edit(repository, "dvc.yaml", before, before + "\n".join(lines) + "\n")
    repository.run("uv", "run", "dvc", "repro", "--quiet")
    assert run_tests(repository, STAGES)[0] == 0
    helper.write_text('"""Numbers."""\n\nONE = 2\n', "utf-8")
    status, said = run_tests(repository, STAGES)
    assert status == 1
    assert f"stage featurize: {PACKAGE}/numbers_of_ours.py has changed" in said
    assert "Running stage 'featurize'" in repository.run("uv", "run", "dvc", "repro").stdout


def test_code_that_is_committed_without_a_run_is_red(repository: Repository) -> None:
    edit(repository, PACKAGE / "model.py", 'strategy="median"', 'strategy="mean"')
    commit(repository)
    status, said = run_tests(repository, STAGES)
    assert status == 1
    assert f"stage train: {PACKAGE}/model.py has changed" in said
    assert "run `uvx nox -s pipeline`" in said
    line = said_by(repository, "register", fails=True)
    assert line == (
        f"my_project: the results are not those of the code here: stage train: {PACKAGE}/model.py has changed: "
        "run `uvx nox -s pipeline`\n"
    )


def test_where_git_refuses_a_version_has_no_commit_and_a_later_one_has(repository: Repository) -> None:
    shutil.rmtree(repository.path / "registry")
    said = said_by(repository, "register", GIT_TEST_ASSUME_DIFFERENT_OWNER="1")
    assert "git does not say which commit made version 1" in said
    assert "register: my_project, version 2" in said_by(repository, "register")
    said = said_by(repository, "register")
    assert "nothing new, this model is version 2" in said
    assert "version 2 is the champion" in said


def test_an_unclean_version_stays_so(repository: Repository) -> None:
    edit(repository, "params.yaml", "inverse_regularization: 1.0", "inverse_regularization: 2.0")
    repository.nox("pipeline")
    assert "version 2 is marked `unclean`" in said_by(repository, "register")
    commit(repository)
    assert "register: my_project, version 3" in said_by(repository, "register")


@rare
def test_a_stage_of_ones_own_is_a_module_and_an_entry(repository: Repository) -> None:
    module = repository.path / PACKAGE / "stages" / "summarize.py"
    module.parent.mkdir()
    module.write_text(SUMMARIZE, "utf-8")
    edit(repository, "dvc.yaml", "\nplots:\n", "\n" + SUMMARIZE_STAGE + "plots:\n")
    assert "summarize  Put the names of the metrics" in repository.run("uv", "run", "my_project", "--help").stdout
    said = repository.nox("pipeline")
    assert "Running stage 'summarize'" in said
    commit(repository)
    said = repository.nox("check")
    assert "* tests: success" in said
    assert "nothing new, this model is version 1" in said_by(repository, "register")


def test_another_plot_does_not_train_again(repository: Repository) -> None:
    edit(
        repository,
        PACKAGE / "evaluation.py",
        "scores.calibration(truth, predictions)",
        "scores.calibration(truth, predictions).head(5)",
    )
    done = repository.run("uv", "run", "dvc", "repro").stdout
    assert "Stage 'train' didn't change, skipping" in done
    assert "Running stage 'evaluate'" in done


def test_what_is_left_of_a_merge_is_named_by_check_and_by_the_hooks(repository: Repository) -> None:
    readme = repository.path / "README.md"
    readme.write_text("<<<<<<< yours\none\n=======\ntwo\n>>>>>>> theirs\n", "utf-8")
    said = repository.run("uvx", "nox", "--sessions", "lint", check=False)
    assert said.returncode
    assert "conflicts are left to resolve:\nREADME.md:1:<<<<<<< yours" in said.stdout + said.stderr
    readme.write_text("Heading\n=======\n", "utf-8")
    (repository.path / "README.md.rej").write_text("a hunk\n", "utf-8")
    repository.run("git", "add", "--all")
    done = repository.run("uv", "run", "pre-commit", "run", check=False)
    assert "no conflict markers (see `uvx nox -s resolve`)...........................Passed" in done.stdout
    assert "carry them over by hand, then delete the file" in done.stdout
    assert "README.md.rej" in done.stdout


def test_a_lock_that_does_not_fit_is_named_by_check_and_by_the_hooks(repository: Repository) -> None:
    edit(repository, "pyproject.toml", '    "typer>=0.29",\n', '    "typer>=0.28",\n')
    done = repository.run("uvx", "nox", "--sessions", "lint", check=False)
    assert done.returncode
    assert "run `uv lock`" in done.stdout + done.stderr
    repository.run("git", "add", "--all")
    done = repository.run("uv", "run", "--no-sync", "pre-commit", "run", check=False)
    assert "uv.lock fits pyproject.toml..............................................Failed" in done.stdout
