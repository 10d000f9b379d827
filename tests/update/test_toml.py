"""pyproject.toml is merged by meaning where lines are not enough."""

import tomllib

import pytest

from formwork.toml_merging import merged_toml

BASE = """\
[project]
name = "wine"
dependencies = [
    "numpy>=2",
    "polars>=2.1",
]

[tool.pytest]
minversion = "9.0"

[tool.ruff]
line-length = 100
select = ["A", "B"]
"""


@pytest.mark.parametrize(
    ("yours", "new", "expected"),
    [
        ({"line-length = 100": "line-length = 79"}, {'"A", "B"': '"A", "C"'}, {"79": True, '"C"': True, '"B"': False}),
        ({'[tool.pytest]\nminversion = "9.0"\n': ""}, {'"9.0"': '"9.1"'}, {"pytest": False}),
        ({'"polars>=2.1",': '"polars>=2.1", "mine",'}, {"numpy>=2": "numpy>=2.1"}, {"mine": True, "numpy>=2.1": True}),
        ({"wine": "beer"}, {'    "numpy>=2",\n': ""}, {"beer": True, "numpy": False}),
        ({'"numpy>=2",': '"numpy>=2", # mine'}, {"polars>=2.1": "polars>=3"}, {"# mine": True, "polars>=3": True}),
        ({"wine": "beer"}, {"[tool.ruff]": "[tool.new]\na = 1\n\n[tool.ruff]"}, {"[tool.new]\na = 1\n": True}),
        ({"wine": "beer"}, {'[tool.pytest]\nminversion = "9.0"\n': ""}, {"pytest": False, "beer": True}),
        ({"wine": "beer"}, {"wine": "beer"}, {"beer": True}),
    ],
)
def test_both_sides_are_in_it(yours: dict[str, str], new: dict[str, str], expected: dict[str, bool]) -> None:
    """What you removed stays removed, and what you wrote stays as you wrote it."""
    merged = merged_toml(BASE, changed(yours), changed(new))
    assert merged
    tomllib.loads(merged)
    assert {text: text in merged for text in expected} == expected


@pytest.mark.parametrize(
    ("yours", "new"),
    [
        ({"100": "79"}, {"100": "120"}),
        ({"numpy>=2": "numpy<3"}, {"numpy>=2": "numpy>=2.1"}),
        ({'"A", "B"': '"A"'}, {'"A", "B"': '"A", "C"'}),
        ({'select = ["A", "B"]': "select = 'A'"}, {'"A", "B"': '"A"'}),
        ({"[project]": "[project"}, {"100": "79"}),
    ],
)
def test_the_same_value_on_both_sides_is_a_conflict(yours: dict[str, str], new: dict[str, str]) -> None:
    assert merged_toml(BASE, changed(yours), changed(new)) is None


def changed(replacements: dict[str, str]) -> str:
    """Change texts in the file that both sides come from."""
    text = BASE
    for old, new in replacements.items():
        assert old in text
        text = text.replace(old, new)
    return text
