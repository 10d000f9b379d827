"""The answers to the template's questions: given, found in the repository, typed, or defaults."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from formwork.adopting.detect import Fact, History, facts, integration
from formwork.adopting.fitting import their_licences
from formwork.adopting.metadata import Person
from formwork.adopting.reading import table, texts
from formwork.answers import ANSWERS, read_answers
from formwork.errors import FormworkError, in_one_line
from formwork.repository import Repository, Tree
from formwork.template import Template, in_a_terminal

REFUSED = re.compile(r"(?:question|choice for) '(\w+)': (.*)")

NO_LICENCE = "no licence that is known here is in the repository"


@dataclass(frozen=True)
class Answers:
    """The answers to the questions, and what the template renders with them.

    Attributes:
        names: Each answer.
        where: Where it comes from.
        notes: What was found but is not a valid answer.
        rendered: The folder with the files.
    """

    names: Mapping[str, Any]
    where: Mapping[str, str]
    notes: list[str]
    rendered: Path


@dataclass(frozen=True)
class Accepted:
    """Facts that the template accepts as answers, and what it renders with them."""

    chosen: Mapping[str, Fact]
    rendered: Path


def answer(repository: Repository, theirs: Tree, template: Template, release: str, given: Mapping[str, str]) -> Answers:
    """Answer the questions of a release.

    Args:
        repository: The repository.
        theirs: What is committed in it.
        template: The template.
        release: Its release.
        given: The answers that were given on the command line.
    """
    mine = repository.own_paths(theirs)
    settings = template.settings(release)
    found = find_facts(repository, theirs, settings)
    found = {name: answers for name, answers in found.items() if name in settings and name not in given}
    notes: list[str] = []
    accepted = first_accepted(template, release, given, found, notes)
    if "package_name" in settings and "package_name" not in given:
        package = read_answers(accepted.rendered / ANSWERS)["package_name"]
        if reason := collision(package, mine, accepted.rendered):
            free = next(name for name in other_names(package) if not collision(name, mine, accepted.rendered))
            found |= {"package_name": [Fact(free, reason)]}
            accepted = first_accepted(template, release, given, found, notes)
    rendered, is_asked = accepted.rendered, in_a_terminal()
    if is_asked:
        known = {name: fact.value for name, fact in accepted.chosen.items()}
        rendered = template.render(release, {**given, **known}, is_asked=True, record=template.describe(release))
    recorded = read_answers(rendered / ANSWERS)
    names = {name: value for name, value in recorded.items() if name in settings and not name.startswith("_")}
    where = dict.fromkeys(names, "typed" if is_asked else "the default") | dict.fromkeys(given, "--data")
    where |= {name: fact.where for name, fact in accepted.chosen.items()}
    if where.get("license") in {"the default", NO_LICENCE} and (files := their_licences(mine)):
        notes.append(f"{files[0]} stays; if it is not {names['license']}, correct license in pyproject.toml")
    return Answers(names, where, notes, rendered)


def find_facts(repository: Repository, theirs: Tree, settings: Mapping[str, Any]) -> dict[str, list[Fact]]:
    """Read what the repository says about itself."""
    mine = repository.own_paths(theirs)
    first = repository.git("log", "--reverse", "--format=%an%x00%ae", "--", repository.prefix or ".")
    name, _, email = first.decode(errors="replace").partition("\n")[0].partition("\0")
    remote = repository.git("config", "--get", "remote.origin.url", fine=(0, 1)).decode(errors="replace")
    history = History(Person(name, email), remote.strip())
    pythons = texts(table(settings, "python_version").get("choices"))
    found = facts(repository.project, mine, history, pythons)
    if "proprietary" in texts(table(settings, "license").get("choices")):
        found.setdefault("license", [Fact("proprietary", NO_LICENCE)])
    return found if found.get("ci") else found | {"ci": list(integration(set(theirs)))}


def first_accepted(
    template: Template,
    release: str,
    given: Mapping[str, str],
    found: Mapping[str, list[Fact]],
    notes: list[str],
) -> Accepted:
    """Render with what was found, the most certain first; note and leave out what the template's rules refuse."""
    while True:
        chosen = {name: answers[0] for name, answers in found.items() if answers}
        known = {name: fact.value for name, fact in chosen.items()}
        try:
            return Accepted(chosen, template.render(release, {**known, **given}, record=template.describe(release)))
        except FormworkError as problem:
            refused = REFUSED.search(in_one_line(problem.__cause__))
            if not refused or refused[1] not in chosen:
                raise
            name, reason = refused.groups()
            notes.append(f"{name} is not {chosen[name].value} ({chosen[name].where}): {reason}")
            found = {**found, name: found[name][1:]}


def collision(package: str, mine: set[str], rendered: Path) -> str:
    """Name what of the repository would be hidden or taken for the template's by a package of that name."""
    for path in sorted(mine):
        top = PurePosixPath(path).parts[0]
        if path.endswith(".py") and top.lower() in {package, f"{package}.py"}:
            return f"{top if path == top else top + '/'} is yours, and your imports still find it"
    theirs = {path.lower(): path for path in mine}
    for file in sorted(rendered.glob("src/*/**/*.py")):
        inside = PurePosixPath(*file.relative_to(rendered).parts[2:])
        place = PurePosixPath("src", package, inside)
        if str(inside) != "__init__.py" and str(place) in theirs:
            return f"{theirs[str(place)]} is yours, and the template has a module of that name"
        folder = str(place.parent.with_suffix(".py"))
        if folder in theirs:
            return f"{theirs[folder]} is yours, and a folder would hide it"
    return ""


def other_names(package: str) -> Iterator[str]:
    """Yield names similar to a package's name, of at most 40 characters."""
    for ending in ("ml", "model", "pipeline", *map(str, range(2, 100))):
        yield f"{shortened(package, 39 - len(ending))}_{ending}"


def shortened(name: str, length: int) -> str:
    """Cut a name between words, or within the first if that is longer."""
    if len(name) <= length:
        return name
    return name[: length + 1].rpartition("_")[0].rstrip("_") or name[:length]
