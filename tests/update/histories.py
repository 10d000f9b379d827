"""Random histories: what a user and a release do to the same files."""

import random
import string
from dataclasses import dataclass, field
from pathlib import Path

from tests.harness import commit_everything
from tests.small import COPIER_YML, FILES, Changes, SmallTemplate, put

NAMES = ("a.txt", "b.toml", "sub/c.md", "sub/deep/d.py", "größe ü.txt", "e f.yaml", "stages.yaml")
LINES = 24


@dataclass
class Side:
    """What one side does. Each of its lines has a unique token, which must not be lost.

    Attributes:
        files: The final contents of its files.
        tokens: The token of each line that it has written, with the file that it was written for.
        removed: The files that it has deleted or moved.
    """

    files: dict[str, bytes]
    tokens: dict[bytes, str] = field(default_factory=dict)
    removed: set[str] = field(default_factory=set)


@dataclass(frozen=True)
class History:
    """A release, what the user does to it, and what the next release does to it."""

    release: dict[str, bytes]
    mine: Side
    theirs: Side


def make(seed: int, *, is_plain: bool) -> History:
    """Make a random history; a plain one has only what git's patches can carry."""
    chance = random.Random(seed)  # noqa: S311
    # For plain copier, a template's own names are ASCII: that is a rule for releases.
    names = [name for name in NAMES if name.isascii() or not is_plain]
    release = {name: content(chance, name) for name in names}
    mine, theirs = Side(dict(release)), Side(dict(release))
    for number in range(chance.randint(3, 9)):
        do_something(chance, mine, f"mine{number}", odd=not is_plain)
    for number in range(chance.randint(3, 9)):
        do_something(chance, theirs, f"their{number}", odd=False)
    return History(release, mine, theirs)


def content(chance: random.Random, name: str) -> bytes:
    """Make a file of lines, with or without repetitions."""
    if name == "stages.yaml":
        return b"".join(b"stage%d:\n  cmd: run\n  out: data\n\n" % number for number in range(LINES // 4))
    words = ("".join(chance.choices(string.ascii_lowercase, k=6)) for _ in range(LINES))
    return "".join(f"{word} {chance.choice(('ä', 'é', 'x'))}\n" for word in words).encode()


def do_something(chance: random.Random, side: Side, word: str, *, odd: bool) -> None:
    """Edit, delete or move one of the files, or add one."""
    name = chance.choice(sorted(side.files))
    kinds = ["add", "add", "add", "change", "change", "cut", "delete", "move", "new"]
    kind = chance.choice([*kinds, "crlf", "latin", "binary"] if odd else kinds)
    lines = side.files[name].splitlines(keepends=True)
    at = chance.randrange(len(lines) + 1)
    token = f"<{word}-{chance.randrange(10**9)}>".encode()
    match kind:
        case "add" | "latin":
            lines.insert(at, token + (b" \xe4\xf6\xfc\n" if kind == "latin" else " ü\n".encode()))
        case "change" if lines:
            lines[at - 1] = token + b"\n"
        case "cut":
            del lines[at : at + chance.randint(1, 4)]
        case "crlf":
            lines = [line.rstrip(b"\r\n") + b"\r\n" for line in lines]
        case "binary":
            lines = [b"\0\1" + token]
        case "delete" | "move":
            side.removed.add(name)
            del side.files[name]
            if kind == "move":
                side.files[f"moved/ñ {word}.txt"] = b"".join(lines)
            return
        case "new":
            name = f"new/{word} ö.txt"
            lines = [token + b"\n"]
    side.files[name] = b"".join(lines)
    if kind in ("add", "latin", "change", "binary", "new"):
        side.tokens[token] = name


def written(side: Side) -> set[bytes]:
    """Return the tokens that a side wrote and did not remove again from its own files."""
    everything = b"".join(side.files.values())
    return {token for token in side.tokens if token in everything}


def play(history: History, folder: Path) -> Path:
    """Make the template with both releases, and the repository with the user's edits."""
    files = {name: text for name, text in FILES.items() if not name.startswith("template/s")}
    small = SmallTemplate(folder / "small", {**files, **in_template(history.release)})
    repository = small.generate(folder / "mine")
    put(repository, {**dict.fromkeys(history.mine.removed & set(history.release)), **history.mine.files})
    commit_everything(repository, "Mine")
    gone: dict[str, bytes | None] = dict.fromkeys(history.theirs.removed & set(history.release))
    # A released path is never dropped without an entry: that is a rule for releases.
    entries = "".join(f'  - "/{name}"\n' for name in sorted(gone))
    settings = COPIER_YML.replace("_exclude:\n", f"_exclude:\n{entries}")
    small.release("1.1.0", {"copier.yml": settings} | in_template({**gone, **history.theirs.files}))
    return repository


def in_template(files: Changes) -> dict[str, str | bytes | None]:
    """Put files where the template has them."""
    return {f"template/{name}": text for name, text in files.items()}


def in_tree(repository: Path) -> bytes:
    """Return the contents of all files."""
    paths = (path for path in repository.rglob("*") if path.is_file() and ".git" not in path.parts)
    return b"".join(path.read_bytes() for path in paths)
