"""Errors that the user can fix."""

LONGEST = 300  # characters of a message of another package


class ProjectError(Exception):
    """One line that says what is wrong, where, and what to do."""


def in_one_line(error: BaseException) -> str:
    """Return the message of an error on one line, cut if it is long."""
    text = " ".join(str(error).split())
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"
