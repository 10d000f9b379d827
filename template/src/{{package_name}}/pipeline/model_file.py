"""Model files: skops instead of pickle, the same bytes for the same model, a hash checked first."""

import io
import json
import zipfile
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path

import skops.io

from ..model import TRUSTED_TYPES
from . import files
from .errors import ProjectError
from .types import Classifier, Estimator

SCHEMA = "schema.json"
EPOCH = (1980, 1, 1, 0, 0, 0)


def save(models: Mapping[Path, Estimator]) -> None:
    """Write models, and their hashes beside them as `sha256sum` does.

    Args:
        models: Fitted estimators by their files, all in one folder, which is made where needed.
    """
    sums = ""
    for path, model in models.items():
        content = canonical(skops.io.dumps(model))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        sums += f"{sha256(content).hexdigest()}  {path.name}\n"
    files.SHA256SUMS.write_text(sums, encoding="utf-8", newline="\n")


def recorded_sha256(path: Path) -> str:
    """Read the hash that `save` wrote beside a model.

    Args:
        path: The model.

    Returns:
        64 hexadecimal digits.

    Raises:
        ProjectError: If there is none.
    """
    try:
        lines = files.SHA256SUMS.read_text(encoding="utf-8").splitlines()
        return {name: digest for digest, name in map(str.split, lines)}[path.name]
    except (FileNotFoundError, KeyError):
        raise ProjectError(f"there is no {path} yet: run `uvx nox -s pipeline`") from None


def load(path: Path, expected_sha256: str) -> Classifier:
    """Read a model, after its hash has been checked.

    Args:
        path: The file.
        expected_sha256: 64 hexadecimal digits.

    Returns:
        The fitted estimator.

    Raises:
        ProjectError: If the file is another one, or holds types that are not trusted.
    """
    content = path.read_bytes()
    if sha256(content).hexdigest() != expected_sha256:
        raise ProjectError(f"{path} is not the file that was saved: its SHA-256 differs")
    unknown = set(skops.io.get_untrusted_types(data=content)) - set(TRUSTED_TYPES)
    if unknown:
        message = f"{path} holds {', '.join(sorted(unknown))}: see TRUSTED_TYPES in model.py"
        raise ProjectError(message)
    model: Classifier = skops.io.loads(content, trusted=TRUSTED_TYPES)
    return model


def canonical(content: bytes) -> bytes:
    """Rewrite a skops file so that the same model has the same bytes.

    Skops names objects and arrays by their memory addresses, and a zip file holds times.

    Args:
        content: As skops wrote it.

    Returns:
        The same model, addresses numbered as they appear, members sorted, of one date.
    """
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    numbers: dict[str, int] = {}

    def renumber(node: object) -> object:
        if isinstance(node, list):
            return [renumber(item) for item in node]
        if not isinstance(node, dict):
            return node
        renumbered = {key: renumber(value) for key, value in node.items()}
        if "__id__" in node:
            renumbered["__id__"] = numbers.setdefault(str(node["__id__"]), len(numbers))
        if isinstance(file := node.get("file"), str):
            renumbered["file"] = _renamed(file, numbers)
        return renumbered

    schema = json.dumps(renumber(json.loads(members.pop(SCHEMA))), indent=1)
    renamed = {_renamed(name, numbers): data for name, data in members.items()}
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        for name, data in sorted({**renamed, SCHEMA: schema.encode()}.items()):
            archive.writestr(zipfile.ZipInfo(name, EPOCH), data, zipfile.ZIP_DEFLATED)
    return target.getvalue()


def _renamed(name: str, numbers: dict[str, int]) -> str:
    address, dot, ending = name.partition(".")
    return f"{numbers.setdefault(address, len(numbers))}{dot}{ending}"
