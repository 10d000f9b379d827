"""Random sequences of `add` and `remove`, with edits between them."""

import os
import random
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.add.conftest import Run
from tests.add.test_pieces import PIECES
from tests.harness import ANSWERS_FILE, commit_everything, git, tree

SEQUENCES = int(os.environ.get("FORMWORK_SEQUENCES", "20"))
CHUNKS = 4
STEPS = 12 if SEQUENCES > 20 else 5
NAMES = ("one", "two", "three")
TABLES = ("four", "five")
MODELS = ("six",)
EDITED = ("dvc.yaml", "params.yaml", "mkdocs.yml", "docs/decisions.md", "docs/start.md", "README.md", "pyproject.toml")


class Sequence:
    """One sequence in a repository, with what must be true after each step."""

    def __init__(self, folder: Path, run: Run, seed: int) -> None:
        """Begin in a repository that was just generated."""
        self.folder = folder
        self.run = run
        self.chance = random.Random(seed)  # noqa: S311
        self.here: list[tuple[str, ...]] = []
        self.mine: dict[str, list[str]] = {}
        self.number = seed * 1000

    def step(self) -> None:
        """Add, remove or edit something."""
        kind = self.chance.choice(["add", "add", "remove", "edit"])
        if kind == "edit":
            self.edit()
        elif kind == "remove" and self.here:
            self.remove(self.chance.choice(self.here))
        else:
            self.add(self.something())
        self.verify()
        if self.chance.random() < 0.8:
            commit_everything(self.folder, "Step")

    def something(self) -> tuple[str, ...]:
        """Choose a thing to add."""
        kind = self.chance.choice(["stage", "dataset", "model", "notebook", "decision", "piece"])
        if kind == "piece":
            return ("piece", self.chance.choice(PIECES))
        stages = [name for here, name in self.here if here == "stage"]
        if kind == "stage" and stages and self.chance.random() < 0.5:
            name = self.chance.choice(NAMES)
            return (kind, name, "--reads", f"data/{self.chance.choice(stages)}.parquet")
        return (kind, self.chance.choice({"dataset": TABLES, "model": MODELS}.get(kind, NAMES)))

    def add(self, thing: tuple[str, ...]) -> None:
        """Add it; it is refused if it is there, or if something that it touches is not committed."""
        before = tree(self.folder)
        status, said = self.run("add", *thing)
        thing = thing[:2]
        if status == 0:
            assert thing not in self.here
            self.here.append(thing)
            return
        assert tree(self.folder) == before, said
        assert "already" in said if thing in self.here else "not committed" in said, said

    def remove(self, thing: tuple[str, ...]) -> None:
        """Remove it, which gives the same tree as if it had not been added."""
        before = tree(self.folder)
        status, said = self.run("remove", *thing)
        if status:
            assert re.search(r"not staged|stage \w+ reads data/", said), said
            assert tree(self.folder) == before
            return
        self.here.remove(thing)

    def edit(self) -> None:
        """Append a line to a file, as its owner would."""
        name = self.chance.choice(EDITED)
        self.number += 1
        line = f"# mine {self.number}\n" if not name.endswith(".md") else f"\nMine {self.number}.\n"
        text = (self.folder / name).read_text("utf-8")
        first, _, rest = text.partition("\n")  # below a decision, a line would be its text
        text = f"{first}\n{line}{rest}" if name == "docs/decisions.md" else text + line
        (self.folder / name).write_text(text, "utf-8")
        self.mine.setdefault(name, []).append(line)

    def verify(self) -> None:
        """See that no line is lost, and that what is there is what was added."""
        for name, lines in self.mine.items():
            text = (self.folder / name).read_text("utf-8")
            assert all(line in text for line in lines)
        stages = {name for kind, name in self.here if kind in ("stage", "dataset")}
        models = {name for kind, name in self.here if kind == "model"}
        dvc, params, site = (self.yaml(name) for name in ("dvc.yaml", "params.yaml", "mkdocs.yml"))
        steps = ("ingest", "validate", "featurize", "train", "evaluate")
        assert {*dvc["stages"]} - {*steps} == stages | {f"{name}_{step}" for name in models for step in steps}
        made = {out for stage in dvc["stages"].values() for out in stage.get("outs", []) if isinstance(out, str)}
        assert {dep for stage in dvc["stages"].values() for dep in stage["deps"] if dep.startswith("data/")} <= made
        assert {*params} & {*NAMES, *TABLES, *MODELS} == stages | models
        assert {path.parent.name for path in self.folder.glob("src/my_project/*/model.py")} == models
        modules = {path.stem for path in (self.folder / "src/my_project").glob("stages/[!_]*.py")}
        assert modules == stages
        notebooks = {name for kind, name in self.here if kind == "notebook"}
        assert {path.stem for path in self.folder.glob("notebooks/*.py")} == notebooks
        assert ({"Notebooks": "notebooks.md"} in site["nav"]) == bool(notebooks)
        pieces = {name for kind, name in self.here if kind == "piece"}
        assert {*self.yaml(ANSWERS_FILE).get("pieces", [])} == pieces

    def yaml(self, name: str) -> dict[str, Any]:
        """Read a file."""
        found: dict[str, Any] = yaml.safe_load((self.folder / name).read_text("utf-8"))
        return found


@pytest.mark.timeout(4 * 3600 if SEQUENCES > 20 else 900)
@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_no_line_is_lost_and_the_end_is_the_beginning(mine: Path, run: Run, chunk: int) -> None:
    for seed in range(chunk, SEQUENCES, CHUNKS):
        git(mine, "checkout", "--quiet", "--force", "-B", f"sequence-{seed}", "main")
        sequence = Sequence(mine, run, seed)
        for _ in range(STEPS):
            sequence.step()
        commit_everything(mine, "Everything")
        for thing in sequence.here[::-1]:
            assert run("remove", *thing)[0] == 0, (seed, thing)
            commit_everything(mine, "Remove")
        sequence.here = []
        sequence.verify()
        for name, lines in sequence.mine.items():
            text = (mine / name).read_text("utf-8")
            for line in lines:
                text = text.replace(line, "", 1)
            (mine / name).write_text(text, "utf-8")
        assert git(mine, "diff", "--stat", "main") == "", seed
