"""The releases of this repository, and the repository as a server has it."""

import os
import re
import subprocess
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from sync import Question, questions_in

PROJECT = Path("pyproject.toml")
ANSWERS_FILE = ".copier-answers.yml"

AUTHOR = {
    "GIT_AUTHOR_NAME": "Formwork",
    "GIT_AUTHOR_EMAIL": "formwork@example.org",
    "GIT_COMMITTER_NAME": "Formwork",
    "GIT_COMMITTER_EMAIL": "formwork@example.org",
}
# git as it comes: no settings, ignore rules or attributes of a person or a machine.
PLAIN = {
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_ATTR_NOSYSTEM": "1",
    "XDG_CONFIG_HOME": os.devnull,
}

VERSION = re.compile(r"(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)")

Questions = Mapping[str, Question]


class CommandError(Exception):
    """A command that should have succeeded did not."""


@dataclass(frozen=True)
class Template:
    """This repository as a server has it: every release tagged, the working tree the newest."""

    bare: Path
    releases: Mapping[str, str]
    candidate: str

    @property
    def url(self) -> str:
        """The address that both doors understand."""
        return f"git+file://{self.bare.as_posix()}"

    def settings(self, tag: str) -> dict[str, Any]:
        """Read copier.yml of a release."""
        settings: dict[str, Any] = yaml.safe_load(git(self.bare, "show", f"{tag}:copier.yml"))
        return settings

    def questions(self, tag: str) -> Questions:
        """Read the questions of a release."""
        return questions_in(self.settings(tag))


def release_of(root: Path, folder: Path, candidate: str = "") -> Template:
    """Serve a repository's history with its working tree as the newest release on top."""
    releases = releases_in(root)
    bare = folder / "formwork.git"
    git(folder, "init", "--quiet", "--bare", "--initial-branch", "main", str(bare))
    if head_of(root):
        git(bare, "fetch", "--quiet", "--no-tags", str(root), "HEAD:refs/heads/main")
    for tag, release in releases.items():
        git(bare, "tag", tag, release)
    candidate = candidate or next_release(root, releases)
    git(bare, "tag", candidate, commit_working_tree(root, bare, candidate))
    return Template(bare, releases, candidate)


def releases_in(root: Path) -> dict[str, str]:
    """Find the releases, which are commits with the subject `Release X.Y.Z`; oldest first."""
    if git(root, "rev-parse", "--is-shallow-repository") == "true":
        message = f"{root} is a shallow clone, so releases are missing: run `git fetch --unshallow`"
        raise CommandError(message)
    if not head_of(root):
        return {}
    log = git(root, "log", "--reverse", "--format=%H %s")
    subjects = (line.split(" ", 1) for line in log.splitlines())
    return {f"v{subject.split()[1]}": commit for commit, subject in subjects if is_release(subject)}


def is_release(subject: str) -> bool:
    """Whether a commit's subject names a release."""
    word, _, version = subject.partition(" ")
    return word == "Release" and VERSION.fullmatch(version) is not None


def head_of(root: Path) -> str:
    """Name the newest commit; empty where there is none yet."""
    return git(root, "rev-list", "--max-count=1", "--all") and git(root, "rev-parse", "HEAD")


def next_release(root: Path, releases: Mapping[str, str]) -> str:
    """Name the release that the working tree would become."""
    version = tomllib.loads((root / PROJECT).read_text(encoding="utf-8"))["project"]["version"]
    major, minor, patch = numbers(version)
    while (candidate := f"v{major}.{minor}.{patch}") in releases:
        patch += 1
    return candidate


def numbers(version: str) -> tuple[int, ...]:
    """Read a version or a tag, for comparison."""
    return tuple(map(int, version.removeprefix("v").split(".")))


def commit_working_tree(root: Path, bare: Path, name: str) -> str:
    """Commit to the bare repository what lies in the working tree, unless it is ignored and was never committed."""
    seen = {"GIT_DIR": str(bare), "GIT_WORK_TREE": str(root), "GIT_INDEX_FILE": str(bare / "index.candidate")}
    if head_of(root):
        git(bare, "read-tree", "HEAD", env={"GIT_INDEX_FILE": seen["GIT_INDEX_FILE"]})
    git(root, "-c", "core.bare=false", "add", "--all", env=seen)
    content = git(root, "-c", "core.bare=false", "write-tree", env=seen)
    below = ["-p", head_of(root)] if head_of(root) else []
    release = git(bare, "commit-tree", content, *below, "-m", f"Release {name.removeprefix('v')}")
    git(bare, "update-ref", "refs/heads/main", release)
    return release


def git(
    folder: Path,
    *arguments: str,
    env: Mapping[str, str] | None = None,
    stdin: str = "",
    surroundings: Mapping[str, str] = AUTHOR | PLAIN,
) -> str:
    """Run git in a folder, as an author that is always the same."""
    done = subprocess.run(
        ["git", "-C", str(folder), *arguments],
        env={**os.environ, **surroundings, **(env or {})},
        input=stdin,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    if done.returncode:
        message = f"git {' '.join(arguments)} in {folder}: {done.stderr}"
        raise CommandError(message)
    return done.stdout.strip()
