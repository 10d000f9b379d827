#!/usr/bin/env -S uv run --script
# /// script
# requires-python = ">=3.11"
# dependencies = ["copier>=9.19,<10", "packaging>=24", "pyyaml>=6"]
# ///
"""Propose the newest release of the template as a pull or merge request, once.

Continuous integration runs this by the week. It updates a fresh clone of the default branch and
pushes the result as a branch of its own. Where that is not permitted, an issue tells of it.
What was closed is not proposed again, and a newer release takes the place of an older one.

This file is the template's: updates keep it current.
"""

import base64
import contextlib
import io
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlencode, urlsplit
from urllib.request import Request, urlopen

import update
from update import ProblemError, Template, in_one_line, run_git

BRANCH = "template/"
TITLE = "Update the template to "
LABEL = "template"  # of our issues: a stranger cannot give it
MAIL = "no-reply@formwork.invalid"
REFUSED = re.compile(r"\[remote rejected\]|error: 40[13]|denied|Authentication failed")
LONGEST = 10_000  # characters of one part of a text; GitHub takes 65 536 in all

INVISIBLE = "\u200b"
CODE = re.compile(r"((?<![`\\])`[^`|\n]+`(?!`)|(?<![`\\])``[^`|\n]+``(?!`))")
REFERENCE = re.compile(r"@|[#!&](?=\d)|&(?=#?\w+;)|<|\[(?=\w+:)|\bGH-(?=\d)|/-/", re.IGNORECASE)
GITHUB_LINK = re.compile(r"https?://(www\.)?github\.com/", re.IGNORECASE)


# ----------------------------------------------------------------------------------- the story


def main() -> int:
    """Propose, and give the exit status."""
    try:
        with tempfile.TemporaryDirectory(prefix="formwork-") as scratch:
            print(propose(forge_of_this_run(), Path(scratch)))
    except (ProblemError, OSError) as problem:
        print(f"error: {in_one_line(problem)}", file=sys.stderr)
        return 1
    return 0


def propose(forge: "Forge", scratch: Path) -> str:
    """Propose the newest release unless that was done, close what is older, tell about it."""
    clone = Clone.of_default_branch(forge, scratch / "clone")
    recorded = update.read_answers(clone.path / update.ANSWERS)
    template, commit = Template.fetch(recorded["_src_path"], scratch), recorded["_commit"]
    release = template.choose(None, commit)
    if template.is_current(release, commit):
        return f"{template.name} {commit} is recorded: nothing newer to propose"
    known = forge.proposals(BRANCH + release)
    same = [proposal for proposal in known if proposal.release == release]
    if same and not any(proposal.is_open for proposal in same):
        return f"{release} was proposed and closed, so not again: {same[0].url}"
    notes = quiet(clipped("\n\n".join(template.notes(commit, release))))
    url = same[0].url if same else open_proposal(forge, clone, release, notes)
    for proposal in known:
        if proposal.is_open and template.is_older(proposal.release, release):
            forge.close(proposal, f"{release} is newer and takes the place of this: {url}")
    return f"{TITLE}{release}: {'open already' if same else 'opened'}, {url}"


def open_proposal(forge: "Forge", clone: "Clone", release: str, notes: str) -> str:
    """Open a request with the update, or an issue where the branch may not be pushed."""
    title, branch = TITLE + release, BRANCH + release
    reason = f"there is no FORMWORK_TOKEN ({forge.remedy})"
    if forge.token:
        changes = clone.update(release)
        try:
            clone.push(branch, title)
        except ProblemError as problem:
            if not REFUSED.search(str(problem)):
                raise
            reason = f"the server refused the branch ({quiet(clipped(str(problem), 500))})"
        else:
            body = request_body(release, changes, notes)
            return forge.open_request(
                branch, clone.branch, title, body, draft=changes.are_unfinished
            )
    return forge.open_issue(title, issue_body(release, reason, notes))


# ------------------------------------------------------------------------------------ the clone


@dataclass(frozen=True)
class Changes:
    """What becomes of each file, which are in conflict, and why uv.lock could not follow."""

    summary: str
    conflicts: list[str]
    lock_problem: str

    @property
    def are_unfinished(self) -> bool:
        """Whether somebody has to go on by hand."""
        return bool(self.conflicts or self.lock_problem)


@dataclass(frozen=True)
class Clone:
    """A fresh clone of the repository, so that the one at hand stays as it is."""

    path: Path
    branch: str
    env: dict[str, str]

    @classmethod
    def of_default_branch(cls, forge: "Forge", path: Path) -> "Clone":
        """Clone where the repository at hand comes from."""
        origin = os.fsdecode(run_git(Path.cwd(), "remote", "get-url", "origin")).strip()
        if origin.startswith(("http://", "https://")):  # the credentials in it are the runner's
            parts = urlsplit(origin)
            origin = parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
        who = {"NAME": "Formwork update", "EMAIL": MAIL, "DATE": f"@{time.time():.0f} +0000"}
        roles = ("AUTHOR", "COMMITTER")
        ours = {f"GIT_{role}_{key}": value for role in roles for key, value in who.items()}
        env = update.environment() | ours | credentials(forge.server, forge.requests.token)
        run_git(path.parent, "clone", "--quiet", "--depth=1", "--", origin, str(path), env=env)
        head = run_git(path, "symbolic-ref", "--short", "HEAD", env=env)
        return cls(path, os.fsdecode(head).strip(), env)

    def update(self, release: str) -> Changes:
        """Update with the recorded answers, and the defaults of questions that are new."""
        said, problem = io.StringIO(), io.StringIO()
        streams = contextlib.redirect_stdout(said), contextlib.redirect_stderr(problem)
        with contextlib.chdir(self.path), streams[0], streams[1]:
            status = update.main([release])
        unmerged = run_git(self.path, "diff", "--name-only", "--diff-filter=U", "-z")
        conflicts = update.paths_in(unmerged)
        if status and not conflicts:
            raise ProblemError(problem.getvalue().removeprefix("error: "))
        summary = said.getvalue().partition("\n\n")[0]
        summary = re.sub(r": git (show|diff) [0-9a-f ]+\)", ")", summary)  # of this clone only
        return Changes(summary, conflicts, "" if "pyproject.toml" in conflicts else self.lock())

    def lock(self) -> str:
        """Bring uv.lock in step if there is one, and give the reason where that fails."""
        if not (self.path / "uv.lock").exists():
            return ""
        env = {name: value for name, value in os.environ.items() if name != "VIRTUAL_ENV"}
        command = [os.environ.get("UV", "uv"), "lock", "--quiet"]
        done = subprocess.run(command, cwd=self.path, env=env, capture_output=True, check=False)
        return in_one_line(done.stderr.decode(errors="replace")) if done.returncode else ""

    def push(self, branch: str, subject: str) -> None:
        """Commit everything and push it, in the place of nothing but a commit of ours."""
        self.git("add", "--all")
        self.git("commit", "--quiet", "--no-verify", "--no-gpg-sign", "--message", subject)
        tip = self.git("ls-remote", "origin", f"refs/heads/{branch}").partition("\t")[0]
        if tip:
            self.git("fetch", "--quiet", "--depth=1", "origin", f"refs/heads/{branch}")
            if self.git("log", "-1", "--format=%ce", "FETCH_HEAD") != MAIL:
                message = f"the branch {branch} has commits of somebody else: delete or rename it"
                raise ProblemError(message)
        lease = f"--force-with-lease={branch}:{tip}"
        self.git("push", "--quiet", lease, "origin", f"HEAD:refs/heads/{branch}")

    def git(self, *arguments: str) -> str:
        """Run git in the clone, as somebody whom the server knows."""
        return os.fsdecode(run_git(self.path, *arguments, env=self.env)).strip()


# --------------------------------------------------------------------------------- what is said


def request_body(release: str, changes: Changes, notes: str) -> str:
    """Tell what the update does and how to go on with it."""
    parts = [f"The template has a new release, {release}. What becomes of your files:"]
    parts += [block(changes.summary)]
    if changes.conflicts:
        parts += ["You and the release disagree here:", block("\n".join(changes.conflicts))]
    if changes.lock_problem:
        parts += ["`uv lock` failed:", block(changes.lock_problem)]
    if changes.are_unfinished:
        parts += ["To go on, take the branch:"]
        parts += [block(f"git fetch origin\ngit switch {BRANCH}{release}")]
        parts += ["Mend what is named above, then `uv lock`, `uvx nox -s check`, commit and push."]
    else:
        parts += [f"To try it: `git fetch origin`, `git switch {BRANCH}{release}`."]
    return "\n\n".join([*parts, f"Once this is closed, {release} is not proposed again.", notes])


def issue_body(release: str, reason: str, notes: str) -> str:
    """Tell of a release, and how to update to it."""
    parts = [f"The template has a new release, {release}. To update:", block("uvx nox -s update")]
    parts += [f"This is no request with the update made, since {reason}."]
    return "\n\n".join([*parts, f"Once this is closed, {release} is not proposed again.", notes])


def block(text: str) -> str:
    """Show text as it is, whatever is in it."""
    fence = "`" * max(3, 1 + max(map(len, re.findall("`+", text)), default=0))
    return f"{fence}text\n{clipped(text)}\n{fence}"


def clipped(text: str, longest: int = LONGEST) -> str:
    """Shorten what the forge would refuse for its length."""
    return text if len(text) <= longest else f"{text[:longest]}\n\n(and so on)"


def quiet(text: str) -> str:
    """Show Markdown of somebody else so that it calls nobody, links no issue, gives no orders.

    An invisible character goes behind what begins a mention, a reference, a tag, an entity, or a
    command of GitLab. Code stays as it is where its backticks can be read in one way only.
    """
    text = "\n".join(text.splitlines())
    text = re.sub(r"^([ \t]*/)(?=\w)", rf"\1{INVISIBLE}", text, flags=re.MULTILINE)
    return "".join(quiet_paragraph(part) for part in re.split(r"(\n[ \t]*\n)", text))


def quiet_paragraph(text: str) -> str:
    """The same for one paragraph."""
    parts = CODE.split(text)
    if any("`" in part for part in parts[::2]):
        parts = [text]
    for number, part in list(enumerate(parts))[::2]:
        linked = GITHUB_LINK.sub("https://redirect.github.com/", part)
        parts[number] = REFERENCE.sub(rf"\g<0>{INVISIBLE}", linked)
    return "".join(parts)


# ------------------------------------------------------------------------------------ the forge


@dataclass(frozen=True)
class Api:
    """A part of a forge's API, with a token."""

    base: str
    token: str

    def call(self, method: str, path: str, **data: object) -> list[dict[str, Any]]:
        """Send a request, and give what comes back, be it one or many."""
        headers = {"Content-Type": "application/json", "User-Agent": "formwork-update"}
        content = json.dumps(data).encode() if data else None
        request = Request(self.base + path, content, headers, method=method)  # noqa: S310
        request.add_unredirected_header("Authorization", f"Bearer {self.token}")
        try:
            with urlopen(request, timeout=60) as response:  # noqa: S310, the address is the CI's
                answer = json.load(response)
        except (OSError, ValueError) as error:
            message = f"{method} {urlsplit(request.full_url).path}: {reason_of(error)}"
            raise ProblemError(message) from error
        return answer if isinstance(answer, list) else [answer]

    def pages(self, path: str, **query: str) -> list[dict[str, Any]]:
        """List everything there is."""
        found: list[dict[str, Any]] = []
        for page in count(1):
            more = self.call("GET", f"{path}?{urlencode({**query, 'per_page': 100, 'page': page})}")
            found += more
            if len(more) < 100:
                break
        return found


def reason_of(error: Exception) -> str:
    """Give what a forge says to its refusal."""
    if not isinstance(error, HTTPError):
        return str(error)
    text = error.read().decode(errors="replace")
    with contextlib.suppress(ValueError, AttributeError):
        said = json.loads(text)
        text = "; ".join(str(said[key]) for key in ("message", "error", "errors") if said.get(key))
    return f"{error.code} {text[:300]}"


@dataclass(frozen=True)
class Proposal:
    """A request or an issue about a release."""

    path: str
    release: str
    is_open: bool
    url: str


@dataclass(frozen=True)
class GitHub:
    """Pull requests with FORMWORK_TOKEN, issues with the token that each run has.

    The latter may not push workflows, and what it opens starts no checks.
    """

    server: str
    repository: str
    token: str
    requests: Api
    issues: Api

    remedy = "a secret with a token that may write contents, pull requests and workflows"

    def proposals(self, branch: str) -> list[Proposal]:
        """List what there is of this branch's release, and what is open of others."""
        head = f"{self.repository.partition('/')[0]}:{branch}"
        requests = self.requests.pages("/pulls", state="all", head=head)
        requests += self.requests.pages("/pulls", state="open")
        own = (
            it for it in requests if (it["head"]["repo"] or {}).get("full_name") == self.repository
        )
        found = [("pulls", it, it["head"]["ref"], BRANCH) for it in own]
        found += [("issues", it, it["title"], TITLE) for it in self.known_issues()]
        return [
            Proposal(f"/{kind}/{it['number']}", release, it["state"] == "open", it["html_url"])
            for kind, it, name, prefix in found
            if (release := release_in(name, prefix))
        ]

    def known_issues(self) -> list[dict[str, Any]]:
        """List our issues; a repository may have no issues at all."""
        try:
            return self.issues.pages("/issues", state="all", labels=LABEL)
        except ProblemError as problem:
            if ": 410 " in str(problem):
                return []
            raise

    def open_request(self, branch: str, base: str, title: str, body: str, *, draft: bool) -> str:
        """Open a pull request, and give its address."""
        data = {"head": branch, "base": base, "title": title, "body": body}
        try:
            opened = self.requests.call("POST", "/pulls", **data, draft=draft)
        except ProblemError as problem:
            if not draft or "raft pull requests are not supported" not in str(problem):
                raise
            opened = self.requests.call("POST", "/pulls", **data)
        return str(opened[0]["html_url"])

    def open_issue(self, title: str, body: str) -> str:
        """Open an issue, and give its address."""
        opened = self.issues.call("POST", "/issues", title=title, body=body, labels=[LABEL])
        return str(opened[0]["html_url"])

    def close(self, proposal: Proposal, comment: str) -> None:
        """Close a request or an issue with a comment, where the token may."""
        is_request = proposal.path.startswith("/pulls/")
        if is_request and not self.token:
            return
        api, number = self.requests if is_request else self.issues, Path(proposal.path).name
        api.call("POST", f"/issues/{number}/comments", body=comment)
        api.call("PATCH", proposal.path, state="closed")


@dataclass(frozen=True)
class GitLab:
    """Merge requests and issues, both with FORMWORK_TOKEN."""

    server: str
    repository: str
    token: str
    requests: Api
    issues: Api

    remedy = (
        "a masked CI/CD variable with a project access token: role Developer, "
        "scopes api and write_repository"
    )

    def proposals(self, branch: str) -> list[Proposal]:
        """List what there is of this branch's release, and what is open of others."""
        requests = self.requests.pages("/merge_requests", state="all", source_branch=branch)
        requests += self.requests.pages("/merge_requests", state="opened")
        own = (it for it in requests if str(it["source_project_id"]) == self.repository)
        issues = self.issues.pages("/issues", state="all", labels=LABEL)
        found = [("merge_requests", it, it["source_branch"], BRANCH) for it in own]
        found += [("issues", it, it["title"], TITLE) for it in issues]
        return [
            Proposal(f"/{kind}/{it['iid']}", release, it["state"] == "opened", it["web_url"])
            for kind, it, name, prefix in found
            if (release := release_in(name, prefix))
        ]

    def open_request(self, branch: str, base: str, title: str, body: str, *, draft: bool) -> str:
        """Open a merge request, and give its address."""
        data = {"source_branch": branch, "target_branch": base, "description": body}
        data["title"] = f"Draft: {title}" if draft else title
        opened = self.requests.call("POST", "/merge_requests", **data, remove_source_branch=True)
        return str(opened[0]["web_url"])

    def open_issue(self, title: str, body: str) -> str:
        """Open an issue, and give its address."""
        opened = self.issues.call("POST", "/issues", title=title, description=body, labels=LABEL)
        return str(opened[0]["web_url"])

    def close(self, proposal: Proposal, comment: str) -> None:
        """Close a request or an issue with a comment."""
        self.requests.call("POST", f"{proposal.path}/notes", body=comment)
        self.requests.call("PUT", proposal.path, state_event="close")


Forge = GitHub | GitLab


def forge_of_this_run() -> Forge:
    """Tell the forge by its runner's variables, and hide the tokens from what is run from here."""
    names = ("FORMWORK_TOKEN", "GITHUB_TOKEN")
    token, job = ("".join(os.environ.pop(name, "").split()) for name in names)
    if base := os.environ.get("GITHUB_API_URL"):
        repository, server = os.environ["GITHUB_REPOSITORY"], os.environ["GITHUB_SERVER_URL"]
        base = f"{base}/repos/{repository}"
        requests, issues = Api(base, token or job), Api(base, job or token)
        forge: Forge = GitHub(server, repository, token, requests, issues)
    elif base := os.environ.get("CI_API_V4_URL"):
        repository, server = os.environ["CI_PROJECT_ID"], os.environ["CI_SERVER_URL"]
        api = Api(f"{base}/projects/{repository}", token)
        forge = GitLab(server, repository, token, api, api)
    else:
        message = "neither GitHub Actions nor GitLab CI runs this; elsewhere: uvx nox -s update"
        raise ProblemError(message)
    if not forge.requests.token:
        message = f"there is no token to propose with: set FORMWORK_TOKEN, {forge.remedy}"
        raise ProblemError(message)
    return forge


def credentials(server: str, token: str) -> dict[str, str]:
    """Hand git a token, in its environment only and for this server only."""
    number = int(os.environ.get("GIT_CONFIG_COUNT", "0"))
    basic = base64.b64encode(f"x-access-token:{token}".encode()).decode()
    return {
        "GIT_CONFIG_COUNT": str(number + 1),
        f"GIT_CONFIG_KEY_{number}": f"http.{server}/.extraHeader",
        f"GIT_CONFIG_VALUE_{number}": f"Authorization: Basic {basic}",
    }


def release_in(name: str, prefix: str) -> str:
    """Give the release that a branch or a title of ours names; empty if it is not ours."""
    release = name.removeprefix(prefix)
    return release if release != name and update.version(release) else ""


if __name__ == "__main__":
    sys.exit(main())
