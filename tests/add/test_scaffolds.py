"""Scaffolds are added whole, change nothing else, and can be taken back until they are edited."""

import re
import subprocess
import sys
from itertools import permutations
from pathlib import Path

import pytest

from formwork.adding.pipeline import OF_PIECES
from tests.add.conftest import Run
from tests.add.examples import SCAFFOLDS, begin
from tests.harness import ROOT, Template, commit_everything, git, tree
from tests.small import put

STAGE = "src/my_project/stages/clean.py"


def commands(kind: str) -> tuple[list[str], list[str]]:
    """Return how one is added, and how it is removed."""
    add, remove = SCAFFOLDS[kind]
    return ["add", *add], ["remove", *remove]


@pytest.mark.parametrize("kind", SCAFFOLDS)
def test_only_lines_are_added_and_removing_gives_the_tree_before(mine: Path, run: Run, kind: str) -> None:
    add_and_remove(mine, run, kind)


@pytest.mark.parametrize("kinds", list(permutations(SCAFFOLDS, 2)), ids="+".join)
def test_of_two_only_lines_are_added_too(mine: Path, run: Run, kinds: tuple[str, str]) -> None:
    add_and_remove(mine, run, *kinds)


def add_and_remove(mine: Path, run: Run, *kinds: str) -> None:
    """Add some, see that nothing but lines is new, and remove them in the same order."""
    before = tree(mine)
    for kind in kinds:
        assert run(*commands(kind)[0])[0] == 0
        commit_everything(mine, kind)
    changed = [line.split("\t") for line in git(mine, "diff", "--numstat", f"HEAD~{len(kinds)}").splitlines()]
    assert {removed for _, removed, _ in changed} == {"0"}
    for kind in kinds:
        status, said = run(*commands(kind)[1])
        assert status == 0, said
        commit_everything(mine, f"without {kind}")
    assert tree(mine) == before


def test_results_that_are_in_git_are_named(mine: Path, run: Run) -> None:
    run("add", "model", "demand")
    results = ["reports/demand/metrics.json", "reports/demand/plots/roc.csv"]
    put(mine, dict.fromkeys(results, "1\n"))
    commit_everything(mine, "Run")
    status, said = run("remove", "model", "demand")
    assert status == 0
    *_, last = said.splitlines()
    assert last == "next: git rm -r reports/demand/metrics.json reports/demand/plots, if nobody needs these results"
    assert (mine / results[0]).exists()


@pytest.mark.parametrize("kind", SCAFFOLDS)
def test_what_is_not_committed_yet_can_be_taken_back(mine: Path, run: Run, kind: str) -> None:
    before = tree(mine)
    add, remove = commands(kind)
    assert run(*add)[0] == 0
    assert git(mine, "status", "--porcelain") != ""
    assert run(*remove)[0] == 0
    assert tree(mine) == before
    assert git(mine, "status", "--porcelain") == ""


@pytest.mark.parametrize("kind", SCAFFOLDS)
def test_a_dry_run_shows_the_exact_difference_and_changes_nothing(mine: Path, run: Run, kind: str) -> None:
    before, add = tree(mine, without=("index",)), commands(kind)[0]
    status, said = run(*add, "--dry-run")
    assert status == 0
    assert tree(mine, without=("index",)) == before
    shown = said.partition("\n\n")[2].partition("\n\na dry run: nothing is changed\n")[0]
    run(*add)
    assert git(mine, "diff", "--cached") == shown


def test_the_list_says_what_there_is_and_what_is_here(mine: Path, run: Run) -> None:
    for kind in SCAFFOLDS:
        run(*commands(kind)[0])
        commit_everything(mine, kind)
    run("add", "agents")
    status, said = run("add")
    assert status == 0
    assert re.search(r"stage NAME .+ \(here: clean, sum_up\)\n", said)
    assert re.search(r"dataset NAME .+ \(here: vineyards, prices\)\n", said)
    assert re.search(r"model NAME .+ \(here: demand\)\n", said)
    assert re.search(r"notebook NAME .+ \(here: explore\)\n", said)
    assert re.search(r"decision TITLE .+ \(here: 1, .*9, 10\)\n", said)
    assert re.search(r"agents .+ \(here\)\n", said)
    assert re.search(r"devcontainer .+`setup`\n", said)


def test_the_page_shows_what_is_printed(mine: Path, run: Run) -> None:
    page = (ROOT / "docs/add.md").read_text(encoding="utf-8")
    shown = re.findall(r"```text\n\$ uvx nox -s add -- (.+)\n((?:.+\n)+)```", page)
    assert len(shown) == 3
    for command, printed in shown:
        assert run("add", *command.split()) == (0, printed)
        commit_everything(mine, command)


def test_commands_of_pieces_are_known_before_the_pieces_are_there() -> None:
    """A stage of such a name would take the command's place."""
    texts = [path.read_text("utf-8") for path in (ROOT / "template/src").rglob("command.py")]
    named = r'^COMMAND\b.* = "(\w+)"|app\.command\("(\w+)"'
    found = {name for text in texts for names in re.findall(named, text, re.MULTILINE) for name in names if name}
    assert found == {*OF_PIECES}


@pytest.mark.parametrize(
    ("command", "reason"),
    [
        ("add stage Clean", r"'Clean': a name begins with a letter and has small .*, for example: clean"),
        ("add stage ../clean", r"'../clean': a name begins"),
        ("add stage 1st", r"'1st': a name begins"),
        ("add stage a__b", r"'a__b': a name begins"),
        ("add stage " + "a" * 31, r"a name has at most 30 characters"),
        ("add stage lambda", r"lambda is a word of Python: add another, for example lambda_clean"),
        ("add stage match", r"match is a word of Python"),
        ("add stage nul", r"nul is a name of Windows"),
        ("add stage yes", r"yes is a word of YAML: take another, for example yes_clean"),
        ("add stage null", r"null is a word of YAML"),
        ("add stage clean --writes data/RAW.parquet", r"data/RAW.parquet: stage ingest writes data/raw.parquet"),
        ("add stage clean --writes data/con.parquet", r"name a file below this folder"),
        ("add dataset plots", r"reports/plots: stage evaluate writes reports/plots, so take another name"),
        ("add decision <!-- x", r"a decision's title is text, without HTML and links: write it without <"),
        ("add stage train", r"train is a stage already: take another name"),
        ("add stage predict", r"predict is a command already: take another name"),
        ("add stage models", r"models is a command already"),
        ("add stage source", r"params.yaml: `source` is there already: take another name"),
        ("add stage clean --after nothing", r"dvc.yaml has no stage nothing: its stages are ingest, .*evaluate$"),
        ("add stage clean --after evaluate", r"stage evaluate writes no Parquet file: name one with --reads FILE"),
        ("add stage clean --reads raw.csv", r"--reads raw.csv: a stage reads a Parquet file, such as"),
        (
            "add stage clean --reads data/no.parquet",
            r"no stage writes it, .* there are data/quarantine.parquet, data/r",
        ),
        ("add stage clean --reads /data/x.parquet", r"name a file below this folder"),
        ("add stage clean --reads data/../../x.parquet", r"name a file below this folder"),
        ("add stage clean --writes out/x.parquet", r"use one of data/\*.parquet, reports/\*.parquet, reports/\*.csv"),
        ("add stage clean --writes data/x.txt", r"use one of"),
        (
            "add stage clean --writes data/raw.parquet",
            r"data/raw.parquet: stage ingest writes data/raw.parquet, so take another name",
        ),
        ("add stage clean --writes reports/plots/x.csv", r"stage evaluate writes reports/plots, so"),
        ("add stage clean --writes data/${x}.parquet", r"at most 60 plain characters"),
        ("add dataset aaaaaaaaaaaaaaaaaaaaa", r"a table's name has at most 20 characters"),
        ("add dataset source", r"params.yaml: `source` is there already"),
        ("add dataset ingest", r"ingest is a stage already: take another name"),
        ("add dataset sample", r"there is tests/sample.csv already: take another name"),
        ("add model aaaaaaaaaaaaaaaaaaaaa", r"a model's name has at most 20 characters"),
        ("add model core", r"there is src/my_project/core already: take another name"),
        ("add model stages", r"stages is where stages are kept: take another name"),
        ("add model features", r"there is src/my_project/features.py already: take another name"),
        ("add model train", r"train is a stage already: take another name"),
        ("add model plots", r"reports/plots: stage evaluate writes reports/plots, so take another name"),
        ("add model split", r"params.yaml: `split` is there already: take another name"),
        ("remove model core", r"there is no model core in git; there are: none"),
        ("remove dataset train", r"there is no dataset train in git; there are: none"),
        ("add notebook Explore", r"'Explore': a name begins"),
        ("add decision  ", r"a decision needs a title of at most 80 characters, for example"),
        ("add decision " + "a" * 81, r"a decision needs a title"),
        (
            "add nothing",
            r"nothing is not one of stage, dataset, model, notebook, decision, devcontainer, agents",
        ),
        ("add agents nothing", r"nothing is not one of"),
        ("remove agents", r"agents is not here"),
        ("remove stage train", r"there is no stage train in git that was added; there are: none"),
        ("remove notebook explore", r"there is no notebook explore in git; there are: none"),
        ("remove decision 77", r"docs/decisions.md has no decision 77: give its number or its title"),
        ("remove decision 1", r"decision 1 has more text than `add` wrote: delete it by hand"),
    ],
)
def test_refused_in_one_line_and_nothing_is_written(mine: Path, run: Run, command: str, reason: str) -> None:
    before = tree(mine, without=("index",))
    status, said = run(*command.split(" ", 2 if "decision" in command else -1))
    assert status != 0
    assert re.search(reason, said.rstrip("\n")), said
    assert said.startswith("error: ")
    assert said.count("\n") == 1
    assert tree(mine, without=("index",)) == before


@pytest.mark.parametrize("kind", SCAFFOLDS)
def test_the_same_name_twice_is_refused(mine: Path, run: Run, kind: str) -> None:
    add = commands(kind)[0]
    run(*add)
    commit_everything(mine, kind)
    status, said = run(*add)
    assert status == 1
    assert "already: take another" in said


@pytest.mark.parametrize("file", [STAGE, "tests/test_clean.py"])
def test_a_file_of_the_same_name_is_in_the_way(mine: Path, run: Run, file: str) -> None:
    put(mine, {file: "mine\n"})
    commit_everything(mine, "Mine")
    assert run("add", "stage", "clean") == (1, f"error: there is {file} already: take another name\n")


def test_files_that_git_does_not_know_are_in_the_way(mine: Path, run: Run) -> None:
    put(mine, {STAGE: "mine\n"})
    status, said = run("add", "stage", "clean")
    assert (status, said) == (1, f"error: {STAGE}: in the way of new files, and not in git: commit, move or delete\n")
    assert (mine / STAGE).read_text("utf-8") == "mine\n"


def test_uncommitted_changes_are_refused_only_in_files_that_are_touched(mine: Path, run: Run) -> None:
    put(mine, {"params.yaml": (mine / "params.yaml").read_text("utf-8") + "# mine\n", "README.md": "mine\n"})
    status, said = run("add", "stage", "clean")
    assert (status, said) == (1, "error: params.yaml: not committed: commit or stash first\n")
    assert run("add", "notebook", "explore")[0] == 0
    assert (mine / "README.md").read_text("utf-8") == "mine\n"
    assert git(mine, "diff", "--name-only").splitlines() == ["README.md", "params.yaml"]


@pytest.mark.parametrize(
    ("file", "old", "new", "named"),
    [
        (STAGE, 'keep="first"', 'keep="last"', STAGE),
        ("tests/test_clean.py", "(2, ", "(3, ", "tests/test_clean.py"),
        ("params.yaml", "  columns: []  #", "  columns: [alcohol]  #", "`clean` in params.yaml"),
        (
            "dvc.yaml",
            "      - data/clean.parquet\n",
            "      - data/clean.parquet\n      - data/x\n",
            "`clean` in dvc.yaml",
        ),
    ],
)
def test_what_was_edited_stays_and_is_named(mine: Path, run: Run, file: str, old: str, new: str, named: str) -> None:
    run("add", "stage", "clean")
    path = mine / file
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new), "utf-8")
    commit_everything(mine, "Edited")
    before = tree(mine)
    status, said = run("remove", "stage", "clean")
    assert status == 1
    assert said == (f"error: edited since it was added, so it stays: {named}; delete by hand what you do not want\n")
    assert tree(mine) == before


def hide(mine: Path, option: str) -> None:
    """Have git overlook an edit."""
    git(mine, "update-index", option, "params.yaml")
    with (mine / "params.yaml").open("a", encoding="utf-8") as file:
        file.write("mine: 1\n")


@pytest.mark.parametrize("option", ["--skip-worktree", "--assume-unchanged"])
def test_hidden_edits_are_refused(mine: Path, run: Run, option: str) -> None:
    hide(mine, option)
    status, said = run("add", "stage", "clean")
    assert status == 1
    assert said.startswith("error: params.yaml: hidden edits: git update-index")
    assert (mine / "params.yaml").read_text("utf-8").endswith("mine: 1\n")


@pytest.mark.parametrize(
    ("file", "reason"),
    [
        ("notebooks", "notebooks: in the way of a new folder: git mv or git rm it first"),
        ("tests/Test_Notebooks.py", "tests/Test_Notebooks.py: differs from a new file only in case"),
    ],
)
def test_a_committed_file_in_place_of_a_folder_or_in_another_case(mine: Path, run: Run, file: str, reason: str) -> None:
    put(mine, {file: "mine\n"})
    commit_everything(mine, "Mine")
    before = tree(mine)
    assert run("add", "notebook", "explore") == (1, f"error: {reason}\n")
    assert tree(mine) == before


@pytest.mark.skipif(sys.platform == "win32", reason="there is no lock on Windows")
def test_two_at_once(mine: Path) -> None:
    """One of them waits for its turn by being refused, and both are complete in the end."""
    command = [sys.executable, "-m", "formwork", "add", "stage"]
    both = [subprocess.Popen([*command, name], stderr=subprocess.PIPE, encoding="utf-8") for name in ("one", "two")]
    said = [process.communicate()[1] for process in both]
    assert sorted(process.returncode for process in both)[0] == 0
    for name, process, error in zip(("one", "two"), both, said, strict=True):
        files = [mine / f"src/my_project/stages/{name}.py", mine / f"tests/test_{name}.py"]
        assert {file.exists() for file in files} == {process.returncode == 0}
        assert (f"\n{name}:\n" in (mine / "params.yaml").read_text("utf-8")) == (process.returncode == 0)
        assert process.returncode == 0 or re.search(r"is running here|not committed|index\.lock", error), error


@pytest.mark.parametrize("kind", ["stage clean", "dataset vineyards"])
def test_what_another_stage_reads_is_not_removed(mine: Path, run: Run, kind: str) -> None:
    run("add", *kind.split())
    commit_everything(mine, "One")
    file = "data/clean.parquet" if "clean" in kind else "data/vineyards/valid.parquet"
    run("add", "stage", "next", "--reads", file)
    commit_everything(mine, "Two")
    status, said = run("remove", *kind.split())
    assert (status, said) == (
        1,
        f"error: stage next reads {file}: remove that stage first, or take the file out of its code and its deps\n",
    )
    assert run("remove", "stage", "next")[0] == 0
    commit_everything(mine, "Three")
    assert run("remove", *kind.split())[0] == 0


def test_edits_elsewhere_in_the_same_files_stay(mine: Path, run: Run) -> None:
    run("add", "stage", "clean")
    run("add", "decision", "One")
    edits = {
        "dvc.yaml": ("\nplots:\n", "\n  # mine\n  mine:\n    cmd: echo mine\n\nplots:\n"),
        "params.yaml": ("seed: 20\n", "seed: 21  # mine\n"),
    }
    for file, (old, new) in edits.items():
        text = (mine / file).read_text("utf-8")
        assert old in text
        (mine / file).write_text(text.replace(old, new), "utf-8")
    for file, line in {"params.yaml": "\nmine: 1\n", "docs/decisions.md": "\n## 11. Mine\n\nMine.\n"}.items():
        with (mine / file).open("a", encoding="utf-8") as edited:
            edited.write(line)
    commit_everything(mine, "Mine")
    before = {name: (mine / name).read_text("utf-8") for name in (*edits, "docs/decisions.md")}
    assert run("remove", "stage", "clean")[0] == 0
    assert run("remove", "decision", "10")[0] == 0
    for name, text in before.items():
        after = (mine / name).read_text("utf-8")
        kept = [line for line in text.splitlines() if "mine" in line.lower()]
        assert [line for line in after.splitlines() if "mine" in line.lower()] == kept


def test_what_several_share_goes_with_the_last(mine: Path, run: Run) -> None:
    before = tree(mine)
    for name in ("one", "two"):
        run("add", "stage", name)
        run("add", "notebook", name)
        commit_everything(mine, name)
    for name in ("one", "two"):
        assert (mine / "tests/test_notebooks.py").exists()
        run("remove", "stage", name)
        run("remove", "notebook", name)
        commit_everything(mine, f"without {name}")
    assert tree(mine) == before


def test_a_shared_file_that_was_edited_stays(mine: Path, run: Run) -> None:
    run("add", "notebook", "explore")
    with (mine / "docs/notebooks.md").open("a", encoding="utf-8") as page:
        page.write("\nMine.\n")
    commit_everything(mine, "Mine")
    assert run("remove", "notebook", "explore")[0] == 0
    assert (mine / "docs/notebooks.md").read_text("utf-8").endswith("\nMine.\n")
    assert not (mine / "notebooks").exists()


def test_changes_that_are_not_staged_are_refused_when_removing(mine: Path, run: Run) -> None:
    run("add", "stage", "clean")
    with (mine / "params.yaml").open("a", encoding="utf-8") as file:
        file.write("# mine\n")
    status, said = run("remove", "stage", "clean")
    assert (status, said) == (1, "error: params.yaml: edited and not staged: git add or stash first\n")


def test_a_project_in_a_folder_of_a_repository(template_in_folder: Path, run: Run) -> None:
    before = tree(template_in_folder)
    assert run("add", "stage", "clean")[0] == 0
    assert run("add", "notebook", "explore")[0] == 0
    assert (template_in_folder / "part" / STAGE).is_file()
    assert run("remove", "notebook", "explore")[0] == 0
    assert run("remove", "stage", "clean")[0] == 0
    assert tree(template_in_folder) == before


@pytest.fixture
def template_in_folder(generated: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a repository that holds the generated one in a folder, which is the working directory."""
    top = tmp_path / "top"
    git(tmp_path, "clone", "--quiet", str(generated), "top/part")
    git(top / "part", "checkout-index", "--all")
    (top / "part/.git").rename(tmp_path / "gone.git")
    git(top, "init", "--quiet", "--initial-branch=main")
    commit_everything(top, "Start")
    monkeypatch.chdir(top / "part")
    return top


def test_with_the_longest_names_lines_are_short_enough(
    template: Template, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, run: Run
) -> None:
    """Formatting changes nothing, for short names, too."""
    for letters, (package, path) in {30: ("p" * 40, "a" * 45), 1: ("p", "a")}.items():
        folder = begin(template, tmp_path / package, package_name=package)
        monkeypatch.chdir(folder)
        csv, parquet = "b" * letters, "c" * letters
        for command in (
            ["notebook", "a" * letters],
            ["dataset", "d" * min(letters, 20), "--from=sql"],
            ["model", "m" * min(letters, 20), "--problem=regression"],
            ["stage", csv, "--writes", f"reports/{path}.csv"],
            ["stage", parquet, "--writes", f"data/{path}.parquet"],
        ):
            assert run("add", *command)[0] == 0
            commit_everything(folder, command[1])
        for command in (["ruff", "check"], ["ruff", "format", "--check"]):
            subprocess.run([sys.executable, "-m", *command], check=True)
