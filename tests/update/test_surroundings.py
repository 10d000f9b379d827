"""An update works whatever surrounds it: settings of git, hooks, other repositories, worktrees."""

import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.harness import commit_everything, git, tree
from tests.small import SmallTemplate, put
from tests.update.test_merge import GUIDE, replace, text

Run = Callable[..., tuple[int, str]]


@pytest.fixture
def later(small: SmallTemplate, repository: Path) -> SmallTemplate:
    """Make a release to update to, later than that of the repository."""
    assert repository.exists()
    small.release("1.1.0", text(GUIDE, "Second", "2nd") | {"template/new/page.md": "New.\n"})
    return small


pytestmark = pytest.mark.usefixtures("later")


@pytest.mark.parametrize(
    "setting",
    [
        "apply.whitespace=error",
        "core.autocrlf=true",
        "core.autocrlf=input",
        "core.excludesFile=~/ignored",
        "core.fsmonitor=/bin/false",
        "core.splitIndex=true",
        "core.untrackedCache=true",
        "core.quotePath=true",
        "core.fileMode=false",
        "core.safecrlf=true",
        "commit.gpgsign=true",
        "gpg.program=/bin/false",
        "diff.renames=false",
        "diff.noprefix=true",
        "diff.external=/bin/false",
        "index.version=4",
        "feature.manyFiles=true",
        "merge.conflictStyle=zdiff3",
        "merge.directoryRenames=false",
        "merge.ff=only",
        "merge.renames=false",
        "merge.renormalize=true",
        "status.showUntrackedFiles=no",
        "status.short=true",
        "status.branch=true",
        "color.ui=always",
        "user.useConfigOnly=true",
        "clone.defaultRemoteName=theirs",
        "fetch.prune=true",
    ],
)
def test_a_setting_of_git(
    repository: Path, run_update: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, setting: str
) -> None:
    name, _, value = setting.partition("=")
    settings = tmp_path / "settings"
    put(tmp_path, {"ignored": "*.md\n*.yml\n", "settings": ""})
    git(tmp_path, "config", "--file", str(settings), name, value.replace("~", str(tmp_path)))
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(settings))
    (repository / "docs").rename(repository / "manual")
    replace(repository / "manual/guide.md", "Third line.", "Third line.\n\nMine, with a blank. ")
    replace(repository / "settings.toml", "d = 4", "d = 4\nmine = 1")
    commit_everything(repository, "Mine")
    code, said = run_update()
    assert code == 0, said
    guide = (repository / "manual/guide.md").read_bytes().replace(b"\r\n", b"\n")
    assert b"2nd" in guide
    assert b"Mine, with a blank. \n" in guide
    assert (repository / "new/page.md").read_bytes().replace(b"\r\n", b"\n") == b"New.\n"
    changed = git(repository, "status", "--porcelain", env={"GIT_CONFIG_GLOBAL": str(settings)})
    assert sorted(changed.splitlines()) == ["A  new/page.md", "M  .copier-answers.yml", "M  manual/guide.md"]


def test_hooks_do_not_run(repository: Path, run_update: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script = f"#!/bin/sh\ntouch {tmp_path}/ran\nexit 1\n"
    for folder in (repository / ".git/hooks", tmp_path / "hooks"):
        for name in ("post-checkout", "post-index-change", "reference-transaction", "pre-commit", "post-commit"):
            put(folder, {name: script})
            (folder / name).chmod(0o755)
    assert run_update()[0] == 0
    commit = git(repository, "-c", f"core.hooksPath={os.devnull}", "stash", "create")
    assert commit
    git(repository, "-c", f"core.hooksPath={os.devnull}", "reset", "--quiet", "--hard")
    settings = tmp_path / "settings"
    git(tmp_path, "config", "--file", str(settings), "core.hooksPath", str(tmp_path / "hooks"))
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(settings))
    (tmp_path / "ran").unlink(missing_ok=True)
    assert run_update()[0] == 0
    assert not (tmp_path / "ran").exists()


def test_another_repository_in_the_environment(
    small: SmallTemplate, repository: Path, run_update: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A hook of git sets these variables."""
    other = small.generate(tmp_path / "other")
    before = tree(other, without=())
    monkeypatch.setenv("GIT_DIR", str(other / ".git"))
    monkeypatch.setenv("GIT_WORK_TREE", str(other))
    monkeypatch.setenv("GIT_INDEX_FILE", str(other / ".git/index"))
    monkeypatch.setenv("GIT_OBJECT_DIRECTORY", str(other / ".git/objects"))
    assert run_update()[0] == 0
    for name in ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY"):
        monkeypatch.delenv(name)
    assert tree(other, without=()) == before
    assert "2nd" in (repository / "docs/guide.md").read_text("utf-8")
    assert "missing" not in git(repository, "fsck")


def test_a_worktree(repository: Path, run_update: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = tree(repository)
    git(repository, "worktree", "add", "--quiet", str(tmp_path / "tree"))
    monkeypatch.chdir(tmp_path / "tree")
    assert run_update()[0] == 0
    assert "2nd" in (tmp_path / "tree/docs/guide.md").read_text("utf-8")
    assert git(tmp_path / "tree", "status", "--porcelain").count("\n") == 2
    assert tree(repository) == before
    assert git(repository, "status", "--porcelain") == ""


def test_a_shallow_clone(repository: Path, run_update: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    commit_everything(repository, "More")
    git(tmp_path, "clone", "--quiet", "--depth=1", f"file://{repository}", str(tmp_path / "clone"))
    monkeypatch.chdir(tmp_path / "clone")
    assert run_update()[0] == 0


def test_a_mode_and_a_link_of_the_user(repository: Path, run_update: Run) -> None:
    (repository / "docs/guide.md").chmod(0o755)
    (repository / "link").symlink_to("docs/guide.md")
    commit_everything(repository, "Mine")
    assert run_update()[0] == 0
    assert (repository / "docs/guide.md").stat().st_mode & stat.S_IXUSR
    assert "2nd" in (repository / "docs/guide.md").read_text("utf-8")
    assert (repository / "link").is_symlink()
