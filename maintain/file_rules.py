"""The rules for files: an update can carry each of them, and no path disappears."""

import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path, PurePosixPath

import jinja2

from formwork import git
from formwork.answers import ANSWERS, read_answers
from formwork.questions import questions_in
from formwork.template import Template
from maintain.refusal import Refusal
from maintain.releases import surroundings
from maintain.spread import spread, still_valid
from maintain.trial import Answers, files_in, generate


def refused_files(root: Path) -> Iterator[Refusal]:
    """Find the files that updates cannot carry."""
    for path in sorted((root / "template").rglob("*")):
        name = path.relative_to(root).as_posix()
        if not path.name.isascii():
            yield Refusal(name, "plain copier does not see its `_exclude` entry: name it in ASCII")
        if path.is_symlink():
            yield Refusal(name, "an update writes through a symbolic link: put a file there")
        elif path.is_file() and not is_text(path.read_bytes()):
            yield Refusal(name, "every update reverts a binary: have it made by the repository, or do without")


def is_text(content: bytes) -> bool:
    """Return whether git and people can read it."""
    try:
        return "\0" not in content.decode()
    except UnicodeDecodeError:
        return False


def refused_renders(template: Template, scratch: Path) -> Iterator[Refusal]:
    """Find the files of a new repository that git does not show or compare."""
    for number, answers in enumerate(spread(template, template.newest)):
        folder = generate(template, template.newest, answers, scratch / f"new-{number}")
        plain = surroundings()
        git.run(folder, "init", "--quiet", env=plain)
        ignored = git.run(folder, "ls-files", "-z", "--others", "--ignored", "--exclude-standard", env=plain)
        for path in git.paths_in(ignored):
            yield Refusal(path, "an update loses edits of what git ignores: take it out of the ignore rules")
        names = git.joined(files_in(folder))
        attributes = git.paths_in(git.run(folder, "check-attr", "-z", "--stdin", "diff", stdin=names, env=plain))
        for path, _, value in zip(*[iter(attributes)] * 3, strict=True):
            if value == "unset":
                yield Refusal(path, "an update loses edits of what has -diff: take the attribute away")


def changes(template: Template, repository: Path) -> Iterator[Refusal]:
    """Compare what was generated with what would be generated now, for the same answers."""
    answers = read_answers(repository / ANSWERS)
    settings = template.settings(template.newest)
    valid = still_valid(answers, questions_in(settings))
    new = generate(template, template.newest, valid, repository.with_name(f"{repository.name}-again"))
    yield from changed_paths(files_in(repository), files_in(new), kept_paths(settings.get("_exclude", []), answers))


def changed_paths(old: Sequence[str], new: Sequence[str], kept: Sequence[str]) -> Iterator[Refusal]:
    """Find the paths that disappear, or change their kind."""
    becomes = "and a file and a folder do not merge: take another name"
    for path in old:
        if path in folders_of(new):
            yield Refusal(path, f"it was a file and becomes a folder, {becomes}")
        elif path not in new and not any(PurePosixPath(path).is_relative_to(entry) for entry in kept):
            yield Refusal(path, f"it was released and is gone, and edits with it: add /{path} to _exclude, for good")
    for path in new:
        if path in folders_of(old):
            yield Refusal(path, f"it was a folder and becomes a file, {becomes}")


def folders_of(paths: Iterable[str]) -> set[str]:
    """Return the folders that contain some files."""
    return {str(folder) for path in paths for folder in PurePosixPath(path).parents}


def kept_paths(entries: Iterable[str], answers: Answers) -> list[str]:
    """Read the entries of _exclude that stand for one path or folder, as an update of a repository does."""
    rendered = (jinja2.Template(entry).render(answers, _copier_operation="update") for entry in entries)
    return [entry.strip("/") for entry in rendered if re.fullmatch(r"/[^*?\[]+", entry)]
