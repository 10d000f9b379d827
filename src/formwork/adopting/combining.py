"""Files in which both sides can be: what each of them says still holds."""

from formwork.adopting import project
from formwork.adopting.project import Sides
from formwork.repository import File, Repository

BELOW = {".gitignore", "params.yaml"}  # the template's lines come below theirs
AROUND = {".gitattributes"}  # here the last line that fits a file applies


def combined(repository: Repository, path: str, yours: File, template: File) -> Sides | None:
    """Bring a file of the template into one of theirs, whose lines stay.

    Returns:
        Both sides; None if the two cannot be brought together.
    """
    name = path.removeprefix(repository.prefix)
    if name not in {*BELOW, *AROUND, "pyproject.toml"} or not yours.mode.startswith("100"):
        return None
    try:
        theirs, ours = (repository.content(file).decode() for file in (yours, template))
    except UnicodeDecodeError:
        return None
    if name == "pyproject.toml":
        return project.both(theirs, ours)
    text = one_below_the_other(theirs, ours) if name in BELOW else around(theirs, ours)
    return Sides(text, text)


def around(theirs: str, ours: str) -> str:
    """Write the rule of the template for all files above theirs, and below them those for what the pipeline writes."""
    present = theirs.splitlines()
    lines = [line for line in ours.splitlines(keepends=True) if line.strip() not in present]
    first = "".join(line for line in lines if line.startswith("* "))
    last = "".join(line for line in lines if not line.startswith("* "))
    text = one_below_the_other(first, theirs) if first else theirs
    return one_below_the_other(text, last) if last else text


def one_below_the_other(first: str, second: str) -> str:
    """Write two texts into one, with a blank line between them."""
    gap = "\n" if first.endswith("\n") or not first else "\n\n"
    return f"{first}{gap}{second}"
