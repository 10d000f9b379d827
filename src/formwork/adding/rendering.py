"""Rendering the texts of scaffolds."""

from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

TEMPLATES = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"),
    undefined=StrictUndefined,
    keep_trailing_newline=True,
)


def rendered(template: str, **values: object) -> str:
    """Render a template of a scaffold."""
    return TEMPLATES.get_template(f"{template}.jinja").render(values)
