"""What happens to a file that both sides have."""

import contextlib
import io
import os
from pathlib import Path

import pytest

from formwork.adopting.delivery import your_side
from formwork.cli import main
from tests.adopt.examples import (
    HARD,
    RUFF,
    Adopt,
    make,
    plan,
    unmerged,
)
from tests.harness import commit_everything, git, tree
from tests.small import SmallTemplate, put


def test_texts_are_an_ordinary_conflict(tmp_path: Path, run_adopt: Adopt) -> None:
    """Lines that both sides have are outside the markers, and each side is complete."""
    yours = RUFF.replace("100", "79").replace("E", "F") + "# Mine\n"
    mine = make(tmp_path / "mine", {"ruff.toml": yours, "run.sh": "#!/bin/sh\necho run\n"})
    status, said = run_adopt(mine)
    assert status == 1
    assert plan(said)["ruff.toml"] == "conflict: both sides are in it"
    assert plan(said)["run.sh"] == "same"
    assert unmerged(mine) == {"ruff.toml": [2, 3]}
    merged = (mine / "ruff.toml").read_text("utf-8")
    assert merged.startswith("<<<<<<< yours\nline-length = 79\n=======\nline-length = 100\n>>>>>>> v1.0.0\nextend-")
    assert your_side(merged.encode()) == yours.encode()
    assert "1. resolve 1 conflict (git status), git add each\n" in said
    git(mine, "checkout", "--quiet", "--theirs", "ruff.toml")
    assert (mine / "ruff.toml").read_text("utf-8") == RUFF
    git(mine, "checkout", "--quiet", "--ours", "ruff.toml")
    assert (mine / "ruff.toml").read_text("utf-8") == yours


@pytest.fixture(scope="module")
def hard(example: SmallTemplate, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str]]:
    """Return a repository with all texts in which markers would not work, and the plan for each file."""
    attributes = "".join(f"{name} {attribute}\n" for name, (_, attribute) in HARD.items() if attribute)
    files: dict[str, str | bytes | None] = {f"hard/{name}": content for name, (content, _) in HARD.items()}
    mine = make(tmp_path_factory.mktemp("hard") / "mine", {**files, "hard/.gitattributes": attributes})
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        assert main(["adopt", str(mine), "--template", example.url]) == 1
    return mine, plan(said.getvalue())


@pytest.mark.parametrize("name", HARD)
def test_where_markers_would_not_do_theirs_stays(hard: tuple[Path, dict[str, str]], name: str) -> None:
    """The file stays byte for byte as the repository has it, and git still has both versions."""
    mine, planned = hard
    assert (mine / "hard" / name).read_bytes() == HARD[name][0]
    assert planned[f"hard/{name}"] == "conflict: yours stays as it is"
    assert unmerged(mine)[f"hard/{name}"] == [2, 3]
    assert git(mine, "show", f":3:hard/{name}") == "The template's."


def test_carriage_returns_are_theirs(tmp_path: Path, run_adopt: Adopt) -> None:
    yours = b"line-length = 79\r\n\r\n[lint]\r\n"
    mine = make(tmp_path / "mine", {"ruff.toml": yours})
    run_adopt(mine)
    merged = (mine / "ruff.toml").read_bytes()
    assert b"<<<<<<< yours" in merged
    assert your_side(merged) == yours


def test_a_mode_of_theirs_stays(tmp_path: Path, run_adopt: Adopt) -> None:
    mine = make(tmp_path / "mine", {"run.sh": "#!/bin/sh\necho run\n"})
    (mine / "run.sh").chmod(0o755)
    commit_everything(mine, "Executable")
    status, said = run_adopt(mine)
    assert (status, plan(said)["run.sh"]) == (1, "conflict: yours stays as it is")
    assert os.access(mine / "run.sh", os.X_OK)
    assert unmerged(mine) == {"run.sh": [2, 3]}


def test_links_are_never_followed(tmp_path: Path, run_adopt: Adopt) -> None:
    """A link instead of a file is a conflict, and nothing is written through a link instead of a folder."""
    outside = tmp_path / "outside"
    put(outside, {"file.toml": "Outside.\n"})
    mine = make(tmp_path / "mine", {"ruff.toml": "-> ../outside/file.toml", "docs": "-> ../outside"})
    (mine / "src").symlink_to("nowhere")
    commit_everything(mine, "Another link")
    before = tree(mine)
    status, said = run_adopt(mine)
    assert status == 1
    assert plan(said)["ruff.toml"] == "conflict: yours stays as it is"
    assert unmerged(mine) == {"ruff.toml": [2, 3]}
    assert plan(said)["docs/guide.md"] == "left out: docs is a link of yours"
    assert plan(said)["src/mine/model.py"] == "left out: src is a link of yours"
    assert {name: entry for name, entry in tree(mine).items() if name in before} == before
    assert sorted(path.name for path in outside.iterdir()) == ["file.toml"]
    assert (outside / "file.toml").read_text("utf-8") == "Outside.\n"


def test_a_file_where_a_folder_would_be_and_the_other_way_round(tmp_path: Path, run_adopt: Adopt) -> None:
    mine = make(tmp_path / "mine", {"docs": "A file.\n", "run.sh/inner.txt": "Inside.\n"})
    status, said = run_adopt(mine)
    assert status == 0
    assert plan(said)["docs/guide.md"] == "left out: docs is a file of yours"
    assert plan(said)["run.sh"] == "left out: it is a folder of yours"
    assert (mine / "docs").read_text("utf-8") == "A file.\n"
    assert sorted(path.name for path in (mine / "run.sh").iterdir()) == ["inner.txt"]


def test_a_submodule_where_a_file_or_a_folder_would_be(tmp_path: Path, run_adopt: Adopt) -> None:
    mine = make(tmp_path / "mine", {"a.txt": "a\n"})
    commit = git(mine, "rev-parse", "HEAD")
    for name in ("docs", "run.sh"):
        git(mine, "update-index", "--add", "--cacheinfo", f"160000,{commit},{name}")
        (mine / name).mkdir()
    git(mine, "commit", "--quiet", "--message=Submodules")
    status, said = run_adopt(mine)
    assert status == 1
    assert plan(said)["docs/guide.md"] == "left out: docs is a submodule of yours"
    assert plan(said)["run.sh"] == "conflict: yours stays as it is"
    assert not list((mine / "docs").iterdir())


def test_what_is_theirs_to_say_is_kept(tmp_path: Path, run_adopt: Adopt) -> None:
    files = ("README.md", "LICENSE", "src/mine/model.py")
    mine = make(tmp_path / "mine", {**dict.fromkeys(files, "Mine.\n"), "src/mine/__init__.py": ""})
    (mine / "tests").mkdir()
    (mine / "tests/sample.csv").symlink_to("../README.md")
    commit_everything(mine, "A link")
    before = tree(mine)
    status, said = run_adopt(mine, "--data=package_name=mine")
    assert status == 0
    assert [plan(said)[name] for name in (*files, "tests/sample.csv")] == ["kept: yours"] * 4
    assert plan(said)["src/mine/__init__.py"] == "kept: yours"
    assert {name: entry for name, entry in tree(mine).items() if name in before} == before
    assert git(mine, "show", "formwork/v1.0.0:LICENSE") == "The template's licence."


def test_a_licence_of_another_name_is_kept(tmp_path: Path, run_adopt: Adopt) -> None:
    mine = make(tmp_path / "mine", {"COPYING": "Mine.\n", "LICENSE.txt": "Mine.\n", "docs/LICENSE": "Other's.\n"})
    _, said = run_adopt(mine)
    assert plan(said)["LICENSE"] == "left out: COPYING is yours"
    assert not (mine / "LICENSE").exists()
    assert 'license-files = ["COPYING", "LICENSE.txt"]\n' in (mine / "pyproject.toml").read_text("utf-8")
