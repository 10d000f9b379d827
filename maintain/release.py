"""Release the working tree, or say with --check what speaks against it.

A release is a commit with the subject `Release X.Y.Z`. Everything is checked before anything is
written; what the repositories of earlier releases need is in compatibility.py.
"""

import argparse
import datetime
import re
import sys
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import yaml
from copier.errors import CopierError

from formwork import git
from formwork.errors import FormworkError, reported
from maintain import ROOT
from maintain.compatibility import refusals
from maintain.releases import PROJECT, VERSION, numbers, releases_in, served, surroundings

CHANGELOG = Path("CHANGELOG.md")

VERSION_LINE = re.compile(r'^version = ".*"$', re.MULTILINE)
UNRELEASED = re.compile(r"^## Unreleased\n(?P<text>.*?)(?=^## |\Z)", re.MULTILINE | re.DOTALL)

PUBLISH = """\
{version} is committed. Publish it:

    git tag v{version}
    git push --atomic origin main v{version}"""


def main(arguments: list[str] | None = None) -> int:
    """Check, then write, then commit."""
    options = parse(arguments)
    work = partial(release, options.root, options.version, is_check=options.check)
    return reported(work, CopierError, ValueError, yaml.YAMLError)


def parse(arguments: list[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("version", help="of the release, as X.Y.Z")
    parser.add_argument("--check", action="store_true", help="only check the working tree, finished or not")
    parser.add_argument("--root", type=Path, default=ROOT, help="the template's repository (default: this one)")
    return parser.parse_args(arguments)


def release(root: Path, version: str, *, is_check: bool) -> int:
    """Release the working tree as a version, or only check it."""
    require_next(root, version)
    files = {} if is_check else prepared(root, version)
    require_nothing_lost(root, version)
    if is_check:
        print(f"{version} can be released")
        return 0
    commit(root, version, files)
    print(PUBLISH.format(version=version))
    return 0


def require_next(root: Path, version: str) -> None:
    """Check that the version comes after all others."""
    if not VERSION.fullmatch(version):
        message = f"{version} is not a version: write it as X.Y.Z"
        raise FormworkError(message)
    last = max(releases_in(root), key=numbers, default="v0.0.0")
    if numbers(version) <= numbers(last):
        message = f"{version} does not come after {last}, the last release"
        raise FormworkError(message)
    if git.text(root, "tag", "--list", f"v{version}"):
        message = f"the tag v{version} exists, without a commit `Release {version}` on this branch"
        raise FormworkError(message)


def prepared(root: Path, version: str) -> dict[Path, str]:
    """Check that the working tree is ready, and return what the files of the release will hold."""
    if (branch := git.text(root, "branch", "--show-current")) != "main":
        message = f"this is not main but {branch or 'no branch'}: releases are made on main"
        raise FormworkError(message)
    if changes := git.text(root, "status", "--porcelain", "--untracked-files=all", env=surroundings()):
        message = f"the working tree is not clean, commit or remove: {changes}"
        raise FormworkError(message)
    today = datetime.date.today().isoformat()
    return {
        root / PROJECT: with_version((root / PROJECT).read_text(encoding="utf-8"), version),
        root / CHANGELOG: with_date((root / CHANGELOG).read_text(encoding="utf-8"), version, today),
    }


def with_version(text: str, version: str) -> str:
    """Write the version into pyproject.toml."""
    text, count = VERSION_LINE.subn(f'version = "{version}"', text)
    if count != 1:
        message = f'{PROJECT} has {count} lines that begin with `version = "`: there has to be one'
        raise FormworkError(message)
    return text


def with_date(text: str, version: str, today: str) -> str:
    """Turn the section of unreleased changes into one for today's release."""
    section = UNRELEASED.search(text)
    if not section or not re.search(r"^(?!#).*\S", section["text"], re.MULTILINE):
        message = f"{CHANGELOG} has no text below `## Unreleased`: say what changes for repositories that update"
        raise FormworkError(message)
    return f"{text[: section.start()]}## {version} ({today})\n{text[section.start('text') :]}"


def commit(root: Path, version: str, files: Mapping[Path, str]) -> None:
    """Write the files and commit them as the person who releases; leave nothing behind if that fails."""
    before = {path: path.read_bytes() for path in files}
    try:
        for path, text in files.items():
            path.write_text(text, encoding="utf-8", newline="\n")
        # With the settings and the hooks of the person who releases.
        git.run(root, "commit", "--quiet", "--message", f"Release {version}", "--", *map(str, files), settings={})
    except BaseException:
        for path, content in before.items():
            path.write_bytes(content)
        raise


def require_nothing_lost(root: Path, version: str) -> None:
    """Check the working tree against every earlier release, and report everything that prevents it."""
    with TemporaryDirectory(prefix="formwork-release-") as folder:
        found = refusals(served(root, Path(folder), f"v{version}"), Path(folder))
    if found:
        print(*found, sep="\n", file=sys.stderr)
        message = f"{version} cannot be released, for {'one reason' if len(found) == 1 else f'{len(found)} reasons'}"
        raise FormworkError(message)


if __name__ == "__main__":
    sys.exit(main())
