"""Seeds: files that a template writes once and that then belong to the owner of the repository.

copier.yml names them in `_exclude`, each in an entry that is empty unless somebody updates:
`{% if _copier_operation == 'update' %}/README.md{% endif %}`. A seed that is new in a release, and so has to arrive by
an update, is in `_skip_if_exists` instead.
"""

import re
from collections.abc import Mapping
from typing import Any

ENTRY = re.compile(r"\{% if _copier_operation == 'update' %\}/(?P<path>.+)\{% endif %\}")
NAME = re.compile(r"\{\{ *(\w+) *\}\}")


def seeds_in(settings: Mapping[str, Any]) -> list[str]:
    """List the paths of the seeds as copier.yml writes them, with the names of answers in doubled braces."""
    excluded, skipped = (settings.get(name, []) for name in ("_exclude", "_skip_if_exists"))
    entries = (ENTRY.fullmatch(str(entry)) for entry in excluded if isinstance(excluded, list))
    return [*(entry["path"] for entry in entries if entry), *(skipped if isinstance(skipped, list) else [])]


def filled_in(path: str, answers: Mapping[str, Any]) -> str:
    """Replace the names of answers in a path with the answers."""
    return NAME.sub(lambda match: str(answers.get(match[1], "")), path)
