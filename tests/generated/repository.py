"""A generated repository, and the interpreters to run it with."""

import atexit
import os
import shutil
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path

import pytest
from copier import run_copy

from tests.harness import AUTHOR, Template, environment, run

SUPPORTED = ("3.11", "3.12", "3.13", "3.14")
COMPILED: dict[str, Path] = {}  # packages of the first environment for each interpreter
rare = pytest.mark.skipif("FORMWORK_EVERYDAY" not in os.environ, reason="`nox -s everyday` tries it")
RUNNING = f"{sys.version_info.major}.{sys.version_info.minor}"


class Repository:
    """A generated repository.

    Attributes:
        path: Where it is.
        env: The environment of its commands.
    """

    def __init__(self, path: Path, python: str) -> None:
        """Describe the repository.

        Args:
            path: Where it is.
            python: The interpreter of its commands.
        """
        self.path = path
        self.python = python
        self.env = {**machine(), "UV_PYTHON": python}

    def run(self, *command: str, check: bool = True, **env: str) -> subprocess.CompletedProcess[str]:
        """Run a command in the repository; by default, a failure raises an error with all of its output."""
        return run(*command, cwd=self.path, env={**self.env, **env}, check=check, timeout=1800)

    def sync(self) -> None:
        """Make the environment of the repository, with packages that are already compiled.

        The bytecode is linked from the first environment of this process, since uv links the same files into all.
        """
        first = COMPILED.get(self.python)
        self.run("uv", "sync", "--quiet", *([] if first else ["--compile-bytecode"]))
        packages = next((self.path / ".venv").rglob("site-packages"))
        if first is None:
            COMPILED[self.python] = packages
            return
        for file in first.rglob("*.pyc"):
            target = packages / file.relative_to(first)
            if target.parent.parent.is_dir() and not target.exists():
                target.parent.mkdir(exist_ok=True)
                os.link(file, target)

    def set_up(self) -> str:
        """Set the repository up as its README says, with an environment as `sync` makes it."""
        self.sync()
        return self.nox("setup")

    def nox(self, *arguments: str, check: bool = True, **env: str) -> str:
        """Run tasks of the repository as its README says, and return their output."""
        done = self.run("uvx", "nox", "--sessions", *arguments, check=check, **env)
        return done.stdout + done.stderr

    def changes(self) -> str:
        """Return the changes that git sees."""
        return self.run("git", "status", "--porcelain").stdout

    def change(self, file: str, old: str, new: str) -> None:
        """Replace a text, which must be in the file, wherever it occurs."""
        path = self.path / file
        text = path.read_text("utf-8")
        assert old in text, (path, old)
        path.write_text(text.replace(old, new), "utf-8")

    def clone(self, path: Path) -> "Repository":
        """Clone the repository as a colleague would."""
        run("git", "clone", "--quiet", str(self.path), str(path), cwd=self.path, env=self.env)
        return Repository(path, self.python)


def generate(template: Template, path: Path, *, python: str = RUNNING, **answers: object) -> Repository:
    """Generate a repository from the working tree, served as the newest release.

    Args:
        template: The template.
        path: The folder to generate into.
        python: The lowest version to support, which is also the one to use; by default the one that runs the tests.
        answers: Answers to the other questions; the rest get their defaults.

    Returns:
        The repository, not set up.
    """
    data = {"python_version": python, **answers}
    run_copy(template.url, path, data=data, defaults=True, quiet=True, vcs_ref=template.newest)
    return Repository(path, interpreter(python) or python)


@cache
def interpreter(version: str) -> str | None:
    """Find an interpreter on this machine, including those of pyenv."""
    command = ["uv", "python", "find", "--no-python-downloads", "--no-project", version]
    found = subprocess.run(command, env=machine(), capture_output=True, encoding="utf-8", check=False)
    return found.stdout.strip() if found.returncode == 0 else None


@cache
def machine() -> dict[str, str]:
    """Return the environment of a terminal on this machine, with caches that are already warm."""
    cache_folder = subprocess.run(["uv", "cache", "dir"], capture_output=True, encoding="utf-8", check=True).stdout
    home = Path(tempfile.mkdtemp(prefix="formwork-home-"))
    atexit.register(shutil.rmtree, home, ignore_errors=True)
    warm = {"UV_CACHE_DIR": cache_folder.strip(), "UV_PYTHON_DOWNLOADS": "never"}
    types = {"MYPY_CACHE_DIR": str(home / "types")}  # all repositories of this process share the types of packages
    env = environment(home, **AUTHOR, **warm, **types, **pyenv(), NO_COLOR="1")
    of_this_run = {"UV_PYTHON", "UV_PROJECT_ENVIRONMENT"}  # nox sets them
    return {name: value for name, value in env.items() if name not in of_this_run}


def pyenv() -> dict[str, str]:
    """Make all of pyenv's interpreters visible, if there is pyenv."""
    versions = pyenv_versions()
    return {"PYENV_VERSION": ":".join(folder.name for folder in versions)} if versions else {}


def pyenv_versions() -> list[Path]:
    """List the interpreters of pyenv, newest first."""
    root = Path(os.environ.get("PYENV_ROOT", "~/.pyenv")).expanduser()
    found = [folder for folder in (root / "versions").glob("3.*") if (folder / "bin" / "python3").exists()]
    return sorted(found, key=lambda folder: [int(part) for part in folder.name.split(".") if part.isdigit()])[::-1]
