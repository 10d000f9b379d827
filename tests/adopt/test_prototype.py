"""The page on prototypes leads from one notebook and one file to a model that predicts, with nothing else done."""

import json
import os
import re
import sys
from pathlib import Path

import pytest

from tests.adopt.examples import make
from tests.generated.repository import Repository, interpreter
from tests.generated.test_own_data import BLOCK, churn
from tests.harness import ROOT, Template

PAGE = ROOT / "docs" / "prototype.md"
PUBLIC = "git+https://github.com/formwork-ml/formwork formwork adopt ."


def edited(text: str, change: str) -> str:
    """Return a file with the change that the page shows."""
    for hunk in change.split("@@\n"):
        lines = hunk.splitlines(keepends=True)
        old, new = ("".join(line[1:] for line in lines if line[0] in signs) for signs in (" -", " +"))
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    return text


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.skipif("FORMWORK_JOURNEYS" not in os.environ, reason="`nox -s journeys` tries it")
def test_a_prototype_becomes_a_pipeline(template: Template, tmp_path: Path) -> None:
    blocks = [match.groupdict() for match in BLOCK.finditer(PAGE.read_text("utf-8"))]
    notebook, *files = [block for block in blocks if block["file"]]
    commands = [line for block in blocks if block["language"] == "bash" for line in block["content"].splitlines()]
    assert len(commands) <= 12
    assert len(files) <= 5

    cell: dict[str, object] = {
        "cell_type": "code",
        "source": notebook["content"],
        "metadata": {},
        "outputs": [],
        "execution_count": None,
    }
    content = {"cells": [cell], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    rows = churn(600).replace(",x,", ",-1,")
    mine = make(tmp_path / "churn", {"data/churn.csv": rows, "churn.ipynb": json.dumps(content)})
    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    repository = Repository(mine, interpreter(python) or python)

    said = {}
    for block in blocks:
        path = mine / (block["file"] or "")
        if block["language"] == "bash":
            for command in block["content"].splitlines():
                answers = f"--template {template.url} --data python_version={python}"
                typed = command.replace(PUBLIC, f"{ROOT} formwork adopt . {answers}")
                done = repository.run("bash", "-c", typed)
                said[command] = done.stdout + done.stderr
        elif block["language"] == "diff":
            path.write_text(edited(path.read_text("utf-8"), block["content"]), "utf-8")
        elif block in files:
            path.write_text(block["content"], "utf-8")

    assert repository.changes() == ""
    assert "1 in quarantine" in said["uvx nox -s setup"]
    assert re.search(r"evaluate: accuracy \S+ on \d+ rows, baseline", said["uvx nox -s setup"])
    assert "* tests: success" in said["uvx nox -s check"]
    assert "register: version 2 is the champion" in said["uv run churn register"]
    [predicted] = [text for command, text in said.items() if " predict " in command]
    assert "predict: version 2, 600 rows, 1 without a prediction" in predicted
