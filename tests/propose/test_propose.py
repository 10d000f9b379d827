"""The scheduled proposal of a release: what is opened, what is closed, and what never happens again."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml

from formwork.cli import main
from formwork.proposing.markdown import block, quiet
from tests.harness import commit_everything, git, tree
from tests.propose.fake_forge import JOB, TOKEN, Answer, FakeForge, FakeGitHub, FakeGitLab, served
from tests.small import COPIER_YML, FILES, SmallTemplate, put

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


@pytest.fixture(params=[FakeGitHub, FakeGitLab])
def forge(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeForge]:
    """A forge of each kind, with a token that may do everything."""
    for name in ("GITHUB_API_URL", "GITHUB_TOKEN", "CI_API_V4_URL", "VIRTUAL_ENV"):
        monkeypatch.delenv(name, raising=False)
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.setenv(name, "127.0.0.1")
    with served(request.param(tmp_path / "server")) as forge:
        for name, value in {**forge.env(), "FORMWORK_TOKEN": TOKEN}.items():
            monkeypatch.setenv(name, value)
        yield forge


on_github = pytest.mark.parametrize("forge", [FakeGitHub], indirect=True)


@pytest.fixture
def checkout(forge: FakeForge, repository: Path) -> Path:
    """The repository as continuous integration has it: with its origin on the forge."""
    git(repository.parent, "clone", "--quiet", "--bare", str(repository), str(forge.bare))
    git(repository, "remote", "add", "origin", forge.origin)
    return repository


@pytest.fixture
def run(forge: FakeForge, checkout: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run the script, which says one line and no token."""
    tokens = {name: value for name, value in {**forge.env(), "FORMWORK_TOKEN": TOKEN}.items() if "TOKEN" in name}

    def run(**changed: str) -> tuple[int, str]:
        for name, value in {**tokens, **changed}.items():
            monkeypatch.setenv(name, value)
        status = main(["propose"])
        said = capsys.readouterr()
        text = said.out + said.err
        assert text.count("\n") == 1, text
        assert text.startswith("error: ") == bool(said.err) == (status == 1)
        assert TOKEN not in text
        assert JOB not in text
        return status, text.strip()

    assert Path.cwd() == checkout
    return run


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
    """Commit to the default branch on the forge, of which the checkout at hand knows nothing."""
    work = checkout.parent / "work"
    git(checkout.parent, "clone", "--quiet", str(forge.bare), str(work))
    put(work, {name.replace("__", "/").replace("_", "."): content for name, content in files.items()})
    commit_everything(work, "Mine")
    git(work, "push", "--quiet", "origin", "HEAD")


def shown(forge: FakeForge, path: str, branch: str = "template/v1.1.0") -> str:
    """Show a file of a branch on the forge."""
    return git(forge.bare, "show", f"{branch}:{path}")


# --------------------------------------------------------------------------------- what is opened


def test_one_request_with_the_update(
    forge: FakeForge, small: SmallTemplate, checkout: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It begins at the default branch as it is on the forge; the checkout at hand stays as it is."""
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
    """Private repositories of a free account have none."""
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


# -------------------------------------------------------------------------------- once, never again


def test_not_twice(forge: FakeForge, small: SmallTemplate, run: Run) -> None:
    release(small, "1.1.0")
    assert run()[0] == 0
    tip = git(forge.bare, "rev-parse", "template/v1.1.0")
    status, said = run()
    assert (status, said) == (0, f"Update the template to v1.1.0: open already, {forge.address}/example/wine/1")
    assert len(forge.items) == 1
    assert git(forge.bare, "rev-parse", "template/v1.1.0") == tip


def test_never_again(forge: FakeForge, small: SmallTemplate, run: Run) -> None:
    """This holds however long ago it was, and if the branch is gone."""
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
    """Neither an issue of that title nor a branch of that name in a fork does it."""
    forge.add("Update the template to v1.1.0", state="closed")
    forge.add("Mine", branch="template/v1.1.0", of_a_fork=True, state="closed")
    release(small, "1.1.0")
    assert run()[1].startswith("Update the template to v1.1.0: opened")
    assert len(forge.items) == 3


# ---------------------------------------------------------------------------------------- issues


def test_a_refused_branch_becomes_an_issue(forge: FakeForge, small: SmallTemplate, run: Run) -> None:
    """It is opened once, as requests are, and a newer one replaces it."""
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
    """It is written with the token of the run, and an earlier request is left alone."""
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
    """GitHub answers that issues are gone."""
    forge.failures["GET", "/issues"] = (410, {"message": "Issues has been disabled in this repository."})
    release(small, "1.1.0")
    assert run()[0] == 0
    assert len(forge.requests) == 1


# --------------------------------------------------------------------------------- what goes wrong


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
    """The next run goes on, also if the branch was pushed already."""
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
    """A run that fails between opening and closing leaves the rest to the next."""
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
    """A branch of that name without a request may be somebody's."""
    mine(forge, checkout, mine_md="Mine.\n")
    git(forge.bare, "branch", "template/v1.1.0", "main")
    release(small, "1.1.0")
    problem = "the branch template/v1.1.0 has commits of somebody else: delete or rename it"
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


# --------------------------------------------------------------------------------------- the lock


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


# --------------------------------------------------------------------------------- what others wrote

Z = "\u200b"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Thanks to @octocat and @org/team.", f"Thanks to @{Z}octocat and @{Z}org/team."),
        ("Fixes #12, owner/repo#1, GH-3 and !4.", f"Fixes #{Z}12, owner/repo#{Z}1, GH-{Z}3 and !{Z}4."),
        ("See &#64;octocat &commat;x &amp; &1", f"See &{Z}#{Z}64;octocat &{Z}commat;x &{Z}amp; &{Z}1"),
        ("[issue:3] [a](b)", f"[{Z}issue:3] [a](b)"),
        ("## 1.0.0\n\n# A & b!", "## 1.0.0\n\n# A & b!"),
        ("Use `a@b`, then ``#1 <c>`` @x", f"Use `a@b`, then ``#1 <c>`` @{Z}x"),
        ("`open @a\nclosed` and ` @b `", f"`open @{Z}a\nclosed` and ` @{Z}b `"),
        ("x ` y\nz ` @a ` w", f"x ` y\nz ` @{Z}a ` w"),
        ("`a` \\` @b `\n\n`@c`", f"`a` \\` @{Z}b `\n\n`@c`"),
        ("| ` | @a ` |", f"| ` | @{Z}a ` |"),
        ('<a title="`">@a ` <!--', f'<{Z}a title="`">@a ` <{Z}!--'),
        ("```\n@a\n```", f"```\n@{Z}a\n```"),
        ("``` @a ```", f"``` @{Z}a ```"),
        ("`\r@a` @b", f"`\n@{Z}a` @{Z}b"),
        ("/merge\n  /close now\na /b", f"/{Z}merge\n  /{Z}close now\na /b"),
        ("[#5](https://github.com/a/b/pull/5)", f"[#{Z}5](https://redirect.github.com/a/b/pull/5)"),
        ("https://gitlab.com/a/b/-/issues/5", f"https://gitlab.com/a/b/-/{Z}issues/5"),
        ("https://example.org/a#b?c=1&d=2", "https://example.org/a#b?c=1&d=2"),
    ],
)
def test_the_changelog_calls_nobody(text: str, expected: str) -> None:
    """No mention, reference, tag or command is left; code stays as it is if it can be read in one way only."""
    assert quiet(text) == expected


def test_a_block_holds_what_is_in_it() -> None:
    """Its fence is longer than any in it."""
    assert block("a ```` @b") == "`````text\na ```` @b\n`````"


@on_github
def test_a_long_changelog_fits(forge: FakeForge, small: SmallTemplate, run: Run) -> None:
    """GitHub refuses more than 65 536 characters."""
    release(small, "1.1.0", "@a\n" * 30_000)
    assert run()[0] == 0
    assert len(forge.items[0].body) < 65_536
    assert forge.items[0].body.endswith("(and so on)")
