"""The scaffold `stage`: a step of the pipeline, with its settings, its parameters and its test."""

import re
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import ClassVar

from formwork.adding.changes import Change, Entry, NewFile
from formwork.adding.pipeline import (
    PARAMETERS,
    PIPELINE,
    Stages,
    made_from,
    refuse_if_read,
    refuse_if_taken,
    refuse_if_written,
    stages_of,
    valid_rows,
)
from formwork.adding.project import WINDOWS, Project, identifier, in_capitals, listed
from formwork.adding.rendering import rendered
from formwork.adding.scaffold import Scaffold
from formwork.errors import FormworkError

VALID = "data/valid.parquet"
WRITTEN = ("data/*.parquet", "reports/*.parquet", "reports/*.csv")
LONGEST_PATH = 60


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
        """List the modules whose stage first reads a Parquet file, and is not that of a table."""
        stages = stages_of(project)
        stages = {name: stage for name, stage in stages.items() if stage.reads and valid_rows(name) not in stage.outs}
        modules = (name for name in project.names(folder(project), ".py") if name in stages)
        return [name for name in modules if stages[name].reads[0].endswith(".parquet")]

    @classmethod
    def asked(cls, project: Project, options: Namespace) -> "Stage":
        """Check what is asked for."""
        name = identifier(options.name, "clean")
        stages = stages_of(project)
        refuse_if_taken(project, name)
        if options.after and options.after not in stages:
            message = f"dvc.yaml has no stage {options.after}: its stages are {', '.join(stages)}"
            raise FormworkError(message)
        reads = readable(options.reads or default_to_read(stages, options.after), project, stages)
        writes = writable(options.writes or f"data/{name}.parquet", project)
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
        return cls(project, name, stage.reads[0], next(iter(stage.outs), ""))

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
    others = {*project.below(folder(project))} - {"__init__.py", *(f"{name}.py" for name in names)}
    package = NewFile(f"{folder(project)}/__init__.py", '"""Stages of our own."""\n', is_shared=True)
    return [] if others else [package]


def default_to_read(stages: Stages, after: str) -> str:
    """Choose the file to read."""
    if not after:
        return VALID
    made = [path for path in stages[after].writes if path.endswith(".parquet")]
    if not made:
        message = f"stage {after} writes no Parquet file: name one with --reads FILE"
        raise FormworkError(message)
    return next((path for path in made if PurePosixPath(path).name == PurePosixPath(VALID).name), made[0])


def readable(path: str, project: Project, stages: Stages) -> str:
    """Check the file that is read.

    Raises:
        FormworkError: If it is not a Parquet file that is there or is made.
    """
    path = plain(path, "--reads")
    made = [made for stage in stages.values() for made in stage.writes]
    if PurePosixPath(path).suffix != ".parquet":
        message = f"--reads {path}: a stage reads a Parquet file, such as {VALID}; source.py reads other files"
        raise FormworkError(message)
    above = {path, *map(str, PurePosixPath(path).parents)}
    if not above & {*made} and not project.has(path) and not any(project.has(f"{place}.dvc") for place in above):
        parquet = sorted(made for made in made if made.endswith(".parquet"))
        message = f"--reads {path}: no stage writes it, and it is not there; there are {listed(parquet)}"
        raise FormworkError(message)
    return path


def writable(path: str, project: Project) -> str:
    """Check the file that is written.

    Raises:
        FormworkError: If it is elsewhere than results are, or if something else is there.
    """
    path = plain(path, "--writes")
    if not any(matches(path, pattern) for pattern in WRITTEN):
        message = f"--writes {path}: use one of {', '.join(WRITTEN)}"
        raise FormworkError(message)
    refuse_if_written(path, project)
    if project.has(path):
        message = f"{path} is there already: delete it if nobody needs it, or name another file with --writes"
        raise FormworkError(message)
    return path


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
