"""docs/your-data.md, followed to the letter, leads to a green repository with other data."""

import random
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.generated.repository import generate
from tests.harness import Template

BLOCK = re.compile(r'^```\w+ title="(?P<file>[^"]+)"[^\n]*\n(?P<content>.*?)^```$', re.MULTILINE | re.DOTALL)
YOURS = {f"src/my_project/{name}.py" for name in ("source", "schema", "features", "model")} | {"params.yaml"}


def churn(rows: int) -> str:
    """Make customers as the page shows them: gaps, text, and some rows that break a rule."""
    chance = random.Random(7)
    lines = ["customer_id,plan,months,monthly_charge,support_calls,churned"]
    for number in range(rows):
        months, calls = chance.randint(0, 120), chance.randint(0, 9)
        left = "yes" if calls * 12 + chance.gauss(0, 20) > months else "no"
        plan = chance.choice(["basic", "family", ""])
        charge = f"{chance.uniform(10, 90):.2f}" if number % 7 else ""
        lines.append(f"C{number % 900:04},{plan},{'x' if number == 3 else months},{charge},{calls},{left}")
    return "\n".join(lines) + "\n"


def flats(rows: int) -> str:
    """Make flats as the page shows them: gaps, text, and some rows that break a rule."""
    chance = random.Random(7)
    lines = ["building,district,rooms,area,built,rent"]
    for number in range(rows):
        rooms, district = chance.randint(1, 5), chance.choice(["north", "south", ""])
        area = rooms * 22 + chance.uniform(-8, 25)
        built = "" if number % 5 == 0 else chance.randint(1900, 2020)
        rent = -1 if number == 3 else round(200 + 9 * area + chance.gauss(0, 40))
        lines.append(f"B{number % 150:03},{district},{rooms},{area:.1f},{built},{rent}")
    return "\n".join(lines) + "\n"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("problem", "data", "make", "metric"),
    [
        ("classification", "data/churn.csv", churn, "accuracy"),
        ("regression", "data/flats.csv", flats, "mean_absolute_error"),
    ],
    ids=["classification", "regression"],
)
def test_the_page_is_enough(
    template: Template, tmp_path: Path, problem: str, data: str, make: Callable[[int], str], metric: str
) -> None:
    """Its blocks are whole files, the sample is the head of the data, and nothing else is touched."""
    repository = generate(template, tmp_path / "repository", problem=problem)
    repository.nox("setup")
    (repository.path / data).write_text(make(600), "utf-8")
    repository.run("uv", "run", "dvc", "add", "--quiet", data)
    tracked = repository.run("uv", "run", "dvc", "stage", "list", "--all").stdout
    assert f"{data}.dvc" in tracked  # or neither push nor pull would know the file
    page = (repository.path / "docs/your-data.md").read_text("utf-8")
    blocks = {block["file"]: block["content"] for block in BLOCK.finditer(page)}
    assert {"params.yaml", "src/my_project/schema.py", "src/my_project/model.py"} <= set(blocks) <= YOURS
    for file, content in blocks.items():
        (repository.path / file).write_text(content, "utf-8")
    (repository.path / "tests/sample.csv").write_text(make(80), "utf-8")
    said = repository.nox("check", "pipeline")
    assert "1 in quarantine" in said
    assert re.search(rf"evaluate: {metric} \S+ on \d+ rows, baseline", said)
    assert "register: my_project, version 2" in said
    assert not re.search(r"\b\d+ skipped", said)
    changed = {line[3:] for line in repository.changes().splitlines()}
    results = {name for name in changed if name.startswith(("reports", "dvc.lock", "data/"))}
    assert changed - results == set(blocks) | {"tests/sample.csv"}
