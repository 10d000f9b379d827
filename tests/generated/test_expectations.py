"""What others expect of a repository: Scientific Python's review, and zizmor's of the workflows."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

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
    """Checks that the template fails on purpose are left out."""
    repository = generate(template, tmp_path / "repository", ci=ci, description="A test", author_name="Jane")
    ignored = IGNORED | (IGNORED_ON_GITLAB if ci == "gitlab" else {})
    command = [sys.executable, "-m", "repo_review", "--format=json", f"--ignore={','.join(ignored)}"]
    done = subprocess.run([*command, str(repository.path)], capture_output=True, encoding="utf-8", check=False)
    checks = json.loads(done.stdout)["checks"]
    assert len(checks) > 30
    failed = {name: check["err_msg"] for name, check in checks.items() if check["result"] is False}
    assert failed == {}


def test_zizmor_finds_nothing_in_the_workflows(template: Template, tmp_path: Path) -> None:
    """The most pedantic persona of zizmor is used."""
    repository = generate(template, tmp_path / "repository", ci="github")
    zizmor = Path(sys.executable).with_name("zizmor")
    command = [str(zizmor), "--offline", "--persona=pedantic", str(repository.path / ".github")]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", check=False)
    assert done.returncode == 0, done.stdout
    assert "No findings to report" in done.stdout + done.stderr


PROPOSE = "uvx nox -s propose"


def test_github_proposes_updates_by_the_week(template: Template, tmp_path: Path) -> None:
    """Only one step gets both tokens, and no job has a right that it does not need."""
    repository = generate(template, tmp_path / "repository", ci="github")
    workflow = yaml.safe_load((repository.path / ".github/workflows/update.yml").read_text("utf-8"))
    assert set(workflow[True]) == {"schedule", "workflow_dispatch"}  # YAML reads `on` as a boolean
    assert workflow["permissions"] == {}
    [job] = workflow["jobs"].values()
    assert job["permissions"] == {"contents": "read", "issues": "write", "pull-requests": "read"}
    assert "env" not in workflow | job
    *before, step = job["steps"]
    assert not any("env" in other or "run" in other for other in before)
    assert step["run"] == PROPOSE
    assert step["env"] == {
        "FORMWORK_TOKEN": "${{ secrets.FORMWORK_TOKEN }}",
        "GITHUB_TOKEN": "${{ github.token }}",
    }


def test_gitlab_proposes_updates_in_schedules(template: Template, tmp_path: Path) -> None:
    """The scheduled pipelines do nothing else."""
    repository = generate(template, tmp_path / "repository", ci="gitlab")
    jobs = yaml.safe_load((repository.path / ".gitlab-ci.yml").read_text("utf-8"))
    assert jobs["update"]["script"] == [PROPOSE]
    assert jobs["update"]["stage"] in jobs["stages"]
    schedule = {"if": '$CI_PIPELINE_SOURCE == "schedule"'}
    assert jobs["update"]["rules"] == [schedule]
    assert jobs["check"]["rules"][0] == schedule | {"when": "never"}
