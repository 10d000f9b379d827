"""List what an update or a merge has left to do, each with the command that does it.

It is run without the project's environment, which a conflict in pyproject.toml or uv.lock would
keep from being made.

    uv run --no-config --no-project scripts/leftovers.py         all of it
    uv run --no-config --no-project scripts/leftovers.py merge   conflicts and interruptions
    uv run --no-config --no-project scripts/leftovers.py locks   uv.lock and dvc.lock

This file is the template's: updates keep it current.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

MARKER = "^(<{7}|>{7})( |$)"
ENVIRONMENT = ".venv"


def main(part: str = "all") -> int:
    """Print what is left; the exit status is 0 only if nothing is."""
    parts = {"merge": [merge], "locks": [locks], "stages": [stages], "all": [merge, locks]}
    found = [line for find in parts[part] for line in find()]
    print("\n".join(found), end="\n" if found else "")
    return 1 if found else 0


def merge() -> Iterator[str]:
    """Find what is left of an update or a merge in the files."""
    mark = Path(output("git", "rev-parse", "--git-path", "formwork-update").strip())
    if mark.is_file() and output("git", "status", "--porcelain", "--untracked-files=no"):
        yield f"the update to {mark.read_text(encoding='utf-8')} was interrupted: git reset --hard"
    unmerged = output("git", "diff", "--name-only", "--diff-filter=U", "--relative", "-z")
    places: dict[str, list[str]] = {path: [] for path in unmerged.split("\0")[:-1]}
    for line in output("git", "grep", "--untracked", "-nIzE", MARKER).splitlines():
        path, number, _ = line.split("\0", 2)
        places.setdefault(path, []).append(number)
    for path, lines in places.items():
        where = f"conflict markers in lines {', '.join(lines)}" if lines else "unmerged"
        yield f"{path}: {where}: resolve it, then: git add {path}"
    listing = ("git", "ls-files", "-z", "--cached", "--others", "--deduplicate")
    for path in output(*listing, "--", "*.rej", f":!{ENVIRONMENT}").split("\0")[:-1]:
        yield f"{path}: rejected hunks: carry them over by hand, then: rm {path}"


def locks() -> Iterator[str]:
    """Find locks that are not in step with what they lock."""
    if not Path("uv.lock").exists():
        return
    check = subprocess.run(["uv", "lock", "--check", "--quiet"], capture_output=True, check=False)
    if check.returncode:
        yield "uv.lock: does not fit pyproject.toml: uv lock"
    elif Path("dvc.lock").exists():
        # DVC is in the project's environment, not in this one.
        command = ["uv", "run", "--frozen", "--quiet", "python", __file__, "stages"]
        done = subprocess.run(command, capture_output=True, encoding="utf-8", check=False)
        yield from done.stdout.splitlines()
        if done.returncode and not done.stdout:
            yield "dvc.yaml: cannot be read, which says why: uv run dvc stage list"


def stages() -> Iterator[str]:
    """Find stages of dvc.yaml that dvc.lock does not know as they are now."""
    import yaml
    from dvc.repo import Repo

    locked = yaml.safe_load(Path("dvc.lock").read_text(encoding="utf-8"))["stages"]
    for stage in Repo().index.stages:
        if Path(stage.path).name != "dvc.yaml":  # one of `dvc add`, which has no lock
            continue
        known = locked.get(stage.addressing, {})
        paths = {entry["path"] for kind in ("deps", "outs") for entry in known.get(kind, [])}
        params = {name for file in known.get("params", {}).values() for name in file}
        needed = {
            item.def_path for item in [*stage.deps, *stage.outs] if not hasattr(item, "params")
        }
        asked = {name for item in stage.deps for name in getattr(item, "params", [])}
        if stage.cmd != known.get("cmd") or needed - paths or asked - params:
            yield f"dvc.lock: stage {stage.addressing} is not as in dvc.yaml: uvx nox -s pipeline"


def output(*command: str) -> str:
    """Give what a command prints, in UTF-8 or not; nothing where it finds nothing."""
    done = subprocess.run(command, capture_output=True, check=False)
    return os.fsdecode(done.stdout)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
