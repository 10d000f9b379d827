"""Tell what a release would break or lose in the repositories of earlier releases.

There are rules, each with its remedy, and there is what happens: repositories of each release get a
mark in each file and are updated by plain copier. Whatever the rules say, each mark and each answer
must still be there.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from difflib import SequenceMatcher
from itertools import chain, combinations, product
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

import jinja2
from copier import Settings, run_copy, run_update
from copier.errors import CopierError
from plumbum import local

from formwork import git
from formwork.answers import ANSWERS, read_answers
from formwork.errors import in_one_line
from formwork.questions import Question, questions_in
from formwork.template import Template
from maintain.releases import PLAIN, surroundings

REFUSED_ANSWER = re.compile(r"Validation error for question '(\w+)'")
NAMED_QUESTION = re.compile(r"""(?:for|[Qq]uestion) ['"](\w+)['"]""")

NEED_TRUST = ("_tasks", "_migrations", "_jinja_extensions")
TEXTS = ("text", "text@example.org", "https://example.org/text/text")
SIMILAR = 0.6

Answers = Mapping[str, Any]
Questions = Mapping[str, Question]


class Refusal(NamedTuple):
    """What breaks which rule, with the remedy."""

    what: str
    rule: str

    def __str__(self) -> str:
        """Write it as a line."""
        return f"{self.what}: {self.rule}"


# ------------------------------------------------------------------------ what speaks against it


def refusals(template: Template, scratch: Path) -> list[Refusal]:
    """Collect what breaks a rule, and what an update loses although no rule named it."""
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
    """Look at the candidate itself, in all its places."""
    candidate = template.newest
    yield from refused_settings(template.settings(candidate))
    yield from refused_questions(template.questions(candidate), list(map(template.questions, earlier(template))))
    yield from refused_files(template.checkout(candidate))
    yield from told(refused_renders(template, scratch))


def earlier(template: Template) -> list[str]:
    """List the releases before the candidate, which is the newest."""
    return template.releases()[:-1]


def told(found: Iterable[Refusal]) -> Iterator[Refusal]:
    """Tell of copier's own refusal as of any other."""
    try:
        yield from found
    except (CopierError, ValueError, jinja2.TemplateError) as error:
        question = NAMED_QUESTION.search(str(error))
        what = question[1] if question else "copier.yml"
        yield Refusal(what, f"copier stops, mend what it says: {in_one_line(error)}")


def refused_settings(settings: Mapping[str, Any]) -> Iterator[Refusal]:
    """Find what makes an update ask for trust."""
    for name in NEED_TRUST:
        if name in settings:
            yield Refusal(name, "an update would need --trust: do without")


# ----------------------------------------------------------------------------------- questions


def refused_questions(asked: Questions, released: Sequence[Questions]) -> Iterator[Refusal]:
    """Find the questions through which an answer would be lost, or an update would break."""
    for question in asked.values():
        if "default" not in question.details:
            yield Refusal(question.name, "there is no default: an update has nobody to ask, give it one")
    for earlier in released:
        yield from removed_choices(asked, earlier)
        yield from renamed_questions(asked, earlier, released)


def removed_choices(asked: Questions, earlier: Questions) -> Iterator[Refusal]:
    """Find the choices that an update would replace in silence."""
    for name in asked.keys() & earlier.keys():
        gone = earlier[name].choices.keys() - asked[name].choices.keys()
        if asked[name].choices and gone and not takes_over(asked[name], name):
            rule = f"the choice {', '.join(sorted(gone))} is gone, and its users' answer is replaced in silence"
            yield Refusal(name, f"{rule}: {remedy(name)}")


def renamed_questions(asked: Questions, earlier: Questions, released: Iterable[Questions]) -> Iterator[Refusal]:
    """Find the questions that take the place of another one, without its answer."""
    for old, new in product(earlier.keys() - asked.keys(), asked.keys() - earlier.keys()):
        side_by_side = any({old, new} <= questions.keys() for questions in released)
        if succeeds(asked[new], earlier[old]) and not side_by_side and not takes_over(asked[new], old):
            yield Refusal(new, f"it looks like {old}, whose answer is lost: {remedy(new, old)}")


def succeeds(new: Question, old: Question) -> bool:
    """Whether a question looks like another one under a new name."""
    if new.is_computed or old.is_computed or new.details.get("type") != old.details.get("type"):
        return False
    same_choices = bool(new.choices) and new.choices.keys() == old.choices.keys()
    helps = (question.details.get("help", question.name) for question in (new, old))
    return same_choices or similar(*helps) or similar(new.name, old.name)


def similar(one: str, other: str) -> bool:
    """Whether two texts are mostly the same."""
    return SequenceMatcher(None, one, other).ratio() >= SIMILAR


def takes_over(question: Question, name: str) -> bool:
    """Whether the default is the answer to a question, where there is one."""
    return re.search(rf"\b{name}\s+if\s+{name}\s+is\s+defined\b", str(question.details.get("default"))) is not None


def remedy(*names: str) -> str:
    """Tell how a default keeps the answers."""
    return f"begin its default with {{{{ {' else '.join(f'{name} if {name} is defined' for name in names)} else …"


# --------------------------------------------------------------------------------------- files


def refused_files(root: Path) -> Iterator[Refusal]:
    """Find what updates cannot carry."""
    for path in sorted((root / "template").rglob("*")):
        name = path.relative_to(root).as_posix()
        if not path.name.isascii():
            yield Refusal(name, "plain copier does not see its `_exclude` entry: name it in ASCII")
        if path.is_symlink():
            yield Refusal(name, "an update writes through a symbolic link: put a file there")
        elif path.is_file() and not is_text(path.read_bytes()):
            yield Refusal(name, "every update reverts a binary: have it made by the repository, or do without")


def is_text(content: bytes) -> bool:
    """Whether git and people can read it."""
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
    """Compare what was generated with what would be, for the same answers."""
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
    """Name the folders that files are in."""
    return {str(folder) for path in paths for folder in PurePosixPath(path).parents}


def kept_paths(entries: Iterable[str], answers: Answers) -> list[str]:
    """Read the entries of _exclude that stand for one path or one folder, as an update of a repository reads them."""
    rendered = (jinja2.Template(entry).render(answers, _copier_operation="update") for entry in entries)
    return [entry.strip("/") for entry in rendered if re.fullmatch(r"/[^*?\[]+", entry)]


# ------------------------------------------------------------------------------- what is answered


def spread(template: Template, tag: str) -> list[Answers]:
    """Answer the questions of a release in a few ways, with each choice at least once."""
    asked = [question for question in template.questions(tag).values() if not question.is_computed]
    texts = [question.name for question in asked if question.details.get("type") == "str" and not question.choices]
    factors = [[{question.name: choice} for choice in question.choices] for question in asked if question.choices]
    written = [accepted(texts, samples, lambda answers: refused(template, tag, answers)) for samples in ([""], TEXTS)]
    return covering([*factors, written])


def covering(factors: Sequence[Sequence[Answers]]) -> list[Answers]:
    """Combine each level of each factor, and as many pairs of levels as fit into so few combinations."""
    rows = list(product(*(range(len(levels)) for levels in factors)))
    unused = [set(range(len(levels))) for levels in factors]
    seen: set[object] = set()
    chosen: list[Answers] = []
    for left in reversed(range(max(map(len, factors)))):
        in_time = (row for row in rows if all(len(rest - {at}) <= left for rest, at in zip(unused, row, strict=True)))
        best = max(in_time, key=lambda row: len(pairs(row) - seen))
        seen |= pairs(best)
        unused = [rest - {at} for rest, at in zip(unused, best, strict=True)]
        chosen.append(dict(chain(*(levels[at].items() for levels, at in zip(factors, best, strict=True)))))
    return chosen


def pairs(row: Sequence[int]) -> set[object]:
    """Name the pairs of levels in a combination."""
    return set(combinations(enumerate(row), 2))


def accepted(names: Iterable[str], samples: Iterable[str], refused: Callable[[Answers], str]) -> Answers:
    """Give each question the first sample that it accepts, if there is one."""
    left = {name: list(samples) for name in names}
    while name := refused({name: texts[0] for name, texts in left.items() if texts}):
        left[name].pop(0)
    return {name: texts[0] for name, texts in left.items() if texts}


def refused(template: Template, tag: str, answers: Answers) -> str:
    """Name the question that does not accept its answer; empty where all do."""
    try:
        generate(template, tag, answers, template.scratch / "nothing", pretend=True)
    except ValueError as error:
        question = REFUSED_ANSWER.match(str(error))
        if question and question[1] in answers:
            return question[1]
        raise
    return ""


def still_valid(answers: Answers, questions: Questions) -> Answers:
    """Leave out the answers that an update can no longer take."""
    asked = {name: questions[name].choices for name in answers.keys() & questions.keys()}
    return {name: answers[name] for name, choices in asked.items() if not choices or str(answers[name]) in choices}


# ------------------------------------------------------------------------------- what happens


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
    """Generate a repository from a release, with nobody's settings."""
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
