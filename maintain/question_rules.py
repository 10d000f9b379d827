"""The rules for questions: no answer is lost, and no update has to ask."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from difflib import SequenceMatcher
from itertools import product

from formwork.questions import Question
from maintain.refusal import Refusal

SIMILAR = 0.6

Questions = Mapping[str, Question]


def refused_questions(asked: Questions, released: Sequence[Questions]) -> Iterator[Refusal]:
    """Find the questions through which an answer would be lost, or an update would break."""
    for question in asked.values():
        if "default" not in question.details:
            yield Refusal(question.name, "there is no default: an update has nobody to ask, give it one")
    for earlier in released:
        yield from removed_choices(asked, earlier)
        yield from renamed_questions(asked, earlier, released)


def removed_choices(asked: Questions, earlier: Questions) -> Iterator[Refusal]:
    """Find the choices that an update would replace in silence."""
    for name in asked.keys() & earlier.keys():
        gone = earlier[name].choices.keys() - asked[name].choices.keys()
        if asked[name].choices and gone and not takes_over(asked[name], name):
            rule = f"the choice {', '.join(sorted(gone))} is gone, and its users' answer is replaced in silence"
            yield Refusal(name, f"{rule}: {remedy(name)}")


def renamed_questions(asked: Questions, earlier: Questions, released: Iterable[Questions]) -> Iterator[Refusal]:
    """Find the questions that take the place of another one, without its answer."""
    for old, new in product(earlier.keys() - asked.keys(), asked.keys() - earlier.keys()):
        side_by_side = any({old, new} <= questions.keys() for questions in released)
        if succeeds(asked[new], earlier[old]) and not side_by_side and not takes_over(asked[new], old):
            yield Refusal(new, f"it looks like {old}, whose answer is lost: {remedy(new, old)}")


def succeeds(new: Question, old: Question) -> bool:
    """Return whether a question looks like another one under a new name."""
    if new.is_computed or old.is_computed or new.details.get("type") != old.details.get("type"):
        return False
    same_choices = bool(new.choices) and new.choices.keys() == old.choices.keys()
    helps = (question.details.get("help", question.name) for question in (new, old))
    return same_choices or similar(*helps) or similar(new.name, old.name)


def similar(one: str, other: str) -> bool:
    """Return whether two texts are mostly the same."""
    return SequenceMatcher(None, one, other).ratio() >= SIMILAR


def takes_over(question: Question, name: str) -> bool:
    """Return whether the default takes over the answer to an earlier question, if there is one."""
    return re.search(rf"\b{name}\s+if\s+{name}\s+is\s+defined\b", str(question.details.get("default"))) is not None


def remedy(*names: str) -> str:
    """Say how to write a default that keeps the answers."""
    return f"begin its default with {{{{ {' else '.join(f'{name} if {name} is defined' for name in names)} else …"
