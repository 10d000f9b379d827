"""Each text of a template is compiled once, and means what it means."""

from jinja2 import Environment
from jinja2.sandbox import SandboxedEnvironment

from formwork.compiling import compiled_once


def test_a_text_is_compiled_once() -> None:
    with compiled_once():
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
    with compiled_once():
        together = [kind.from_string(text) for kind in kinds]
    expected = [template.render(name=7) for template in alone[:-1]]
    assert [template.render(name=7) for template in together[:-1]] == expected
    assert len({*expected}) == 4
    assert "int" not in together[-1].render(name=7)
