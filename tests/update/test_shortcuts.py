"""Each text of a template is compiled once, and means what it means; git is not asked about each file."""

from pathlib import Path

import pytest
from copier import run_copy
from jinja2 import Environment
from jinja2.sandbox import SandboxedEnvironment

from formwork.shortcuts import shortcuts


def test_git_is_not_asked_about_each_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[object] = []
    name = "copier._main.Worker._sync_git_index_executable_bit"
    monkeypatch.setattr(name, lambda *arguments: asked.append(arguments))
    (tmp_path / "template").mkdir()
    (tmp_path / "template/file").touch()
    with shortcuts():
        run_copy(str(tmp_path / "template"), tmp_path / "one", quiet=True)
    assert (asked, (tmp_path / "one/file").exists()) == ([], True)
    run_copy(str(tmp_path / "template"), tmp_path / "two", quiet=True)
    assert len(asked) == 1


def test_a_text_is_compiled_once() -> None:
    with shortcuts():
        first, again = (Environment().compile("{{ name }} is compiled once") for _ in range(2))
    assert first is again
    assert Environment().compile("{{ name }} is compiled once") is not first


def test_another_syntax_is_another_text() -> None:
    kinds = [
        Environment(),
        Environment(variable_start_string="[[", variable_end_string="]]"),
        Environment(keep_trailing_newline=True),
        Environment(trim_blocks=True),
        SandboxedEnvironment(),
    ]
    text = "{{ name }} [[ name ]] {% if name %}\nx{% endif %} {{ name.__class__ }}\n"
    alone = [kind.from_string(text) for kind in kinds]
    with shortcuts():
        together = [kind.from_string(text) for kind in kinds]
    expected = [template.render(name=7) for template in alone[:-1]]
    assert [template.render(name=7) for template in together[:-1]] == expected
    assert len({*expected}) == 4
    assert "int" not in together[-1].render(name=7)
