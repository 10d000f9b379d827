"""Rendering the texts of scaffolds."""

from pathlib import Path

TEMPLATES = Path(__file__).parent / "templates"


def rendered(template: str, **values: object) -> str:
    """Render a template of a scaffold."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined  # imported here, since `update` needs none of it

    environment = Environment(loader=FileSystemLoader(TEMPLATES), undefined=StrictUndefined, keep_trailing_newline=True)
    return environment.get_template(f"{template}.jinja").render(values)
