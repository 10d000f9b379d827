"""Files in which both sides can be: what each of them says still holds."""

from formwork.adopting import project
from formwork.adopting.project import Sides
from formwork.repository import File, Repository

BELOW = {".gitignore", "params.yaml"}  # the template's lines come below theirs
ABOVE = {".gitattributes"}  # here the last line that fits a file applies, so theirs comes last


def combined(repository: Repository, path: str, yours: File, template: File) -> Sides | None:
    """Bring a file of the template into one of theirs, whose lines stay.

    Returns:
        Both sides; None if the two cannot be brought together.
    """
    name = path.removeprefix(repository.prefix)
    if name not in {*BELOW, *ABOVE, "pyproject.toml"} or not yours.mode.startswith("100"):
        return None
    try:
        theirs, ours = (repository.content(file).decode() for file in (yours, template))
    except UnicodeDecodeError:
        return None
    if name == "pyproject.toml":
        return project.both(theirs, ours)
    text = one_below_the_other(theirs, ours) if name in BELOW else one_below_the_other(ours, theirs)
    return Sides(text, text)


def one_below_the_other(first: str, second: str) -> str:
    """Write two texts into one, with a blank line between them."""
    gap = "\n" if first.endswith("\n") or not first else "\n\n"
    return f"{first}{gap}{second}"
