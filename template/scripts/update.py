#!/usr/bin/env -S uv run --script
# /// script
# requires-python = ">=3.11"
# dependencies = ["copier>=9.19,<10", "packaging>=24", "pyyaml>=6"]
# ///
"""Bring this repository to a newer release of its template.

An update is a merge: the recorded release is rendered with your answers, then the new one, and git
merges the difference into your files. The merge is made beside the working tree and then put into
place, the index first: whenever this is interrupted, `git reset --hard` is the whole remedy.

This file is the template's: updates keep it current.
"""

import argparse
import os
import re
import shutil
import stat
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import NamedTuple

import yaml
from copier import run_copy
from copier.errors import CopierAnswersInterrupt
from packaging.version import InvalidVersion, Version

ANSWERS = ".copier-answers.yml"
MARK = "formwork-update"  # in .git while an update is put into place

# What git does must not depend on the settings of who runs it, nor on a hook that runs this.
SETTINGS = {
    "core.hooksPath": os.devnull,
    "core.fsmonitor": "false",
    "core.splitIndex": "false",
    "merge.renames": "true",
    "merge.directoryRenames": "true",
    "merge.renameLimit": "0",
    "merge.conflictStyle": "merge",
}
ELSEWHERE = re.compile(
    r"GIT_(DIR|WORK_TREE|INDEX_FILE|PREFIX|COMMON_DIR|NAMESPACE|.*OBJECT_DIRECTORIES|OBJECT_DIRECTORY)"
)
AUTHOR = {
    f"GIT_{person}_{detail}": value
    for person in ("AUTHOR", "COMMITTER")
    for detail, value in (("NAME", "update"), ("EMAIL", "update@localhost"), ("DATE", "@0 +0000"))
}
IN_PROGRESS = {
    "MERGE_HEAD": "a merge is in progress: finish it, or git merge --abort",
    "CHERRY_PICK_HEAD": "a cherry-pick is in progress: finish it, or git cherry-pick --abort",
    "REVERT_HEAD": "a revert is in progress: finish it, or git revert --abort",
    "rebase-merge": "a rebase is in progress: finish it, or git rebase --abort",
    "rebase-apply": "a rebase is in progress: finish it, or git rebase --abort (git am --abort)",
    "index.lock": "git is at work here: wait for it, or delete .git/index.lock if it is not",
}
SEED = re.compile(r"\{% if _copier_operation == 'update' %\}/(?P<path>.+)\{% endif %\}")
ONE_SIDED = {"CONFLICT (modify/delete)", "CONFLICT (rename/delete)"}


class ProblemError(Exception):
    """What is wrong and what to do about it, in one line."""


class File(NamedTuple):
    """A file as git stores it."""

    mode: str
    blob: str


Tree = Mapping[str, File]


# ----------------------------------------------------------------------------------- the story


def main(arguments: list[str] | None = None) -> int:
    """Update, and give the exit status: 0 only where nothing is left to do."""
    options = parse(arguments)
    return guarded(lambda scratch: update(options, scratch))


def guarded(work: Callable[[Path], int]) -> int:
    """Do something that needs a folder for temporary files; say in one line why it cannot be."""
    try:
        with tempfile.TemporaryDirectory(prefix="formwork-") as scratch:
            return work(Path(scratch))
    except ProblemError as problem:
        print(f"error: {problem}", file=sys.stderr)
    except KeyboardInterrupt:
        print("error: interrupted; if git status shows changes: git reset --hard", file=sys.stderr)
    return 1


def parse(arguments: list[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="update", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("release", nargs="?", help="for example v0.3.0 (default: the newest)")
    parser.add_argument(
        "--dry-run", action="store_true", help="show what would come, touch nothing"
    )
    parser.add_argument(
        "--data", action="append", default=[], metavar="NAME=VALUE", help="change an answer"
    )
    return parser.parse_args(arguments)


def update(options: argparse.Namespace, scratch: Path) -> int:
    """Render both releases, merge their difference, put the result into place, tell about it."""
    repository = Repository.around(Path.cwd(), scratch)
    repository.refuse_unless_ready()
    recorded = read_answers(Path(ANSWERS))
    template = Template.fetch(recorded["_src_path"], scratch)
    release = template.choose(options.release, recorded["_commit"])
    changed = template.new_answers(release, options.data)
    if template.is_current(release, recorded["_commit"]) and not changed:
        print(f"{template.name} {recorded['_commit']} is recorded: nothing newer to update to")
        return 0
    if options.dry_run:
        repository.keep_objects_in(scratch / "objects")
    renders = render_both(repository, template, release, recorded, changed)
    merge = repository.merge(renders.old, renders.merged, release)
    repository.refuse_in_the_way(merge)
    print(f"{template.name} {recorded['_commit']} -> {release}")
    print("\n".join(summary(repository, renders, merge)))
    for section in template.notes(recorded["_commit"], release):
        print(f"\n{section}")
    if options.dry_run:
        print("\na dry run: nothing is changed")
        return 0
    repository.put_into_place(merge, release)
    print("\n".join(["", *next_steps(repository, merge, recorded, changed)]))
    return 1 if merge.conflicts else 0


@dataclass(frozen=True)
class Renders:
    """What the template gives for this repository.

    Attributes:
        old: The recorded release with the recorded answers.
        new: The new release with the new answers.
        merged: The same, but what is the user's as the recorded release has it.
        answers: Those that are not as recorded: changed ones and new ones.
    """

    old: Tree
    new: Tree
    merged: Tree
    answers: Mapping[str, str]


def render_both(
    repository: "Repository",
    template: "Template",
    release: str,
    recorded: dict[str, str],
    changed: dict[str, str],
) -> Renders:
    """Render the recorded release and the new one.

    An answer that changes is carried into the files that are the user's too: they are rendered
    from the recorded release with the new answers, so that nothing else in them changes.
    """
    is_asked = sys.stdin.isatty() and sys.stdout.isatty()
    commit, answers = recorded["_commit"], recorded | changed
    if "package_name" in changed:
        del answers["_commit"]  # the template lets a recorded name pass, but no new one
    before = same = template.render(commit, recorded)
    after = template.render(release, answers, is_asked=is_asked, record=template.source)
    if changed:
        try:
            same = template.render(commit, answers)
        except ProblemError:
            print(f"note: {commit} does not know these answers, so what is yours stays as it is")
    names = read_answers(after / ANSWERS)
    paths = template.seeds(commit, names) | template.seeds(release, names)
    seeds = {repository.prefix + path for path in paths}
    old, new = repository.store(before), repository.store(after)
    kept = old if same is before else repository.store(same)
    old |= repository.store_files({repository.prefix + ANSWERS: Path(ANSWERS)})
    merged = {path: file for path, file in new.items() if path not in seeds}
    merged |= {path: file for path, file in (new | kept).items() if path in seeds}
    told = {name: answer for name, answer in names.items() if answer != recorded.get(name)}
    return Renders(old, new, merged, told)


def read_answers(path: Path) -> dict[str, str]:
    """Read what is recorded of the template and the answers."""
    try:
        answers = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        message = f"there is no {ANSWERS} here: run this where the generated repository begins"
        raise ProblemError(message) from error
    except yaml.YAMLError as error:
        message = f"{ANSWERS} is not valid YAML: git restore {ANSWERS} ({in_one_line(error)})"
        raise ProblemError(message) from error
    if not isinstance(answers, dict) or not {"_commit", "_src_path"} <= set(answers):
        message = f"{ANSWERS} names no release (_commit) or no template (_src_path): add it"
        raise ProblemError(message)
    return answers


# --------------------------------------------------------------------------------- the template


@dataclass(frozen=True)
class Template:
    """The template with its history, fetched once."""

    source: str
    clone: Path
    scratch: Path

    @classmethod
    def fetch(cls, source: str, scratch: Path) -> "Template":
        """Clone what the answers name."""
        clone = scratch / "template.git"
        try:
            run_git(Path.cwd(), "clone", "--quiet", "--bare", "--", address(source), str(clone))
        except ProblemError as problem:
            message = f"the template {source} cannot be fetched (recorded in {ANSWERS}): {problem}"
            raise ProblemError(message) from problem
        return cls(source, clone, scratch)

    @property
    def name(self) -> str:
        """How people call it."""
        return PurePosixPath(self.source.rstrip("/")).name.removesuffix(".git")

    def git(self, *arguments: str, **more: str) -> str:
        """Ask git about the template; empty where it has no answer."""
        done = run_git(self.clone, *arguments, env=environment() | more, fine=(0, 1, 128))
        return os.fsdecode(done).strip()

    def releases(self) -> list[str]:
        """List the tags that are final versions, oldest first."""
        versions = {tag: version(tag) for tag in self.git("tag").splitlines()}
        final = {
            tag: number for tag, number in versions.items() if number and not number.is_prerelease
        }
        return sorted(final, key=final.__getitem__)

    def commit(self, revision: str) -> str:
        """Give the commit of a revision, empty if there is none."""
        return self.git(
            "rev-parse", "--verify", "--quiet", "--end-of-options", revision + "^{commit}"
        )

    def choose(self, wanted: str | None, recorded: str) -> str:
        """Choose the release to update to, which is never older than the recorded one."""
        releases = self.releases()
        if not self.commit(recorded):
            message = f"{self.source} has no {recorded}, which {ANSWERS} records as its _commit"
            raise ProblemError(message)
        if not wanted:
            newest = releases[-1] if releases else recorded
            return recorded if self.is_older(newest, recorded) else newest
        wanted = f"v{wanted}" if self.commit(f"v{wanted}") else wanted
        if not self.commit(wanted):
            message = (
                f"{self.name} has no {wanted}: its releases are {', '.join(releases) or 'none'}"
            )
            raise ProblemError(message)
        if self.is_older(wanted, recorded):
            message = (
                f"{wanted} is older than {recorded}, which is recorded: an update only goes forward"
            )
            raise ProblemError(message)
        return wanted

    def is_older(self, one: str, other: str) -> bool:
        """Whether a revision comes before another."""
        if (first := version(one)) and (second := version(other)):
            return first < second
        first_commit, second_commit = self.commit(one), self.commit(other)
        base = self.git("merge-base", first_commit, second_commit)
        return base == first_commit != second_commit

    def is_current(self, release: str, recorded: str) -> bool:
        """Whether the recorded release is the one to update to."""
        return self.commit(release) == self.commit(recorded)

    def checkout(self, revision: str) -> Path:
        """Give the files of a revision in a folder."""
        folder = self.scratch / "checkouts" / self.commit(revision)
        if not folder.exists():
            folder.mkdir(parents=True)
            places = {"GIT_INDEX_FILE": str(self.scratch / "index"), "GIT_WORK_TREE": str(folder)}
            command = ("-c", "core.bare=false", "-c", "core.autocrlf=false", "checkout", "--force")
            self.git(*command, self.commit(revision), "--", ".", GIT_DIR=str(self.clone), **places)
        return folder

    def settings(self, revision: str) -> dict[str, object]:
        """Read copier.yml."""
        text = (self.checkout(revision) / "copier.yml").read_text(encoding="utf-8")
        return dict(yaml.safe_load(text))

    def questions(self, revision: str) -> dict[str, bool]:
        """List the questions, and whether they are asked or computed."""
        settings = self.settings(revision).items()
        details = {name: value for name, value in settings if not name.startswith("_")}
        return {
            name: not isinstance(value, dict) or value.get("when") is not False
            for name, value in details.items()
        }

    def new_answers(self, release: str, data: Iterable[str]) -> dict[str, str]:
        """Read NAME=VALUE as an answer to one of the release's questions."""
        asked = [name for name, is_asked in self.questions(release).items() if is_asked]
        pairs = [word.partition("=") for word in data]
        for name, equals, _ in pairs:
            if not equals or name not in asked:
                names = ", ".join(asked)
                message = f"--data {name}: write NAME=VALUE, where NAME is one of {names}"
                raise ProblemError(message)
        return {name: value for name, _, value in pairs}

    def seeds(self, revision: str, answers: Mapping[str, str]) -> set[str]:
        """List the paths that are the user's once they are delivered."""
        excluded = self.settings(revision).get("_exclude", [])
        entries = excluded if isinstance(excluded, list) else []
        found = (SEED.fullmatch(str(entry)) for entry in entries)
        fill_in = lambda match: str(answers.get(match[1], ""))  # noqa: E731
        return {re.sub(r"\{\{ *(\w+) *\}\}", fill_in, match["path"]) for match in found if match}

    def render(
        self, revision: str, answers: Mapping[str, str], *, is_asked: bool = False, record: str = ""
    ) -> Path:
        """Render a revision into a folder, asking only what the answers do not tell."""
        folder = Path(tempfile.mkdtemp(dir=self.scratch))
        template = str(self.checkout(revision))
        asked = self.questions(revision)
        data = {name: answer for name, answer in answers.items() if asked.get(name, True)}
        try:
            run_copy(template, folder, data=data, defaults=not is_asked, quiet=True)
        except CopierAnswersInterrupt as error:
            raise KeyboardInterrupt from error
        except Exception as error:
            is_answer = isinstance(error, ValueError)
            remedy = "; to change an answer: --data NAME=VALUE" if is_answer else ""
            message = f"{revision} refuses: {in_one_line(error)}{remedy}"
            raise ProblemError(message) from error
        if record:
            written = folder / ANSWERS
            lines = yaml.safe_dump({"_commit": self.describe(revision), "_src_path": record})
            text = written.read_text(encoding="utf-8")
            text = re.sub(r"^_src_path: .*\n", lambda _: lines, text, count=1, flags=re.MULTILINE)
            written.write_text(text, encoding="utf-8", newline="\n")
        return folder

    def describe(self, revision: str) -> str:
        """Name a revision as copier records it."""
        return self.git("describe", "--tags", "--always", self.commit(revision))

    def notes(self, recorded: str, release: str) -> list[str]:
        """Give what the changelog says of the releases in between."""
        changelog = self.git("show", f"{self.commit(release)}:CHANGELOG.md")
        sections = re.split(r"^(?=## )", changelog, flags=re.MULTILINE)
        return [
            section.strip() for section in sections if self.is_between(section, recorded, release)
        ]

    def is_between(self, section: str, recorded: str, release: str) -> bool:
        """Whether a section of the changelog is of a release after the recorded one."""
        heading = re.match(r"## \[?v?(?P<number>\d\S*?)\]?(\s|$)", section)
        tag = f"v{heading['number']}" if heading else ""
        return (
            bool(self.commit(tag))
            and self.is_older(recorded, tag)
            and not self.is_older(release, tag)
        )


def address(source: str) -> str:
    """Give the address that git understands of what copier records."""
    for short, host in {"gh:": "https://github.com/", "gl:": "https://gitlab.com/"}.items():
        if source.startswith(short):
            return host + source.removeprefix(short).lstrip("/")
    return source.removeprefix("git+")


def version(tag: str) -> Version | None:
    """Read a tag as a version, if it is one."""
    try:
        return Version(tag)
    except InvalidVersion:
        return None


# ------------------------------------------------------------------------------- the repository


@dataclass(frozen=True)
class Merge:
    """What a merge comes to.

    Attributes:
        changes: Each path that is not as it was, and what shall be there.
        conflicts: The versions of each path in conflict: 1 before, 2 yours, 3 the release's.
        held_back: Paths that the user has deleted and the release changes, or the other way round.
        added: Paths that are new.
        moves: The new path of each file that moves, and its old one.
    """

    changes: Mapping[str, File | None]
    conflicts: Mapping[str, Mapping[int, File]]
    held_back: set[str]
    added: set[str]
    moves: Mapping[str, str]


@dataclass
class Repository:
    """The repository to update, which may be a folder of a larger one.

    Attributes:
        top: Where git's working tree begins.
        prefix: The folder of this repository in it: empty, or with a slash at its end.
        folder: Git's own folder.
        scratch: A folder for temporary files.
        env: The environment of git's commands.
    """

    top: Path
    prefix: str
    folder: Path
    scratch: Path
    env: dict[str, str]

    @classmethod
    def around(cls, here: Path, scratch: Path) -> "Repository":
        """Find the repository around a folder."""
        env = environment()
        questions = ("--show-toplevel", "--absolute-git-dir", "--show-prefix")
        try:
            answers = [run_git(here, "rev-parse", question, env=env) for question in questions]
            run_git(here, "rev-parse", "--verify", "HEAD^{commit}", env=env)
            run_git(here, "merge-tree", "--write-tree", "HEAD", "HEAD", env=env)
        except ProblemError as problem:
            message = f"this needs git 2.38 or newer, and a repository with a commit: {problem}"
            raise ProblemError(message) from problem
        top, folder, prefix = (os.fsdecode(answer).removesuffix("\n") for answer in answers)
        return cls(Path(top), prefix, Path(folder), scratch, env)

    def git(
        self,
        *arguments: str,
        stdin: bytes = b"",
        index: Path | None = None,
        fine: tuple[int, ...] = (0,),
    ) -> bytes:
        """Run git at the top of the working tree, with an index of its own where one is given."""
        env = self.env | ({"GIT_INDEX_FILE": str(index)} if index else {})
        return run_git(self.top, *arguments, stdin=stdin, env=env, fine=fine)

    def keep_objects_in(self, folder: Path) -> None:
        """Have git write its objects elsewhere, so that nothing is left of them."""
        folder.mkdir()
        objects = Path(os.fsdecode(self.git("rev-parse", "--git-path", "objects")).strip())
        others = self.top / objects
        self.env |= {
            "GIT_OBJECT_DIRECTORY": str(folder),
            "GIT_ALTERNATE_OBJECT_DIRECTORIES": str(others),
        }

    def shown(self, path: str) -> str:
        """Give a path as it is seen from this repository's folder."""
        return path.removeprefix(self.prefix)

    def line(self, what: str, path: str, more: str = "") -> str:
        """Lay a line of the summary out."""
        return f"  {what:13}{self.shown(path)} {more}".rstrip()

    def what_changed(self, old: File | None, new: File | None) -> str:
        """Tell what the release did to a file that stays as it is, and how to see it."""
        if new is None:
            return "no longer of the template"
        what = "the release changes it" if old else "the release has it"
        if "GIT_OBJECT_DIRECTORY" in self.env:
            return what
        blobs = " ".join(file.blob[:12] for file in (old, new) if file)
        return f"{what}: git {'diff' if old else 'show'} {blobs}"

    # ------------------------------------------------------------------------- what is refused

    def refuse_unless_ready(self) -> None:
        """Refuse whatever an update, or `git reset --hard` after it, might lose."""
        changed = paths_in(
            self.git("status", "--porcelain", "-z", "--untracked-files=no", "--no-renames")
        )
        mark = self.folder / MARK
        if mark.exists() and changed:
            message = (
                f"the update to {mark.read_text()} was interrupted: git reset --hard, then again"
            )
            raise ProblemError(message)
        if mark.exists():
            print(f"note: the interrupted update to {mark.read_text()} is undone")
            mark.unlink()
        for name, reason in IN_PROGRESS.items():
            if (self.folder / name).exists():
                raise ProblemError(reason)
        unmerged = [path[3:] for path in changed if "U" in path[:2] or path[:2] in ("AA", "DD")]
        refuse(unmerged, "in conflict: resolve it and git add it, or git reset --hard")
        refuse([path[3:] for path in changed], "not committed: commit or stash first")
        rejected = self.git("ls-files", "-z", "--cached", "--others", "--", "*.rej", ":!.venv")
        refuse(paths_in(rejected), "left over: carry over what these hold and delete them")
        refuse(
            self.hidden_edits(),
            "hidden edits: git update-index --no-skip-worktree --no-assume-unchanged FILE",
        )

    def hidden_edits(self) -> list[str]:
        """Find edits that git was told not to look for."""
        listed = paths_in(self.git("ls-files", "-v", "-z"))
        hidden = [line[2:] for line in listed if line[0] == "S" or line[0].islower()]
        if not hidden:
            return []
        index = Path(shutil.copy(self.folder / "index", self.scratch / "hidden.index"))
        for flag in ("--no-skip-worktree", "--no-assume-unchanged"):
            self.git("update-index", flag, "-z", "--stdin", stdin=joined(hidden), index=index)
        self.git("update-index", "-q", "--refresh", index=index, fine=(0, 1))
        edited = paths_in(self.git("diff-files", "--name-only", "-z", index=index))
        sparse = {line[2:] for line in listed if line[0] == "S"}
        return [path for path in edited if os.path.lexists(self.top / path) or path not in sparse]

    def refuse_in_the_way(self, merge: Merge) -> None:
        """Refuse files that git does not know where the merge writes some, ignored ones too."""
        tracked = set(paths_in(self.git("ls-files", "-z")))
        written = [path for path, file in merge.changes.items() if file and path not in tracked]
        above = {str(parent) for path in written for parent in PurePosixPath(path).parents}
        candidates = [
            path
            for path in {*written, *above} - tracked
            if in_the_way(self.top / path, of_folder=path in above)
        ]
        folders = [path for path in written if (self.top / path).is_dir()]
        if folders:
            candidates += paths_in(self.git("ls-files", "-z", "--others", "--", *folders))
        refuse(candidates, "in the way of new files, and not in git: commit, move or delete")

    # ------------------------------------------------------------------------------- the merge

    def store(self, folder: Path) -> dict[str, File]:
        """Write the files below a folder into git's store as they are, byte for byte."""
        files = (path for path in folder.rglob("*") if path.is_file())
        return self.store_files(
            {self.prefix + path.relative_to(folder).as_posix(): path for path in files}
        )

    def store_files(self, files: Mapping[str, Path]) -> dict[str, File]:
        """Write files into git's store, each under a path of the repository."""
        lines = b"".join(os.fsencode(file.absolute()) + b"\n" for file in files.values())
        command = ("hash-object", "-w", "--no-filters", "--stdin-paths")
        blobs = self.git(*command, stdin=lines).decode().split()
        modes = (
            "100755" if file.stat().st_mode & stat.S_IXUSR else "100644" for file in files.values()
        )
        return {
            path: File(mode, blob) for path, mode, blob in zip(files, modes, blobs, strict=True)
        }

    def store_bytes(self, content: bytes) -> str:
        """Write one blob into git's store."""
        return self.git("hash-object", "-w", "--stdin", stdin=content).decode().strip()

    def merge(self, old: Tree, new: Tree, name: str) -> Merge:
        """Merge the difference between two trees into HEAD, touching neither index nor files."""
        base = self.commit(self.tree(old))
        ours, theirs = self.commit("HEAD^{tree}", base), self.commit(self.tree(new), base)
        command = ("merge-tree", "--write-tree", "-z", "--messages")
        tree, stages, kinds = parse_merge(self.git(*command, ours, theirs, fine=(0, 1)))
        changes, added, moves = self.difference(tree)
        held_back = {
            path for path in stages if kinds[path] <= ONE_SIDED and not {2, 3} <= set(stages[path])
        }
        for path in held_back:
            changes.pop(path, None)
        labels = {ours: "yours", theirs: name}
        conflicts = {
            relabelled(path, labels): stages[path] for path in stages if path not in held_back
        }
        labelled = {
            relabelled(path, labels): self.relabelled(file, labels) if path in stages else file
            for path, file in changes.items()
        }
        return Merge(labelled, conflicts, held_back, added, moves)

    def tree(self, files: Tree) -> str:
        """Write a tree."""
        index = self.scratch / "tree.index"
        index.unlink(missing_ok=True)
        self.git("update-index", "-z", "--index-info", stdin=index_lines(files), index=index)
        return self.git("write-tree", index=index).decode().strip()

    def commit(self, tree: str, *parents: str) -> str:
        """Write a commit that no branch holds."""
        below = [word for parent in parents for word in ("-p", parent)]
        return self.git("commit-tree", tree, *below, "-m", "formwork").decode().strip()

    def difference(self, tree: str) -> tuple[dict[str, File | None], set[str], dict[str, str]]:
        """Compare HEAD with a tree: what each path shall hold, which paths are new, what moves."""
        raw = iter(paths_in(self.git("diff-tree", "-r", "-z", "--no-renames", "HEAD", tree)))
        changes: dict[str, File | None] = {}
        added = set()
        for (_, mode, _, blob, status), path in ((line.split(), next(raw)) for line in raw):
            changes[path] = None if status == "D" else File(mode, blob)
            added |= {path} if status == "A" else set()
        command = ("diff-tree", "-r", "-z", "-M", "--diff-filter=R", "--name-status", "HEAD", tree)
        moved = iter(paths_in(self.git(*command)))
        return changes, added, {new: old for _, old, new in zip(moved, moved, moved, strict=True)}

    def relabelled(self, file: File | None, labels: Mapping[str, str]) -> File | None:
        """Name the sides of a conflict's markers."""
        if file is None or file.mode == "160000":
            return file
        content = self.git("cat-file", "blob", file.blob)
        return File(
            file.mode, self.store_bytes(os.fsencode(relabelled(os.fsdecode(content), labels)))
        )

    # -------------------------------------------------------------------------- into its place

    def put_into_place(self, merge: Merge, name: str) -> None:
        """Change the index in one step, then the files: `git reset --hard` undoes both."""
        scratch = self.folder / f"{MARK}.d"
        shutil.rmtree(scratch, ignore_errors=True)
        scratch.mkdir()
        (self.folder / MARK).write_text(name, encoding="utf-8")
        plain, staged = scratch / "plain", scratch / "staged"
        shutil.copy(self.folder / "index", plain)
        self.git(
            "update-index", "-z", "--index-info", stdin=index_lines(merge.changes), index=plain
        )
        shutil.copy(plain, staged)
        self.git(
            "update-index", "-z", "--index-info", stdin=stage_lines(merge.conflicts), index=staged
        )
        staged.replace(self.folder / "index")
        for path in [path for path, file in merge.changes.items() if file is None]:
            self.remove(path)
        written = [path for path, file in merge.changes.items() if file]
        self.git("checkout-index", "--force", "-z", "--stdin", stdin=joined(written), index=plain)
        (self.folder / MARK).unlink()
        shutil.rmtree(scratch)

    def remove(self, path: str) -> None:
        """Remove a file, and the folders that are empty without it."""
        file = self.top / path
        file.unlink(missing_ok=True)
        for folder in file.parents:
            if folder == self.top or any(folder.iterdir()):
                break
            folder.rmdir()


def parse_merge(output: bytes) -> tuple[str, dict[str, dict[int, File]], dict[str, set[str]]]:
    """Read what git merge-tree prints: the tree, the versions of conflicts, their kinds."""
    words = iter(paths_in(output, keep_empty=True))
    tree = next(words)
    stages: dict[str, dict[int, File]] = {}
    kinds: dict[str, set[str]] = {}
    for word in iter(lambda: next(words, ""), ""):
        details, _, path = word.partition("\t")
        mode, blob, stage = details.split()
        stages.setdefault(path, {})[int(stage)] = File(mode, blob)
    for count in iter(lambda: next(words, ""), ""):
        paths = [next(words) for _ in range(int(count))]
        kind, _message = next(words), next(words)
        for path in paths if kind.startswith("CONFLICT") else []:
            kinds.setdefault(path, set()).add(kind)
    return tree, stages, {path: kinds.get(path, {"CONFLICT"}) for path in stages}


def relabelled(text: str, labels: Mapping[str, str]) -> str:
    """Put names where git has put the commits' hashes."""
    for commit, name in labels.items():
        text = text.replace(commit, name)
    return text


def in_the_way(path: Path, *, of_folder: bool) -> bool:
    """Whether something else is where a file or a folder must be."""
    return path.is_symlink() or (path.exists() and not (of_folder and path.is_dir()))


def index_lines(files: Mapping[str, File | None]) -> bytes:
    """Write what `git update-index --index-info` reads."""
    gone = File("0", "0" * 40)
    lines = ((file or gone, path) for path, file in files.items())
    return joined(f"{file.mode} {file.blob}\t{path}" for file, path in lines)


def stage_lines(conflicts: Mapping[str, Mapping[int, File]]) -> bytes:
    """The same for the versions of files in conflict, in the place of the file."""
    versions = (
        f"{file.mode} {file.blob} {stage}\t{path}"
        for path, stages in conflicts.items()
        for stage, file in sorted(stages.items())
    )
    return index_lines(dict.fromkeys(conflicts)) + joined(versions)


# ------------------------------------------------------------------------------- what is said


def summary(repository: Repository, renders: Renders, merge: Merge) -> Iterator[str]:
    """Tell which answers are new, and what becomes of each file that the release changes."""
    for name, answer in renders.answers.items():
        if not name.startswith("_"):
            yield repository.line("answer", f"{name} = {answer}")
    for path, file in sorted(merge.changes.items()):
        if path in merge.conflicts or path in merge.moves.values():
            continue
        if path in merge.moves:
            yield repository.line("moved", merge.moves[path], f"-> {repository.shown(path)}")
        elif file is None:
            yield repository.line("removed", path)
        elif file != renders.merged.get(path):
            yield repository.line("merged", path)
        else:
            yield repository.line("added" if path in merge.added else "updated", path)
    for path in sorted({*renders.old, *renders.new}):
        old, new = renders.old.get(path), renders.new.get(path)
        if old == new or (new == renders.merged.get(path) and path not in merge.held_back):
            continue
        kept = "kept" if os.path.lexists(repository.top / path) else "kept deleted"
        yield repository.line(kept, path, f"({repository.what_changed(old, new)})")
    for path, stages in sorted(merge.conflicts.items()):
        yield repository.line("conflict", path, f"({what_conflicts(set(stages))})")


def what_conflicts(stages: set[int]) -> str:
    """Tell how two sides of a file disagree, by the versions that there are of it."""
    return {
        frozenset({1, 2, 3}): "you and the release changed the same lines",
        frozenset({2, 3}): "you and the release added it",
    }.get(frozenset(stages), "you and the release moved or replaced it")


def next_steps(
    repository: Repository, merge: Merge, recorded: dict[str, str], changed: dict[str, str]
) -> Iterator[str]:
    """Tell what is left to do."""
    first = "resolve each conflict and git add it; uv lock" if merge.conflicts else "git diff HEAD"
    yield f"next: {first}; uvx nox -s check; git commit --all"
    old = str(recorded.get("package_name", ""))
    if changed.get("package_name", old) != old:
        command = ("grep", "-lwIzF", old, "--", ".", *(f":!{name}" for name in (ANSWERS, "*.lock")))
        names = paths_in(repository.git("-C", repository.prefix or ".", *command, fine=(0, 1)))
        yield f"still saying {old}: {', '.join(names) or 'nothing'}"
        yield "named after it too: the storage in .dvc/config, and the models in the registry"


# ----------------------------------------------------------------------------------------- git


def environment() -> dict[str, str]:
    """Give git's commands an environment that points to no repository."""
    kept = {name: value for name, value in os.environ.items() if not ELSEWHERE.fullmatch(name)}
    return kept | AUTHOR | {"LC_ALL": "C"}


def run_git(
    folder: Path,
    *arguments: str,
    env: Mapping[str, str] | None = None,
    stdin: bytes = b"",
    fine: tuple[int, ...] = (0,),
) -> bytes:
    """Run git in a folder."""
    settings = [word for name, value in SETTINGS.items() for word in ("-c", f"{name}={value}")]
    command = ["git", *settings, *arguments]
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            env=env or environment(),
            input=stdin,
            capture_output=True,
            check=False,
        )
    except FileNotFoundError as error:
        message = "git is not installed"
        raise ProblemError(message) from error
    if done.returncode not in fine:
        message = f"git {arguments[0]}: {in_one_line(done.stderr.decode(errors='replace'))}"
        raise ProblemError(message)
    return done.stdout


def paths_in(output: bytes, *, keep_empty: bool = False) -> list[str]:
    """Split what git prints with -z."""
    return [word for word in os.fsdecode(output).split("\0") if word or keep_empty]


def joined(lines: Iterable[str]) -> bytes:
    """Write what git reads with -z."""
    return b"".join(os.fsencode(line) + b"\0" for line in lines)


def in_one_line(error: object) -> str:
    """Fold a message of another tool, without its prefixes."""
    return " ".join(str(error).replace("fatal: ", "").split())


def refuse(paths: Iterable[str], reason: str) -> None:
    """Refuse to go on because of some files."""
    if named := sorted(set(paths)):
        more = f" and {len(named) - 5} more" if len(named) > 5 else ""
        message = f"{', '.join(named[:5])}{more}: {reason}"
        raise ProblemError(message)


if __name__ == "__main__":
    sys.exit(main())
