"""A repository runs the template's own tool, of the commit that it records."""

import re
from pathlib import Path

import pytest

from tests.generated.repository import Repository, generate
from tests.harness import Template


@pytest.fixture(scope="module")
def repository(template: Template, tmp_path_factory: pytest.TempPathFactory) -> Repository:
    """Return a repository that has not been set up."""
    return generate(template, tmp_path_factory.mktemp("tool") / "repository")


def record(repository: Repository, source: str, commit: str) -> None:
    """Record where the template is, as copier does."""
    answers = repository.path / ".copier-answers.yml"
    text = re.sub(r"(?m)^_(commit|src_path): .*\n", "", answers.read_text("utf-8"))
    lines = [f"_commit: {commit}\n" if commit else "", f"_src_path: {source}\n"]
    answers.write_text("".join(lines) + text, "utf-8")


def update(repository: Repository, programs: Path) -> str:
    """Update with a `uvx` that only prints its arguments, and return the output."""
    programs.mkdir(exist_ok=True)
    fake = programs / "uvx"
    fake.write_text('#!/bin/sh\necho "called: $@"\n', "utf-8")
    fake.chmod(0o755)
    uv = repository.run("uvx", "python", "-c", "import os; print(os.environ['UV'])").stdout.strip()
    path = f"{programs}:{repository.env['PATH']}"
    done = repository.run(uv, "tool", "run", "nox", "-s", "update", "--", "--dry-run", check=False, PATH=path)
    return done.stdout + done.stderr


@pytest.mark.parametrize(
    ("source", "commit", "called"),
    [
        ("gh:owner/name", "v0.3.0", "git+https://github.com/owner/name@v0.3.0"),
        ("gl:group/sub/name", "v0.3.0", "git+https://gitlab.com/group/sub/name@v0.3.0"),
        ("https://example.org/fork.git", "v0.3.0", "git+https://example.org/fork.git@v0.3.0"),
        ("git+https://example.org/fork", "v0.3.0-4-gabc1234", "git+https://example.org/fork@abc1234"),
        ("ssh://git@example.org:22/fork.git", "abc1234", "git+ssh://git@example.org:22/fork.git@abc1234"),
        ("git@example.org:group/fork.git", "v1.0.0", "git+ssh://git@example.org/group/fork.git@v1.0.0"),
        ("git+file:///srv/fork.git", "v1.0.0", "git+file:///srv/fork.git@v1.0.0"),
        ("file:///srv/fork.git", "v1.0.0", "git+file:///srv/fork.git@v1.0.0"),
        ("'gh:owner/name'", "'1234567'", "git+https://github.com/owner/name@1234567"),
    ],
)
def test_the_tool_is_the_one_of_the_recorded_commit(
    repository: Repository, tmp_path: Path, source: str, commit: str, called: str
) -> None:
    record(repository, source, commit)
    assert f"called: --from {called} formwork update --dry-run" in update(repository, tmp_path / "programs")


def test_the_template_may_be_a_folder(repository: Repository, tmp_path: Path) -> None:
    folder = tmp_path / "my templates" / "form work"
    folder.mkdir(parents=True)
    record(repository, str(folder), "v0.3.0")
    said = update(repository, tmp_path / "programs")
    assert f"called: --from git+{folder.as_uri()}@v0.3.0 formwork update --dry-run" in said
    assert "%20" in folder.as_uri()


def test_where_no_commit_is_recorded_one_line_says_so(repository: Repository, tmp_path: Path) -> None:
    record(repository, "gh:owner/name", "")
    said = update(repository, tmp_path / "programs")
    assert "called" not in said
    assert (
        "the template cannot be found again: .copier-answers.yml names no commit of it "
        "(was it an archive, or a dirty tree?)"
    ) in said
