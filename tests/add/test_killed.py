"""`add` may be killed at any moment: the tree is as before, or complete."""

import os
import random
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest

from tests.harness import git, tree
from tests.small import put

KILLS = int(os.environ.get("FORMWORK_KILLS", "10"))
COMMANDS = {"scaffold": ["stage", "clean"], "pieces": ["agents", "devcontainer"]}


def add(folder: Path, kind: str, *, seconds: float | None = None) -> float:
    """Run `formwork add`, kill it and its child processes after some time, and return how long it ran."""
    begun = time.monotonic()
    command = [sys.executable, "-m", "formwork", "add", *COMMANDS[kind]]
    quiet = subprocess.DEVNULL
    with subprocess.Popen(command, cwd=folder, stdout=quiet, stderr=quiet, start_new_session=True) as process:
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
    return time.monotonic() - begun


def is_at_it(folder: Path) -> bool:
    """Return whether another process is still putting files into place."""
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if b"formwork.placing" in (process / "cmdline").read_bytes() and (process / "cwd").readlink() == folder:
                return True
    return False


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="only on Linux can the test see the process that writes")
@pytest.mark.parametrize("kind", COMMANDS)
def test_the_tree_is_as_before_or_complete(mine: Path, kind: str) -> None:
    """What is not committed, in files that are not touched, survives as well."""
    chance = random.Random(kind)  # noqa: S311
    put(mine, {"README.md": "mine\n", "untracked.txt": "mine\n"})
    before = tree(mine)
    seconds = add(mine, kind)
    after = tree(mine)
    assert after != before
    outcomes = set()
    for _ in range(KILLS):
        git(mine, "reset", "--quiet", "--hard")
        put(mine, {"README.md": "mine\n"})
        assert tree(mine) == before
        # More of the moments are near the end, where files are written.
        moment = seconds * chance.choice([chance.uniform(0, 1), chance.uniform(0.7, 1.05)])
        taken = add(mine, kind, seconds=moment)
        seconds = min(seconds, taken) if taken < moment else seconds  # the machine may have had other work before
        end = time.monotonic() + 10
        while is_at_it(mine) and time.monotonic() < end:
            time.sleep(0.01)
        found = tree(mine)
        assert found in (before, after)
        outcomes.add(found == after)
    assert False in outcomes, "no kill came in time"
