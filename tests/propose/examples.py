"""Releases to propose, and what the forge then holds."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.harness import commit_everything, git
from tests.propose.fake_forge import FakeForge, FakeGitHub
from tests.small import FILES, SmallTemplate, put

GUIDE = "template/docs/guide.md"
WORKFLOW = "template/.github/workflows/check.yml"
REFUSAL = "refusing to allow a Personal Access Token to create or update workflow without `workflow` scope"
HOOK = f"""#!/bin/sh
while read old new ref; do
    if git ls-tree -r --name-only $new | grep -q .github/workflows; then
        echo '{REFUSAL}' >&2
        exit 1
    fi
done
"""

Run = Callable[..., tuple[int, str]]


on_github = pytest.mark.parametrize("forge", [FakeGitHub], indirect=True)


def second_line(new: str) -> dict[str, str]:
    """Change a line of the guide."""
    content = FILES[GUIDE]
    assert isinstance(content, str)
    return {GUIDE: content.replace("Second line.", new)}


def release(small: SmallTemplate, number: str, notes: str = "Better.", **more: str) -> None:
    """Release another version of the guide, and say so in the changelog."""
    old = (small.path / "CHANGELOG.md").read_text("utf-8").removeprefix("# Changelog\n\n")
    changelog = f"# Changelog\n\n## {number} (2026-02-01)\n\n{notes}\n\n{old}"
    small.release(number, {**second_line(f"As of {number}."), "CHANGELOG.md": changelog, **more})


def mine(forge: FakeForge, checkout: Path, **files: str | None) -> None:
    """Commit to the default branch on the forge, without the local checkout."""
    work = checkout.parent / "work"
    git(checkout.parent, "clone", "--quiet", str(forge.bare), str(work))
    put(work, {name.replace("__", "/").replace("_", "."): content for name, content in files.items()})
    commit_everything(work, "Mine")
    git(work, "push", "--quiet", "origin", "HEAD")


def shown(forge: FakeForge, path: str, branch: str = "template/v1.1.0") -> str:
    """Show a file of a branch on the forge."""
    return git(forge.bare, "show", f"{branch}:{path}")
