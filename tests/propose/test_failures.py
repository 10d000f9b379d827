"""A failure is reported in one line, and the next run continues."""

import re
from pathlib import Path

import pytest

from formwork.cli import main
from tests.harness import commit_everything, git
from tests.propose.examples import Run, mine, on_github, release, shown
from tests.propose.fake_forge import Answer, FakeForge, FakeGitHub
from tests.small import COPIER_YML, SmallTemplate, put


def test_without_any_token_it_says_how(
    forge: FakeForge, checkout: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert checkout.is_dir()
    for name in ("FORMWORK_TOKEN", "GITHUB_TOKEN"):
        monkeypatch.setenv(name, "")
    assert main(["propose"]) == 1
    said = capsys.readouterr().err
    assert re.fullmatch(r"error: there is no token to propose with: set FORMWORK_TOKEN, a .+\n", said)
    for name in ("GITHUB_API_URL", "CI_API_V4_URL"):
        monkeypatch.delenv(name, raising=False)
    assert main(["propose"]) == 1
    assert capsys.readouterr().err == (
        "error: neither GitHub Actions nor GitLab CI runs this; elsewhere: uvx nox -s update\n"
    )
    assert forge.calls == []


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_failing_forge_is_one_line_and_mends(forge: FakeForge, small: SmallTemplate, run: Run, method: str) -> None:
    """The next run goes on, even if the branch was already pushed."""
    requests = "pulls" if isinstance(forge, FakeGitHub) else "merge_requests"
    forge.failures[method, requests] = (500, {"message": "Server\nError"})
    release(small, "1.1.0")
    status, said = run()
    assert status == 1
    assert re.fullmatch(rf"error: {method} \S+/{requests}: 500 Server Error", said)
    assert bool(git(forge.bare, "branch", "--list", "template/*")) == (method == "POST")
    forge.failures.clear()
    assert run()[0] == 0
    assert len(forge.requests) == 1


@on_github
@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ((502, b"<html>Bad\ngateway</html>"), "502 <html>Bad gateway</html>"),
        ((422, {"message": "Invalid", "errors": [{"code": "x"}]}), "422 Invalid; [{'code': 'x'}]"),
        ((200, b"<html>Welcome</html>"), "Expecting value: line 1 column 1 (char 0)"),
    ],
)
def test_whatever_a_server_says_is_one_line(
    forge: FakeForge, small: SmallTemplate, run: Run, answer: Answer, reason: str
) -> None:
    """Not everything that answers is a forge."""
    forge.failures["GET", "/pulls"] = answer
    release(small, "1.1.0")
    assert run() == (1, f"error: GET /repos/example/wine/pulls: {reason}")


def test_closing_is_made_up_for(forge: FakeForge, small: SmallTemplate, run: Run) -> None:
    """A run that fails between opening and closing leaves the rest to the next run."""
    old = forge.add("Update the template to v1.0.5", branch="template/v1.0.5")
    release(small, "1.1.0")
    method = "PATCH" if isinstance(forge, FakeGitHub) else "PUT"
    forge.failures[method, "/1"] = (500, {})
    assert run()[0] == 1
    forge.failures.clear()
    assert run()[0] == 0
    assert old.state == "closed"
    assert len(forge.items) == 2


@on_github
def test_nobodys_commits_are_overwritten(forge: FakeForge, small: SmallTemplate, checkout: Path, run: Run) -> None:
    """A branch of that name without a request may belong to somebody else."""
    mine(forge, checkout, mine_md="Mine.\n")
    git(forge.bare, "branch", "template/v1.1.0", "main")
    release(small, "1.1.0")
    problem = "the branch template/v1.1.0 has somebody else's commits: delete or rename it"
    assert run() == (1, f"error: {problem}")
    assert git(forge.bare, "rev-parse", "template/v1.1.0") == git(forge.bare, "rev-parse", "main")
    assert forge.items == []


@on_github
def test_a_server_that_is_gone_is_one_line(forge: FakeForge, small: SmallTemplate, run: Run) -> None:
    release(small, "1.1.0")
    assert run(GITHUB_API_URL="http://127.0.0.1:9")[0] == 1
    forge.bare.rename(forge.bare.with_name("elsewhere"))
    assert run()[1].startswith("error: git clone: ")


@on_github
def test_an_update_that_refuses_is_told(forge: FakeForge, small: SmallTemplate, run: Run) -> None:
    release(small, "1.1.0", **{"copier.yml": COPIER_YML.replace("[low, ", "[")})
    status, said = run()
    assert status == 1
    assert "v1.1.0 refuses: " in said
    assert forge.items == []


@pytest.mark.usefixtures("fake_uv")
@pytest.mark.parametrize(
    ("own", "new", "lock"),
    [("a = 1\n", "a = 1\nb = 2\n", "locked"), ("a = 1\n", "a = 1\nnonsense\n", "old"), ("a = 3\n", "a = 2\n", "old")],
    ids=["locks", "cannot lock", "conflicts"],
)
@on_github
def test_the_lock_follows(
    forge: FakeForge, small: SmallTemplate, checkout: Path, run: Run, own: str, new: str, lock: str
) -> None:
    project = "template/pyproject.toml"
    release(small, "1.1.0", **{project: "a = 1\n"})
    small.generate(checkout.parent / "other", "v1.1.0")
    answers = (checkout.parent / "other/.copier-answers.yml").read_text("utf-8")
    work = checkout.parent / "other"
    put(work, {"pyproject.toml": own, "uv.lock": "old\n", ".copier-answers.yml": answers})
    commit_everything(work, "Mine")
    git(work, "push", "--quiet", "--force", str(forge.bare), "HEAD:main")
    release(small, "1.2.0", **{project: new})
    assert run()[0] == 0
    [request] = forge.requests
    assert request.is_draft == (lock == "old")
    assert shown(forge, "uv.lock", request.branch) == lock
    assert ("`uv lock` failed:\n\n```text\nerror: no nonsense\n```" in request.body) == ("nonsense" in new)
