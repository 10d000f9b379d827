"""The tables of owners and of questions, each between its marks in a page: `<!-- owners -->`, `<!-- /owners -->`."""

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from formwork.errors import FormworkError
from formwork.questions import Question, questions_in
from formwork.seeds import filled_in, seeds_in
from maintain.cookiecutter import constant, references

CONDITION = re.compile(r"\{% if (?P<condition>[^%]+) %\}(?P<name>[^{]*)\{% endif %\}")


def with_table(text: str, name: str, table: str, page: Path) -> str:
    """Write a table between its marks.

    Args:
        text: The page.
        name: The name in the marks.
        table: The table, with a line break at its end.
        page: The path of the page, for the error's message.

    Raises:
        FormworkError: If there are no such marks.
    """
    between = re.compile(rf"(?<=<!-- {name} -->\n).*?(?=<!-- /{name} -->)", re.DOTALL)
    if not between.search(text):
        message = f"{page}: the lines <!-- {name} --> and <!-- /{name} --> are missing"
        raise FormworkError(message)
    return between.sub(lambda _: table, text)


def owners_in_repository(settings: Mapping[str, Any], template: Path) -> str:
    """Draw the table of owners for a generated repository, as a template: a row is there only if its file is."""
    found = conditions(template)
    rows = (conditional(row(path, "yours"), found.get(path.replace(" ", ""))) for path in seeds_in(settings))
    return table(["Path", "Owner"], [*rows, row("everything else", "the template's", is_code=False)])


def owners_in_docs(settings: Mapping[str, Any]) -> str:
    """Draw the table of owners for the documentation."""
    paths = (filled_in(path, {"package_name": "<package>"}) for path in seeds_in(settings))
    rest = [
        row("everything that you add", "you", is_code=False),
        row("everything else that was generated", "the template", is_code=False),
    ]
    return f"\n{table(['File', 'Owner'], [*(row(path, 'you') for path in paths), *rest])}\n"


def questions_in_docs(settings: Mapping[str, Any], root: Path) -> str:
    """Draw the table of questions for the documentation."""
    questions = questions_in(settings)
    asked = (question for question in questions.values() if not question.is_computed)
    header = ["Name", "Question", "Choices", "Default"]
    return f"\n{table(header, [question_row(question, questions, root) for question in asked])}\n"


def question_row(question: Question, questions: Mapping[str, Question], root: Path) -> str:
    """Draw the row of a question, with a link to the section about it."""
    choices = ", ".join(f"`{choice}`" for choice in question.choices) or "any text"
    if others := [name for name in references(question, questions) if not questions[name].is_computed]:
        default = f"derived from `{', '.join(others)}`"
    else:
        text = constant(question, questions, root)
        default = f"`{text}`" if text else "empty"
    return f"| [`{question.name}`](#{question.name}) | {question.help} | {choices} | {default} |"


def conditions(template: Path) -> dict[str, str]:
    """Find the files that are there only under a condition; a file with a variant for each case always is."""
    found: dict[str, list[str]] = {}
    for file in template.rglob("*"):
        path = file.relative_to(template).as_posix().removesuffix(".jinja")
        condition = " and ".join(match["condition"] for match in CONDITION.finditer(path))
        found.setdefault(CONDITION.sub(r"\g<name>", path).replace(" ", ""), []).append(condition)
    return {path: cases[0] for path, cases in found.items() if len(cases) == 1 and cases[0]}


def table(header: list[str], rows: Iterable[str]) -> str:
    """Draw a table."""
    return "\n".join([f"| {' | '.join(header)} |", f"|{' --- |' * len(header)}", *rows, ""])


def row(path: str, owner: str, *, is_code: bool = True) -> str:
    """Draw a row of a table of owners."""
    return f"| {f'`{path}`' if is_code else path} | {owner} |"


def conditional(text: str, condition: str | None) -> str:
    """Have a row rendered only under a condition."""
    return f"{{%- if {condition} %}}\n{text}\n{{%- endif %}}" if condition else text
