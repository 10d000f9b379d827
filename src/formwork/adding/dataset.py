"""The scaffold `dataset`: a further table, validated and quarantined like the first one."""

from argparse import ArgumentParser, Namespace
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from formwork.adding.changes import Change, Entry, NewFile
from formwork.adding.pipeline import (
    PARAMETERS,
    PIPELINE,
    refuse_if_read,
    refuse_if_taken,
    refuse_if_written,
    stages_of,
    valid_rows,
)
from formwork.adding.project import Project, identifier, in_capitals
from formwork.adding.rendering import rendered
from formwork.adding.scaffold import Scaffold
from formwork.adding.stage import folder, package_of_stages

EXTRACT = "_extract"
LONGEST = 20  # so that lines with its name, and with that of its extract, are short enough
# Where the rows may come from, and what is to be done then.
ORIGINS: Mapping[str, str] = {
    "csv": "put your file into data/, uv run dvc add it, and name it as {name}.path in params.yaml",
    "parquet": "put your file or folder into data/, uv run dvc add it, and name it as {name}.path in params.yaml",
    "s3": "uv run dvc import-url s3://BUCKET/KEY data/{name}.csv, and name that file as {name}.path in params.yaml",
    "sql": "write your address and query into {name}_extract in params.yaml, or the address as {variable} into .env",
}


@dataclass(frozen=True)
class Dataset(Scaffold):
    """A table.

    Attributes:
        name: Its name, which is also that of its stage, its command and its section of params.yaml.
        origin: Where its rows come from.
    """

    kind: ClassVar[str] = "dataset"
    purpose: ClassVar[str] = "a further table with a schema of its own, validated and quarantined like the first"

    name: str
    origin: str

    @classmethod
    def describe(cls, parser: ArgumentParser) -> None:
        """Describe the options of `add`."""
        text = f"where the rows come from: {', '.join(ORIGINS)} (default: csv)"
        parser.add_argument("--from", dest="origin", choices=ORIGINS, default="csv", metavar="ORIGIN", help=text)

    @classmethod
    def present(cls, project: Project) -> Sequence[str]:
        """List the stages that write valid rows of their own."""
        return [name for name, stage in stages_of(project).items() if valid_rows(name) in stage.outs]

    @classmethod
    def asked(cls, project: Project, options: Namespace) -> "Dataset":
        """Check what is asked for."""
        name = identifier(options.name, "customers", of="a table's name", longest=LONGEST)
        refuse_if_taken(project, *stage_names(name, options.origin))
        for path in (f"data/{name}", f"reports/{name}"):
            refuse_if_written(path, project)
        return cls(project, name, options.origin)

    @classmethod
    def found(cls, project: Project, name: str) -> "Dataset":
        """Find the table, and whether it comes from a database."""
        cls.require(project, name)
        extract = stages_of(project).get(f"{name}{EXTRACT}")
        origin = "sql" if extract and extracted_rows(name) in extract.outs else "csv"
        refuse_if_read(project, {*stage_names(name, origin)})
        return cls(project, name, origin)

    def changes(self) -> Sequence[Change]:
        """Say what it does to files."""
        modules, name = folder(self.project), self.name
        values = {"name": name, "class": in_capitals(name), "package": self.project.package}
        sample = f"tests/{name}.csv"
        path = extracted_rows(name) if self.origin == "sql" else sample
        comment = "" if self.origin == "sql" else "  # a sample; then your file or folder"
        parameters = f"{name}:\n  path: {path}{comment}\n  max_quarantined_share: 0.05\n"
        return [
            *package_of_stages(self.project, {*stage_names(name, self.origin)}),
            *(self._extract() if self.origin == "sql" else []),
            NewFile(f"{modules}/{name}.py", rendered("dataset.py", **values)),
            NewFile(f"tests/test_{name}.py", rendered("test_dataset.py", **values)),
            NewFile(sample, rendered("dataset.csv")),
            Entry(PARAMETERS, (), parameters),
            Entry(PIPELINE, ("stages",), rendered("dataset.yaml", **values)),
        ]

    def _extract(self) -> list[Change]:
        """Say what the export from a database does to files."""
        name = f"{self.name}{EXTRACT}"
        values = {"name": name, "class": in_capitals(name), "package": self.project.package}
        values |= {"table": self.name, "variable": self._variable}
        query = "select 'a' as key, 1.5 as value union select 'b', 2"
        parameters = (
            f"{name}:\n  address: sqlite://?check_same_thread=false  # a database in memory\n  query: {query}\n"
        )
        return [
            NewFile(f"{folder(self.project)}/{name}.py", rendered("extract.py", **values)),
            NewFile(f"tests/test_{name}.py", rendered("test_extract.py", **values)),
            Entry(PARAMETERS, (), parameters),
            Entry(PIPELINE, ("stages",), rendered("extract.yaml", **values)),
        ]

    @property
    def _variable(self) -> str:
        """The variable of the environment with the address of the database."""
        return f"{self.name.upper()}_ADDRESS"

    def next_steps(self) -> Sequence[str]:
        """Say what is left to do by hand."""
        module = f"{folder(self.project)}/{self.name}.py"
        return [
            ORIGINS[self.origin].format(name=self.name, variable=self._variable),
            f"write its columns into {module}, some of its rows into tests/{self.name}.csv, "
            f"and how they are written and what is bad into tests/test_{self.name}.py",
            f"to join it, see the first lines of tests/test_{self.name}.py",
        ]


def stage_names(name: str, origin: str) -> list[str]:
    """Return the names of the stages of a table, its own first."""
    return [name, f"{name}{EXTRACT}"] if origin == "sql" else [name]


def extracted_rows(name: str) -> str:
    """Return the path of the rows that a table has from a database."""
    return f"data/{name}/extract.parquet"
