"""Repositories of earlier releases are marked in every file and updated."""

from pathlib import Path

import pytest
import yaml
from plumbum import local

from formwork.errors import FormworkError
from maintain import compatibility, file_rules, release, trial
from tests.harness import git
from tests.release.examples import ADD, COPIER_YML, NEXT, begin, copier_yml, question, said, serve
from tests.small import FILES, Changes, SmallTemplate, put


def lost(small: SmallTemplate, folder: Path, changes: Changes, **answers: str) -> list[str]:
    """Update a repository of the first release to the working tree with changes, without any rule."""
    put(small.path, changes)
    template = serve(small, folder)
    repository = trial.generate(template, "v1.0.0", answers, folder / "repository")
    return said(trial.losses(template, repository))


def test_an_update_that_merges_loses_nothing(small: SmallTemplate, tmp_path: Path) -> None:
    """Lines change, files are added, a path is removed with an entry; even hidden files are compared."""
    changes: Changes = {
        "template/stages.yaml": "zero:\n  cmd: run\n\n" + str(FILES["template/stages.yaml"]),
        "template/new": "new\n",
        "template/docs/guide.md": None,
        "copier.yml": copier_yml(_exclude=["/docs"], level=question(choices=["low", "high", "higher"])),
    }
    assert lost(small, tmp_path, changes, level="high", package_name="beer") == []
    repository = tmp_path / "repository"
    answers = yaml.safe_load((repository / ".copier-answers.yml").read_text("utf-8"))
    assert (answers["_commit"], answers["level"], answers["package_name"]) == (f"v{NEXT}", "high", "beer")
    assert (repository / "new").is_file()
    assert (repository / "docs/guide.md").read_text("utf-8").endswith("Third line.\nmark of docs/guide.md|\n")
    assert git(repository, "show", "--format=%s", "--name-only").splitlines()[0] == "Marks"


def test_whole_folders_may_go_with_an_entry(small: SmallTemplate, tmp_path: Path) -> None:
    """The files move elsewhere, and the edited ones stay."""
    old = {"template/scripts/tool.py": "tool\n", "template/src/{{package_name}}/steps/deep/a.py": "a\n"}
    small.release("1.0.1", old)
    new = {"template/src/{{package_name}}/core/a.py": "a\n"}
    entries = ["/scripts", "/src/{{ package_name }}/steps"]
    put(small.path, {**dict.fromkeys(old), **new, "copier.yml": copier_yml(_exclude=entries)})
    template = serve(small, tmp_path)
    repository = trial.generate(template, "v1.0.1", {"package_name": "beer"}, tmp_path / "repository")
    assert said(file_rules.changes(template, repository)) == []
    assert said(trial.losses(template, repository)) == []
    assert (repository / "src/beer/core/a.py").is_file()
    put(small.path, {"copier.yml": copier_yml(_exclude=entries[:1])})
    (tmp_path / "again").mkdir()
    template = serve(small, tmp_path / "again")
    repository = trial.generate(template, "v1.0.1", {"package_name": "beer"}, tmp_path / "again/repository")
    gone = "src/beer/steps/deep/a.py"
    assert said(file_rules.changes(template, repository)) == [f"{gone}: {ADD.format(gone)}"]


def test_a_new_seed_arrives_and_is_the_owners_from_then_on(small: SmallTemplate, tmp_path: Path) -> None:
    """The seed is in `_skip_if_exists`, since plain copier delivers no file in `_exclude`."""
    changes: Changes = {"template/notes.md": "Notes.\n", "copier.yml": copier_yml(_skip_if_exists=["notes.md"])}
    put(small.path, changes)
    template = serve(small, tmp_path)
    repository = trial.generate(template, "v1.0.0", {}, tmp_path / "repository")
    assert said(file_rules.changes(template, repository)) == []
    assert said(trial.losses(template, repository)) == []
    assert (repository / "notes.md").read_text("utf-8") == "Notes.\n"
    later = trial.generate(template, f"v{NEXT}", {}, tmp_path / "later")
    small.release(NEXT, {})
    put(small.path, {"template/notes.md": "Other notes.\n"})
    (tmp_path / "again").mkdir()
    template = serve(small, tmp_path / "again", "v1.2.0")
    assert said(trial.losses(template, later)) == []
    assert (later / "notes.md").read_text("utf-8").startswith("Notes.\n")


def test_an_update_loses_edits_of_a_renamed_file(small: SmallTemplate, tmp_path: Path) -> None:
    changes: Changes = {
        "template/docs/guide.md": None,
        "template/docs/handbook.md": FILES["template/docs/guide.md"],
        "template/src/{{package_name}}/run.py.jinja": None,
    }
    rule = "an update loses edits of it: keep it as it was, or add /{0} to _exclude, for good"
    assert lost(small, tmp_path, changes) == [
        f"docs/guide.md: {rule.format('docs/guide.md')}",
        f"src/wine/run.py: {rule.format('src/wine/run.py')}",
    ]


def test_an_update_loses_edits_of_what_was_ignored(small: SmallTemplate, tmp_path: Path) -> None:
    """A repository may have committed an ignored file nevertheless."""
    put(small.path, {"template/.gitignore": "*.env\n", "template/a.env": "A=1\n"})
    git(small.path, "add", "--force", "template/a.env")
    small.release("1.0.1", {})
    template = serve(small, tmp_path)
    repository = trial.generate(template, "v1.0.1", {}, tmp_path / "repository")
    assert [refusal.what for refusal in trial.losses(template, repository)] == ["a.env"]


def test_an_update_replaces_an_answer(small: SmallTemplate, tmp_path: Path) -> None:
    changes = {"copier.yml": copier_yml(level=question(choices=["low"], default="low"))}
    change = "an update turns the answer 'high' into 'low'"
    assert lost(small, tmp_path, changes, level="high") == [f"level: {change}: {begin('level if level is defined')}"]


def test_an_update_forgets_an_answer(small: SmallTemplate, tmp_path: Path) -> None:
    changes = {"copier.yml": copier_yml(level={"type": "str", "default": "low", "when": False})}
    change = "an update turns the answer 'high' into None"
    assert lost(small, tmp_path, changes, level="high") == [f"level: {change}: {begin('level if level is defined')}"]


def test_an_update_may_end_for_a_removed_choice(small: SmallTemplate, tmp_path: Path) -> None:
    """An update may stop for a removed choice if it writes nothing."""
    changes = {"copier.yml": copier_yml(level=question(choices=["low"])), "template/new": "new\n"}
    assert lost(small, tmp_path, changes, level="high") == []
    assert not (tmp_path / "repository/new").exists()


@pytest.mark.parametrize("written", [False, True])
def test_no_other_end_is_allowed(
    small: SmallTemplate, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, written: bool
) -> None:

    def stop(repository: Path, **_: object) -> None:
        if written:
            (repository / "new").write_text("new\n", "utf-8")
        message = "Invalid choice for 'level'" if written else "Validation error for question 'level'"
        raise ValueError(message)

    monkeypatch.setattr(trial, "run_update", stop)
    with pytest.raises(ValueError, match="'level'"):
        lost(small, tmp_path, {})


@pytest.mark.usefixtures("quick")
def test_a_refused_answer_is_told_once(small: SmallTemplate, tmp_path: Path) -> None:
    strict = COPIER_YML["package_name"] | {"validator": "{% if package_name != 'wine' %}only wine{% endif %}"}
    put(small.path, {"copier.yml": copier_yml(package_name=strict)})
    template = serve(small, tmp_path)
    found = compatibility.refusals(template, tmp_path)
    assert [refusal.what for refusal in found] == ["package_name"]
    assert "only wine" in found[0].rule


def test_nothing_personal_matters(small: SmallTemplate, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = tmp_path / "config"
    put(config, {"git/ignore": "*.md\n", "git/attributes": "* -diff\n", "gitconfig": "[apply]\n\twhitespace = error\n"})
    monkeypatch.setenv("XDG_CONFIG_HOME", str(config))
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(config / "gitconfig"))
    with local.env(XDG_CONFIG_HOME=str(config), GIT_CONFIG_GLOBAL=str(config / "gitconfig")):
        assert compatibility.refusals(serve(small, tmp_path), tmp_path) == []


def test_a_shallow_clone_is_one_line(small: SmallTemplate, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    git(tmp_path, "clone", "--quiet", "--depth=1", f"file://{small.path}", "shallow")
    assert release.main([NEXT, "--check", "--root", str(tmp_path / "shallow")]) == 1
    assert "is a shallow clone, so releases are missing" in capsys.readouterr().err


def test_a_failing_command_of_git_is_named_with_its_own_words(tmp_path: Path) -> None:
    with pytest.raises(FormworkError, match="git log: not a git repository"):
        git(tmp_path, "log", "--oneline")
