"""Entries in YAML files: whatever the file looks like, all other lines stay as they are."""

import pytest
import yaml

from formwork.adding import yaml_text
from formwork.adding.changes import EditedError, Entry
from formwork.errors import FormworkError

ENTRY = "new:\n  - 1\n"

FILES = {
    "nothing below": ("stages:\n  a: 1\n", "stages:\n  a: 1\n\n  new:\n    - 1\n"),
    "no line end": ("stages:\n  a: 1", "stages:\n  a: 1\n\n  new:\n    - 1\n"),
    "another key below": ("stages:\n  a: 1\n\nplots: []\n", "stages:\n  a: 1\n\n  new:\n    - 1\n\nplots: []\n"),
    "no blank lines": ("stages:\n  a: 1\n  b: 2\nplots: []\n", "stages:\n  a: 1\n  b: 2\n  new:\n    - 1\nplots: []\n"),
    "wide indentation": ("stages:\n      a: 1\n", "stages:\n      a: 1\n\n      new:\n        - 1\n"),
    "quotes and comments": (
        "# top\nstages: # these\n  'a': \"1\" # one\n  # the end\n# below\nplots: []\n",
        "# top\nstages: # these\n  'a': \"1\" # one\n  # the end\n\n  new:\n    - 1\n# below\nplots: []\n",
    ),
    "comments that are part of the last one": (
        "stages:\n  a:\n    b: 1\n\n    # c: 2\n  # the end\nplots: []\n",
        "stages:\n  a:\n    b: 1\n\n    # c: 2\n  # the end\n\n  new:\n    - 1\nplots: []\n",
    ),
    "a text of several lines": (
        "stages:\n  a: |\n    # no comment\n\n    end\n\nplots: []\n",
        "stages:\n  a: |\n    # no comment\n\n    end\n\n  new:\n    - 1\n\nplots: []\n",
    ),
    "a folded text at the end": (
        "stages:\n  a: >-\n    one\n    # two\n",
        "stages:\n  a: >-\n    one\n    # two\n\n  new:\n    - 1\n",
    ),
    "braces inside": (
        "stages:\n  a: {cmd: x,\n    deps: [y]}\n",
        "stages:\n  a: {cmd: x,\n    deps: [y]}\n\n  new:\n    - 1\n",
    ),
    "nothing as a value": ("stages:\n  a:\n\nplots:\n", "stages:\n  a:\n\n  new:\n    - 1\n\nplots:\n"),
    "lists at the same column": (
        "stages:\n  a:\n    deps:\n    - x\n    - y\nplots:\n- z\n",
        "stages:\n  a:\n    deps:\n    - x\n    - y\n\n  new:\n    - 1\nplots:\n- z\n",
    ),
    "ends of lines": ("stages:\r\n  a: 1\r\n", "stages:\r\n  a: 1\r\n\r\n  new:\r\n    - 1\r\n"),
    "tags of other programs": ("x: !ENV [A]\nstages:\n  a: !!python/name:x.y\n", None),
    "anchors": ("stages:\n  a: &x\n    b: 1\n  c: *x\n", "stages:\n  a: &x\n    b: 1\n  c: *x\n  new:\n    - 1\n"),
}


@pytest.mark.parametrize("loader", [yaml.BaseLoader, yaml.CBaseLoader], ids=["python", "libyaml"])
@pytest.mark.parametrize("name", FILES)
def test_an_entry_is_inserted_and_taken_out_again(
    name: str, loader: type[yaml.BaseLoader], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(yaml_text, "LOADER", loader)
    before, after = FILES[name]
    entry = Entry("file.yaml", ("stages",), ENTRY)
    made = entry.make(before)
    assert made == after or after is None
    assert entry.undo(made) == before + ("" if before.endswith("\n") else "\n")


def test_an_entry_follows_the_one_that_is_named() -> None:
    entry = Entry("file.yaml", ("stages",), ENTRY, after="a")
    before = "stages:\n  # one\n  a: 1  # 1\n    # part of a\n\n  # two\n  b: 2\n"
    made = entry.make(before)
    assert made == "stages:\n  # one\n  a: 1  # 1\n    # part of a\n\n  new:\n    - 1\n\n  # two\n  b: 2\n"
    assert entry.undo(made) == before


def test_an_entry_of_a_list_comes_below_the_comment_at_its_end() -> None:
    entry = Entry("file.yaml", ("nav",), "- New: new.md\n")
    before = "nav:\n  - Home: index.md\n  - A: a.md\n  # Yours below\n"
    made = entry.make(before)
    assert made == before + "  - New: new.md\n"
    assert entry.undo(made) == before


def test_an_entry_of_the_whole_file() -> None:
    entry = Entry("file.yaml", (), ENTRY)
    made = entry.make("# top\nseed: 1\n\na:\n  b: 2\n")
    assert made == "# top\nseed: 1\n\na:\n  b: 2\n\nnew:\n  - 1\n"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("stages: {a: 1}\n", "file.yaml: `stages` has no entries on lines of their own: write it so"),
        ("stages: {}\n", "has no entries on lines of their own"),
        ("plots: []\n", "file.yaml: there is no `stages`"),
        ("stages: [a\n", "file.yaml: not valid YAML: "),
        ("stages:\n  new: 1\n", "file.yaml: `stages.new` is there already: take another name"),
        ("stages:\n  a: |+\n    x\n\n\n", "file.yaml: it is written in a way in which no entry can be inserted safely"),
        (None, "there is no file.yaml"),
    ],
)
def test_where_no_entry_can_be_inserted_one_line_says_so(text: str | None, reason: str) -> None:
    with pytest.raises(FormworkError) as caught:
        Entry("file.yaml", ("stages",), ENTRY).make(text)
    assert reason in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        "stages:\n  new:\n    - 2\n",
        "stages:\n  new:\n    - 1\n    - 2\n",
        "stages:\n  new:\n    # mine\n    - 1\n",
        "stages:\n  new:\n    - 1  # mine\n",
        "stages:\n  old: 1\n",
    ],
)
def test_an_edited_entry_is_not_taken_out(text: str) -> None:
    with pytest.raises(EditedError, match="`new` in file"):
        Entry("file.yaml", ("stages",), ENTRY).undo(text)


def test_a_comment_below_an_entry_stays() -> None:
    entry = Entry("file.yaml", ("stages",), ENTRY)
    text = "stages:\n  a: 1\n\n  new:\n    - 1\n  # mine\n"
    assert entry.undo(text) == "stages:\n  a: 1\n  # mine\n"


def test_a_shared_entry_may_be_there_and_stays_when_it_was_edited() -> None:
    entry = Entry("file.yaml", ("nav",), "- New: new.md\n", is_shared=True)
    there = "nav:\n  - New: new.md\n  - A: a.md\n"
    assert entry.make(there) == there
    moved = "nav:\n  - Other: new.md\n"
    assert entry.undo(moved) == moved
