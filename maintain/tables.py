"""The tables in the documentation, each between its marks in a page: `<!-- owners -->`, `<!-- /owners -->`."""

import ast
import re
from collections.abc import Iterable, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

import yaml

from formwork.adding.scaffolds import SCAFFOLDS
from formwork.errors import FormworkError
from formwork.questions import Question, questions_in
from formwork.seeds import filled_in, seeds_in
from maintain.cookiecutter import constant, references

TEMPLATES = "`src/{{ package_name }}/core/` and `tests/contract/`"
DOCS = {"package_name": "<package>"}
ATTRIBUTE = re.compile(r"^    (?P<name>\w+): (?P<meaning>.+(?:\n {5,}.+)*)", re.MULTILINE)
CONDITION = re.compile(r"\{% if (?P<condition>[^%]+) %\}(?P<name>[^{]*)\{% endif %\}")


def with_table(text: str, name: str, table: str, page: Path) -> str:
    """Write a table between its marks.

    Args:
        text: The page.
        name: The name in the marks.
        table: The table, with a line break at its end.
        page: The path of the page, for the error message.

    Raises:
        FormworkError: If there are no such marks.
    """
    between = re.compile(rf"(?<=<!-- {name} -->\n).*?(?=<!-- /{name} -->)", re.DOTALL)
    if not between.search(text):
        message = f"{page}: the lines <!-- {name} --> and <!-- /{name} --> are missing"
        raise FormworkError(message)
    return between.sub(lambda _: table, text)


def owners_in_repository(settings: Mapping[str, Any], template: Path) -> str:
    """Draw the table of owners for a generated repository, as a template: a row appears only if its files exist."""
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
    asked = (question for question in questions.values() if question.is_asked)
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


def parts_in_docs(settings: Mapping[str, Any]) -> str:
    """Draw the table of what `add` adds, for the documentation."""
    scaffolds = [f"| `{it.kind} {it.named}` | scaffold | {it.purpose} |" for it in SCAFFOLDS.values()]
    pieces = questions_in(settings)["pieces"].choices
    rows = [*scaffolds, *(f"| `{name}` | piece | {purpose} |" for name, purpose in pieces.items())]
    return f"\n{table(['Name', 'Kind', 'What it is'], rows)}\n"


def dialect_in_docs(module: Path) -> str:
    """Draw the table of the parameters that say how files are written, for the documentation.

    Args:
        module: The module with class `Dialect`, which is read, not imported.

    Raises:
        FormworkError: If the docstring does not describe exactly the parameters that the class has.
    """
    body = ast.parse(module.read_text(encoding="utf-8")).body
    dialect = next(node for node in body if isinstance(node, ast.ClassDef) and node.name == "Dialect")
    attributes = (ast.get_docstring(dialect) or "").partition("Attributes:\n")[2]
    meanings = {match["name"]: " ".join(match["meaning"].split()) for match in ATTRIBUTE.finditer(attributes)}
    fields = [node for node in dialect.body if isinstance(node, ast.AnnAssign)]
    if list(meanings) != [ast.unparse(field.target) for field in fields]:
        message = f"{module}: the docstring of Dialect does not list the fields in the order of the class"
        raise FormworkError(message)
    rows = (
        f"| `{name}` | `{in_yaml(default(field))}` | {meaning} |"
        for (name, meaning), field in zip(meanings.items(), fields, strict=True)
    )
    return f"\n{table(['Name', 'Default', 'Meaning'], rows)}\n"


def default(field: ast.AnnAssign) -> object:
    """Find the default of a field, which may be an argument of pydantic's `Field`."""
    value = field.value
    if isinstance(value, ast.Call):
        arguments = {keyword.arg: keyword.value for keyword in value.keywords}
        if "default_factory" in arguments:
            return {"dict": {}, "list": []}[ast.unparse(arguments["default_factory"])]
        value = arguments["default"]
    if value is None:
        message = f"parameter {ast.unparse(field.target)} of Dialect has no default"
        raise FormworkError(message)
    return ast.literal_eval(value)


def in_yaml(value: object) -> str:
    """Write a value in YAML, on one line."""
    plain = list(value) if isinstance(value, tuple) else value
    return yaml.safe_dump(plain, default_flow_style=True, width=1000).removesuffix("\n").removesuffix("\n...")


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
    """Draw a row of a table of owners: paths, or words if there is a space."""
    shown = (path if " " in path.replace("{{ package_name }}", "") else f"`{path}`" for path in paths)
    return f"| {', '.join(shown)} | {owner} |"


def conditional(text: str, condition: str) -> str:
    """Have a row rendered only under a condition."""
    return f"{{%- if {condition} %}}\n{text}\n{{%- endif %}}" if condition else text
