"""The command line: `formwork update`, `add`, `remove`, `adopt`, `propose`."""

import argparse
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from io import TextIOWrapper
from pathlib import Path
from typing import Any

from formwork.answers import UPSTREAM
from formwork.errors import reported

PIECE = "piece"
UNDO = "if git status shows changes: git reset --hard"


def main(arguments: list[str] | None = None) -> int:
    """Run a command, and return its exit status: 0 only if nothing is left to do."""
    arguments = sys.argv[1:] if arguments is None else arguments
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a name may have signs that a terminal lacks
    try:
        options = parser().parse_args(with_kind(arguments))
        return reported(partial(options.run, options))
    except KeyboardInterrupt:
        is_whole = arguments[:1] in (["add"], ["remove"])
        state = "it is complete or not begun, as git status shows" if is_whole else UNDO
        print(f"error: interrupted; {state}", file=sys.stderr)
        return 1


def parser() -> argparse.ArgumentParser:
    """Describe the command line."""
    formwork = argparse.ArgumentParser(
        prog="formwork",
        description="Keep a repository current with the template that it was generated from.",
        epilog="`formwork COMMAND --help` explains a command.",
    )
    commands = formwork.add_subparsers(metavar="COMMAND", required=True)
    describe_update(command(commands, "update", run_update, "merge a newer release of the template into a repository"))
    purpose = "add a part to a repository; without a name, list them all"
    add = command(commands, "add", run_overview, purpose, "uvx nox -s add --")
    describe_parts(add, is_removal=False)
    purpose = "take out what `add` has added, unless it was edited"
    remove = command(commands, "remove", run_overview, purpose, "uvx nox -s remove --")
    describe_parts(remove, is_removal=True)
    describe_adopt(command(commands, "adopt", run_adopt, "bring the template into a repository that never saw it"))
    command(
        commands,
        "propose",
        run_propose,
        "propose the newest release as a pull or merge request, once; run by GitHub Actions or GitLab CI",
    )
    return formwork


# The type that argparse uses here is not public.
def command(
    commands: Any,  # noqa: ANN401
    name: str,
    run: Callable[[argparse.Namespace], int],
    purpose: str,
    typed: str | None = None,
) -> argparse.ArgumentParser:
    """Add a command; `typed` is what people type before its options, where a task of theirs runs it."""
    description = f"{purpose[0].upper()}{purpose[1:]}."
    added: argparse.ArgumentParser = commands.add_parser(name, prog=typed, help=purpose, description=description)
    added.set_defaults(run=run)
    return added


def describe_update(update: argparse.ArgumentParser) -> None:
    """Describe the options of `formwork update`."""
    update.add_argument(
        "release", nargs="?", metavar="RELEASE", help="the release, for example v0.3.0 (default: the newest)"
    )
    add_common(update, "change an answer; may be given several times")


def with_kind(arguments: list[str]) -> list[str]:
    """Write `piece` before the names of pieces, so that each kind of part has its own options, and these last."""
    if arguments[:1] not in (["add"], ["remove"]):
        return arguments
    from formwork.adding.scaffolds import SCAFFOLDS

    first = next((number for number, word in enumerate(arguments[1:], 1) if not word.startswith("-")), None)
    if first is None:
        return arguments
    kind = [] if arguments[first] in {*SCAFFOLDS, PIECE} else [PIECE]
    return [arguments[0], *kind, *arguments[first:], *arguments[1:first]]


def describe_parts(parser: argparse.ArgumentParser, *, is_removal: bool) -> None:
    """Describe what can be added or removed; only what is added has options of its kind."""
    from formwork.adding.scaffolds import SCAFFOLDS

    kinds = parser.add_subparsers(metavar="KIND", title="kinds")
    for kind, scaffold in SCAFFOLDS.items():
        part = command(kinds, kind, partial(run_scaffold, kind), scaffold.purpose)
        part.add_argument("name", metavar=scaffold.named)
        if not is_removal:
            scaffold.describe(part)
        add_dry_run(part)
    describe_pieces(command(kinds, PIECE, run_pieces, "a part of the template, by its name alone"))
    parser.set_defaults(is_removal=is_removal)


def describe_pieces(pieces: argparse.ArgumentParser) -> None:
    """Describe the names of pieces."""
    pieces.add_argument("names", nargs="+", metavar="NAME")
    add_dry_run(pieces)


def describe_adopt(adopt: argparse.ArgumentParser) -> None:
    """Describe the options of `formwork adopt`."""
    adopt.add_argument(
        "path", type=Path, metavar="PATH", help="the repository, or the folder of it that becomes a project"
    )
    add_common(adopt, "answer a question; may be given several times")
    adopt.add_argument(
        "--template", metavar="URL", default=UPSTREAM, help="the template's address or path (default: %(default)s)"
    )
    adopt.add_argument("--release", help="the release, for example v0.3.0 (default: the newest)")


def add_common(command: argparse.ArgumentParser, data: str) -> None:
    """Add the options that commands share."""
    add_dry_run(command)
    command.add_argument("--data", action="append", default=[], metavar="NAME=VALUE", help=data)


def add_dry_run(command: argparse.ArgumentParser) -> None:
    """Add the option that all commands have."""
    command.add_argument("--dry-run", action="store_true", help="show what would come, and change nothing")


def run_update(options: argparse.Namespace) -> int:
    """Run `formwork update`."""
    from formwork.update import Request, update

    request = Request(Path.cwd(), options.release, tuple(options.data), options.dry_run)
    with scratch_folder() as scratch:
        return update(request, scratch)


def run_overview(_options: argparse.Namespace) -> int:
    """Run `formwork add` without a name."""
    from formwork.add import Request, overview

    with scratch_folder() as scratch:
        return overview(Request(Path.cwd(), scratch))


def run_scaffold(kind: str, options: argparse.Namespace) -> int:
    """Run `formwork add` or `formwork remove` for a scaffold."""
    from formwork.add import Request, change_scaffold

    with scratch_folder() as scratch:
        request = Request(Path.cwd(), scratch, options.is_removal, options.dry_run)
        with request.alone():
            return change_scaffold(request, kind, options)


def run_pieces(options: argparse.Namespace) -> int:
    """Run `formwork add` or `formwork remove` for pieces."""
    from formwork.add import Request, change_pieces

    with scratch_folder() as scratch:
        request = Request(Path.cwd(), scratch, options.is_removal, options.dry_run)
        with request.alone():
            return change_pieces(request, options.names)


def run_adopt(options: argparse.Namespace) -> int:
    """Run `formwork adopt`."""
    from formwork.adopt import Request, adopt

    request = Request(options.path, options.template, options.release, tuple(options.data), options.dry_run)
    with scratch_folder() as scratch:
        return adopt(request, scratch)


def run_propose(_options: argparse.Namespace) -> int:
    """Run `formwork propose`."""
    from formwork.propose import propose
    from formwork.proposing.forge import forge_of_this_run

    with scratch_folder() as scratch:
        print(propose(forge_of_this_run(), scratch))
    return 0


@contextmanager
def scratch_folder() -> Iterator[Path]:
    """Make a folder for temporary files, which is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="formwork-") as folder:
        yield Path(folder)
