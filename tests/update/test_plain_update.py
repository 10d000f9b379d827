"""Plain `copier update` keeps a repository current, whichever door it came through."""

import re
import sys
from pathlib import Path

import pytest
import yaml

from tests.harness import AUTHOR, Doors, Template, answers_of, checkout, commit_everything, git, run

LATER = "v9.0.0"
DOORS = ("cookiecutter", "copier")


@pytest.fixture(scope="module")
def later(template: Template, tmp_path_factory: pytest.TempPathFactory) -> Template:
    """Serve a later release too: it changes its own files and seeds, adds one of each."""
    work = checkout(template, tmp_path_factory.mktemp("later") / "work")
    ruff = work / "template/ruff.toml"
    ruff.write_text(ruff.read_text("utf-8").replace("docstring-code-format = true", 'line-ending = "lf"'), "utf-8")
    readme = work / "template/README.md.jinja"
    readme.write_text("Another README\n", "utf-8")
    (work / "template/docs/new-page.md").write_text("# New\n", "utf-8")
    commit_everything(work, f"Release {LATER.removeprefix('v')}", LATER)
    bare = work.parent / "formwork.git"
    git(work.parent, "clone", "--quiet", "--bare", str(work), str(bare))
    return Template(bare, {template.candidate: ""}, LATER)


@pytest.fixture(params=DOORS)
def repository(
    request: pytest.FixtureRequest, later: Template, template: Template, doors: Doors, tmp_path: Path
) -> Path:
    """Give a committed repository of the earlier release."""
    if request.param == "cookiecutter":
        doors.cookiecutter(later.url, tmp_path, "--checkout", template.candidate, answers={"author_name": "Jane"})
        path = tmp_path / "my-project"
    else:
        path = tmp_path / "my-project"
        doors.copier(later.url, path, f"--vcs-ref={template.candidate}", answers={"author_name": "Jane"})
    git(path, "init", "--quiet")
    commit_everything(path, "Start")
    return path


def update(repository: Path, doors: Doors) -> str:
    """Update as a user would, without trusting the template with anything."""
    command = [sys.executable, "-m", "copier", "update", "--defaults"]
    done = run(*command, cwd=repository, env=doors.env | AUTHOR)
    return done.stdout + done.stderr


def test_both_doors_record_the_same(later: Template, template: Template, doors: Doors, tmp_path: Path) -> None:
    """The answers file is the memory of a repository."""
    doors.cookiecutter(later.url, tmp_path / "c", "--checkout", template.candidate)
    doors.copier(later.url, tmp_path / "d", f"--vcs-ref={template.candidate}")
    assert answers_of(tmp_path / "c/my-project") == answers_of(tmp_path / "d")
    answers = yaml.safe_load(answers_of(tmp_path / "d"))
    assert answers["_commit"] == template.candidate
    assert answers["_src_path"] == later.url


def test_an_update_brings_what_is_the_templates(repository: Path, doors: Doors) -> None:
    """Changed and new files arrive, seeds do not, and the release is recorded."""
    readme = (repository / "README.md").read_bytes()
    update(repository, doors)
    assert 'line-ending = "lf"' in (repository / "ruff.toml").read_text("utf-8")
    assert (repository / "docs/new-page.md").is_file()
    assert (repository / "README.md").read_bytes() == readme
    answers = yaml.safe_load(answers_of(repository))
    assert answers["_commit"] == LATER
    assert answers["author_name"] == "Jane"


def test_an_update_keeps_every_edit(repository: Path, doors: Doors) -> None:
    """Edits of one's own files, edits elsewhere in the template's, new files and deletions."""
    edits = {
        "README.md": "\nMine.\n",
        "src/my_project/model.py": "\n# mine\n",
        "ruff.toml": '\n[lint.per-file-ignores]\n"scripts/*" = ["ANN"]\n',
        "dvc.yaml": "\n# mine\n",
        "mine.md": "Mine.\n",
    }
    for name, text in edits.items():
        with (repository / name).open("a", encoding="utf-8") as file:
            file.write(text)
    project = repository / "pyproject.toml"
    added = "    # Yours below\n" + '    "rich>=14",\n'
    project.write_text(project.read_text("utf-8").replace("    # Yours below\n", added, 1), "utf-8")
    (repository / "docs/decisions.md").unlink()
    commit_everything(repository, "Mine")
    update(repository, doors)
    for name, text in edits.items():
        assert text in (repository / name).read_text("utf-8"), name
    assert '    "rich>=14",\n' in project.read_text("utf-8")
    assert not (repository / "docs/decisions.md").exists()
    assert 'line-ending = "lf"' in (repository / "ruff.toml").read_text("utf-8")
    status = git(repository, "status", "--porcelain")
    assert not re.search(r"^(UU|AA|DU|UD)|\.rej$", status, re.MULTILINE), status


def test_a_second_update_changes_nothing(repository: Path, doors: Doors) -> None:
    """What is current stays as it is."""
    update(repository, doors)
    commit_everything(repository, "Update")
    update(repository, doors)
    assert git(repository, "status", "--porcelain") == ""


def test_a_marked_file_is_still_marked_afterwards(repository: Path, doors: Doors) -> None:
    """A line at the end of every file of the release is there after the update, in each."""
    names = [name for name in git(repository, "ls-files").splitlines() if name != ".copier-answers.yml"]
    assert len(names) > 40
    for name in names:
        with (repository / name).open("a", encoding="utf-8") as file:
            file.write(f"# mark of {name}\n")
    commit_everything(repository, "Marks")
    update(repository, doors)
    for name in names:
        assert f"# mark of {name}\n" in (repository / name).read_text("utf-8"), name


def test_the_template_asks_for_no_trust(template: Template, tmp_path: Path) -> None:
    """Neither tasks nor migrations nor extensions, and nothing that updates cannot carry."""
    root = checkout(template, tmp_path / "template")
    settings = yaml.safe_load((root / "copier.yml").read_text("utf-8"))
    assert not {"_tasks", "_migrations", "_jinja_extensions"} & set(settings)
    asked = {name: details for name, details in settings.items() if not name.startswith("_")}
    for name, details in asked.items():
        assert "default" in details, name
        if details.get("when") is not False:
            assert f"{name} if {name} is defined" in details["default"], name
    for path in (root / "template").rglob("*"):
        assert not path.is_symlink(), path
        if path.is_file():
            assert b"\0" not in path.read_bytes(), path
