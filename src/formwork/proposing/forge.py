"""GitHub and GitLab: what was proposed before, and how to open and close requests and issues."""

import contextlib
import json
import os
from abc import ABC, abstractmethod
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any, ClassVar
from urllib.error import HTTPError
from urllib.parse import urlencode, urlsplit
from urllib.request import Request, urlopen

from formwork.errors import FormworkError
from formwork.template import version

BRANCH = "template/"
TITLE = "Update the template to "
LABEL = "template"  # marks our issues: a stranger cannot set it


@dataclass(frozen=True)
class Api:
    """A part of a forge's API, with a token."""

    base: str
    token: str

    def call(self, method: str, path: str, **data: object) -> list[dict[str, Any]]:
        """Send a request, and return the response as a list."""
        headers = {"Content-Type": "application/json", "User-Agent": "formwork-update"}
        content = json.dumps(data).encode() if data else None
        request = Request(self.base + path, content, headers, method=method)  # noqa: S310
        request.add_unredirected_header("Authorization", f"Bearer {self.token}")
        try:
            with urlopen(request, timeout=60) as response:  # noqa: S310, the address is the CI's
                answer = json.load(response)
        except (OSError, ValueError) as error:
            message = f"{method} {urlsplit(request.full_url).path}: {reason_of(error)}"
            raise FormworkError(message) from error
        return answer if isinstance(answer, list) else [answer]

    def pages(self, path: str, **query: str) -> list[dict[str, Any]]:
        """Return the entries of all pages."""
        found: list[dict[str, Any]] = []
        for page in count(1):
            more = self.call("GET", f"{path}?{urlencode({**query, 'per_page': 100, 'page': page})}")
            found += more
            if len(more) < 100:
                break
        return found


def reason_of(error: Exception) -> str:
    """Return the reason that a forge gives for its refusal."""
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
class Forge(ABC):
    """The service that holds the repository.

    Attributes:
        server: Its address.
        repository: The repository's name or number there.
        token: The token of the repository's owner; empty if there is none.
        requests: The part of the API for requests.
        issues: The part of the API for issues.
        remedy: What to do if there is no token.
    """

    server: str
    repository: str
    token: str
    requests: Api
    issues: Api

    remedy: ClassVar[str]

    @abstractmethod
    def proposals(self, branch: str) -> list[Proposal]:
        """List all proposals of this branch's release, and the open ones of other releases."""

    @abstractmethod
    def open_request(self, branch: str, base: str, title: str, body: str, *, draft: bool) -> str:
        """Open a request, and return its address."""

    @abstractmethod
    def open_issue(self, title: str, body: str) -> str:
        """Open an issue, and return its address."""

    @abstractmethod
    def close(self, proposal: Proposal, comment: str) -> None:
        """Close a request or an issue with a comment, if the token may."""


@dataclass(frozen=True)
class GitHub(Forge):
    """Pull requests with FORMWORK_TOKEN, issues with the token that each run has.

    That token may not push workflows, and requests that it opens start no checks.
    """

    remedy = "a secret with a token that may write contents, pull requests and workflows"

    def proposals(self, branch: str) -> list[Proposal]:
        """List all proposals of this branch's release, and the open ones of other releases."""
        head = f"{self.repository.partition('/')[0]}:{branch}"
        requests = self.requests.pages("/pulls", state="all", head=head)
        requests += self.requests.pages("/pulls", state="open")
        own = (it for it in requests if (it["head"]["repo"] or {}).get("full_name") == self.repository)
        found = [("pulls", it, it["head"]["ref"], BRANCH) for it in own]
        found += [("issues", it, it["title"], TITLE) for it in self.known_issues()]
        return [
            Proposal(f"/{kind}/{it['number']}", release, it["state"] == "open", it["html_url"])
            for kind, it, name, prefix in found
            if (release := release_in(name, prefix))
        ]

    def known_issues(self) -> list[dict[str, Any]]:
        """List our issues; none if issues are disabled in the repository."""
        try:
            return self.issues.pages("/issues", state="all", labels=LABEL)
        except FormworkError as problem:
            if ": 410 " in str(problem):
                return []
            raise

    def open_request(self, branch: str, base: str, title: str, body: str, *, draft: bool) -> str:
        """Open a pull request, and return its address."""
        data = {"head": branch, "base": base, "title": title, "body": body}
        try:
            opened = self.requests.call("POST", "/pulls", **data, draft=draft)
        except FormworkError as problem:
            if not draft or "raft pull requests are not supported" not in str(problem):
                raise
            opened = self.requests.call("POST", "/pulls", **data)
        return str(opened[0]["html_url"])

    def open_issue(self, title: str, body: str) -> str:
        """Open an issue, and return its address."""
        opened = self.issues.call("POST", "/issues", title=title, body=body, labels=[LABEL])
        return str(opened[0]["html_url"])

    def close(self, proposal: Proposal, comment: str) -> None:
        """Close a request or an issue with a comment, if the token may."""
        is_request = proposal.path.startswith("/pulls/")
        if is_request and not self.token:
            return
        api, number = self.requests if is_request else self.issues, Path(proposal.path).name
        api.call("POST", f"/issues/{number}/comments", body=comment)
        api.call("PATCH", proposal.path, state="closed")


@dataclass(frozen=True)
class GitLab(Forge):
    """Merge requests and issues, both with FORMWORK_TOKEN."""

    remedy = "a masked CI/CD variable with a project access token: role Developer, scopes api and write_repository"

    def proposals(self, branch: str) -> list[Proposal]:
        """List all proposals of this branch's release, and the open ones of other releases."""
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
        """Open a merge request, and return its address."""
        data = {"source_branch": branch, "target_branch": base, "description": body}
        data["title"] = f"Draft: {title}" if draft else title
        opened = self.requests.call("POST", "/merge_requests", **data, remove_source_branch=True)
        return str(opened[0]["web_url"])

    def open_issue(self, title: str, body: str) -> str:
        """Open an issue, and return its address."""
        opened = self.issues.call("POST", "/issues", title=title, description=body, labels=LABEL)
        return str(opened[0]["web_url"])

    def close(self, proposal: Proposal, comment: str) -> None:
        """Close a request or an issue with a comment."""
        self.requests.call("POST", f"{proposal.path}/notes", body=comment)
        self.requests.call("PUT", proposal.path, state_event="close")


def forge_of_this_run() -> Forge:
    """Find the forge from the variables of its runner, and hide the tokens from child processes."""
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
        raise FormworkError(message)
    if not forge.requests.token:
        message = f"there is no token to propose with: set FORMWORK_TOKEN, {forge.remedy}"
        raise FormworkError(message)
    return forge


def release_in(name: str, prefix: str) -> str:
    """Return the release that one of our branches or titles names; empty if it is not ours."""
    release = name.removeprefix(prefix)
    return release if release != name and version(release) else ""
