"""`nox -s update` refuses in one line, with the remedy, if it might lose something, and works otherwise."""

import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from formwork import update
from formwork.readiness import IN_PROGRESS
from formwork.repository import MARK
from tests.harness import ANSWERS_FILE, answers_of, commit_everything, git, tree
from tests.small import FILES, SmallTemplate, put
from tests.update.test_merge import GUIDE, replace, text

Run = Callable[..., tuple[int, str]]


@pytest.fixture
def later(small: SmallTemplate, repository: Path) -> SmallTemplate:
    """Make a release to update to, later than that of the repository."""
    assert repository.exists()
    small.release("1.1.0", text(GUIDE, "Second", "2nd") | {"template/new/page.md": "New.\n"})
    return small


def refused(repository: Path, run: Run, *arguments: str) -> str:
    """Check that an update is refused in one line and changes nothing, and return the line."""
    before = tree(repository, without=(".git",)), git(repository, "rev-parse", "HEAD")
    code, said = run(*arguments)
    assert code == 1
    assert re.fullmatch(r"error: [^\n]+\n", said), said
    assert (tree(repository, without=(".git",)), git(repository, "rev-parse", "HEAD")) == before
    return said


pytestmark = pytest.mark.usefixtures("later")


def test_modified(repository: Path, run_update: Run) -> None:
    replace(repository / "stages.yaml", "one", "eins")  # of another size: git may not see an edit of the same second
    assert refused(repository, run_update) == "error: stages.yaml: not committed: commit or stash first\n"


def test_staged_and_deleted(repository: Path, run_update: Run) -> None:
    put(repository, {f"{number}.txt": "x\n" for number in range(6)})
    git(repository, "add", "--all")
    (repository / "stages.yaml").unlink()
    said = refused(repository, run_update)
    assert said == "error: 0.txt, 1.txt, 2.txt, 3.txt, 4.txt and 2 more: not committed: commit or stash first\n"


def test_outside_of_the_folder(later: SmallTemplate, tmp_path: Path, run_update: Run) -> None:
    """`git reset --hard` would lose edits outside the folder."""
    top = tmp_path / "top"
    later.generate(top / "sub")
    (top / "sub/.git").rename(top / ".git")
    put(top, {"other.txt": "x\n"})
    commit_everything(top, "Start")
    put(top, {"other.txt": "y\n"})
    os.chdir(top / "sub")
    assert "other.txt: not committed" in refused(top, run_update)


@pytest.mark.parametrize("name", ["new/page.md", "new"])
@pytest.mark.parametrize("is_ignored", [False, True])
def test_untracked_in_the_way(repository: Path, run_update: Run, name: str, *, is_ignored: bool) -> None:
    if is_ignored:
        put(repository, {".gitignore": "new*\n"})
        commit_everything(repository, "Ignore")
    put(repository, {name: "mine\n"})
    said = refused(repository, run_update)
    assert said == f"error: {name}: in the way of new files, and not in git: commit, move or delete\n"
    assert "in the way" in refused(repository, run_update, "--dry-run")


def test_a_link_in_the_way(repository: Path, run_update: Run, tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    (repository / "new").symlink_to(tmp_path / "outside")
    put(repository, {".git/info/exclude": "new\n"})
    assert "new: in the way" in refused(repository, run_update)
    assert not list((tmp_path / "outside").iterdir())


def test_a_folder_in_the_way(repository: Path, run_update: Run) -> None:
    put(repository, {"new/page.md/mine.txt": "mine\n"})
    assert "new/page.md/mine.txt: in the way" in refused(repository, run_update)


def test_untracked_elsewhere_is_fine(repository: Path, run_update: Run) -> None:
    put(repository, {"new/mine.md": "mine\n", "other.txt": "mine\n"})
    assert run_update()[0] == 0
    assert (repository / "new/mine.md").read_text("utf-8") == "mine\n"


@pytest.mark.parametrize("flag", ["--skip-worktree", "--assume-unchanged"])
def test_hidden_edits(repository: Path, run_update: Run, flag: str) -> None:
    """Git does not show hidden edits, but a merge overwrites them."""
    git(repository, "update-index", flag, "stages.yaml", "docs/guide.md")
    replace(repository / "stages.yaml", "one", "eins")  # of another size: git may not see an edit of the same second
    said = refused(repository, run_update)
    assert said == (
        "error: stages.yaml: hidden edits: git update-index --no-skip-worktree --no-assume-unchanged FILE\n"
    )
    replace(repository / "stages.yaml", "eins", "one")
    assert run_update()[0] == 0


def test_a_sparse_checkout_is_no_edit(repository: Path, run_update: Run) -> None:
    """Git leaves files outside a sparse checkout out on purpose."""
    git(repository, "update-index", "--skip-worktree", "stages.yaml")
    (repository / "stages.yaml").unlink()
    assert run_update()[0] == 0


def test_a_hidden_deletion(repository: Path, run_update: Run) -> None:
    git(repository, "update-index", "--assume-unchanged", "stages.yaml")
    (repository / "stages.yaml").unlink()
    assert "stages.yaml: hidden edits" in refused(repository, run_update)


@pytest.mark.parametrize("is_ignored", [False, True])
def test_rejected_hunks(repository: Path, run_update: Run, *, is_ignored: bool) -> None:
    put(repository, {"docs/guide.md.rej": "hunk\n"} | ({".git/info/exclude": "*.rej\n"} if is_ignored else {}))
    said = refused(repository, run_update)
    assert said == "error: docs/guide.md.rej: left over: carry over what these hold and delete them\n"


def test_a_merge_in_progress(repository: Path, run_update: Run) -> None:
    head = git(repository, "rev-parse", "HEAD")
    for name, reason in IN_PROGRESS.items():
        put(repository, {f".git/{name}": head + "\n"})
        assert refused(repository, run_update) == f"error: {reason}\n"
        (repository / ".git" / name).unlink()


def test_conflicts_of_the_last_update(repository: Path, run_update: Run) -> None:
    replace(repository / "docs/guide.md", "Second", "My second")
    commit_everything(repository, "Mine")
    assert run_update()[0] == 1
    said = refused(repository, run_update)
    assert said == "error: docs/guide.md: in conflict: resolve it and git add it, or git reset --hard\n"


def test_a_downgrade(later: SmallTemplate, repository: Path, run_update: Run) -> None:
    run_update()
    commit_everything(repository, "Update")
    said = refused(repository, run_update, "1.0.0")
    assert said == "error: v1.0.0 is older than v1.1.0, which is recorded: an update only goes forward\n"
    commit = git(later.path, "rev-parse", "v1.0.0")
    assert f"{commit} is older than v1.1.0" in refused(repository, run_update, commit)


def test_from_an_unreleased_tip(later: SmallTemplate, repository: Path, run_update: Run) -> None:
    """There is nothing newer until the next release."""
    put(later.path, {"template/new/page.md": "Newer.\n"})
    tip = commit_everything(later.path, "On the way")
    assert run_update(tip)[0] == 0
    recorded = f"v1.1.0-1-g{git(later.path, 'rev-parse', '--short', tip)}"
    assert f"_commit: {recorded}\n" in answers_of(repository)
    commit_everything(repository, "Update")
    assert run_update() == (0, f"small {recorded} is recorded: nothing newer to update to\n")
    later.release("1.2.0", text(GUIDE, "Third", "3rd"))
    assert run_update()[0] == 0
    assert "_commit: v1.2.0\n" in answers_of(repository)


def test_an_unknown_release(repository: Path, run_update: Run) -> None:
    said = refused(repository, run_update, "v7.0.0")
    assert said == "error: small has no v7.0.0: its releases are v1.0.0, v1.1.0\n"
    assert "error: small has no -q" in refused(repository, run_update, "--", "-q")


def test_an_unreachable_template(later: SmallTemplate, repository: Path, run_update: Run) -> None:
    later.path.rename(later.path.parent / "moved")
    said = refused(repository, run_update)
    assert said.startswith(
        f"error: the template {later.url} cannot be fetched (recorded in {ANSWERS_FILE}): git clone: "
    )


WHY = (
    ", so there is nothing to compare a newer release with; perhaps the repository was generated from an archive, "
    "from uncommitted changes or from a branch that is not there: write the release that it is closest to into "
    f"{ANSWERS_FILE}, for example _commit: v0.2.0, and commit\n"
)


def test_a_recorded_release_that_is_gone(later: SmallTemplate, repository: Path, run_update: Run) -> None:
    git(later.path, "tag", "--delete", "v1.0.0")
    said = refused(repository, run_update)
    assert said == f"error: {later.url} has no v1.0.0, which {ANSWERS_FILE} records as its _commit{WHY}"


def test_no_recorded_release(repository: Path, run_update: Run) -> None:
    replace(repository / ANSWERS_FILE, "_commit: v1.0.0\n", "")
    commit_everything(repository, "As from an archive")
    assert refused(repository, run_update) == f"error: {ANSWERS_FILE} names no release of the template (_commit){WHY}"
    content = (repository / ANSWERS_FILE).read_text("utf-8")
    put(repository, {ANSWERS_FILE: f"{content}_commit: v1.0.0\n"})
    commit_everything(repository, "As the message says")
    assert run_update()[0] == 0


def test_a_described_commit(later: SmallTemplate, repository: Path, run_update: Run) -> None:
    """Copier describes a commit between two releases in this way."""
    put(later.path, {"template/new/page.md": "Newer.\n"})
    tip = commit_everything(later.path, "On the way")
    described = f"v1.1.0-1-g{git(later.path, 'rev-parse', '--short', tip)}"
    later.release("1.2.0", {"template/new/page.md": "Newest.\n"})
    assert run_update(described)[0] == 0
    assert f"_commit: {described}\n" in answers_of(repository)
    commit_everything(repository, "Update")
    assert run_update()[0] == 0
    assert (repository / "new/page.md").read_text("utf-8") == "Newest.\n"


def test_a_recorded_path(
    later: SmallTemplate, repository: Path, run_update: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A path may begin with `~`, but the meaning of a relative path depends on the folder."""
    monkeypatch.setenv("HOME", str(later.path.parent))
    url = later.url
    for path in (f"../{later.path.name}", later.path.name, f"git+./{later.path.name}"):
        replace(repository / ANSWERS_FILE, url, path)
        commit_everything(repository, "Relative")
        wrong = path.removeprefix("git+")
        assert refused(repository, run_update) == (
            f"error: the path {wrong} of the template ({ANSWERS_FILE}) is relative: "
            "write the absolute path or a URL there\n"
        )
        url = path
    replace(repository / ANSWERS_FILE, url, f"~/{later.path.name}")
    commit_everything(repository, "At home")
    assert run_update()[0] == 0
    assert f"_src_path: ~/{later.path.name}\n" in answers_of(repository)


def test_a_template_without_releases(later: SmallTemplate, repository: Path, run_update: Run) -> None:
    git(later.path, "tag", "--delete", "v1.0.0", "v1.1.0")
    first, second = git(later.path, "rev-list", "--reverse", "HEAD").split()
    replace(repository / ANSWERS_FILE, "v1.0.0", first)
    commit_everything(repository, "Recorded by hand")
    assert run_update() == (0, f"small {first} is recorded: nothing newer to update to\n")
    assert "its releases are none" in refused(repository, run_update, "v3.0.0")
    assert run_update(second)[0] == 0
    assert f"_commit: {git(later.path, 'rev-parse', '--short', second)}\n" in answers_of(repository).replace("'", "")


def test_a_template_that_needs_trust(later: SmallTemplate, repository: Path, run_update: Run) -> None:
    later.release("1.2.0", {"copier.yml": str(FILES["copier.yml"]) + '_tasks: ["touch bad"]\n'})
    assert "v1.2.0 refuses: " in refused(repository, run_update)
    assert not (repository / "bad").exists()


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (None, f"there is no {ANSWERS_FILE} here: run this where the generated repository begins"),
        ("a: [", f"{ANSWERS_FILE} is not valid YAML: git restore {ANSWERS_FILE}"),
        ("- a\n", f"{ANSWERS_FILE} names no release (_commit) or no template (_src_path): add it"),
        ("_commit: v1.0.0\n", f"{ANSWERS_FILE} names no release (_commit) or no template (_src_path): add it"),
    ],
)
def test_answers_that_cannot_be_read(repository: Path, run_update: Run, content: str | None, reason: str) -> None:
    put(repository, {ANSWERS_FILE: content})
    commit_everything(repository, "Broken")
    assert f"error: {reason}" in refused(repository, run_update)


def test_no_repository(tmp_path: Path, run_update: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path))
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path / "empty")
    needed = "error: this needs git 2.38 or newer, and a repository with a commit: git rev-parse: "
    code, said = run_update()
    assert code == 1
    assert said.startswith(needed)
    git(tmp_path / "empty", "init", "--quiet")
    code, said = run_update()
    assert code == 1
    assert said.startswith(needed)
    assert said.count("\n") == 1


def test_no_git(repository: Path, run_update: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(repository))
    assert run_update() == (
        1,
        "error: this needs git 2.38 or newer, and a repository with a commit: git is not installed\n",
    )


def test_an_interruption(repository: Path, run_update: Run, monkeypatch: pytest.MonkeyPatch) -> None:

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(update, "put_into_place", interrupt)
    assert "error: interrupted; if git status shows changes: git reset --hard\n" in run_update()[1]
    assert git(repository, "status", "--porcelain") == ""


def test_after_an_interruption(repository: Path, run_update: Run) -> None:
    """A mark in .git refuses the next update until the tree is as before; then it is removed."""
    mark = repository / ".git" / MARK
    mark.write_text("v1.1.0", "utf-8")
    replace(repository / "stages.yaml", "one", "eins")  # of another size: git may not see an edit of the same second
    said = refused(repository, run_update)
    assert said == "error: the update to v1.1.0 was interrupted: run git reset --hard, then update again\n"
    git(repository, "reset", "--quiet", "--hard")
    code, said = run_update()
    assert code == 0
    assert said.startswith("note: the interrupted update to v1.1.0 is undone\n")
    assert not mark.exists()
