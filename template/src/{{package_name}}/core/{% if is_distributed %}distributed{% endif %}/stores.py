"""Predict for the files below a URL, such as `s3://bucket/new`, into files below another one."""

import json
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path, PurePosixPath

from fsspec.core import url_to_fs

from .. import prediction
from ..base.errors import ProjectError
from ..base.settings import Environment
from ..base.tables import Part
from ..models.bundle import Bundle
from ..processes import Stage
from .sending import explained, make_folder

MANIFEST = "_manifest.json"


def predict_below(
    version: Bundle, source: str, output: str, *, is_ingested: bool
) -> tuple[int, int]:
    """Predict for each file below a URL, several at once.

    An object store cannot rename a folder. So the results are whole only when the manifest is
    there, which is written last and names each file.

    Args:
        version: The version.
        source: Where the files of rows are.
        output: Where to write: a Parquet file for each file, of the same name, and the manifest.
        is_ingested: Whether `source.py` has read the rows already.

    Returns:
        How many rows there were, and how many of them have no prediction.

    Raises:
        ProjectError: If a place cannot be used, if there are results already, or if the features
            of the version look back at other rows.
    """
    if version.looks_back:
        message = "features look back at earlier rows, which may be in other files"
        raise ProjectError(f"{message}: predict for a file that you have fetched")
    Environment.load()  # .env may hold the keys of a store
    with explained(source):
        store, root = url_to_fs(source)
        found = sorted(store.find(root))
    root = str(PurePosixPath(root).parent) if found == [root] else root
    targets = _targets(root, found)
    if not targets:
        raise ProjectError(f"cannot read {source}: there is no file")
    with explained(output):
        results, place = url_to_fs(output)
        is_taken = results.exists(f"{place}/{MANIFEST}")
    if is_taken:
        message = f"there are predictions at {output} already ({MANIFEST})"
        raise ProjectError(f"{message}: remove them, or name another place")
    if type(store) is type(results) and f"{place}/".startswith(f"{root}/"):
        raise ProjectError(f"{output} is below the input: name another place")
    with tempfile.TemporaryDirectory() as folder:
        names = Path(folder) / "names.json"
        names.write_text(json.dumps([*targets.items()]), encoding="utf-8")
        below = store.unstrip_protocol(root)
        words = (version.folder, below, output, "ingested" if is_ingested else "", names)
        stage = Stage(work, words, is_python=True, place=output)
        parts = [Part([], 0, number, [], is_all=False) for number in range(len(targets))]
        counts = [*stage.each(stage, parts)]
    files = {
        target: {"rows": rows, "without_prediction": without}
        for target, (rows, without) in zip(targets, counts, strict=True)
    }
    content = {"version_sha256": version.sha256, "source": source, "files": files}
    with explained(output):
        results.pipe_file(f"{place}/{MANIFEST}", json.dumps(content, indent=2).encode())
    return sum(rows for rows, _ in counts), sum(without for _, without in counts)


def _targets(root: str, found: Sequence[str]) -> dict[str, str]:
    """Return the names of results, and of the files below a place that are not hidden."""
    targets: dict[str, str] = {}
    for path in found:
        name = PurePosixPath(path).relative_to(root)
        if path.endswith("/") or any(part.startswith((".", "_")) for part in name.parts):
            continue
        target = str(name.with_suffix(".parquet"))
        if other := targets.get(target):
            raise ProjectError(f"{other} and {name} would both be {target}: rename one")
        targets[target] = str(name)
    return targets


def work(
    version: Path, source: str, output: str, ingested: str, names: Path
) -> Callable[[Part], tuple[int, int]]:
    """Return what predicts for a file below a URL, whose number is the first row of the part.

    Args:
        version: The folder of the version.
        source: Where the files of rows are.
        output: Where to write.
        ingested: Some text if `source.py` has read the rows already, else empty.
        names: A file with the names of the results and of the files.
    """
    scratch = tempfile.TemporaryDirectory()
    predict_file = prediction.work(version, scratch.name, ingested)
    pairs = json.loads(names.read_text(encoding="utf-8"))
    (store, root), (results, place) = url_to_fs(source), url_to_fs(output)

    def predict_object(part: Part) -> tuple[int, int]:
        target, name = pairs[part.first]
        rows, made = Path(scratch.name, name), Path(scratch.name, ".predicted.parquet")
        rows.parent.mkdir(parents=True, exist_ok=True)
        try:
            with explained(source):
                store.get_file(f"{root}/{name}", str(rows))
            counts = predict_file(Part([rows], 0, 0, [made], is_all=False))
            with explained(output):
                make_folder(results, str(PurePosixPath(place, target).parent))
                results.put_file(str(made), f"{place}/{target}")
        except ProjectError as error:
            raise ProjectError(str(error).replace(str(rows), f"{source}/{name}")) from error
        finally:
            for file in (rows, made):
                file.unlink(missing_ok=True)
        return counts

    return predict_object
