"""`nox -s adopt`: what it refuses, what it finds out, what it does with each file."""

import contextlib
import io
import os
import re
import sys
from collections.abc import Callable
from pathlib import Path

import pexpect
import pytest
import yaml

from formwork import adopt
from formwork.adopting.answering import collision, other_names
from formwork.adopting.delivery import your_side
from formwork.adopting.fitting import has_tests
from formwork.cli import main
from formwork.repository import File, Repository
from tests.harness import Entry, commit_everything, git, tree
from tests.small import SmallTemplate, put

QUESTIONS = """\
_subdirectory: template
_exclude:
  - "{% if _copier_operation == 'update' %}/README.md{% endif %}"
  - "{% if _copier_operation == 'update' %}/src/{{ package_name }}/model.py{% endif %}"
  - "{% if _copier_operation == 'update' %}/tests/sample.csv{% endif %}"
project_name:
  type: str
  default: "{{ project_name if project_name is defined else 'My project' }}"
  validator: "{% if '/' in project_name %}a project name holds no /{% endif %}"
package_name:
  type: str
  default: "{{ package_name if package_name is defined else project_name | lower | replace(' ', '_') }}"
  validator: "{% if package_name in ('docs', 'requests') or '.' in package_name %}is taken{% endif %}"
license:
  type: str
  choices: [MIT, Apache-2.0]
  default: "{{ license if license is defined else 'MIT' }}"
python_version:
  type: str
  choices: ["3.11", "3.12"]
  default: "{{ python_version if python_version is defined else '3.12' }}"
author_name:
  type: str
  default: "{{ author_name if author_name is defined else '' }}"
ci:
  type: str
  choices: [github, gitlab]
  default: "{{ ci if ci is defined else 'github' }}"
"""
PROJECT = """\
[project]
name = "{{ package_name }}"
license = "{{ license }}"
license-files = ["LICENSE"]
dependencies = [
    "numpy>=2",
    # Yours below
]

[project.optional-dependencies]
ui = ["mlflow>=3"]

[dependency-groups]
dev = [
    "pytest~=9.2",
    # Yours below
]

[tool.pytest.ini_options]
addopts = [
    "--strict-markers",
]

[tool.coverage]
report.fail_under = 90
"""
RUFF = """\
line-length = 100
extend-exclude = [".dvc"]

[format]
docstring-code-format = true

[lint]
select = ["E"]
"""
# Texts for which markers would not do, with git's attributes of them.
HARD = {
    "no-end": (b"no end", ""),
    "crlf-no-end": (b"a\r\nb\r\nc", ""),
    "looks-like-markers": (b"Title\n=======\n\nText.\n", ""),
    "markers": (b"<<<<<<< yours\na\n=======\nb\n>>>>>>> v1.0.0\n", ""),
    "union": (b"a\n", "merge=union"),
    "no-merge": (b"a\n", "-merge"),
    "marker-size": (b"a\n", "conflict-marker-size=9"),
    "binary": (b"\0binary", ""),
}
FILES: dict[str, str | bytes | None] = {
    **{f"template/hard/{name}": "The template's.\n" for name in HARD},
    "copier.yml": QUESTIONS,
    "template/{{_copier_conf.answers_file}}.jinja": "{{ _copier_answers | to_nice_yaml -}}\n",
    "template/README.md.jinja": "# {{ project_name }}\n",
    "template/LICENSE": "The template's licence.\n",
    "template/pyproject.toml.jinja": PROJECT,
    "template/ruff.toml": RUFF,
    "template/docs/guide.md": "# Guide\n\nOne.\n\nTwo.\n\nThree.\n",
    "template/run.sh": "#!/bin/sh\necho run\n",
    "template/src/{{package_name}}/__init__.py": '"""A package."""\n',
    "template/src/{{package_name}}/model.py": "MODEL = 1\n",
    "template/src/{{package_name}}/pipeline/__init__.py": '"""Steps."""\n',
    "template/tests/__init__.py": '"""Tests."""\n',
    "template/tests/conftest.py": "import polars\n",
    "template/tests/sample.csv": "a\n1\n",
    "template/tests/test_model.py": "import polars\n",
}

Told = tuple[int, str]


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> SmallTemplate:
    """A template of one release, v1.0.0."""
    return SmallTemplate(tmp_path_factory.mktemp("adopt") / "small", FILES)


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    """A repository with one file, in which nothing clashes."""
    return make(tmp_path / "My wines", {"notes.txt": "Mine.\n"})


Adopt = Callable[..., Told]


@pytest.fixture
def run_adopt(template: SmallTemplate, capsys: pytest.CaptureFixture[str]) -> Adopt:
    """Adopt a folder, and give the exit status and all that is said."""

    def run(path: Path, *options: str) -> Told:
        source = [] if "--template" in options else ["--template", template.url]
        status = main(["adopt", str(path), *source, *options])
        said = capsys.readouterr()
        assert "error:" not in said.out
        return status, said.out + said.err

    return run


def make(path: Path, files: dict[str, str | bytes | None]) -> Path:
    """Make a repository with files, and with links where a text begins with `-> `."""
    path.mkdir(parents=True)
    git(path, "init", "--quiet", "--initial-branch=main")
    links = {name: text[3:] for name, text in files.items() if isinstance(text, str) and text.startswith("-> ")}
    put(path, {name: text for name, text in files.items() if name not in links})
    for name, target in links.items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).symlink_to(target)
    commit_everything(path, "Start")
    return path


def plan(said: str) -> dict[str, str]:
    """Read what becomes of each file, with the reason where there is one."""
    words = "added|same|conflict|kept|left out"
    lines = re.findall(rf"^  ({words}) +(\S+)(?: \((.*)\))?$", said, re.MULTILINE)
    return {path: f"{what}: {why}" if why else what for what, path, why in lines}


def answers(said: str) -> dict[str, str]:
    """Read the answers, with where they come from."""
    return dict(re.findall(r"^  (\w+) = (.*)$", said, re.MULTILINE))


def unmerged(path: Path) -> dict[str, list[int]]:
    """Which versions git has of each file in conflict: 2 is theirs, 3 the template's."""
    lines = [line.partition("\t") for line in git(path, "ls-files", "--unmerged").splitlines()]
    found: dict[str, list[int]] = {}
    for details, _, name in lines:
        found.setdefault(name, []).append(int(details.split()[2]))
    return found


def refused(run: Adopt, path: Path, *options: str) -> str:
    """See it refused in one line, and nothing touched."""
    before = tree(path, without=()) if path.is_dir() else {}
    status, said = run(path, *options)
    assert status == 1
    assert re.fullmatch(r"error: [^\n]+\n", said), said
    assert without_objects(tree(path, without=()) if path.is_dir() else {}) == without_objects(before)
    return said.removeprefix("error: ").rstrip("\n")


def without_index(files: dict[str, Entry]) -> dict[str, Entry]:
    """Leave out git's index, in which `git status` notes times."""
    return {name: content for name, content in files.items() if name not in {".git", ".git/index"}}


def without_objects(files: dict[str, Entry]) -> dict[str, Entry]:
    """Leave out what nothing refers to, too."""
    return {name: entry for name, entry in without_index(files).items() if not name.startswith(".git/objects/")}


# -------------------------------------------------------------------------------- the whole way


def test_what_is_new_arrives_on_a_branch(mine: Path, template: SmallTemplate, run_adopt: Adopt) -> None:
    """The files are staged on top of the same commit, and the release is recorded."""
    before, head = tree(mine), git(mine, "rev-parse", "HEAD")
    status, said = run_adopt(mine)
    assert status == 0
    assert git(mine, "branch", "--show-current") == "formwork"
    assert git(mine, "rev-parse", "HEAD", "main", "formwork").split() == [head] * 3
    assert {name: now for name, now in tree(mine).items() if name in before} == before
    assert set(plan(said).values()) == {"added"}
    assert git(mine, "status", "--porcelain").splitlines() == [f"A  {name}" for name in sorted(plan(said))]
    recorded = yaml.safe_load((mine / ".copier-answers.yml").read_text("utf-8"))
    assert recorded["_commit"] == "v1.0.0"
    assert recorded["_src_path"] == template.url
    assert recorded["project_name"] == "My wines"
    assert (mine / "README.md").read_text("utf-8") == "# My wines\n"
    assert said.startswith(f"small v1.0.0 -> {mine}\n")
    assert "\non branch formwork; to undo it all: git reset --hard, git switch -, git branch -d formwork\n" in said
    assert "  1. git rm -f what you do not want\n  2. uvx nox -s setup\n  3. git add --all, git commit\n" in said
    assert "  4. move your code" in said
    assert "compare" not in said
    git(mine, "reset", "--quiet", "--hard")
    git(mine, "switch", "--quiet", "-")
    assert git(mine, "branch", "--show-current") == "main"
    assert tree(mine) == before


def test_a_dry_run_touches_nothing_and_says_the_same(mine: Path, run_adopt: Adopt) -> None:
    """Not even an object or a reference is left in .git."""
    put(mine, {"ruff.toml": "mine = 1\n"})
    commit_everything(mine, "Mine")
    before = tree(mine, without=())
    status, said = run_adopt(mine, "--dry-run")
    assert status == 0
    assert without_index(tree(mine, without=())) == without_index(before)
    assert said.endswith("\n\na dry run: nothing is changed\n")
    done, told = run_adopt(mine)
    assert done == 1
    assert told.startswith(said.removesuffix("a dry run: nothing is changed\n"))


def test_from_a_detached_head(mine: Path, run_adopt: Adopt) -> None:
    """This is how `git checkout` of a tag leaves a repository."""
    git(mine, "checkout", "--quiet", "--detach")
    assert run_adopt(mine)[0] == 0
    assert git(mine, "branch", "--show-current") == "formwork"
    assert "moving from HEAD to formwork" in git(mine, "reflog", "-1")


def test_everything_of_the_templates_stays_within_reach(tmp_path: Path, run_adopt: Adopt) -> None:
    """What is kept or left out can be compared with the template's version."""
    mine = make(tmp_path / "mine", {"README.md": "Mine.\n", "test_a.py": "x = 1\n"})
    _, said = run_adopt(mine)
    assert "compare what was kept or left out: git diff formwork/v1.0.0 HEAD -- FILE" in said
    assert git(mine, "show", "formwork/v1.0.0:README.md") == "# mine"
    assert "[tool.pytest.ini_options]" in git(mine, "show", "formwork/v1.0.0:pyproject.toml")
    assert "[tool" not in (mine / "pyproject.toml").read_text("utf-8")


@pytest.mark.parametrize("number", range(9))
def test_interrupted_at_any_moment_it_is_undone_by_git_reset(
    mine: Path, run_adopt: Adopt, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    """It is interrupted at each command of git from the switch of branches on, and can be run again."""
    put(mine, {"ruff.toml": "mine = 1\n"})
    commit_everything(mine, "Mine")
    before = tree(mine)
    left = iter(range(number))
    original = adopt.switch
    plain = Repository.git

    def interrupted(repository: Repository, *arguments: str, **more: object) -> bytes:
        if next(left, None) is None:
            raise KeyboardInterrupt
        return plain(repository, *arguments, **more)  # type: ignore[arg-type]

    def switch(repository: Repository) -> None:
        monkeypatch.setattr(Repository, "git", interrupted)
        original(repository)

    monkeypatch.setattr(adopt, "switch", switch)
    status, said = run_adopt(mine)
    monkeypatch.undo()
    assert (status, said.splitlines()[-1]) == (1, "error: interrupted; if git status shows changes: git reset --hard")
    git(mine, "reset", "--quiet", "--hard")
    assert tree(mine) == before
    if git(mine, "branch", "--show-current") == "main":
        git(mine, "branch", "--quiet", "--force", "formwork")
        git(mine, "branch", "--quiet", "-d", "formwork")
    if number % 4 == 0:
        status, said = run_adopt(mine)
        assert (status, plan(said)["ruff.toml"]) == (1, "conflict: both sides are in it")


# ------------------------------------------------------------------------------ what is refused


def test_no_folder(tmp_path: Path, run_adopt: Adopt) -> None:
    assert refused(run_adopt, tmp_path / "no") == f"{tmp_path / 'no'}: there is no such folder"


def test_no_repository_or_no_commit(tmp_path: Path, run_adopt: Adopt) -> None:
    """There would be no way back."""
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
    """Git does not know them, so it could not restore them."""
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
    """It is to be updated instead, also if somebody else has adopted on another branch."""
    run_adopt(mine)
    commit_everything(mine, "Adopt")
    said = refused(run_adopt, mine)
    assert said == "there is .copier-answers.yml already, so this is a repository of the template: update it"
    git(mine, "switch", "--quiet", "main")
    said = refused(run_adopt, mine)
    assert said == "there is a branch formwork already: git branch -d formwork, or rename it"


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


@pytest.mark.parametrize("name", ["ruff.TOML", "Docs/other.md", "Readme.md"])
def test_names_that_differ_in_case_only(tmp_path: Path, run_adopt: Adopt, name: str) -> None:
    """They would be one file where Windows or macOS checks them out."""
    mine = make(tmp_path / "mine", {name: "mine\n"})
    said = refused(run_adopt, mine)
    wrong = name.partition("/")[0]
    assert re.fullmatch(rf"{wrong}: differs from the template's \S+ only in case: git mv it first", said)


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


# -------------------------------------------------------------------------------- the template


def test_a_checkout_is_recorded_by_its_origin(mine: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Its releases are found by their commits where there are no tags; without an origin, its path is recorded."""
    checkout = SmallTemplate(tmp_path / "formwork", FILES)
    checkout.release("1.1.0", {"template/new.md": "New.\n"})
    git(checkout.path, "tag", "--delete", "v1.0.0", "v1.1.0")
    put(checkout.path, {"template/later.md": "Later.\n"})
    commit_everything(checkout.path, "Release of later things")
    template = ["--template", str(checkout.path)]
    assert main(["adopt", str(mine), *template, "--dry-run"]) == 0
    assert capsys.readouterr().out.startswith(f"formwork v1.1.0 -> {mine}\n")
    assert main(["adopt", str(mine), *template, "--release", "v1.0.0"]) == 0
    recorded = yaml.safe_load((mine / ".copier-answers.yml").read_text("utf-8"))
    assert (recorded["_commit"], recorded["_src_path"]) == ("v1.0.0", str(checkout.path))
    assert git(checkout.path, "tag") == ""
    git(mine, "reset", "--quiet", "--hard")
    git(checkout.path, "remote", "add", "origin", "https://me:secret@git.example.org/our/formwork")
    assert main(["adopt", str(mine), *template]) == 0
    recorded = yaml.safe_load((mine / ".copier-answers.yml").read_text("utf-8"))
    assert recorded["_src_path"] == "git+https://git.example.org/our/formwork"
    assert recorded["_commit"] == "v1.1.0"
    assert (mine / "new.md").exists()
    assert not (mine / "later.md").exists()


def test_the_template_is_the_public_one_by_default(
    mine: Path, template: SmallTemplate, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = f'[url "{template.path}"]\n\tinsteadOf = https://github.com/formwork-ml/formwork\n'
    put(tmp_path, {"gitconfig": settings})
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "gitconfig"))
    assert main(["adopt", str(mine)]) == 0
    recorded = yaml.safe_load((mine / ".copier-answers.yml").read_text("utf-8"))
    assert (recorded["_commit"], recorded["_src_path"]) == ("v1.0.0", "gh:formwork-ml/formwork")


# --------------------------------------------------------------------------------- the answers


def test_answers_are_told_with_where_they_come_from(tmp_path: Path, run_adopt: Adopt) -> None:
    cfg = "[metadata]\nname = churn\ndescription = Who leaves?\nauthor = Jane\n[options]\npython_requires = >=3.8\n"
    mine = make(tmp_path / "mine", {"setup.cfg": cfg, "src/churn/__init__.py": "x = 1\n"})
    _, said = run_adopt(mine, "--data=project_name=Churn", "--dry-run")
    assert answers(said) == {
        "author_name": "Jane (setup.cfg)",
        "ci": "github (the default)",
        "license": "MIT (the default)",
        "package_name": "churn (src/churn/)",
        "project_name": "Churn (--data)",
        "python_version": "3.11 (setup.cfg: >=3.8)",
    }
    assert "note:" not in said


def test_what_the_template_refuses_is_dropped_with_a_note(tmp_path: Path, run_adopt: Adopt) -> None:
    cfg = "[metadata]\nname = requests\n[options]\npython_requires = >=3.8,<3.10\n"
    mine = make(tmp_path / "mine", {"setup.cfg": cfg, "README.md": "# A/B\n"})
    _, said = run_adopt(mine, "--dry-run", "--data=project_name=Requests 2")
    assert answers(said)["package_name"] == "requests_2 (the default)"
    assert answers(said)["python_version"] == "3.12 (the default)"
    assert "note: package_name is not requests (setup.cfg): is taken\n" in said
    assert "note: python_version is not >=3.8,<3.10 (setup.cfg: >=3.8,<3.10): " in said
    git(mine, "rm", "--quiet", "setup.cfg")
    commit_everything(mine, "No metadata")
    _, said = run_adopt(mine, "--dry-run")
    assert "note: project_name is not A/B (README.md): a project name holds no /\n" in said
    assert answers(said)["project_name"] == "mine (the folder's name)"


def test_an_unknown_licence_is_pointed_out(tmp_path: Path, run_adopt: Adopt) -> None:
    """The template's default would contradict it."""
    mine = make(tmp_path / "mine", {"LICENSE": "Do what you like.\n"})
    _, said = run_adopt(mine, "--dry-run")
    assert "note: LICENSE stays; if it is not MIT, correct license in pyproject.toml\n" in said
    _, said = run_adopt(mine, "--dry-run", "--data=license=Apache-2.0")
    assert "note:" not in said


@pytest.mark.parametrize(
    ("files", "reason"),
    [
        (["a.py", "wine/__init__.py"], "wine/ is yours, and your imports still find it"),
        (["wine/red/grape.py"], "wine/ is yours, and your imports still find it"),
        (["wine.py"], "wine.py is yours, and your imports still find it"),
        (["Wine.py"], "Wine.py is yours, and your imports still find it"),
        (["src/wine/pipeline.py"], "src/wine/pipeline.py is yours, and a folder would hide it"),
        (["src/wine.py"], "src/wine.py is yours, and a folder would hide it"),
        (["wine/red.csv", "red/wine.py", "winery.py", "src/wine/red.py", "src/wine/__init__.py"], ""),
        ([], ""),
    ],
)
def test_the_package_does_not_hide_theirs(tmp_path: Path, files: list[str], reason: str) -> None:
    """Their imports find what they have found before."""
    put(tmp_path, {"src/other/__init__.py": "", "src/other/pipeline/__init__.py": "", "src/other/model.py": ""})
    assert collision("wine", set(files), tmp_path) == reason


def test_the_package_has_another_name_where_it_would_hide_theirs(tmp_path: Path, run_adopt: Adopt) -> None:
    mine = make(tmp_path / "wine", {"wine.py": "", "wine_ml/a.py": ""})
    why = "wine.py is yours, and your imports still find it"
    assert answers(run_adopt(mine, "--dry-run")[1])["package_name"] == f"wine_model ({why})"
    put(mine, {"wine.py": None, "wine_ml/a.py": None, "src/wine/__init__.py": ""})
    commit_everything(mine, "Move")
    assert answers(run_adopt(mine, "--dry-run")[1])["package_name"] == "wine (src/wine/)"


def test_a_given_package_is_taken(tmp_path: Path, run_adopt: Adopt) -> None:
    mine = make(tmp_path / "wine", {"wine.py": "x = 1\n"})
    assert answers(run_adopt(mine, "--dry-run", "--data=package_name=wine")[1])["package_name"] == "wine (--data)"


def test_names_like_a_packages_name_are_no_longer_than_names_may_be() -> None:
    """They have at most 40 characters, and no two underscores in a row."""
    names = other_names("a" * 33 + "_" + "b" * 6)
    a = "a" * 31
    assert [next(names) for _ in range(5)] == [
        f"{a}aa_bbb_ml",
        f"{a}aa_model",
        f"{a}_pipeline",
        f"{a}aa_bbbb_2",
        f"{a}aa_bbbb_3",
    ]


@pytest.mark.parametrize(
    ("name", "service"),
    [(".gitlab-ci.yml", "gitlab (.gitlab-ci.yml)"), (".github/workflows/a.yml", "github (.github/)")],
)
def test_the_service_is_that_of_the_whole_repository(tmp_path: Path, run_adopt: Adopt, name: str, service: str) -> None:
    """It may be set up above the folder that is adopted."""
    mine = make(tmp_path / "mine", {name: "a: 1\n", "sub/a.txt": "a\n"})
    for folder in (mine, mine / "sub"):
        assert answers(run_adopt(folder, "--dry-run")[1])["ci"] == service


def test_the_service_of_the_folder_comes_first(tmp_path: Path, run_adopt: Adopt) -> None:
    """It is nearer than that of the whole repository."""
    mine = make(tmp_path / "mine", {".github/workflows/a.yml": "a: 1\n", "sub/.gitlab-ci.yml": "a: 1\n"})
    assert answers(run_adopt(mine / "sub", "--dry-run")[1])["ci"] == "gitlab (.gitlab-ci.yml)"


def test_the_author_is_that_of_the_folder(tmp_path: Path, run_adopt: Adopt) -> None:
    mine = make(tmp_path / "mine", {"a.txt": "a\n"})
    put(mine, {"sub/b.txt": "b\n"})
    git(mine, "add", "--all")
    git(mine, "commit", "--quiet", "--message=More", "--author=Zoë <zoe@example.org>")
    assert answers(run_adopt(mine, "--dry-run")[1])["author_name"] == "Formwork (the first commit)"
    assert answers(run_adopt(mine / "sub", "--dry-run")[1])["author_name"] == "Zoë (the first commit)"


def test_what_is_not_told_is_asked_in_a_terminal(
    mine: Path, template: SmallTemplate, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERM", "xterm")
    script = ["-m", "formwork", "adopt", str(mine), "--template", template.url, "--data=ci=gitlab"]
    terminal = pexpect.spawn(sys.executable, script, encoding="utf-8", timeout=30, dimensions=(50, 120))
    terminal.expect("package_name.*my_wines")
    terminal.sendline("_2")
    terminal.expect("license.*MIT")
    terminal.send("\x1b[B\r")
    terminal.expect("python_version.*3.11")
    terminal.send("\r")
    terminal.expect(pexpect.EOF)
    terminal.close()
    said = str(terminal.before).replace("\r\n", "\n")
    assert "project_name =" in said
    assert terminal.exitstatus == 0
    recorded = yaml.safe_load((mine / ".copier-answers.yml").read_text("utf-8"))
    assert recorded["package_name"] == "my_wines_2"
    assert recorded["license"] == "Apache-2.0"
    assert answers(said)["license"] == "Apache-2.0 (typed)"
    assert answers(said)["ci"] == "gitlab (--data)"
    assert answers(said)["project_name"] == "My wines (the folder's name)"


# ------------------------------------------------------------------------ what is fitted to theirs


def test_requirements_are_carried_over(tmp_path: Path, run_adopt: Adopt) -> None:
    lines = 'NumPy==1.26\nmlflow\npytest\npandas >= 2  # tables\nfoo; python_version < "3.12"\n-r other.txt\n'
    mine = make(tmp_path / "mine", {"requirements.txt": lines})
    _, said = run_adopt(mine)
    project = (mine / "pyproject.toml").read_text("utf-8")
    added = '    # Yours below\n    "pandas >= 2",\n    "foo; python_version < \\"3.12\\"",\n]\n\n[project.optional'
    assert added in project
    assert project.count("pandas") == 1
    assert '  requirements added to pyproject.toml: pandas >= 2, foo; python_version < "3.12"\n' in said
    assert "  requirements in the template's version: NumPy==1.26, mlflow, pytest\n" in said
    assert "  requirements not carried over: -r other.txt\n" in said


def test_tests_of_theirs_run_as_before(tmp_path: Path, run_adopt: Adopt) -> None:
    """The template's tests are left out, with the settings for them; the sample is data, so it comes."""
    mine = make(tmp_path / "mine", {"tests/conftest.py": "x = 1\n", "tests/test_a.py": "x = 1\n"})
    status, said = run_adopt(mine)
    assert status == 0
    why = "left out: you have tests, which must run as before"
    names = ("tests/__init__.py", "tests/conftest.py", "tests/test_model.py")
    assert [plan(said)[name] for name in names] == [why] * 3
    assert plan(said)["tests/sample.csv"] == "added"
    assert sorted(path.name for path in (mine / "tests").iterdir()) == ["conftest.py", "sample.csv", "test_a.py"]
    project = (mine / "pyproject.toml").read_text("utf-8")
    assert project.endswith('    "pytest~=9.2",\n    # Yours below\n]\n')
    command = "git checkout formwork/v1.0.0 -- tests/__init__.py tests/test_model.py"
    assert f"when your tests pass in .venv too: {command}; merge by hand: tests/conftest.py\n" in said
    git(mine, *command.split()[1:])
    assert (mine / "tests/test_model.py").read_text("utf-8") == "import polars\n"
    assert (mine / "tests/conftest.py").read_text("utf-8") == "x = 1\n"


@pytest.mark.parametrize(
    ("name", "are_there"),
    [
        ("test_a.py", True),
        ("a/b/test_a.py", True),
        ("tests.py", True),
        ("a/wine_test.py", True),
        ("conftest.py", True),
        ("contest.py", False),
        ("a/latest.py", False),
        ("test_a.txt", False),
    ],
)
def test_what_a_test_is(name: str, *, are_there: bool) -> None:
    """It is a file that unittest or pytest would run, or be configured by."""
    assert has_tests({name: File("100644", "")}) == are_there


def test_their_code_is_not_linted_at_once(tmp_path: Path, run_adopt: Adopt) -> None:
    """It is excluded by folder where the template has nothing in that folder, so new code beside it is linted."""
    files = ("a.py", "old/b.py", "old/deep/c.pyi", "docs/d.ipynb", "src/mine/e.py", "notes.txt", "more/notes.txt")
    mine = make(tmp_path / "mine", dict.fromkeys(files, "x\n"))
    run_adopt(mine, "--data=package_name=mine")
    excluded = (
        'line-length = 100\nextend-exclude = [\n    ".dvc",\n    # Yours from before: take off what you have moved\n'
        '    "./a.py",\n    "docs/d.ipynb",\n    "./old",\n    "src/mine/e.py",\n]\n\n[format]\n'
    )
    assert (mine / "ruff.toml").read_text("utf-8").startswith(excluded)


def test_nothing_to_fit(mine: Path, run_adopt: Adopt) -> None:
    run_adopt(mine)
    assert (mine / "ruff.toml").read_text("utf-8") == RUFF
    expected = PROJECT.replace("{{ package_name }}", "my_wines").replace("{{ license }}", "MIT")
    assert (mine / "pyproject.toml").read_text("utf-8") == expected


# ----------------------------------------------------------------------------- what clashes, how


def test_texts_are_an_ordinary_conflict(tmp_path: Path, run_adopt: Adopt) -> None:
    """Lines that both have are outside of the markers, and each side is whole."""
    yours = RUFF.replace("100", "79").replace("E", "F") + "# Mine\n"
    mine = make(tmp_path / "mine", {"ruff.toml": yours, "run.sh": "#!/bin/sh\necho run\n"})
    status, said = run_adopt(mine)
    assert status == 1
    assert plan(said)["ruff.toml"] == "conflict: both sides are in it"
    assert plan(said)["run.sh"] == "same"
    assert unmerged(mine) == {"ruff.toml": [2, 3]}
    merged = (mine / "ruff.toml").read_text("utf-8")
    assert merged.startswith("<<<<<<< yours\nline-length = 79\n=======\nline-length = 100\n>>>>>>> v1.0.0\nextend-")
    assert your_side(merged.encode()) == yours.encode()
    assert "1. resolve 1 conflict (git status), git add each\n" in said
    git(mine, "checkout", "--quiet", "--theirs", "ruff.toml")
    assert (mine / "ruff.toml").read_text("utf-8") == RUFF
    git(mine, "checkout", "--quiet", "--ours", "ruff.toml")
    assert (mine / "ruff.toml").read_text("utf-8") == yours


@pytest.fixture(scope="module")
def hard(template: SmallTemplate, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str]]:
    """A repository with all texts for which markers would not do, and what was planned for each file."""
    attributes = "".join(f"{name} {attribute}\n" for name, (_, attribute) in HARD.items() if attribute)
    files: dict[str, str | bytes | None] = {f"hard/{name}": content for name, (content, _) in HARD.items()}
    mine = make(tmp_path_factory.mktemp("hard") / "mine", {**files, "hard/.gitattributes": attributes})
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        assert main(["adopt", str(mine), "--template", template.url]) == 1
    return mine, plan(said.getvalue())


@pytest.mark.parametrize("name", HARD)
def test_where_markers_would_not_do_theirs_stays(hard: tuple[Path, dict[str, str]], name: str) -> None:
    """The file is theirs byte for byte, and git still has both versions."""
    mine, planned = hard
    assert (mine / "hard" / name).read_bytes() == HARD[name][0]
    assert planned[f"hard/{name}"] == "conflict: yours stays as it is"
    assert unmerged(mine)[f"hard/{name}"] == [2, 3]
    assert git(mine, "show", f":3:hard/{name}") == "The template's."


def test_carriage_returns_are_theirs(tmp_path: Path, run_adopt: Adopt) -> None:
    yours = b"line-length = 79\r\n\r\n[lint]\r\n"
    mine = make(tmp_path / "mine", {"ruff.toml": yours})
    run_adopt(mine)
    merged = (mine / "ruff.toml").read_bytes()
    assert b"<<<<<<< yours" in merged
    assert your_side(merged) == yours


def test_a_mode_of_theirs_stays(tmp_path: Path, run_adopt: Adopt) -> None:
    mine = make(tmp_path / "mine", {"run.sh": "#!/bin/sh\necho run\n"})
    (mine / "run.sh").chmod(0o755)
    commit_everything(mine, "Executable")
    status, said = run_adopt(mine)
    assert (status, plan(said)["run.sh"]) == (1, "conflict: yours stays as it is")
    assert os.access(mine / "run.sh", os.X_OK)
    assert unmerged(mine) == {"run.sh": [2, 3]}


def test_links_are_never_followed(tmp_path: Path, run_adopt: Adopt) -> None:
    """A link in the place of a file is a conflict; behind one in the place of a folder nothing is written."""
    outside = tmp_path / "outside"
    put(outside, {"file.toml": "Outside.\n"})
    mine = make(tmp_path / "mine", {"ruff.toml": "-> ../outside/file.toml", "docs": "-> ../outside"})
    (mine / "src").symlink_to("nowhere")
    commit_everything(mine, "Another link")
    before = tree(mine)
    status, said = run_adopt(mine)
    assert status == 1
    assert plan(said)["ruff.toml"] == "conflict: yours stays as it is"
    assert unmerged(mine) == {"ruff.toml": [2, 3]}
    assert plan(said)["docs/guide.md"] == "left out: docs is a link of yours"
    assert plan(said)["src/mine/model.py"] == "left out: src is a link of yours"
    assert {name: entry for name, entry in tree(mine).items() if name in before} == before
    assert sorted(path.name for path in outside.iterdir()) == ["file.toml"]
    assert (outside / "file.toml").read_text("utf-8") == "Outside.\n"


def test_a_file_where_a_folder_would_be_and_the_other_way_round(tmp_path: Path, run_adopt: Adopt) -> None:
    mine = make(tmp_path / "mine", {"docs": "A file.\n", "run.sh/inner.txt": "Inside.\n"})
    status, said = run_adopt(mine)
    assert status == 0
    assert plan(said)["docs/guide.md"] == "left out: docs is a file of yours"
    assert plan(said)["run.sh"] == "left out: it is a folder of yours"
    assert (mine / "docs").read_text("utf-8") == "A file.\n"
    assert sorted(path.name for path in (mine / "run.sh").iterdir()) == ["inner.txt"]


def test_a_submodule_where_a_file_or_a_folder_would_be(tmp_path: Path, run_adopt: Adopt) -> None:
    mine = make(tmp_path / "mine", {"a.txt": "a\n"})
    commit = git(mine, "rev-parse", "HEAD")
    for name in ("docs", "run.sh"):
        git(mine, "update-index", "--add", "--cacheinfo", f"160000,{commit},{name}")
        (mine / name).mkdir()
    git(mine, "commit", "--quiet", "--message=Submodules")
    status, said = run_adopt(mine)
    assert status == 1
    assert plan(said)["docs/guide.md"] == "left out: docs is a submodule of yours"
    assert plan(said)["run.sh"] == "conflict: yours stays as it is"
    assert not list((mine / "docs").iterdir())


def test_what_is_theirs_to_say_is_kept(tmp_path: Path, run_adopt: Adopt) -> None:
    files = ("README.md", "LICENSE", "src/mine/model.py")
    mine = make(tmp_path / "mine", {**dict.fromkeys(files, "Mine.\n"), "src/mine/__init__.py": ""})
    (mine / "tests").mkdir()
    (mine / "tests/sample.csv").symlink_to("../README.md")
    commit_everything(mine, "A link")
    before = tree(mine)
    status, said = run_adopt(mine)
    assert status == 0
    assert [plan(said)[name] for name in (*files, "tests/sample.csv")] == ["kept: yours"] * 4
    assert plan(said)["src/mine/__init__.py"] == "kept: yours, which is empty"
    assert {name: entry for name, entry in tree(mine).items() if name in before} == before
    assert git(mine, "show", "formwork/v1.0.0:LICENSE") == "The template's licence."


def test_a_licence_of_another_name_is_kept(tmp_path: Path, run_adopt: Adopt) -> None:
    mine = make(tmp_path / "mine", {"COPYING": "Mine.\n", "LICENSE.txt": "Mine.\n", "docs/LICENSE": "Other's.\n"})
    _, said = run_adopt(mine)
    assert plan(said)["LICENSE"] == "left out: COPYING is yours"
    assert not (mine / "LICENSE").exists()
    assert 'license-files = ["COPYING", "LICENSE.txt"]\n' in (mine / "pyproject.toml").read_text("utf-8")


# ------------------------------------------------------------------------------- a folder of one


def test_a_folder_of_a_larger_repository(tmp_path: Path, run_adopt: Adopt) -> None:
    files = {"ruff.toml": "x = 1\n", "LICENSE.md": "L\n", "sub/docs/guide.md": "Mine.\n", "sub/test_a.py": "x = 1\n"}
    top = make(tmp_path / "top", {**files, "sub/setup.cfg": "[metadata]\nname = part\n"})
    before = tree(top)
    status, said = run_adopt(top / "sub")
    assert status == 1
    assert answers(said)["project_name"] == "part (setup.cfg)"
    assert plan(said)["sub/ruff.toml"] == "added"
    assert plan(said)["sub/LICENSE"] == "added"
    assert plan(said)["sub/README.md"] == "added"
    assert plan(said)["sub/src/part/model.py"] == "added"
    assert plan(said)["sub/tests/sample.csv"] == "added"
    assert unmerged(top) == {"sub/docs/guide.md": [2, 3]}
    assert "-- sub/tests/__init__.py sub/tests/conftest.py sub/tests/test_model.py\n" in said
    changed = {name for name, entry in tree(top).items() if before.get(name) != entry}
    assert all(name.startswith("sub/") for name in changed)
    assert "./test_a.py" in (top / "sub/ruff.toml").read_text("utf-8")
    assert refused(run_adopt, top / "sub").startswith("sub/")


# ------------------------------------------------------------------------------------ afterwards


def test_what_was_settled_does_not_come_up_again(
    tmp_path: Path, run_adopt: Adopt, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An update conflicts only where a release changes lines of which theirs were kept."""
    own = SmallTemplate(tmp_path / "own", FILES)
    files: dict[str, str | bytes | None] = {
        "README.md": "Mine.\n",
        "LICENSE": "Mine.\n",
        "ruff.toml": RUFF.replace("100", "79"),
        "docs/guide.md": "# My guide\n\nOne.\n\nTwo.\n\nThree.\n",
        "run.sh": b"\0binary",
        "requirements.txt": "pandas\n",
    }
    mine = make(tmp_path / "mine", files)
    run_adopt(mine, "--template", own.url)
    git(mine, "checkout", "--quiet", "--ours", "ruff.toml", "docs/guide.md", "run.sh")
    git(mine, "rm", "--quiet", "--force", "src/mine/pipeline/__init__.py")
    commit_everything(mine, "Adopt")
    own.release(
        "1.1.0",
        {
            "template/README.md.jinja": "# Another\n",
            "template/ruff.toml": RUFF.replace('"E"', '"F"'),
            "template/docs/guide.md": "# The guide\n\nOne.\n\nTwo.\n\n3.\n",
            "template/pyproject.toml.jinja": PROJECT.replace("numpy>=2", "numpy>=3"),
            "template/src/{{package_name}}/pipeline/__init__.py": '"""All steps."""\n',
            "template/new.md": "New.\n",
        },
    )
    monkeypatch.chdir(mine)
    assert main(["update"]) == 1
    assert unmerged(mine) == {"docs/guide.md": [1, 2, 3]}
    guide = (mine / "docs/guide.md").read_text("utf-8")
    assert guide == ("<<<<<<< yours\n# My guide\n=======\n# The guide\n>>>>>>> v1.1.0\n\nOne.\n\nTwo.\n\n3.\n")
    assert (mine / "ruff.toml").read_text("utf-8") == RUFF.replace("100", "79").replace('"E"', '"F"')
    assert [(mine / name).read_text("utf-8") for name in ("README.md", "LICENSE")] == ["Mine.\n"] * 2
    assert (mine / "run.sh").read_bytes() == b"\0binary"
    assert 'numpy>=3",\n    # Yours below\n    "pandas",\n' in (mine / "pyproject.toml").read_text("utf-8")
    assert (mine / "new.md").exists()
    assert not (mine / "src/mine/pipeline/__init__.py").exists()
