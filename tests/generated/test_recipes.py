"""The recipes on the page about other data, followed from the data to predictions for the same file."""

import gzip
import json
import os
import re
import sqlite3
import subprocess
import textwrap
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.generated.repository import Repository, generate
from tests.generated.servers import postgresql
from tests.generated.test_own_data import BLOCK, DVC_YAML, add_stage, flats, write
from tests.harness import ROOT, Template

ROWS, BAD = 240, 1
TRAINING = "More rows than memory holds"
long = pytest.mark.skipif("FORMWORK_RECIPES" not in os.environ, reason="`nox -s recipes` tries it")

FEATURES = '''\
"""From a valid row to the inputs of the model."""

import polars as pl

from .core.base.settings import Section
from .schema import Row


class FeatureSettings(Section):
    """Section `features` of params.yaml."""

    unused: list[str]


def transform(rows: pl.LazyFrame, settings: FeatureSettings) -> pl.LazyFrame:
    """Make the inputs of the model."""
    return rows.select({features}).drop(settings.unused, strict=False)
'''

FURTHER_COLUMNS = """\
    listed: datetime = pa.Field(description="Time of the advertisement, in Vienna")
    furnished: bool = pa.Field(nullable=True, description="Whether there is furniture")
"""


@dataclass(frozen=True)
class Recipe:
    """A recipe, and data that it is for.

    Attributes:
        title: The title of its section.
        path: The path that the pipeline and `predict` read.
        make: The function that writes this path.
        features: The content of features.py; by default that of the tutorial.
        number: Which of the recipe's settings to take.
        without: How many rows get no prediction; a bad target, as in the flats, does not count.
    """

    title: str
    path: str
    make: Callable[[Repository, str], None]
    features: str = ""
    number: int = 0
    without: int = 0


def cells() -> Iterator[list[str]]:
    """Yield the header, then the cells of each flat."""
    for line in flats(ROWS).splitlines():
        yield line.split(",")


def text(rows: Iterator[list[str]], separator: str = ",") -> str:
    """Write a text file."""
    return "".join(f"{separator.join(row)}\n" for row in rows)


def german(rows: Iterator[list[str]]) -> Iterator[list[str]]:
    """Write numbers with decimal commas, and points between the thousands."""
    yield next(rows)
    for building, district, rooms, area, built, rent in rows:
        amount = f"{float(rent):,.2f}".translate(str.maketrans(",.", ".,"))
        yield [building, district, rooms, area.replace(".", ","), built, amount]


def with_semicolons(repository: Repository, path: str) -> None:
    """Write a file as a German spreadsheet program saves it."""
    (repository.path / path).write_text(text(german(cells()), ";"), "utf-8")


def in_latin_1(repository: Repository, path: str) -> None:
    """Write a file that is not in UTF-8, with a further column."""
    rows = ([*row, "Straße" if number == 0 else "Öl"] for number, row in enumerate(cells()))
    (repository.path / path).write_text(text(rows), "latin-1")


def with_marks(repository: Repository, path: str) -> None:
    """Write other texts for empty cells."""
    rows = (
        [building, district or "?", *others, built or "unknown", rent]
        for building, district, *others, built, rent in cells()
    )
    (repository.path / path).write_text(text(rows), "utf-8")


def visits(repository: Repository, path: str) -> None:
    """Write days and times in two ways."""
    lines = ["listed,visited,rent"]
    for number in range(ROWS):
        day = f"{1 + number % 28:02}"
        at = f"{day}.02.2026 {number % 24:02}:30" if number % 2 else f"2026-02-{day}T{number % 24:02}:00:00Z"
        lines.append(f"{'soon' if number == 3 else f'{day}.01.2026'},{at},{400 + number * 31 % 700}")
    (repository.path / path).write_text("\n".join(lines) + "\n", "utf-8")


def with_other_names(repository: Repository, path: str) -> None:
    """Write a header that consists of words."""
    rows = ([row[1], row[3], row[5]] for row in cells())
    next(rows)
    (repository.path / path).write_text(text(iter([["District", "Area (m²)", "Rent/month"], *rows])), "utf-8")


def compressed(repository: Repository, path: str) -> None:
    """Write a compressed file."""
    (repository.path / path).write_bytes(gzip.compress(flats(ROWS).encode()))


def in_folders(repository: Repository, path: str) -> None:
    """Write a folder of Parquet files for each year."""
    compressed(repository, "data/all.csv.gz")
    script = """
        import polars as pl, sys
        rows = pl.read_csv("data/all.csv.gz", infer_schema=False)
        for number, year in enumerate((2025, 2026)):
            rows[number::2].write_parquet(f"{sys.argv[1]}/year={year}/part-0.parquet", mkdir=True)
    """
    repository.run("uv", "run", "python", "-c", textwrap.dedent(script), path)
    (repository.path / "data/all.csv.gz").unlink()


def in_tables(repository: Repository, path: str) -> None:
    """Write flats, buildings and postcodes, and make the stage depend on all of them."""
    header, *rows = cells()
    assert header == ["building", "district", "rooms", "area", "built", "rent"]
    buildings = {row[0]: row[4] for row in rows}
    postcodes = {"1010": "north", "1120": "south"}
    tables = {
        path: [["building", "rooms", "area", "rent"], *([row[0], row[2], row[3], row[5]] for row in rows)],
        "data/buildings.csv": [
            ["building", "built", "postcode"],
            *([name, built, list(postcodes)[number % 2]] for number, (name, built) in enumerate(buildings.items())),
        ],
        "data/postcodes.csv": [["postcode", "district"], *map(list, postcodes.items())],
    }
    for file, lines in tables.items():
        (repository.path / file).write_text(text(iter(lines)), "utf-8")
    stages = (repository.path / DVC_YAML).read_text("utf-8")
    further = "      - ${source.buildings}\n      - ${source.postcodes}\n"
    write(repository, DVC_YAML, stages.replace("      - ${source.path}\n", f"      - ${{source.path}}\n{further}"))


def in_sqlite(repository: Repository, path: str) -> None:
    """Write a database with a table of flats."""
    header, *rows = cells()
    with sqlite3.connect(repository.path / path) as database:
        database.execute(f"CREATE TABLE flats ({','.join(header)})")
        database.executemany("INSERT INTO flats VALUES (?, ?, ?, ?, ?, ?)", rows)
    database.close()


def in_excel(repository: Repository, path: str) -> None:
    """Write a workbook with numbers, empty cells, and a text among the numbers."""
    script = """
        import sys, xlsxwriter
        book = xlsxwriter.Workbook(sys.argv[1])
        sheet = book.add_worksheet()
        for place, line in enumerate(sys.stdin.read().splitlines()):
            for column, cell in enumerate(line.split(",")):
                sheet.write(place, column, float(cell) if cell.lstrip("-").replace(".", "").isdigit() else cell)
        book.close()
    """
    command = ["uv", "run", "--with=xlsxwriter", "python", "-c", textwrap.dedent(script), path]
    subprocess.run(command, cwd=repository.path, env=repository.env, input=flats(ROWS), encoding="utf-8", check=True)


FLATS = "data/flats.csv"
RECIPES = [
    Recipe("Semicolons and decimal commas", FLATS, with_semicolons),
    Recipe("Several tables", FLATS, in_tables),
    Recipe("Compressed files and folders", "data/flats", in_folders, number=1),
    Recipe("An SQLite database", "data/flats.db", in_sqlite),
    Recipe("An Excel file", "data/flats.xlsx", in_excel),
    Recipe("Latin-1 and other encodings", FLATS, in_latin_1),
    Recipe("Empty cells", FLATS, with_marks),
    Recipe("Compressed files and folders", "data/flats.csv.gz", compressed),
    Recipe(
        "Dates, times and time zones",
        "data/visits.csv",
        visits,
        "hour=pl.col(str(Row.visited)).dt.hour(),"
        "days=(pl.col(str(Row.visited)).dt.date() - pl.col(str(Row.listed))).dt.total_days()",
        without=1,
    ),
    Recipe("A model of another library", FLATS, lambda repository, path: write(repository, path, flats(ROWS))),
    Recipe("Names that are not Python names", FLATS, with_other_names, "pl.col(str(Row.area))"),
]


@pytest.mark.slow
@pytest.mark.timeout(1800)
@long
@pytest.mark.parametrize("recipe", RECIPES, ids=[f"{it.title} {it.number}" for it in RECIPES])
def test_a_recipe_leads_to_predictions(template: Template, tmp_path: Path, recipe: Recipe) -> None:
    """The files of the tutorial and the blocks of the recipe are all that is needed."""
    repository = generate(template, tmp_path / "repository", problem="regression")
    repository.run("git", "init", "--quiet")
    repository.sync()
    (repository.path / "data").mkdir()
    if recipe.features:
        write(repository, "src/my_project/features.py", FEATURES.format(features=recipe.features))
    else:
        follow(repository, (ROOT / "docs/your-data-regression.md").read_text("utf-8"))
    recipe.make(repository, recipe.path)
    blocks = list(BLOCK.finditer(section(recipe.title)))
    settings = [block["content"] for block in blocks if block["language"] == "yaml"]
    model = settings.pop() if recipe.title == "A model of another library" else ""
    source = settings[recipe.number] if settings else f"source:\n  path: {recipe.path}\n"
    params = (repository.path / "params.yaml").read_text("utf-8")
    params = re.sub(r"source:\n  path:.*\n", source, params)
    params = re.sub(r"(?m)^model:\n(  .*\n)+", model, params) if model else params
    write(repository, "params.yaml", params)
    follow(repository, section(recipe.title), data=recipe.path)
    take_sample(repository, recipe.path)
    all_the_way(repository, recipe.path, recipe.without)


@pytest.mark.slow
@pytest.mark.timeout(1800)
@long
@pytest.mark.parametrize("way", ["a sample", "batch by batch"])
def test_a_model_takes_the_rows_that_it_needs(template: Template, tmp_path: Path, way: str) -> None:
    """All checks pass, and training again gives the same bytes."""
    repository = generate(template, tmp_path / "repository")
    repository.run("git", "init", "--quiet")
    repository.sync()
    found = [(block["language"], block["content"]) for block in BLOCK.finditer(section(TRAINING))]
    sample, in_batches, _ = (content for language, content in found if language == "python")
    settings = next(content for language, content in found if language == "yaml")
    model = repository.path / "src/my_project/model.py"
    if way == "a sample":
        content = model.read_text("utf-8") + "\n\n" + sample
        model.write_text(content.replace("gather_every(10)", "gather_every(2)"), "utf-8")
    else:
        model.write_text(in_batches.replace("BATCH = 100_000", "BATCH = 50"), "utf-8")
        params = (repository.path / "params.yaml").read_text("utf-8")
        write(repository, "params.yaml", re.sub(r"(?m)^model:\n(  .*\n)+", settings, params))
    repository.run("uv", "run", "ruff", "check")
    repository.run("uv", "run", "mypy")
    assert "train: 129 rows, 14 inputs" in repository.run("uv", "run", "dvc", "repro").stderr
    repository.run("uv", "run", "pytest", "--quiet")
    metrics = json.loads((repository.path / "reports/metrics.json").read_text("utf-8"))
    assert metrics["model"]["accuracy"] > metrics["baseline"]["accuracy"] + 0.4


def follow(repository: Repository, page: str, data: str = "data/") -> None:
    """Write the files that a page shows, except the data, and run its commands."""
    for block in BLOCK.finditer(page):
        if block["file"] and not block["file"].startswith("data/"):
            write(repository, block["file"], block["content"])
        elif block["language"] == "bash" and data != "data/":
            repository.run("bash", "-c", block["content"])


def take_sample(repository: Repository, path: str) -> None:
    """Take the sample as the page says: lines of a text file, or else rows that were read."""
    lines, rows = (block["content"] for block in BLOCK.finditer(section("A sample for the tests")))
    if path.endswith(".csv"):
        repository.run("bash", "-c", lines.replace("% 50", "% 3").replace("data/flats.csv", path))
    else:
        repository.run("bash", "-c", rows)


def all_the_way(repository: Repository, path: str, without: int = 0, bad: int = BAD) -> None:
    """Run everything that the page tells the reader to run, and predict for the same file."""
    repository.run("uv", "run", "ruff", "format", "--quiet")
    repository.run("uv", "run", "ruff", "check")
    repository.run("uv", "run", "mypy")
    said = repository.run("uv", "run", "dvc", "repro").stderr
    assert f"validate: {ROWS - bad} rows valid, {bad} in quarantine" in said
    repository.run("uv", "run", "pytest", "--quiet")
    repository.run("git", "add", "--all")
    repository.run("git", "commit", "--quiet", "--no-verify", "--message", "Use our data")
    repository.run("uv", "run", "my_project", "register")
    said = repository.run("uv", "run", "my_project", "predict", path, "--output=data/predictions.csv").stderr
    assert f"predict: version 1, {ROWS} rows, {without} without a prediction" in said


def section(title: str) -> str:
    """Return a section of the page."""
    page = (ROOT / "docs/your-data.md").read_text("utf-8")
    assert f"### {title}\n" in page
    return page.partition(f"### {title}\n")[2].partition("\n### ")[0]


@contextmanager
def flats_in_postgresql(scratch: Path) -> Iterator[str]:
    """Run a server with a table of flats, and yield the address for psycopg."""
    types = ("text", "text", "text", "numeric(6, 1)", "smallint", "double precision")
    header, *rows = flats(ROWS).splitlines()
    columns = ", ".join(map(" ".join, zip(header.split(","), types, strict=True)))
    sql = [
        f"create table flats ({columns});",
        "copy flats from stdin csv;",
        *rows[:-1],
        "B007,north,three,71.5,1974,890",
        "\\.",
        "alter table flats add listed timestamptz default '2026-01-31 12:00+00', add furnished boolean default true;",
        "alter table flats add photo bytea default 'x';",
        "update flats set furnished = null where district is null;",
        "create role reader login password 'secret';",
        "grant select on flats to reader;",
    ]
    with postgresql(scratch, sql, access="local all reader scram-sha-256") as uri:
        yield f"postgresql+psycopg://reader:secret@{uri.partition('@')[2]}"


@pytest.mark.slow
@pytest.mark.timeout(1800)
@long
def test_the_recipe_for_a_server_leads_to_predictions(template: Template, tmp_path: Path) -> None:
    """A server's refusal is one line without the password, and what the server returns keeps its value."""
    repository = generate(template, tmp_path / "repository", problem="regression")
    repository.run("git", "init", "--quiet")
    repository.sync()
    follow(repository, (ROOT / "docs/your-data-regression.md").read_text("utf-8"))
    address, module, settings, stage, *_ = (block["content"] for block in BLOCK.finditer(section("A database")))
    assert "DATABASE_URL=postgresql+psycopg://" in address
    repository.run("bash", "-c", address.splitlines()[1])
    write(repository, "src/my_project/stages/extract.py", module)
    schema = (repository.path / "src/my_project/schema.py").read_text("utf-8")
    schema = schema.replace("import pandera", "from datetime import datetime\n\nimport pandera")
    write(repository, "src/my_project/schema.py", schema.replace("    rent:", f"{FURTHER_COLUMNS}    rent:"))
    params = (repository.path / "params.yaml").read_text("utf-8")
    params = params.replace("unused: [building]", "unused: [building, listed, furnished]")
    settings = settings.replace("\n\n", "\n  time_zone: Europe/Vienna\n\n")
    params = re.sub(r"source:\n  path:.*\n", lambda _: settings, params)
    add_stage(repository, stage)
    with flats_in_postgresql(tmp_path) as url:

        def ask(query: str, url: str = url) -> str:
            write(repository, ".env", f"DATABASE_URL={url}\n")
            write(repository, "params.yaml", params.replace("select * from customers", query))
            said = repository.run("uv", "run", "my_project", "extract", check=False).stderr
            assert said.count("\n") <= 1
            assert "secret" not in said
            return said

        assert 'relation "nothing" does not exist' in ask("select * from nothing")
        assert "returns bytes: leave them out of the query" in ask("select * from flats")
        assert 'password authentication failed for user "reader"' in ask("select 1", url.replace(":secret", ":secret!"))
        assert "refuses: " in ask("select 1", f"{url}-nowhere")
        assert "Connection refused" in ask("select 1", "postgresql+psycopg://reader:secret@127.0.0.1:1/postgres")
        assert not (repository.path / "data/extract.parquet").exists()
        assert not ask("select building, district, rooms, area, built, rent, listed, furnished from flats")
        take_sample(repository, "data/extract.parquet")
        all_the_way(repository, "data/extract.parquet", without=1, bad=2)
    script = """
        import polars as pl
        valid, bad = (pl.read_parquet(f"data/{name}.parquet") for name in ("valid", "quarantine"))
        furnished = valid["furnished"]
        for shown in (*bad["reason"], *valid["listed"].unique(), furnished.null_count(), furnished.sum()):
            print(shown)
    """
    assert repository.run("uv", "run", "python", "-c", textwrap.dedent(script)).stdout.splitlines() == [
        "rent is -1.0, must be at least 0",
        "rooms is 'three', not a whole number (Int64)",
        "2026-01-31 13:00:00",
        "79",
        "159",
    ]
