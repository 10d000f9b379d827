"""What the tests share: this repository with its releases, commands as users type them, and trees of files."""

import os
import shutil
import stat
import subprocess
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from formwork import git as runner
from formwork.answers import ANSWERS as ANSWERS_FILE
from formwork.template import Template
from maintain import ROOT
from maintain.releases import AUTHOR, surroundings

__all__ = ["ANSWERS_FILE", "AUTHOR", "ROOT", "Template"]

UNFINISHED = "UNFINISHED-formwork.json"

# Variables that let tools find their package index, caches and certificates, but do not change what they do.
KEPT = ("LANG", "LC_ALL", "SSL_CERT_FILE", "SYSTEMROOT", "PATHEXT", "COMSPEC", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY")
KEPT_PREFIXES = ("PIP_", "UV_", "PYENV_")


class CommandError(Exception):
    """A command that should have succeeded did not."""


def environment(home: Path, **more: str) -> dict[str, str]:
    """Make an environment without anything personal from whoever runs the tests."""
    kept = {name: value for name, value in os.environ.items() if name.upper() in KEPT or name.startswith(KEPT_PREFIXES)}
    places = {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "USERPROFILE": str(home),
        "XDG_CONFIG_HOME": str(home / ".config"),
        "XDG_CACHE_HOME": str(home / ".cache"),
        "COPIER_CACHE_DIR": str(home / ".cache" / "copier"),
        "GIT_CONFIG_GLOBAL": str(home / ".gitconfig"),
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_TERMINAL_PROMPT": "0",
    }
    return kept | places | more


def run(
    *command: str | Path,
    cwd: Path,
    env: Mapping[str, str],
    check: bool = True,
    timeout: float = 300,
    stdin: str | None = None,
) -> subprocess.CompletedProcess[str]:
    """Run a command to its end, and show all of its output if it fails unexpectedly."""
    done = subprocess.run(
        [str(word) for word in command],
        cwd=cwd,
        env={**env, "PWD": str(cwd)},
        input=stdin if stdin is not None else "",
        capture_output=True,
        encoding="utf-8",
        timeout=timeout,
        check=False,
    )
    if check and done.returncode:
        message = f"{' '.join(map(str, command))}\nexit status {done.returncode}\n{done.stdout}\n{done.stderr}"
        raise CommandError(message)
    return done


def said(done: subprocess.CompletedProcess[str]) -> str:
    """Return the output except cookiecutter's own lines."""
    return "\n".join(line for line in done.stderr.splitlines() if line.startswith(("warning:", "error:")))


def isolation_refused(command: Iterable[str]) -> str:
    """Say why this machine cannot isolate a command; empty if it can."""
    try:
        done = subprocess.run([*command, "true"], capture_output=True, encoding="utf-8", check=False)
    except FileNotFoundError as missing:
        return str(missing)
    return done.stderr.strip()


def few_programs(folder: Path) -> Path:
    """Make a folder for the PATH that holds only git and the programs that git calls."""
    folder.mkdir()
    for name in ("git", "sh", "env", "basename", "dirname", "sed", "uname"):
        if program := shutil.which(name):
            (folder / name).symlink_to(program)
    return folder


def commit_everything(repository: Path, subject: str, tag: str = "") -> str:
    """Commit the whole working tree, tag it if a tag is given, and return the commit."""
    git(repository, "add", "--all")
    git(repository, "commit", "--quiet", "--allow-empty", "--message", subject)
    if tag:
        git(repository, "tag", tag)
    return git(repository, "rev-parse", "HEAD")


def git(folder: Path, *arguments: str, env: Mapping[str, str] | None = None) -> str:
    """Run git with its defaults and a fixed author, and return what it prints."""
    return runner.text(folder, *arguments, env=surroundings() | dict(env or {}), settings={})


@dataclass(frozen=True)
class Doors:
    """Both commands that generate a repository, in the environment of one person."""

    home: Path

    @property
    def env(self) -> dict[str, str]:
        """The person's environment."""
        return environment(self.home)

    def cookiecutter(
        self,
        template: str | Path,
        into: Path,
        *options: str,
        answers: Mapping[str, str] | None = None,
        env: Mapping[str, str] | None = None,
        check: bool = True,
        cwd: Path | None = None,
    ) -> subprocess.CompletedProcess[str]:
        """Generate with cookiecutter, with answers on the command line."""
        into.mkdir(parents=True, exist_ok=True)
        asked = [] if "--replay" in options else ["--no-input"]
        typed = [f"{name}={value}" for name, value in (answers or {}).items()]
        command = [sys.executable, "-m", "cookiecutter", *asked, "-o", str(into), *options, str(template), *typed]
        return run(*command, cwd=cwd or into, env={**self.env, **(env or {})}, check=check)

    def copier(
        self,
        template: str | Path,
        into: Path,
        *options: str,
        answers: Mapping[str, str] | None = None,
        check: bool = True,
    ) -> subprocess.CompletedProcess[str]:
        """Generate with copier, with answers on the command line."""
        data = [word for name, value in (answers or {}).items() for word in ("--data", f"{name}={value}")]
        command = [sys.executable, "-m", "copier", "copy", "--quiet", "--defaults", *data, *options]
        return run(*command, str(template), str(into), cwd=into.parent, env=self.env, check=check)


# --------------------------------------------------------------------------------------- trees


@dataclass(frozen=True)
class Entry:
    """One file, link or folder: its kind, its permissions and its content."""

    kind: str
    mode: int
    content: bytes


def tree(folder: Path, *, without: Iterable[str] = (".git",)) -> dict[str, Entry]:
    """Record the bytes, modes and links of everything in a folder."""
    skipped = set(without)
    paths = (path for path in sorted(folder.rglob("*")) if not skipped & set(path.relative_to(folder).parts))
    return {path.relative_to(folder).as_posix(): entry(path) for path in paths}


def entry(path: Path) -> Entry:
    """Record one path, without following a link."""
    mode = stat.S_IMODE(path.lstat().st_mode)
    if path.is_symlink():
        return Entry("link", mode, os.fsencode(path.readlink()))
    if path.is_dir():
        return Entry("folder", mode, b"")
    return Entry("file", mode, path.read_bytes())


# ----------------------------------------------------------------------------------- templates


def checkout(template: Template, folder: Path) -> Path:
    """Clone the template into a folder to change it there."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    git(folder.parent, "clone", "--quiet", str(template.clone), str(folder))
    git(folder, "remote", "remove", "origin")
    return folder


def plain_copy(template: Template, folder: Path) -> Path:
    """Copy the template without its history."""
    shutil.rmtree(checkout(template, folder) / ".git")
    return folder


def small_template(folder: Path) -> Path:
    """Copy the questions with almost nothing to render, so that generating is quick."""
    for name in ("copier.yml", "cookiecutter.json", "reserved-names.txt"):
        shutil.copy(ROOT / name, folder / name)
    for name in ("hooks", "{{cookiecutter.__folder}}"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    name = "{{_copier_conf.answers_file}}.jinja"
    (folder / "template").mkdir()
    shutil.copy(ROOT / "template" / name, folder / "template" / name)
    return folder


def answers_of(repository: Path) -> str:
    """Read the answers file as text, since every line counts."""
    return (repository / ANSWERS_FILE).read_text(encoding="utf-8")


def includes(new: object, old: object) -> bool:
    """Return whether a value of TOML or YAML has all that another has, with lists in the same order."""
    if isinstance(new, dict) and isinstance(old, dict):
        return all(name in new and includes(new[name], value) for name, value in old.items())
    if isinstance(new, list) and isinstance(old, list):
        return [value for value in new if value in old] == old
    return new == old
