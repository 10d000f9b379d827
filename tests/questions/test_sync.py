"""Files that are derived from copier.yml are up to date, and the harness finds the releases."""

import importlib.metadata
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from formwork.errors import FormworkError
from maintain.cookiecutter import cookiecutter_text
from maintain.releases import releases_in, served
from tests.harness import ROOT, Template, commit_everything, git, small_template


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """Copy the derived files and their sources."""
    (tmp_path / "copy").mkdir()
    return small_template(tmp_path / "copy")


def sync(root: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """Run the script."""
    command = [sys.executable, "-m", "maintain.sync", "--root", str(root), *options]
    return subprocess.run(command, cwd=ROOT, capture_output=True, encoding="utf-8", check=False)


def change(file: Path, old: str, new: str) -> None:
    """Replace a text that occurs exactly once."""
    text = file.read_text(encoding="utf-8")
    assert text.count(old) == 1
    file.write_text(text.replace(old, new), encoding="utf-8")


def test_what_is_committed_is_in_step() -> None:
    done = sync(ROOT, "--check")
    assert (done.stderr, done.returncode) == ("", 0)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("help: Name of the project", "help: The name"),
        ("else 'My project' }}", "else 'Another' }}"),
        ("Classification (predict a category):", "Classification:"),
    ],
)
def test_a_changed_question_is_told_and_written(copy: Path, old: str, new: str) -> None:
    change(copy / "copier.yml", old, new)
    before = (copy / "cookiecutter.json").read_bytes()
    done = sync(copy, "--check")
    assert done.returncode == 1
    assert done.stderr == "cookiecutter.json is out of date: run `nox -s sync`\n"
    assert (copy / "cookiecutter.json").read_bytes() == before
    assert sync(copy).stdout == "cookiecutter.json is written\n"
    assert sync(copy, "--check").returncode == 0


def test_a_missing_name_is_told_and_written_everywhere(copy: Path) -> None:
    """The names are also part of cookiecutter.json."""
    change(copy / "reserved-names.txt", "\njson\n", "\n")
    assert sync(copy, "--check").stderr.startswith("reserved-names.txt is out of date")
    assert sync(copy).returncode == 0
    assert (copy / "reserved-names.txt").read_bytes() == (ROOT / "reserved-names.txt").read_bytes()
    assert "json" in json.loads((copy / "cookiecutter.json").read_text(encoding="utf-8"))["_reserved_names"].split()


def test_names_of_an_environment_are_added(copy: Path) -> None:
    before = set((copy / "reserved-names.txt").read_text(encoding="utf-8").split())
    site_packages = Path(str(importlib.metadata.distribution("pytest-timeout").locate_file("")))
    assert sync(copy, "--environment", str(site_packages)).returncode == 0
    names = set((copy / "reserved-names.txt").read_text(encoding="utf-8").split())
    assert names >= before | {"pytest_timeout", "pyyaml", "yaml", "jinja2", "markupsafe", "cookiecutter"}
    assert not {name for name in names if "." in name or name.endswith("dist_info")}


def test_cookiecutter_asks_the_questions_of_copier() -> None:
    questions = yaml.safe_load((ROOT / "copier.yml").read_text(encoding="utf-8"))
    asked = [name for name, question in questions.items() if name[0] != "_" and "when" not in question]
    written = json.loads((ROOT / "cookiecutter.json").read_text(encoding="utf-8"))
    assert [name for name in written if name[0] != "_"] == asked == list(written["__prompts__"])
    assert len(asked) <= 10


def test_the_table_of_owners_is_written_from_the_seeds(copy: Path) -> None:
    with (copy / "copier.yml").open("a", encoding="utf-8") as file:
        seeds = ["/README.md", "/gone.md", "/src/{{ package_name }}/model.py", "/.github/CODEOWNERS"]
        entries = [f"{{% if _copier_operation == 'update' %}}{path}{{% endif %}}" for path in seeds]
        yaml.safe_dump({"_exclude": ["*.pyc", *entries]}, file)
    page = copy / "parts" / "owners.md"
    page.parent.mkdir()
    variants = [f"src/{{{{package_name}}}}/{{% if problem == '{case}' %}}model.py{{% endif %}}" for case in ("a", "b")]
    github = '{% if ci == "github" %}.github{% endif %}/{% if author_email %}CODEOWNERS{% endif %}.jinja'
    for name in ("README.md", "src/{{package_name}}/evaluation.py", github, *variants):
        (copy / "template" / name).parent.mkdir(parents=True, exist_ok=True)
        (copy / "template" / name).touch()
    page.write_text("before\n<!-- owners -->\nold\n<!-- /owners -->\nafter\n", encoding="utf-8")
    assert sync(copy, "--check").stderr == "parts/owners.md is out of date: run `nox -s sync`\n"
    assert sync(copy).returncode == 0
    text = page.read_text(encoding="utf-8")
    assert text.startswith("before\n<!-- owners -->\n| Path | Owner |\n")
    package = "src/{{ package_name }}"
    assert f"| `README.md` | yours |\n| `{package}/model.py`, `{package}/evaluation.py` | yours |\n" in text
    condition = '{%- if ci == "github" and author_email %}'
    assert f"\n{condition}\n| `.github/CODEOWNERS` | yours |\n{{%- endif %}}\n| everything" in text
    assert f"| everything else, such as `{package}/core/` and `tests/contract/` | the template's |\n" in text
    assert "gone.md" not in text
    assert text.endswith("<!-- /owners -->\nafter\n")
    assert "old" not in text


def test_the_tables_of_the_documentation_are_written(copy: Path) -> None:
    """The tables are derived from the questions and from the seeds."""
    module = copy / "template/src/{{package_name}}/evaluation.py"
    module.parent.mkdir(parents=True)
    module.touch()
    (copy / "docs").mkdir()
    for name, marks in (("updates.md", "owners"), ("questions.md", "questions"), ("add.md", "parts")):
        text = f"before\n<!-- {marks} -->\nold\n<!-- /{marks} -->\nafter\n"
        (copy / "docs" / name).write_text(text, encoding="utf-8")
    outdated = "docs/{0} is out of date: run `nox -s sync`\n"
    assert sync(copy, "--check").stderr == "".join(map(outdated.format, ["updates.md", "questions.md", "add.md"]))
    assert sync(copy).returncode == 0
    owners = (copy / "docs/updates.md").read_text(encoding="utf-8")
    assert "| `src/<package>/evaluation.py` | you |\n| everything that you add | you |\n" in owners
    questions = (copy / "docs/questions.md").read_text(encoding="utf-8")
    assert "| [`project_name`](#project_name) | Name of the project | any text | `My project` |\n" in questions
    assert "| any text | derived from `project_name` |\n" in questions
    assert "| `github`, `gitlab` | derived from `repository_url` |\n" in questions
    parts = (copy / "docs/add.md").read_text(encoding="utf-8")
    assert "| `stage NAME` | scaffold | a step of the pipeline: " in parts
    assert "| `agents` | piece | AGENTS.md, which tells coding assistants " in parts
    assert all("old" not in page.split() and page.endswith("after\n") for page in (owners, questions))
    assert sync(copy, "--check").returncode == 0


def test_the_table_of_parameters_is_written_from_the_class(copy: Path) -> None:
    page, module = copy / "docs/your-data.md", copy / "template/src/{{package_name}}/core/base/dialect.py"
    for file in (page, module):
        file.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / file.relative_to(copy), file)
    assert sync(copy, "--check").returncode == 0
    change(module, '    encoding: str = "utf-8"\n', '    encoding: str = "latin-1"\n    width: int | None = None\n')
    assert "does not list the fields" in sync(copy, "--check").stderr
    described = "        width: Width of a cell,\n            in characters.\n        empty: Texts"
    change(module, "        empty: Texts", described)
    assert sync(copy, "--check").stderr == "docs/your-data.md is out of date: run `nox -s sync`\n"
    assert sync(copy).returncode == 0
    text = page.read_text(encoding="utf-8")
    assert "| `encoding` | `latin-1` |" in text
    assert "| `width` | `null` | Width of a cell, in characters. |\n" in text
    assert "| `empty_in` | `{}` |" in text


def test_a_page_without_marks_is_an_error(copy: Path) -> None:
    """Otherwise the page would become outdated without anybody noticing."""
    (copy / "parts").mkdir()
    (copy / "parts" / "owners.md").write_text("no marks\n", encoding="utf-8")
    assert "<!-- owners -->" in sync(copy, "--check").stderr


def test_a_default_outside_the_choices_is_an_error() -> None:
    """Cookiecutter would offer what copier refuses."""
    question = {"help": "Colour", "choices": ["red"], "default": "blue"}
    with pytest.raises(FormworkError, match="'blue' is not one of the choices"):
        cookiecutter_text({"colour": question}, ROOT)


# --------------------------------------------------------------------------------- the harness


def repository(folder: Path) -> Path:
    """Make a repository with one release, a commit after it, and a file that is not committed."""
    folder.mkdir()
    git(folder, "init", "--quiet", "--initial-branch", "main")
    (folder / "pyproject.toml").write_text('[project]\nversion = "0.1.0"\n', encoding="utf-8")
    (folder / ".gitignore").write_text("ignored\n", encoding="utf-8")
    commit_everything(folder, "Begin")
    commit_everything(folder, "Release 0.1.0")
    commit_everything(folder, "Release the brakes")
    for name in ("new", "ignored"):
        (folder / name).touch()
    return folder


def test_releases_are_the_commits_that_say_so(tmp_path: Path) -> None:
    root = repository(tmp_path / "root")
    template = served(root, tmp_path)
    assert template.releases() == ["v0.1.0", "v0.1.1"]
    assert template.newest == "v0.1.1"
    files = git(template.clone, "ls-tree", "-r", "--name-only", template.newest).split()
    assert files == [".gitignore", "new", "pyproject.toml"]
    assert git(template.clone, "rev-parse", "v0.1.1~1") == git(root, "rev-parse", "HEAD")
    assert git(root, "status", "--porcelain") == "?? new"


def test_a_shallow_clone_is_refused(tmp_path: Path) -> None:
    """A shallow clone lacks releases, and no test would notice."""
    root = repository(tmp_path / "root")
    git(tmp_path, "clone", "--quiet", "--depth", "1", f"file://{root}", "shallow")
    with pytest.raises(FormworkError, match="is a shallow clone, so releases are missing: run `git fetch --unshallow`"):
        releases_in(tmp_path / "shallow")


def test_the_template_is_served_as_it_lies_here(template: Template, tmp_path: Path) -> None:
    git(tmp_path, "clone", "--quiet", "--branch", template.newest, str(template.clone), "clone")
    for name in ("copier.yml", "hooks/post_gen_project.py", "tests/harness.py"):
        assert (tmp_path / "clone" / name).read_bytes() == (ROOT / name).read_bytes()
    assert not (tmp_path / "clone" / ".nox").exists()
