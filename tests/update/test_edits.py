"""Edits that people make, and an update to a release that changes the same files."""

import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.generated.repository import RUNNING, Repository, interpreter, machine
from tests.harness import Doors, Template, commit_everything, git, run, tree
from tests.update.synthetic import NEXT, replace
from tests.update.ways import Begin, conflicts, update

PACKAGE = Path("src/my_project")

# Where an edit and a release may conflict, so that a person has to decide; docs/updates.md has the same list.
MAY_CONFLICT = {
    "pyproject.toml",
    "noxfile.py",
    ".github/workflows/check.yml",
}

PUBLISH = '''\
"""Publish the metrics."""

import logging


def run() -> None:
    """Say that the metrics are published."""
    logging.getLogger(__name__).info("published")
'''

STAGE = """
  publish:
    cmd: my_project publish
    deps:
      - reports/metrics.json
      - src/my_project/stages/publish.py

plots:
"""


@dataclass(frozen=True)
class Edit:
    """An edit that people make.

    Attributes:
        do: The function that makes it in a folder.
        texts: Texts that are in files afterwards.
        gone: Files that are not there afterwards.
        may_conflict: Whether the update may leave a conflict.
        answers: Answers that change with the update.
    """

    do: Callable[[Path], None]
    texts: dict[str, str | bytes]
    gone: tuple[str, ...] = ()
    may_conflict: bool = True
    answers: tuple[str, ...] = ()


def add_a_dependency(root: Path) -> None:
    run("uv", "add", "--quiet", "--no-sync", "humanize", cwd=root, env=machine())


def add_a_stage(root: Path) -> None:
    replace(root / "dvc.yaml", "\nplots:\n", STAGE)
    module = root / PACKAGE / "stages/publish.py"
    module.parent.mkdir()
    module.write_text(PUBLISH, "utf-8")


def rewrite_the_readme(root: Path) -> None:
    (root / "README.md").write_text("# Ours\n\nAll new.\n", "utf-8")


def delete_a_test(root: Path) -> None:
    (root / "tests/contract/test_registry.py").unlink()
    (root / "tests/contract/test_validate.py").unlink()


def change_tool_settings(root: Path) -> None:
    replace(root / "pyproject.toml", "line-length = 100", "line-length = 88")
    replace(root / "pyproject.toml", '    "C4",   # comprehensions\n', '    "C4",   # comprehensions\n    "PERF",\n')
    replace(root / "pyproject.toml", "warn_unreachable = true", "warn_unreachable = false")
    replace(root / "noxfile.py", '"""Check the types."""', '"""Check our types."""')


def use_own_data(root: Path) -> None:
    (root / "tests/sample.csv").write_text("height,label\n1.5,a\n", "utf-8")
    (root / PACKAGE / "schema.py").write_text("# our schema\n", "utf-8")
    (root / PACKAGE / "source.py").write_text("# our source\n", "utf-8")
    replace(root / "params.yaml", "seed:", "# our parameters\nseed:")


def edit_the_package(root: Path) -> None:
    replace(root / PACKAGE / "core/steps/train.py", "import", "# our note\nimport")
    replace(root / PACKAGE / "model.py", "import", "# our model\nimport")
    (root / PACKAGE / "extra.py").write_text("# our module\n", "utf-8")


def move_a_module(root: Path) -> None:
    (root / PACKAGE / "core/pipeline.py").rename(root / PACKAGE / "core/wiring.py")
    (root / PACKAGE / "core/base/tables.py").rename(root / PACKAGE / "core/base/frames.py")


def add_a_job(root: Path) -> None:
    with (root / ".github/workflows/check.yml").open("a", encoding="utf-8") as file:
        file.write("\n  deploy:\n    runs-on: ubuntu-latest\n    steps:\n      - run: make deploy\n")


def add_a_page(root: Path) -> None:
    (root / "docs/ours.md").write_text("# Ours\n", "utf-8")
    replace(root / "mkdocs.yml", "  # Yours below\n", "  # Yours below\n  - Ours: ours.md\n")


def replace_a_binary(root: Path) -> None:
    (root / "docs/logo.png").write_bytes(b"\x89PNG\0ours")
    (root / "tests/sample.csv").write_bytes(b"\x1f\x8b\0ours")
    (root / PACKAGE / "py.typed").write_bytes(b"\0ours")


WORKFLOW = ".github/workflows/check.yml"
EDITS = {
    "dependency": Edit(add_a_dependency, {"pyproject.toml": "humanize"}, may_conflict=False),
    "stage": Edit(
        add_a_stage,
        {
            "dvc.yaml": STAGE.removesuffix("\nplots:\n"),
            f"{PACKAGE}/stages/publish.py": "published",
        },
        may_conflict=False,
    ),
    "README": Edit(rewrite_the_readme, {"README.md": "# Ours\n\nAll new.\n"}, may_conflict=False),
    "test deleted": Edit(
        delete_a_test,
        {},
        gone=(
            "tests/contract/test_registry.py",
            "tests/contract/test_validate.py",
            "tests/contract/test_quarantine.py",
        ),
    ),
    "tool setting": Edit(
        change_tool_settings,
        {"pyproject.toml": '    "PERF",\n', "noxfile.py": "Check our types."},
    ),
    "own data": Edit(
        use_own_data,
        {
            "tests/sample.csv": "height,label\n1.5,a\n",
            f"{PACKAGE}/schema.py": "# our schema\n",
            f"{PACKAGE}/source.py": "# our source\n",
            "params.yaml": "# our parameters\n",
        },
        may_conflict=False,
    ),
    "package renamed": Edit(
        edit_the_package,
        {
            "src/winery/core/steps/train.py": "# our note\n",
            "src/winery/model.py": "# our model\n",
            "src/winery/extra.py": "# our module\n",
            "src/winery/core/steps/summarize.py": "def run",
        },
        gone=(str(PACKAGE),),
        answers=("--data", "package_name=winery"),
    ),
    "module moved": Edit(
        move_a_module,
        {f"{PACKAGE}/core/wiring.py": "def summarize", f"{PACKAGE}/core/base/frames.py": "def read"},
        gone=(f"{PACKAGE}/core/pipeline.py", f"{PACKAGE}/core/base/tables.py"),
    ),
    "CI job": Edit(add_a_job, {WORKFLOW: "make deploy"}),
    "docs page": Edit(
        add_a_page, {"docs/ours.md": "# Ours\n", "mkdocs.yml": "  - Ours: ours.md\n"}, may_conflict=False
    ),
    "binary": Edit(
        replace_a_binary,
        {"docs/logo.png": b"\x89PNG\0ours", "tests/sample.csv": b"\x1f\x8b\0ours", f"{PACKAGE}/py.typed": b"\0ours"},
        may_conflict=False,
    ),
}


def missing(repository: Path, edit: Edit) -> list[str]:
    """List what is not as the edit left it."""
    lost = [path for path in edit.gone if (repository / path).exists()]
    for path, wanted in edit.texts.items():
        content = (repository / path).read_bytes() if (repository / path).exists() else b""
        wanted_bytes = wanted if isinstance(wanted, bytes) else wanted.encode()
        lost += [] if wanted_bytes in content else [path]
    return lost


@pytest.mark.parametrize("name", EDITS)
def test_an_edit_survives_the_merge(begin: Begin, template: Template, doors: Doors, name: str) -> None:
    """An edit is there afterwards or in a visible conflict, and only a few files have conflicts."""
    edit = EDITS[name]
    repository = begin(template.newest)
    edit.do(repository)
    commit_everything(repository, name)
    said = update(repository, doors, "merge", NEXT, *edit.answers, check=False)
    found = conflicts(repository)
    assert found <= (MAY_CONFLICT if edit.may_conflict else set()), said
    assert missing(repository, edit) == []
    assert any(line.startswith("  conflict ") for line in said.splitlines()) == bool(found)
    run("uv", "lock", "--quiet", cwd=repository, env=machine(), check=not found)


@pytest.mark.parametrize("name", [name for name, edit in EDITS.items() if not edit.answers])
def test_an_edit_survives_plain_copier(begin: Begin, template: Template, doors: Doors, name: str) -> None:
    """A change does not follow a file that moves, and a binary that replaces a text is reverted."""
    edit = EDITS[name]
    repository = begin(template.newest)
    edit.do(repository)
    commit_everything(repository, name)
    update(repository, doors, "plain", NEXT)
    assert conflicts(repository) <= (MAY_CONFLICT if edit.may_conflict else set())
    allowed = {f"{PACKAGE}/core/wiring.py", f"{PACKAGE}/py.typed", "tests/contract/test_quarantine.py"}
    assert set(missing(repository, edit)) <= allowed


def test_all_of_them_at_once(begin: Begin, template: Template, doors: Doors) -> None:
    """The second update has nothing left to merge."""
    repository = begin(template.newest)
    for name, edit in EDITS.items():
        if not edit.answers and name != "own data":
            edit.do(repository)
    commit_everything(repository, "All")
    update(repository, doors, "merge", NEXT, check=False)
    assert conflicts(repository) <= MAY_CONFLICT
    git(repository, "checkout", "--quiet", "--ours", *sorted(conflicts(repository)))
    before = tree(repository)
    commit_everything(repository, "Update")
    assert "nothing newer" in update(repository, doors, "merge", NEXT)
    assert tree(repository) == before


@pytest.mark.slow
@pytest.mark.skipif("FORMWORK_JOURNEYS" not in os.environ, reason="`nox -s journeys` tries it")
def test_check_is_green_afterwards(begin: Begin, template: Template, doors: Doors) -> None:
    """`check` asks to run the pipeline first."""
    python = max(RUNNING, "3.12")
    path = begin(template.newest, python_version=python)
    repository = Repository(path, interpreter(python) or python)
    repository.set_up()
    for name in ("dependency", "stage", "README", "docs page"):
        EDITS[name].do(path)
    repository.nox("pipeline")
    repository.run("git", "add", "--all")
    repository.run("git", "commit", "--quiet", "--message=Mine")
    update(path, doors, "merge", NEXT, UV_PYTHON=repository.env["UV_PYTHON"])
    said = repository.nox("check", check=False)
    assert "stage summarize: it has not run yet" in said
    repository.nox("pipeline")
    repository.run("git", "add", "--all")
    repository.run("git", "commit", "--quiet", "--message=Update")
    repository.nox("check")
    assert json.loads((path / "reports/summary.json").read_text("utf-8"))
    assert missing(path, EDITS["stage"]) == []
    assert repository.changes() == ""
