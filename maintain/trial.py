"""A trial on repositories of earlier releases: each is marked in every file and updated with plain copier."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from copier import Settings, run_copy, run_update

from formwork import git
from formwork.answers import ANSWERS, read_answers
from formwork.template import Template
from maintain.question_rules import remedy
from maintain.refusal import Refusal
from maintain.releases import surroundings

Answers = Mapping[str, Any]


def losses(template: Template, repository: Path) -> Iterator[Refusal]:
    """Mark each file of a repository, update it, and look for the marks and the answers."""
    marks = {path: f"mark of {path}|\n" for path in files_in(repository) if path != ANSWERS}
    for path, mark in marks.items():
        with (repository / path).open("a", encoding="utf-8") as file:
            file.write(mark)
    for command in (["init"], ["add", "--all", "--force"], ["commit", "--message", "Marks"]):
        git.run(repository, *command, env=surroundings())
    before = recorded(repository)
    if not update(repository):
        return
    content = b"".join((repository / path).read_bytes() for path in files_in(repository))
    for path, mark in marks.items():
        if mark.encode() not in content:
            yield Refusal(path, f"an update loses edits of it: keep it as it was, or add /{path} to _exclude, for good")
    after = recorded(repository)
    for name in before.keys() & template.questions(template.newest).keys():
        if before[name] != after.get(name):
            change = f"an update turns the answer {before[name]!r} into {after.get(name)!r}"
            yield Refusal(name, f"{change}: {remedy(name)}")


def update(repository: Path) -> bool:
    """Update, unless it ends because a choice is gone: that is promised, if nothing is written."""
    try:
        run_update(repository, defaults=True, overwrite=True, quiet=True, settings=Settings())
    except ValueError as error:
        changes = git.text(repository, "status", "--porcelain", env=surroundings())
        if changes or not str(error).startswith("Invalid choice"):
            raise
        return False
    return True


def generate(template: Template, tag: str, answers: Answers, folder: Path, *, pretend: bool = False) -> Path:
    """Generate a repository from a release, without personal settings."""
    options: dict[str, Any] = {"defaults": True, "quiet": True, "pretend": pretend, "settings": Settings()}
    run_copy(str(template.clone), folder, data=dict(answers), vcs_ref=tag, **options)
    return folder


def recorded(repository: Path) -> dict[str, Any]:
    """Read the answers that a repository keeps."""
    answers = read_answers(repository / ANSWERS)
    return {name: answer for name, answer in answers.items() if not name.startswith("_")}


def files_in(repository: Path) -> list[str]:
    """List the files, without git's own."""
    paths = (path.relative_to(repository) for path in sorted(repository.rglob("*")) if path.is_file())
    return [path.as_posix() for path in paths if path.parts[0] != ".git"]
