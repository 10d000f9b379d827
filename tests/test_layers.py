"""The modules of the package import only what is below them."""

import ast
from pathlib import Path

import pytest

from tests.harness import ROOT

# From the lowest layer up; modules of one layer do not import each other.
LAYERS = [
    {"errors", "questions", "seeds", "shortcuts", "toml_merging"},
    {"git", "answers", "locking"},
    {"template", "repository"},
    {"readiness", "rendering", "merging"},
    {"placing", "reporting"},
    {"adopting", "adding"},
    {"update", "adopt"},
    {"proposing", "add"},
    {"propose"},
    {"cli"},
    {"__main__"},
]
FLOORS = {name: floor for floor, names in enumerate(LAYERS) for name in names}
SOURCE = ROOT / "src" / "formwork"


def unit(path: Path) -> str:
    """Return the module, or the folder of modules, that a file belongs to."""
    return path.relative_to(SOURCE).with_suffix("").parts[0]


def imported(file: Path) -> set[str]:
    """Return the parts of the package that a file imports."""
    nodes = [node for node in ast.walk(ast.parse(file.read_text("utf-8"))) if isinstance(node, ast.ImportFrom)]
    names = {f"{node.module}.{alias.name}" for node in nodes for alias in node.names if node.module}
    return {name.split(".")[1] for name in names if name.startswith("formwork.")}


@pytest.mark.parametrize("file", sorted(SOURCE.rglob("*.py")), ids=lambda file: str(file.relative_to(SOURCE)))
def test_imports_point_down(file: Path) -> None:
    here = unit(file)
    if here != "__init__":
        others = imported(file) - {here}
        assert {name for name in others if FLOORS[name] >= FLOORS[here]} == set()


def test_a_subcommand_is_imported_only_when_it_is_used() -> None:
    tree = ast.parse((SOURCE / "cli.py").read_text("utf-8"))
    top = {node.module for node in tree.body if isinstance(node, ast.ImportFrom) and node.module}
    assert {name for name in top if name.startswith("formwork.")} == {"formwork.answers", "formwork.errors"}
