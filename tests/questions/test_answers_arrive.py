"""Answers arrive unchanged, through both commands and with every combination of the choices."""

import ast
import html
import json
import re
import sys
import time
import tomllib
from collections.abc import Callable, Iterator, Mapping
from itertools import combinations, product
from pathlib import Path

import pexpect
import pytest
import yaml
from markdown_it import MarkdownIt

from tests.harness import ANSWERS_FILE, ROOT, Doors, Template, answers_of, tree
from tests.questions.engines import Engines

NASTY = 'It is "great" \\ {{ 7*7 }}: #1 <b>'
SETTINGS = yaml.safe_load((ROOT / "copier.yml").read_text(encoding="utf-8"))


def choices_of(question: Mapping[str, object]) -> list[str]:
    """List the values of a question with choices."""
    choices = question.get("choices", [])
    return [str(choice) for choice in (choices.values() if isinstance(choices, dict) else choices)]  # type: ignore[attr-defined]


CHOICES = {  # of the questions with one answer each: pieces, of which there can be several, have tests of their own
    name: choices_of(question)
    for name, question in SETTINGS.items()
    if "choices" in question and not question.get("multiselect")
}


def pairwise(choices: Mapping[str, list[str]]) -> Iterator[dict[str, str]]:
    """Yield few combinations in which every two values of different questions meet."""
    candidates = [dict(zip(choices, values, strict=True)) for values in product(*choices.values())]
    missing = set().union(*map(pairs_in, candidates))
    while missing:
        best = max(candidates, key=lambda candidate: len(pairs_in(candidate) & missing))
        missing -= pairs_in(best)
        yield best


def pairs_in(combination: Mapping[str, str]) -> set[tuple[tuple[str, str], ...]]:
    """List the pairs that meet in a combination."""
    return set(combinations(combination.items(), 2))


def test_pairwise_leaves_no_pair_out() -> None:
    """The list of combinations is also short."""
    met = set().union(*map(pairs_in, pairwise(CHOICES)))
    assert met == {
        ((one, a), (two, b)) for one, two in combinations(CHOICES, 2) for a, b in product(CHOICES[one], CHOICES[two])
    }
    assert len(list(pairwise(CHOICES))) <= 20


@pytest.mark.parametrize("choices", list(pairwise(CHOICES)), ids=lambda choices: "-".join(choices.values()))
def test_both_doors_give_the_same_tree(engines: Engines, choices: dict[str, str]) -> None:
    answers = choices | {"project_name": "Wine quality", "description": NASTY, "author_name": "Zoë O'Hara <QA>"}
    through_copier = tree(engines.copier(answers))
    assert tree(engines.cookiecutter(answers)) == through_copier
    assert yaml.safe_load(through_copier[ANSWERS_FILE].content)["description"] == NASTY


PARSERS: dict[str, Callable[[str], object]] = {
    ".toml": tomllib.loads,
    ".py": ast.parse,
    ".json": json.loads,
    ".yaml": yaml.compose,  # only composed, since mkdocs.yml has tags of its own
    ".yml": yaml.compose,
}


def test_an_awkward_description_arrives_unchanged_everywhere(engines: Engines) -> None:
    """The parser of each file can read it, and finds what was typed."""
    repository = engines.copier({"description": NASTY, "author_name": NASTY, "project_name": NASTY.replace("\\", "")})
    for path in repository.rglob("*"):
        if parse := PARSERS.get(path.suffix):
            parse(path.read_text(encoding="utf-8"))
    project = tomllib.loads((repository / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["description"] == NASTY
    assert yaml.safe_load(answers_of(repository))["description"] == NASTY
    page = MarkdownIt().render((repository / "README.md").read_text(encoding="utf-8"))
    assert NASTY in html.unescape(re.sub(r"<[^>]+>", "", page))


def test_nothing_depends_on_the_day(engines: Engines, monkeypatch: pytest.MonkeyPatch) -> None:
    """A repository generated in another year is the same."""
    now = tree(engines.copier({}))
    far = time.time() + 10 * 365 * 86_400
    local, universal, text = time.localtime, time.gmtime, time.strftime
    monkeypatch.setattr(time, "localtime", lambda moment=None: local(far if moment is None else moment))
    monkeypatch.setattr(time, "gmtime", lambda moment=None: universal(far if moment is None else moment))
    monkeypatch.setattr(time, "strftime", lambda form, moment=None: text(form, moment or local(far)))
    engines.copier({}).rename(engines.folder / "later")
    assert tree(engines.folder / "later") == now


# ------------------------------------------------------------------------------ in a terminal

TYPED = {
    "project_name": "Wine quality",
    "package_name": "wine",
    "description": NASTY,
    "author_name": "Zoë O'Hara",
    "author_email": "zoe@example.org",
    "repository_url": "https://gitlab.com/example/wine",
}
CHOSEN = {"ci": "gitlab", "license": "BSD-3-Clause", "python_version": "3.11", "problem": "regression"}


def terminal(doors: Doors, folder: Path, *arguments: str) -> "pexpect.spawn[str]":
    """Start a command in a terminal."""
    command = ["-m", *arguments]
    env = doors.env | {"TERM": "xterm-256color", "LANG": "C.UTF-8", "PROMPT_TOOLKIT_NO_CPR": "1"}
    return pexpect.spawn(
        sys.executable, command, cwd=str(folder), env=env, encoding="utf-8", timeout=30, dimensions=(50, 200)
    )


def finish(child: "pexpect.spawn[str]") -> None:
    """Wait for the end, and check that the command succeeded."""
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 0, child.before


def test_answers_typed_for_cookiecutter(doors: Doors, template: Template, tmp_path: Path) -> None:
    """In cookiecutter, choices are numbers, except where the default is derived."""
    child = terminal(doors, tmp_path, "cookiecutter", template.url)
    prompts = json.loads((ROOT / "cookiecutter.json").read_text(encoding="utf-8"))["__prompts__"]
    for question, answer in TYPED.items():
        child.expect_exact(prompts[question])
        child.sendline(answer)
    child.expect_exact("(github or gitlab)")
    child.expect_exact("(gitlab)")
    child.sendline("")
    for question, number in (("license", "2"), ("python_version", "2"), ("problem", "2")):
        child.expect_exact(prompts[question]["__prompt__"])
        child.expect_exact("Choose from")
        child.sendline(number)
    finish(child)
    assert recorded(tmp_path / "wine-quality") == TYPED | CHOSEN


def test_answers_typed_for_copier(doors: Doors, template: Template, tmp_path: Path) -> None:
    """Copier's prompt contains the default already, and the arrow keys move through choices."""
    child = terminal(doors, tmp_path, "copier", "copy", template.url, "out")
    for question, answer in TYPED.items():
        child.expect_exact(SETTINGS[question]["help"])
        child.send("\x15" + answer + "\r")
    for question, moves in (("ci", 0), ("license", 1), ("python_version", -1), ("problem", 1)):
        child.expect_exact(SETTINGS[question]["help"])
        child.send(("\x1b[B" if moves > 0 else "\x1b[A") * abs(moves) + "\r")
    finish(child)
    assert recorded(tmp_path / "out") == TYPED | CHOSEN


def test_a_wrong_answer_is_asked_again_by_copier(doors: Doors, template: Template, tmp_path: Path) -> None:
    child = terminal(doors, tmp_path, "copier", "copy", template.url, "out")
    child.expect_exact(SETTINGS["project_name"]["help"])
    child.send("\x15a/b\r")
    child.expect_exact("a project name holds no /")
    child.send("\x15Wine\r")
    for question in [name for name in (*TYPED, *CHOSEN) if name != "project_name"]:
        child.expect_exact(SETTINGS[question]["help"])
        child.send("\r")
    finish(child)
    assert recorded(tmp_path / "out")["package_name"] == "wine"


def recorded(repository: Path) -> dict[str, str]:
    """Read the answers, without what is recorded about the template."""
    answers = yaml.safe_load(answers_of(repository))
    return {name: answer for name, answer in answers.items() if not name.startswith("_")}
