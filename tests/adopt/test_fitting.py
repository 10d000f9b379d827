"""The settings of tools are fitted to what a repository has."""

import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

from formwork.adopting.fitting import has_tests
from formwork.cli import main
from formwork.repository import File
from tests.adopt.examples import FILES, PROJECT, RUFF, Adopt, make, plan
from tests.harness import Template, git
from tests.small import SmallTemplate, put


def test_requirements_are_carried_over(tmp_path: Path, run_adopt: Adopt) -> None:
    lines = 'NumPy==1.26\nmlflow\npytest\npandas >= 2  # tables\nfoo; python_version < "3.12"\n-r other.txt\n'
    mine = make(tmp_path / "mine", {"requirements.txt": lines, "environment.yaml": "", "a/environment.yml": ""})
    _, said = run_adopt(mine)
    project = (mine / "pyproject.toml").read_text("utf-8")
    added = '    # Yours below\n    "pandas >= 2",\n    "foo; python_version < \\"3.12\\"",\n]\n\n[project.optional'
    assert added in project
    assert project.count("pandas") == 1
    assert '  requirements added to pyproject.toml: pandas >= 2, foo; python_version < "3.12"\n' in said
    assert "  requirements in the template's version: NumPy==1.26, mlflow, pytest\n" in said
    assert "  requirements not carried over: -r other.txt, environment.yaml (Conda)\n" in said


@pytest.mark.parametrize(
    "bounds", ["<2", "==2.0.1", "~=1.5", "==1.5.*", ">=1.1,<2", "<=2.2.1; python_version >= '3.9'"]
)
def test_a_pandas_that_would_break_the_pipeline_is_left_out(tmp_path: Path, run_adopt: Adopt, bounds: str) -> None:
    mine = make(tmp_path / "mine", {"requirements.txt": f"pandas{bounds}\nclick\n"})
    _, said = run_adopt(mine)
    assert f"  requirements not carried over: pandas{bounds} (it needs numpy 1)\n" in said
    assert "pandas" not in (mine / "pyproject.toml").read_text("utf-8")


@pytest.mark.parametrize("bounds", ["", ">=1", "~=2.0", "==2.3.1", "==3.0.7", "<3", ">=2,<2.3", "!=2.0", "===old"])
def test_any_other_pandas_is_carried_over(tmp_path: Path, run_adopt: Adopt, bounds: str) -> None:
    mine = make(tmp_path / "mine", {"requirements.txt": f"pandas{bounds}\n"})
    _, said = run_adopt(mine)
    assert f"  requirements added to pyproject.toml: pandas{bounds}\n" in said


def test_tests_of_theirs_run_as_before(tmp_path: Path, run_adopt: Adopt) -> None:
    """The template's tests and the settings for them are left out. The sample is data, so it is delivered."""
    mine = make(tmp_path / "mine", {"tests/conftest.py": "x = 1\n", "tests/test_a.py": "x = 1\n"})
    status, said = run_adopt(mine)
    assert status == 0
    why = "left out: you have tests, which must run as before"
    names = ("tests/__init__.py", "tests/conftest.py", "tests/test_model.py")
    assert [plan(said)[name] for name in names] == [why] * 3
    assert plan(said)["tests/sample.csv"] == "added"
    assert sorted(path.name for path in (mine / "tests").iterdir()) == ["conftest.py", "sample.csv", "test_a.py"]
    project = (mine / "pyproject.toml").read_text("utf-8")
    assert project.endswith('tests/contract" once it is here, and your tests once they have types\nstrict = true\n')
    command = "git checkout formwork/v1.0.0 -- tests/__init__.py tests/test_model.py"
    assert f"when your tests pass in .venv too: {command}; merge by hand: tests/conftest.py\n" in said
    git(mine, *command.split()[1:])
    assert (mine / "tests/test_model.py").read_text("utf-8") == "import polars\n"
    assert (mine / "tests/conftest.py").read_text("utf-8") == "x = 1\n"


@pytest.mark.parametrize(
    ("name", "are_there"),
    [
        ("test_a.py", True),
        ("a/b/test_a.py", True),
        ("tests.py", True),
        ("a/wine_test.py", True),
        ("conftest.py", True),
        ("contest.py", False),
        ("a/latest.py", False),
        ("test_a.txt", False),
    ],
)
def test_what_a_test_is(name: str, *, are_there: bool) -> None:
    """A test is a file that unittest or pytest would run, or that configures them."""
    assert has_tests({name: File("100644", "")}) == are_there


def test_their_code_is_not_linted_at_once(tmp_path: Path, run_adopt: Adopt) -> None:
    """A folder is excluded only if the template has nothing in it, so that new code next to it is linted."""
    files = ("a.py", "old/b.py", "old/deep/c.pyi", "docs/d.ipynb", "src/mine/e.py", "notes.txt", "more/notes.txt")
    mine = make(tmp_path / "mine", dict.fromkeys(files, "x\n"))
    run_adopt(mine, "--data=package_name=mine")
    excluded = (
        'line-length = 100\nextend-exclude = [\n    ".dvc",\n    # Yours from before: take off what you have moved\n'
        '    "./a.py",\n    "docs/d.ipynb",\n    "./old",\n    "src/mine/e.py",\n]\n\n[format]\n'
    )
    assert (mine / "ruff.toml").read_text("utf-8").startswith(excluded)


def test_their_pages_are_not_on_the_site_at_once(template: Template, tmp_path: Path) -> None:
    """Their home page is, and may lead to what is not on it."""
    pages = ("docs/index.md", "docs/README.md", "docs/a/b/c.md", "docs/[old] & new.md", "docs/conf.py", "notes/d.md")
    mine = make(tmp_path / "mine", dict.fromkeys(pages, "x\n"))
    assert main(["adopt", str(mine), "--template", template.url, "--release", template.newest]) == 0
    site = yaml.safe_load((mine / "mkdocs.yml").read_text("utf-8"))
    listed = ["/figures.py", "/generated/", "# Yours from before: take off what you have moved"]
    assert site["exclude_docs"].splitlines() == [*listed, "/README.md", "/?old? ? new.md", "/a/"]
    assert {*site["validation"]["links"].values()} == {"info"}
    assert "not_found" in site["validation"]["links"]


def test_any_name_of_a_file_can_be_left_out(tmp_path: Path, run_adopt: Adopt) -> None:
    names = ['it"s.ipynb', "my\\script.py", "two\nlines.py", "[old] train.py", os.fsdecode(b"caf\xe9.py")]
    mine = make(tmp_path / "mine", dict.fromkeys(names, "import  os\n"))
    assert run_adopt(mine)[0] == 0
    settings = tomllib.loads((mine / "ruff.toml").read_text("utf-8"))
    assert "./[[]old[]] train.py" in settings["extend-exclude"]
    done = subprocess.run(
        [sys.executable, "-m", "ruff", "format", "--check"], cwd=mine, check=False, capture_output=True
    )
    assert done.returncode == 0, done.stdout
    assert tomllib.loads((mine / "pyproject.toml").read_text("utf-8"))


def test_files_of_one_name_are_theirs_too(tmp_path: Path, run_adopt: Adopt) -> None:
    """What the template has at the same place, Markdown and empty files are excluded, but not what is the same."""
    files: dict[str, str | bytes | None] = {
        "README.md": "# Mine\n\nAll of it.\n",
        "docs/guide.md": str(FILES["template/docs/guide.md"]),
        "src/mine/__init__.py": "",
        "tests/__init__.py": "",
        "tests/test_a.py": "x = 1\n",
        ".github/workflows/a.yml": "on: push\n",
    }
    mine = make(tmp_path / "mine", files)
    run_adopt(mine, "--data=package_name=mine")
    listed = tomllib.loads((mine / "ruff.toml").read_text("utf-8"))["extend-exclude"]
    assert listed == [".dvc", "./README.md", "src/mine/__init__.py", "tests/__init__.py", "tests/test_a.py"]


def test_workflows_of_theirs_are_not_linted_at_once(tmp_path: Path, run_adopt: Adopt) -> None:
    own = SmallTemplate(tmp_path / "own", {**FILES, "template/.github/workflows/check.yml": "on: push\n"})
    mine = make(tmp_path / "mine", {".github/workflows/a.yml": "on: push\n", ".github/dependabot.yaml": "version: 2\n"})
    run_adopt(mine, "--template", own.url)
    listed = tomllib.loads((mine / "ruff.toml").read_text("utf-8"))["extend-exclude"]
    assert listed == [".dvc", ".github/dependabot.yaml", ".github/workflows/a.yml"]


def test_their_types_are_not_checked_at_once(tmp_path: Path, run_adopt: Adopt) -> None:
    """Only what mypy would look at is on its list; a folder does not stand for others whose names begin like it."""
    files = ("a.py", "src/mine/__init__.py", "src/mine/b.py", "src/min/c.py", "src/c++/d.py", "docs/e.md", "docs/f.py")
    mine = make(tmp_path / "mine", dict.fromkeys(files, "x\n"))
    run_adopt(mine, "--data=package_name=mine")
    mypy = tomllib.loads((mine / "pyproject.toml").read_text("utf-8"))["tool"]["mypy"]
    assert mypy["files"] == ["src", "tests", "docs"]
    listed = [r"docs/f.py", r"src/c\+\+/", "src/min/", "src/mine/__init__.py", "src/mine/b.py"]
    assert mypy["exclude"] == listed
    assert mypy["follow_imports"] == "silent"


def test_src_may_be_a_package(tmp_path: Path, run_adopt: Adopt) -> None:
    """Mypy would find the template's modules under two names."""
    mine = make(tmp_path / "mine", {"src/__init__.py": ""})
    run_adopt(mine)
    mypy = tomllib.loads((mine / "pyproject.toml").read_text("utf-8"))["tool"]["mypy"]
    assert (mypy["mypy_path"], mypy["explicit_package_bases"]) == ("src", True)


def test_mypy_leaves_their_tests_out(tmp_path: Path, run_adopt: Adopt) -> None:
    """Mypy fails on a folder in which every file is excluded."""
    mine = make(tmp_path / "mine", {"tests/test_a.py": "x = 1\n"})
    run_adopt(mine)
    mypy = tomllib.loads((mine / "pyproject.toml").read_text("utf-8"))["tool"]["mypy"]
    assert mypy == {"files": ["src", "docs"], "strict": True}


@pytest.mark.parametrize(
    ("files", "packages", "roots"),
    [
        ({"a.py": ""}, None, None),
        ({"setup.py": "setup(name='mine')"}, None, None),
        ({"setup.py": "setup(name='mine')", "mine/__init__.py": ""}, ["src/mine_ml", "mine"], ["src", "."]),
        ({"setup.py": "setup(name='other')", "src/mine/__init__.py": ""}, ["src/mine"], None),
        (
            {"setup.cfg": "[metadata]\nname=a", "src/a/__init__.py": "", "src/b/__init__.py": ""},
            ["src/a", "src/b"],
            None,
        ),
    ],
)
def test_packages_of_theirs_stay_installed(
    tmp_path: Path,
    run_adopt: Adopt,
    files: dict[str, str | bytes | None],
    packages: list[str] | None,
    roots: list[str] | None,
) -> None:
    """The backend finds one package by the project's name; where there is more, it is told."""
    scripts = '[project.scripts]\n{{ package_name }} = "a:b"\n\n[dependency-groups]'
    project = PROJECT.replace("[dependency-groups]", scripts)
    own = SmallTemplate(tmp_path / "own", {**FILES, "template/pyproject.toml.jinja": project})
    mine = make(tmp_path / "mine", files)
    run_adopt(mine, "--template", own.url)
    build = tomllib.loads((mine / "pyproject.toml").read_text("utf-8"))["tool"].get("hatch", {}).get("build", {})
    assert build.get("targets", {}).get("wheel", {}).get("packages") == packages
    assert build.get("dev-mode-dirs") == roots


@pytest.mark.parametrize(("folder", "url"), [(".", "../../storage"), ("a/b", "../../../../storage")])
def test_the_storage_is_beside_the_repository(tmp_path: Path, run_adopt: Adopt, folder: str, url: str) -> None:
    """DVC's addresses begin in .dvc, and data must not end up in the repository."""
    own = SmallTemplate(tmp_path / "own", {**FILES, "template/.dvc/config": "url = ../../storage\n"})
    mine = make(tmp_path / "mine", {"a/b/c.txt": "c\n"})
    run_adopt(mine / folder, "--template", own.url)
    assert (mine / folder / ".dvc/config").read_text("utf-8") == f"url = {url}\n"


@pytest.mark.parametrize("folder", [".", "sub"])
def test_what_the_pipeline_needs_is_not_ignored(tmp_path: Path, run_adopt: Adopt, folder: str) -> None:
    """DVC refuses to work with files that git ignores."""
    own = SmallTemplate(tmp_path / "own", {**FILES, "template/.gitignore": "/site/\n# Yours below\n"})
    mine = make(tmp_path / "mine", {".gitignore": "*.lock\nreports\n", "sub/a.txt": "a\n"})
    run_adopt(mine / folder, "--template", own.url)
    added = "# Yours below\n# Needed in git, whatever else is ignored\n!/dvc.lock\n!/uv.lock\n!/reports/\n"
    assert (mine / folder / ".gitignore").read_text("utf-8").endswith(added)
    put(mine / folder, {"dvc.lock": "", "reports/a.json": "", "other.lock": ""})
    untracked = git(mine, "status", "--porcelain", "--untracked-files=all").splitlines()
    prefix = "" if folder == "." else "sub/"
    assert [line for line in untracked if line[0] == "?"] == [f"?? {prefix}dvc.lock", f"?? {prefix}reports/a.json"]


def test_a_readme_of_theirs_is_the_packages(tmp_path: Path, run_adopt: Adopt) -> None:
    project = PROJECT.replace("dependencies =", 'readme = "README.md"\ndependencies =')
    own = SmallTemplate(tmp_path / "own", {**FILES, "template/pyproject.toml.jinja": project})
    mine = make(tmp_path / "mine", {"Readme.md": "# Mine\n"})
    run_adopt(mine, "--template", own.url)
    assert 'readme = "Readme.md"\n' in (mine / "pyproject.toml").read_text("utf-8")


def test_nothing_to_fit(mine: Path, run_adopt: Adopt) -> None:
    run_adopt(mine)
    assert (mine / "ruff.toml").read_text("utf-8") == RUFF
    expected = PROJECT.replace("{{ package_name }}", "my_wines").replace("{{ license }}", "MIT")
    assert (mine / "pyproject.toml").read_text("utf-8") == expected
