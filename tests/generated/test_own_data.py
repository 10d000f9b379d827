"""The tutorials, followed to the letter, lead to a green repository with other data."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.generated.repository import Repository, generate
from tests.harness import ROOT, Template

BLOCK = re.compile(
    r'^```(?P<language>\w+)(?: title="(?P<file>[^"]+)")?[^\n]*\n(?P<content>.*?)^```$', re.MULTILINE | re.DOTALL
)
SAMPLE = "tests/sample.csv"


def churn(rows: int) -> str:
    """Make customers like those of the tutorial, with gaps and one row that breaks a rule."""
    lines = ["customer_id,plan,months,monthly_charge,support_calls,churned"]
    for number in range(rows):
        months, calls = number * 37 % 121, number * 11 % 10
        left = "yes" if calls * 12 + number * 53 % 40 > months + 20 else "no"
        plan = ("basic", "family", "")[number % 3]
        charge = f"{10 + number * 71 % 800 / 10:.2f}" if number % 7 else ""
        lines.append(f"C{number % 900:04},{plan},{'x' if number == 3 else months},{charge},{calls},{left}")
    return "\n".join(lines) + "\n"


def flats(rows: int) -> str:
    """Make flats like those of the tutorial, with gaps and one row that breaks a rule."""
    lines = ["building,district,rooms,area,built,rent"]
    for number in range(rows):
        rooms, district = 1 + number * 7 % 5, ("north", "south", "")[number % 3]
        area = rooms * 22 + number * 31 % 330 / 10
        built = 1900 + number * 17 % 120 if number % 5 else ""
        rent = -1 if number == 3 else round(200 + 9 * area + number * 13 % 80)
        lines.append(f"B{number % 150:03},{district},{rooms},{area:.1f},{built},{rent}")
    return "\n".join(lines) + "\n"


def follow(repository: Repository, page: str) -> Iterator[tuple[str, str]]:
    """Do what a page says: write each block with a title into its file, run each block of commands.

    Yields:
        A file that was written and its content, or a command and what it printed.
    """
    for block in BLOCK.finditer((ROOT / "docs" / page).read_text("utf-8")):
        language, file, content = block["language"], block["file"], block["content"]
        if file:
            (repository.path / file).write_text(content, "utf-8")
            yield file, content
        elif language == "bash":
            for command in content.splitlines():
                done = repository.run("bash", "-c", command)
                yield command, done.stdout + done.stderr


@pytest.mark.slow
@pytest.mark.parametrize(
    ("problem", "data", "make", "metric"),
    [
        ("classification", "data/churn.csv", churn, "accuracy"),
        ("regression", "data/flats.csv", flats, "mean_absolute_error"),
    ],
    ids=["classification", "regression"],
)
def test_a_tutorial_is_enough(
    template: Template, tmp_path: Path, problem: str, data: str, make: Callable[[int], str], metric: str
) -> None:
    """Its blocks are complete files and commands, and nothing else is touched."""
    repository = generate(template, tmp_path / "repository", problem=problem)
    repository.nox("setup")
    start = repository.run("git", "rev-parse", "HEAD").stdout.strip()
    (repository.path / data).write_text(make(600), "utf-8")

    done = dict(follow(repository, f"your-data-{problem}.md"))

    tracked = repository.run("uv", "run", "dvc", "stage", "list", "--all").stdout
    assert f"{data}.dvc" in tracked  # or neither push nor pull would know the file
    said = done["uvx nox -s pipeline"]
    assert "1 in quarantine" in said
    assert re.search(rf"evaluate: {metric} \S+ on \d+ rows, baseline", said)
    assert "not registered yet: commit everything, then: uv run my_project register" in said
    assert not re.search(r"\b\d+ skipped", done["uvx nox -s check"])
    registered = done["uv run my_project register --champion"]
    assert "register: my_project, version 2" in registered
    assert "version 2 is the champion" in registered

    assert repository.changes() == ""
    changed = set(repository.run("git", "diff", "--name-only", start).stdout.splitlines())
    results = {name for name in changed if name.startswith("reports/")} | {"dvc.lock", f"{data}.dvc"}
    files = {name for name in done if (repository.path / name).is_file()}
    assert {"params.yaml", "src/my_project/schema.py", "src/my_project/model.py"} <= files
    assert changed - results == files | {SAMPLE}
