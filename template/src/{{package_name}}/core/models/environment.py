"""Run the code of another version, in an environment made from its bundle."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path

from platformdirs import user_cache_path

from ..base.errors import ProjectError
from .bundle import PACKAGE, REQUIREMENTS, Bundle


def run(
    bundle: Bundle, arguments: Sequence[str], *, is_quiet: bool = False
) -> subprocess.CompletedProcess[str]:
    """Run the command line of a version.

    Args:
        bundle: The version.
        arguments: The command and its options, which every release understands.
        is_quiet: Whether to keep what it prints, instead of letting it print.

    Returns:
        Its exit status and what was kept.

    Raises:
        ProjectError: If the environment cannot be made.
    """
    program = environment(bundle) / ("Scripts" if os.name == "nt" else "bin") / bundle.package
    command = [str(program), *arguments]
    return subprocess.run(command, check=False, capture_output=is_quiet, encoding="utf-8")


def environment(bundle: Bundle) -> Path:
    """Return the folder of an environment with the packages of a bundle; make it if needed.

    Raises:
        ProjectError: If there is no such environment yet, and it cannot be made.
    """
    contents = [(bundle.folder / REQUIREMENTS).read_bytes(), bundle.wheel.read_bytes()]
    key = sha256(b"".join([*contents, bundle.python.encode()])).hexdigest()
    folder = user_cache_path(PACKAGE) / "environments" / key[:32]
    if not folder.is_dir():
        _make(bundle, folder)
    return folder


def _make(bundle: Bundle, folder: Path) -> None:
    if not shutil.which("uv"):
        message = "this version needs an environment of its own, and uv is not in PATH"
        raise ProjectError(f"{message}: install uv, or check out {bundle.lineage.git_commit}")
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent) as place:
        new = Path(place) / "environment"
        _uv("venv", "--quiet", "--relocatable", "--python", bundle.python, str(new))
        into = ("pip", "install", "--quiet", "--no-deps", "--python", str(new))
        listed = ("--require-hashes", "--requirements", str(bundle.folder / REQUIREMENTS))
        try:
            _uv(*into, "--offline", *listed)
        except ProjectError:  # not all of it is in the cache of uv
            _uv(*into, *listed)
        _uv(*into, "--offline", str(bundle.wheel))
        try:
            new.replace(folder)
        except OSError:  # another process was quicker
            if not folder.is_dir():
                raise


def _uv(*arguments: str) -> None:
    env = {name: value for name, value in os.environ.items() if name != "VIRTUAL_ENV"}
    done = subprocess.run(["uv", *arguments], env=env, capture_output=True, check=False)
    if done.returncode:
        reason = " ".join(done.stderr.decode(errors="replace").split())
        raise ProjectError(f"the environment of this version cannot be made: {reason}")
