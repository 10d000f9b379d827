"""Repositories of many shapes adopt the template, and what they had still works."""

import os
import re
import sys
import tomllib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from formwork.cli import main
from tests.adopt.examples import make, unmerged
from tests.adopt.shapes import SHAPES, Shape
from tests.generated.repository import Repository, interpreter, machine
from tests.harness import Entry, Template, commit_everything, git, includes, run, tree
from tests.later import CHANGES, LATER


def build(shape: Shape, path: Path) -> Path:
    """Make the repository, and a folder next to it that must not change."""
    outside = path.parent / "outside"
    outside.mkdir()
    (outside / "readme.md").write_text("Outside.\n", "utf-8")
    make(path, dict(shape.files))
    (path / shape.folder).mkdir(exist_ok=True)
    for name in shape.executable:
        (path / name).chmod(0o755)
    git(path, "add", "--all", "--force")
    commit_everything(path, "All of it")
    return path


def passed(shape: Shape, path: Path) -> list[str]:
    """Run its tests as its owner does, and return how many passed."""
    env = {name: value for name, value in machine().items() if name != "PYTHONPATH"}
    done = run(*shape.tests, cwd=path, env=env | {"PYTHONDONTWRITEBYTECODE": "1"})
    return re.findall(r"\b[1-9]\d* passed|Ran [1-9]\d* test", done.stdout + done.stderr)


def of_theirs(merged: bytes) -> bytes:
    """Read a file with conflicts as if only their side were there."""
    lines, is_ours = [], True
    for line in merged.splitlines(keepends=True):
        if line.startswith((b"<<<<<<< ", b">>>>>>> ")):
            is_ours = True
        elif line.rstrip() == b"=======":
            is_ours = False
        elif is_ours:
            lines.append(line)
    return b"".join(lines)


COMBINED = {".gitignore", ".gitattributes", "params.yaml", "pyproject.toml"}


def holds(after: Entry, before: Entry, name: str) -> bool:
    """Return whether a file still has all that it had, and at most something of the template's beside it."""
    if after.kind != before.kind or after.mode != before.mode:
        return False
    if not name.endswith("pyproject.toml"):
        return before.content in after.content
    old, new = before.content.decode(), after.content.decode()
    comments = re.findall(r"#.*", old)
    return all(comment in new for comment in comments) and includes(tomllib.loads(new), tomllib.loads(old))


def changed_outside_of_conflicts(path: Path, before: Mapping[str, Entry]) -> set[str]:
    """Compare all that was there before with what is there now: byte for byte, unless it is merged by meaning."""
    now, conflicts = tree(path), unmerged(path)
    return {
        name
        for name, entry in before.items()
        if now.get(name) != entry
        and not (
            name in conflicts
            and now[name].kind == entry.kind == "file"
            and now[name].mode == entry.mode
            and of_theirs(now[name].content) == entry.content
        )
        and not (Path(name).name in COMBINED and holds(yours(now[name]), entry, name))
    }


def yours(entry: Entry) -> Entry:
    """Return their side of a file."""
    return replace(entry, content=of_theirs(entry.content)) if entry.kind == "file" else entry


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_what_was_there_goes_on_working(
    shape: Shape, template: Template, later: Template, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No byte changes outside conflicts, the repository's tests pass, and an update brings only what is new."""
    mine = build(shape, tmp_path / "mine")
    project = mine / shape.folder
    before, beside = tree(mine), tree(tmp_path / "outside")
    tests = passed(shape, mine)
    assert tests

    command = [str(project), "--template", later.url, "--release", template.newest]
    assert main(["adopt", *command]) == (1 if shape.clashes else 0)
    assert changed_outside_of_conflicts(mine, before) == set()
    assert tree(tmp_path / "outside") == beside
    assert set(unmerged(mine)) == shape.clashes
    assert yaml.safe_load((project / ".copier-answers.yml").read_text("utf-8"))["package_name"] == shape.package
    assert (project / "src" / shape.package / "core/steps/ingest.py").is_file()

    if shape.clashes:
        git(mine, "checkout", "--quiet", "--ours", "--", *shape.clashes)
    assert changed_outside_of_conflicts(mine, before) == set()
    assert passed(shape, mine) == tests
    commit_everything(mine, "Adopt")
    assert git(mine, "status", "--porcelain") == ""

    settled = tree(mine)
    monkeypatch.chdir(project)
    main(["update"])
    prefix = f"{shape.folder}/" if shape.folder else ""
    released = {prefix + name.removesuffix(".jinja").replace("{{package_name}}", shape.package) for name in CHANGES}
    conflicts = set(unmerged(mine))
    assert {name.removesuffix(f"~{LATER}") for name in conflicts} <= released & before.keys()
    untouched = {name: entry for name, entry in settled.items() if name in before and name not in conflicts}
    assert changed_outside_of_conflicts(mine, {name: before[name] for name in untouched}) == set()
    assert (project / "new-page.md").is_file()
    assert passed_with_theirs(shape, mine, conflicts) == tests
    answers = yaml.safe_load((project / ".copier-answers.yml").read_text("utf-8"))
    assert answers["_commit"] == LATER


def passed_with_theirs(shape: Shape, path: Path, conflicts: set[str]) -> list[str]:
    """Run its tests once more, with their side of each conflict."""
    for name in conflicts - {f"dvc.yaml~{LATER}"}:  # beside a link, which stays
        git(path, "checkout", "--quiet", "--ours", "--", name)
    return passed(shape, path)


def resolve(path: Path) -> None:
    """Take the template's side of each conflict."""
    for name, versions in unmerged(path).items():
        if 3 in versions:
            git(path, "checkout", "--quiet", "--theirs", "--", name)
        else:
            git(path, "rm", "--quiet", "--", name)
    git(path, "add", "--all")


# `docs` of links-and-binaries is a link out of the repository, where no site can be built.
GREEN = [name for name in SHAPES if name != "links-and-binaries"]


@pytest.mark.slow
@pytest.mark.skipif("FORMWORK_JOURNEYS" not in os.environ, reason="`nox -s journeys` tries it")
@pytest.mark.parametrize("name", GREEN)
def test_check_is_green_at_once(
    name: str, template: Template, later: Template, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With conflicts resolved, `setup` ends, all checks pass, their tests pass as before, and an update is clean."""
    shape = SHAPES[name]
    mine = build(shape, tmp_path / "mine")
    tests = passed(shape, mine)
    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    project = mine / shape.folder
    command = ["--template", later.url, "--release", template.newest, f"--data=python_version={python}"]
    assert main(["adopt", str(project), *command]) == (1 if shape.clashes else 0)
    resolve(mine)
    repository = Repository(project, interpreter(python) or python)
    repository.set_up()
    said = repository.nox("check")
    for task in ("lint", "types", "tests", "docs"):
        assert f"* {task}: success" in said
    assert passed(shape, mine) == tests
    commit_everything(mine, "Adopt")
    monkeypatch.chdir(project)
    assert main(["update"]) == 0
    assert unmerged(mine) == {}
    settings = tomllib.loads((project / "pyproject.toml").read_text("utf-8"))
    assert "numpy>=2.1" in settings["project"]["dependencies"]
    (moved,) = settings["tool"]["ruff"]["extend-exclude"][-1:]
    (project / moved).rename(project / "moved")
    assert f"pyproject.toml leaves out what is gone, take it off: {moved}" in repository.nox("lint", check=False)
