"""The names that no package of a generated repository may have."""

import keyword
import re
import sys
from collections.abc import Iterable, Iterator
from importlib.metadata import Distribution, distributions
from itertools import chain
from pathlib import Path

from formwork.errors import FormworkError

WINDOWS = ["con", "prn", "aux", "nul", *(f"{port}{number}" for port in ("com", "lpt") for number in range(10))]
# Folders, and modules that would be imported instead of the package; Python's own `test` is not in its list.
FOLDERS = ["tests", "docs", "src", "data", "models", "reports", "noxfile", "conftest", "contract", "figures", "test"]
COULD_BE_A_PACKAGE = re.compile(r"[a-z][a-z0-9_]*")


def reserved_text(known: Iterable[str], environments: Iterable[Path]) -> str:
    """List the names that no package may have, one per line."""
    installed = chain.from_iterable(names_in(environment) for environment in environments)
    names = {*known, *names_of_python(), *WINDOWS, *FOLDERS, *installed}
    return "".join(f"{name}\n" for name in sorted(names) if COULD_BE_A_PACKAGE.fullmatch(name))


def names_of_python() -> set[str]:
    """Collect what this interpreter reserves."""
    return {*keyword.kwlist, *keyword.softkwlist, *sys.stdlib_module_names}


def names_in(site_packages: Path) -> Iterator[str]:
    """Yield the names of what is installed, both as it is imported and as it is published."""
    if not site_packages.is_dir():
        message = f"{site_packages} is not a folder: give the site-packages of an environment"
        raise FormworkError(message)
    for distribution in distributions(path=[str(site_packages)]):
        yield normalised(distribution.metadata["Name"])
        yield from import_names(distribution)


def normalised(name: str) -> str:
    """Spell a name as a package would have it."""
    return re.sub(r"[-_.]+", "_", name).lower()


def import_names(distribution: Distribution) -> set[str]:
    """Name the modules and folders that a distribution puts at the top of site-packages."""
    files = distribution.files or []
    folders = {file.parts[0] for file in files if len(file.parts) > 1}
    modules = {file.name for file in files if len(file.parts) == 1 and file.suffix in {".py", ".so", ".pyd"}}
    return {name.split(".")[0].lower() for name in folders | modules if not name.endswith((".dist-info", ".egg-info"))}
