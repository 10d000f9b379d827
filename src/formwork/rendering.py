"""Both releases of the template, rendered for a repository: the two sides of an update."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from formwork.answers import ANSWERS, Recorded, read_answers
from formwork.errors import FormworkError
from formwork.repository import Repository, Tree
from formwork.template import Template, in_a_terminal


@dataclass(frozen=True)
class Renders:
    """What the template renders for this repository.

    Attributes:
        old: The recorded release with the recorded answers.
        new: The new release with the new answers.
        merged: The same, but with the owner's files as in the recorded release.
        answers: The answers that differ from the recorded ones: changed ones and new ones.
    """

    old: Tree
    new: Tree
    merged: Tree
    answers: Mapping[str, Any]


def render_both(
    repository: Repository, template: Template, release: str, recorded: Recorded, changed: Mapping[str, Any]
) -> Renders:
    """Render the recorded release and the new one.

    A changed answer changes the owner's files too. For this, they are rendered from the recorded release with the new
    answers, so that nothing else changes in them.

    Args:
        repository: Where the trees are stored.
        template: The template.
        release: The new release.
        recorded: What the repository records.
        changed: The answers that are to change.
    """
    answers = {**recorded.values, **changed}
    if "package_name" in changed:
        del answers["_commit"]  # the template accepts a recorded name that it would refuse as a new one
    before = template.render(recorded.commit, recorded.values)
    name = release if release == recorded.commit else template.describe(release)
    after = template.render(release, answers, is_asked=in_a_terminal(), record=name)
    is_another = not template.is_same(release, recorded.commit)
    same = rendered_again(template, recorded.commit, answers) if changed and is_another else None
    names = read_answers(after / ANSWERS)
    paths = template.seeds(recorded.commit, names) | template.seeds(release, names)
    seeds = {repository.prefix + path for path in paths}
    old, new = repository.store(before), repository.store(after)
    kept = repository.store(same) if same else old if is_another else new
    old |= repository.store_files({repository.prefix + ANSWERS: repository.project / ANSWERS})
    merged = {path: file for path, file in new.items() if path not in seeds}
    merged |= {path: file for path, file in (new | kept).items() if path in seeds}
    told = {name: names[name] for name in template.questions(release) if name in names}
    told = {name: answer for name, answer in told.items() if answer != recorded.values.get(name)}
    return Renders(old, new, merged, told)


def rendered_again(template: Template, commit: str, answers: Mapping[str, Any]) -> Path | None:
    """Render the recorded release with changed answers, unless it does not know them."""
    try:
        return template.render(commit, answers)
    except FormworkError:
        print(f"note: {commit} does not know these answers, so what is yours stays as it is")
    return None
