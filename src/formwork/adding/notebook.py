"""The scaffold `notebook`: a notebook as text, which the tests run."""

from argparse import Namespace
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from formwork.adding.changes import Change, Entry, NewFile
from formwork.adding.project import Project, identifier
from formwork.adding.rendering import rendered
from formwork.adding.scaffold import Scaffold

FOLDER = "notebooks"
PAIRED = (
    '# A notebook is a text in git; Jupytext keeps its outputs in a file beside it.\nformats = "ipynb,py:percent"\n'
)
IGNORED = "*.ipynb\n.ipynb_checkpoints/\n"


@dataclass(frozen=True)
class Notebook(Scaffold):
    """A notebook.

    Attributes:
        name: Its name.
    """

    kind: ClassVar[str] = "notebook"
    purpose: ClassVar[str] = "a notebook kept as text, which opens the data and the champion, and which the tests run"

    name: str

    @classmethod
    def present(cls, project: Project) -> Sequence[str]:
        """List the notebooks."""
        return project.names(FOLDER, ".py")

    @classmethod
    def asked(cls, project: Project, options: Namespace) -> "Notebook":
        """Check the name."""
        return cls(project, identifier(options.name, "explore"))

    @classmethod
    def found(cls, project: Project, name: str) -> "Notebook":
        """Find the notebook."""
        cls.require(project, name)
        return cls(project, name)

    def changes(self) -> Sequence[Change]:
        """Say what it does to files: the first one brings what all notebooks share."""
        values = {"package": self.project.package, "title": self.name.replace("_", " ").capitalize()}
        page = NewFile("docs/notebooks.md", rendered("notebooks.md", **values), is_shared=True)
        shared: list[Change] = [
            NewFile(f"{FOLDER}/.gitignore", IGNORED, is_shared=True),
            NewFile(f"{FOLDER}/jupytext.toml", PAIRED, is_shared=True),
            NewFile("tests/test_notebooks.py", rendered("test_notebooks.py", **values), is_shared=True),
            page,
        ]
        if self.project.text(page.path) in (None, page.text):  # a page that was edited stays, with its entry
            shared.append(Entry("mkdocs.yml", ("nav",), "- Notebooks: notebooks.md\n", is_shared=True))
        others = [name for name in self.present(self.project) if name != self.name]
        return [NewFile(f"{FOLDER}/{self.name}.py", rendered("notebook.py", **values)), *([] if others else shared)]

    def next_steps(self) -> Sequence[str]:
        """Say what is left to do by hand."""
        lab = "uv run --with jupyterlab --with jupytext --with ipywidgets jupyter lab notebooks"
        return [f"{lab} (docs/notebooks.md explains it)"]
