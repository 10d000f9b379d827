"""The settings of tools are fitted to what a repository has."""

from pathlib import Path

import pytest

from formwork.adopting.fitting import has_tests
from formwork.repository import File
from tests.adopt.examples import PROJECT, RUFF, Adopt, make, plan
from tests.harness import git


def test_requirements_are_carried_over(tmp_path: Path, run_adopt: Adopt) -> None:
    lines = 'NumPy==1.26\nmlflow\npytest\npandas >= 2  # tables\nfoo; python_version < "3.12"\n-r other.txt\n'
    mine = make(tmp_path / "mine", {"requirements.txt": lines})
    _, said = run_adopt(mine)
    project = (mine / "pyproject.toml").read_text("utf-8")
    added = '    # Yours below\n    "pandas >= 2",\n    "foo; python_version < \\"3.12\\"",\n]\n\n[project.optional'
    assert added in project
    assert project.count("pandas") == 1
    assert '  requirements added to pyproject.toml: pandas >= 2, foo; python_version < "3.12"\n' in said
    assert "  requirements in the template's version: NumPy==1.26, mlflow, pytest\n" in said
    assert "  requirements not carried over: -r other.txt\n" in said


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
    assert project.endswith('    "pytest~=9.2",\n    # Yours below\n]\n')
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


def test_nothing_to_fit(mine: Path, run_adopt: Adopt) -> None:
    run_adopt(mine)
    assert (mine / "ruff.toml").read_text("utf-8") == RUFF
    expected = PROJECT.replace("{{ package_name }}", "my_wines").replace("{{ license }}", "MIT")
    assert (mine / "pyproject.toml").read_text("utf-8") == expected
