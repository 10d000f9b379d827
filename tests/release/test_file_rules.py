"""An update can carry every file of the template, and no path disappears."""

from pathlib import Path

import pytest

from maintain import file_rules, trial
from tests.harness import git
from tests.release.examples import ADD, copier_yml, question, said, serve
from tests.small import SmallTemplate, put


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
    """Neither ignore rules nor attributes may hide a file, not even one that only few answers produce."""
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
        "{% if _copier_operation == 'update' %}/src/{{ package_name }}/new.py{% endif %}",
    ]
    conditions = ["{% if level == 'high' %}/high{% endif %}", "{% if level == 'low' %}/low{% endif %}"]
    answers = {"package_name": "wine", "level": "low"}
    kept = file_rules.kept_paths([*entries, *seeds, *conditions], answers)
    assert kept == ["src/wine/old.py", "docs/old", "README.md", "src/wine/new.py", "low"]


def test_paths_are_compared_for_the_answers_of_a_repository(small: SmallTemplate, tmp_path: Path) -> None:
    """A path that stays with one answer may disappear with another."""
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
