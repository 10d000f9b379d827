"""The scaffold `notebook`: a notebook as text, which the tests run."""

import re
import sys
from argparse import Namespace
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from formwork.adding.changes import Change, Entry, NewFile
from formwork.adding.project import Project, identifier
from formwork.adding.rendering import rendered
from formwork.adding.scaffold import Scaffold
from formwork.errors import FormworkError

FOLDER = "notebooks"
PAIRED = (
    '# A notebook is a text in git; Jupytext keeps its outputs in a file beside it.\nformats = "ipynb,py:percent"\n'
)
SITE = "mkdocs.yml"
IMPORTED_AS = {"pyyaml": "yaml", "python_dotenv": "dotenv", "scikit_learn": "sklearn", "mlflow_skinny": "mlflow"}
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
        """Check the name: other notebooks, and this one, would import the notebook instead of a package of its name."""
        name = identifier(options.name, "explore")
        if name in {project.package, *sys.stdlib_module_names, *installed(project)}:
            message = f"{name} is a package that notebooks import: take another name, for example {name}_explore"
            raise FormworkError(message)
        project.require_contract()
        return cls(project, name)

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
        ]
        entry = Entry(SITE, ("nav",), "- Notebooks: notebooks.md\n", is_shared=True)
        here = self.project.text(page.path)
        # A page that was edited, or is elsewhere in the navigation, stays with its entry.
        if here is None or (here == page.text and entry.is_in(self.project.text(SITE) or "")):
            shared += [page, entry]
        others = [name for name in self.present(self.project) if name != self.name]
        return [NewFile(f"{FOLDER}/{self.name}.py", rendered("notebook.py", **values)), *([] if others else shared)]

    def next_steps(self) -> Sequence[str]:
        """Say what is left to do by hand."""
        lab = "uv run --with jupyterlab --with jupytext --with ipywidgets jupyter lab notebooks"
        steps = [f"{lab} (docs/notebooks.md explains it)"]
        if self.project.names(FOLDER, ".ipynb"):
            steps.append(f"git add --force each new .ipynb that is to be in git: {FOLDER}/.gitignore leaves them out")
        return steps


def installed(project: Project) -> set[str]:
    """Name the packages that are required and, once there is a lock, what these require, as they are imported.

    Raises:
        FormworkError: If pyproject.toml or the lock cannot be read.
    """
    names: list[str] = []
    for path in ("pyproject.toml", "uv.lock"):
        content = project.toml(path)
        required = [content.get("project", {}).get("dependencies", []), *content.get("dependency-groups", {}).values()]
        names += [name for each in required for name in each if isinstance(name, str)]
        names += [package["name"] for package in content.get("package", [])]
    modules = (re.split(r"[^\w.-]", name)[0].lower().replace("-", "_") for name in names)
    return {IMPORTED_AS.get(name, name) for name in modules}
