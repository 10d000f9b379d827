"""No question may lose an answer, and no setting may ask for trust."""

from collections.abc import Mapping
from typing import Any

import pytest
import yaml

from formwork.questions import questions_in
from maintain import compatibility, question_rules
from tests.release.examples import COPIER_YML, begin, copier_yml, question, said


def test_nothing_may_ask_for_trust() -> None:
    settings: dict[str, object] = {
        "_tasks": [],
        "_exclude": [],
        "_migrations": [],
        "_jinja_extensions": [],
        "level": {},
    }
    rule = "an update would need --trust: do without"
    assert said(compatibility.refused_settings(settings)) == [
        f"_tasks: {rule}",
        f"_migrations: {rule}",
        f"_jinja_extensions: {rule}",
    ]
    assert said(compatibility.refused_settings(COPIER_YML)) == []


def looks(new: str, old: str) -> str:
    """Return the refusal of a question under a new name."""
    remedy = begin(f"{new} if {new} is defined else {old} if {old} is defined")
    return f"{new}: it looks like {old}, whose answer is lost: {remedy}"


GONE = "is gone, and its users' answer is replaced in silence"
DEPTH = {"help": "How far down it goes", "default": "low"}

QUESTIONS: Mapping[str, tuple[dict[str, Any], list[str]]] = {
    "as it was": ({}, []),
    "no default": (
        {"new": {"type": "int"}},
        ["new: there is no default: an update has nobody to ask, give it one"],
    ),
    "computed without a default": (
        {"new": {"type": "str", "when": False}},
        ["new: there is no default: an update has nobody to ask, give it one"],
    ),
    "choice removed, default keeps the answer": ({"level": question(choices=["low"])}, []),
    "choice removed, default has more spaces": (
        {"level": question(choices=["low"], default="{{ level  if level is defined\nelse 'low' }}")},
        [],
    ),
    "choice removed": (
        {"level": question(choices=["low"], default="low")},
        [f"level: the choice high {GONE}: {begin('level if level is defined')}"],
    ),
    "all choices replaced": (
        {"level": question(choices=["1"], default="{{ sublevel if sublevel is defined else '1' }}")},
        [f"level: the choice high, low {GONE}: {begin('level if level is defined')}"],
    ),
    "choice added": ({"level": question(choices=["low", "high", "higher"], default="low")}, []),
    "choices given up": ({"level": question(choices=None, default="low")}, []),
    "removed, nothing new": ({"level": None}, []),
    "removed, unrelated new": ({"level": None, "owner": {"type": "str", "help": "E-mail", "default": ""}}, []),
    "removed, same help but another type": ({"level": None, "x": question(type="int", choices=None, default=1)}, []),
    "removed, computed new": ({"level": None, "levels": {"type": "str", "when": False, "default": "low"}}, []),
    "renamed, same choices": (
        {"level": None, "depth": {**question(), **DEPTH}},
        [looks("depth", "level")],
    ),
    "renamed, same help": (
        {"level": None, "x": question(choices=["1"], default="1", help="How deep?")},
        [looks("x", "level")],
    ),
    "renamed, similar name": (
        {"level": None, "levels": {"type": "str", "default": "low"}},
        [looks("levels", "level")],
    ),
    "renamed, default takes over": (
        {
            "level": None,
            "depth": question(default="{{ depth if depth is defined else level if level is defined else 'low' }}"),
        },
        [],
    ),
    "renamed text": (
        {"package_name": None, "package": {"type": "str", "help": "Its name", "default": "wine"}},
        [looks("package", "package_name")],
    ),
}


@pytest.mark.parametrize("case", QUESTIONS)
def test_no_answer_is_lost(case: str) -> None:
    """Choices and names of questions may change if the default refers to the old answer."""
    changes, expected = QUESTIONS[case]
    asked = questions_in(yaml.safe_load(copier_yml(**changes)))
    assert said(question_rules.refused_questions(asked, [questions_in(COPIER_YML)])) == expected


def test_a_computed_answer_has_no_successor() -> None:
    """A computed answer is recorded nowhere."""
    released = questions_in({"level": {**question(), "when": False}})
    assert said(question_rules.refused_questions(questions_in({"levels": question(default="low")}), [released])) == []


def test_questions_are_compared_with_every_release() -> None:
    """A default keeps its reference to an old name for good; questions that once coexisted are different."""
    low = question(default="low")
    asked = questions_in({"levels": low})
    old, both = questions_in({"level": low}), questions_in({"level": low, "levels": low})
    renamed = questions_in({"levels": low})
    assert [refusal.what for refusal in question_rules.refused_questions(asked, [old, renamed])] == ["levels"]
    assert said(question_rules.refused_questions(asked, [old, both])) == []


@pytest.mark.parametrize(("other", "is_similar"), [("abcde", True), ("abcxy", True), ("abxyz", False)])
def test_similar_is_mostly_the_same(other: str, *, is_similar: bool) -> None:
    assert question_rules.similar("abcde", other) is is_similar
