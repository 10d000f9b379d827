"""`nox -s update` merges: what it adds, what it keeps, and what it prints."""

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from formwork.answers import address
from tests.harness import answers_of, commit_everything, git, tree
from tests.small import COPIER_YML, FILES, SmallTemplate, put

Run = Callable[..., tuple[int, str]]

STAGES = "template/stages.yaml"
SETTINGS = "template/settings.toml.jinja"
GUIDE = "template/docs/guide.md"
RUN = "template/src/{{package_name}}/run.py.jinja"


def text(path: str, old: str, new: str) -> dict[str, str]:
    """Change a text in a file of the template."""
    content = FILES[path]
    assert isinstance(content, str)
    assert old in content
    return {path: content.replace(old, new)}


def edit(repository: Path, changes: dict[str, str | bytes | None]) -> None:
    """Edit files of the repository and commit."""
    put(repository, changes)
    commit_everything(repository, "Mine")


def replace(path: Path, old: str, new: str) -> None:
    """Edit a file in place."""
    content = path.read_text("utf-8")
    assert old in content
    path.write_text(content.replace(old, new), "utf-8")


def status(repository: Path) -> str:
    """Return the status of the repository."""
    return git(repository, "status", "--porcelain")


def words(said: str) -> list[list[str]]:
    """Return the words of each line of the summary."""
    return [line.split() for line in said.splitlines() if line.startswith("  ")]


def test_changed_and_new_files_come(small: SmallTemplate, repository: Path, run_update: Run) -> None:
    """Files, modes and the recorded release are those of the new release, and everything is staged."""
    changes = text(GUIDE, "Second line.", "Another line.") | {"template/docs/new.md": "New.\n"}
    put(small.path, {"template/tool": "#!/bin/sh\n"})
    (small.path / "template/tool").chmod(0o755)
    small.release("1.1.0", {**changes, "template/stages.yaml": None})
    code, said = run_update()
    assert code == 0
    assert "Another line." in (repository / "docs/guide.md").read_text("utf-8")
    assert (repository / "docs/new.md").read_text("utf-8") == "New.\n"
    assert os.access(repository / "tool", os.X_OK)
    assert not (repository / "stages.yaml").exists()
    assert yaml.safe_load(answers_of(repository))["_commit"] == "v1.1.0"
    assert words(said) == [
        ["updated", ".copier-answers.yml"],
        ["updated", "docs/guide.md"],
        ["added", "docs/new.md"],
        ["removed", "stages.yaml"],
        ["added", "tool"],
    ]
    assert "small v1.0.0 -> v1.1.0" in said
    assert said.endswith("\n\nnext: git diff HEAD; uvx nox -s check; git commit --all\n")
    assert sorted(status(repository).splitlines()) == [
        "A  docs/new.md",
        "A  tool",
        "D  stages.yaml",
        "M  .copier-answers.yml",
        "M  docs/guide.md",
    ]
    assert not list((repository / ".git").glob("formwork*"))


def test_the_result_is_what_copier_generates(small: SmallTemplate, repository: Path, run_update: Run) -> None:
    later = text(SETTINGS, "c = 3", "c = 4") | text("template/README.md.jinja", "Seeded", "Sown")
    small.release("1.1.0", later)
    run_update()
    readme = (repository / "README.md").read_bytes()
    fresh = small.generate(repository.parent / "fresh", "v1.1.0")
    assert b"Seeded" in readme
    (fresh / "README.md").write_bytes(readme)
    assert tree(repository) == tree(fresh)


def test_a_second_update_changes_nothing(small: SmallTemplate, repository: Path, run_update: Run) -> None:
    small.release("1.1.0", text(GUIDE, "Second", "2nd"))
    run_update()
    commit_everything(repository, "Update")
    before = tree(repository, without=())
    assert run_update() == (0, "small v1.1.0 is recorded: nothing newer to update to\n")
    assert tree(repository, without=()) == before


def test_both_edits_of_a_file_are_kept(small: SmallTemplate, repository: Path, run_update: Run) -> None:
    small.release("1.1.0", text(SETTINGS, "a = 1", "a = 10"))
    replace(repository / "settings.toml", "d = 4\n", "d = 4\nmine = true\n")
    commit_everything(repository, "Mine")
    code, said = run_update()
    content = (repository / "settings.toml").read_text("utf-8")
    assert code == 0
    assert "a = 10\n" in content
    assert "mine = true\n" in content
    assert ["merged", "settings.toml"] in words(said)


def test_an_edit_stays_in_its_stage(small: SmallTemplate, repository: Path, run_update: Run) -> None:
    """If blocks are alike, a patch may confuse one with another."""
    block = "zero:\n  cmd: run\n  out: data\n\n"
    small.release("1.1.0", {STAGES: block * 2 + str(FILES[STAGES])})
    replace(repository / "stages.yaml", "two:\n  cmd: run\n", "two:\n  cmd: run\n  mine: true\n")
    commit_everything(repository, "Mine")
    run_update()
    content = (repository / "stages.yaml").read_text("utf-8")
    assert "two:\n  cmd: run\n  mine: true\n" in content
    assert content.startswith(block * 2)


def test_what_is_yours_is_left_alone(small: SmallTemplate, repository: Path, run_update: Run) -> None:
    """A seed that the release changes or drops stays, and the summary says how to see the change."""
    later = text("template/README.md.jinja", "Seeded", "Sown")
    small.release("1.1.0", {**later, "template/src/{{package_name}}/model.py": None})
    code, said = run_update()
    assert code == 0
    assert "Seeded" in (repository / "README.md").read_text("utf-8")
    assert (repository / "src/wine/model.py").exists()
    kept = {line.split()[1]: line for line in said.splitlines() if line.startswith("  kept ")}
    assert sorted(kept) == ["README.md", "src/wine/model.py"]
    assert "no longer of the template" in kept["src/wine/model.py"]
    command = kept["README.md"].partition("git diff ")[2].rstrip(")").split()
    shown = git(repository, "diff", *command)
    assert "-Seeded." in shown
    assert "+Sown." in shown
    assert status(repository) == "M  .copier-answers.yml"


def test_a_new_seed_is_delivered_once(small: SmallTemplate, repository: Path, run_update: Run) -> None:
    entry = "  - \"{% if _copier_operation == 'update' %}/notes.md{% endif %}\"\n"
    settings = COPIER_YML.replace("_exclude:\n", "_exclude:\n" + entry)
    small.release("1.1.0", {"copier.yml": settings, "template/notes.md": "Notes.\n"})
    assert ["added", "notes.md"] in words(run_update()[1])
    assert (repository / "notes.md").read_text("utf-8") == "Notes.\n"
    commit_everything(repository, "Update")
    small.release("1.2.0", {"template/notes.md": "Other notes.\n"})
    run_update()
    assert (repository / "notes.md").read_text("utf-8") == "Notes.\n"


def test_a_seed_that_plain_copier_delivers_too_is_delivered_once(
    small: SmallTemplate, repository: Path, run_update: Run
) -> None:
    settings = COPIER_YML.replace("_exclude:\n", "_skip_if_exists: [notes.md]\n_exclude:\n")
    small.release("1.1.0", {"copier.yml": settings, "template/notes.md": "Notes.\n"})
    said = run_update()[1]
    assert words(said) == [["updated", ".copier-answers.yml"], ["added", "notes.md"]]
    commit_everything(repository, "Update")
    replace(repository / "notes.md", "Notes", "My notes")
    commit_everything(repository, "Mine")
    small.release("1.2.0", {"template/notes.md": "Other notes.\n"})
    said = run_update()[1]
    assert ["kept", "notes.md"] in [line[:2] for line in words(said)]
    assert (repository / "notes.md").read_text("utf-8") == "My notes.\n"


def test_deletions_are_kept_and_named(small: SmallTemplate, repository: Path, run_update: Run) -> None:
    later = text(GUIDE, "Second", "2nd") | text("template/README.md.jinja", "Seeded", "Sown")
    small.release("1.1.0", later)
    edit(repository, {"docs/guide.md": None, "README.md": None})
    code, said = run_update()
    assert code == 0
    assert not (repository / "docs/guide.md").exists()
    assert not (repository / "README.md").exists()
    lines = [line for line in said.splitlines() if line.startswith("  kept deleted")]
    assert [line.split()[2] for line in lines] == ["README.md", "docs/guide.md"]
    assert all("git diff " in line for line in lines)
    assert status(repository) == "M  .copier-answers.yml"


def test_an_edited_file_that_the_release_drops_stays(small: SmallTemplate, repository: Path, run_update: Run) -> None:
    """The file belongs to the user from then on."""
    small.release("1.1.0", {GUIDE: None})
    replace(repository / "docs/guide.md", "First", "My first")
    commit_everything(repository, "Mine")
    code, said = run_update()
    assert code == 0
    assert "My first" in (repository / "docs/guide.md").read_text("utf-8")
    assert "docs/guide.md (no longer of the template)" in said
    assert status(repository) == "M  .copier-answers.yml"


def test_a_moved_file_that_the_release_drops_stays_and_is_named(
    small: SmallTemplate, repository: Path, run_update: Run
) -> None:
    small.release("1.1.0", {GUIDE: None})
    git(repository, "mv", "docs/guide.md", "docs/mine.md")
    commit_everything(repository, "Mine")
    code, said = run_update()
    assert code == 0
    assert "First" in (repository / "docs/mine.md").read_text("utf-8")
    assert ["kept", "docs/mine.md", "(you", "have", "moved", "it;"] in [it[:6] for it in words(said)]
    assert status(repository) == "M  .copier-answers.yml"


def test_an_edit_follows_a_renamed_file(small: SmallTemplate, repository: Path, run_update: Run) -> None:
    small.release("1.1.0", {GUIDE: None, "template/docs/manual.md": FILES[GUIDE]})
    replace(repository / "docs/guide.md", "Third line.\n", "Third line.\n\nMine.\n")
    commit_everything(repository, "Mine")
    code, said = run_update()
    assert code == 0
    assert "Mine." in (repository / "docs/manual.md").read_text("utf-8")
    assert not (repository / "docs/guide.md").exists()
    assert ["moved", "docs/guide.md", "->", "docs/manual.md"] in words(said)


def test_edits_follow_a_folder_that_is_taken_apart(small: SmallTemplate, repository: Path, run_update: Run) -> None:
    """The user's own files stay where they are."""
    steps = {name: f"{name} one\n{name} two\n{name} three\n" for name in ("a", "b", "c", "d", "e", "f")}
    old = {f"template/src/{{{{package_name}}}}/steps/{name}.py": content for name, content in steps.items()}
    old |= {f"template/tests/{name}.py": content.upper() for name, content in steps.items()}
    small.release("1.1.0", {**old, "template/tests/sample.csv": "1\n"})
    run_update()
    commit_everything(repository, "Update")
    own = {"src/wine/steps/own.py": "own\n", "tests/own.py": "own\n"}
    edited = {"src/wine/steps/b.py": steps["b"] + "mine\n", "tests/c.py": steps["c"].upper() + "MINE\n"}
    edit(repository, {**own, **edited})
    entries = '  - "/src/{{ package_name }}/steps"\n' + "".join(f'  - "/tests/{name}.py"\n' for name in steps)
    settings = {"copier.yml": COPIER_YML.replace("_exclude:\n", f"_exclude:\n{entries}")}
    places = {"a": "base", "b": "base", "c": "do", "d": "do", "e": "model", "f": "model"}
    new = {
        f"template/src/{{{{package_name}}}}/core/{places[name]}/{name}.py": f"# Moved\n{content}"
        for name, content in steps.items()
    }
    new |= {f"template/tests/contract/{name}.py": content.upper() for name, content in steps.items()}
    small.release("1.2.0", settings | dict.fromkeys(old) | new)
    code, said = run_update()
    assert code == 0
    for name, content in own.items():
        assert (repository / name).read_text("utf-8") == content
    assert (repository / "src/wine/core/base/b.py").read_text("utf-8") == f"# Moved\n{steps['b']}mine\n"
    assert (repository / "tests/contract/c.py").read_text("utf-8") == f"{steps['c'].upper()}MINE\n"
    assert ["moved", "src/wine/steps/b.py", "->", "src/wine/core/base/b.py"] in words(said)
    assert [path.name for path in (repository / "src/wine/steps").iterdir()] == ["own.py"]
    assert sorted(path.name for path in (repository / "tests").iterdir()) == ["contract", "own.py", "sample.csv"]


@pytest.mark.parametrize("place", ["core", "docs"])
def test_files_of_ones_own_do_not_move_with_a_folder(
    small: SmallTemplate, repository: Path, run_update: Run, place: str
) -> None:
    names = ("a", "b", "c")
    old = {f"template/steps/{name}.py": f"{name} one\n{name} two\n" for name in names}
    small.release("1.1.0", old)
    run_update()
    edit(repository, {"steps/own.py": "own\n"})
    new = {path.replace("steps", place): content for path, content in old.items()}
    small.release("1.2.0", dict.fromkeys(old) | new)
    code, said = run_update()
    assert code == 0
    assert [path.name for path in (repository / "steps").iterdir()] == ["own.py"]
    assert "own.py" not in said
    assert status(repository).count("own.py") == 0


def test_a_change_follows_a_file_that_the_user_moved(small: SmallTemplate, repository: Path, run_update: Run) -> None:
    """A new file of the release goes into the folder that the user has moved."""
    later = text(GUIDE, "Second", "2nd") | {"template/docs/more.md": "More.\n"}
    small.release("1.1.0", later)
    (repository / "docs").rename(repository / "manual")
    commit_everything(repository, "Mine")
    code, said = run_update()
    assert code == 0
    assert "2nd" in (repository / "manual/guide.md").read_text("utf-8")
    assert (repository / "manual/more.md").exists()
    assert ["merged", "manual/guide.md"] in words(said)
    assert not (repository / "docs").exists()


def test_a_renamed_file_that_the_user_deleted_stays_deleted(
    small: SmallTemplate, repository: Path, run_update: Run
) -> None:
    small.release("1.1.0", {GUIDE: None, "template/docs/manual.md": str(FILES[GUIDE]) + "\nMore.\n"})
    edit(repository, {"docs/guide.md": None})
    code, said = run_update()
    assert code == 0
    assert not (repository / "docs/manual.md").exists()
    assert ["kept", "deleted", "docs/manual.md"] in [line[:3] for line in words(said)]


def test_a_conflict_is_visible(small: SmallTemplate, repository: Path, run_update: Run) -> None:
    small.release("1.1.0", text(SETTINGS, "b = 2", "b = 20") | text(GUIDE, "First", "1st"))
    replace(repository / "settings.toml", "b = 2", "b = 3")
    commit_everything(repository, "Mine")
    code, said = run_update()
    assert code == 1
    content = (repository / "settings.toml").read_text("utf-8")
    assert "<<<<<<< yours\nb = 3\n=======\nb = 20\n>>>>>>> v1.1.0\n" in content
    assert "UU settings.toml" in status(repository)
    assert "M  docs/guide.md" in status(repository)
    assert "conflict     settings.toml (you and the release changed the same lines)" in said
    assert said.endswith(
        "\n\nnext: resolve each conflict and git add it; uv lock; uvx nox -s check; git commit --all\n"
    )
    assert git(repository, "show", ":2:settings.toml").count("b = 3") == 1
    assert git(repository, "show", ":3:settings.toml").count("b = 20") == 1
    replace(repository / "settings.toml", "<<<<<<< yours\n", "")
    commit_everything(repository, "Update")
    assert run_update()[0] == 0


def test_both_added_a_file(small: SmallTemplate, repository: Path, run_update: Run) -> None:
    small.release("1.1.0", {"template/new.txt": "theirs\n"})
    edit(repository, {"new.txt": "mine\n"})
    code, said = run_update()
    assert code == 1
    assert "mine" in (repository / "new.txt").read_text("utf-8")
    assert "conflict     new.txt (you and the release added it)" in said
    assert "AA new.txt" in status(repository)


def test_the_same_new_file_is_no_conflict(small: SmallTemplate, repository: Path, run_update: Run) -> None:
    small.release("1.1.0", {"template/new.txt": "same\n"})
    edit(repository, {"new.txt": "same\n"})
    assert run_update()[0] == 0


def test_a_binary_that_both_replaced(small: SmallTemplate, repository: Path, run_update: Run) -> None:
    small.release("1.1.0", text(GUIDE, "First", "1st"))
    edit(repository, {"docs/guide.md": b"\0\1mine"})
    code, _ = run_update()
    assert code == 1
    assert (repository / "docs/guide.md").read_bytes() == b"\0\1mine"
    assert "UU docs/guide.md" in status(repository)


def test_a_binary_stays_where_the_release_changes_nothing(
    small: SmallTemplate, repository: Path, run_update: Run
) -> None:
    """Plain copier would restore its own version."""
    small.release("1.1.0", text(SETTINGS, "a = 1", "a = 2"))
    edit(repository, {"docs/guide.md": b"\0\1mine"})
    assert run_update()[0] == 0
    assert (repository / "docs/guide.md").read_bytes() == b"\0\1mine"


def test_a_folder_where_the_user_has_a_file(small: SmallTemplate, repository: Path, run_update: Run) -> None:
    small.release("1.1.0", {"template/extra/page.md": "Page.\n"})
    edit(repository, {"extra": "mine\n"})
    code, said = run_update()
    assert code == 1
    assert (repository / "extra/page.md").read_text("utf-8") == "Page.\n"
    assert (repository / "extra~yours").read_text("utf-8") == "mine\n"
    assert "extra~yours (you and the release moved or replaced it)" in said


def test_both_renamed_a_file(small: SmallTemplate, repository: Path, run_update: Run) -> None:
    small.release("1.1.0", {GUIDE: None, "template/docs/theirs.md": FILES[GUIDE]})
    (repository / "docs/guide.md").rename(repository / "docs/mine.md")
    replace(repository / "docs/mine.md", "Third", "My third")
    commit_everything(repository, "Mine")
    code, said = run_update()
    assert code == 1
    assert "My third" in (repository / "docs/mine.md").read_text("utf-8")
    assert "docs/mine.md (you and the release moved or replaced it)" in said


def test_a_dry_run_tells_the_same_and_touches_nothing(small: SmallTemplate, repository: Path, run_update: Run) -> None:
    readme = text("template/README.md.jinja", "Seeded", "Sown")
    small.release("1.1.0", {**text(GUIDE, "Second", "2nd"), **readme, "template/new.md": "New.\n"})
    before = tree(repository, without=())
    code, said = run_update("--dry-run")
    assert "  kept         README.md (the release changes it)\n" in said
    assert code == 0
    assert tree(repository, without=()) == before
    assert said.endswith("a dry run: nothing is changed\n")
    done = run_update()[1]
    assert [line[:2] for line in words(said)] == [line[:2] for line in words(done)]
    assert git(repository, "diff", *done.partition("git diff ")[2].partition(")")[0].split())


def test_a_release_by_name(small: SmallTemplate, repository: Path, run_update: Run) -> None:
    small.release("1.9.0", text(GUIDE, "Second", "2nd"))
    small.release("1.10.0", text(GUIDE, "Second", "Tenth"))
    small.release("2.0.0-rc.1", text(GUIDE, "Second", "Candidate"))
    run_update("v1.9.0")
    assert "2nd" in (repository / "docs/guide.md").read_text("utf-8")
    commit_everything(repository, "Update")
    run_update()
    assert "Tenth" in (repository / "docs/guide.md").read_text("utf-8")
    commit_everything(repository, "Update")
    assert run_update("v2.0.0-rc.1")[0] == 0


@pytest.mark.parametrize(
    ("recorded", "asked"),
    [
        ("gh:owner/name", "https://github.com/owner/name"),
        ("gl:/owner/name", "https://gitlab.com/owner/name"),
        ("git+https://example.org/x", "https://example.org/x"),
        ("https://example.org/x.git", "https://example.org/x.git"),
        ("ssh://git@example.org:22/x.git", "ssh://git@example.org:22/x.git"),
        ("git@example.org:owner/x.git", "git@example.org:owner/x.git"),
        ("git+file:///srv/x.git", "file:///srv/x.git"),
        ("git+/srv/x", "/srv/x"),
        ("/srv/x", "/srv/x"),
    ],
)
def test_where_a_template_is(recorded: str, asked: str) -> None:
    assert address(recorded) == asked


def test_notes_of_the_releases_in_between(small: SmallTemplate, repository: Path, run_update: Run) -> None:
    log = str(FILES["CHANGELOG.md"])
    for version in ("1.1.0", "1.2.0", "1.3.0"):
        log = log.replace("# Changelog\n", f"# Changelog\n\n## {version} (2026-01-02)\n\nNews of {version}.\n", 1)
        small.release(version, {"CHANGELOG.md": log})
    small.release("1.4.0", {"CHANGELOG.md": log.replace("# Changelog\n", "# Changelog\n\n## Unreleased\n\nSoon.\n")})
    said = run_update("v1.2.0")[1]
    assert "News of 1.1.0." in said
    assert "News of 1.2.0." in said
    assert "News of 1.3.0." not in said
    assert "The first." not in said
    commit_everything(repository, "Update")
    said = run_update()[1]
    assert "News of 1.3.0." in said
    assert "Soon" not in said
    assert "News of 1.2.0." not in said


def test_a_subfolder_of_a_larger_repository(small: SmallTemplate, tmp_path: Path, run_update: Run) -> None:
    top = tmp_path / "top"
    put(top, {"other/docs/guide.md": "Other.\n", "README.md": "Top.\n"})
    small.generate(top / "a/b")
    subprocess.run(["rm", "-rf", str(top / "a/b/.git")], check=True)
    git(top, "init", "--quiet")
    commit_everything(top, "Start")
    small.release("1.1.0", text(GUIDE, "Second", "2nd") | {"template/README.md.jinja": "Sown\n"})
    os.chdir(top / "a/b")
    code, said = run_update()
    os.chdir(tmp_path)
    assert code == 0
    assert status(top) == "M  a/b/.copier-answers.yml\nM  a/b/docs/guide.md"
    assert ["updated", "docs/guide.md"] in words(said)
    assert ["kept", "README.md"] in [line[:2] for line in words(said)]


def test_new_files_of_a_folder_that_was_removed_stay_away(
    small: SmallTemplate, repository: Path, run_update: Run
) -> None:
    """Who removed a folder of the template does not want the files that join it, but all others."""
    git(repository, "rm", "--quiet", "-r", "docs")
    commit_everything(repository, "No docs")
    small.release("1.1.0", {"template/docs/new.md": "New.\n", "template/more/new.md": "New.\n"})
    code, said = run_update()
    assert code == 0
    assert not (repository / "docs").exists()
    assert (repository / "more/new.md").exists()
    assert "  kept deleted docs/new.md (the release has it: git show" in said


def test_settings_that_were_removed_stay_away(small: SmallTemplate, repository: Path, run_update: Run) -> None:
    """Removed tables of pyproject.toml are no conflict when the release changes them."""
    project = '[project]\nname = "wine"\n\n[tool.a]\nb = 1\n\n[tool.c]\nd = 1\n'
    small.release("1.1.0", {"template/pyproject.toml": project})
    run_update()
    edit(repository, {"pyproject.toml": project.replace("[tool.a]\nb = 1\n\n", "")})
    small.release("1.2.0", {"template/pyproject.toml": project.replace("= 1", "= 2")})
    code, said = run_update()
    assert (code, status(repository)) == (0, "M  .copier-answers.yml\nM  pyproject.toml")
    assert (repository / "pyproject.toml").read_text("utf-8") == '[project]\nname = "wine"\n\n[tool.c]\nd = 2\n'
    assert ["merged", "pyproject.toml"] in words(said)


def test_two_tables_of_one_name_become_one(small: SmallTemplate, repository: Path, run_update: Run) -> None:
    """Lines that do not conflict may still be no TOML."""
    project = '[project]\nname = "wine"\n' + "".join(f"a{number} = 1\n" for number in range(9))
    small.release("1.1.0", {"template/pyproject.toml": project})
    run_update()
    edit(repository, {"pyproject.toml": f"[tool.new]\nmine = 1\n\n{project}"})
    small.release("1.2.0", {"template/pyproject.toml": f"{project}\n[tool.new]\ntheirs = 1\n"})
    assert run_update()[0] == 0
    text = (repository / "pyproject.toml").read_text("utf-8")
    assert text.startswith("[tool.new]\nmine = 1\ntheirs = 1\n\n[project]\n")
