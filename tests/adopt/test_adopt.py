"""`formwork adopt` from beginning to end."""

from pathlib import Path

import pytest
import yaml

from formwork import adopt
from formwork.cli import main
from formwork.repository import File, Repository
from tests.adopt.examples import FILES, PROJECT, RUFF, Adopt, answers, make, plan, refused, unmerged, without_index
from tests.harness import commit_everything, git, tree
from tests.small import SmallTemplate, put


def test_what_is_new_arrives_on_a_branch(mine: Path, example: SmallTemplate, run_adopt: Adopt) -> None:
    """New files are staged on top of the same commit, and the release is recorded."""
    before, head = tree(mine), git(mine, "rev-parse", "HEAD")
    status, said = run_adopt(mine)
    assert status == 0
    assert git(mine, "branch", "--show-current") == "formwork"
    assert git(mine, "rev-parse", "HEAD", "main", "formwork").split() == [head] * 3
    assert {name: now for name, now in tree(mine).items() if name in before} == before
    assert set(plan(said).values()) == {"added"}
    assert git(mine, "status", "--porcelain").splitlines() == [f"A  {name}" for name in sorted(plan(said))]
    recorded = yaml.safe_load((mine / ".copier-answers.yml").read_text("utf-8"))
    assert recorded["_commit"] == "v1.0.0"
    assert recorded["_src_path"] == example.url
    assert recorded["project_name"] == "My wines"
    assert (mine / "README.md").read_text("utf-8") == "# My wines\n"
    assert said.startswith(f"small v1.0.0 -> {mine}\n")
    assert "\non branch formwork; to undo it all: git reset --hard, git switch -, git branch -d formwork\n" in said
    assert "  1. git rm -f what you do not want\n  2. uvx nox -s setup\n  3. git add --all, git commit\n" in said
    assert "  4. move your code" in said
    assert "compare" not in said
    git(mine, "reset", "--quiet", "--hard")
    git(mine, "switch", "--quiet", "-")
    assert git(mine, "branch", "--show-current") == "main"
    assert tree(mine) == before


def test_a_dry_run_touches_nothing_and_says_the_same(mine: Path, run_adopt: Adopt) -> None:
    """A dry run leaves not even an object or a reference in .git."""
    put(mine, {"ruff.toml": "mine = 1\n"})
    commit_everything(mine, "Mine")
    before = tree(mine, without=())
    status, said = run_adopt(mine, "--dry-run")
    assert status == 0
    assert without_index(tree(mine, without=())) == without_index(before)
    assert said.endswith("\n\na dry run: nothing is changed\n")
    done, told = run_adopt(mine)
    assert done == 1
    assert told.startswith(said.removesuffix("a dry run: nothing is changed\n"))


def test_new_files_are_stored_as_git_add_does(mine: Path, run_adopt: Adopt) -> None:
    """A filter such as that of git-lfs applies, and `core.safecrlf` stops nothing."""
    for name, value in {"filter.upper.clean": "tr a-z A-Z", "filter.upper.smudge": "tr A-Z a-z"}.items():
        git(mine, "config", name, value)
    put(mine, {".gitattributes": "*.md filter=upper\n"})
    commit_everything(mine, "Filter")
    for name in ("core.autocrlf", "core.safecrlf"):
        git(mine, "config", name, "true")
    assert run_adopt(mine)[0] == 0
    assert git(mine, "show", ":README.md") == "# MY WINES"
    assert (mine / "README.md").read_bytes() == b"# my wines\r\n"
    assert git(mine, "diff", "--stat") == ""


def test_from_a_detached_head(mine: Path, run_adopt: Adopt) -> None:
    """A checkout of a tag leaves a repository with a detached HEAD."""
    git(mine, "checkout", "--quiet", "--detach")
    status, said = run_adopt(mine)
    assert status == 0
    assert git(mine, "branch", "--show-current") == "formwork"
    assert "moving from HEAD to formwork" in git(mine, "reflog", "-1")
    [undo] = [line for line in said.splitlines() if "to undo it all: " in line]
    for command in undo.partition("to undo it all: ")[2].split(", "):
        git(mine, *command.split()[1:])
    assert git(mine, "status", "--short", "--branch") == "## HEAD (no branch)"


def test_everything_of_the_templates_stays_within_reach(tmp_path: Path, run_adopt: Adopt) -> None:
    """A file that was kept or left out can be compared with the template's version."""
    mine = make(tmp_path / "mine", {"README.md": "Mine.\n", "test_a.py": "x = 1\n"})
    _, said = run_adopt(mine)
    assert "compare what was kept or left out: git diff formwork/v1.0.0 HEAD -- FILE" in said
    assert git(mine, "show", "formwork/v1.0.0:README.md") == "# mine"
    assert "[tool.pytest.ini_options]" in git(mine, "show", "formwork/v1.0.0:pyproject.toml")
    assert "[tool.pytest" not in (mine / "pyproject.toml").read_text("utf-8")


@pytest.mark.parametrize("number", range(9))
def test_interrupted_at_any_moment_it_is_undone_by_git_reset(
    mine: Path, run_adopt: Adopt, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    """An adoption is interrupted at each command of git, from the switch of branches on, and can be run again."""
    put(mine, {"ruff.toml": "mine = 1\n"})
    commit_everything(mine, "Mine")
    before = tree(mine)
    left = iter(range(number))
    original = adopt.switch
    plain = Repository.git

    def interrupted(repository: Repository, *arguments: str, **more: object) -> bytes:
        if next(left, None) is None:
            raise KeyboardInterrupt
        return plain(repository, *arguments, **more)  # type: ignore[arg-type]

    def switch(repository: Repository) -> None:
        monkeypatch.setattr(Repository, "git", interrupted)
        original(repository)

    monkeypatch.setattr(adopt, "switch", switch)
    status, said = run_adopt(mine)
    monkeypatch.undo()
    assert (status, said.splitlines()[-1]) == (1, "error: interrupted; if git status shows changes: git reset --hard")
    git(mine, "reset", "--quiet", "--hard")
    assert tree(mine) == before
    if git(mine, "branch", "--show-current") == "main":
        git(mine, "branch", "--quiet", "--force", "formwork")
        git(mine, "branch", "--quiet", "-d", "formwork")
    if number % 4 == 0:
        status, said = run_adopt(mine)
        assert (status, plan(said)["ruff.toml"]) == (1, "conflict: both sides are in it")


def test_a_folder_of_a_larger_repository(tmp_path: Path, run_adopt: Adopt) -> None:
    files = {"ruff.toml": "x = 1\n", "LICENSE.md": "L\n", "sub/docs/guide.md": "Mine.\n", "sub/test_a.py": "x = 1\n"}
    top = make(tmp_path / "top", {**files, "sub/setup.cfg": "[metadata]\nname = part\n"})
    before = tree(top)
    status, said = run_adopt(top / "sub")
    assert status == 1
    assert answers(said)["project_name"] == "part (setup.cfg)"
    assert plan(said)["sub/ruff.toml"] == "added"
    assert plan(said)["sub/LICENSE"] == "added"
    assert plan(said)["sub/README.md"] == "added"
    assert plan(said)["sub/src/part/model.py"] == "added"
    assert plan(said)["sub/tests/sample.csv"] == "added"
    assert unmerged(top) == {"sub/docs/guide.md": [2, 3]}
    assert "-- sub/tests/__init__.py sub/tests/conftest.py sub/tests/test_model.py\n" in said
    changed = {name for name, entry in tree(top).items() if before.get(name) != entry}
    assert all(name.startswith("sub/") for name in changed)
    assert "./test_a.py" in (top / "sub/ruff.toml").read_text("utf-8")
    assert refused(run_adopt, top / "sub").startswith("sub/")


def test_what_was_settled_does_not_come_up_again(
    tmp_path: Path, run_adopt: Adopt, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An update conflicts only if a release changes lines that the owner has kept."""
    own = SmallTemplate(tmp_path / "own", FILES)
    files: dict[str, str | bytes | None] = {
        "README.md": "Mine.\n",
        "LICENSE": "Mine.\n",
        "ruff.toml": RUFF.replace("100", "79"),
        "docs/guide.md": "# My guide\n\nOne.\n\nTwo.\n\nThree.\n",
        "run.sh": b"\0binary",
        "requirements.txt": "pandas\n",
    }
    mine = make(tmp_path / "mine", files)
    run_adopt(mine, "--template", own.url)
    git(mine, "checkout", "--quiet", "--ours", "ruff.toml", "docs/guide.md", "run.sh")
    git(mine, "rm", "--quiet", "--force", "src/mine/pipeline/__init__.py")
    commit_everything(mine, "Adopt")
    own.release(
        "1.1.0",
        {
            "template/README.md.jinja": "# Another\n",
            "template/ruff.toml": RUFF.replace('"E"', '"F"'),
            "template/docs/guide.md": "# The guide\n\nOne.\n\nTwo.\n\n3.\n",
            "template/pyproject.toml.jinja": PROJECT.replace("numpy>=2", "numpy>=3"),
            "template/src/{{package_name}}/pipeline/__init__.py": '"""All steps."""\n',
            "template/new.md": "New.\n",
        },
    )
    monkeypatch.chdir(mine)
    assert main(["update"]) == 1
    assert unmerged(mine) == {"docs/guide.md": [1, 2, 3]}
    guide = (mine / "docs/guide.md").read_text("utf-8")
    assert guide == ("<<<<<<< yours\n# My guide\n=======\n# The guide\n>>>>>>> v1.1.0\n\nOne.\n\nTwo.\n\n3.\n")
    assert (mine / "ruff.toml").read_text("utf-8") == RUFF.replace("100", "79").replace('"E"', '"F"')
    assert [(mine / name).read_text("utf-8") for name in ("README.md", "LICENSE")] == ["Mine.\n"] * 2
    assert (mine / "run.sh").read_bytes() == b"\0binary"
    assert 'numpy>=3",\n    # Yours below\n    "pandas",\n' in (mine / "pyproject.toml").read_text("utf-8")
    assert (mine / "new.md").exists()
    assert not (mine / "src/mine/pipeline/__init__.py").exists()


def test_a_folder_is_named_instead_of_all_its_files() -> None:
    there = File("100644", "")
    rendered = dict.fromkeys(("tests/a.py", "tests/b.py", "tests/c/d.py", "tests/c/e/f.py", "tests/g/h.py"), there)
    wanted = ["tests/a.py", "tests/c/d.py", "tests/c/e/f.py", "tests/g/h.py"]
    assert adopt.as_folders(wanted, rendered) == ["tests/a.py", "tests/c/", "tests/g/"]
