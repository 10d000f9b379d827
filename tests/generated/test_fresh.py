"""A fresh repository is complete and passes all checks, for answers that differ as much as possible."""

import re
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from formwork.cli import main
from tests.add.examples import SCAFFOLDS
from tests.generated.repository import SUPPORTED, Repository, generate, interpreter, pyenv_versions, rare
from tests.harness import Template

NASTY = 'It is "great" \\ {{ 7*7 }}: #1 <b>'


@dataclass(frozen=True)
class Combination:
    """A combination of answers to generate with."""

    python: str
    answers: dict[str, str] = field(default_factory=dict)


COMBINATIONS = [
    Combination(
        "3.11",
        {
            "project_name": "Wine quality",
            "description": NASTY,
            "author_name": 'Zoë O\'Hara <QA> & "Friends"',
            "author_email": "zoe@example.org",
            "repository_url": "https://github.com/example/wine-quality",
            "license": "Apache-2.0",
        },
    ),
    Combination("3.12", {"problem": "regression", "ci": "gitlab", "license": "proprietary"}),
    Combination(
        "3.13",
        {
            "project_name": "_A *name* [with] `marks` & more_",
            "package_name": "a_package_name_of_forty_characters_in_al",
            "repository_url": "https://gitlab.example.org/group/sub/name",
            "problem": "regression",
            "license": "BSD-3-Clause",
        },
    ),
    Combination("3.14", {"author_name": "Jane"}),
]


@pytest.fixture(
    scope="module",
    params=[pytest.param(each, id=each.python, marks=rare if each.python == "3.12" else ()) for each in COMBINATIONS],
)
def repository(
    request: pytest.FixtureRequest, template: Template, tmp_path_factory: pytest.TempPathFactory
) -> Repository:
    """Return a repository that has been set up with its lowest Python."""
    combination: Combination = request.param
    if not interpreter(combination.python):
        pytest.skip(f"Python {combination.python} is not installed on this machine")
    folder = tmp_path_factory.mktemp("fresh") / "repository"
    generated = generate(template, folder, python=combination.python, **combination.answers)
    said = generated.nox("setup")
    assert "Session setup was successful" in said
    return generated


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.xdist_group("fresh")
def test_all_checks_are_green_and_change_nothing(repository: Repository) -> None:
    """There are no warnings, and the hooks, run on all files, have nothing to correct."""
    if repository.python == interpreter("3.13"):
        pytest.skip("the next test checks this one, with everything that can be added")
    assert repository.changes() == ""
    said = offline(repository, "uvx", "nox", "--sessions", "check")
    for task in ("lint", "types", "tests", "docs"):
        assert f"* {task}: success" in said
    assert re.search(r"\b\d+ passed in", said)
    assert not re.search(r"\b\d+ skipped", said)
    assert "warning" not in said.lower()
    repository.run("uv", "run", "ruff", "format")
    repository.run("uv", "run", "pre-commit", "run", "--all-files")
    assert repository.changes() == ""
    lowest = re.findall(r'requires-python = ">=([\d.]+)"', text(repository, "pyproject.toml"))
    assert repository.run("uv", "run", "python", "--version").stdout.startswith(f"Python {lowest[0]}.")


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.xdist_group("fresh")
def test_all_checks_are_green_with_everything_that_can_be_added(
    repository: Repository, template: Template, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is edited by hand, a stage that has not run yet is a warning, and nothing is left behind."""
    if repository.python != interpreter("3.13"):
        pytest.skip("`nox -s growth` tries the others")
    monkeypatch.chdir(repository.path)
    monkeypatch.setenv("UV_PYTHON", repository.python)  # for `uv lock`; nox sets that of these tests
    pieces = {*template.questions(template.newest)["pieces"].choices}
    pieces -= {"spark"}  # whose packages take 700 MB: `nox -s distributed` tries it
    every = [*(command for command, _ in SCAFFOLDS.values()), sorted(pieces)]
    for command in every:
        assert main(["add", *command]) == 0
        repository.run("git", "commit", "--quiet", "--all", "--message", command[0])
    said = repository.nox("check")
    for task in ("lint", "types", "tests", "docs"):
        assert f"* {task}: success" in said
    assert "UserWarning: stage clean: it has not run yet: run `uvx nox -s pipeline`" in said
    for name in ("sum_up", "vineyards", "prices", "prices_extract", "demand_train"):
        assert f"stage {name}: it has not run yet" in said
    assert "Keep one of several equal rows." in text(repository, "site/pipeline.html")
    repository.run("uv", "run", "ruff", "format")
    repository.run("uv", "run", "pre-commit", "run", "--all-files")
    repository.run("uv", "run", "dvc", "repro", "--quiet")
    written = {line.split()[-1] for line in repository.changes().splitlines()}
    new = {"reports/demand/", "reports/prices/", "reports/sum_up.csv", "reports/vineyards/"}
    assert written == {"dvc.lock", *new}  # and nothing of the first model
    repository.run("git", "add", "--all")
    repository.run("git", "commit", "--quiet", "--message", "Run")
    said = repository.nox("pipeline", "--", "demand")
    [module] = (repository.path / "src").glob("*/demand/features.py")
    package = module.parts[-3]
    assert f"register: {package}.demand, version 1" in said
    assert "register: version 1 is the champion, the one `predict --of demand` uses" in said
    predict = ["uv", "run", package, "predict"]
    predicted = repository.run(*predict, "tests/demand.csv", "--of=demand")
    assert "predict: version 1, 442 rows, 0 without a prediction" in predicted.stderr
    refused = repository.run(*predict, "tests/sample.csv", "--of=demands", check=False)
    assert refused.stderr == f"{package}: no further model is named demands; there are: demand\n"
    module.write_text(f"{module.read_text('utf-8')}# edited\n", "utf-8")
    for command, is_other_code in ((["tests/sample.csv"], False), (["tests/demand.csv", "--of=demand"], True)):
        predicted = repository.run(*predict, *command)
        assert ("runs its own code" in predicted.stderr) == is_other_code
    repository.run("git", "reset", "--quiet", "--hard", f"HEAD~{len(every) + 1}")
    repository.run("git", "clean", "--quiet", "--force", "-d")


@pytest.mark.slow
@pytest.mark.xdist_group("fresh")
def test_setting_up_twice_is_safe_and_quick(repository: Repository) -> None:
    """The second run says what exists already, and registers nothing again."""
    commit = repository.run("git", "rev-parse", "HEAD").stdout
    said = repository.nox("setup")
    assert "commit: none" in said
    assert "these results are version 1" in said
    assert "register: " not in said
    assert repository.run("git", "rev-parse", "HEAD").stdout == commit
    assert repository.changes() == ""


def test_a_repository_is_small_and_has_no_leftovers(template: Template, tmp_path: Path) -> None:
    """A repository has few entries, no empty file or folder, and no trace of the template's language."""
    for number, combination in enumerate(COMBINATIONS):
        path = tmp_path / str(number)
        generate(template, path, python=combination.python, **combination.answers)
        assert len(list(path.iterdir())) <= 19
        files = [file for file in path.rglob("*") if file.is_file()]
        assert len(files) <= 98 + (path / ".github/CODEOWNERS").exists()
        assert_lines(path)
        for file in files:
            content = file.read_text(encoding="utf-8")
            assert content or file.name == "py.typed", file
            assert content.endswith("\n") or not content, file
            assert "\n\n\n\n" not in content, file
            assert not re.search(r"TODO|FIXME|XXX|lorem|copier\.yml|cookiecutter\.", content), file
            assert "{%" not in content, file
            assert "{{" not in content.replace("${{", "").replace("{{ 7*7 }}", ""), file
        assert not [folder for folder in path.rglob("*") if folder.is_dir() and not any(folder.iterdir())]


@pytest.mark.parametrize("version", SUPPORTED)
def test_no_interpreter_of_this_machine_is_passed_over(version: str) -> None:
    """If an installed interpreter were not found, its combination would never be tested."""
    here = [folder for folder in pyenv_versions() if folder.name.startswith(f"{version}.")]
    if not here:
        pytest.skip(f"pyenv has no Python {version} on this machine")
    found = interpreter(version)
    assert found
    assert f"{version}." in found or found.endswith(version)


def assert_lines(repository: Path) -> None:
    """Assert that there is little code to read, both without the tests and with them."""
    lines = {file: len(file.read_text("utf-8").splitlines()) for file in repository.rglob("*.py")}
    assert sum(count for file, count in lines.items() if "tests" not in file.parts) <= 9400
    assert sum(lines.values()) <= 13000


def offline(repository: Repository, *command: str) -> str:
    """Run a command without network access, if this machine allows that."""
    without = ["unshare", "--net"] if is_unshare_permitted() else []
    done = repository.run(*without, *command, UV_OFFLINE="1")
    return done.stdout + done.stderr


def is_unshare_permitted() -> bool:
    """Return whether a command can be cut off from the network."""
    unshare = shutil.which("unshare")
    permitted = unshare is not None and subprocess.run([unshare, "--net", "true"], check=False).returncode == 0
    if not permitted:
        print("the network stays: this machine does not permit `unshare --net`")
    return permitted


def text(repository: Repository, name: str) -> str:
    """Read a file of a repository."""
    return (repository.path / name).read_text(encoding="utf-8")
