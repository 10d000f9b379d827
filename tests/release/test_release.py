"""A release is made only if the repositories of earlier releases lose nothing to it."""

import datetime
import subprocess
import sys
from collections.abc import Iterator, Mapping
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
import yaml
from plumbum import local

from formwork.errors import FormworkError
from formwork.questions import questions_in
from formwork.template import RELEASE, Template
from maintain import compatibility, file_rules, question_rules, release, spread, trial
from maintain.refusal import Refusal
from maintain.releases import next_release, releases_in, served
from tests.harness import ROOT, commit_everything, git
from tests.small import FILES, Changes, SmallTemplate, put

NEXT = "1.1.0"
TODAY = datetime.date.today().isoformat()

PROJECT = '[project]\nname = "small"\nversion = "1.0.0"\nminimum-version = "1"\n'
OLD_CHANGES = "## 1.0.0 (2026-01-01)\n\nThe first.\n"
CHANGELOG = f"# Changelog\n\n## Unreleased\n\n### Added\n\nA guide.\n\n{OLD_CHANGES}"

SELF = "{{{{ {0} if {0} is defined else '{1}' }}}}"
COPIER_YML: dict[str, Any] = {
    "_subdirectory": "template",
    "_exclude": ["{% if _copier_operation == 'update' %}/README.md{% endif %}"],
    "package_name": {"type": "str", "help": "Name of the package", "default": SELF.format("package_name", "wine")},
    "level": {"type": "str", "help": "How deep", "choices": ["low", "high"], "default": SELF.format("level", "low")},
}


def copier_yml(**changes: object) -> str:
    """Write copier.yml with changes; None takes a question or setting away."""
    return yaml.safe_dump({name: value for name, value in (COPIER_YML | changes).items() if value is not None})


def question(**changes: object) -> dict[str, Any]:
    """Change the question for the level."""
    details: dict[str, Any] = COPIER_YML["level"] | changes
    return {name: value for name, value in details.items() if value is not None}


@pytest.fixture
def small(tmp_path: Path) -> SmallTemplate:
    """A template with one release and everything written for the next, not committed yet."""
    files = {"pyproject.toml": PROJECT, "CHANGELOG.md": f"# Changelog\n\n{OLD_CHANGES}", "copier.yml": copier_yml()}
    small = SmallTemplate(tmp_path / "small", {**FILES, **files})
    put(small.path, {"CHANGELOG.md": CHANGELOG})
    return small


@pytest.fixture
def lenient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let all rules be kept, so that it is quick to see what else stops a release."""
    monkeypatch.setattr(release, "refusals", lambda *_: [])


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let one repository stand for all."""
    for module in (compatibility, file_rules):
        monkeypatch.setattr(module, "spread", lambda *_: [{"package_name": "beer"}])


def run(small: SmallTemplate, *options: str) -> int:
    """Run the command."""
    return release.main([*options, "--root", str(small.path)])


def serve(small: SmallTemplate, folder: Path, release: str = f"v{NEXT}") -> Template:
    """Serve the working tree as the next release."""
    (folder / "server").mkdir()
    return served(small.path, folder / "server", release)


def said(found: Iterator[Refusal]) -> list[str]:
    """Write refusals as people see them."""
    return list(map(str, found))


# --------------------------------------------------------------------------------- the command


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
    """Each is on a line, sorted; what a rule has named is not named again for what happened."""
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
    """The rule names it, and then copier goes no further."""
    put(small.path, {"copier.yml": copier_yml(_tasks=["true"])})
    found = compatibility.refusals(serve(small, tmp_path), tmp_path)
    assert [refusal.what for refusal in found] == ["_tasks", "copier.yml"]
    assert "unsafe feature: tasks" in found[1].rule


@pytest.mark.usefixtures("lenient")
def test_a_check_needs_no_finished_tree_and_writes_nothing(
    small: SmallTemplate, capsys: pytest.CaptureFixture[str]
) -> None:
    """The tree is not committed, on another branch, and the changelog is empty."""
    git(small.path, "switch", "--quiet", "--create", "topic")
    put(small.path, {"CHANGELOG.md": "", "new": "new\n"})
    before = git(small.path, "status", "--porcelain"), git(small.path, "rev-parse", "HEAD")
    assert run(small, NEXT, "--check") == 0
    assert capsys.readouterr() == (f"{NEXT} can be released\n", "")
    assert before == (git(small.path, "status", "--porcelain"), git(small.path, "rev-parse", "HEAD"))


def test_a_check_refuses_what_the_rules_refuse(
    small: SmallTemplate, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It serves the working tree as the release that is asked for."""
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
    """The highest counts, not the latest."""
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
    """Nothing may be there that others would not get."""
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


NOTHING_TOLD = "CHANGELOG.md has no text below `## Unreleased`: tell what changes for a repository that updates"


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
    """Otherwise nothing is written, not into the other file either."""
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
    """Only the heading changes, and the section may be all that there is."""
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


# ----------------------------------------------------------------------------------- releases


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


# ------------------------------------------------------------------------------------ settings


def test_nothing_may_ask_for_trust() -> None:
    settings: dict[str, object] = {
        "_tasks": [],
        "_exclude": [],
        "_migrations": [],
        "_jinja_extensions": [],
        "level": {},
    }
    rule = "an update would need --trust: do without"
    assert said(compatibility.refused_settings(settings)) == [
        f"_tasks: {rule}",
        f"_migrations: {rule}",
        f"_jinja_extensions: {rule}",
    ]
    assert said(compatibility.refused_settings(COPIER_YML)) == []


# ----------------------------------------------------------------------------------- questions


def begin(text: str) -> str:
    """The remedy for a default."""
    return f"begin its default with {{{{ {text} else …"


def looks(new: str, old: str) -> str:
    """The refusal of a question under a new name."""
    remedy = begin(f"{new} if {new} is defined else {old} if {old} is defined")
    return f"{new}: it looks like {old}, whose answer is lost: {remedy}"


GONE = "is gone, and its users' answer is replaced in silence"
DEPTH = {"help": "How far down it goes", "default": "low"}

QUESTIONS: Mapping[str, tuple[dict[str, Any], list[str]]] = {
    "as it was": ({}, []),
    "no default": (
        {"new": {"type": "int"}},
        ["new: there is no default: an update has nobody to ask, give it one"],
    ),
    "computed without a default": (
        {"new": {"type": "str", "when": False}},
        ["new: there is no default: an update has nobody to ask, give it one"],
    ),
    "choice removed, default keeps the answer": ({"level": question(choices=["low"])}, []),
    "choice removed, default has more spaces": (
        {"level": question(choices=["low"], default="{{ level  if level is defined\nelse 'low' }}")},
        [],
    ),
    "choice removed": (
        {"level": question(choices=["low"], default="low")},
        [f"level: the choice high {GONE}: {begin('level if level is defined')}"],
    ),
    "all choices replaced": (
        {"level": question(choices=["1"], default="{{ sublevel if sublevel is defined else '1' }}")},
        [f"level: the choice high, low {GONE}: {begin('level if level is defined')}"],
    ),
    "choice added": ({"level": question(choices=["low", "high", "higher"], default="low")}, []),
    "choices given up": ({"level": question(choices=None, default="low")}, []),
    "removed, nothing new": ({"level": None}, []),
    "removed, unrelated new": ({"level": None, "owner": {"type": "str", "help": "E-mail", "default": ""}}, []),
    "removed, same help but another type": ({"level": None, "x": question(type="int", choices=None, default=1)}, []),
    "removed, computed new": ({"level": None, "levels": {"type": "str", "when": False, "default": "low"}}, []),
    "renamed, same choices": (
        {"level": None, "depth": {**question(), **DEPTH}},
        [looks("depth", "level")],
    ),
    "renamed, same help": (
        {"level": None, "x": question(choices=["1"], default="1", help="How deep?")},
        [looks("x", "level")],
    ),
    "renamed, similar name": (
        {"level": None, "levels": {"type": "str", "default": "low"}},
        [looks("levels", "level")],
    ),
    "renamed, default takes over": (
        {
            "level": None,
            "depth": question(default="{{ depth if depth is defined else level if level is defined else 'low' }}"),
        },
        [],
    ),
    "renamed text": (
        {"package_name": None, "package": {"type": "str", "help": "Its name", "default": "wine"}},
        [looks("package", "package_name")],
    ),
}


@pytest.mark.parametrize("case", QUESTIONS)
def test_no_answer_is_lost(case: str) -> None:
    """Choices and names of questions may change, if the default refers to the old answer."""
    changes, expected = QUESTIONS[case]
    asked = questions_in(yaml.safe_load(copier_yml(**changes)))
    assert said(question_rules.refused_questions(asked, [questions_in(COPIER_YML)])) == expected


def test_a_computed_answer_has_no_successor() -> None:
    """It is recorded nowhere."""
    released = questions_in({"level": {**question(), "when": False}})
    assert said(question_rules.refused_questions(questions_in({"levels": question(default="low")}), [released])) == []


def test_questions_are_compared_with_every_release() -> None:
    """A default refers to an old name for good; questions that once stood side by side are two."""
    low = question(default="low")
    asked = questions_in({"levels": low})
    old, both = questions_in({"level": low}), questions_in({"level": low, "levels": low})
    renamed = questions_in({"levels": low})
    assert [refusal.what for refusal in question_rules.refused_questions(asked, [old, renamed])] == ["levels"]
    assert said(question_rules.refused_questions(asked, [old, both])) == []


@pytest.mark.parametrize(("other", "is_similar"), [("abcde", True), ("abcxy", True), ("abxyz", False)])
def test_similar_is_mostly_the_same(other: str, *, is_similar: bool) -> None:
    assert question_rules.similar("abcde", other) is is_similar


# --------------------------------------------------------------------------------------- files


def test_only_texts_are_in_the_template(tmp_path: Path) -> None:
    put(tmp_path, {"template/a/nul": b"a\0b", "template/latin": b"\xe9", "template/text": "\u00e9\n", "outside": b"\0"})
    put(tmp_path, {"template/gr\u00f6\u00dfe": "text\n"})
    (tmp_path / "template/link").symlink_to("text")
    (tmp_path / "template/folder").symlink_to("a")
    binary = "every update reverts a binary: have it made by the repository, or do without"
    link = "an update writes through a symbolic link: put a file there"
    assert said(file_rules.refused_files(tmp_path)) == [
        f"template/a/nul: {binary}",
        f"template/folder: {link}",
        "template/gr\u00f6\u00dfe: plain copier does not see its `_exclude` entry: name it in ASCII",
        f"template/latin: {binary}",
        f"template/link: {link}",
    ]


def test_git_shows_and_compares_what_is_rendered(small: SmallTemplate, tmp_path: Path) -> None:
    """Neither ignore rules nor attributes of the repository may hide a file, not even one that few answers lead to."""
    put(
        small.path,
        {
            "template/.gitignore": "*.env\n/cache/\n",
            "template/.gitattributes": "*.lock -diff\n*.bin binary\n*.csv diff=csv\n*.txt -text\n",
            "template/a.env": "A=1\n",
            "template/cache/b": "b\n",
            "template/docs/cache/c": "c\n",
            "template/{% if level == 'high' %}d e.lock{% endif %}": "d\n",
            "template/f.bin": "f\n",
            "template/g.csv": "g\n",
            "template/h.txt": "h\n",
        },
    )
    git(small.path, "add", "--all", "--force")
    git(small.path, "commit", "--quiet", "--message", "Hide")
    ignored = "an update loses edits of what git ignores: take it out of the ignore rules"
    undiffed = "an update loses edits of what has -diff: take the attribute away"
    template = serve(small, tmp_path)
    assert sorted(set(said(file_rules.refused_renders(template, tmp_path)))) == [
        f"a.env: {ignored}",
        f"cache/b: {ignored}",
        f"d e.lock: {undiffed}",
        f"f.bin: {undiffed}",
    ]


# --------------------------------------------------------------------------------------- paths

ADD = "it was released and is gone, and edits with it: add /{} to _exclude, for good"
TO_FOLDER = "it was a file and becomes a folder, and a file and a folder do not merge: take another name"
TO_FILE = "it was a folder and becomes a file, and a file and a folder do not merge: take another name"


@pytest.mark.parametrize(
    ("old", "new", "kept", "expected"),
    [
        (["a", "b/c"], ["a", "b/c", "d"], [], []),
        (["a", "b"], ["b"], [], ["a: " + ADD.format("a")]),
        (["a"], ["b"], [], ["a: " + ADD.format("a")]),
        (["a"], ["b"], ["a"], []),
        (["a"], ["b"], ["b"], ["a: " + ADD.format("a")]),
        (["d/e/f", "d/g"], ["b"], ["d"], []),
        (["d/e/f", "d/g"], ["b"], ["d/e"], ["d/g: " + ADD.format("d/g")]),
        (["docs"], ["b"], ["doc"], ["docs: " + ADD.format("docs")]),
        (["a", "x"], ["a/b/c", "x"], [], ["a: " + TO_FOLDER]),
        (["a/b/c", "x"], ["a", "x"], ["a/b/c"], ["a: " + TO_FILE]),
        (["a/b/c"], ["a/b"], ["a/b/c"], ["a/b: " + TO_FILE]),
    ],
)
def test_no_path_disappears(old: list[str], new: list[str], kept: list[str], expected: list[str]) -> None:
    assert said(file_rules.changed_paths(old, new, kept)) == expected


def test_an_entry_names_one_path() -> None:
    entries = ["*.pyc", "old.md", "/src/{{ package_name }}/old.py", "/docs/old/", "/docs/*", "/[ab]", "/a?"]
    seeds = [
        "{% if _copier_operation == 'update' %}/README.md{% endif %}",
        "{% if _copier_operation == 'update' and layout is defined %}/later.py{% endif %}",
        "{% if _copier_operation == 'update' and _commit[:5] != 'v0.1.' %}/src/{{ package_name }}/new.py{% endif %}",
    ]
    conditions = ["{% if level == 'high' %}/high{% endif %}", "{% if level == 'low' %}/low{% endif %}"]
    answers = {"package_name": "wine", "level": "low", "_commit": "v0.2.0"}
    kept = file_rules.kept_paths([*entries, *seeds, *conditions], answers)
    assert kept == ["src/wine/old.py", "docs/old", "README.md", "src/wine/new.py", "low"]


def test_paths_are_compared_for_the_answers_of_a_repository(small: SmallTemplate, tmp_path: Path) -> None:
    """A path that stays with one answer is gone with another."""
    put(
        small.path,
        {
            "template/docs/guide.md": None,
            "template/docs/{% if level == 'low' %}guide.md{% endif %}": "# Guide\n",
            "template/src/{{package_name}}/run.py.jinja": None,
            "copier.yml": copier_yml(
                _exclude=["/src/{{ package_name }}/run.py"], level=question(choices=["low", "high"])
            ),
        },
    )
    template = serve(small, tmp_path)
    for level, gone in {"low": [], "high": ["docs/guide.md: " + ADD.format("docs/guide.md")]}.items():
        repository = trial.generate(template, "v1.0.0", {"level": level, "package_name": "beer"}, tmp_path / level)
        assert (repository / "src/beer/run.py").is_file()
        assert said(file_rules.changes(template, repository)) == gone


def test_a_template_without_entries_is_compared_too(small: SmallTemplate, tmp_path: Path) -> None:
    put(small.path, {"copier.yml": copier_yml(_exclude=None, level=question(choices=["low"]))})
    template = serve(small, tmp_path)
    repository = trial.generate(template, "v1.0.0", {"level": "high"}, tmp_path / "high")
    assert said(file_rules.changes(template, repository)) == []


# ----------------------------------------------------------------------------------- the spread


def test_few_combinations_have_each_choice_and_each_pair_of_pairs() -> None:
    settings = yaml.safe_load((ROOT / "copier.yml").read_text("utf-8"))
    asked = [question for question in questions_in(settings).values() if not question.is_computed]
    factors = [[{question.name: choice} for choice in question.choices] for question in asked if question.choices]
    chosen = spread.covering([*factors, [{"author_email": ""}, {"author_email": "text@example.org"}]])
    assert len(chosen) == max(map(len, factors)) == 4
    for question in asked:
        assert {combination[question.name] for combination in chosen if question.choices} == set(question.choices)
    pairs = [question.name for question in asked if len(question.choices) == 2] + ["author_email"]
    assert len(pairs) == 3
    for one, other in combinations(pairs, 2):
        assert len({(combination[one], combination[other]) for combination in chosen}) == 4


def test_a_single_question_is_asked_in_each_way() -> None:
    assert spread.covering([[{"a": 1}, {"a": 2}, {"a": 3}]]) == [{"a": 1}, {"a": 2}, {"a": 3}]


def test_each_text_is_one_that_is_accepted() -> None:
    """The first sample that fits is taken, and the question is left out if none does."""
    fits = {"any": {"one", "two"}, "two": {"two"}, "none": set[str]()}

    def refused(answers: trial.Answers) -> str:
        return next((name for name, text in answers.items() if text not in fits[name]), "")

    assert spread.accepted(fits, ["one", "two"], refused) == {"any": "one", "two": "two"}


def test_the_spread_has_empty_and_filled_texts(small: SmallTemplate, tmp_path: Path) -> None:
    """What is computed or no text is left to its default."""
    required = "{% if not package_name %}a name is needed{% endif %}"
    address = "{% if email and '@' not in email %}no address{% endif %}"
    more = {
        "package_name": COPIER_YML["package_name"] | {"validator": required},
        "email": {"type": "str", "default": "", "validator": address},
        "count": {"type": "int", "default": 1},
        "twice": {"type": "str", "when": False, "default": "{{ count * 2 }}"},
    }
    put(small.path, {"copier.yml": copier_yml(**more)})
    template = serve(small, tmp_path)
    assert spread.spread(template, template.newest) == [
        {"level": "low", "email": ""},
        {"level": "high", "package_name": "text", "email": "text@example.org"},
    ]
    assert not (tmp_path / "server/nothing").exists()


def test_a_question_that_cannot_be_asked_is_an_error(small: SmallTemplate, tmp_path: Path) -> None:
    put(small.path, {"copier.yml": copier_yml(new={"type": "int"})})
    template = serve(small, tmp_path)
    with pytest.raises(ValueError, match='Question "new" is required'):
        spread.refused(template, template.newest, {})
    message = 'new: copier stops, mend what it says: Question "new" is required'
    assert said(compatibility.told(file_rules.refused_renders(template, tmp_path))) == [message]


def test_a_refused_default_is_an_error(small: SmallTemplate, tmp_path: Path) -> None:
    put(small.path, {"copier.yml": copier_yml(new={"type": "int", "default": 1, "validator": "not this"})})
    template = serve(small, tmp_path)
    with pytest.raises(ValueError, match="Validation error for question 'new': not this"):
        spread.spread(template, template.newest)


def test_an_answer_is_left_out_where_nothing_takes_it() -> None:
    answers = {"package_name": "wine", "level": "low", "old": "x", "number": 1}
    number = {"choices": [1, 2], "default": 1}
    asked = questions_in({**COPIER_YML, "level": question(choices=["high"]), "number": number})
    assert spread.still_valid(answers, asked) == {"package_name": "wine", "number": 1}


def test_what_copier_says_names_the_question_or_the_file() -> None:

    def stop(message: str) -> Iterator[Refusal]:
        yield Refusal("a", "rule")
        raise ValueError(message)

    says = "copier stops, mend what it says"
    for message, what in {
        "Validation error for question 'level': no": "level",
        "Invalid choice for 'level': no": "level",
        'Question "level" is required': "level",
        "Nothing": "copier.yml",
    }.items():
        assert said(compatibility.told(stop(message))) == ["a: rule", f"{what}: {says}: {message}"]
    assert said(compatibility.told(stop("a\n  b")))[1:] == [f"copier.yml: {says}: a b"]


# ------------------------------------------------------------------------------- what happens


def lost(small: SmallTemplate, folder: Path, changes: Changes, **answers: str) -> list[str]:
    """Update a repository of the first release to the working tree with changes, without any rule."""
    put(small.path, changes)
    template = serve(small, folder)
    repository = trial.generate(template, "v1.0.0", answers, folder / "repository")
    return said(trial.losses(template, repository))


def test_an_update_that_merges_loses_nothing(small: SmallTemplate, tmp_path: Path) -> None:
    """Lines change, files are added, a released path goes with an entry; even what was hidden is compared."""
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
    """Its entry has a condition that is false where the answers file was written by an earlier release."""
    line = "template/{{_copier_conf.answers_file}}.jinja"
    entry = "{% if _copier_operation == 'update' and layout is defined %}/notes.md{% endif %}"
    changes: Changes = {
        line: f"{FILES[line]}layout: 2\n",
        "template/notes.md": "Notes.\n",
        "copier.yml": copier_yml(_exclude=[*COPIER_YML["_exclude"], entry]),
    }
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
    """A repository may have committed it nevertheless."""
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
    """That is promised, if nothing is written."""
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
