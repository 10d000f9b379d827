"""Predict for the files below a URL, such as `s3://bucket/new`, into files below another one."""

import json
import tempfile
from collections.abc import Callable
from pathlib import Path, PurePosixPath

from fsspec.core import url_to_fs

from .. import prediction
from ..base.errors import ProjectError
from ..base.reading import is_hidden
from ..base.settings import Environment
from ..base.tables import Part
from ..models.bundle import Bundle
from ..models.predict import targets_of
from ..processes import Stage
from .sending import explained, make_folder

MANIFEST = "_manifest.json"


def predict_below(
    version: Bundle, source: str, output: str, ingested: str
) -> list[tuple[int, int]]:
    """Predict for each file below a URL, several at once.

    An object store cannot rename a folder. So the results are whole only when the manifest is
    there, which is written last and names each file.

    Args:
        version: The version.
        source: Where the files of rows are.
        output: Where to write: a Parquet file for each file, of the same name, and the manifest.
        ingested: Some text if `source.py` has read the rows already, else empty.

    Returns:
        For each file, how many rows there were, and how many of them have no prediction.

    Raises:
        ProjectError: If a place cannot be used, or if there are results already.
    """
    Environment.load()  # .env may hold the keys of a store
    with explained(source):
        store, root = url_to_fs(source)
        found = sorted(store.find(root))
    root = str(PurePosixPath(root).parent) if found == [root] else root
    names = [PurePosixPath(path).relative_to(root) for path in found if not path.endswith("/")]
    named = targets_of(name for name in names if not any(map(is_hidden, name.parts)))
    targets = {str(target): str(name) for target, name in named.items()}
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
        listed = Path(folder) / "names.json"
        listed.write_text(json.dumps([*targets.items()]), encoding="utf-8")
        words = (version.folder, store.unstrip_protocol(root), output, ingested, listed)
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
    return counts


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
