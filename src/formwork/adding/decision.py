"""The scaffold `decision`: a numbered entry in docs/decisions.md."""

import re
from argparse import Namespace
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from formwork.adding.changes import Change, Passage
from formwork.adding.project import Project
from formwork.adding.scaffold import Scaffold
from formwork.errors import FormworkError

PAGE = "docs/decisions.md"
HEADING = re.compile(r"^## (?P<number>\d+)\. (?P<title>.+)$", re.MULTILINE)
AS_ADDED = re.compile(r"## .+\n\nDecided on \d{4}-\d\d-\d\d\.\n")
LONGEST = 80


@dataclass(frozen=True)
class Decision(Scaffold):
    """A decision.

    Attributes:
        text: Its passage in the page: number, title and date.
    """

    kind: ClassVar[str] = "decision"
    purpose: ClassVar[str] = "a numbered entry in docs/decisions.md"
    named: ClassVar[str] = "TITLE"

    text: str

    @classmethod
    def present(cls, project: Project) -> Sequence[str]:
        """List the decisions by number."""
        return [match["number"] for match in HEADING.finditer(project.text(PAGE) or "")]

    @classmethod
    def asked(cls, project: Project, options: Namespace) -> "Decision":
        """Check the title, and number the decision."""
        title = " ".join("".join(sign if sign.isprintable() else " " for sign in options.name).split())
        if "<" in title or "](" in title:
            message = "a decision's title is text, without HTML and links: write it without < and ]("
            raise FormworkError(message)
        if not 0 < len(title) <= LONGEST:
            message = f"a decision needs a title of at most {LONGEST} characters, for example: Train with LightGBM"
            raise FormworkError(message)
        known = list(HEADING.finditer(project.text(PAGE) or ""))
        if same := next((match["number"] for match in known if match["title"].lower() == title.lower()), ""):
            message = f"decision {same} has this title already: take another one"
            raise FormworkError(message)
        number = max((int(match["number"]) for match in known), default=0) + 1
        return cls(project, f"\n## {number}. {title}\n\nDecided on {datetime.now().astimezone().date()}.\n")

    @classmethod
    def found(cls, project: Project, name: str) -> "Decision":
        """Find the decision by its number or title."""
        text = project.text(PAGE) or ""
        known = [*HEADING.finditer(text)]
        matches = [it for it in known if it["number"] == name] or [
            it for it in known if it["title"].lower() == name.lower()
        ]
        if not matches:
            message = f"{PAGE} has no decision {name}: give its number or its title"
            raise FormworkError(message)
        if len(matches) > 1:
            titles = " and ".join(it["title"] for it in matches)
            message = f"{PAGE} has more than one decision {name}, {titles}: number them anew, or give a title"
            raise FormworkError(message)
        [found] = matches
        passage = text[found.start() :].partition("\n## ")[0].rstrip("\n") + "\n"
        if not AS_ADDED.fullmatch(passage):
            message = f"decision {found['number']} has more text than `add` wrote: delete it by hand in {PAGE}"
            raise FormworkError(message)
        return cls(project, f"\n{passage}")

    def changes(self) -> Sequence[Change]:
        """Say what it does to the page."""
        return [Passage(PAGE, self.text)]

    def next_steps(self) -> Sequence[str]:
        """Say what is left to do by hand."""
        return [f"write the reason, and what it costs, into {PAGE}"]
