"""A release is made only if the repositories of earlier releases lose nothing to it."""

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from formwork.template import RELEASE, Template
from maintain import compatibility, release
from maintain.refusal import Refusal
from maintain.releases import next_release, releases_in
from tests.harness import ROOT, commit_everything, git
from tests.release.examples import CHANGELOG, NEXT, OLD_CHANGES, PROJECT, TODAY, copier_yml, question, run, serve
from tests.small import Changes, SmallTemplate, put


@pytest.mark.usefixtures("lenient")
def test_a_release_is_written_and_committed(
    small: SmallTemplate, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The version and the date are written, the commit is by whoever releases, and the next commands are printed."""
    commit_everything(small.path, "Add a guide")
    monkeypatch.setenv("GIT_AUTHOR_NAME", "Jane")
    assert run(small, NEXT) == 0
    assert (small.path / "pyproject.toml").read_bytes() == PROJECT.replace("1.0.0", NEXT).encode()
    heading = f"## {NEXT} ({TODAY})\n"
    assert (small.path / "CHANGELOG.md").read_bytes() == CHANGELOG.replace("## Unreleased\n", heading).encode()
    assert git(small.path, "log", "-1", "--format=%s|%an") == f"Release {NEXT}|Jane"
    assert git(small.path, "show", "--format=", "--name-only").split() == ["CHANGELOG.md", "pyproject.toml"]
    assert git(small.path, "status", "--porcelain") == ""
    assert list(releases_in(small.path)) == ["v1.0.0", f"v{NEXT}"]
    publish = f"    git tag v{NEXT}\n    git push --atomic origin main v{NEXT}\n"
    assert capsys.readouterr() == (f"{NEXT} is committed. Publish it:\n\n{publish}", "")


BROKEN: Changes = {
    "template/stages.yaml": None,
    "template/logo": b"\0",
    "template/.gitattributes": "*.lock -diff\n",
    "template/a.lock": "a\n",
    "copier.yml": copier_yml(
        level=question(choices=["low"], default="low"),
        owner={"type": "str", "default": "me", "when": False},
    ),
}
FOUND = {
    "a.lock": "an update loses edits of what has -diff",
    "level": "the choice high is gone",
    "owner": "an update turns the answer 'me' into None",
    "stages.yaml": "it was released and is gone",
    "template/logo": "every update reverts a binary",
}


@pytest.mark.usefixtures("quick")
def test_all_refusals_are_told_and_nothing_is_written(small: SmallTemplate, capsys: pytest.CaptureFixture[str]) -> None:
    """Each refusal is on a line of its own, sorted; a loss that breaks a rule is reported only once."""
    small.release("1.0.1", {"copier.yml": copier_yml(owner={"type": "str", "default": "me"})})
    put(small.path, BROKEN)
    commit_everything(small.path, "Break")
    head = git(small.path, "rev-parse", "HEAD")
    assert run(small, NEXT) == 1
    out, err = capsys.readouterr()
    *lines, error = err.splitlines()
    assert out == ""
    assert [line.split(":")[0] for line in lines] == list(FOUND)
    assert [line for line, rule in zip(lines, FOUND.values(), strict=True) if rule not in line] == []
    assert error == f"error: {NEXT} cannot be released, for 5 reasons"
    assert git(small.path, "rev-parse", "HEAD") == head
    assert git(small.path, "status", "--porcelain") == ""


@pytest.mark.usefixtures("quick")
def test_what_needs_trust_is_told(small: SmallTemplate, tmp_path: Path) -> None:
    """The rule names the setting, and then copier goes no further."""
    put(small.path, {"copier.yml": copier_yml(_tasks=["true"])})
    found = compatibility.refusals(serve(small, tmp_path), tmp_path)
    assert [refusal.what for refusal in found] == ["_tasks", "copier.yml"]
    assert "unsafe feature: tasks" in found[1].rule


@pytest.mark.usefixtures("lenient")
def test_a_check_needs_no_finished_tree_and_writes_nothing(
    small: SmallTemplate, capsys: pytest.CaptureFixture[str]
) -> None:
    """The tree is not committed and on another branch, and the changelog is empty."""
    git(small.path, "switch", "--quiet", "--create", "topic")
    put(small.path, {"CHANGELOG.md": "", "new": "new\n"})
    before = git(small.path, "status", "--porcelain"), git(small.path, "rev-parse", "HEAD")
    assert run(small, NEXT, "--check") == 0
    assert capsys.readouterr() == (f"{NEXT} can be released\n", "")
    assert before == (git(small.path, "status", "--porcelain"), git(small.path, "rev-parse", "HEAD"))


def test_a_check_refuses_what_the_rules_refuse(
    small: SmallTemplate, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The check serves the working tree as the requested release."""
    seen: list[tuple[Path, list[str]]] = []

    def refusals(template: Template, scratch: Path) -> list[Refusal]:
        assert template.clone.is_relative_to(scratch)
        seen.append((template.clone, template.releases()))
        return [Refusal("a", "rule")]

    monkeypatch.setattr(release, "refusals", refusals)
    assert run(small, "2.0.0", "--check") == 1
    assert capsys.readouterr() == ("", "a: rule\nerror: 2.0.0 cannot be released, for one reason\n")
    [(clone, releases)] = seen
    assert releases == ["v1.0.0", "v2.0.0"]
    assert not clone.exists()


@pytest.mark.usefixtures("lenient")
@pytest.mark.parametrize("check", [[], ["--check"]])
@pytest.mark.parametrize(
    ("version", "message"),
    [
        ("1.1", "1.1 is not a version: write it as X.Y.Z"),
        ("v1.1.0", "v1.1.0 is not a version: write it as X.Y.Z"),
        ("1.01.0", "1.01.0 is not a version: write it as X.Y.Z"),
        ("1.1.0rc1", "1.1.0rc1 is not a version: write it as X.Y.Z"),
        ("1.0.0", "1.0.0 does not come after v1.0.0, the last release"),
        ("0.9.9", "0.9.9 does not come after v1.0.0, the last release"),
        ("1.5.0", "the tag v1.5.0 exists, without a commit `Release 1.5.0` on this branch"),
    ],
)
def test_a_version_comes_after_all_others(
    small: SmallTemplate, capsys: pytest.CaptureFixture[str], version: str, message: str, check: list[str]
) -> None:
    commit_everything(small.path, "Elsewhere", "v1.5.0")
    assert run(small, version, *check) == 1
    assert capsys.readouterr() == ("", f"error: {message}\n")


@pytest.mark.usefixtures("lenient")
def test_versions_are_compared_as_numbers(small: SmallTemplate, capsys: pytest.CaptureFixture[str]) -> None:
    """The highest version counts, not the latest."""
    small.release("1.10.0", {})
    small.release("1.9.1", {})
    assert run(small, "1.9.2", "--check") == 1
    assert "1.9.2 does not come after v1.10.0," in capsys.readouterr().err
    assert run(small, "1.11.0", "--check") == 0


@pytest.mark.usefixtures("lenient")
def test_the_first_release_comes_after_nothing(tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet", "--initial-branch=main")
    put(tmp_path, {"pyproject.toml": PROJECT, "CHANGELOG.md": CHANGELOG})
    commit_everything(tmp_path, "Begin")
    assert release.main(["0.0.1", "--root", str(tmp_path)]) == 0
    assert list(releases_in(tmp_path)) == ["v0.0.1"]


UNFINISHED: Mapping[str, tuple[Changes, str]] = {
    "changed": ({"template/stages.yaml": "one: 1\n"}, "not clean, commit or remove: M template/stages.yaml"),
    "untracked": ({"new/file": "new\n"}, "not clean, commit or remove: ?? new/file"),
}


@pytest.mark.usefixtures("lenient")
@pytest.mark.parametrize("case", UNFINISHED)
def test_a_release_is_what_is_committed(small: SmallTemplate, capsys: pytest.CaptureFixture[str], case: str) -> None:
    """The working tree may not contain anything that others would not get."""
    commit_everything(small.path, "Add a guide")
    changes, message = UNFINISHED[case]
    put(small.path, changes)
    assert run(small, NEXT) == 1
    assert capsys.readouterr() == ("", f"error: the working tree is {message}\n")
    assert git(small.path, "log", "-1", "--format=%s") == "Add a guide"
    assert (small.path / "CHANGELOG.md").read_text("utf-8") == CHANGELOG


@pytest.mark.usefixtures("lenient")
@pytest.mark.parametrize(("where", "what"), [(["--create", "topic"], "topic"), (["--detach"], "no branch")])
def test_a_release_is_made_on_main(
    small: SmallTemplate, capsys: pytest.CaptureFixture[str], where: list[str], what: str
) -> None:
    """Cookiecutter takes the tip of the default branch."""
    commit_everything(small.path, "Add a guide")
    git(small.path, "switch", "--quiet", *where)
    assert run(small, NEXT) == 1
    assert capsys.readouterr().err == f"error: this is not main but {what}: releases are made on main\n"


NOTHING_TOLD = "CHANGELOG.md has no text below `## Unreleased`: say what changes for repositories that update"


@pytest.mark.usefixtures("lenient")
@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("CHANGELOG.md", f"# Changelog\n\n{OLD_CHANGES}", NOTHING_TOLD),
        ("CHANGELOG.md", f"# Changelog\n\n## Unreleased\n\n{OLD_CHANGES}", NOTHING_TOLD),
        ("CHANGELOG.md", f"# Changelog\n\n## Unreleased\n\n### Added\n\n{OLD_CHANGES}", NOTHING_TOLD),
        ("CHANGELOG.md", "# Changelog\n\n### Unreleased\n\nA guide.\n", NOTHING_TOLD),
        (
            "pyproject.toml",
            '[project]\nname = "small"\n',
            'pyproject.toml has 0 lines that begin with `version = "`: there has to be one',
        ),
        (
            "pyproject.toml",
            PROJECT + '[tool]\nversion = "2"\n',
            'pyproject.toml has 2 lines that begin with `version = "`: there has to be one',
        ),
    ],
)
def test_what_a_release_is_written_into_has_to_be_there(
    small: SmallTemplate, capsys: pytest.CaptureFixture[str], name: str, content: str, message: str
) -> None:
    """If one file is missing, nothing is written, not even into the other file."""
    put(small.path, {name: content})
    commit_everything(small.path, "Add a guide")
    assert run(small, NEXT) == 1
    assert capsys.readouterr() == ("", f"error: {message}\n")
    assert git(small.path, "status", "--porcelain") == ""
    assert git(small.path, "log", "-1", "--format=%s") == "Add a guide"


@pytest.mark.usefixtures("lenient")
def test_a_missing_changelog_is_one_line(small: SmallTemplate, capsys: pytest.CaptureFixture[str]) -> None:
    put(small.path, {"CHANGELOG.md": None})
    commit_everything(small.path, "Remove it")
    assert run(small, NEXT) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("error: ")
    assert "CHANGELOG.md" in err
    assert err.count("\n") == 1


@pytest.mark.usefixtures("lenient")
def test_a_refused_commit_leaves_nothing_behind(small: SmallTemplate, capsys: pytest.CaptureFixture[str]) -> None:
    commit_everything(small.path, "Add a guide")
    hook = small.path / ".git/hooks/pre-commit"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\necho no >&2\nexit 1\n", "utf-8")
    hook.chmod(0o755)
    assert run(small, NEXT) == 1
    err = capsys.readouterr().err
    assert err == "error: git commit: no\n"
    assert git(small.path, "status", "--porcelain") == ""
    assert git(small.path, "log", "-1", "--format=%s") == "Add a guide"


def test_what_follows_is_left_as_it_is() -> None:
    """Only the heading changes, and the section may be the only one."""
    assert release.with_date("## Unreleased\nA guide.", "1.1.0", "2026-02-03") == "## 1.1.0 (2026-02-03)\nA guide."
    assert release.with_date("## Unreleased\nA.\n## 1\n## Unreleased\n", "2.0.0", "x") == (
        "## 2.0.0 (x)\nA.\n## 1\n## Unreleased\n"
    )


def test_this_repository_is_released_unless_another_is_named() -> None:
    options = release.parse([NEXT])
    assert (options.version, options.check, options.root) == (NEXT, False, ROOT)


@pytest.mark.slow
def test_the_next_release_of_this_repository_keeps_the_rules() -> None:
    version = next_release(ROOT, releases_in(ROOT)).removeprefix("v")
    command = [sys.executable, "-m", "maintain.release", version, "--check"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, encoding="utf-8", check=False)
    assert (done.stdout, done.stderr, done.returncode) == (f"{version} can be released\n", "", 0)


@pytest.mark.parametrize(
    ("subject", "is_one"),
    [
        ("Release 0.1.0", True),
        ("Release 10.20.30", True),
        ("Release the brakes", False),
        ("Release 1.0", False),
        ("Release 1.0.0.0", False),
        ("Release 1.0.0rc1", False),
        ("Release ¹.0.0", False),
        ("release 1.0.0", False),
        ("Revert 1.0.0", False),
    ],
)
def test_a_release_is_told_by_its_subject(subject: str, *, is_one: bool) -> None:
    assert (RELEASE.fullmatch(subject) is not None) is is_one
