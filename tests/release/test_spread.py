"""The questions get a few sets of answers that differ as much as possible."""

from collections.abc import Iterator
from itertools import combinations
from pathlib import Path

import pytest
import yaml

from formwork.questions import questions_in
from maintain import compatibility, file_rules, spread, trial
from maintain.refusal import Refusal
from tests.harness import ROOT
from tests.release.examples import COPIER_YML, copier_yml, question, said, serve
from tests.small import SmallTemplate, put


def test_few_combinations_have_each_choice_and_each_pair_of_pairs() -> None:
    settings = yaml.safe_load((ROOT / "copier.yml").read_text("utf-8"))
    asked = [question for question in questions_in(settings).values() if question.is_asked]
    factors = [spread.levels(question) for question in asked if question.choices]
    chosen = spread.covering([*factors, [{"author_email": ""}, {"author_email": "text@example.org"}]])
    assert len(chosen) == max(map(len, factors)) == 4
    for each in asked:
        assert {combination[each.name] for combination in chosen if each.choices} == set(each.choices)
    pairs = [question.name for question in asked if len(question.choices) == 2] + ["author_email"]
    assert len(pairs) == 3
    for one, other in combinations(pairs, 2):
        assert len({(combination[one], combination[other]) for combination in chosen}) == 4


def test_a_single_question_is_asked_in_each_way() -> None:
    assert spread.covering([[{"a": 1}, {"a": 2}, {"a": 3}]]) == [{"a": 1}, {"a": 2}, {"a": 3}]


def test_each_text_is_one_that_is_accepted() -> None:
    """The first sample that fits is taken, and the question is left out if none does."""
    fits = {"any": {"one", "two"}, "two": {"two"}, "none": set[str]()}

    def refused(answers: trial.Answers) -> str:
        return next((name for name, text in answers.items() if text not in fits[name]), "")

    assert spread.accepted(fits, ["one", "two"], refused) == {"any": "one", "two": "two"}


def test_the_spread_has_empty_and_filled_texts(small: SmallTemplate, tmp_path: Path) -> None:
    """Answers that are computed or not texts get their defaults."""
    required = "{% if not package_name %}a name is needed{% endif %}"
    address = "{% if email and '@' not in email %}no address{% endif %}"
    more = {
        "package_name": COPIER_YML["package_name"] | {"validator": required},
        "email": {"type": "str", "default": "", "validator": address},
        "count": {"type": "int", "default": 1},
        "twice": {"type": "str", "when": False, "default": "{{ count * 2 }}"},
    }
    put(small.path, {"copier.yml": copier_yml(**more)})
    template = serve(small, tmp_path)
    assert spread.spread(template, template.newest) == [
        {"level": "low", "email": ""},
        {"level": "high", "package_name": "text", "email": "text@example.org"},
    ]
    assert not (tmp_path / "server/nothing").exists()


def test_a_question_that_cannot_be_asked_is_an_error(small: SmallTemplate, tmp_path: Path) -> None:
    put(small.path, {"copier.yml": copier_yml(new={"type": "int"})})
    template = serve(small, tmp_path)
    with pytest.raises(ValueError, match='Question "new" is required'):
        spread.refused(template, template.newest, {})
    message = 'new: copier stops, mend what it says: Question "new" is required'
    assert said(compatibility.told(file_rules.refused_renders(template, tmp_path))) == [message]


def test_a_refused_default_is_an_error(small: SmallTemplate, tmp_path: Path) -> None:
    put(small.path, {"copier.yml": copier_yml(new={"type": "int", "default": 1, "validator": "not this"})})
    template = serve(small, tmp_path)
    with pytest.raises(ValueError, match="Validation error for question 'new': not this"):
        spread.spread(template, template.newest)


def test_an_answer_is_left_out_where_nothing_takes_it() -> None:
    answers = {"package_name": "wine", "level": "low", "old": "x", "number": 1}
    number = {"choices": [1, 2], "default": 1}
    asked = questions_in({**COPIER_YML, "level": question(choices=["high"]), "number": number})
    assert spread.still_valid(answers, asked) == {"package_name": "wine", "number": 1}


def test_what_copier_says_names_the_question_or_the_file() -> None:

    def stop(message: str) -> Iterator[Refusal]:
        yield Refusal("a", "rule")
        raise ValueError(message)

    says = "copier stops, mend what it says"
    for message, what in {
        "Validation error for question 'level': no": "level",
        "Invalid choice for 'level': no": "level",
        'Question "level" is required': "level",
        "Nothing": "copier.yml",
    }.items():
        assert said(compatibility.told(stop(message))) == ["a: rule", f"{what}: {says}: {message}"]
    assert said(compatibility.told(stop("a\n  b")))[1:] == [f"copier.yml: {says}: a b"]
