"""Both commands refuse an answer that breaks a rule in one line that says what is wrong and what is allowed."""

import keyword
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.harness import answers_of
from tests.questions.engines import Engines

CONTROLS = "on one line"
RESERVED = "add a word, for example"
PATTERN = "small ASCII letters, digits and _ only and begins with a letter, for example: wine_quality"

REFUSED = [
    ("project_name", "a/b", "holds no / or \\ or .."),
    ("project_name", "a\\b", "holds no / or \\ or .."),
    ("project_name", "..", "holds no / or \\ or .."),
    ("project_name", "", "is needed, for example"),
    ("project_name", "   ", "is needed, for example"),
    ("project_name", "x" * 81, "at most 80 characters"),
    ("project_name", "a\nb", CONTROLS),
    ("project_name", "a\x1bb", CONTROLS),
    ("package_name", "", "is needed, for example: wine_quality"),
    ("package_name", "../up", PATTERN),
    ("package_name", "a/b", PATTERN),
    ("package_name", "Wine", PATTERN),
    ("package_name", "1wine", PATTERN),
    ("package_name", "wine-quality", PATTERN),
    ("package_name", "wïne", PATTERN),
    ("package_name", "wine\n", PATTERN),
    ("package_name", "x" * 41, "at most 40 characters"),
    ("package_name", "wine_", "neither ends in _ nor holds two in a row"),
    ("package_name", "wine__quality", "neither ends in _ nor holds two in a row"),
    ("package_name", "class", f"{RESERVED} class_project"),
    ("package_name", "match", RESERVED),
    ("package_name", "json", RESERVED),
    ("package_name", "sklearn", RESERVED),
    ("package_name", "scikit_learn", RESERVED),
    ("package_name", "yaml", RESERVED),
    ("package_name", "con", RESERVED),
    ("package_name", "lpt1", RESERVED),
    ("package_name", "tests", RESERVED),
    ("description", "a\tb", CONTROLS),
    ("description", "a\x85b", CONTROLS),
    ("description", "a\u2028b", CONTROLS),
    ("description", "x" * 301, "at most 300 characters"),
    ("author_name", "a\rb", CONTROLS),
    ("author_name", "x" * 101, "at most 100 characters"),
    ("author_email", "jane", "for example: jane@example.org"),
    ("author_email", "jane@example.org\n", "for example: jane@example.org"),
    ("repository_url", "github.com/owner/name", "for example: https://github.com/owner/name"),
    ("repository_url", "https://github.com/owner/name\n", "for example: https://github.com/owner/name"),
    ("ci", "jenkins", "['github', 'gitlab']"),
    ("license", "GPL", "['MIT', 'BSD-3-Clause', 'Apache-2.0', 'proprietary']"),
    ("python_version", "3.9", "'3.11'"),
    ("problem", "clustering", "['classification', 'regression']"),
]


@pytest.mark.parametrize(("question", "answer", "message"), REFUSED)
def test_refused_by_copier(asking: Engines, question: str, answer: str, message: str) -> None:
    complaint = asking.complaint_of_copier({question: answer})
    assert question in complaint.partition(":")[0]
    assert message in complaint
    assert "\n" not in complaint


@pytest.mark.parametrize(("question", "answer", "message"), REFUSED)
def test_refused_by_cookiecutter(asking: Engines, question: str, answer: str, message: str) -> None:
    """Both commands refuse in the same words, except for choices, which cookiecutter checks itself."""
    complaint = asking.complaint_of_cookiecutter({question: answer})
    assert question in complaint
    assert message in complaint
    assert "\n" not in complaint


@pytest.mark.parametrize(
    "answers",
    [
        {"project_name": "x" * 80, "package_name": "x" * 40},
        {"project_name": "Größe: \U0001f377 & co. 'n' \"more\" #1 {x} %y"},
        {"package_name": "a"},
        {"package_name": "json_project", "description": "x" * 300, "author_name": "Zoë O'Hara & Søn"},
        {"author_email": "jane.o'hara+x@mail.example.org", "repository_url": "https://git.example.org:8443/a/b/c"},
        {"repository_url": "https://gitlab.example.org/a/b", "ci": "github"},
    ],
)
def test_accepted_by_both(asking: Engines, answers: dict[str, str]) -> None:
    through_copier = answers_of(asking.copier(answers))
    assert answers_of(asking.cookiecutter(answers)) == through_copier
    recorded = yaml.safe_load(through_copier)
    assert {name: recorded[name] for name in answers} == answers


@pytest.mark.parametrize(
    ("answers", "derived"),
    [
        ({}, {"package_name": "my_project", "ci": "github", "python_version": "3.12", "license": "MIT"}),
        ({"project_name": "Wine Quality 2"}, {"package_name": "wine_quality_2"}),
        ({"project_name": "2 Wines"}, {"package_name": "project_2_wines"}),
        ({"project_name": "Größe à la carte"}, {"package_name": "grosse_a_la_carte"}),
        ({"project_name": "日本"}, {"package_name": "project"}),
        ({"project_name": "json"}, {"package_name": "json_project"}),
        ({"project_name": "x" * 60}, {"package_name": "x" * 40}),
        ({"project_name": f"{'x' * 30} {'y' * 9} z"}, {"package_name": f"{'x' * 30}_{'y' * 9}"}),
        ({"project_name": f"{'x' * 30} {'y' * 10}"}, {"package_name": "x" * 30}),
        ({"project_name": "__init__"}, {"package_name": "init"}),
        ({"repository_url": "https://gitlab.example.org/a/b"}, {"ci": "gitlab"}),
        ({"repository_url": "https://example.org/gitlab/b"}, {"ci": "github"}),
    ],
)
def test_defaults_are_derived_alike(asking: Engines, answers: dict[str, str], derived: dict[str, Any]) -> None:
    """Cookiecutter evaluates the expressions of copier.yml."""
    through_copier = answers_of(asking.copier(answers))
    assert answers_of(asking.cookiecutter(answers)) == through_copier
    recorded = yaml.safe_load(through_copier)
    assert {name: recorded[name] for name in derived} == derived


def test_every_keyword_and_module_of_python_is_reserved(plain: Path) -> None:
    reserved = set((plain / "reserved-names.txt").read_text(encoding="utf-8").split())
    names = {*keyword.kwlist, *keyword.softkwlist, *sys.stdlib_module_names}
    assert {name for name in names if name.islower() and not name.startswith("_")} <= reserved
