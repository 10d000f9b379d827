"""The pipeline of a repository: what its stages read and write, and which names are taken."""

import ast
import posixpath
from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath
from typing import Any

from formwork.adding.project import Project
from formwork.errors import FormworkError

PIPELINE, PARAMETERS = "dvc.yaml", "params.yaml"

Stages = Mapping[str, Mapping[str, Any]]


def stages_of(project: Project) -> Stages:
    """Read the stages of dvc.yaml."""
    stages = project.yaml(PIPELINE).get("stages")
    return {str(name): each for name, each in stages.items()} if isinstance(stages, dict) else {}


def paths_in(stage: Mapping[str, Any], *kinds: str) -> list[str]:
    """List the paths that a stage names, except computed ones such as `${source.path}`."""
    details = stage.get("do", stage)
    items = [item for kind in kinds for item in details.get(kind) or []]
    paths = [str(next(iter(item)) if isinstance(item, dict) else item) for item in items]
    folder = str(details.get("wdir", "."))
    return [posixpath.normpath(posixpath.join(folder, path)) for path in paths if "${" not in path]


def written(stage: Mapping[str, Any]) -> list[str]:
    """List what a stage writes."""
    return paths_in(stage, "outs", "metrics", "plots")


def made_from(path: str, stages: Stages) -> set[str]:
    """Return everything that is made from a file, directly or not."""
    found: set[str] = set()
    new = {path}
    while new:
        found |= new
        users = (stage for stage in stages.values() if new & {*paths_in(stage, "deps")})
        new = {made for stage in users for made in written(stage)} - found
    return found - {path}


def commands(project: Project) -> Iterator[str]:
    """Yield the names of the commands that the package has."""
    yield "models"
    tree = ast.parse(project.text(f"src/{project.package}/core/cli.py") or "")
    functions = (node for node in tree.body if isinstance(node, ast.FunctionDef))
    yield from (node.name for node in functions if "app.command()" in map(ast.unparse, node.decorator_list))


def refuse_if_taken(name: str, project: Project) -> None:
    """Refuse the name of a command or a stage.

    Raises:
        FormworkError: If there is one of that name.
    """
    taken = {**dict.fromkeys(commands(project), "a command"), **dict.fromkeys(stages_of(project), "a stage")}
    if name in taken:
        message = f"{name} is {taken[name]} already: take another name"
        raise FormworkError(message)


def refuse_if_written(path: str, stages: Stages) -> None:
    """Refuse a path that a stage writes, or that is in what it writes, in whatever case.

    Raises:
        FormworkError: If there is such a stage.
    """
    wanted = PurePosixPath(path.lower())
    for name, stage in stages.items():
        for made in written(stage):
            there = PurePosixPath(made.lower())
            if wanted.is_relative_to(there) or there.is_relative_to(wanted):
                message = f"{path}: stage {name} writes {made}, so take another name"
                raise FormworkError(message)


def refuse_if_read(project: Project, names: set[str]) -> None:
    """Refuse to remove stages whose files another stage reads.

    Raises:
        FormworkError: If there is such a stage.
    """
    stages = stages_of(project)
    made = {path for name in names & stages.keys() for path in written(stages[name])}
    for other in stages.keys() - names:
        if read := made & {*paths_in(stages[other], "deps")}:
            message = f"stage {other} reads {min(read)}: remove it first, or have it read another file"
            raise FormworkError(message)
