"""The scaffold `stage`: a step of the pipeline, with its settings, its parameters and its test."""

import ast
import posixpath
import re
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any, ClassVar

from formwork.adding.changes import Change, Entry, NewFile
from formwork.adding.project import WINDOWS, Project, identifier, in_capitals, listed
from formwork.adding.rendering import rendered
from formwork.adding.scaffold import Scaffold
from formwork.errors import FormworkError

PIPELINE, PARAMETERS = "dvc.yaml", "params.yaml"
VALID = "data/valid.parquet"
WRITTEN = ("data/*.parquet", "reports/*.parquet", "reports/*.csv")
LONGEST_PATH = 60

Stages = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True)
class Stage(Scaffold):
    """A stage that reads one file and writes one.

    Attributes:
        name: Its name, which is also that of its module, its command and its section of params.yaml.
        reads: The file that it reads.
        writes: The file that it writes.
        after: The stage below which it stands in dvc.yaml; empty for the last one.
    """

    kind: ClassVar[str] = "stage"
    purpose: ClassVar[str] = "a step of the pipeline: module, settings, parameters, entry in dvc.yaml, test"

    name: str
    reads: str
    writes: str
    after: str = ""

    @classmethod
    def describe(cls, parser: ArgumentParser) -> None:
        """Describe the options of `add`."""
        parser.add_argument(
            "--after", metavar="STAGE", help="place it below this stage in dvc.yaml (default: the last one)"
        )
        parser.add_argument("--reads", metavar="FILE", help=f"read this file (default: what STAGE writes, or {VALID})")
        parser.add_argument("--writes", metavar="FILE", help="write this file (default: data/NAME.parquet)")

    @classmethod
    def present(cls, project: Project) -> Sequence[str]:
        """List the modules that have an entry, and first read what another stage writes."""
        stages = stages_of(project)
        first = {name: next(iter(paths_in(stage, "deps")), "") for name, stage in stages.items()}
        modules = project.names(folder(project), ".py")
        return [name for name in modules if PurePosixPath(first.get(name, "")).suffix == ".parquet"]

    @classmethod
    def asked(cls, project: Project, options: Namespace) -> "Stage":
        """Check what is asked for."""
        name = identifier(options.name, "clean")
        stages = stages_of(project)
        refuse_if_taken(name, project)
        if options.after and options.after not in stages:
            message = f"dvc.yaml has no stage {options.after}: its stages are {', '.join(stages)}"
            raise FormworkError(message)
        reads = readable(options.reads or default_to_read(stages, options.after), project, stages)
        writes = writable(options.writes or f"data/{name}.parquet", project, stages)
        if writes == reads or reads in made_from(writes, stages):
            message = f"{reads} would depend on itself: let the stage write another file"
            raise FormworkError(message)
        return cls(project, name, reads, writes, options.after or "")

    @classmethod
    def found(cls, project: Project, name: str) -> "Stage":
        """Find the stage, and what it reads and writes."""
        if name not in cls.present(project):
            message = f"there is no stage {name} in git that was added; there are: {listed(cls.present(project))}"
            raise FormworkError(message)
        refuse_if_read(project, {name})
        stage = stages_of(project)[name]
        return cls(project, name, next(iter(paths_in(stage, "deps")), ""), next(iter(paths_in(stage, "outs")), ""))

    def changes(self) -> Sequence[Change]:
        """Say what it does to files."""
        values = {
            "name": self.name,
            "class": in_capitals(self.name),
            "package": self.project.package,
            "reads": self.reads,
            "writes": self.writes,
            "is_csv": self.writes.endswith(".csv"),
            "is_in_git": self.writes.startswith("reports/"),
        }
        comment = "rows that agree in these columns are equal; none means all"
        return [
            *package_of_stages(self.project, {self.name}),
            NewFile(f"{folder(self.project)}/{self.name}.py", rendered("stage.py", **values)),
            NewFile(f"tests/test_{self.name}.py", rendered("test_stage.py", **values)),
            Entry(PARAMETERS, (), f"{self.name}:\n  columns: []  # {comment}\n"),
            Entry(PIPELINE, ("stages",), rendered("stage.yaml", **values), self.after),
        ]

    def next_steps(self) -> Sequence[str]:
        """Say what is left to do by hand."""
        return [
            f"write what the stage is to do into transform in {folder(self.project)}/{self.name}.py, and into its test",
            f"uvx nox -s pipeline to run all stages, or uv run {self.project.package} {self.name} to run it alone",
        ]


def folder(project: Project) -> str:
    """Return the folder of the modules."""
    return f"src/{project.package}/stages"


def package_of_stages(project: Project, names: set[str]) -> list[Change]:
    """Say what makes the folder a package, unless it has further modules."""
    others = {*project.names(folder(project), ".py")} - {"__init__", *names}
    package = NewFile(f"{folder(project)}/__init__.py", '"""Stages of our own."""\n', is_shared=True)
    return [] if others else [package]


def stages_of(project: Project) -> Stages:
    """Read the stages of dvc.yaml."""
    stages = project.yaml(PIPELINE).get("stages")
    return {str(name): each for name, each in stages.items()} if isinstance(stages, dict) else {}


def refuse_if_taken(name: str, project: Project) -> None:
    """Refuse the name of a command or a stage.

    Raises:
        FormworkError: If there is one of that name.
    """
    taken = {**dict.fromkeys(commands(project), "a command"), **dict.fromkeys(stages_of(project), "a stage")}
    if name in taken:
        message = f"{name} is {taken[name]} already: take another name"
        raise FormworkError(message)


def commands(project: Project) -> Iterator[str]:
    """Yield the names of the commands that the package has."""
    yield "models"
    tree = ast.parse(project.text(f"src/{project.package}/core/cli.py") or "")
    functions = (node for node in tree.body if isinstance(node, ast.FunctionDef))
    yield from (node.name for node in functions if "app.command()" in map(ast.unparse, node.decorator_list))


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


def default_to_read(stages: Stages, after: str) -> str:
    """Choose the file to read."""
    if not after:
        return VALID
    made = [path for path in written(stages[after]) if path.endswith(".parquet")]
    if not made:
        message = f"stage {after} writes no Parquet file: name one with --reads FILE"
        raise FormworkError(message)
    return made[0]


def readable(path: str, project: Project, stages: Stages) -> str:
    """Check the file that is read.

    Raises:
        FormworkError: If it is not a Parquet file that is there or is made.
    """
    path = plain(path, "--reads")
    made = [made for stage in stages.values() for made in written(stage)]
    if PurePosixPath(path).suffix != ".parquet":
        message = f"--reads {path}: a stage reads a Parquet file, such as {VALID}; source.py reads other files"
        raise FormworkError(message)
    if path not in made and not project.has(path) and not project.has(f"{path}.dvc"):
        parquet = sorted(made for made in made if made.endswith(".parquet"))
        message = f"--reads {path}: no stage writes it, and it is not there; there are {listed(parquet)}"
        raise FormworkError(message)
    return path


def writable(path: str, project: Project, stages: Stages) -> str:
    """Check the file that is written.

    Raises:
        FormworkError: If it is elsewhere than results are, or if something else is there.
    """
    path = plain(path, "--writes")
    if not any(matches(path, pattern) for pattern in WRITTEN):
        message = f"--writes {path}: use one of {', '.join(WRITTEN)}"
        raise FormworkError(message)
    refuse_if_written(path, stages)
    if project.has(path) or project.has(f"{path}.dvc"):
        message = f"--writes {path}: there is such a file already"
        raise FormworkError(message)
    return path


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


def matches(path: str, pattern: str) -> bool:
    """Return whether a path is in the folder of a pattern, or below it, and has its ending."""
    top, _, ending = pattern.partition("/*")
    return path.startswith(f"{top}/") and path.endswith(ending) and not PurePosixPath(path).name.startswith(".")


def plain(path: str, option: str) -> str:
    """Check that a path is one below the project.

    Raises:
        FormworkError: If it is not, or if it is longer than a line of code can be.
    """
    folded = PurePosixPath(path.replace("\\", "/"))
    is_reserved = any(re.match(f"({WINDOWS})(\\.|$)", part.lower()) for part in folded.parts)
    wrong = is_reserved or folded.is_absolute() or ".." in folded.parts or not path.isascii() or not path.isprintable()
    if wrong or any(sign in path for sign in " :\"'#{}[]$*?&!|>%@`,") or len(path) > LONGEST_PATH:
        message = f"{option} {path}: name a file below this folder, at most {LONGEST_PATH} plain characters"
        raise FormworkError(message)
    return folded.as_posix()


def made_from(path: str, stages: Stages) -> set[str]:
    """Return everything that is made from a file, directly or not."""
    found: set[str] = set()
    new = {path}
    while new:
        found |= new
        users = (stage for stage in stages.values() if new & {*paths_in(stage, "deps")})
        new = {made for stage in users for made in written(stage)} - found
    return found - {path}
