"""The template: its releases, its questions, and what it renders."""

import re
import sys
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path, PurePosixPath
from typing import Any

import yaml
from packaging.version import InvalidVersion, Version

from formwork import git
from formwork.answers import ANSWERS, Recorded, address, without_release
from formwork.errors import FormworkError, in_one_line
from formwork.questions import Question, questions_in
from formwork.seeds import filled_in, seeds_in

RELEASE = re.compile(r"Release ((?:0|[1-9][0-9]*)(?:\.(?:0|[1-9][0-9]*)){2})")
HEADING = re.compile(r"## \[?v?(?P<number>\d\S*?)\]?(\s|$)")


@cache
def settings_in(checkout: Path) -> Mapping[str, Any]:
    """Read copier.yml in a checkout, which nobody changes."""
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # that of libyaml, if it is there, takes a tenth of the time
    return dict(yaml.load((checkout / "copier.yml").read_text(encoding="utf-8"), loader))  # noqa: S506


@dataclass(frozen=True)
class Template:
    """A template with its whole history.

    Attributes:
        url: Where it comes from, as copier records it.
        clone: A bare repository that holds it.
        scratch: A folder for temporary files.
    """

    url: str
    clone: Path
    scratch: Path

    @classmethod
    def fetch(cls, url: str, scratch: Path, *, where: str = "") -> "Template":
        """Clone a template.

        Args:
            url: Its address, as copier records it.
            scratch: A folder for temporary files, including the clone.
            where: Where the address is from, for the error message.

        Raises:
            FormworkError: If there is no template, or it cannot be reached.
        """
        clone = scratch / "template.git"
        source = address(url)
        try:
            git.run(scratch, "clone", "--quiet", "--bare", "--", source, str(clone))
        except FormworkError as problem:
            message = f"the template {url} cannot be fetched{where}: {problem}"
            raise FormworkError(message) from problem
        return cls(url, clone, scratch)

    @classmethod
    def of(cls, recorded: Recorded, scratch: Path) -> "Template":
        """Clone the template that a repository records."""
        return cls.fetch(recorded.url, scratch, where=f" (recorded in {ANSWERS})")

    @property
    def name(self) -> str:
        """The name for people."""
        return PurePosixPath(self.url.rstrip("/")).name.removesuffix(".git")

    def git(self, *arguments: str) -> str:
        """Ask git about the template; return an empty text if git has no answer."""
        return git.text(self.clone, *arguments, fine=(0, 1, 128))

    def releases(self) -> list[str]:
        """List the tags that are final versions, oldest first."""
        versions = {tag: version(tag) for tag in self.git("tag").splitlines()}
        final = {tag: number for tag, number in versions.items() if number and not number.is_prerelease}
        return sorted(final, key=final.__getitem__)

    @property
    def newest(self) -> str:
        """The newest release."""
        return self.releases()[-1]

    def commit(self, revision: str) -> str:
        """Return the hash of a revision's commit, empty if there is none."""
        return self.git("rev-parse", "--verify", "--quiet", "--end-of-options", revision + "^{commit}")

    def describe(self, revision: str) -> str:
        """Name a revision as copier records it."""
        return self.git("describe", "--tags", "--always", self.commit(revision))

    def find(self, wanted: str) -> str:
        """Find a revision by its name; the `v` of a release may be missing.

        Raises:
            FormworkError: If there is none.
        """
        wanted = f"v{wanted}" if self.commit(f"v{wanted}") else wanted
        if not self.commit(wanted):
            message = f"{self.name} has no {wanted}: its releases are {', '.join(self.releases()) or 'none'}"
            raise FormworkError(message)
        return wanted

    def require(self, recorded: str) -> None:
        """Refuse a recorded revision that the template lacks.

        Raises:
            FormworkError: If it lacks it.
        """
        if not self.commit(recorded):
            message = f"{self.url} has no {recorded}, which {ANSWERS} records as its _commit"
            raise FormworkError(without_release(message))

    def choose(self, wanted: str | None, recorded: str) -> str:
        """Choose the revision to update to, which is never older than the recorded one.

        Args:
            wanted: The name of a revision; None for the newest release.
            recorded: The revision that the repository records.

        Raises:
            FormworkError: If the template lacks one of the two, or if the wanted one is older.
        """
        self.require(recorded)
        if not wanted:
            newest = next(reversed(self.releases()), recorded)
            return recorded if self.is_older(newest, recorded) else newest
        wanted = self.find(wanted)
        if self.is_older(wanted, recorded):
            message = f"{wanted} is older than {recorded}, which is recorded: an update only goes forward"
            raise FormworkError(message)
        return wanted

    def is_older(self, one: str, other: str) -> bool:
        """Return whether a revision comes before another, by their numbers or else by history."""
        if (first := version(one)) and (second := version(other)):
            return first < second
        first_commit, second_commit = self.commit(one), self.commit(other)
        base = self.git("merge-base", first_commit, second_commit)
        return base == first_commit != second_commit

    def is_same(self, one: str, other: str) -> bool:
        """Return whether two revisions are one commit."""
        return self.commit(one) == self.commit(other)

    def notes(self, recorded: str, release: str) -> list[str]:
        """Return what the changelog says about each release after the recorded one, up to another."""
        changelog = self.git("show", f"{self.commit(release)}:CHANGELOG.md")
        sections = re.split(r"^(?=## )", changelog, flags=re.MULTILINE)
        return [section.strip() for section in sections if self._is_between(section, recorded, release)]

    def _is_between(self, section: str, recorded: str, release: str) -> bool:
        """Return whether a section of the changelog is about a release after the recorded one."""
        heading = HEADING.match(section)
        tag = f"v{heading['number']}" if heading else ""
        return bool(self.commit(tag)) and self.is_older(recorded, tag) and not self.is_older(release, tag)

    def checkout(self, revision: str) -> Path:
        """Return a folder with the files of a revision."""
        folder = self.scratch / "checkouts" / self.commit(revision)
        if not folder.exists():
            folder.mkdir(parents=True)
            places = {"GIT_INDEX_FILE": str(self.scratch / "index"), "GIT_WORK_TREE": str(folder)}
            git.run(
                self.clone,
                *("checkout", "--force", self.commit(revision), "--", "."),
                env=git.environment() | places | {"GIT_DIR": str(self.clone)},
                settings={**git.SETTINGS, "core.bare": "false", "core.autocrlf": "false"},
            )
        return folder

    def settings(self, revision: str) -> Mapping[str, Any]:
        """Read copier.yml."""
        return settings_in(self.checkout(revision))

    def questions(self, revision: str) -> dict[str, Question]:
        """List the questions, including those of computed answers."""
        return questions_in(self.settings(revision))

    def asked(self, revision: str) -> list[str]:
        """List the names of the questions that somebody is asked."""
        return [name for name, question in self.questions(revision).items() if question.is_asked]

    def read_data(self, release: str, data: Iterable[str]) -> dict[str, str]:
        """Read `NAME=VALUE` as answers to questions of a release.

        Raises:
            FormworkError: If a text is not of this form, or does not name a question.
        """
        asked = self.asked(release)
        pairs = [word.partition("=") for word in data]
        for name, equals, _ in pairs:
            if not equals or name not in asked:
                message = f"--data {name}: write NAME=VALUE, where NAME is one of {', '.join(asked)}"
                raise FormworkError(message)
        return {name: value for name, _, value in pairs}

    def seeds(self, revision: str, answers: Mapping[str, Any]) -> set[str]:
        """List the paths of the files that belong to the owner once they are delivered."""
        return {filled_in(path, answers) for path in seeds_in(self.settings(revision))}

    def render(self, revision: str, answers: Mapping[str, Any], *, is_asked: bool = False, record: str = "") -> Path:
        """Render a revision into a new folder.

        Args:
            revision: A release or another revision.
            answers: The answers; other questions are asked, or get their defaults.
            is_asked: Whether a person can be asked.
            record: The name by which the answers file records the revision, with the template's address; empty to
                record the folder that was rendered.

        Raises:
            FormworkError: If the template refuses the answers.
        """
        from copier import run_copy  # imported here because it takes a third of a second
        from copier.errors import CopierAnswersInterrupt

        from formwork.shortcuts import shortcuts

        folder = Path(tempfile.mkdtemp(dir=self.scratch))
        questions = self.questions(revision)
        data = {
            name: answer for name, answer in answers.items() if name not in questions or not questions[name].is_computed
        }
        try:
            with shortcuts():
                run_copy(str(self.checkout(revision)), folder, data=data, defaults=not is_asked, quiet=True)
        except CopierAnswersInterrupt as error:
            raise KeyboardInterrupt from error
        except Exception as error:
            remedy = "; to change an answer: --data NAME=VALUE" if isinstance(error, ValueError) else ""
            message = f"{revision} refuses: {in_one_line(error)}{remedy}"
            raise FormworkError(message) from error
        if record:
            self._record(folder / ANSWERS, record)
        return folder

    def _record(self, answers: Path, name: str) -> None:
        """Record the template's address and a revision instead of the folder that was rendered."""
        lines = yaml.safe_dump({"_commit": name, "_src_path": self.url})
        text = answers.read_text(encoding="utf-8")
        text = re.sub(r"^_src_path: .*\n", lambda _: lines, text, count=1, flags=re.MULTILINE)
        answers.write_text(text, encoding="utf-8", newline="\n")


def version(tag: str) -> Version | None:
    """Read a tag as a version, if it is one."""
    try:
        return Version(tag)
    except InvalidVersion:
        return None


def release_commits(repository: Path) -> dict[str, str]:
    """Find the commits with the subject `Release X.Y.Z`, by the tag of that release, oldest first."""
    log = git.text(repository, "log", "--reverse", "--format=%H %s")
    subjects = (line.split(" ", 1) for line in log.splitlines())
    found = ((commit, RELEASE.fullmatch(subject)) for commit, subject in subjects)
    return {f"v{release[1]}": commit for commit, release in found if release}


def in_a_terminal() -> bool:
    """Return whether a person can be asked."""
    return sys.stdin.isatty() and sys.stdout.isatty()
