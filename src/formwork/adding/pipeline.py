"""The pipeline of a repository: what its stages read and write, and which names are taken."""

import ast
import posixpath
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from pathlib import PurePosixPath
from typing import Any

from formwork.adding.project import Project
from formwork.errors import FormworkError

PIPELINE, PARAMETERS = "dvc.yaml", "params.yaml"
COMPUTED = re.compile(r"\$\{\s*([^}]+?)\s*\}")
FOLDERS = ("stages", "notebooks")  # their names are those of what is kept in them
OF_PIECES = ("serve", "image")  # commands that pieces bring
READERS = {".yaml": Project.yaml, ".yml": Project.yaml, ".json": Project.json, ".toml": Project.toml}


@dataclass(frozen=True)
class Step:
    """What a stage reads and writes: paths from where the project begins, except those that cannot be worked out.

    Attributes:
        reads: Its dependencies.
        outs: Its outputs.
        writes: Its outputs, metrics and plots.
    """

    reads: list[str]
    outs: list[str]
    writes: list[str]


Stages = Mapping[str, Step]


def stages_of(project: Project) -> Stages:
    """Read the stages of dvc.yaml."""
    content = project.yaml(PIPELINE)
    values = dict(project.yaml(PARAMETERS)) if project.text(PARAMETERS) else {}
    for each in variables(project, content):
        values |= each
    return {name: step(stage, values) for name, stage in as_mapping(content.get("stages")).items()}


def all_stages(project: Project) -> Stages:
    """Read the stages of all files dvc.yaml, each with the name of its file unless that is the one of the project."""
    found: dict[str, Step] = {}
    for path in (path for path in project.below() if path.endswith(f"/{PIPELINE}")):
        try:
            stages = as_mapping(project.yaml(path).get("stages"))
        except FormworkError:
            continue  # it is not for `add` to mend
        for name, stage in stages.items():
            found[f"{path}:{name}"] = step(stage, {}, posixpath.dirname(path))
    return found | dict(stages_of(project))


def variables(project: Project, content: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Yield the variables of a dvc.yaml or of a stage, those in its own text and those in other files."""
    for each in as_list(content.get("vars")):
        if isinstance(each, dict):
            yield each
            continue
        path, _, names = str(each).partition(":")
        read = READERS.get(PurePosixPath(path).suffix)
        if read and path != PARAMETERS and project.text(path):
            found = read(project, path)
            yield {name: found[name] for name in names.split(",") if name in found} if names else found


def step(stage: object, values: Mapping[str, Any], folder: str = ".") -> Step:
    """Work out what a stage, or each one of a `foreach` or a `matrix`, reads and writes."""
    stage = stage if isinstance(stage, dict) else {}
    details = stage.get("do", stage)
    if not isinstance(details, dict):
        return Step([], [], [])
    contexts = [{**values, **one} for one in repeated(stage, values)]
    kinds = {
        kind: [
            posixpath.normpath(posixpath.join(folder, wdir, path))
            for context in contexts
            if (wdir := filled(details.get("wdir", "."), context)) is not None
            for item in as_list(details.get(kind))
            if (path := filled(next(iter(item), "") if isinstance(item, dict) else item, context))
        ]
        for kind in ("deps", "outs", "metrics", "plots")
    }
    return Step(kinds["deps"], kinds["outs"], kinds["outs"] + kinds["metrics"] + kinds["plots"])


def repeated(stage: Mapping[str, Any], values: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Yield the variables of each stage that a `foreach` or a `matrix` stands for; none for a single one."""
    each, matrix = stage.get("foreach"), stage.get("matrix")
    if isinstance(each, str) and (whole := COMPUTED.fullmatch(each)):
        each = value_at(values, whole[1])
    if isinstance(each, dict):
        yield from ({"key": key, "item": item} for key, item in each.items())
    elif isinstance(each, list):
        yield from ({"item": item} for item in each)
    elif isinstance(matrix, dict):
        combinations = product(*map(as_list, matrix.values()))
        yield from ({"item": dict(zip(matrix, items, strict=True))} for items in combinations)
    else:
        yield {}


def filled(text: object, values: Mapping[str, Any]) -> str | None:
    """Replace each `${name}` in a text by its value; None if one is not known."""
    found = {name: value_at(values, name) for name in COMPUTED.findall(str(text))}
    if not all(isinstance(value, str) for value in found.values()):
        return None
    return COMPUTED.sub(lambda match: str(found[match[1]]), str(text))


def value_at(values: object, name: str) -> object:
    """Find a value such as `source.path` or `tables[0]`; None if it is not there."""
    for part in re.findall(r"[^.\[\]]+", name):
        if isinstance(values, list) and part.isdigit() and int(part) < len(values):
            values = values[int(part)]
        else:
            values = values.get(part) if isinstance(values, dict) else None
    return values


def as_list(value: object) -> list[Any]:
    """Return a list, which is empty for anything else."""
    return value if isinstance(value, list) else []


def as_mapping(value: object) -> Mapping[str, Any]:
    """Return a mapping, which is empty for anything else."""
    return value if isinstance(value, dict) else {}


def valid_rows(name: str) -> str:
    """Return the path of the valid rows of a further table."""
    return f"data/{name}/valid.parquet"


def made_from(path: str, stages: Stages) -> set[str]:
    """Return everything that is made from a file, directly or not."""
    found: set[str] = set()
    new = {path}
    while new:
        found |= new
        new = {made for step in stages.values() if new & {*step.reads} for made in step.writes} - found
    return found - {path}


def commands(project: Project) -> Iterator[str]:
    """Yield the names of the commands that the package has.

    Raises:
        FormworkError: If the module with the commands is not valid Python.
    """
    yield "models"
    path = f"src/{project.package}/core/cli.py"
    try:
        tree = ast.parse(project.text(path) or "")
    except SyntaxError as error:
        message = f"{path}:{error.lineno} is not valid Python: {error.msg}"
        raise FormworkError(message) from error
    functions = (node for node in tree.body if isinstance(node, ast.FunctionDef))
    yield from (node.name for node in functions if "app.command()" in map(ast.unparse, node.decorator_list))


def refuse_if_taken(project: Project, *names: str) -> None:
    """Refuse names of a command, a stage, a variable of dvc.yaml, or one that means something else here.

    Raises:
        FormworkError: If it is one.
    """
    content = project.yaml(PIPELINE)
    places = [content, *map(as_mapping, as_mapping(content.get("stages")).values())]
    variable = (name for place in places for each in variables(project, place) for name in each)
    taken = {
        **{folder: f"where {folder} are kept" for folder in FOLDERS},
        project.package: "the name of the package",
        **dict.fromkeys(variable, "a variable of dvc.yaml already"),
        **dict.fromkeys(OF_PIECES, "a command of a piece"),
        **dict.fromkeys(commands(project), "a command already"),
        **dict.fromkeys(stages_of(project), "a stage already"),
    }
    for name in names:
        if name in taken:
            message = f"{name} is {taken[name]}: take another name"
            raise FormworkError(message)


def refuse_if_written(path: str, project: Project) -> None:
    """Refuse a path that a stage writes or DVC keeps, or that is in one of these, in whatever case.

    Raises:
        FormworkError: If there is such a stage or file.
    """
    wanted = PurePosixPath(path.lower())
    for name, stage in all_stages(project).items():
        for made in stage.writes:
            there = PurePosixPath(made.lower())
            if wanted.is_relative_to(there) or there.is_relative_to(wanted):
                message = f"{path}: stage {name} writes {made}, so take another name"
                raise FormworkError(message)
    for place in (PurePosixPath(path), *PurePosixPath(path).parents):
        if project.has(f"{place}.dvc"):
            message = f"{path}: there is {place}.dvc already, so take another name"
            raise FormworkError(message)


def refuse_if_read(project: Project, names: set[str]) -> None:
    """Refuse to remove stages whose files another stage reads.

    Raises:
        FormworkError: If there is such a stage.
    """
    stages = all_stages(project)
    made = {path for name in names & stages.keys() for path in stages[name].writes}
    for other in stages.keys() - names:
        if read := made & {*stages[other].reads}:
            remedy = "remove that stage first, or take the file out of its code and its deps"
            message = f"stage {other} reads {min(read)}: {remedy}"
            raise FormworkError(message)
