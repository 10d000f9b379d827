"""Find what a release would break or lose in the repositories of earlier releases.

There are rules, each with its remedy, and there is a trial: repositories of each release get a mark in each file and
are updated with plain copier. Whatever the rules say, each mark and each answer must still be there afterwards.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from pathlib import Path
from typing import Any

import jinja2
from copier.errors import CopierError
from plumbum import local

from formwork.errors import in_one_line
from formwork.template import Template
from maintain.file_rules import changes, refused_files, refused_renders
from maintain.question_rules import refused_questions
from maintain.refusal import Refusal
from maintain.releases import PLAIN
from maintain.spread import spread
from maintain.trial import generate, losses

NAMED_QUESTION = re.compile(r"""(?:for|[Qq]uestion) ['"](\w+)['"]""")
NEED_TRUST = ("_tasks", "_migrations", "_jinja_extensions")


def refusals(template: Template, scratch: Path) -> list[Refusal]:
    """Collect what breaks a rule, and what an update loses although it breaks no rule."""
    with local.env(**PLAIN):
        repositories = [
            generate(template, tag, answers, scratch / f"{tag}-{number}")
            for tag in earlier(template)
            for number, answers in enumerate(spread(template, tag))
        ]
        broken = set(chain(rules(template, scratch), *(told(changes(template, it)) for it in repositories)))
        named = {refusal.what for refusal in broken}
        lost = set(chain(*(told(losses(template, it)) for it in repositories)))
        return sorted(broken | {loss for loss in lost if loss.what not in named})


def rules(template: Template, scratch: Path) -> Iterator[Refusal]:
    """Check everything in the candidate itself against the rules."""
    candidate = template.newest
    yield from refused_settings(template.settings(candidate))
    yield from refused_questions(template.questions(candidate), list(map(template.questions, earlier(template))))
    yield from refused_files(template.checkout(candidate))
    yield from told(refused_renders(template, scratch))


def earlier(template: Template) -> list[str]:
    """List the releases before the candidate, which is the newest."""
    return template.releases()[:-1]


def told(found: Iterable[Refusal]) -> Iterator[Refusal]:
    """Report copier's own refusal like any other."""
    try:
        yield from found
    except (CopierError, ValueError, jinja2.TemplateError) as error:
        question = NAMED_QUESTION.search(str(error))
        what = question[1] if question else "copier.yml"
        yield Refusal(what, f"copier stops, mend what it says: {in_one_line(error)}")


def refused_settings(settings: Mapping[str, Any]) -> Iterator[Refusal]:
    """Find the settings that make an update ask for trust."""
    for name in NEED_TRUST:
        if name in settings:
            yield Refusal(name, "an update would need --trust: do without")
