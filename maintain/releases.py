"""The releases of this repository, and a copy of the repository as a server has it."""

import os
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path

from formwork import git
from formwork.errors import FormworkError
from formwork.template import Template, release_commits

PROJECT = Path("pyproject.toml")

VERSION = re.compile(r"(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)")

AUTHOR = {
    "GIT_AUTHOR_NAME": "Formwork",
    "GIT_AUTHOR_EMAIL": "formwork@example.org",
    "GIT_COMMITTER_NAME": "Formwork",
    "GIT_COMMITTER_EMAIL": "formwork@example.org",
}
# git with its defaults: no settings, ignore rules or attributes of a person or a machine.
PLAIN = {
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_ATTR_NOSYSTEM": "1",
    "XDG_CONFIG_HOME": os.devnull,
}


def surroundings() -> dict[str, str]:
    """Return an environment in which git ignores everything personal."""
    return git.environment() | AUTHOR | PLAIN


def served(root: Path, folder: Path, candidate: str = "") -> Template:
    """Serve a repository as a template: every release is tagged, and the working tree is the newest release.

    Args:
        root: The repository.
        folder: Where the server's files are.
        candidate: The tag of the working tree; by default the next patch release.
    """
    releases = releases_in(root)
    bare = folder / "formwork.git"
    git.run(folder, "init", "--quiet", "--bare", "--initial-branch", "main", str(bare), env=surroundings())
    if head_of(root):
        git.run(bare, "fetch", "--quiet", "--no-tags", str(root), "HEAD:refs/heads/main", env=surroundings())
    candidate = candidate or next_release(root, releases)
    for tag, commit in {**releases, candidate: commit_working_tree(root, bare, candidate)}.items():
        git.run(bare, "tag", tag, commit, env=surroundings())
    return Template(f"git+file://{bare.as_posix()}", bare, folder)


def releases_in(root: Path) -> dict[str, str]:
    """Find the releases, which are commits with the subject `Release X.Y.Z`; oldest first.

    Raises:
        FormworkError: If the history is incomplete.
    """
    if git.text(root, "rev-parse", "--is-shallow-repository", env=surroundings()) == "true":
        message = f"{root} is a shallow clone, so releases are missing: run `git fetch --unshallow`"
        raise FormworkError(message)
    return release_commits(root) if head_of(root) else {}


def head_of(root: Path) -> str:
    """Return the hash of the newest commit; empty where there is none yet."""
    newest = git.text(root, "rev-list", "--max-count=1", "--all", env=surroundings())
    return newest and git.text(root, "rev-parse", "HEAD", env=surroundings())


def next_release(root: Path, releases: Mapping[str, str]) -> str:
    """Return the version that the working tree would be released as."""
    version = tomllib.loads((root / PROJECT).read_text(encoding="utf-8"))["project"]["version"]
    major, minor, patch = numbers(version)
    while (candidate := f"v{major}.{minor}.{patch}") in releases:
        patch += 1
    return candidate


def numbers(version: str) -> tuple[int, ...]:
    """Read a version or a tag, for comparison."""
    return tuple(map(int, version.removeprefix("v").split(".")))


def commit_working_tree(root: Path, bare: Path, name: str) -> str:
    """Commit the working tree to the bare repository, except files that are ignored and not tracked."""
    index = {"GIT_INDEX_FILE": str(bare / "index.candidate")}
    seen = surroundings() | index | {"GIT_DIR": str(bare), "GIT_WORK_TREE": str(root)}
    settings = {**git.SETTINGS, "core.bare": "false"}
    if head_of(root):
        git.run(bare, "read-tree", "HEAD", env=surroundings() | index)
    git.run(root, "add", "--all", env=seen, settings=settings)
    content = git.text(root, "write-tree", env=seen, settings=settings)
    below = ["-p", head_of(root)] if head_of(root) else []
    subject = f"Release {name.removeprefix('v')}"
    commit = git.text(bare, "commit-tree", content, *below, "-m", subject, env=surroundings())
    git.run(bare, "update-ref", "refs/heads/main", commit, env=surroundings())
    return commit
