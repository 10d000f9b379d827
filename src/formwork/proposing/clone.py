"""A fresh clone of the repository, in which the update is made and from which it is pushed."""

import base64
import os
import re
import time
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from formwork import git
from formwork.errors import FormworkError
from formwork.proposing.forge import Forge
from formwork.update import Request, prepare

MAIL = "no-reply@formwork.invalid"


@dataclass(frozen=True)
class Changes:
    """What an update has changed in the clone.

    Attributes:
        summary: What happens to each file.
        conflicts: The files in conflict.
        lock_problem: Why uv.lock could not be updated; empty if it was.
    """

    summary: str
    conflicts: list[str]
    lock_problem: str

    @property
    def are_unfinished(self) -> bool:
        """Whether a person has to finish the update by hand."""
        return bool(self.conflicts or self.lock_problem)


@dataclass(frozen=True)
class Clone:
    """A fresh clone of the default branch, so that the current repository stays as it is.

    Attributes:
        path: Where it is.
        branch: The name of the default branch.
        env: The environment of git's commands, with the credentials of the server.
    """

    path: Path
    branch: str
    env: dict[str, str]

    @classmethod
    def of_default_branch(cls, forge: Forge, path: Path) -> "Clone":
        """Clone the origin of the repository in the current folder."""
        origin = git.text(Path.cwd(), "remote", "get-url", "origin")
        if origin.startswith(("http://", "https://")):  # its credentials belong to the runner
            parts = urlsplit(origin)
            origin = parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
        env = git.environment() | author() | credentials(forge.server, forge.requests.token)
        git.run(path.parent, "clone", "--quiet", "--depth=1", "--", origin, str(path), env=env)
        return cls(path, git.text(path, "symbolic-ref", "--short", "HEAD", env=env), env)

    def update(self, release: str, scratch: Path) -> Changes:
        """Update with the recorded answers, and with the defaults of new questions."""
        plan = prepare(Request(self.path, release), scratch)
        if not plan:
            message = f"{release} is what the default branch records already"
            raise FormworkError(message)
        summary = "\n".join([plan.title, *plan.summary()])
        summary = re.sub(r": git (show|diff) [0-9a-f ]+\)", ")", summary)  # only this clone has these objects
        return Changes(summary, plan.conflicts, plan.apply())

    def push(self, branch: str, subject: str) -> None:
        """Commit everything and push it, replacing nothing except a commit of our own.

        Raises:
            FormworkError: If the branch holds somebody else's commit, or if the server refuses it.
        """
        self.git("add", "--all")
        self.git("commit", "--quiet", "--no-verify", "--no-gpg-sign", "--message", subject)
        tip = self.git("ls-remote", "origin", f"refs/heads/{branch}").partition("\t")[0]
        if tip:
            self.git("fetch", "--quiet", "--depth=1", "origin", f"refs/heads/{branch}")
            if self.git("log", "-1", "--format=%ce", "FETCH_HEAD") != MAIL:
                message = f"the branch {branch} has somebody else's commits: delete or rename it"
                raise FormworkError(message)
        lease = f"--force-with-lease={branch}:{tip}"
        self.git("push", "--quiet", lease, "origin", f"HEAD:refs/heads/{branch}")

    def git(self, *arguments: str) -> str:
        """Run git in the clone, with the credentials of the server."""
        return git.text(self.path, *arguments, env=self.env)


def author() -> dict[str, str]:
    """Return the variables that set the author of the commit."""
    details = {"NAME": "Formwork update", "EMAIL": MAIL, "DATE": f"@{time.time():.0f} +0000"}
    return {f"GIT_{role}_{key}": value for role in ("AUTHOR", "COMMITTER") for key, value in details.items()}


def credentials(server: str, token: str) -> dict[str, str]:
    """Pass git a token, only in its environment and only for this server."""
    number = int(os.environ.get("GIT_CONFIG_COUNT", "0"))
    basic = base64.b64encode(f"x-access-token:{token}".encode()).decode()
    return {
        "GIT_CONFIG_COUNT": str(number + 1),
        f"GIT_CONFIG_KEY_{number}": f"http.{server}/.extraHeader",
        f"GIT_CONFIG_VALUE_{number}": f"Authorization: Basic {basic}",
    }
