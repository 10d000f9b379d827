"""A forge in a thread: GitHub's or GitLab's API for requests and issues, and git over HTTP."""

import base64
import json
import os
import re
import subprocess
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import parse_qsl, urlsplit

JOB, TOKEN = "job-token-of-this-run", "token-with-every-right"
OWNER, ID = "example", "7"
NAME = f"{OWNER}/wine"

Answer = tuple[int, Any]


@dataclass
class Item:
    """A request or an issue; a request has a branch."""

    number: int
    title: str
    body: str = ""
    branch: str = ""
    base: str = ""
    labels: list[str] = field(default_factory=list)
    state: str = "open"
    is_draft: bool = False
    of_a_fork: bool = False
    comments: list[str] = field(default_factory=list)


@dataclass
class FakeForge(ABC):
    """What the server holds, and how it should fail.

    Attributes:
        folder: The folder with its only repository, a bare one.
        items: Requests and issues.
        failures: Answers to give instead, by method and end of the path.
        calls: The requests that arrived, as method and path.
    """

    folder: Path
    items: list[Item] = field(default_factory=list)
    failures: dict[tuple[str, str], Answer] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)
    address: str = ""

    @property
    def bare(self) -> Path:
        """The repository."""
        return self.folder / f"{NAME}.git"

    @property
    def origin(self) -> str:
        """Its address, with credentials of the runner, which must not be used."""
        return f"{self.address.replace('//', '//runner:of-the-runner@')}/{NAME}.git"

    @property
    def requests(self) -> list[Item]:
        """All requests."""
        return [item for item in self.items if item.branch]

    @property
    def issues(self) -> list[Item]:
        """All issues."""
        return [item for item in self.items if not item.branch]

    def add(self, title: str, **more: Any) -> Item:  # noqa: ANN401, any field of an item
        """Add a request or an issue."""
        item = Item(len(self.items) + 1, title, **more)
        self.items.append(item)
        return item

    @abstractmethod
    def env(self) -> dict[str, str]:
        """The variables of its runner."""

    @abstractmethod
    def answer(self, method: str, path: list[str], query: dict[str, str], data: dict[str, Any], token: str) -> Answer:
        """Answer the API."""

    def item(self, number: str) -> Item:
        """Find a request or an issue."""
        return self.items[int(number) - 1]


class FakeGitHub(FakeForge):
    """GitHub, where the token of the run may only read requests and write issues."""

    def env(self) -> dict[str, str]:
        """The variables of its runner."""
        return {
            "GITHUB_API_URL": self.address,
            "GITHUB_REPOSITORY": NAME,
            "GITHUB_SERVER_URL": self.address,
            "GITHUB_TOKEN": JOB,
        }

    def answer(self, method: str, path: list[str], query: dict[str, str], data: dict[str, Any], token: str) -> Answer:
        """Answer the API."""
        match method, path:
            case "GET", ["repos", _, _, "pulls"]:
                found = [item for item in self.requests if query["state"] in ("all", item.state)]
                if "head" in query:
                    fits = {f"{OWNER}:{item.branch}": item for item in found if not item.of_a_fork}
                    found = [fits[query["head"]]] if query["head"] in fits else []
                return 200, page([self.shown(item) for item in found], query)
            case "GET", ["repos", _, _, "issues"]:
                found = [item for item in self.items if query["labels"] in item.labels]
                return 200, page([self.shown(item) for item in found], query)
            case "POST", ["repos", _, _, "pulls"] if token == TOKEN:
                return 201, self.shown(self.add(data["title"], **opened(data["head"], data["base"], data)))
            case "POST", ["repos", _, _, "issues"] if token == JOB:
                return 201, self.shown(self.add(data["title"], body=data["body"], labels=data["labels"]))
            case "POST", ["repos", _, _, "issues", number, "comments"]:
                self.item(number).comments.append(data["body"])
                return 201, {}
            case "PATCH", ["repos", _, _, "pulls" | "issues", number]:
                self.item(number).state = data["state"]
                return 200, {}
        return 403, {"message": "Resource not accessible by integration"}

    def shown(self, item: Item) -> dict[str, Any]:
        """Return an item as the API shows it."""
        repository = "stranger/wine" if item.of_a_fork else NAME
        return {
            "number": item.number,
            "title": item.title,
            "state": "open" if item.state == "open" else "closed",
            "html_url": f"{self.address}/{NAME}/{item.number}",
            "head": {"ref": item.branch, "repo": {"full_name": repository}},
        }


class FakeGitLab(FakeForge):
    """GitLab, where one token does everything."""

    def env(self) -> dict[str, str]:
        """The variables of its runner."""
        return {"CI_API_V4_URL": f"{self.address}/api/v4", "CI_PROJECT_ID": ID, "CI_SERVER_URL": self.address}

    def answer(self, method: str, path: list[str], query: dict[str, str], data: dict[str, Any], token: str) -> Answer:
        """Answer the API."""
        if token != TOKEN:
            return 401, {"message": "401 Unauthorized"}
        match method, path[2:]:
            case "GET", ["projects", _, "merge_requests"]:
                state = query["state"].removesuffix("ed")
                found = [item for item in self.requests if state in ("all", item.state)]
                found = [item for item in found if query.get("source_branch", item.branch) == item.branch]
                return 200, page([self.shown(item) for item in found], query)
            case "GET", ["projects", _, "issues"]:
                found = [item for item in self.issues if query["labels"] in item.labels]
                return 200, page([self.shown(item) for item in found], query)
            case "POST", ["projects", _, "merge_requests"]:
                more = opened(data["source_branch"], data["target_branch"], {"body": data["description"]})
                return 201, self.shown(self.add(data["title"], **more))
            case "POST", ["projects", _, "issues"]:
                return 201, self.shown(self.add(data["title"], body=data["description"], labels=[data["labels"]]))
            case "POST", ["projects", _, "merge_requests" | "issues", number, "notes"]:
                self.item(number).comments.append(data["body"])
                return 201, {}
            case "PUT", ["projects", _, "merge_requests" | "issues", number] if data == {"state_event": "close"}:
                self.item(number).state = "closed"
                return 200, {}
        return 404, {"error": "404 Not Found"}

    def shown(self, item: Item) -> dict[str, Any]:
        """Return an item as the API shows it."""
        return {
            "iid": item.number,
            "title": item.title,
            "state": "opened" if item.state == "open" else item.state,
            "web_url": f"{self.address}/{NAME}/{item.number}",
            "source_branch": item.branch,
            "source_project_id": 8 if item.of_a_fork else int(ID),
        }


def opened(branch: str, base: str, data: dict[str, Any]) -> dict[str, Any]:
    """Return the fields of a request that is opened."""
    return {"branch": branch, "base": base, "body": data["body"], "is_draft": data.get("draft", False)}


def page(items: list[Any], query: dict[str, str]) -> list[Any]:
    """Return the requested page of items, newest first."""
    size, number = int(query["per_page"]), int(query["page"])
    return items[::-1][size * (number - 1) : size * number]


@contextmanager
def served(forge: FakeForge) -> Iterator[FakeForge]:
    """Serve a forge at an address of this machine."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            url = urlsplit(self.path)
            content = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            if ".git/" in url.path:
                self.git(url.path, url.query, content)
                return
            forge.calls.append(f"{self.command} {url.path}")
            token = self.headers.get("Authorization", "").removeprefix("Bearer ")
            planned = [
                answer
                for (method, end), answer in forge.failures.items()
                if method == self.command and url.path.endswith(end)
            ]
            path, query = url.path.strip("/").split("/"), dict(parse_qsl(url.query))
            data = json.loads(content or b"{}")
            status, body = planned[0] if planned else forge.answer(self.command, path, query, data, token)
            self.reply(status, body if isinstance(body, bytes) else json.dumps(body).encode())

        do_POST = do_PUT = do_PATCH = do_GET  # noqa: N815, the names that are looked for

        def git(self, path: str, query: str, content: bytes) -> None:
            """Serve the repository to anyone with either token; writing needs the owner's."""
            token = base64.b64decode(self.headers.get("Authorization", "Basic ").split()[1]).decode().partition(":")[2]
            is_write = "git-receive-pack" in path + query
            if token not in ((TOKEN,) if is_write else (TOKEN, JOB)):
                self.reply(403 if token else 401, b"")
                return
            variables = {
                "GIT_PROJECT_ROOT": str(forge.folder),
                "GIT_HTTP_EXPORT_ALL": "1",
                "REQUEST_METHOD": self.command,
                "PATH_INFO": path,
                "QUERY_STRING": query,
                "CONTENT_TYPE": self.headers.get("Content-Type", ""),
                "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
                "HTTP_GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
                "REMOTE_USER": "somebody",
            }
            command = ["git", "http-backend"]
            done = subprocess.run(command, env={**os.environ, **variables}, input=content, stdout=-1, check=True)
            head, _, body = done.stdout.partition(b"\r\n\r\n")
            headers = dict(line.split(": ", 1) for line in head.decode().split("\r\n"))
            status = re.match(r"\d+", headers.pop("Status", "200"))
            self.reply(int(status[0]) if status else 500, body, headers)

        def reply(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
            self.send_response(status)
            for name, value in {**(headers or {}), "Content-Length": str(len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    forge.address = f"http://127.0.0.1:{server.server_address[1]}"
    thread = Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield forge
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
