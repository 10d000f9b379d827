"""Your modules, files and parameters of one model: of the first, or of a further one."""

from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING

from .base import paths
from .base.paths import MODULES, PACKAGE


@dataclass(frozen=True)
class Yours:
    """Your part of a model. A module is imported when it is first used.

    Attributes:
        name: The folder of a further model's modules; empty for the first model.
    """

    name: str = ""

    if TYPE_CHECKING:  # so that the types of the first model's modules are known
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
