"""cookiecutter.json, which asks the questions of copier.yml."""

from collections.abc import Iterable, Mapping
from json import dumps
from pathlib import Path
from typing import Any

import jinja2
import jinja2.meta

from formwork.errors import FormworkError
from formwork.questions import Question, questions_in

FOLDER = "{{ cookiecutter.project_name|slugify or 'unnamed' }}"

Questions = Mapping[str, Question]


def cookiecutter_text(settings: Mapping[str, Any], root: Path) -> str:
    """Ask the questions of copier.yml in cookiecutter's way."""
    questions = questions_in(settings)
    asked = [question for question in questions.values() if question.is_asked]
    needed = computed(asked, questions)
    content: dict[str, Any] = {f"_{question.name}": constant(question, questions, root) for question in needed}
    content |= {question.name: variable(question, questions, root) for question in asked}
    content["__folder"] = FOLDER
    content["__prompts__"] = {question.name: prompt(question, questions) for question in asked}
    return dumps(content, indent=4, ensure_ascii=False) + "\n"


def references(question: Question, questions: Questions) -> list[str]:
    """List the other questions that a default refers to."""
    used = jinja2.meta.find_undeclared_variables(jinja2.Environment().parse(question.default))
    return sorted((used & questions.keys()) - {question.name})


def computed(asked: Iterable[Question], questions: Questions) -> list[Question]:
    """Find the computed answers that a default needs."""
    needed = {name for question in asked for name in references(question, questions)}
    return [question for question in questions.values() if question.is_computed and question.name in needed]


def variable(question: Question, questions: Questions, root: Path) -> str | list[str]:
    """Write a question as a text to type, or as a list to choose from if its order is known beforehand."""
    if references(question, questions):
        return prelude(question, questions) + question.default
    default = constant(question, questions, root)
    if not question.choices:
        return default
    if default not in question.choices:
        message = f"{question.name}: the default {default!r} is not one of the choices"
        raise FormworkError(message)
    return [default, *(value for value in question.choices if value != default)]


def prelude(question: Question, questions: Questions) -> str:
    """Name cookiecutter's answers as copier does, so that both evaluate the same expression."""
    names = {name: f"_{name}" if questions[name].is_computed else name for name in references(question, questions)}
    return "".join(f"{{% set {name} = cookiecutter.{theirs} %}}" for name, theirs in names.items())


def constant(question: Question, questions: Questions, root: Path) -> str:
    """Evaluate a default that depends on no other answer."""
    if references(question, questions):
        message = f"{question.name}: a computed answer that depends on others is not supported"
        raise FormworkError(message)
    environment = jinja2.Environment(loader=jinja2.FileSystemLoader(root), undefined=jinja2.StrictUndefined)
    return environment.from_string(question.default).render()


def prompt(question: Question, questions: Questions) -> str | dict[str, str]:
    """Write the text that people see, with the choices if they have to be typed."""
    if not question.choices:
        return question.help
    if references(question, questions):
        return f"{question.help} ({' or '.join(question.choices)})"
    return {"__prompt__": question.help, **question.choices}
