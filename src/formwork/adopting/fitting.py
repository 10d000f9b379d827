"""Settings of the template's tools, fitted to what a repository has: requirements, tests, code, its licence."""

import json
import re
import tomllib
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

from formwork.adopting.licences import licence_files
from formwork.adopting.reading import table, texts
from formwork.adopting.requirements import Requirements, name_of, requirements
from formwork.repository import Repository, Tree

TESTS = re.compile(r"(?:.*/)?(?:test[^/]*|[^/]*_test|conftest)\.py")
CODE = (".py", ".pyi", ".ipynb")
RUFF = ("pyproject.toml", "ruff.toml")  # releases up to 0.2.0 had the latter


def fit(rendered: Path, repository: Repository, theirs: Tree) -> Requirements:
    """Fit the settings of tools to the repository's requirements, tests, code and licence."""
    mine = repository.own_paths(theirs)
    places = {file.relative_to(rendered).as_posix() for file in rendered.rglob("*")}
    for file in (rendered / name for name in RUFF if (rendered / name).is_file()):
        text = with_excluded(file.read_text(encoding="utf-8"), unlinted(mine, places))
        file.write_text(text, encoding="utf-8", newline="\n")
    project = rendered / "pyproject.toml"
    if not project.is_file():
        return Requirements()
    text = project.read_text(encoding="utf-8")
    carried = requirements(repository.project, required_names(text))
    text = with_requirements(text, carried.added)
    text = without_tests(text) if has_tests(theirs) else text
    licences = their_licences(mine)
    text = text.replace('license-files = ["LICENSE"]', f"license-files = {json.dumps(licences or ['LICENSE'])}")
    project.write_text(text, encoding="utf-8", newline="\n")
    return carried


def required_names(project: str) -> list[str]:
    """Name everything that a pyproject.toml requires, including extras and groups."""
    toml = tomllib.loads(project)
    groups = [table(toml, "project", "optional-dependencies"), table(toml, "dependency-groups")]
    lists = [table(toml, "project").get("dependencies"), *(each for group in groups for each in group.values())]
    return [name_of(requirement) for each in lists for requirement in texts(each)]


def with_requirements(project: str, requirements: Iterable[str]) -> str:
    """Add requirements where the template has a place for them."""
    lines = "".join(f"    {json.dumps(line)},\n" for line in requirements)
    return re.sub(r"^ *# Yours below\n", lambda mark: mark[0] + lines, project, count=1, flags=re.MULTILINE)


def without_tests(project: str) -> str:
    """Remove the settings of pytest and coverage, which would change how the repository's tests run."""
    sections = r"^\[tool\.(?:pytest|coverage)(?:\.[^]]+)?\]\n(?:(?!\[).*\n)*"
    return re.sub(sections, "", project, flags=re.MULTILINE).rstrip() + "\n"


def has_tests(theirs: Tree) -> bool:
    """Return whether there are tests anywhere in the repository, since they may all be run together."""
    return any(TESTS.fullmatch(path) for path in theirs)


def their_licences(mine: Iterable[str]) -> list[str]:
    """Return the repository's files that hold a licence."""
    return licence_files(path for path in mine if "/" not in path)


def unlinted(mine: Iterable[str], places: set[str]) -> list[str]:
    """List the repository's code for ruff, by folder where a folder has none of the template's files."""
    found = set()
    for path in mine:
        parts = PurePosixPath(path).parts
        above = ["/".join(parts[:depth]) for depth in range(1, len(parts) + 1)]
        if path.endswith(CODE) and path not in places:
            found.add(next(folder for folder in above if folder not in places))
    return [path if "/" in path else f"./{path}" for path in sorted(found)]


def with_excluded(ruff: str, paths: list[str]) -> str:
    """Exclude the repository's code from ruff, until its owner removes it from the list."""
    lines = "".join(f'    "{path}",\n' for path in paths)
    entry = r"^extend-exclude = \[(.*)\]\n"
    listed = rf"extend-exclude = [\n    \1,\n    # Yours from before: take off what you have moved\n{lines}]\n"
    return re.sub(entry, listed, ruff, count=1, flags=re.MULTILINE) if paths else ruff
