"""A small template that has everything for its next release."""

import datetime
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from formwork.template import Template
from maintain import release
from maintain.refusal import Refusal
from maintain.releases import served
from tests.small import SmallTemplate

NEXT = "1.1.0"
TODAY = datetime.date.today().isoformat()

PROJECT = '[project]\nname = "small"\nversion = "1.0.0"\nminimum-version = "1"\n'
OLD_CHANGES = "## 1.0.0 (2026-01-01)\n\nThe first.\n"
CHANGELOG = f"# Changelog\n\n## Unreleased\n\n### Added\n\nA guide.\n\n{OLD_CHANGES}"

SELF = "{{{{ {0} if {0} is defined else '{1}' }}}}"
COPIER_YML: dict[str, Any] = {
    "_subdirectory": "template",
    "_exclude": ["{% if _copier_operation == 'update' %}/README.md{% endif %}"],
    "package_name": {"type": "str", "help": "Name of the package", "default": SELF.format("package_name", "wine")},
    "level": {"type": "str", "help": "How deep", "choices": ["low", "high"], "default": SELF.format("level", "low")},
}


ADD = "it was released and is gone, and edits with it: add /{} to _exclude, for good"


def copier_yml(**changes: object) -> str:
    """Write copier.yml with changes, where None removes a question or a setting."""
    return yaml.safe_dump({name: value for name, value in (COPIER_YML | changes).items() if value is not None})


def question(**changes: object) -> dict[str, Any]:
    """Change the question for the level."""
    details: dict[str, Any] = COPIER_YML["level"] | changes
    return {name: value for name, value in details.items() if value is not None}


def run(small: SmallTemplate, *options: str) -> int:
    """Run the command."""
    return release.main([*options, "--root", str(small.path)])


def serve(small: SmallTemplate, folder: Path, release: str = f"v{NEXT}") -> Template:
    """Serve the working tree as the next release."""
    (folder / "server").mkdir()
    return served(small.path, folder / "server", release)


def said(found: Iterator[Refusal]) -> list[str]:
    """Write refusals as people see them."""
    return list(map(str, found))


def begin(text: str) -> str:
    """Return the remedy for a default."""
    return f"begin its default with {{{{ {text} else …"
