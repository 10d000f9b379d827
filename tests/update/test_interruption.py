"""`nox -s update` may be killed at any moment, and `git reset --hard` undoes it."""

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from formwork.cli import main
from formwork.repository import MARK
from tests.harness import git, tree
from tests.small import SmallTemplate, put
from tests.update.test_merge import Run

KILLS = int(os.environ.get("FORMWORK_KILLS", "20"))
CHUNKS = 4


def many_files(word: str) -> dict[str, str | bytes | None]:
    """Make so many files that the update takes some time."""
    return {f"template/many/{word}/{number}.txt": f"{word}\n" * 200 for number in range(100)}


@pytest.fixture
def halfway(small: SmallTemplate, repository: Path) -> Path:
    """Return a repository whose next update adds, changes, moves and removes many files."""
    small.release("1.1.0", many_files("old") | many_files("gone"))
    main(["update"])
    put(repository, {"mine.txt": "mine\n", "many/old/1.txt": "old\n" * 200 + "mine\n"})
    git(repository, "add", "--all")
    git(repository, "commit", "--quiet", "--message", "Update")
    changes = {name: str(content).replace("old\n", "new\n", 1) for name, content in many_files("old").items()}
    small.release("1.2.0", changes | dict.fromkeys(many_files("gone")) | many_files("added"))
    return repository


def is_at_it(repository: Path) -> bool:
    """Return whether the result is being put into place."""
    return (repository / ".git" / MARK).exists()


def placed(repository: Path) -> int:
    """Count the files that the update has removed and added so far."""

    def count(name: str) -> int:
        return sum((repository / f"many/{name}/{number}.txt").exists() for number in range(100))

    return 100 - count("gone") + count("added")


def kill(repository: Path, *, is_due: Callable[[], bool]) -> None:
    """Start an update, and kill it and its child processes as soon as the moment has come."""
    quiet = subprocess.DEVNULL
    command = [sys.executable, "-m", "formwork", "update"]
    with subprocess.Popen(command, cwd=repository, stdout=quiet, stderr=quiet, start_new_session=True) as process:
        while not is_due() and process.poll() is None:
            time.sleep(0.0005)
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)


@pytest.mark.slow
@pytest.mark.parametrize("chunk", range(CHUNKS))
@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no process groups to kill")
def test_killed(halfway: Path, chunk: int, capsys: pytest.CaptureFixture[str]) -> None:
    """Half of the kills happen while files are written; the old state is restored, and the next run succeeds."""
    chance = random.Random(chunk)  # noqa: S311
    put(halfway, {"untracked.txt": "mine\n"})
    before = tree(halfway)
    begun = time.monotonic()
    main(["update"])
    seconds = time.monotonic() - begun + 0.4  # to start python
    after = tree(halfway)
    assert after != before
    git(halfway, "reset", "--quiet", "--hard")
    assert tree(halfway) == before
    touched = 0
    for number in range(KILLS // CHUNKS):
        files, end = chance.randint(1, 150), time.monotonic() + chance.uniform(0, seconds)
        is_aimed = number % 2 == 0
        kill(halfway, is_due=lambda: placed(halfway) >= files if is_aimed else time.monotonic() > end)  # noqa: B023
        is_touched = is_at_it(halfway) and git(halfway, "status", "--porcelain", "--untracked-files=no") != ""
        touched += is_touched
        git(halfway, "reset", "--quiet", "--hard")
        assert tree(halfway) == before
        if is_touched:
            capsys.readouterr()
            assert main(["update"]) == 0
            assert "note: the interrupted update to v1.2.0 is undone" in capsys.readouterr().out
            assert tree(halfway) == after
            git(halfway, "reset", "--quiet", "--hard")
    assert touched >= KILLS // CHUNKS // 3, "too few of the kills came while files were written"


def test_undone_with_conflicts(small: SmallTemplate, repository: Path, run_update: Run) -> None:
    """Files that only the conflict has added are removed again."""
    small.release("1.1.0", {"template/docs/guide.md": "theirs\n", "template/extra/page.md": "Page.\n"})
    put(repository, {"docs/guide.md": "mine\n", "extra": "mine\n"})
    git(repository, "add", "--all")
    git(repository, "commit", "--quiet", "--message", "Mine")
    before = tree(repository)
    assert run_update()[0] == 1
    git(repository, "reset", "--quiet", "--hard")
    assert tree(repository) == before
