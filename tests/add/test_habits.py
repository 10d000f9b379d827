"""Repositories that their owners have written in other ways than the template does."""

import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from formwork.cli import main
from formwork.placing import exchanged
from tests.add.conftest import Run
from tests.add.examples import SCAFFOLDS
from tests.harness import ANSWERS_FILE, Template, commit_everything, git, tree
from tests.small import put

LAST = "  evaluate:\n"  # a stage before which others can be inserted
PIPELINE, PARAMETERS = "dvc.yaml", "params.yaml"
EACH = "  split:\n    foreach: {}\n    do:\n      cmd: echo\n      outs:\n        - {}\n\n"
MATRIX = "  split:\n    matrix:\n      kind: [a, b]\n    cmd: echo\n    outs:\n      - data/${item.kind}.parquet\n\n"
FOLDER = "  split:\n    cmd: echo\n    outs:\n      - data/parts\n\n"


def edit(folder: Path, file: str, old: str, new: str) -> None:
    """Replace a passage of a file, and commit."""
    text = (folder / file).read_text("utf-8")
    assert old in text
    (folder / file).write_text(text.replace(old, new, 1), "utf-8")
    commit_everything(folder, "Edit")


def each(items: str, out: str) -> tuple[str, str, str]:
    """Describe an edit that adds a stage for each of some items."""
    return (PIPELINE, LAST, EACH.format(items, out) + LAST)


@pytest.mark.parametrize(
    ("change", "command", "reason"),
    [
        (each("[a, b]", "data/${item}.parquet"), "stage a", "data/a.parquet: stage split writes data/a.parquet, so"),
        (each("{a: {b: x}}", "data/${item.b}.parquet"), "stage x", "data/x.parquet: stage split writes"),
        (each("{a: {b: x}}", "data/${key}.parquet"), "stage a", "data/a.parquet: stage split writes"),
        (each("${split.columns}", "data/${item}.csv"), "stage a", ""),  # not known
        ((PIPELINE, LAST, MATRIX + LAST), "stage b", "data/b.parquet: stage split writes data/b.parquet"),
        (
            (PARAMETERS, "  path: tests/", "  path: data/pre.parquet  # tests/"),
            "stage pre",
            "data/valid.parquet would depend on itself: let the stage write another file",
        ),
        ((PIPELINE, "stages:\n", "vars:\n  - clean: 1\nstages:\n"), "stage clean", "clean is a variable of dvc.yaml"),
        ((PIPELINE, "stages:\n", "vars:\n  - vars.yaml\nstages:\n"), "stage clean", "clean is a variable of dvc.yaml"),
        ((PIPELINE, "stages:\n", "vars: [vars.json]\nstages:\n"), "stage clean", "clean is a variable of dvc.yaml"),
        ((PIPELINE, "stages:\n", "vars: [vars.toml]\nstages:\n"), "stage clean", "clean is a variable of dvc.yaml"),
        ((PIPELINE, "stages:\n", "vars: ['vars.toml:a,clean']\nstages:\n"), "stage clean", "clean is a variable of"),
        ((PIPELINE, "stages:\n", "vars: [vars.toml:a]\nstages:\n"), "stage clean", ""),
        ((PIPELINE, LAST, LAST + "    vars: [{clean: 1}]\n"), "stage clean", "clean is a variable of dvc.yaml"),
        (
            ("src/my_project/core/cli.py", '"""', '"""\n"""\n(\n"""'),
            "stage clean",
            "src/my_project/core/cli.py:3 is not valid Python",
        ),
        (
            ("mkdocs.yml", "  - Home", "  -\n    Home"),
            "model demand",
            "mkdocs.yml: `nav` has entries that do not begin beside",
        ),
        ((PIPELINE, LAST, "  on:\n    cmd: echo\n\n" + LAST), "stage clean --after=on", "stage on writes no Parquet"),
        ((PIPELINE, LAST, "  later:  # soon\n\n" + LAST), "stage clean", ""),
        ((PIPELINE, LAST, "  odd:\n    outs: 3\n    deps: [{}]\n\n" + LAST), "stage clean", ""),
        ((PIPELINE, LAST, "  day:\n    desc: 2024-02-30\n\n" + LAST), "stage clean", ""),
    ],
)
def test_stages_are_read_as_dvc_reads_them(
    mine: Path, run: Run, change: tuple[str, str, str], command: str, reason: str
) -> None:
    put(mine, {"vars.yaml": "clean: 1\n", "vars.json": '{\n\t"clean": 1}\n', "vars.toml": "a = 1\n[clean]\nb = 1\n"})
    edit(mine, *change)
    status, said = run("add", *command.split())
    assert (status, said.startswith(f"error: {reason}")) == (1, True) if reason else status == 0, said


@pytest.mark.parametrize(
    ("files", "command", "reason"),
    [
        ({"data/vineyards.dvc": "\n"}, "dataset vineyards", "data/vineyards: there is data/vineyards.dvc already, so"),
        ({"data/demand.dvc": "\n"}, "model demand", "data/demand: there is data/demand.dvc already"),
        ({"data/x.dvc": "\n"}, "stage clean --writes=data/x/y.parquet", "data/x/y.parquet: there is data/x.dvc"),
        (
            {"sub/dvc.yaml": "stages:\n  other:\n    cmd: echo\n    outs: [../data/clean.parquet]\n"},
            "stage clean",
            "data/clean.parquet: stage sub/dvc.yaml:other writes data/clean.parquet",
        ),
        ({"sub/dvc.yaml": "stages: ["}, "stage clean", ""),
        ({}, "stage notebooks", "notebooks is where notebooks are kept: take another name"),
        ({}, "dataset stages", "stages is where stages are kept"),
        ({}, "stage my_project", "my_project is the name of the package: take another name"),
        ({}, "stage serve", "serve is a command of a piece: take another name"),
        ({}, "notebook my_project", "my_project is a package that notebooks import: take another name, for example"),
        ({}, "notebook polars", "polars is a package that notebooks import"),
        ({}, "notebook sklearn", "sklearn is a package that notebooks import"),
        ({}, "notebook statistics", "statistics is a package that notebooks import"),
        ({"docs/decisions.md": None}, "decision One", "docs/decisions.md is a link, and only a file can be"),
        ({"dvc.yaml": None}, "stage clean", "dvc.yaml is a link, and only a file can be changed"),
        ({}, "decision [a](b.md)", "a decision's title is text, without HTML and links"),
        ({"docs/decisions.md": "# Decisions\n"}, "decision One", ""),
        ({"params.yaml": "\n"}, "stage clean", "there is no params.yaml with entries here"),
    ],
)
def test_what_is_in_the_way_is_named(
    mine: Path, run: Run, files: dict[str, str | None], command: str, reason: str
) -> None:
    put(mine, {name: content for name, content in files.items() if content is not None})
    for name in (name for name, content in files.items() if content is None):
        (mine / name).rename(mine / "moved")
        (mine / name).symlink_to(mine / "moved")
    commit_everything(mine, "Mine")
    before = tree(mine)
    status, said = run("add", *command.split(" ", 1 if "decision" in command else -1))
    if reason:
        assert (status, said.startswith(f"error: {reason}")) == (1, True), said
        assert tree(mine) == before
    else:
        assert status == 0, said


@pytest.mark.parametrize(
    ("change", "command", "read"),
    [
        (each("[a, b]", "data/${item}.parquet"), "--after=split", "data/a.parquet"),
        ((PIPELINE, LAST, FOLDER + LAST), "--reads=data/parts/a.parquet", "data/parts/a.parquet"),
        ((PARAMETERS, "seed: ", "seed: "), "--after=vineyards", "data/vineyards/valid.parquet"),
    ],
)
def test_what_a_stage_reads(mine: Path, run: Run, change: tuple[str, str, str], command: str, read: str) -> None:
    assert run("add", "dataset", "vineyards")[0] == 0
    edit(mine, *change)
    assert run("add", "stage", "clean", command)[0] == 0
    assert f"\n  clean:\n    cmd: my_project clean\n    deps:\n      - {read}\n" in (mine / PIPELINE).read_text("utf-8")


def test_what_is_read_by_way_of_a_parameter_is_not_removed(mine: Path, run: Run) -> None:
    put(mine, {"data/export.parquet.dvc": "\n"})
    commit_everything(mine, "Export")
    assert run("add", "stage", "pre", "--reads=data/export.parquet")[0] == 0
    edit(mine, PARAMETERS, "  path: tests/", "  path: data/pre.parquet  # tests/")
    said = run("remove", "stage", "pre")
    remedy = "remove that stage first, or take the file out of its code and its deps"
    assert said == (1, f"error: stage ingest reads data/pre.parquet: {remedy}\n")


def test_a_stage_named_as_an_export_is_none(mine: Path, run: Run) -> None:
    for command in (["dataset", "vineyards"], ["stage", "vineyards_extract"]):
        run("add", *command)
        commit_everything(mine, command[1])
    assert run("remove", "dataset", "vineyards")[0] == 0
    assert (mine / "src/my_project/stages/vineyards_extract.py").exists()


def test_a_decision_goes_by_its_number_first_and_never_by_a_guess(mine: Path, run: Run) -> None:
    for title in ("Two", "11", "Last"):
        run("add", "decision", title)
        commit_everything(mine, title)
    page = mine / "docs/decisions.md"
    assert "## 11. 11\n" in page.read_text("utf-8")
    edit(mine, "docs/decisions.md", "## 12. Last", "## 10. Last")
    status, said = run("remove", "decision", "10")
    assert (status, "more than one decision 10, Two and Last: number them anew" in said) == (1, True)
    edit(mine, "docs/decisions.md", "## 10. Two", "## 12. Two")
    assert run("remove", "decision", "12")[0] == 0
    assert "Two" not in page.read_text("utf-8")
    assert "11. 11" in page.read_text("utf-8")


@pytest.mark.parametrize("new", ["  - Our notebooks: notebooks.md\n", "  - More:\n      - Notebooks: notebooks.md\n"])
def test_a_page_that_is_elsewhere_in_the_navigation_stays(mine: Path, run: Run, new: str) -> None:
    run("add", "notebook", "explore")
    edit(mine, "mkdocs.yml", "  - Notebooks: notebooks.md\n", new)
    assert run("remove", "notebook", "explore")[0] == 0
    assert (mine / "docs/notebooks.md").exists()
    assert not (mine / "tests/test_notebooks.py").exists()


def test_what_python_leaves_of_a_model_is_not_in_the_way(mine: Path, run: Run) -> None:
    for verb in ("add", "remove"):
        assert run(verb, "model", "demand")[0] == 0
        put(mine, {"src/my_project/demand/__pycache__/model.pyc": "\n"})
        commit_everything(mine, verb)
    assert run("add", "model", "demand")[0] == 0


def test_the_recorded_revision_stays_as_it_is_written(mine: Path, run: Run, template: Template) -> None:
    answers = (mine / ANSWERS_FILE).read_text("utf-8")
    answers = re.sub(r"(?m)^_commit: .*", f"_commit: {template.commit(template.newest)}", answers)
    put(mine, {ANSWERS_FILE: answers})
    commit_everything(mine, "As at a revision without a name")
    before = tree(mine)
    for verb in ("add", "remove"):
        assert run(verb, "agents")[0] == 0
        commit_everything(mine, verb)
    assert tree(mine) == before


def test_a_result_that_git_ignores_stays_and_is_named(mine: Path, run: Run) -> None:
    run("add", "stage", "clean")
    commit_everything(mine, "Add")
    put(mine, {"data/clean.parquet": "mine"})
    said = run("remove", "stage", "clean")[1]
    assert said.endswith("next: rm -r data/clean.parquet, if nobody needs these results\n")
    commit_everything(mine, "Remove")
    reason = "data/clean.parquet is there already: delete it if nobody needs it, or name another file with --writes"
    assert run("add", "stage", "clean") == (1, f"error: {reason}\n")


@pytest.mark.parametrize("thing", ["notebook explore", "model demand"])
def test_tests_that_were_left_out_are_needed(mine: Path, run: Run, thing: str) -> None:
    git(mine, "rm", "--quiet", "-r", "tests/contract")
    git(mine, "commit", "--quiet", "--message", "As after adopting")
    before = tree(mine)
    status, said = run("add", *thing.split())
    assert (status, said.startswith("error: its test needs tests/contract, which is not here")) == (1, True)
    assert tree(mine) == before


def test_a_package_among_the_stages_stays_one(mine: Path, run: Run) -> None:
    run("add", "stage", "clean")
    put(mine, {"src/my_project/stages/lib/__init__.py": ""})
    commit_everything(mine, "Library")
    assert run("remove", "stage", "clean")[0] == 0
    assert (mine / "src/my_project/stages/__init__.py").exists()


def test_new_files_are_stored_as_git_add_does(mine: Path, run: Run) -> None:
    git(mine, "config", "filter.upper.clean", "tr a-z A-Z")
    git(mine, "config", "filter.upper.smudge", "tr A-Z a-z")
    put(mine, {".gitattributes": "tests/*.csv filter=upper\n"})
    commit_everything(mine, "Filter")
    assert run("add", "dataset", "vineyards")[0] == 0
    assert git(mine, "show", ":tests/vineyards.csv").startswith("KEY,VALUE")
    assert (mine / "tests/vineyards.csv").read_text("utf-8").startswith("key,value")
    assert git(mine, "diff", "--stat") == ""


def test_a_repository_with_longer_hashes(
    generated: Path, tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "sha256"
    shutil.copytree(generated, folder, ignore=shutil.ignore_patterns(".git"))
    git(folder, "init", "--quiet", "--object-format=sha256")
    commit_everything(folder, "Start")
    monkeypatch.chdir(folder)
    before = tree(folder, without=(".git",))
    for verb in ("add", "remove"):
        assert run(verb, "stage", "clean")[0] == 0
    assert tree(folder, without=(".git",)) == before


def test_a_folder_that_is_read_only(mine: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.access", lambda path, _mode: Path(path).name != "tests")
    before = tree(mine)
    reason = "read-only, and files are to be written there: chmod u+w it first"
    assert run("add", "stage", "clean") == (1, f"error: {mine / 'tests'}: {reason}\n")
    assert tree(mine) == before


@pytest.mark.skipif(sys.platform == "win32", reason="there are no signals on Windows")
def test_interrupting_waits_until_everything_is_in_place(mine: Path) -> None:
    git(mine, "config", "filter.slow.clean", "cat")
    git(mine, "config", "filter.slow.smudge", f"touch {mine}/begun; sleep 1; cat")
    put(mine, {".gitattributes": "tests/*.py filter=slow\n", ".gitignore": "begun\n"})
    commit_everything(mine, "Slow")
    command = [sys.executable, "-m", "formwork", "add", "stage", "clean"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8") as process:
        while not (mine / "begun").exists():
            assert process.poll() is None
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        _, said = process.communicate()
    assert said == "error: interrupted; it is complete or not begun, as git status shows\n"
    assert git(mine, "diff", "--stat") == ""
    assert "A  tests/test_clean.py" in git(mine, "status", "--short")
    assert not (mine / ".git/formwork-update").exists()


def test_the_index_of_git_is_exchanged_only_if_nobody_else_is_at_it(tmp_path: Path) -> None:
    index, lock = tmp_path / "index", tmp_path / "index.lock"
    index.write_bytes(b"before")
    assert not exchanged(index, b"another", b"after")
    lock.touch()
    assert not exchanged(index, b"before", b"after")
    assert (index.read_bytes(), lock.exists()) == (b"before", True)
    lock.unlink()
    assert exchanged(index, b"before", b"after")
    assert (index.read_bytes(), lock.exists()) == (b"after", False)


def test_whoever_reads_what_is_printed_may_stop(mine: Path) -> None:
    command = [sys.executable, "-m", "formwork", "add", "stage", "clean", "--dry-run"]
    with subprocess.Popen(command, cwd=mine, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout
        assert process.stderr
        process.stdout.close()
        assert process.stderr.read() == b""


@pytest.mark.parametrize(("command", "usage"), [("add stage", "add -- stage"), ("remove piece", "remove -- piece")])
def test_the_usage_is_what_people_type(capsys: pytest.CaptureFixture[str], command: str, usage: str) -> None:
    with pytest.raises(SystemExit):
        main(command.split())
    assert capsys.readouterr().err.startswith(f"usage: uvx nox -s {usage} [-h]")


@pytest.mark.parametrize(("part", "taken"), SCAFFOLDS.values(), ids=SCAFFOLDS)
def test_files_that_do_not_end_their_last_line_are_as_before(
    mine: Path, run: Run, part: list[str], taken: list[str]
) -> None:
    for name in (PIPELINE, PARAMETERS, "mkdocs.yml", "docs/decisions.md", "pyproject.toml"):
        (mine / name).write_bytes((mine / name).read_bytes().rstrip(b"\n"))
    commit_everything(mine, "Edit")
    before = tree(mine)
    assert run("add", *part)[0] == 0
    assert tree(mine) != before
    commit_everything(mine, "Add")
    assert run("remove", *taken)[0] == 0
    assert tree(mine) == before
