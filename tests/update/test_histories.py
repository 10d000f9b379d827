"""Whatever the user and the release do to the same files, no line of either is lost without a message."""

import os
from pathlib import Path

import pytest
from copier import run_update

from tests.harness import git
from tests.update import histories
from tests.update.test_merge import Run

COUNT = int(os.environ.get("FORMWORK_HISTORIES", "40"))


@pytest.mark.parametrize("seed", range(COUNT))
def test_by_merge(seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, run_update: Run) -> None:
    """No line of the user's is lost, and the summary names every line of the release's that is missing."""
    history = histories.make(seed, is_plain=False)
    repository = histories.play(history, tmp_path)
    monkeypatch.chdir(repository)
    code, said = run_update()
    everything = histories.in_tree(repository)
    lost = [token for token in histories.written(history.mine) if token not in everything]
    assert not lost, said
    for token in histories.written(history.theirs):
        names = [name for name, text in history.theirs.files.items() if token in text]
        told = [line for line in said.splitlines() if line.startswith(("  kept", "  conflict"))]
        assert token in everything or any(name in line for name in names for line in told), (token, names, said)
    assert (code == 1) == bool(git(repository, "ls-files", "--unmerged"))
    if code == 0:
        assert b"<<<<<<<" not in everything


@pytest.mark.parametrize("seed", range(COUNT))
def test_by_plain_copier(seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No line is lost with UTF-8 text, git's default settings, and releases that keep the rules."""
    history = histories.make(seed, is_plain=True)
    repository = histories.play(history, tmp_path)
    monkeypatch.chdir(repository)
    run_update(repository, defaults=True, overwrite=True, quiet=True)
    everything = histories.in_tree(repository)
    assert not [token for token in histories.written(history.mine) if token not in everything]
