"""The tables of owners and of questions, each between its marks in a page: `<!-- owners -->`, `<!-- /owners -->`."""

import re
from collections.abc import Iterable, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from formwork.errors import FormworkError
from formwork.questions import Question, questions_in
from formwork.seeds import filled_in, seeds_in
from maintain.cookiecutter import constant, references

TEMPLATES = "`src/{{ package_name }}/core/` and `tests/contract/`"
DOCS = {"package_name": "<package>"}
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
    """Draw the table of owners for a generated repository, as a template: a row is there only if its files are."""
    rows = [
        conditional(row(paths, "yours"), condition) for paths, condition in seeds_by_folder(settings, template).items()
    ]
    rest = [row(["everything that you add"], "yours"), row([f"everything else, such as {TEMPLATES}"], "the template's")]
    return table(["Path", "Owner"], [*rows, *rest])


def owners_in_docs(settings: Mapping[str, Any], template: Path) -> str:
    """Draw the table of owners for the documentation."""
    folders = ([filled_in(path, DOCS) for path in paths] for paths in seeds_by_folder(settings, template))
    others = f"everything else, such as {filled_in(TEMPLATES, DOCS)}"
    rest = [row(["everything that you add"], "you"), row([others], "the template")]
    return f"\n{table(['File', 'Owner'], [*(row(paths, 'you') for paths in folders), *rest])}\n"


def seeds_by_folder(settings: Mapping[str, Any], template: Path) -> dict[tuple[str, ...], str]:
    """Group the seeds that the template still has by their folders, each group with the condition of its files."""
    found = conditions(template)
    seeds = [path for path in seeds_in(settings) if path.replace(" ", "") in found]
    groups = dict.fromkeys((PurePosixPath(path).parent, found[path.replace(" ", "")]) for path in seeds)
    return {
        tuple(
            path for path in seeds if (PurePosixPath(path).parent, found[path.replace(" ", "")]) == (folder, condition)
        ): condition
        for folder, condition in groups
    }


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
    """Find the condition of each file; it is empty if the file, or a variant of it for each case, is always there."""
    found: dict[str, list[str]] = {}
    for file in template.rglob("*"):
        path = file.relative_to(template).as_posix().removesuffix(".jinja")
        condition = " and ".join(match["condition"] for match in CONDITION.finditer(path))
        found.setdefault(CONDITION.sub(r"\g<name>", path).replace(" ", ""), []).append(condition)
    return {path: cases[0] if len(cases) == 1 else "" for path, cases in found.items()}


def table(header: list[str], rows: Iterable[str]) -> str:
    """Draw a table."""
    return "\n".join([f"| {' | '.join(header)} |", f"|{' --- |' * len(header)}", *rows, ""])


def row(paths: Iterable[str], owner: str) -> str:
    """Draw a row of a table of owners: paths, or words where there is a space."""
    shown = (path if " " in path.replace("{{ package_name }}", "") else f"`{path}`" for path in paths)
    return f"| {', '.join(shown)} | {owner} |"


def conditional(text: str, condition: str) -> str:
    """Have a row rendered only under a condition."""
    return f"{{%- if {condition} %}}\n{text}\n{{%- endif %}}" if condition else text
