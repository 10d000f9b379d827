"""The files that a template writes once: from then on they belong to the owner of the repository.

copier.yml names them in `_exclude`, each in an entry that is empty unless somebody updates:
`{% if _copier_operation == 'update' %}/README.md{% endif %}`. A further condition may follow with `and`.
"""

import re
from collections.abc import Mapping
from typing import Any

ENTRY = re.compile(r"\{% if _copier_operation == 'update'(?: and .+?)? %\}/(?P<path>.+)\{% endif %\}")
NAME = re.compile(r"\{\{ *(\w+) *\}\}")


def seeds_in(settings: Mapping[str, Any]) -> list[str]:
    """List the paths as copier.yml writes them, with the names of answers in doubled braces."""
    excluded = settings.get("_exclude", [])
    entries = (ENTRY.fullmatch(str(entry)) for entry in excluded if isinstance(excluded, list))
    return [entry["path"] for entry in entries if entry]


def filled_in(path: str, answers: Mapping[str, Any]) -> str:
    """Put answers where a path names them."""
    return NAME.sub(lambda match: str(answers.get(match[1], "")), path)
