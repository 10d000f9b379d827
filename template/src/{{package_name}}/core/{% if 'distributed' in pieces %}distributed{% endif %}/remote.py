"""What a worker does. These functions travel to it as they are, and import nothing of the package.

The package, the parameters and a version of the model lie in a folder on the storage that all
machines share. A process copies the package from there once, so that it may be deleted.
"""

import os
import sys
import tempfile
import zipfile
from collections.abc import Mapping, Sequence
from importlib import import_module, invalidate_caches
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

LOADED = "_package_of_parts"  # on the module `sys`: the package that is loaded, and its hash


def look(file: str, source: str, names: Sequence[str]) -> dict[str, Any]:
    """Look at what a worker has.

    Args:
        file: A file that whoever asks has written on the shared storage.
        source: A file with rows.
        names: Names of packages that the work needs.

    Returns:
        The text of the file, or nothing; whether it sees the rows; its Python; and its versions of
        the packages, or nothing where one is missing.
    """
    versions: dict[str, str] = {}
    for name in names:
        try:
            versions[name] = version(name)
        except PackageNotFoundError:
            versions[name] = ""
    token = Path(file)
    return {
        "file": token.read_text(encoding="utf-8") if token.is_file() else "",
        "sees_rows": Path(source).exists(),
        "python": f"{sys.version_info.major}.{sys.version_info.minor}",
        "versions": versions,
    }


def work(task: Mapping[str, Any], part: Mapping[str, Any]) -> Any:  # noqa: ANN401
    """Do with a part what a stage does with it.

    Args:
        task: The package, where it is and its hash, and what makes the work of which words.
        part: The part, in texts and numbers.

    Returns:
        The outcome of the part.
    """
    package = task["package"]
    _load(package, task["code"], task["sha256"])
    if Path(task["folder"]).is_dir():
        os.chdir(task["folder"])  # files that your modules name are found as they are there
    tables = import_module(f"{package}.core.base.tables")
    processes = import_module(f"{package}.core.processes")
    module, name = task["make"]
    make = getattr(import_module(module), name)
    words = tuple(Path(it) if is_path else it for it, is_path in task["words"])
    paths = {kind: [Path(it) for it in part[kind]] for kind in ("sources", "targets")}
    stage = processes.Stage(make, words, is_python=True)
    return stage(tables.Part(**{**part, **paths}))


def _load(package: str, code: str, sha256: str) -> None:
    """Let this process import the package from a copy of its own, unless it does already."""
    if getattr(sys, LOADED, None) == (package, sha256):
        return
    for name in [it for it in sys.modules if it == package or it.startswith(f"{package}.")]:
        del sys.modules[name]
    copy = tempfile.mkdtemp(prefix=f"{package}-")
    with zipfile.ZipFile(code) as archive:
        archive.extractall(copy)
    sys.path.insert(0, copy)
    invalidate_caches()
    setattr(sys, LOADED, (package, sha256))
