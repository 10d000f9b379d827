"""Your modules, files and parameters of one model: of the first, or of a further one."""

from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from .base import paths

PACKAGE = Path(__file__).parents[1]
MODULES = ("source", "schema", "features", "model", "evaluation")


@dataclass(frozen=True)
class Yours:
    """What is yours of a model. A module is imported when it is first used.

    Attributes:
        name: The folder of a further model's modules; empty for the first model.
    """

    name: str = ""

    if TYPE_CHECKING:
        from .. import evaluation, features, model, schema, source
    else:

        def __getattr__(self, module: str) -> object:
            """Import one of your modules."""
            if module not in MODULES:
                raise AttributeError(module)
            return import_module(".".join(filter(None, (PACKAGE.name, self.name, module))))

    @property
    def files(self) -> paths.Files:
        """The files of the model."""
        return paths.Files.of(self.name)

    @property
    def registered(self) -> str:
        """The name of the model in the registry."""
        return ".".join(filter(None, (PACKAGE.name, self.name)))

    def section(self, name: str) -> str:
        """Return the place of a section in params.yaml."""
        return paths.section_of(self.name, name)


FIRST = Yours()


def further() -> list[str]:
    """List the further models: folders beside `core/` that have all five modules."""
    files = {f"{module}.py" for module in MODULES}
    folders = (file.parent for file in PACKAGE.glob("*/model.py"))
    return sorted(it.name for it in folders if files <= {file.name for file in it.iterdir()})
