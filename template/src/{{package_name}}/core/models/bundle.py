"""A version as a folder that holds all it needs to predict anywhere, and sums to check it by.

- `SHA256SUMS`: the sum of every other file; its own sum is a tag of the version.
- `version.json`: lineage, package, Python, columns of the predictions.
- `model.skops`: the fitted estimator; with another format, the name ends as `model.py` says.
- `NAME-*.whl`: the package, built from the code that the version was made with.
- `requirements.txt`: what the package needs to predict, with hashes.
- `params.yaml`: the parameters.
- `schema.json`: what a valid row is.
- `reports/`: metrics, plots and the result of validation.
"""

import json
import os
import platform
import shutil
import subprocess
import tempfile
import tomllib
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import redirect_stdout
from dataclasses import asdict, dataclass
from hashlib import sha256
from importlib import import_module, metadata
from pathlib import Path
from typing import Any, Self

import pandera.polars as pa
import polars as pl
from packaging.requirements import InvalidRequirement, Requirement
from pydantic import BaseModel, Field, ValidationError

from ..base import paths
from ..base.errors import ProjectError
from ..base.estimators import recorded_lock, recorded_sha256
from ..steps.rules import words
from .lineage import Lineage

PACKAGE = (__package__ or "").partition(".")[0]
SUMS, VERSION, REQUIREMENTS = "SHA256SUMS", "version.json", "requirements.txt"
SCHEMA, EXAMPLE = "schema.json", "example.jsonl"
MODEL, WHEEL = f"{paths.MODEL.stem}.*", "*.whl"
EXPORT = ("--no-default-groups", "--no-emit-project", "--no-annotate", "--no-header")


class _Content(BaseModel):
    """What version.json says, as `Bundle` has it."""

    package: str = Field(pattern=r"^[A-Za-z_]\w*$")
    python: str = Field(pattern=r"^\d+\.\d+$")
    lineage: Lineage
    columns: dict[str, str]
    split: dict[str, object]
    looks_back: bool
    of: str = Field(default="", pattern=r"^([A-Za-z_]\w*)?$")


@dataclass(frozen=True)
class Bundle:
    """A folder whose files are those that were registered.

    Attributes:
        folder: Where it is.
        sha256: SHA-256 of `SHA256SUMS`, which stands for all files.
        package: Name of the package.
        python: Version of Python that trained the model, such as `3.12`.
        lineage: Where the model came from.
        columns: Types of the columns that the model predicts, by their names.
        split: What decided which rows were held out.
        looks_back: Whether the features look back at earlier rows.
        of: Name of the further model that it is a version of; empty for the first model.
    """

    folder: Path
    sha256: str
    package: str
    python: str
    lineage: Lineage
    columns: Mapping[str, str]
    split: Mapping[str, object]
    looks_back: bool
    of: str = ""

    @classmethod
    def open(cls, folder: Path, expected_sha256: str = "") -> Self:
        """Check every file, before any of them is used.

        Args:
            folder: The folder.
            expected_sha256: What the registry recorded; if empty, the folder stands for itself.

        Raises:
            ProjectError: If a file is missing, is not listed, or is not the one that was
                registered.
        """
        try:
            listed = recorded_sha256(folder / SUMS)
        except UnicodeDecodeError:
            raise ProjectError(f"{folder / SUMS} is not in the format of sha256sum") from None
        except OSError:
            what = f"it has no {SUMS}" if folder.is_dir() else "there is no such folder"
            raise ProjectError(f"{folder} is not a registered version: {what}") from None
        found = sha256((folder / SUMS).read_bytes()).hexdigest()
        if expected_sha256 and found != expected_sha256:
            raise ProjectError(f"{folder / SUMS} is not the file that was registered")
        files = set(_files(folder))
        if surplus := sorted(files - {*listed, SUMS}):
            raise ProjectError(f"{folder / surplus[0]} is not one of the files in {SUMS}")
        for name, digest in listed.items():
            file = folder / name
            if name not in files:
                raise ProjectError(f"{file} is missing: export the version again")
            if file.is_symlink() or not file.is_file():
                raise ProjectError(f"{file} is a link or a device, not a file")
            if sha256(file.read_bytes()).hexdigest() != digest:
                raise ProjectError(f"{file} is not the file that was registered: SHA-256 differs")
        try:
            content = _Content.model_validate_json((folder / VERSION).read_bytes())
        except (OSError, ValidationError) as error:
            reason = " ".join(str(error).split())
            raise ProjectError(f"{folder / VERSION} cannot be read: {reason}") from None
        for kind in (MODEL, WHEEL):
            if (count := len(list(folder.glob(kind)))) != 1:
                raise ProjectError(f"{folder} has {count} files {kind} instead of one")
        version = cls(folder, found, **dict(content))
        if not zipfile.is_zipfile(version.wheel):
            raise ProjectError(f"{version.wheel} is not a wheel")
        return version

    @property
    def model(self) -> Path:
        """The file of the fitted estimator."""
        return next(self.folder.glob(MODEL))

    @property
    def params(self) -> Path:
        """The parameters, in the format of params.yaml."""
        return self.folder / paths.PARAMS.name

    @property
    def registered(self) -> str:
        """The name of the model in the registry."""
        return ".".join(filter(None, (self.package, self.of)))

    def example(self) -> list[dict[str, Any]]:
        """Return raw rows that the version can predict for; older versions have none."""
        file = self.folder / EXAMPLE
        if not file.is_file():
            return []
        return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]

    @property
    def wheel(self) -> Path:
        """The package."""
        return next(self.folder.glob(WHEEL))

    def copy(self, folder: Path) -> None:
        """Copy the bundle into a folder, whole or not at all.

        Raises:
            ProjectError: If the folder exists already.
        """
        if folder.exists():
            raise ProjectError(f"{folder} exists already: name a new folder")
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent) as place:
            new = Path(place) / folder.name
            shutil.copytree(self.folder, new, copy_function=shutil.copyfile)
            new.replace(folder)

    def packages(self) -> Iterator[Requirement]:
        """List the packages that it needs to predict, each pinned to a version."""
        yield from _pins((self.folder / REQUIREMENTS).read_text(encoding="utf-8"))

    def other_code(self, here: Mapping[str, str] | None = None) -> Iterator[str]:
        """Name what is different here: modules of the package, and packages that it needs.

        The modules of other models do not count, and neither do those of the template's pieces,
        which have a command: no module outside of them may import them.

        Args:
            here: What `code_here` returned when the code here was imported, if that is long ago.
        """
        known = code_here() if here is None else here
        with zipfile.ZipFile(self.wheel) as archive:
            names = archive.namelist()
            folders = {name.rpartition("/")[0] for name in names}
            others = tuple(
                f"{folder}/"
                for folder in folders - {self.package, f"{self.package}/{self.of}"}
                if {f"{folder}/{module}.py" for module in paths.MODULES} <= {*names}
            )
            pieces = (f"{it}/" for it in folders if f"{it}/command.py" in names)
            others += tuple(it for it in pieces if it.startswith(f"{self.package}/core/"))
            for name in names:
                is_code = name.startswith(f"{self.package}/") and not name.startswith(others)
                if is_code and known.get(name) != sha256(archive.read(name)).hexdigest():
                    yield name
        for needed in self.packages():
            if needed.marker is None or needed.marker.evaluate():
                version = installed(needed.name)
                if version is None or version not in needed.specifier:
                    yield f"{needed.name} {needed.specifier}"

    def other_core(self) -> list[str]:
        """Name the files of `core/`, pieces included, that are not the same here."""
        core = f"{self.package}/core/"
        here = code_here().items()
        with zipfile.ZipFile(self.wheel) as archive:
            there = {name: sha256(archive.read(name)).hexdigest() for name in archive.namelist()}
        return sorted({name for name, _ in here ^ there.items() if name.startswith(core)})


def write(
    folder: Path,
    model: Path,
    lineage: Lineage,
    columns: Mapping[str, str],
    schema: pa.DataFrameSchema,
    split: Mapping[str, object],
    example: pl.DataFrame | None,
    write_more: Callable[[Path], None],
    *,
    looks_back: bool,
    of: str = "",
) -> str:
    """Write the last run of the pipeline as a bundle; the same run gives the same bytes.

    Args:
        folder: An empty folder.
        model: The file of the model.
        lineage: Where the model came from.
        columns: Types of the columns that the model predicts, by their names.
        schema: What a valid row is.
        split: What decided which rows were held out.
        example: Rows to try the version with, if there are any.
        write_more: Writes what else belongs to the version into the folder.
        looks_back: Whether the features look back at earlier rows.
        of: Name of a further model.

    Returns:
        SHA-256 of `SHA256SUMS`.

    Raises:
        ProjectError: If the package cannot be built, or if uv.lock is not that of the training.
    """
    files = paths.Files.of(of)
    for path in (model, paths.PARAMS):
        shutil.copyfile(path, folder / path.name)
    reports = folder / paths.METRICS.parent
    here = files.metrics.parent
    others = set() if of else {*paths.further_models()}
    shutil.copytree(
        here,
        reports,
        ignore=lambda place, _: others if Path(place) == here else set(),
        copy_function=shutil.copyfile,
    )
    _write_json(folder / SCHEMA, described(schema))
    content = {
        "package": PACKAGE,
        "python": ".".join(platform.python_version_tuple()[:2]),
        "lineage": asdict(lineage),
        "columns": dict(columns),
        "split": dict(split),
        "looks_back": looks_back,
        **({"of": of} if of else {}),
    }
    _write_json(folder / VERSION, content)
    if example is not None:
        example.write_ndjson(folder / EXAMPLE)
    write_more(folder)
    (folder / REQUIREMENTS).write_bytes(_requirements(of))
    _build_wheel(folder)
    sums = "".join(
        f"{sha256((folder / name).read_bytes()).hexdigest()}  {name}\n" for name in _files(folder)
    )
    (folder / SUMS).write_text(sums, encoding="utf-8", newline="\n")
    return sha256(sums.encode()).hexdigest()


def described(schema: pa.DataFrameSchema) -> dict[str, dict[str, Any]]:
    """Describe the columns of a schema for people and for other programs."""
    return {
        name: {
            "type": str(column.dtype),
            "description": column.description,
            "required": column.required,
            "nullable": column.nullable,
            "rules": [words(check) for check in column.checks],
        }
        for name, column in schema.columns.items()
    }


def code_here() -> dict[str, str]:
    """Return the SHA-256 of each file of the package, by its name in a wheel."""
    files = (it for it in paths.PACKAGE.rglob("*") if it.is_file() and it.suffix != ".pyc")
    root = paths.PACKAGE.parent
    return {it.relative_to(root).as_posix(): sha256(it.read_bytes()).hexdigest() for it in files}


def installed(name: str) -> str | None:
    """Return the version of a package that is installed here."""
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _requirements(of: str) -> bytes:
    """Write what prediction needs, as uv.lock pins it."""
    trained = recorded_lock(paths.Files.of(of).sums)
    if not paths.UV_LOCK.is_file():
        raise ProjectError("there is no uv.lock: run `uv lock`, then `uvx nox -s pipeline`")
    if trained != sha256(paths.UV_LOCK.read_bytes()).hexdigest():
        message = "uv.lock has changed since the model was trained"
        stages = " ".join(f"{of}_{it}" if of else it for it in ("train", "evaluate"))
        raise ProjectError(f"{message}: run `uv run dvc repro --force --single-item {stages}`")
    try:
        done = subprocess.run(
            ["uv", "export", "--frozen", *EXPORT], capture_output=True, check=False
        )
    except OSError:
        raise ProjectError("uv is not in PATH, and is needed to register a version") from None
    if done.returncode:
        reason = done.stderr.decode(errors="replace").strip().replace("\n", " ")
        raise ProjectError(f"uv cannot export uv.lock: {reason}")
    list(_pins(done.stdout.decode()))  # refuses what no version can list
    return done.stdout


def _pins(requirements: str) -> Iterator[Requirement]:
    for line in requirements.splitlines():
        if line and not line.startswith(" "):  # a hash
            try:
                yield Requirement(line.rstrip("\\ "))
            except InvalidRequirement:
                message = f"a version can only list packages of an index, which {line} is not"
                raise ProjectError(f"{message}: see pyproject.toml") from None


def _build_wheel(folder: Path) -> None:
    """Build the package with its own backend, which is installed: nothing is downloaded."""
    try:
        content = tomllib.loads(Path("pyproject.toml").read_text(encoding="utf-8"))
        backend = import_module(content["build-system"]["build-backend"])
    except (OSError, KeyError, tomllib.TOMLDecodeError, ImportError) as error:
        raise ProjectError(f"the package cannot be built, see pyproject.toml: {error}") from error
    with Path(os.devnull).open("w", encoding="utf-8") as nothing, redirect_stdout(nothing):
        backend.build_wheel(str(folder))


def _files(folder: Path) -> list[str]:
    entries = (it for it in folder.rglob("*") if it.is_symlink() or not it.is_dir())
    return sorted(it.relative_to(folder).as_posix() for it in entries)


def _write_json(file: Path, content: object) -> None:
    text = json.dumps(content, indent=2, ensure_ascii=False)
    file.write_text(f"{text}\n", encoding="utf-8", newline="\n")
