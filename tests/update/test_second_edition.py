"""Repositories of earlier releases can be updated to this one with the steps in the changelog."""

import os
import re
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.generated.repository import RUNNING, Repository, interpreter
from tests.generated.test_own_data import churn
from tests.harness import AUTHOR, ROOT, Doors, Template, git, run
from tests.update.synthetic import replace
from tests.update.ways import update

BLOCK = re.compile(r"^```bash\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PAGE_BLOCK = re.compile(r'^```\w+ title="(?P<file>[^"]+)"[^\n]*\n(?P<content>.*?)^```$', re.MULTILINE | re.DOTALL)
PACKAGE = Path("src/my_project")

Edit = Callable[[Repository], None]


def nothing(_: Repository) -> None:
    """Leave everything as it was generated."""


def the_example(repository: Repository) -> None:
    """Edit files of both owners: the template's files that move, and the metrics in `model.py`."""
    replace(repository.path / PACKAGE / "model.py", 'strategy="median"', 'strategy="mean"')
    replace(repository.path / PACKAGE / "pipeline/validate.py", "import logging\n", "import logging  # mine\n")
    replace(repository.path / PACKAGE / "pipeline/errors.py", "(Exception):\n", "(Exception):  # mine\n")
    replace(repository.path / "params.yaml", "seed: 20", "seed: 21")
    replace(repository.path / "dvc.yaml", "\nplots:\n", "\nplots:\n  # mine\n")


def own_data(repository: Repository) -> None:
    """Follow the page that these releases had."""
    (repository.path / "data").mkdir(exist_ok=True)
    (repository.path / "data/churn.csv").write_text(churn(600), "utf-8")
    repository.run("uv", "run", "dvc", "add", "--quiet", "data/churn.csv")
    page = (repository.path / "docs/your-data.md").read_text("utf-8")
    for block in PAGE_BLOCK.finditer(page):
        (repository.path / block["file"]).write_text(block["content"], "utf-8")
    (repository.path / "tests/sample.csv").write_text(churn(80), "utf-8")


def by_its_own_script(repository: Repository, doors: Doors, release: str) -> str:
    """Update a repository of 0.2.0 with the updater that it holds."""
    done = run(sys.executable, "scripts/update.py", release, cwd=repository.path, env=doors.env | AUTHOR)
    return done.stdout


def by_the_tool(repository: Repository, doors: Doors, release: str) -> str:
    """Update any repository with the tool of the new release."""
    return update(repository.path, doors, "merge", release, UV_PYTHON=repository.env["UV_PYTHON"])


def by_plain_copier(repository: Repository, doors: Doors, release: str) -> str:
    """Update any repository with plain copier, which leaves moved files to their owner."""
    return update(repository.path, doors, "plain", release)


JOURNEYS: list[tuple[str, Edit, Callable[..., str]]] = [
    ("v0.2.0", own_data, by_its_own_script),
    ("v0.1.0", nothing, by_plain_copier),
    ("v0.2.0", the_example, by_its_own_script),
    ("v0.1.0", own_data, by_the_tool),
    ("v0.2.0", the_example, by_plain_copier),
    ("v0.3.0", nothing, by_the_tool),
]


@pytest.mark.slow
@pytest.mark.skipif("FORMWORK_JOURNEYS" not in os.environ, reason="`nox -s journeys` tries it, six minutes each")
@pytest.mark.parametrize(("release", "edit", "way"), JOURNEYS)
def test_an_earlier_repository_is_green_after_the_steps_of_the_changelog(
    template: Template, doors: Doors, tmp_path: Path, release: str, edit: Edit, way: Callable[..., str]
) -> None:
    python = max(RUNNING, "3.12")
    repository = Repository(tmp_path / "my-project", interpreter(python) or python)
    doors.copier(template.url, repository.path, f"--vcs-ref={release}", answers={"python_version": python})
    repository.set_up()
    edit(repository)
    repository.nox("pipeline")
    repository.run("git", "add", "--all")
    repository.run("git", "commit", "--quiet", "--allow-empty", "--no-verify", "--message=Mine")
    mine = {name: (repository.path / PACKAGE / name).read_text("utf-8") for name in ("model.py", "schema.py")}

    said = way(repository, doors, template.newest)

    assert {name: (repository.path / PACKAGE / name).read_text("utf-8") for name in mine} == mine
    if release != "v0.3.0" and way is not by_plain_copier:
        assert "pipeline/errors.py -> src/my_project/core/base/errors.py" in said
        package = repository.path / PACKAGE
        assert ("# mine" in (package / "core/base/errors.py").read_text("utf-8")) == (edit is the_example)
        # A rewritten file does not count as moved: the edited file stays, to be looked at.
        kept = package / "pipeline/validate.py"
        assert kept.exists() == (edit is the_example)
        assert edit is not the_example or "logging  # mine" in kept.read_text("utf-8")
    changes = (ROOT / "CHANGELOG.md").read_text("utf-8")
    steps = BLOCK.search(changes if release == "v0.3.0" else changes.partition("\n## 0.3.0 ")[2])
    assert steps
    for line in steps[1].splitlines():
        repository.run("bash", "-c", line)
    assert git(repository.path, "ls-files", "--", str(PACKAGE / "pipeline"), "scripts", "ruff.toml") == ""
    assert repository.changes() == ""
    said = repository.nox("check")
    assert not re.search(r"\b\d+ skipped", said)
    assert "register: my_project, version" in repository.run("uv", "run", "my_project", "register").stderr
    assert "without a prediction" in repository.run("uv", "run", "my_project", "predict", "tests/sample.csv").stderr
    assert git(repository.path, "status", "--porcelain") == ""
