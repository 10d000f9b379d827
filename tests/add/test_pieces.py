"""Pieces: whatever the order in which they come and go, the tree is the one that the template renders with them."""

import os
import re
from itertools import combinations
from pathlib import Path

import pytest
import yaml

from tests.add.conftest import Run
from tests.add.examples import begin
from tests.harness import ANSWERS_FILE, ROOT, Doors, Entry, Template, commit_everything, git, tree
from tests.small import put

PIECES = [*yaml.safe_load((ROOT / "copier.yml").read_text("utf-8"))["pieces"]["choices"].values()]
# The last piece and all of them; `nox -s growth` tries each piece and each pair, too.
TRIED = PIECES if "FORMWORK_SEQUENCES" in os.environ else PIECES[-1:]
SETS = [*((piece,) for piece in TRIED), *combinations(TRIED, 2), tuple(PIECES)]
MARK = "A line of mine.\n"


def content(folder: Path) -> dict[str, Entry]:
    """Record a tree, without the commit of the template in the answers."""
    found = tree(folder)
    answers = re.sub(rb"(?m)^_commit: .*\n", b"", found[ANSWERS_FILE].content)
    return found | {ANSWERS_FILE: Entry("file", found[ANSWERS_FILE].mode, answers)}


@pytest.mark.parametrize("pieces", SETS, ids="+".join)
def test_at_once_one_by_one_and_from_the_beginning_are_the_same(
    mine: Path, run: Run, template: Template, tmp_path: Path, pieces: tuple[str, ...]
) -> None:
    before = tree(mine)
    assert run("add", *pieces)[0] == 0
    at_once = tree(mine)
    git(mine, "reset", "--quiet", "--hard")
    assert tree(mine) == before
    for piece in reversed(pieces):
        assert run("add", piece)[0] == 0
        commit_everything(mine, piece)
    assert tree(mine) == at_once
    assert content(mine) == content(begin(template, tmp_path / "new", pieces=list(pieces)))


@pytest.mark.parametrize("pieces", SETS, ids="+".join)
@pytest.mark.parametrize("is_committed", [True, False], ids=["committed", "staged"])
def test_removing_gives_the_tree_before(mine: Path, run: Run, pieces: tuple[str, ...], *, is_committed: bool) -> None:
    before = tree(mine)
    for piece in pieces:
        run("add", piece)
        commit_everything(mine, piece)
    if not is_committed:
        git(mine, "reset", "--quiet", "--soft", f"HEAD~{len(pieces)}")
    assert run("remove", *pieces)[0] == 0
    assert tree(mine) == before


@pytest.mark.parametrize("piece", TRIED)
def test_a_dry_run_shows_the_exact_difference_and_changes_nothing(mine: Path, run: Run, piece: str) -> None:
    before = tree(mine, without=("index",))
    status, said = run("add", piece, "--dry-run")
    assert status == 0
    assert tree(mine, without=("index",)) == before
    shown = said.partition("\n\n")[2].partition("\n\na dry run: nothing is changed\n")[0]
    run("add", piece)
    assert git(mine, "diff", "--cached") == shown


@pytest.mark.parametrize("piece", TRIED)
def test_edits_in_a_piece_are_kept_and_named(mine: Path, run: Run, piece: str) -> None:
    before = tree(mine)
    run("add", piece)
    new = sorted(tree(mine).keys() - before.keys())
    files = [name for name in new if (mine / name).is_file()]
    assert files
    put(mine, {name: (mine / name).read_text("utf-8") + MARK for name in files})
    commit_everything(mine, "Mine")
    assert run("remove", "--dry-run", piece)[0] == 0
    status, said = run("remove", piece)
    assert status == 0
    for name in files:
        assert f"kept         {name} (no longer of the template)" in said
        assert (mine / name).read_text("utf-8").endswith(MARK)


@pytest.mark.parametrize("piece", TRIED)
def test_edits_elsewhere_stay_when_a_piece_comes_and_goes(mine: Path, run: Run, piece: str) -> None:
    files = ["README.md", "pyproject.toml", "dvc.yaml", "mkdocs.yml", "docs/start.md", "CONTRIBUTING.md"]
    put(mine, {name: (mine / name).read_text("utf-8") + f"# {MARK}" for name in files})
    commit_everything(mine, "Mine")
    before = tree(mine)
    for command in ("add", "remove"):
        status, said = run(command, piece)
        assert status == 0, said
        commit_everything(mine, command)
        for name in files:
            assert (mine / name).read_text("utf-8").endswith(f"# {MARK}")
    assert tree(mine) == before


@pytest.mark.parametrize("piece", TRIED)
def test_an_update_from_a_release_before_there_were_pieces(
    template: Template, doors: Doors, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, run: Run, piece: str
) -> None:
    path = tmp_path / "old"
    doors.copier(template.url, path, "--vcs-ref=v0.3.0")
    git(path, "init", "--quiet", "--initial-branch=main")
    commit_everything(path, "Start")
    monkeypatch.chdir(path)
    status, said = run("add", piece)
    assert (status, said.count("\n")) == (1, 1)
    assert f"{piece} is not one of" in said
    assert run("update")[0] == 0
    commit_everything(path, "Update")
    assert "pieces" not in yaml.safe_load((path / ANSWERS_FILE).read_text("utf-8"))
    assert run("add", piece)[0] == 0
    assert yaml.safe_load((path / ANSWERS_FILE).read_text("utf-8"))["pieces"] == [piece]


def test_through_cookiecutter_there_are_none_at_first(
    template: Template, doors: Doors, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, run: Run
) -> None:
    done = doors.cookiecutter(template.url, tmp_path, "--checkout", template.newest, answers={"project_name": "Wine"})
    assert done.returncode == 0
    path = tmp_path / "wine"
    git(path, "init", "--quiet", "--initial-branch=main")
    commit_everything(path, "Start")
    assert "pieces" not in yaml.safe_load((path / ANSWERS_FILE).read_text("utf-8"))
    monkeypatch.chdir(path)
    before = tree(path)
    assert run("add", *PIECES)[0] == 0
    commit_everything(path, "Add")
    assert run("remove", *PIECES)[0] == 0
    assert tree(path) == before
