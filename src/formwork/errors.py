"""The one error that is meant for people, and how it is printed."""

import os
import sys
from collections.abc import Callable, Iterable


class FormworkError(Exception):
    """An error that the user can fix; the message says in one line what is wrong and what to do about it."""


def reported(work: Callable[[], int], *expected: type[Exception]) -> int:
    """Run some work and print an error as one line instead of a traceback.

    Args:
        work: The function to run; its result is the exit status.
        expected: Further exceptions to print in the same way, such as those of a library.

    Returns:
        The exit status of the work, or 1 after an error.
    """
    printed: tuple[type[Exception], ...] = (FormworkError, OSError, *expected)
    try:
        status = work()
        sys.stdout.flush()
    except BrokenPipeError:  # whoever reads has read enough, as `head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except printed as error:
        print(f"error: {in_one_line(error)}", file=sys.stderr)
    else:
        return status
    return 1


def in_one_line(error: object) -> str:
    """Fold a message onto one line, without git's own prefix."""
    return " ".join(str(error).replace("fatal: ", "").split())


def refuse(paths: Iterable[str], reason: str) -> None:
    """Raise an error that names some files, at most five of them, unless there are none."""
    if named := sorted(set(paths)):
        more = f" and {len(named) - 5} more" if len(named) > 5 else ""
        message = f"{', '.join(named[:5])}{more}: {reason}"
        raise FormworkError(message)
