"""A small template to adopt, and functions that read the output."""

import re
from collections.abc import Callable
from pathlib import Path

from tests.harness import Entry, commit_everything, git, tree
from tests.small import put

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

[tool.mypy]
files = ["src", "tests", "docs"]
strict = true

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
# Texts in which markers would not work, with their attributes for git.
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
Adopt = Callable[..., Told]


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
    """Read what happens to each file, with the reason if there is one."""
    words = "added|same|merged|conflict|kept|left out"
    lines = re.findall(rf"^  ({words}) +(\S+)(?: \((.*)\))?$", said, re.MULTILINE)
    return {path: f"{what}: {why}" if why else what for what, path, why in lines}


def answers(said: str) -> dict[str, str]:
    """Read the answers, and where they come from."""
    return dict(re.findall(r"^  (\w+) = (.*)$", said, re.MULTILINE))


def unmerged(path: Path) -> dict[str, list[int]]:
    """Return the versions that git has of each file in conflict: 2 is theirs, 3 is the template's."""
    lines = [line.partition("\t") for line in git(path, "ls-files", "--unmerged").splitlines()]
    found: dict[str, list[int]] = {}
    for details, _, name in lines:
        found.setdefault(name, []).append(int(details.split()[2]))
    return found


def refused(run: Adopt, path: Path, *options: str) -> str:
    """Check that adopting is refused in one line and changes nothing, and return the line."""
    before = tree(path, without=()) if path.is_dir() else {}
    status, said = run(path, *options)
    assert status == 1
    assert re.fullmatch(r"error: [^\n]+\n", said), said
    assert without_objects(tree(path, without=()) if path.is_dir() else {}) == without_objects(before)
    return said.removeprefix("error: ").rstrip("\n")


def without_index(files: dict[str, Entry]) -> dict[str, Entry]:
    """Leave out git's index, in which `git status` records times."""
    return {name: content for name, content in files.items() if name not in {".git", ".git/index"}}


def without_objects(files: dict[str, Entry]) -> dict[str, Entry]:
    """Also leave out objects that nothing refers to."""
    return {name: entry for name, entry in without_index(files).items() if not name.startswith(".git/objects/")}
