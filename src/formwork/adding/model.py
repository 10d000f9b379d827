"""The scaffold `model`: a further model, with modules, parameters, stages and a model card of its own."""

import re
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import ClassVar

from formwork.adding import yaml_text
from formwork.adding.changes import Change, Entry, NewFile
from formwork.adding.pipeline import (
    PARAMETERS,
    PIPELINE,
    refuse_if_read,
    refuse_if_taken,
    refuse_if_written,
)
from formwork.adding.project import Project, identifier
from formwork.adding.rendering import rendered
from formwork.adding.scaffold import Scaffold
from formwork.errors import FormworkError

MODULES = ("source", "schema", "features", "model", "evaluation")
STAGES = ("ingest", "validate", "featurize", "train", "evaluate")
PROBLEM = "problem"
PROBLEMS = ("classification", "regression")
RESULTS = ("data", "models", "reports")
SITE = "mkdocs.yml"
LONGEST = 20  # so that lines with its name are short enough


@dataclass(frozen=True)
class Model(Scaffold):
    """A further model, which begins as the one that the template comes with.

    Attributes:
        name: Its name, which is also that of its folders and of its section of params.yaml.
        problem: What kind of values it predicts.
    """

    kind: ClassVar[str] = "model"
    purpose: ClassVar[str] = "a further model: five modules, parameters, stages, versions and model card of its own"

    name: str
    problem: str

    @classmethod
    def describe(cls, parser: ArgumentParser) -> None:
        """Describe the options of `add`."""
        text = f"what kind of model: {' or '.join(PROBLEMS)} (default: that of the first model)"
        parser.add_argument("--problem", choices=PROBLEMS, metavar="KIND", help=text)

    @classmethod
    def present(cls, project: Project) -> Sequence[str]:
        """List the folders that have all five modules."""
        below = f"{project.repository.prefix}src/{project.package}"
        found = (re.fullmatch(f"{re.escape(below)}/([^/]+)/model[.]py", path) for path in project.tree)
        names = sorted(match[1] for match in found if match)
        return [name for name in names if all(f"{below}/{name}/{each}.py" in project.tree for each in MODULES)]

    @classmethod
    def asked(cls, project: Project, options: Namespace) -> "Model":
        """Check what is asked for."""
        name = identifier(options.name, "prices", of="a model's name", longest=LONGEST)
        refuse_if_taken(project, name, *(f"{name}_{stage}" for stage in STAGES))
        package = f"src/{project.package}"
        for path in (f"{package}/{name}", f"{package}/{name}.py"):
            if project.has(path):
                message = f"there is {path} already: take another name"
                raise FormworkError(message)
        for folder in RESULTS:
            refuse_if_written(f"{folder}/{name}", project)
        replaced = [stage for stage in STAGES if project.has(f"{package}/stages/{stage}.py")]
        if replaced:
            message = f"stage {replaced[0]} is {package}/stages/{replaced[0]}.py here, for the first model only"
            raise FormworkError(message)
        project.require_contract()
        return cls(project, name, options.problem or str(project.answers.get(PROBLEM)))

    @classmethod
    def found(cls, project: Project, name: str) -> "Model":
        """Find the model, and what kind it is."""
        cls.require(project, name)
        refuse_if_read(project, {f"{name}_{stage}" for stage in STAGES})
        metrics = project.text(f"src/{project.package}/{name}/evaluation.py") or ""
        return cls(project, name, next((it for it in PROBLEMS if f"scores.{it}(" in metrics), PROBLEMS[0]))

    def changes(self) -> Sequence[Change]:
        """Say what it does to files."""
        name, package = self.name, self.project.package
        values = {"name": name, "package": package}
        modules = {f"src/{package}/{name}/{module}.py": self._module(module) for module in MODULES}
        return [
            NewFile(f"src/{package}/{name}/__init__.py", f'"""The model {name}."""\n'),
            *(NewFile(path, text) for path, text in modules.items()),
            NewFile(f"tests/test_{name}.py", rendered("test_model.py", **values)),
            NewFile(f"tests/{name}.csv", self._text("tests/sample.csv")),
            NewFile(f"docs/{name}.md", self._page()),
            Entry(PARAMETERS, (), self._parameters()),
            *(Entry(PIPELINE, ("stages",), text) for text in self._stages()),
            *(Entry(PIPELINE, ("plots",), text) for text in self._plots()),
            Entry(SITE, ("nav",), f"- Model card of {name}: {name}.md\n"),
        ]

    def next_steps(self) -> Sequence[str]:
        """Say what is left to do by hand."""
        return [
            f"uvx nox -s pipeline -- {self.name}, which runs it on the rows of the example",
            f"bring your rows into it as the template's docs/your-data-{self.problem}.md says: into "
            f"src/{self.project.package}/{self.name}/, where imports begin with ..core, below `{self.name}` in "
            f"params.yaml, into tests/{self.name}.csv, with --of {self.name} in the last commands; "
            f"then docs/{self.name}.md",
        ]

    @cached_property
    def _template(self) -> Path:
        """What the template has for this kind of model."""
        return self.project.render({PROBLEM: self.problem})

    def _text(self, path: str) -> str:
        """Read a file of the template."""
        return (self._template / path).read_text(encoding="utf-8")

    def _module(self, module: str) -> str:
        """Move a module into a folder below the package."""
        text = self._text(f"src/{self.project.package}/{module}.py")
        text = text.replace("from .core.", "from ..core.")
        return re.sub(r"Section `(\w+)` of params\.yaml", rf"Section `{self.name}.\1` of params.yaml", text)

    def _page(self) -> str:
        """Write the model card."""
        text = self._text("docs/model-card.md").replace('--8<-- "', f'--8<-- "{self.name}/')
        title, _, rest = text.partition("\n")
        values = {"name": self.name, "package": self.project.package, "title": title.removeprefix("# ")}
        return rendered("model.md", **values, rest=rest.strip("\n"))

    def _parameters(self) -> str:
        """Put all parameters of the template into one section."""
        text = re.sub(r"\A(#.*\n)*", "", self._text(PARAMETERS))
        section = re.sub(r"^(?=.)", "  ", text, flags=re.MULTILINE)
        return f"{self.name}:\n{section.replace('tests/sample.csv', f'tests/{self.name}.csv')}"

    def _stages(self) -> Iterator[str]:
        """Yield each stage of the template, for the files and the parameters of this model."""
        for text in entries(self._text(PIPELINE), "stages"):
            called = re.sub(r"^(  cmd: .+)$", rf"\1 --of {self.name}", text, flags=re.MULTILINE)
            # What is in a list and no path is a parameter.
            named = re.sub(r"^( +- )(\w+)$", rf"\1{self.name}.\2", called, flags=re.MULTILINE)
            yield f"{self.name}_{self._moved(named)}"

    def _plots(self) -> Iterator[str]:
        """Yield each plot of the template, for the files of this model."""
        return map(self._moved, entries(self._text(PIPELINE), "plots"))

    def _moved(self, text: str) -> str:
        """Name the files of this model instead of those of the first one."""
        text = re.sub(rf"- ({'|'.join(RESULTS)})/", rf"- \1/{self.name}/", text)
        text = text.replace("${source.", f"${{{self.name}.source.")
        folder = f"src/{self.project.package}"
        return re.sub(rf"{folder}/({'|'.join(MODULES)})\.py", rf"{folder}/{self.name}/\1.py", text)


def entries(text: str, section: str) -> list[str]:
    """List the entries of a section of a YAML file, as texts."""
    count = len(yaml_text.block_at(text, (section,)).spans)
    return [yaml_text.take_out(text, (section,), number)[0] for number in range(count)]
