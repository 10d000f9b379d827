"""Write what follows from other files, or say with --check what would change.

cookiecutter.json follows from the questions in copier.yml, the table of owners in
template/CONTRIBUTING.md.jinja from the seeds there, and reserved-names.txt from Python, from
Windows, and from the environments given with --environment (names are added, never taken away:
a project may have been refused one for a reason that this machine does not know).
"""

import argparse
import keyword
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import Distribution, distributions
from itertools import chain
from json import dumps
from pathlib import Path
from typing import Any

import jinja2
import jinja2.meta
import yaml

ROOT = Path(__file__).resolve().parents[1]

QUESTIONS = Path("copier.yml")
COOKIECUTTER = Path("cookiecutter.json")
RESERVED = Path("reserved-names.txt")
OWNERS = Path("template/CONTRIBUTING.md.jinja")

FOLDER = "{{ cookiecutter.project_name|slugify or 'unnamed' }}"

WINDOWS = ["con", "prn", "aux", "nul", *(f"{port}{number}" for port in ("com", "lpt") for number in range(10))]
FOLDERS = ["tests", "docs", "src", "data", "models", "reports", "noxfile"]
COULD_BE_A_PACKAGE = re.compile(r"[a-z][a-z0-9_]*")

SEED = re.compile(r"\{% if _copier_operation == 'update' %\}/(?P<path>.+)\{% endif %\}")
CONDITION = re.compile(r"\{% if (?P<condition>[^%]+) %\}(?P<name>[^{]*)\{% endif %\}")
OWNERS_BLOCK = re.compile(r"(?<=<!-- owners -->\n).*?(?=<!-- /owners -->)", re.DOTALL)


class UnsupportedQuestionError(Exception):
    """A question that cookiecutter cannot ask as copier does."""


def main(arguments: list[str] | None = None) -> int:
    """Write or check the files, and say what was done to which."""
    options = parse(arguments)
    outdated = [path for path, text in expected(options.root, options.environment) if text != read(options.root / path)]
    if options.check:
        for path in outdated:
            print(f"{path} is out of date: run `nox -s sync`", file=sys.stderr)
        return bool(outdated)
    # The names are part of cookiecutter.json, hence one after the other.
    for path, text in expected(options.root, options.environment):
        if text != read(options.root / path):
            (options.root / path).write_text(text, encoding="utf-8", newline="\n")
            print(f"{path} is written")
    return 0


def parse(arguments: list[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="write nothing; exit status 1 where a file would change")
    parser.add_argument(
        "--environment",
        type=Path,
        action="append",
        default=[],
        help="reserve what is installed in these site-packages",
    )
    parser.add_argument("--root", type=Path, default=ROOT, help="the template's repository (default: this one)")
    return parser.parse_args(arguments)


def expected(root: Path, environments: Iterable[Path]) -> Iterator[tuple[Path, str]]:
    """Tell what each file should hold."""
    yield RESERVED, reserved_text(read(root / RESERVED).split(), environments)
    settings = yaml.safe_load(read(root / QUESTIONS))
    yield COOKIECUTTER, cookiecutter_text(settings, root)
    if (root / OWNERS).is_file():
        yield OWNERS, with_owners(read(root / OWNERS), settings, root / OWNERS.parent)


def read(path: Path) -> str:
    """Read a file that may not be there yet."""
    return path.read_text(encoding="utf-8") if path.is_file() else ""


# ------------------------------------------------------------------------------ reserved names


def reserved_text(known: Iterable[str], environments: Iterable[Path]) -> str:
    """List the names that no package may have, one a line."""
    installed = chain.from_iterable(names_in(environment) for environment in environments)
    names = {*known, *names_of_python(), *WINDOWS, *FOLDERS, *installed}
    return "".join(f"{name}\n" for name in sorted(names) if COULD_BE_A_PACKAGE.fullmatch(name))


def names_of_python() -> set[str]:
    """Collect what this interpreter reserves."""
    return {*keyword.kwlist, *keyword.softkwlist, *sys.stdlib_module_names}


def names_in(site_packages: Path) -> Iterator[str]:
    """Name what is installed, both as it is imported and as it is published."""
    if not site_packages.is_dir():
        message = f"{site_packages} is not a folder: give the site-packages of an environment"
        raise SystemExit(message)
    for distribution in distributions(path=[str(site_packages)]):
        yield normalised(distribution.metadata["Name"])
        yield from import_names(distribution)


def normalised(name: str) -> str:
    """Spell a name as a package would have it."""
    return re.sub(r"[-_.]+", "_", name).lower()


def import_names(distribution: Distribution) -> set[str]:
    """Name the modules and folders that a distribution puts at the top of site-packages."""
    files = distribution.files or []
    folders = {file.parts[0] for file in files if len(file.parts) > 1}
    modules = {file.name for file in files if len(file.parts) == 1 and file.suffix in {".py", ".so", ".pyd"}}
    return {name.split(".")[0].lower() for name in folders | modules if not name.endswith((".dist-info", ".egg-info"))}


# --------------------------------------------------------------------------- cookiecutter.json


@dataclass(frozen=True)
class Question:
    """A question as copier.yml asks it, or an answer that it computes."""

    name: str
    details: Mapping[str, Any]
    names: frozenset[str]

    @property
    def is_computed(self) -> bool:
        """Whether nobody is asked."""
        return self.details.get("when") is False

    @property
    def default(self) -> str:
        """The default, as an expression."""
        return str(self.details["default"])

    @property
    def choices(self) -> dict[str, str]:
        """The values that may be chosen, with their labels."""
        choices = self.details.get("choices", {})
        if isinstance(choices, dict):
            return {str(value): str(label) for label, value in choices.items()}
        return {str(value): str(value) for value in choices}

    @property
    def references(self) -> list[str]:
        """The other questions that the default refers to."""
        used = jinja2.meta.find_undeclared_variables(jinja2.Environment().parse(self.default))
        return sorted((used & self.names) - {self.name})


def cookiecutter_text(settings: Mapping[str, Any], root: Path) -> str:
    """Ask the questions of copier.yml in cookiecutter's way."""
    questions = questions_in(settings)
    asked = [question for question in questions.values() if not question.is_computed]
    content: dict[str, Any] = {f"_{question.name}": constant(question, root) for question in computed(asked, questions)}
    content |= {question.name: variable(question, questions, root) for question in asked}
    content["__folder"] = FOLDER
    content["__prompts__"] = {question.name: prompt(question) for question in asked}
    return dumps(content, indent=4, ensure_ascii=False) + "\n"


def questions_in(settings: Mapping[str, Any]) -> dict[str, Question]:
    """Separate the questions from the settings."""
    details = {name: value for name, value in settings.items() if not name.startswith("_")}
    return {name: Question(name, value, frozenset(details)) for name, value in details.items()}


def computed(asked: Iterable[Question], questions: Mapping[str, Question]) -> list[Question]:
    """Find the computed answers that a default needs."""
    needed = {name for question in asked for name in question.references}
    return [question for question in questions.values() if question.is_computed and question.name in needed]


def variable(question: Question, questions: Mapping[str, Question], root: Path) -> str | list[str]:
    """Give cookiecutter a text to type, or a list to choose from where its order is known beforehand."""
    if question.references:
        return prelude(question, questions) + question.default
    default = constant(question, root)
    if not question.choices:
        return default
    if default not in question.choices:
        message = f"{question.name}: the default {default!r} is not one of the choices"
        raise UnsupportedQuestionError(message)
    return [default, *(value for value in question.choices if value != default)]


def prelude(question: Question, questions: Mapping[str, Question]) -> str:
    """Name cookiecutter's answers as copier does, so that both evaluate the same expression."""
    names = {name: f"_{name}" if questions[name].is_computed else name for name in question.references}
    return "".join(f"{{% set {name} = cookiecutter.{theirs} %}}" for name, theirs in names.items())


def constant(question: Question, root: Path) -> str:
    """Evaluate a default that no other answer has a part in."""
    if question.references:
        message = f"{question.name}: a computed answer that depends on others is not supported"
        raise UnsupportedQuestionError(message)
    environment = jinja2.Environment(loader=jinja2.FileSystemLoader(root), undefined=jinja2.StrictUndefined)
    return environment.from_string(question.default).render()


def prompt(question: Question) -> str | dict[str, str]:
    """Write the text that people see; the choices with it where they are typed."""
    text = str(question.details.get("help", question.name))
    if not question.choices:
        return text
    if question.references:
        return f"{text} ({' or '.join(question.choices)})"
    return {"__prompt__": text, **question.choices}


# ----------------------------------------------------------------------------- table of owners


def with_owners(text: str, settings: Mapping[str, Any], template: Path) -> str:
    """Write the table between its marks."""
    if not OWNERS_BLOCK.search(text):
        message = f"{OWNERS}: the lines <!-- owners --> and <!-- /owners --> are missing"
        raise SystemExit(message)
    return OWNERS_BLOCK.sub(lambda _: owners_table(seeds(settings), conditions(template)), text)


def seeds(settings: Mapping[str, Any]) -> list[str]:
    """List the paths that are written once and never touched by an update."""
    entries = (SEED.fullmatch(entry) for entry in settings.get("_exclude", []))
    return [entry["path"] for entry in entries if entry]


def conditions(template: Path) -> dict[str, str]:
    """Tell which files are there only under a condition; where a file has a variant for each case, it always is."""
    found: dict[str, list[str]] = {}
    for file in template.rglob("*"):
        path = file.relative_to(template).as_posix().removesuffix(".jinja")
        condition = " and ".join(match["condition"] for match in CONDITION.finditer(path))
        found.setdefault(CONDITION.sub(r"\g<name>", path).replace(" ", ""), []).append(condition)
    return {path: cases[0] for path, cases in found.items() if len(cases) == 1 and cases[0]}


def owners_table(paths: Iterable[str], conditions: Mapping[str, str]) -> str:
    """Draw the table; everything that is not in it is the template's."""
    rows = (row(path, conditions.get(path.replace(" ", ""))) for path in paths)
    return "\n".join(["| Path | Owner |", "| --- | --- |", *rows, "| everything else | the template's |", ""])


def row(path: str, condition: str | None) -> str:
    """Draw a row, which is there only if the file is."""
    text = f"| `{path}` | yours |"
    return f"{{%- if {condition} %}}\n{text}\n{{%- endif %}}" if condition else text


if __name__ == "__main__":
    sys.exit(main())
