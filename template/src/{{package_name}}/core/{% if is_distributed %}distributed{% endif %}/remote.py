"""What a worker does. These functions travel to it as they are, and import nothing of the package.

The package, the parameters and a version of the model lie in a folder on the storage that all
machines share. A process copies the package from there once, so that it may be deleted.
"""

import atexit
import json
import os
import shutil
import sys
import tempfile
import threading
import traceback
import zipfile
from collections.abc import Mapping
from importlib import import_module, invalidate_caches
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from fsspec.core import url_to_fs
from fsspec.implementations.local import LocalFileSystem

# On the module `sys`: the package that is loaded, its hash and where it is; what was fetched; what
# lets one thread work at a time, since there is one package and one working directory.
LOADED, FETCHED, LOCK = "_package_of_parts", "_fetched_for_parts", "_lock_of_parts"
RUNS = 4  # for which a process keeps what it has fetched


def fault(wanted: Mapping[str, Any]) -> str:
    """Say what this process lacks.

    Args:
        wanted: A file that all machines see and its text, files with rows, the minor version of
            Python, and the versions of packages by their names.

    Returns:
        What is wrong, and what to do; empty if nothing is wrong.
    """
    if unseen := _unseen(wanted):
        return f"does not see {unseen}: it needs the same storage, at the same path"
    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    if python != wanted["python"]:
        return other_python(python, wanted["python"])
    for name, here in wanted["versions"].items():
        try:
            found = version(name)
        except PackageNotFoundError:
            return f"lacks {name}, and here is {here}: install what uv.lock says there"
        if found != here:
            return f"has {name} {found}, and here is {here}: install what uv.lock says there"
    return ""


def store_of(place: str) -> tuple[Any, str]:
    """Return the store of fsspec for a URL or a path of this machine, and the path in it."""
    return url_to_fs(place) if "://" in place else (LocalFileSystem(), str(Path(place).absolute()))


def other_python(there: str, here: str) -> str:
    """Say that a process has another Python."""
    return f"has Python {there}, and here is {here}: use one environment"


def _unseen(wanted: Mapping[str, Any]) -> str:
    try:
        store, token = store_of(wanted["token"])
        is_seen = store.cat_file(token).decode() == wanted["text"]
    except Exception as error:
        return f"{wanted['token']} ({' '.join(str(error).split())})"
    if not is_seen:
        return str(wanted["token"])
    return next((it for it in wanted["sources"] if not Path(it).exists()), "")


def work(task: Mapping[str, Any], part: Mapping[str, Any]) -> str:
    """Do with a part what a stage does with it.

    Args:
        task: The package, where it is and its hash, and what makes the work of which words.
        part: The part, in texts and numbers.

    Returns:
        In JSON, the outcome of the part, or the error, or what this process lacks.
    """
    with sys.__dict__.setdefault(LOCK, threading.Lock()):
        try:
            if not _is_loaded(task):
                if found := fault(task["wanted"]):
                    return json.dumps({"unfit": f"a worker {found}"})
                _load(task["package"], task["code"], task["sha256"])
            return json.dumps({"outcome": _outcome(task, part)})
        except (Exception, SystemExit) as error:
            # An error of one text, such as a KeyError, may show it otherwise.
            text = error.args[0] if [*map(type, error.args)] == [str] else str(error)
            names = [kind.__name__ for kind in type(error).__mro__]
            said = {"error": names, "message": text, "traceback": traceback.format_exc()}
            return json.dumps(said)


def _is_loaded(task: Mapping[str, Any]) -> bool:
    package, sha256, copy = getattr(sys, LOADED, ("", "", ""))
    is_there = Path(copy, package, "__init__.py").is_file()  # and not cleaned up in the meantime
    return (package, sha256) == (task["package"], task["sha256"]) and is_there


def _outcome(task: Mapping[str, Any], part: Mapping[str, Any]) -> object:
    package = task["package"]
    if Path(task["folder"]).is_dir():
        os.chdir(task["folder"])  # files that your modules name are found as they are there
    tables = import_module(f"{package}.core.base.tables")
    processes = import_module(f"{package}.core.processes")
    module, name = task["make"]
    make = getattr(import_module(module), name)
    run = task["wanted"]["token"]
    words = tuple(_here(it, run) if is_path else it for it, is_path in task["words"])
    paths = {kind: [Path(it) for it in part[kind]] for kind in ("sources", "targets")}
    stage = processes.Stage(make, words, is_python=True)
    done: object = stage(tables.Part(**{**part, **paths}))
    return done


def _here(place: str, run: str) -> Path:
    """Return where a file or a folder is on this machine; one in a store is fetched once a run."""
    if "://" not in place:
        return Path(place)
    folders: dict[str, str] = sys.__dict__.setdefault(FETCHED, {})
    if run not in folders:
        while len(folders) >= RUNS:
            shutil.rmtree(folders.pop(next(iter(folders))), ignore_errors=True)
        folders[run] = tempfile.mkdtemp()
        atexit.register(shutil.rmtree, folders[run], ignore_errors=True)
    store, root = store_of(place)
    copy = Path(folders[run], *root.split("/")[-2:])
    if not copy.exists():
        for file in store.find(root):
            target = Path(f"{copy}{file.removeprefix(root)}")
            target.parent.mkdir(parents=True, exist_ok=True)
            store.get_file(file, str(target))
    return copy


def _load(package: str, code: str, sha256: str) -> None:
    """Let this process import the package from a copy of its own."""
    for name in [it for it in sys.modules if it == package or it.startswith(f"{package}.")]:
        del sys.modules[name]
    for before in getattr(sys, LOADED, ())[2:]:
        shutil.rmtree(before, ignore_errors=True)
        sys.path.remove(before)
    copy = tempfile.mkdtemp(prefix=f"{package}-")
    atexit.register(shutil.rmtree, copy, ignore_errors=True)
    store, path = store_of(code)
    with store.open(path) as packed, zipfile.ZipFile(packed) as archive:
        archive.extractall(copy)
    sys.path.insert(0, copy)
    invalidate_caches()
    setattr(sys, LOADED, (package, sha256, copy))
