"""Release the working tree, or say with --check what speaks against it.

A release is a commit with the subject `Release X.Y.Z`. Everything is checked before anything is
written; what the repositories of earlier releases need is in updatable.py.
"""

import argparse
import datetime
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

import yaml
from copier.errors import CopierError
from history import PROJECT, VERSION, CommandError, git, numbers, release_of, releases_in
from updatable import one_line, refusals

ROOT = Path(__file__).resolve().parents[1]

CHANGELOG = Path("CHANGELOG.md")

VERSION_LINE = re.compile(r'^version = ".*"$', re.MULTILINE)
UNRELEASED = re.compile(r"^## Unreleased\n(?P<text>.*?)(?=^## |\Z)", re.MULTILINE | re.DOTALL)

PUBLISH = """\
{version} is committed. Publish it:

    git tag v{version}
    git push --atomic origin main v{version}"""


class NotReadyError(Exception):
    """There cannot be this release now."""


def main(arguments: list[str] | None = None) -> int:
    """Check, then write, then commit."""
    options = parse(arguments)
    root, version = options.root, options.version
    try:
        require_next(root, version)
        files = {} if options.check else prepared(root, version)
        require_nothing_lost(root, version)
        if not options.check:
            commit(root, version, files)
    except (NotReadyError, CommandError, CopierError, OSError, ValueError, yaml.YAMLError) as error:
        print(f"error: {one_line(error)}", file=sys.stderr)
        return 1
    if options.check:
        print(f"{version} can be released")
    else:
        print(PUBLISH.format(version=version))
    return 0


def parse(arguments: list[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("version", help="of the release, as X.Y.Z")
    parser.add_argument("--check", action="store_true", help="only check the working tree, finished or not")
    parser.add_argument("--root", type=Path, default=ROOT, help="the template's repository (default: this one)")
    return parser.parse_args(arguments)


# --------------------------------------------------------------------------------- the release


def require_next(root: Path, version: str) -> None:
    """See that the version comes after all others."""
    if not VERSION.fullmatch(version):
        message = f"{version} is not a version: write it as X.Y.Z"
        raise NotReadyError(message)
    last = max(releases_in(root), key=numbers, default="v0.0.0")
    if numbers(version) <= numbers(last):
        message = f"{version} does not come after {last}, the last release"
        raise NotReadyError(message)
    if git(root, "tag", "--list", f"v{version}"):
        message = f"the tag v{version} exists, without a commit `Release {version}` on this branch"
        raise NotReadyError(message)


def prepared(root: Path, version: str) -> dict[Path, str]:
    """See that the working tree is ready, and tell what the files of the release will hold."""
    if (branch := git(root, "branch", "--show-current")) != "main":
        message = f"this is not main but {branch or 'no branch'}: releases are made on main"
        raise NotReadyError(message)
    if changes := git(root, "status", "--porcelain", "--untracked-files=all"):
        message = f"the working tree is not clean, commit or remove: {changes}"
        raise NotReadyError(message)
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
        raise NotReadyError(message)
    return text


def with_date(text: str, version: str, today: str) -> str:
    """Turn what is unreleased into a release of today."""
    section = UNRELEASED.search(text)
    if not section or not re.search(r"^(?!#).*\S", section["text"], re.MULTILINE):
        message = f"{CHANGELOG} has no text below `## Unreleased`: tell what changes for a repository that updates"
        raise NotReadyError(message)
    return f"{text[: section.start()]}## {version} ({today})\n{text[section.start('text') :]}"


def commit(root: Path, version: str, files: Mapping[Path, str]) -> None:
    """Write the files and commit them as the person who releases; leave nothing behind where that fails."""
    before = {path: path.read_bytes() for path in files}
    try:
        for path, text in files.items():
            path.write_text(text, encoding="utf-8", newline="\n")
        git(root, "commit", "--quiet", "--message", f"Release {version}", "--", *map(str, files), surroundings={})
    except BaseException:
        for path, content in before.items():
            path.write_bytes(content)
        raise


def require_nothing_lost(root: Path, version: str) -> None:
    """Check the working tree against every earlier release, and tell all that speaks against it."""
    with TemporaryDirectory(prefix="formwork-release-") as folder:
        found = refusals(release_of(root, Path(folder), f"v{version}"), Path(folder))
    if found:
        print(*found, sep="\n", file=sys.stderr)
        message = f"{version} cannot be released, for {'one reason' if len(found) == 1 else f'{len(found)} reasons'}"
        raise NotReadyError(message)


if __name__ == "__main__":
    sys.exit(main())
