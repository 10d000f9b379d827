"""`formwork adopt` refuses in one line what it might lose, and what it cannot do."""

import re
from pathlib import Path

import pytest

from formwork.cli import main
from tests.adopt.examples import FILES, Adopt, make, plan, refused
from tests.harness import commit_everything, git, tree
from tests.small import SmallTemplate, put


def test_no_folder(tmp_path: Path, run_adopt: Adopt) -> None:
    assert refused(run_adopt, tmp_path / "no") == f"{tmp_path / 'no'}: there is no such folder"


def test_no_repository_or_no_commit(tmp_path: Path, run_adopt: Adopt) -> None:
    """Without a commit, adopting could not be undone."""
    (tmp_path / "plain").mkdir()
    assert "a repository with a commit" in refused(run_adopt, tmp_path / "plain")
    git(tmp_path, "init", "--quiet", "plain")
    assert "a repository with a commit" in refused(run_adopt, tmp_path / "plain")


def test_what_is_not_committed(mine: Path, run_adopt: Adopt) -> None:
    put(mine, {"notes.txt": "Other.\n"})
    assert refused(run_adopt, mine) == "notes.txt: not committed: commit or stash first"
    assert "not committed" in refused(run_adopt, mine, "--dry-run")


@pytest.mark.parametrize("is_ignored", [False, True])
@pytest.mark.parametrize("name", ["ruff.toml", "docs"])
def test_files_in_the_way(mine: Path, run_adopt: Adopt, name: str, *, is_ignored: bool) -> None:
    """Git could not restore untracked files."""
    if is_ignored:
        put(mine, {".gitignore": "ruff.toml\ndocs\n"})
        commit_everything(mine, "Ignore")
    put(mine, {name: "mine\n"})
    assert refused(run_adopt, mine) == f"{name}: in the way of new files, and not in git: commit, move or delete"


def test_a_link_in_the_way(mine: Path, run_adopt: Adopt, tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    (mine / "docs").symlink_to(tmp_path / "outside")
    assert "docs: in the way" in refused(run_adopt, mine)
    assert not list((tmp_path / "outside").iterdir())


def test_a_repository_of_the_template(mine: Path, run_adopt: Adopt) -> None:
    """Such a repository has to be updated instead, even if somebody else has adopted on another branch."""
    run_adopt(mine)
    commit_everything(mine, "Adopt")
    said = refused(run_adopt, mine)
    assert said == "there is .copier-answers.yml already, so this is a repository of the template: update it"
    git(mine, "switch", "--quiet", "main")
    said = refused(run_adopt, mine)
    assert said == "there is a branch formwork already: git branch -d formwork, or rename it"
    git(mine, "branch", "--quiet", "-m", "formwork", "formwork/x")
    assert refused(run_adopt, mine).startswith("there is a branch formwork/x already")


def test_an_unknown_release_or_answer(mine: Path, run_adopt: Adopt) -> None:
    said = refused(run_adopt, mine, "--release=v2.0.0")
    assert said == "small has no v2.0.0: its releases are v1.0.0"
    assert "--data colour: write NAME=VALUE" in refused(run_adopt, mine, "--data=colour=red")
    assert "license" in refused(run_adopt, mine, "--data=license=GPL")
    assert "package_name" in refused(run_adopt, mine, "--data=package_name=docs")


def test_no_template(mine: Path, run_adopt: Adopt, tmp_path: Path) -> None:
    gone = str(tmp_path / "gone")
    said = refused(run_adopt, mine, "--template", gone)
    assert said.startswith(f"the template {gone} cannot be fetched: git clone: ")
    unreleased = make(tmp_path / "unreleased", FILES)
    said = refused(run_adopt, mine, "--template", str(unreleased))
    assert said.startswith("this copy of the template has no release: git fetch --tags")
    said = refused(run_adopt, mine, "--template", str(unreleased), "--release=v1.0.0")
    assert said == "unreleased has no v1.0.0: its releases are none"
    assert run_adopt(mine, "--template", str(unreleased), "--release=main")[0] == 0


@pytest.mark.parametrize("name", ["Docs/other.md", "SRC/a.py"])
def test_folders_that_differ_in_case_only(tmp_path: Path, run_adopt: Adopt, name: str) -> None:
    """Such folders would be one in a checkout on Windows or macOS."""
    mine = make(tmp_path / "mine", {name: "mine\n"})
    wrong = name.partition("/")[0]
    expected = rf"{wrong}: differs from the folder of the template's \S+ only in case: git mv it first"
    assert re.fullmatch(expected, refused(run_adopt, mine))


def test_files_that_differ_in_case_only(tmp_path: Path, run_adopt: Adopt) -> None:
    """Theirs stays, and the template's is left out."""
    mine = make(tmp_path / "mine", {"Readme.md": "# Mine\n", "docs/GUIDE.md": "mine\n"})
    status, said = run_adopt(mine)
    assert status == 0
    assert plan(said)["README.md"] == "left out: Readme.md is yours"
    assert plan(said)["docs/guide.md"] == "left out: docs/GUIDE.md is yours"
    assert not (mine / "README.md").exists()
    assert (mine / "Readme.md").read_text("utf-8") == "# Mine\n"


@pytest.mark.parametrize(
    ("files", "reason"),
    [
        ({"dvc.yaml": "stages:\n  a:\n    cmd: b\n"}, "dvc.yaml has stages of yours"),
        ({"dvc.lock": "schema: '2.0'\n"}, "dvc.lock has results of yours"),
        ({"params.yaml": "{a: 1}\n"}, "params.yaml is written so that the template's parameters cannot stand"),
        ({"params.yaml": "a: 1\n...\n"}, "params.yaml is written so"),
        ({"params.yaml": "model:\n  a: 1\n"}, "params.yaml says something else with model"),
        ({"params.yaml": "-> notes.txt", "notes.txt": "a: 1\n"}, "params.yaml is a link"),
    ],
)
def test_a_pipeline_of_theirs(
    tmp_path: Path, run_adopt: Adopt, files: dict[str, str | bytes | None], reason: str
) -> None:
    """Two pipelines cannot share a folder, and the remedy works."""
    own = SmallTemplate(tmp_path / "own", {**FILES, "template/params.yaml": "seed: 1\nmodel:\n  depth: 2\n"})
    mine = make(tmp_path / "mine", files)
    said = refused(run_adopt, mine, "--template", own.url)
    place = mine / "pipeline"
    assert said.startswith(reason)
    assert said.endswith(f": give it a folder of its own: mkdir {place}, then formwork adopt {place}")
    before = tree(mine)
    place.mkdir()
    assert run_adopt(place, "--template", own.url)[0] == 0
    assert {name: entry for name, entry in tree(mine).items() if name in before} == before
    assert (place / "params.yaml").is_file()


def test_parameters_of_theirs_that_do_not_clash(tmp_path: Path, run_adopt: Adopt) -> None:
    own = SmallTemplate(tmp_path / "own", {**FILES, "template/params.yaml": "seed: 1\n"})
    mine = make(tmp_path / "mine", {"params.yaml": "depth: 3  # deep", "dvc.yaml": "stages: {}\n"})
    status, said = run_adopt(mine, "--template", own.url)
    assert (status, plan(said)["params.yaml"]) == (0, "merged: all of yours, and the template's")
    assert (mine / "params.yaml").read_text("utf-8") == "depth: 3  # deep\n\nseed: 1\n"


@pytest.mark.parametrize(
    ("yours", "expected"),
    [
        ("*.csv text eol=crlf", "* text=auto eol=lf\n\n*.csv text eol=crlf\n\n*.parquet binary\nreports/** -text\n"),
        ("* text=auto eol=lf\n*.parquet binary\n", "* text=auto eol=lf\n*.parquet binary\n\nreports/** -text\n"),
    ],
)
def test_attributes_of_theirs(tmp_path: Path, run_adopt: Adopt, yours: str, expected: str) -> None:
    """Theirs hold for their files, and the template's for what the pipeline writes."""
    attributes = "* text=auto eol=lf\n*.parquet binary\nreports/** -text\n"
    own = SmallTemplate(tmp_path / "own", {**FILES, "template/.gitattributes": attributes})
    mine = make(tmp_path / "mine", {".gitattributes": yours})
    assert run_adopt(mine, "--template", own.url)[0] == 0
    assert (mine / ".gitattributes").read_text("utf-8") == expected


def test_help(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "300")
    with pytest.raises(SystemExit):
        main(["adopt", "--help"])
    lines = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
    usage = "[-h] [--dry-run] [--data NAME=VALUE] [--template URL] [--release RELEASE] PATH"
    assert lines == [
        f"usage: formwork adopt {usage}",
        "",
        "Bring the template into a repository that never saw it.",
        "",
        "positional arguments:",
        "PATH the repository, or the folder of it that becomes a project",
        "",
        "options:",
        "-h, --help show this help message and exit",
        "--dry-run show what would come, and change nothing",
        "--data NAME=VALUE answer a question; may be given several times",
        "--template URL the template's address or path (default: gh:formwork-ml/formwork)",
        "--release RELEASE the release, for example v0.3.0 (default: the newest)",
    ]
