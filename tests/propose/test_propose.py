"""The scheduled proposal of a release: what is opened, what is closed, and what is never repeated."""

import re
from pathlib import Path

import pytest
import yaml

from tests.harness import git, tree
from tests.propose.examples import GUIDE, HOOK, WORKFLOW, Run, mine, on_github, release, second_line, shown
from tests.propose.fake_forge import JOB, TOKEN, FakeForge
from tests.small import COPIER_YML, SmallTemplate


def test_one_request_with_the_update(
    forge: FakeForge, small: SmallTemplate, checkout: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The request starts from the forge's default branch, and the local checkout stays as it is."""
    mine(forge, checkout, mine_md="Mine.\n")
    release(small, "1.1.0", "First of all, @octocat.")
    release(small, "1.2.0", "Then another.")
    (checkout / "README.md").write_text("At work\n", "utf-8")
    before = tree(checkout, without=())
    monkeypatch.setenv("GIT_TRACE", str(trace := checkout.parent / "trace"))
    status, said = run()
    monkeypatch.delenv("GIT_TRACE")
    assert (status, said) == (0, f"Update the template to v1.2.0: opened, {forge.address}/example/wine/1")
    assert tree(checkout, without=()) == before
    [request] = forge.items
    assert (request.title, request.branch, request.base) == (
        "Update the template to v1.2.0",
        "template/v1.2.0",
        "main",
    )
    assert not request.is_draft
    assert re.search(r"^  updated +docs/guide.md$", request.body, re.MULTILINE)
    assert "## 1.1.0 (2026-02-01)\n\nFirst of all, @\u200boctocat." in request.body
    assert "Then another." in request.body
    assert "The first." not in request.body
    assert "git switch template/v1.2.0" in request.body
    assert "As of 1.2.0." in shown(forge, "docs/guide.md", request.branch)
    assert "_commit: v1.2.0" in shown(forge, ".copier-answers.yml", request.branch)
    assert shown(forge, "mine.md", request.branch) == "Mine."
    assert git(forge.bare, "rev-parse", "template/v1.2.0^") == git(forge.bare, "rev-parse", "main")
    log = git(forge.bare, "log", "-1", "--format=%an %ae %cn %ce %s%n%b", request.branch)
    who = "Formwork update no-reply@formwork.invalid"
    assert log.strip() == f"{who} {who} Update the template to v1.2.0"
    assert git(forge.bare, "log", "-1", "--format=%cs", request.branch) > "2024"
    held = [file for file in forge.bare.rglob("*") if file.is_file() and TOKEN.encode() in file.read_bytes()]
    assert held == []
    commands = trace.read_text("utf-8")
    assert "git push" in commands
    assert not any(secret in commands for secret in (TOKEN, JOB, "of-the-runner"))


@on_github
def test_nothing_newer_nothing_opened(forge: FakeForge, run: Run) -> None:
    assert run() == (0, "small v1.0.0 is recorded: nothing newer to propose")
    assert forge.calls == []


@on_github
def test_a_new_question_gets_its_default(forge: FakeForge, small: SmallTemplate, run: Run) -> None:
    question = "colour:\n  type: str\n  default: \"{{ colour if colour is defined else 'red' }}\"\n"
    release(small, "1.1.0", **{"copier.yml": COPIER_YML + question})
    assert run()[0] == 0
    assert yaml.safe_load(shown(forge, ".copier-answers.yml"))["colour"] == "red"


def test_conflicts_make_a_draft(forge: FakeForge, small: SmallTemplate, checkout: Path, run: Run) -> None:
    """The markers are in the branch, and the request lists the files."""
    mine(forge, checkout, docs__guide_md=second_line("My line.")[GUIDE], stages_yaml=None)
    release(small, "1.1.0", **{"template/stages.yaml": "one:\n"})
    assert run()[0] == 0
    [request] = forge.requests
    assert re.search(r"^  kept deleted +stages.yaml \(the release changes it\)$", request.body, re.MULTILINE)
    title = "Update the template to v1.1.0"
    assert (request.title, request.is_draft) in ((title, True), (f"Draft: {title}", False))
    assert "disagree here:\n\n```text\ndocs/guide.md\n```\n" in request.body
    assert "`uv lock`, `uvx nox -s check`, commit and push" in request.body
    assert "<<<<<<< yours\nMy line.\n=======\nAs of 1.1.0.\n>>>>>>> v1.1.0\n" in shown(forge, "docs/guide.md")
    assert run()[1].startswith(f"{title}: open already")


@on_github
def test_where_there_are_no_drafts_it_is_none(
    forge: FakeForge, small: SmallTemplate, checkout: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Private repositories of a free account have no drafts."""
    mine(forge, checkout, docs__guide_md=second_line("My line.")[GUIDE])
    release(small, "1.1.0")
    answer = forge.answer

    def without_drafts(method: str, path: list[str], query: dict[str, str], data: dict[str, str], token: str) -> object:
        if data.get("draft"):
            return 422, {"message": "Draft pull requests are not supported in this repository."}
        return answer(method, path, query, data, token)

    monkeypatch.setattr(forge, "answer", without_drafts)
    assert run()[0] == 0
    assert len(forge.requests) == 1


def test_not_twice(forge: FakeForge, small: SmallTemplate, run: Run) -> None:
    release(small, "1.1.0")
    assert run()[0] == 0
    tip = git(forge.bare, "rev-parse", "template/v1.1.0")
    status, said = run()
    assert (status, said) == (0, f"Update the template to v1.1.0: open already, {forge.address}/example/wine/1")
    assert len(forge.items) == 1
    assert git(forge.bare, "rev-parse", "template/v1.1.0") == tip


def test_never_again(forge: FakeForge, small: SmallTemplate, run: Run) -> None:
    """A proposal is not repeated, however long ago it was, and even if its branch is gone."""
    item = forge.add("Update the template to v1.1.0")
    for number in range(250):
        forge.add(f"Work {number}", branch=f"work/{number}", labels=["template"])
        forge.add(f"Question {number}", labels=["template"])
    release(small, "1.1.0")
    for item.branch, item.labels, item.state in (
        ("template/v1.1.0", [], "closed"),
        ("template/v1.1.0", [], "merged"),
        ("", ["template"], "closed"),
    ):
        status, said = run()
        assert (status, said) == (0, f"v1.1.0 was proposed and closed, so not again: {forge.address}/example/wine/1")
    assert len(forge.items) == 501
    assert all(other.state == "open" for other in forge.items[1:])


def test_a_newer_release_takes_the_place(forge: FakeForge, small: SmallTemplate, run: Run) -> None:
    """Open proposals of older releases are closed with a comment; what others have opened is left alone."""
    release(small, "1.1.0")
    run()
    old_issue = forge.add("Update the template to v1.0.5", labels=["template"])
    others = [
        forge.add("Update the template to v1.0.4", labels=["template"], state="closed"),
        forge.add("Of a fork", branch="template/v1.0.1", of_a_fork=True),
        forge.add("Another's", branch="template/new-look"),
        forge.add("Later", branch="template/v9.0.0"),
        forge.add("A release of one's own", branch="v1.0.3"),
        forge.add("Update the template to something else", labels=["template"]),
        *(forge.add(f"Work {number}", branch=f"work/{number}") for number in range(120)),
    ]
    release(small, "1.2.0")
    status, said = run()
    assert status == 0
    newest = forge.items[-1]
    assert (newest.branch, newest.state) == ("template/v1.2.0", "open")
    for item in (forge.items[0], old_issue):
        assert item.state == "closed"
        [comment] = item.comments
        assert comment == f"v1.2.0 is newer and takes the place of this: {said.split()[-1]}"
    assert all(item.state == "open" for item in others[1:])
    assert not any(item.comments for item in others)


def test_a_stranger_cannot_prevent_a_proposal(forge: FakeForge, small: SmallTemplate, run: Run) -> None:
    """Neither an issue of that title nor a branch of that name in a fork prevents a proposal."""
    forge.add("Update the template to v1.1.0", state="closed")
    forge.add("Mine", branch="template/v1.1.0", of_a_fork=True, state="closed")
    release(small, "1.1.0")
    assert run()[1].startswith("Update the template to v1.1.0: opened")
    assert len(forge.items) == 3


def test_a_refused_branch_becomes_an_issue(forge: FakeForge, small: SmallTemplate, run: Run) -> None:
    """The issue is opened once, as requests are, and an issue for a newer release replaces it."""
    hook = forge.bare / "hooks/pre-receive"
    hook.write_text(HOOK, "utf-8")
    hook.chmod(0o755)
    release(small, "1.1.0", "See @octocat.", **{WORKFLOW: "name: Check\n"})
    assert run()[1].startswith("Update the template to v1.1.0: opened")
    [issue] = forge.items
    assert (issue.title, issue.branch) == ("Update the template to v1.1.0", "")
    assert "```text\nuvx nox -s update\n```" in issue.body
    assert "the server refused the branch" in issue.body
    assert "without `workflow` scope" in issue.body
    assert "See @\u200boctocat." in issue.body
    assert git(forge.bare, "branch", "--list", "template/*") == ""
    assert run()[1].startswith("Update the template to v1.1.0: open already")
    assert len(forge.items) == 1
    release(small, "1.2.0")
    run()
    assert [(item.title[-6:], item.state) for item in forge.items] == [("v1.1.0", "closed"), ("v1.2.0", "open")]
    assert "v1.2.0 is newer" in issue.comments[0]
    forge.items[1].state = "closed"
    assert run()[1].startswith("v1.2.0 was proposed and closed")


@on_github
def test_without_a_token_of_ones_own_there_is_an_issue(forge: FakeForge, small: SmallTemplate, run: Run) -> None:
    """The issue is written with the token of the run, and an earlier request is left alone."""
    request = forge.add("Update the template to v1.0.5", branch="template/v1.0.5")
    release(small, "1.1.0")
    assert run(FORMWORK_TOKEN="")[0] == 0
    [issue] = forge.issues
    assert "there is no FORMWORK_TOKEN (a secret with a token that may write contents" in issue.body
    assert "Better." in issue.body
    assert git(forge.bare, "branch", "--list", "template/*") == ""
    assert run(FORMWORK_TOKEN="")[1].startswith("Update the template to v1.1.0: open already")
    assert (request.state, request.comments) == ("open", [])


@on_github
def test_a_token_that_may_not_write_makes_an_issue(forge: FakeForge, small: SmallTemplate, run: Run) -> None:
    release(small, "1.1.0")
    assert run(FORMWORK_TOKEN=JOB)[0] == 0
    assert "error: 403" in forge.issues[0].body


@on_github
def test_a_repository_without_issues_gets_requests(forge: FakeForge, small: SmallTemplate, run: Run) -> None:
    """GitHub answers that issues are disabled."""
    forge.failures["GET", "/issues"] = (410, {"message": "Issues has been disabled in this repository."})
    release(small, "1.1.0")
    assert run()[0] == 0
    assert len(forge.requests) == 1
