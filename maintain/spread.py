"""A few sets of answers to the questions of a release, with each choice at least once."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import chain, combinations, product

from formwork.questions import Question
from formwork.template import Template
from maintain.trial import Answers, generate

REFUSED_ANSWER = re.compile(r"Validation error for question '(\w+)'")
TEXTS = ("text", "text@example.org", "https://example.org/text/text")


def spread(template: Template, tag: str) -> list[Answers]:
    """Make a few sets of answers to the questions of a release, with each choice at least once."""
    asked = [question for question in template.questions(tag).values() if not question.is_computed]
    texts = [question.name for question in asked if question.details.get("type") == "str" and not question.choices]
    factors = [levels(question) for question in asked if question.choices]
    written = [accepted(texts, samples, lambda answers: refused(template, tag, answers)) for samples in ([""], TEXTS)]
    return covering([*factors, written])


def levels(question: Question) -> list[Answers]:
    """List answers that have each choice once: one after the other, or none and all where several may be chosen."""
    choices = [[], [*question.choices]] if question.is_multiple else question.choices
    return [{question.name: choice} for choice in choices]


def covering(factors: Sequence[Sequence[Answers]]) -> list[Answers]:
    """Combine each level of each factor, and as many pairs of levels as fit into so few combinations."""
    rows = list(product(*(range(len(levels)) for levels in factors)))
    unused = [set(range(len(levels))) for levels in factors]
    seen: set[object] = set()
    chosen: list[Answers] = []
    for left in reversed(range(max(map(len, factors)))):
        in_time = (row for row in rows if all(len(rest - {at}) <= left for rest, at in zip(unused, row, strict=True)))
        best = max(in_time, key=lambda row: len(pairs(row) - seen))
        seen |= pairs(best)
        unused = [rest - {at} for rest, at in zip(unused, best, strict=True)]
        chosen.append(dict(chain(*(levels[at].items() for levels, at in zip(factors, best, strict=True)))))
    return chosen


def pairs(row: Sequence[int]) -> set[object]:
    """Name the pairs of levels in a combination."""
    return set(combinations(enumerate(row), 2))


def accepted(names: Iterable[str], samples: Iterable[str], refused: Callable[[Answers], str]) -> Answers:
    """Answer each question with the first sample that it accepts, if there is one."""
    left = {name: list(samples) for name in names}
    while name := refused({name: texts[0] for name, texts in left.items() if texts}):
        left[name].pop(0)
    return {name: texts[0] for name, texts in left.items() if texts}


def refused(template: Template, tag: str, answers: Answers) -> str:
    """Return the question that does not accept its answer; empty if all do."""
    try:
        generate(template, tag, answers, template.scratch / "nothing", pretend=True)
    except ValueError as error:
        question = REFUSED_ANSWER.match(str(error))
        if question and question[1] in answers:
            return question[1]
        raise
    return ""


def still_valid(answers: Answers, questions: Mapping[str, Question]) -> Answers:
    """Leave out the answers that an update can no longer take."""
    asked = {name: questions[name].choices for name in answers.keys() & questions.keys()}
    return {
        name: answers[name] for name, choices in asked.items() if not choices or chosen(answers[name]) <= {*choices}
    }


def chosen(answer: object) -> set[str]:
    """Return the choices that an answer names."""
    return {str(choice) for choice in (answer if isinstance(answer, list) else [answer])}
