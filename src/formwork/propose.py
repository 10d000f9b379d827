"""Propose the newest release of the template as a pull or merge request, once.

Continuous integration runs this every week. It updates a fresh clone of the default branch and pushes the result as
a branch of its own. Where that is not permitted, an issue reports the release instead. A proposal that was closed is
not opened again, and a newer release replaces an older proposal.
"""

import re
from pathlib import Path

from formwork.answers import read_recorded
from formwork.errors import FormworkError
from formwork.proposing.clone import Changes, Clone
from formwork.proposing.forge import BRANCH, TITLE, Forge
from formwork.proposing.markdown import block, clipped, quiet
from formwork.template import Template

REFUSED = re.compile(r"\[remote rejected\]|error: 40[13]|denied|Authentication failed")


def propose(forge: Forge, scratch: Path) -> str:
    """Propose the newest release unless it was proposed before, and close older proposals.

    Args:
        forge: Where the repository is.
        scratch: A folder for temporary files.

    Returns:
        What was done, in one line.
    """
    clone = Clone.of_default_branch(forge, scratch / "clone")
    recorded = read_recorded(clone.path)
    template = Template.of(recorded, scratch)
    release = template.choose(None, recorded.commit)
    if template.is_same(release, recorded.commit):
        return f"{template.name} {recorded.commit} is recorded: nothing newer to propose"
    known = forge.proposals(BRANCH + release)
    same = [proposal for proposal in known if proposal.release == release]
    if same and not any(proposal.is_open for proposal in same):
        return f"{release} was proposed and closed, so not again: {same[0].url}"
    notes = quiet(clipped("\n\n".join(template.notes(recorded.commit, release))))
    url = same[0].url if same else open_proposal(forge, clone, release, notes, scratch)
    for proposal in known:
        if proposal.is_open and template.is_older(proposal.release, release):
            forge.close(proposal, f"{release} is newer and takes the place of this: {url}")
    return f"{TITLE}{release}: {'open already' if same else 'opened'}, {url}"


def open_proposal(forge: Forge, clone: Clone, release: str, notes: str, scratch: Path) -> str:
    """Open a request with the update, or an issue if the branch may not be pushed; return its address."""
    title, branch = TITLE + release, BRANCH + release
    reason = f"there is no FORMWORK_TOKEN ({forge.remedy})"
    if forge.token:
        (scratch / "update").mkdir()
        changes = clone.update(release, scratch / "update")
        try:
            clone.push(branch, title)
        except FormworkError as problem:
            if not REFUSED.search(str(problem)):
                raise
            reason = f"the server refused the branch ({quiet(clipped(str(problem), 500))})"
        else:
            body = request_body(release, changes, notes)
            return forge.open_request(branch, clone.branch, title, body, draft=changes.are_unfinished)
    return forge.open_issue(title, issue_body(release, reason, notes))


def request_body(release: str, changes: Changes, notes: str) -> str:
    """Describe the update, and how to continue."""
    parts = [f"The template has a new release, {release}. What happens to your files:"]
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
    """Describe how to update to a release."""
    parts = [f"The template has a new release, {release}. To update:", block("uvx nox -s update")]
    parts += [f"This is an issue and not a request with the update, since {reason}."]
    return "\n\n".join([*parts, f"Once this is closed, {release} is not proposed again.", notes])
