"""Both sides' pyproject.toml in one."""

import tomllib
from pathlib import Path

import pytest

from formwork.adopting.project import Sides, both, exclude_each_other, is_within
from tests.adopt.examples import Adopt, make, plan, unmerged
from tests.harness import git

YOURS = """\
# Ours, by hand
[build-system]
requires = ["hatchling"] # any
build-backend = "hatchling.build"

[project]
name = 'churn'
version = "3"
requires-python = ">=3.12"
dependencies = ['click>=8', "polars>=2.5"]

[tool.black]
line-length = 79 # narrow

[dependency-groups]
dev = [
    "ipython",  # nicer
]
"""
TEMPLATE = """\
[build-system]
requires = ["hatchling>=1.27"]
build-backend = "hatchling.build"

[project]
name = "churn"
version = "0.1.0"
readme = "README.md"
requires-python = ">=3.11"
# What prediction needs.
dependencies = [
    "polars>=2.1",
    "numpy>=2",
    # Yours below
]

[project.scripts]
churn = "churn.core.cli:main"

[dependency-groups]
dev = [
    "ruff~=0.17.6",
]

[tool.uv]
default-groups = ["dev"]

[tool.ruff]
line-length = 100

[tool.ruff.lint]
# All of it
select = ["A"]
"""


def merged(yours: str) -> Sides:
    """Merge, which must be possible."""
    sides = both(yours, TEMPLATE)
    assert sides
    for text in (sides.yours, sides.template):
        tomllib.loads(text)
    return sides


def test_what_only_one_side_has_is_in_both() -> None:
    """Comments, order and quotes of theirs stay, and the template's tables come with their comments."""
    sides = merged(YOURS)
    assert sides.clashes == []
    assert sides.yours == sides.template
    rest = iter(sides.yours.splitlines())
    assert all(line in rest for line in YOURS.splitlines() if not line.startswith("dependencies"))
    expected = """\
dependencies = [
    'click>=8',
    "polars>=2.5",
    "numpy>=2",
]

[project.scripts]
churn = "churn.core.cli:main"
"""
    assert expected in sides.yours
    assert '    "ipython",  # nicer\n    "ruff~=0.17.6",\n]\n' in sides.yours
    assert sides.yours.endswith(TEMPLATE[TEMPLATE.index("[tool.uv]") :])
    toml = tomllib.loads(sides.yours)
    assert (toml["project"]["version"], "readme" in toml["project"]) == ("3", False)


@pytest.mark.parametrize(
    ("old", "new", "clash", "of_template"),
    [
        ('"hatchling.build"', '"setuptools.build_meta"', "build-system", 'build-backend = "hatchling.build"\n'),
        (">=3.12", ">=3.9", "project.requires-python", 'requires-python = ">=3.11"\n'),
        ("[tool.black]", "[tool.ruff]", "tool.ruff", '[tool.ruff.lint]\n# All of it\nselect = ["A"]\n'),
        ("'click>=8'", "'numpy<2'", "numpy<2", 'dependencies = [\n    "polars>=2.5",\n    "numpy>=2",\n'),
        ('"ipython"', '"ruff==0.4.1"', "ruff==0.4.1", 'dev = [\n    "ruff~=0.17.6",\n'),
        (
            "[tool.black]",
            "[project.scripts]\nchurn = 'a:b'\n[tool.black]",
            "project.scripts.churn",
            'churn = "churn.core',
        ),
        ("[tool.black]", "[tool.uv]\npackage = false\n[tool.black]", "tool.uv.package", "[tool.uv]\ndefault-groups"),
    ],
)
def test_where_only_one_can_apply_there_are_two_sides(old: str, new: str, clash: str, of_template: str) -> None:
    sides = merged(YOURS.replace(old, new))
    assert sides.clashes == [clash]
    assert new.splitlines()[-1].strip("'") in sides.yours
    assert of_template in sides.template
    assert of_template not in sides.yours


def test_a_comment_above_a_table_of_theirs_stays_on_both_sides() -> None:
    comment = "# Why the next table is last\n"
    between = f"[tool.ruff]\n# inside\nline-length = 79\n\n# more\n[tool.ruff.lint]\n\n{comment}[dependency-groups]"
    sides = merged(YOURS.replace("[tool.black]\nline-length = 79 # narrow\n\n[dependency-groups]", between))
    assert f"{comment}[dependency-groups]" in sides.yours
    assert f"{comment}[dependency-groups]" in sides.template
    assert "# inside" not in sides.template
    assert "# more" not in sides.template


def test_requirements_that_a_build_would_find() -> None:
    """A project may leave its requirements to its backend, which cannot add the template's."""
    dynamic = YOURS.replace("dependencies = ['click>=8', \"polars>=2.5\"]", 'dynamic = ["dependencies", "readme"]')
    sides = merged(dynamic)
    assert sides.clashes == ["project.dynamic.dependencies"]
    assert "dependencies" not in tomllib.loads(sides.yours)["project"]
    project = tomllib.loads(sides.template)["project"]
    assert (project["dynamic"], project["dependencies"]) == (["readme"], ["polars>=2.1", "numpy>=2"])


@pytest.mark.parametrize("yours", ["[project\n", "tool.ruff.line-length = 79\n", "[tool]\nruff = {line-length = 79}\n"])
def test_what_is_not_understood_is_an_ordinary_conflict(yours: str) -> None:
    assert both(yours, TEMPLATE) is None


@pytest.mark.parametrize(
    ("yours", "template", "is_enough", "is_impossible"),
    [
        ("a>=2.5", "a>=2.1", True, False),
        ("a>=1", "a>=2.1", False, False),
        ("a", "a>=2.1", False, False),
        ("a<2", "a>=2.1", False, True),
        ("a>2,<3", "a>=2", True, False),
        ("a==1.26.*", "a>=2", False, True),
        ("a~=1.5", "a>=1.9", False, False),
        ("A_b>=3", "a-b[x]>=2", False, False),
        ("a-b[x,y]>=3", "A_b[x]>=2", True, False),
        ("a<2; python_version < '3.9'", "a>=2", False, False),
        ("b<2", "a>=2", False, False),
        ("-e .", "a>=2", False, False),
    ],
)
def test_requirements_of_both_sides(yours: str, template: str, *, is_enough: bool, is_impossible: bool) -> None:
    assert is_within(yours, template) == is_enough
    assert exclude_each_other(yours, template) == is_impossible


def test_a_conflict_holds_both_sides(tmp_path: Path, run_adopt: Adopt) -> None:
    """Each side is complete: git can take either."""
    theirs = '[project]\nname = "mine"\n\n[tool.mypy]\nfiles = ["a"]\n\n[tool.black]\n'
    mine = make(tmp_path / "mine", {"pyproject.toml": theirs})
    status, said = run_adopt(mine)
    assert (status, plan(said)["pyproject.toml"]) == (1, "conflict: yours or the template's: tool.mypy")
    assert "note: [tool.mypy]: yours has no effect if you take the template's" in said
    assert unmerged(mine) == {"pyproject.toml": [2, 3]}
    text = (mine / "pyproject.toml").read_text("utf-8")
    hunk = (
        '[tool.mypy]\n<<<<<<< yours\nfiles = ["a"]\n=======\nfiles = ["src", "tests", "docs"]\nstrict = true\n>>>>>>> '
    )
    assert hunk in text
    assert text.count("<<<<<<<") == 1
    for side, files in {"--ours": ["a"], "--theirs": ["src", "tests", "docs"]}.items():
        git(mine, "checkout", "--quiet", side, "pyproject.toml")
        toml = tomllib.loads((mine / "pyproject.toml").read_text("utf-8"))
        assert toml["tool"]["mypy"]["files"] == files
        assert {"black", "pytest"} <= toml["tool"].keys()


def test_settings_that_take_the_place_of_the_templates(tmp_path: Path, run_adopt: Adopt) -> None:
    """Such a file can only be kept or removed, which git asks."""
    mine = make(tmp_path / "mine", {"mypy.ini": "[mypy]\n"})
    status, said = run_adopt(mine)
    why = "it takes the place of [tool.mypy] in pyproject.toml: git rm it, or git add it"
    assert (status, plan(said)["mypy.ini"]) == (1, f"conflict: {why}")
    assert unmerged(mine) == {"mypy.ini": [1, 2]}
    assert (mine / "mypy.ini").read_text("utf-8") == "[mypy]\n"
