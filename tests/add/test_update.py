"""An update after adding loses nothing that was added, and brings pieces up to date."""

from pathlib import Path

import pytest
import yaml

from tests.add.conftest import Run
from tests.add.examples import SCAFFOLDS, begin
from tests.add.test_pieces import PIECES, content
from tests.harness import ANSWERS_FILE, Template, commit_everything, includes, tree
from tests.later import LATER


def test_nothing_is_lost_and_all_of_it_can_be_removed_afterwards(
    template: Template, later: Template, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, run: Run
) -> None:
    path = begin(later, tmp_path / "mine", release=template.newest)
    start = tree(path)
    monkeypatch.chdir(path)
    for command, _ in SCAFFOLDS.values():
        assert run("add", *command)[0] == 0
        commit_everything(path, command[0])
    scaffolded = tree(path).keys() - start.keys()
    assert run("add", *PIECES)[0] == 0
    commit_everything(path, "Pieces")
    before = tree(path)
    settings = {name: yaml.safe_load(before[name].content) for name in ("dvc.yaml", "params.yaml")}

    status, said = run("update")
    assert status == 0, said
    after = tree(path)
    added = before.keys() - start.keys()
    pieces = {name for name in added if after[name] != before[name]}
    assert all(after[name].content == before[name].content.replace(b"\n", b"\n\n", 1) for name in pieces)
    assert len(pieces) >= len(PIECES)
    assert not pieces & scaffolded
    for name, content_before in settings.items():
        assert includes(yaml.safe_load(after[name].content), content_before)
    assert b"# later\nstages:" in after["dvc.yaml"].content
    nav = b"- Notebooks: notebooks.md"
    assert nav in after["mkdocs.yml"].content
    assert yaml.safe_load(after[ANSWERS_FILE].content)["_commit"] == LATER
    commit_everything(path, "Update")

    for command in [PIECES, *(remove for _, remove in SCAFFOLDS.values())]:
        status, said = run("remove", *command)
        assert status == 0, said
        commit_everything(path, "Remove")
    now, fresh = content(path), content(begin(later, tmp_path / "fresh"))
    assert {name for name in now.keys() | fresh.keys() if now.get(name) != fresh.get(name)} == {"README.md"}  # yours
