"""Whether the template's pipeline can be where the repository may have one of its own."""

from collections.abc import Mapping
from pathlib import Path

import yaml

from formwork.adopting.combining import one_below_the_other
from formwork.adopting.reading import read
from formwork.errors import FormworkError


def refuse_another_pipeline(folder: Path, rendered: Path, shown: Path) -> None:
    """Refuse a folder that has a pipeline of DVC, or parameters that the template's pipeline would read.

    Stages of DVC in one folder share `dvc.yaml`, `params.yaml` and `dvc.lock`.

    Args:
        folder: The folder that is adopted.
        rendered: The template's files for it.
        shown: The folder as the user has written it.

    Raises:
        FormworkError: If there is such a pipeline, with what to do instead.
    """
    reason = ""
    if read_yaml(folder / "dvc.yaml").get("stages"):
        reason = "dvc.yaml has stages of yours, and the template's pipeline needs that file, too"
    elif (folder / "dvc.lock").exists():
        reason = "dvc.lock has results of yours, and the template's pipeline needs that file, too"
    elif (folder / "params.yaml").exists() and (rendered / "params.yaml").exists():
        yours, template = (read_yaml(where / "params.yaml") for where in (folder, rendered))
        both = one_below_the_other(*(read(where / "params.yaml") for where in (folder, rendered)))
        same = ", ".join(name for name in template if name in yours)
        if same:
            reason = f"params.yaml says something else with {same} than the template's pipeline reads there"
        elif (folder / "params.yaml").is_symlink():
            reason = "params.yaml is a link, and the template's pipeline has parameters of its own in this file"
        elif parsed(both) != {**yours, **template}:
            reason = "params.yaml is written so that the template's parameters cannot stand below yours"
    if reason:
        place = shown / "pipeline"
        message = f"{reason}: give it a folder of its own: mkdir {place}, then formwork adopt {place}"
        raise FormworkError(message)


def read_yaml(path: Path) -> Mapping[str, object]:
    """Read a file that may be missing or may not be a mapping."""
    content = parsed(read(path))
    return content if isinstance(content, dict) else {}


def parsed(text: str) -> object:
    """Read YAML, with all values as texts; None if it is not valid."""
    try:
        return yaml.load(text, Loader=yaml.BaseLoader)  # noqa: S506, which does not know that it makes texts only
    except yaml.YAMLError:
        return None
