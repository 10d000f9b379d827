"""docs/your-data.md, followed to the letter, leads to a green repository with other data."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.generated.repository import generate
from tests.harness import Template

BLOCK = re.compile(r'^```\w+ title="(?P<file>[^"]+)"[^\n]*\n(?P<content>.*?)^```$', re.MULTILINE | re.DOTALL)
YOURS = {f"src/my_project/{name}.py" for name in ("source", "schema", "features", "model")} | {"params.yaml"}


def churn(rows: int) -> str:
    """Make customers as the page shows them: gaps, text, and a row that breaks a rule."""
    lines = ["customer_id,plan,months,monthly_charge,support_calls,churned"]
    for number in range(rows):
        months, calls = number * 37 % 121, number * 11 % 10
        left = "yes" if calls * 12 + number * 53 % 40 > months + 20 else "no"
        plan = ("basic", "family", "")[number % 3]
        charge = f"{10 + number * 71 % 800 / 10:.2f}" if number % 7 else ""
        lines.append(f"C{number % 900:04},{plan},{'x' if number == 3 else months},{charge},{calls},{left}")
    return "\n".join(lines) + "\n"


def flats(rows: int) -> str:
    """Make flats as the page shows them: gaps, text, and a row that breaks a rule."""
    lines = ["building,district,rooms,area,built,rent"]
    for number in range(rows):
        rooms, district = 1 + number * 7 % 5, ("north", "south", "")[number % 3]
        area = rooms * 22 + number * 31 % 330 / 10
        built = 1900 + number * 17 % 120 if number % 5 else ""
        rent = -1 if number == 3 else round(200 + 9 * area + number * 13 % 80)
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
    said = repository.nox("pipeline", "check")
    assert "1 in quarantine" in said
    assert re.search(rf"evaluate: {metric} \S+ on \d+ rows, baseline", said)
    assert "register: my_project, version 2" in said
    assert not re.search(r"\b\d+ skipped", said)
    changed = {line[3:] for line in repository.changes().splitlines()}
    results = {name for name in changed if name.startswith(("reports", "dvc.lock", "data/"))}
    assert changed - results == set(blocks) | {"tests/sample.csv"}
