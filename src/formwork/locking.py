"""Bring uv.lock in line with a changed pyproject.toml."""

import os
import subprocess
from pathlib import Path

from formwork.errors import in_one_line


def has_lock(folder: Path) -> bool:
    """Return whether there is a uv.lock."""
    return (folder / "uv.lock").exists()


def lock(folder: Path) -> str:
    """Run `uv lock` if there is a uv.lock.

    Returns:
        Why that failed; empty if it succeeded or if there is nothing to lock.
    """
    if not has_lock(folder):
        return ""
    env = {name: value for name, value in os.environ.items() if name != "VIRTUAL_ENV"}
    command = [os.environ.get("UV", "uv"), "lock", "--quiet"]
    try:
        done = subprocess.run(command, cwd=folder, env=env, capture_output=True, check=False)
    except FileNotFoundError:
        return "uv is not installed"
    return in_one_line(done.stderr.decode(errors="replace")) if done.returncode else ""
