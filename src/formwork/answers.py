"""What a repository records about its template: the answers, the release, and where the template is."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml

from formwork.errors import FormworkError, in_one_line

ANSWERS = ".copier-answers.yml"
UPSTREAM = "gh:formwork-ml/formwork"

SHORT_FORMS = {"gh:": "https://github.com/", "gl:": "https://gitlab.com/"}
# user@host:path and host:path, but neither C:/path nor https://host/path
SCP_LIKE = re.compile(r"([\w.-]+@)?[\w.-]{2,}:(?!//).+")


@dataclass(frozen=True)
class Recorded:
    """The content of the answers file.

    Attributes:
        values: All of it, as copier records it.
        url: Where the template is, in copier's spelling.
        commit: The release, or another commit of the template.
    """

    values: Mapping[str, Any]
    url: str
    commit: str


def read_answers(path: Path) -> dict[str, Any]:
    """Read the answers file.

    Raises:
        FormworkError: If it is missing or does not hold a mapping.
    """
    try:
        values = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        message = f"there is no {ANSWERS} here: run this where the generated repository begins"
        raise FormworkError(message) from error
    except (yaml.YAMLError, ValueError) as error:  # bytes that are no text, or a date that does not exist
        message = f"{ANSWERS} is not valid YAML: git restore {ANSWERS} ({in_one_line(error)})"
        raise FormworkError(message) from error
    return values if isinstance(values, dict) else {}


def read_recorded(folder: Path) -> Recorded:
    """Read what the repository in a folder records about its template.

    Raises:
        FormworkError: If there is no answers file, or it does not name the template and its release.
    """
    values = read_answers(folder / ANSWERS)
    if "_src_path" not in values:
        message = f"{ANSWERS} names no release (_commit) or no template (_src_path): add it"
        raise FormworkError(message)
    if "_commit" not in values:
        raise FormworkError(without_release(f"{ANSWERS} names no release of the template (_commit)"))
    return Recorded(values, str(values["_src_path"]), str(values["_commit"]))


def without_release(problem: str) -> str:
    """Explain why a repository whose release is unknown cannot be updated, and what to do about it."""
    cause = "the repository was generated from an archive, from uncommitted changes or from a branch that is not there"
    remedy = f"write the release that it is closest to into {ANSWERS}, for example _commit: v0.2.0, and commit"
    return f"{problem}, so there is nothing to compare a newer release with; perhaps {cause}: {remedy}"


def address(url: str) -> str:
    """Turn the address that copier records into one that git understands.

    Args:
        url: `gh:owner/name`, `gl:owner/name`, an address of git with or without `git+`, or an absolute path,
            which may begin with `~`.

    Raises:
        FormworkError: If it is a relative path, whose meaning depends on the current folder.
    """
    for short, host in SHORT_FORMS.items():
        if url.startswith(short):
            return host + url.removeprefix(short).lstrip("/")
    url = url.removeprefix("git+")
    if "://" in url or SCP_LIKE.fullmatch(url):
        return url
    path = Path(url).expanduser()
    if not path.is_absolute():
        message = f"the path {url} of the template ({ANSWERS}) is relative: write the absolute path or a URL there"
        raise FormworkError(message)
    return str(path)


def recorded_url(origin: str) -> str:
    """Spell the address of a clone without a password and so that copier takes it for a git repository."""
    url = without_password(origin)
    is_known = url.endswith(".git") or url.startswith(("git@", "git+", *SHORT_FORMS, *SHORT_FORMS.values()))
    return url if is_known else f"git+{url}"


def without_password(url: str) -> str:
    """Remove the credentials from a URL, but keep the user that SSH needs."""
    parts = urlsplit(url)
    if "://" not in url or "@" not in parts.netloc:
        return url
    user, _, host = parts.netloc.rpartition("@")
    user = user.partition(":")[0] + "@" if "ssh" in parts.scheme else ""
    return url.replace(parts.netloc, user + host, 1)
