"""Check whether a machine and a clone have what work here requires; change nothing.

noxfile.py imports this module when there is no environment yet, so its imports at the top are from
the standard library.
"""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterable
from configparser import ConfigParser
from configparser import Error as ConfigError
from dataclasses import asdict, dataclass
from pathlib import Path

PACKAGE = (__package__ or "").partition(".")[0]
ENVIRONMENT = Path(os.environ.get("UV_PROJECT_ENVIRONMENT") or ".venv")
SETUP = "uvx nox -s setup"
PIPELINE = "uvx nox -s pipeline"
REGISTER = f"uv run {PACKAGE} register"
PULL = "uv run dvc pull"
BY_SETUP = (SETUP, PIPELINE, REGISTER, PULL)
WAIT = 30  # seconds for a remote to answer
INSTALL_GIT = {"darwin": "xcode-select --install", "win32": "winget install Git.Git"}
CREDENTIALS = {
    "s3": "aws configure",
    "gs": "gcloud auth application-default login",
    "azure": "az login",
    "ssh": "ssh-copy-id HOST",
}
NO_ENVIRONMENT = "not known before there is an environment"


@dataclass(frozen=True)
class Finding:
    """One thing that work in this repository requires.

    Attributes:
        name: What it is, such as `git`.
        found: What was found, in a few words.
        remedy: The command that helps or improves it; empty if there is nothing to do.
        is_ready: Whether you can work with it as it is.
    """

    name: str
    found: str
    remedy: str = ""
    is_ready: bool = True


def missing(name: str, found: str, remedy: str) -> Finding:
    """Make a finding about something that you cannot work with."""
    return Finding(name, found, remedy, is_ready=False)


def machine() -> list[Finding]:
    """Look at the tools, the disk, the environment and the hooks.

    Returns:
        The findings, in order: a remedy may need those before it.
    """
    return [_git(), _author(), _uv(), _python(), _disk(), _environment(), _hooks()]


def team() -> list[Finding]:
    """Look at the remote, the results and the registry, in the environment of this repository.

    Returns:
        The findings; without an environment, they say so.
    """
    command = ("uv", "run", "--no-sync", "python", "-m", f"{PACKAGE}.core.workplace")
    done = _run(*command) if ENVIRONMENT.exists() else None
    try:
        return [Finding(**found) for found in json.loads(done.stdout if done else "")]
    except ValueError:
        names = ("remote", "results", "registry")
        return [missing(name, NO_ENVIRONMENT, SETUP) for name in names]


def shared() -> list[Finding]:
    """Do what `team` does, in this process."""
    from .base.paths import further_models

    return [remote(), results(), *map(registry, ("", *further_models()))]


def as_text(findings: Iterable[Finding], *, is_setup: bool = False) -> str:
    """Write a line for each finding, and below it the command that helps.

    Args:
        findings: What was found.
        is_setup: Whether `setup` is running, so that commands it runs itself are left out.
    """
    lines: list[str] = []
    findings = list(findings)
    width = max([12, *(len(finding.name) for finding in findings)])
    for finding in findings:
        mark = "ok" if finding.is_ready else "--"
        lines.append(f"{mark}  {finding.name:{width}} {finding.found}")
        if finding.remedy and not (is_setup and finding.remedy.startswith(BY_SETUP)):
            lines.append(f"{'':{width + 5}}{finding.remedy}")
    return "\n".join(lines)


def as_json(findings: Iterable[Finding]) -> str:
    """Write the findings as a JSON list of objects with the attributes of `Finding`."""
    return json.dumps([asdict(finding) for finding in findings], indent=2, ensure_ascii=False)


def is_moved() -> bool:
    """Say whether .venv was made in another place, where its scripts look for Python."""
    for script in ENVIRONMENT.glob("*/activate"):
        found = re.search("^VIRTUAL_ENV='.*", script.read_text(encoding="utf-8"), re.MULTILINE)
        place = shlex.split(found[0])[0].partition("=")[2] if found else ""
        return bool(place) and Path(place).resolve() != ENVIRONMENT.resolve()
    return False


def enclosing_repository() -> Path | None:
    """Return the repository around this folder, if this folder is not one itself."""
    top = _output("git", "rev-parse", "--show-toplevel")
    return Path(top) if top and not Path(top).samefile(Path.cwd()) else None


def _git() -> Finding:
    version = _output("git", "--version").removeprefix("git version ")
    if not version:
        remedy = INSTALL_GIT.get(sys.platform, "sudo apt install git")
        return missing("git", "not in PATH", remedy)
    return Finding("git", version)


def _author() -> Finding:
    who = [
        os.environ.get(f"GIT_AUTHOR_{name.upper()}") or _output("git", "config", f"user.{name}")
        for name in ("name", "email")
    ]
    if not all(who):
        remedy = 'git config --global user.name "NAME"; git config --global user.email EMAIL'
        return missing("author", "git does not know who commits", remedy)
    return Finding("author", f"{who[0]} <{who[1]}>")


def _uv() -> Finding:
    version = _output("uv", "--version").removeprefix("uv ").partition(" ")[0]
    return Finding("uv", version) if version else missing("uv", "not in PATH", "pipx install uv")


def _python() -> Finding:
    wanted = os.environ.get("UV_PYTHON", "")
    version = _output("uv", "python", "find", "--show-version")
    if not version:
        remedy = f"uv python install {shlex.quote(wanted)}"
        return missing("Python", f"none that is {wanted} on this machine", remedy)
    return Finding("Python", version)


def _disk() -> Finding:
    free = shutil.disk_usage(Path()).free / 1e9
    needed = 0.2 if ENVIRONMENT.exists() else 2
    if free < needed:
        found = f"{free:.1f} GB free, {needed} GB are needed"
        return missing("disk", found, "uv cache clean")
    return Finding("disk", f"{free:.0f} GB free")


def _environment() -> Finding:
    name = "environment"
    if "%" in str(Path.cwd()):
        return missing(name, "MLflow does not work in a path with the sign %", "rename the folder")
    if not ENVIRONMENT.exists():
        return missing(name, "none yet", SETUP)
    if is_moved():
        return missing(name, "made before this folder moved", SETUP)
    if _run("uv", "sync", "--locked", "--check", "--quiet").returncode:
        return missing(name, "not in step with uv.lock", SETUP)
    return Finding(name, "in step with uv.lock")


def _hooks() -> Finding:
    if outside := enclosing_repository():
        return Finding("hooks", f"those of {outside}")
    if elsewhere := _output("git", "config", "core.hooksPath"):
        return Finding("hooks", f"git takes them from {elsewhere} (core.hooksPath)")
    path = Path(_output("git", "rev-parse", "--git-path", "hooks/pre-commit") or os.devnull)
    if not path.is_file() or SETUP not in path.read_text(encoding="utf-8", errors="replace"):
        return missing("hooks", "not installed", SETUP)
    return Finding("hooks", "installed")


def remote() -> Finding:
    """Look for the data and models of the last run on the remote."""
    name, url = _default_remote()
    if not url:
        remedy = "uvx nox -s remote -- s3://bucket/path"
        return missing("remote", "none, so data and models stay here", remedy)
    scheme, separator, _ = url.partition("://")
    folder = Path(os.path.normpath(Path(".dvc") / url))
    place = url if separator else f"the folder {folder}"
    is_absent = not separator and not folder.exists()
    if not Path("dvc.lock").is_file():
        more = ", which the first `dvc push` makes" if is_absent else ""
        return Finding("remote", f"{place}{more}")
    if is_absent:
        place += ", which does not exist"
    done = _run(sys.executable, "-m", "dvc", "status", "--cloud", "--json")
    if done.returncode:
        errors = [line for line in done.stderr.splitlines() if line.startswith("ERROR: ")]
        reason = " ".join(errors).removeprefix("ERROR: ").removeprefix("unexpected error - ")
        remedy = CREDENTIALS.get(scheme, f"uv run dvc remote modify {name} url ADDRESS")
        if package := re.search(r"'(dvc-\w+)'", reason):
            remedy = f"uv add --group=pipeline {package[1]}"
        if "dvc.lock" in reason or "dvc.yaml" in reason:
            remedy = _readable_again()
        return missing("remote", f"{place}: {reason or 'no answer'}", remedy)
    files: dict[str, str] = json.loads(done.stdout or "{}")
    states = list(files.values())
    lacking = [file for file, state in files.items() if state == "missing"]
    if lacking:
        is_made = not any(Path(f"{file}.dvc").is_file() for file in lacking)
        remedy = PIPELINE if is_made else "uv run dvc push # by a colleague who has them"
        found = f"{place}: {len(lacking)} files are neither there nor here"
        return missing("remote", found, remedy)
    if absent := states.count("deleted"):
        return missing("remote", f"{place}: {absent} files are there, not here", PULL)
    if unsent := states.count("new"):
        return Finding("remote", f"{place}: {unsent} files are not there yet", "uv run dvc push")
    return Finding("remote", f"{place}: all files are there")


def _default_remote() -> tuple[str, str]:
    """Return the name and the address of DVC's default remote, empty if there is none."""
    config = ConfigParser(interpolation=None)
    try:
        config.read([".dvc/config", ".dvc/config.local"], encoding="utf-8")
    except ConfigError:
        return "", ""
    name = config.get("core", "remote", fallback="")
    return name, config.get(f"'remote \"{name}\"'", "url", fallback="")


def _readable_again() -> str:
    """Return the command that helps where dvc.yaml or dvc.lock cannot be read."""
    if _output("git", "ls-files", "--unmerged"):
        return "uvx nox -s resolve"
    changed = _output("git", "status", "--porcelain", "--", "dvc.lock")
    return "git checkout dvc.lock" if changed else "git log -1 -p dvc.yaml # and correct it"


def results() -> Finding:
    """Compare the results with the code and the parameters."""
    from .base.errors import ProjectError
    from .models.freshness import changes

    try:
        found = changes()
    except ProjectError as error:
        remedy = _readable_again() if Path("dvc.lock").is_file() else PIPELINE
        return missing("results", str(error).partition(": ")[0], remedy)
    if not found:
        return Finding("results", "those of the code and the parameters here")
    more = f", and {len(found) - 1} more" if len(found) > 1 else ""
    return missing("results", f"{found[0]}{more}", PIPELINE)


def registry(of: str = "") -> Finding:
    """Look for the results in the registry.

    Args:
        of: Name of a further model.
    """
    from .base.errors import ProjectError
    from .models import registered
    from .yours import Yours

    name = f"registry {of}" if of else "registry"
    command = f"{REGISTER} --of {of}" if of else REGISTER
    try:
        place, version = registered.find(Yours(of).registered, of)
    except ProjectError as error:
        remedy = "see MLFLOW_TRACKING_URI and the credentials in .env"
        return missing(name, str(error), remedy)
    if version:
        return Finding(name, f"{place}: these results are version {version.number}")
    return missing(name, f"{place}: these results are not registered yet", command)


def _output(*command: str) -> str:
    done = _run(*command)
    return "" if done.returncode else done.stdout.strip()


def _run(*command: str) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(
            command, capture_output=True, encoding="utf-8", timeout=WAIT, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return subprocess.CompletedProcess(command, 1, "", f"ERROR: {error}")


if __name__ == "__main__":
    print(as_json(shared()))
