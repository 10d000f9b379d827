"""Repositories of every release, from both commands, can be updated in both ways."""

import re
import sys
from pathlib import Path

import pexpect
import pytest
import yaml

from maintain.file_rules import kept_paths
from maintain.releases import releases_in
from tests.generated.repository import RUNNING, Repository
from tests.harness import (
    ANSWERS_FILE,
    AUTHOR,
    ROOT,
    Doors,
    Template,
    answers_of,
    commit_everything,
    git,
    run,
    tree,
)
from tests.update.synthetic import NEXT
from tests.update.ways import ANSWERS, WAYS, Begin, update

RELEASES = releases_in(ROOT)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("door", ["cookiecutter", "copier"])
@pytest.mark.parametrize("target", ["working tree", NEXT])
@pytest.mark.parametrize("release", RELEASES)
def test_every_mark_is_kept(
    begin: Begin, later: Template, template: Template, doors: Doors, release: str, target: str, door: str, way: str
) -> None:
    """A line at the end of every file is there afterwards, and so is the answer to every remaining question."""
    repository = begin(release, door)
    names = mark_all(repository)
    goal = template.newest if target == "working tree" else target
    update(repository, doors, way, goal, check=False)
    assert_kept(repository, names)
    answers = yaml.safe_load(answers_of(repository))
    assert answers["_commit"] == goal
    assert answers["_src_path"] == later.url
    assert answers["author_name"] == ANSWERS["author_name"]
    if goal == NEXT:
        assert "description" not in answers
        assert answers["web_address"] == ANSWERS["repository_url"]
        assert answers["team"] == "nobody"


@pytest.mark.parametrize("target", ["working tree", NEXT])
def test_a_repository_with_its_own_script_updates_itself(
    begin: Begin, template: Template, doors: Doors, target: str
) -> None:
    """Release 0.2.0 put its updater into each repository, which can update to a release with the command."""
    repository = begin("v0.2.0")
    names = mark_all(repository)
    goal = template.newest if target == "working tree" else target
    run(sys.executable, "scripts/update.py", goal, cwd=repository, env=doors.env | AUTHOR, check=False)
    assert_kept(repository, names)
    assert yaml.safe_load(answers_of(repository))["_commit"] == goal


def test_a_repository_updates_itself_by_its_task(begin: Begin, template: Template) -> None:
    """The task runs the tool of the recorded commit, which merges the newest release."""
    repository = begin(template.newest)
    names = mark_all(repository)
    said = Repository(repository, RUNNING).nox("update", check=False)
    assert re.search(rf"uvx --from git\+file://\S+@{re.escape(template.newest)} formwork update", said)
    assert f"formwork {template.newest} -> {NEXT}" in said
    assert_kept(repository, names)
    assert yaml.safe_load(answers_of(repository))["_commit"] == NEXT


def mark_all(repository: Path) -> list[str]:
    """Add a line to the end of every file, commit, and return the names of the files."""
    names = [name for name in git(repository, "ls-files").splitlines() if name != ANSWERS_FILE]
    assert len(names) > 40
    for name in names:
        with (repository / name).open("a", encoding="utf-8") as file:
            file.write(f"# mark of {name}.\n")
    commit_everything(repository, "Marks")
    return names


def assert_kept(repository: Path, names: list[str]) -> None:
    """Check that the line of every file is somewhere in the repository."""
    everything = b"".join(entry.content for entry in tree(repository).values())
    assert not [name for name in names if f"# mark of {name}.\n".encode() not in everything]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("release", RELEASES)
def test_without_edits_all_of_it_comes(begin: Begin, later: Template, doors: Doors, release: str, way: str) -> None:
    """The template's files are as if they were generated today, and a second update changes nothing."""
    repository = begin(release, ci="gitlab", problem="regression")
    released = tree(repository)
    said = update(repository, doors, way, NEXT)
    assert "Another README." not in (repository / "README.md").read_text("utf-8")
    before = tree(repository)
    commit_everything(repository, "Update")
    update(repository, doors, way, NEXT)
    assert git(repository, "status", "--porcelain") == ""
    doors.copier(
        later.url, repository.parent / "fresh", f"--vcs-ref={NEXT}", f"--data-file={repository / ANSWERS_FILE}"
    )
    fresh = tree(repository.parent / "fresh")
    seeds = later.seeds(NEXT, {"package_name": "my_project"})
    kept = {name for name in seeds & set(released) & set(fresh) if released[name] != fresh[name]}
    assert "README.md" in kept
    if way == "merge":
        assert before == fresh | {name: released[name] for name in kept}
        assert "docs/new-seed.md" in before
        assert all(re.search(rf"^  kept +{name} ", said, re.MULTILINE) for name in kept)
    else:
        entries = [entry for entry in later.settings(NEXT)["_exclude"] if entry.startswith("/")]
        places = kept_paths(entries, {"package_name": "my_project"})
        files = {name for name, entry in released.items() if entry.kind == "file"}
        stays = {name for name in files if any(Path(name).is_relative_to(place) for place in places)}
        changed = {name for name, entry in before.items() if entry.kind == "file" and entry != fresh.get(name)}
        assert changed == kept | stays
        assert set(fresh) - set(before) == {"docs/new-seed.md"}


@pytest.mark.parametrize("way", WAYS)
def test_a_removed_choice_stops(begin: Begin, doors: Doors, way: str) -> None:
    repository = begin(next(iter(RELEASES)), python_version="3.11")
    said = update(repository, doors, way, NEXT, check=False)
    assert "'3.11' is not in ['3.12', '3.13', '3.14']" in said
    assert git(repository, "status", "--porcelain") == ""
    update(repository, doors, way, NEXT, "--data", "python_version=3.12")
    assert 'requires-python = ">=3.12"' in (repository / "pyproject.toml").read_text("utf-8")


def test_plain_copier_names_the_safer_command(begin: Begin, template: Template, doors: Doors) -> None:
    repository = begin(next(iter(RELEASES)))
    assert "uvx nox -s update" in update(repository, doors, "plain", template.newest)


def test_a_name_that_is_reserved_later_stays(later: Template, begin: Begin, doors: Doors, tmp_path: Path) -> None:
    """The name was allowed at first; only a new name is refused."""
    work = tmp_path / "work"
    git(tmp_path, "clone", "--quiet", str(later.clone), str(work))
    with (work / "reserved-names.txt").open("a", encoding="utf-8") as names:
        names.write("winery\nbrewery\n")
    commit_everything(work, "Release 9.1.0", "v9.1.0")
    git(work, "push", "--quiet", str(later.clone), "HEAD:refs/heads/reserved")
    commit = git(work, "rev-parse", "HEAD")
    for way in WAYS:
        repository = begin(next(iter(RELEASES)), package_name="winery")
        said = update(repository, doors, "merge", commit, "--data", "package_name=brewery", check=False)
        assert "brewery is a name of Python" in said
        update(repository, doors, way, commit)
        assert (repository / "src/winery/core/steps/summarize.py").exists()
        repository.rename(tmp_path / way)


def test_plain_copier_in_a_terminal(begin: Begin, template: Template, doors: Doors) -> None:
    """Copier asks again, and pressing Enter takes the recorded answer."""
    repository = begin(next(iter(RELEASES)))
    with (repository / "ruff.toml").open("a", encoding="utf-8") as file:
        file.write("# mine\n")
    commit_everything(repository, "Mine")
    command = ["-m", "copier", "update", "--vcs-ref", template.newest]
    env = {**doors.env, **AUTHOR, "TERM": "dumb"}
    session = pexpect.spawn(sys.executable, command, cwd=str(repository), env=env, timeout=60, dimensions=(50, 200))
    for question in template.questions(template.newest).values():
        if question.is_asked:
            session.expect_exact(question.details["help"])
            session.send("\r")
    session.expect_exact("uvx nox -s update")
    session.expect(pexpect.EOF)
    session.close()
    assert session.exitstatus == 0
    assert (repository / "ruff.toml").read_text("utf-8").endswith("# mine\n")
    answers = yaml.safe_load(answers_of(repository))
    assert answers["_commit"] == template.newest
    assert {name: answers[name] for name in ANSWERS} == ANSWERS


def test_copier_says_whether_there_is_a_newer_release(
    begin: Begin, later: Template, doors: Doors, tmp_path: Path
) -> None:
    """The exit status does."""
    command = (sys.executable, "-m", "copier", "check-update", "--quiet")
    old = begin(next(iter(RELEASES)))
    assert run(*command, cwd=old, env=doors.env | AUTHOR, check=False).returncode == 2
    doors.copier(later.url, tmp_path / "newest", f"--vcs-ref={NEXT}")
    assert run(*command, cwd=tmp_path / "newest", env=doors.env | AUTHOR, check=False).returncode == 0


def test_both_doors_record_the_same(later: Template, template: Template, doors: Doors, tmp_path: Path) -> None:
    """Updates read the answers file, so both commands must write the same one."""
    doors.cookiecutter(later.url, tmp_path / "c", "--checkout", template.newest)
    doors.copier(later.url, tmp_path / "d", f"--vcs-ref={template.newest}")
    assert answers_of(tmp_path / "c/my-project") == answers_of(tmp_path / "d")
