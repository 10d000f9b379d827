"""The command line: `formwork update`, `formwork adopt`, `formwork propose`."""

import argparse
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from formwork.answers import UPSTREAM
from formwork.errors import reported


def main(arguments: list[str] | None = None) -> int:
    """Run a command, and return its exit status: 0 only if nothing is left to do."""
    options = parser().parse_args(arguments)
    try:
        return reported(partial(options.run, options))
    except KeyboardInterrupt:
        print("error: interrupted; if git status shows changes: git reset --hard", file=sys.stderr)
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
) -> argparse.ArgumentParser:
    """Add a command."""
    description = f"{purpose[0].upper()}{purpose[1:]}."
    added: argparse.ArgumentParser = commands.add_parser(name, help=purpose, description=description)
    added.set_defaults(run=run)
    return added


def describe_update(update: argparse.ArgumentParser) -> None:
    """Describe the options of `formwork update`."""
    update.add_argument(
        "release", nargs="?", metavar="RELEASE", help="the release, for example v0.3.0 (default: the newest)"
    )
    add_common(update, "change an answer; may be given several times")


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
    command.add_argument("--dry-run", action="store_true", help="show what would come, and change nothing")
    command.add_argument("--data", action="append", default=[], metavar="NAME=VALUE", help=data)


def run_update(options: argparse.Namespace) -> int:
    """Run `formwork update`."""
    from formwork.update import Request, update

    request = Request(Path.cwd(), options.release, tuple(options.data), options.dry_run)
    with scratch_folder() as scratch:
        return update(request, scratch)


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
