"""`check` and the commit hooks list what is left to do, each with the command that does it."""

import subprocess
from pathlib import Path

import leftovers
import pytest

from tests.generated.repository import Repository, generate
from tests.harness import Template, commit_everything, git
from tests.update.small import put
from tests.update.synthetic import replace


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository, which is the current folder."""
    git(tmp_path, "init", "--quiet", "--initial-branch=main")
    put(tmp_path, {"a.txt": "one\n", "b.txt": "one\n", ".gitignore": "*.rej\n", "heading.rst": "Head\n=======\n"})
    commit_everything(tmp_path, "Start")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def found(capsys: pytest.CaptureFixture[str], part: str = "merge") -> list[str]:
    """The lines that are printed; the exit status says whether there are any."""
    status = leftovers.main(part)
    lines = capsys.readouterr().out.splitlines()
    assert status == (1 if lines else 0)
    return lines


@pytest.mark.usefixtures("folder")
def test_nothing_is_left(capsys: pytest.CaptureFixture[str]) -> None:
    """A heading of equals signs is no conflict."""
    assert found(capsys) == []


def test_a_conflict(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Unmerged, and each marker."""
    git(folder, "switch", "--quiet", "--create", "other")
    put(folder, {"a.txt": "two\n"})
    commit_everything(folder, "Two")
    git(folder, "switch", "--quiet", "main")
    put(folder, {"a.txt": "three\n"})
    commit_everything(folder, "Three")
    subprocess.run(["git", "merge", "other"], capture_output=True, check=False)
    markers = ["a.txt: conflict markers in lines 1, 5: resolve it, then: git add a.txt"]
    assert found(capsys) == markers
    git(folder, "add", "a.txt")
    assert found(capsys) == markers
    put(folder, {"a.txt": "four\n"})
    git(folder, "reset", "--quiet", "--hard")
    subprocess.run(["git", "merge", "other"], capture_output=True, check=False)
    put(folder, {"a.txt": "four\n"})
    assert found(capsys) == ["a.txt: unmerged: resolve it, then: git add a.txt"]
    git(folder, "add", "a.txt")
    put(folder, {"a.txt": "four\n"})
    assert found(capsys) == []


def test_markers_of_every_kind(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Those of copier, in files that are not UTF-8 or not added yet, with a strange name; no longer rows."""
    put(folder, {"ä \xa0.txt": b"\xe4\n<<<<<<< before updating\r\n", "b.txt": ">>>>>>>\n", "c.txt": "<<<<<<<<\n"})
    assert found(capsys) == [
        "b.txt: conflict markers in lines 1: resolve it, then: git add b.txt",
        "ä \xa0.txt: conflict markers in lines 2: resolve it, then: git add ä \xa0.txt",
    ]


def test_rejected_hunks(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Ignored or in git, but not those in the environment."""
    put(folder, {"sub/x.py.rej": "hunk\n", "y.rej": "hunk\n", ".venv/z.rej": "not ours\n"})
    git(folder, "add", "--force", "y.rej")
    assert found(capsys) == [
        f"{name}: rejected hunks: carry them over by hand, then: rm {name}" for name in ("sub/x.py.rej", "y.rej")
    ]


def test_an_interrupted_update(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Until the files are as before."""
    put(folder, {".git/formwork-update": "v0.2.0"})
    assert found(capsys) == []
    put(folder, {"a.txt": "half\n"})
    assert found(capsys) == ["the update to v0.2.0 was interrupted: git reset --hard"]


def test_no_locks_nothing_to_say(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Before the first setup."""
    assert folder.exists()
    assert found(capsys, "locks") == []
    assert found(capsys, "all") == []


# ------------------------------------------------------------------------- in a generated repository


@pytest.fixture(scope="module")
def repository(template: Template, tmp_path_factory: pytest.TempPathFactory) -> Repository:
    """A repository that is set up."""
    generated = generate(template, tmp_path_factory.mktemp("leftovers") / "repository")
    generated.nox("setup")
    return generated


def listed(repository: Repository) -> list[str]:
    """What `check` says before it begins, and that it does not begin."""
    command = ["uv", "run", "--quiet", "--no-config", "--no-project", "python", "scripts/leftovers.py"]
    done = repository.run(*command, check=False)
    assert done.returncode == (1 if done.stdout else 0), done.stderr
    return done.stdout.splitlines()


@pytest.mark.slow
@pytest.mark.xdist_group("leftovers")
@pytest.mark.parametrize(
    ("name", "old", "new", "lines"),
    [
        ("README.md", "# ", "# My ", []),
        (
            "pyproject.toml",
            '"typer>=0.29"',
            '"typer>=0.29",\n    "humanize"',
            ["uv.lock: does not fit pyproject.toml: uv lock"],
        ),
        (
            "dvc.yaml",
            "my_project train",
            "my_project -v train",
            ["dvc.lock: stage train is not as in dvc.yaml: uvx nox -s pipeline"],
        ),
        (
            "dvc.yaml",
            "      - data/raw.parquet\n      - src",
            "      - data/raw.parquet\n      - README.md\n      - src",
            ["dvc.lock: stage validate is not as in dvc.yaml: uvx nox -s pipeline"],
        ),
        (
            "dvc.yaml",
            "    params:\n      - source\n",
            "    params:\n      - source\n      - seed\n",
            ["dvc.lock: stage ingest is not as in dvc.yaml: uvx nox -s pipeline"],
        ),
        (
            "dvc.yaml",
            "\nplots:\n",
            "\n  more:\n    cmd: echo\n\nplots:\n",
            ["dvc.lock: stage more is not as in dvc.yaml: uvx nox -s pipeline"],
        ),
        (
            "dvc.yaml",
            "stages:",
            "stages: [",
            ["dvc.yaml: cannot be read, which says why: uv run dvc stage list"],
        ),
        (
            "pyproject.toml",
            "[project]\n",
            "<<<<<<< yours\n[project]\n",
            [
                "pyproject.toml: conflict markers in lines 5: resolve it, then: git add pyproject.toml",
                "uv.lock: does not fit pyproject.toml: uv lock",
            ],
        ),
    ],
)
def test_what_check_lists(repository: Repository, name: str, old: str, new: str, lines: list[str]) -> None:
    """And the hooks refuse to commit it."""
    replace(repository.path / name, old, new)
    assert listed(repository) == lines
    repository.run("git", "add", "--all")
    done = repository.run("git", "commit", "--message", "Mine", "--quiet", check=False)
    assert bool(done.returncode) == bool(lines), done.stdout + done.stderr
    if lines:
        assert lines[0] in done.stdout + done.stderr  # no further hook runs where there are conflicts
        said = repository.nox("check", check=False)
        assert all(line in said for line in lines)
        assert "mypy" not in said
    repository.run("git", "reset", "--quiet", "--hard")
