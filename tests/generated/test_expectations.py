"""What others expect of a repository: Scientific Python's review, and zizmor's of the workflows."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.generated.repository import generate
from tests.harness import Template

# Each with the reason why a generated repository differs on purpose.
IGNORED = {
    "PC": "hooks are local and run from the lock, so that no commit needs the network",
    "RTD": "the site is not hosted on Read the Docs",
    "SEC001": "zizmor runs in `nox -s lint`, not as a hook by address",
    "GH200": "the template moves the actions, no bot",
    "GH210": "the template moves the actions, no bot",
}
IGNORED_ON_GITLAB = {"GH": "there are no GitHub workflows"}


@pytest.mark.parametrize("ci", ["github", "gitlab"])
def test_the_review_finds_no_failed_check(template: Template, tmp_path: Path, ci: str) -> None:
    """Beside what is done otherwise on purpose."""
    repository = generate(template, tmp_path / "repository", ci=ci, description="A test", author_name="Jane")
    ignored = IGNORED | (IGNORED_ON_GITLAB if ci == "gitlab" else {})
    command = [sys.executable, "-m", "repo_review", "--format=json", f"--ignore={','.join(ignored)}"]
    done = subprocess.run([*command, str(repository.path)], capture_output=True, encoding="utf-8", check=False)
    checks = json.loads(done.stdout)["checks"]
    assert len(checks) > 30
    failed = {name: check["err_msg"] for name, check in checks.items() if check["result"] is False}
    assert failed == {}


def test_zizmor_finds_nothing_in_the_workflows(template: Template, tmp_path: Path) -> None:
    """At its most pedantic."""
    repository = generate(template, tmp_path / "repository", ci="github")
    zizmor = Path(sys.executable).with_name("zizmor")
    command = [str(zizmor), "--offline", "--persona=pedantic", str(repository.path / ".github")]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", check=False)
    assert done.returncode == 0, done.stdout
    assert "No findings to report" in done.stdout + done.stderr
