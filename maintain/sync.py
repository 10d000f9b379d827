"""Write what follows from other files, or say with --check what would change.

cookiecutter.json and the tables of owners and of questions follow from copier.yml, the table of parameters for files
from class Dialect. reserved-names.txt follows from Python, from Windows, and from the environments given with
--environment (names are added, never taken away: a project may have been refused one for a reason that this machine
does not know).
"""

import argparse
import sys
from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path

import yaml

from formwork.errors import reported
from maintain import ROOT
from maintain.cookiecutter import cookiecutter_text
from maintain.reserved import reserved_text
from maintain.tables import (
    dialect_in_docs,
    owners_in_docs,
    owners_in_repository,
    parts_in_docs,
    questions_in_docs,
    with_table,
)

QUESTIONS = Path("copier.yml")
COOKIECUTTER = Path("cookiecutter.json")
RESERVED = Path("reserved-names.txt")
OWNERS = Path("parts/owners.md")
TEMPLATE = Path("template")
OWNERS_IN_DOCS = Path("docs/updates.md")
QUESTIONS_IN_DOCS = Path("docs/questions.md")
PARTS_IN_DOCS = Path("docs/add.md")
DIALECT = Path("template/src/{{package_name}}/core/base/dialect.py")
DIALECT_IN_DOCS = Path("docs/your-data.md")


def main(arguments: list[str] | None = None) -> int:
    """Write or check the files, and say what was done to each."""
    options = parse(arguments)
    return reported(partial(check if options.check else write, options.root, options.environment))


def parse(arguments: list[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="write nothing; exit status 1 where a file would change")
    parser.add_argument(
        "--environment",
        type=Path,
        action="append",
        default=[],
        help="reserve what is installed in these site-packages",
    )
    parser.add_argument("--root", type=Path, default=ROOT, help="the template's repository (default: this one)")
    return parser.parse_args(arguments)


def check(root: Path, environments: Iterable[Path]) -> int:
    """Name the files that are out of date."""
    outdated = [path for path, text in expected(root, environments) if text != read(root / path)]
    for path in outdated:
        print(f"{path} is out of date: run `nox -s sync`", file=sys.stderr)
    return bool(outdated)


def write(root: Path, environments: Iterable[Path]) -> int:
    """Write the files that are out of date, one after the other, since the names are part of cookiecutter.json."""
    for path, text in expected(root, environments):
        if text != read(root / path):
            (root / path).write_text(text, encoding="utf-8", newline="\n")
            print(f"{path} is written")
    return 0


def expected(root: Path, environments: Iterable[Path]) -> Iterator[tuple[Path, str]]:
    """Yield what each file should hold; a page that does not exist needs no table."""
    yield RESERVED, reserved_text(read(root / RESERVED).split(), environments)
    settings = yaml.safe_load(read(root / QUESTIONS))
    yield COOKIECUTTER, cookiecutter_text(settings, root)
    for page, name, table in (
        (OWNERS, "owners", partial(owners_in_repository, settings, root / TEMPLATE)),
        (OWNERS_IN_DOCS, "owners", partial(owners_in_docs, settings, root / TEMPLATE)),
        (QUESTIONS_IN_DOCS, "questions", partial(questions_in_docs, settings, root)),
        (PARTS_IN_DOCS, "parts", partial(parts_in_docs, settings)),
        (DIALECT_IN_DOCS, "dialect", partial(dialect_in_docs, root / DIALECT)),
    ):
        if (root / page).is_file():
            yield page, with_table(read(root / page), name, table(), page)


def read(path: Path) -> str:
    """Read a file that may not exist yet."""
    return path.read_text(encoding="utf-8") if path.is_file() else ""


if __name__ == "__main__":
    sys.exit(main())
