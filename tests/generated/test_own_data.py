"""Following the pages on other data and other stages to the letter leads to a repository that passes all checks."""

import gzip
import os
import re
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.generated.repository import Repository, generate
from tests.harness import ROOT, Template

BLOCK = re.compile(
    r'^```(?P<language>\w+)(?: title="(?P<file>[^"]+)")?[^\n]*\n(?P<content>.*?)^```$', re.MULTILINE | re.DOTALL
)
SAMPLE = "tests/sample.csv"
DVC_YAML = "dvc.yaml"
MODEL = "src/my_project/model.py"

long = pytest.mark.skipif("FORMWORK_RECIPES" not in os.environ, reason="`nox -s recipes` tries it")


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
            write(repository, file, content)
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
        pytest.param("regression", "data/flats.csv", flats, "mean_absolute_error", marks=long),
    ],
    ids=["classification", "regression"],
)
def test_a_tutorial_is_enough(
    template: Template, tmp_path: Path, problem: str, data: str, make: Callable[[int], str], metric: str
) -> None:
    """The blocks of the tutorial are complete files and commands, and nothing else is edited."""
    repository = generate(template, tmp_path / "repository", problem=problem)
    repository.set_up()
    start = repository.run("git", "rev-parse", "HEAD").stdout.strip()
    (repository.path / data).write_text(make(600), "utf-8")

    done = dict(follow(repository, f"your-data-{problem}.md"))

    tracked = repository.run("uv", "run", "dvc", "stage", "list", "--all").stdout
    assert f"{data}.dvc" in tracked  # otherwise neither push nor pull would know the file
    said = done["uvx nox -s pipeline"]
    assert "1 in quarantine" in said
    assert re.search(rf"evaluate: {metric} \S+ on \d+ rows, baseline", said)
    assert "not registered yet: commit everything, then: uv run my_project register" in said
    assert not re.search(r"\b\d+ skipped", done["uvx nox -s check"])
    assert "register: my_project, version 2" in done["uv run my_project register"]
    promoted = done['uv run my_project promote --force "The first model of our data"']
    assert "promote: version 2 is the champion" in promoted

    assert repository.changes() == ""
    changed = set(repository.run("git", "diff", "--name-only", start).stdout.splitlines())
    results = {name for name in changed if name.startswith("reports/")} | {"dvc.lock", f"{data}.dvc"}
    files = {name for name in done if (repository.path / name).is_file()}
    assert {"params.yaml", "src/my_project/schema.py", "src/my_project/model.py"} <= files
    assert changed - results == files | {SAMPLE}


@pytest.fixture(scope="module")
def ready(template: Template, tmp_path_factory: pytest.TempPathFactory) -> Repository:
    """Make a repository with its environment, which the recipes for files share."""
    repository = generate(template, tmp_path_factory.mktemp("recipes") / "repository")
    repository.run("git", "init", "--quiet")
    repository.sync()
    repository.run("git", "add", "--all")
    repository.run("git", "commit", "--quiet", "--no-verify", "--message", "Start")
    return repository


def as_shown(_: Repository) -> None:
    """Leave it to the page to show the files."""


def as_in_the_tutorial(repository: Repository) -> None:
    """Write the flats."""
    (repository.path / "data/flats.csv").write_text(flats(60), "utf-8")


def in_latin_1(repository: Repository) -> None:
    """Write a file that is not in UTF-8, with a further column."""
    text = flats(60).replace("building,", "Straße,building,").replace("\nB", "\nß,B")
    (repository.path / "data/flats.csv").write_text(text, "latin-1")


def compressed_and_in_folders(repository: Repository) -> None:
    """Write a compressed file, and files for two years."""
    content = flats(60).encode()
    (repository.path / "data/flats.csv.gz").write_bytes(gzip.compress(content))
    write = "import polars, sys; polars.read_csv(sys.argv[1]).write_parquet(sys.argv[2], mkdir=True)"
    for year in (2025, 2026):
        file = f"data/flats/year={year}/part-0.parquet"
        repository.run("uv", "run", "python", "-c", write, "data/flats.csv.gz", file)


def in_sqlite(repository: Repository) -> None:
    """Write a database with a table of flats."""
    header, *rows = flats(60).splitlines()
    with sqlite3.connect(repository.path / "data/flats.db") as database:
        database.execute(f"CREATE TABLE flats ({header})")
        database.executemany("INSERT INTO flats VALUES (?, ?, ?, ?, ?, ?)", [row.split(",") for row in rows])
    database.close()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("title", "prepare", "outcomes"),
    [
        ("Semicolons and decimal commas", as_shown, [(2, 0)]),
        ("Latin-1 and other encodings", in_latin_1, [(59, 1)]),
        ("Empty cells", as_shown, [(2, 0)]),
        ("Dates, times and time zones", as_shown, [(2, 0)]),
        ("Names that are not Python names", as_shown, [(2, 0)]),
        ("Rules of your own", as_shown, [(1, 4)]),
        ("Compressed files and folders", compressed_and_in_folders, [(59, 1), (118, 2)]),
        ("Several tables", as_shown, [(2, 0)]),
        ("An SQLite database", in_sqlite, [(59, 1)]),
        ("A target that is computed", as_in_the_tutorial, [(60, 0)]),
    ],
)
def test_a_recipe_for_files_is_enough(
    ready: Repository, title: str, prepare: Callable[[Repository], None], outcomes: list[tuple[int, int]]
) -> None:
    """The blocks of the recipe are complete, pass the linter, and read the data as the page says."""
    ready.run("git", "restore", ".")
    recipe = (ROOT / "docs/your-data.md").read_text("utf-8").partition(f"### {title}\n")[2].partition("\n### ")[0]
    tutorial = BLOCK.finditer((ROOT / "docs/your-data-regression.md").read_text("utf-8"))
    files = {block["file"]: block["content"] for block in tutorial if str(block["file"]).endswith("schema.py")}
    blocks = list(BLOCK.finditer(recipe))
    files |= {block["file"]: block["content"] for block in blocks if block["file"]}
    for file, content in files.items():
        write(ready, file, content)
    (ready.path / "data").mkdir(exist_ok=True)
    prepare(ready)
    sections = [block["content"] for block in blocks if block["language"] == "yaml"]
    before = (ready.path / "params.yaml").read_text("utf-8")
    for section, (valid, bad) in zip(sections or ["source:\n  path: data/flats.csv\n"], outcomes, strict=True):
        write(ready, "params.yaml", re.sub(r"source:\n  path:.*\n", section, before))
        ready.run("uv", "run", "my_project", "ingest")
        said = ready.run("uv", "run", "my_project", "validate", check=bad / (valid + bad) < 0.05).stderr
        assert f"{valid} rows valid, {bad} in quarantine" in said
    if title == "Several tables":
        one = ["--no-cov", "--exitfirst", "tests/contract/test_stages.py"]
        said = ready.run("uv", "run", "pytest", *one, check=False).stdout
        assert re.search(r"the tests need a sample of data/(buildings|postcodes).csv as tests/\1.csv", said)
    shown = next((block["content"] for block in blocks if block["language"] == "text" and not block["file"]), "")
    if title == "Rules of your own":
        reasons = "import polars; print(*polars.read_parquet('data/quarantine.parquet')['reason'].unique(), sep='\\n')"
        assert set(ready.run("uv", "run", "python", "-c", reasons).stdout.splitlines()) == set(shown.splitlines())
    python = [file for file in files if file.endswith(".py")]
    ready.run("uv", "run", "ruff", "format", "--check", *python)
    ready.run("uv", "run", "ruff", "check", *python)
    ready.run("uv", "run", "mypy", *python)


@pytest.mark.slow
@long
def test_the_recipe_for_a_series_is_enough(template: Template, tmp_path: Path) -> None:
    """With the weather of Seattle from `vega_datasets`, features look back in training and in prediction."""
    repository = generate(template, tmp_path / "repository", problem="regression")
    repository.run("git", "init", "--quiet")
    repository.sync()
    (repository.path / "data").mkdir()
    export = "from vega_datasets import local_data as d; d.seattle_weather().to_csv('data/weather.csv', index=False)"
    repository.run("uv", "run", "--with=vega_datasets", "python", "-c", export)
    page = (ROOT / "docs/your-data.md").read_text("utf-8")
    recipe = page.partition("### Features from earlier rows\n")[2].partition("\n### ")[0]
    params = (repository.path / "params.yaml").read_text("utf-8")
    for block in BLOCK.finditer(recipe):
        language, file, content = block["language"], block["file"], block["content"]
        if file == "data/weather.csv":
            assert (repository.path / file).read_text("utf-8").startswith(content)
        elif file:
            write(repository, file, content)
        elif language == "yaml":
            kept = re.findall(r"^(?:seed|validation|model):.*?(?=^\w|\Z)", params, re.MULTILINE | re.DOTALL)
            write(repository, "params.yaml", "".join(kept) + content)
        elif language == "python":
            imports, baseline = content.split("\n\n\n")
            model = (repository.path / MODEL).read_text("utf-8")
            model = re.sub(r"def baseline.*?\n\n\n", f"{baseline}\n\n", model, flags=re.DOTALL)
            write(repository, MODEL, model.replace("from sklearn.impute", f"{imports}\nfrom sklearn.impute"))
        elif "predict" in content:
            repository.run("uv", "run", "ruff", "check", "--fix", "--quiet")
            repository.run("uv", "run", "ruff", "format", "--quiet")
            repository.run("uv", "run", "mypy")
            said = repository.run("uv", "run", "dvc", "repro").stderr
            assert "1096 rows to train, 365 to test" in said
            assert re.search(r"mean_absolute_error \S+ ± \S+ in 5 folds", said)
            repository.run("uv", "run", "my_project", "register")
            predicted = repository.run("bash", "-c", content.strip()).stdout
            tests = ["tests/contract/test_featurize.py", "tests/contract/test_registry.py"]
            repository.run("uv", "run", "pytest", "--quiet", *tests)
        else:
            repository.run("bash", "-c", content)
    in_the_file_alone = repository.run("uv", "run", "my_project", "predict", "data/tomorrow.csv")
    assert "features look back at rows of data/tomorrow.csv only: see --history" in in_the_file_alone.stderr
    assert in_the_file_alone.stdout != predicted


@pytest.mark.slow
@long
def test_the_recipes_for_stages_are_enough(template: Template, tmp_path: Path) -> None:
    """The stages are an export from a database, and the one that the repository's own page shows."""
    repository = generate(template, tmp_path / "repository")
    repository.set_up()
    read_from_database(repository, tmp_path / "wine.db")
    own = (repository.path / "docs/pipeline.md").read_text("utf-8").partition("## A stage of your own")[2]
    for block in BLOCK.finditer(own):
        if block["file"] == DVC_YAML:
            add_stage(repository, block["content"])
        elif block["file"]:  # the commands before are tried where `add` is
            write(repository, block["file"], block["content"])

    said = repository.nox("pipeline")

    assert "Running stage 'summary'" in said
    assert said.index("Running stage 'extract'") < said.index("Running stage 'ingest'")
    assert "177 rows valid, 1 in quarantine" in said  # a text in a column of numbers sends its row to quarantine
    repository.run("git", "add", "--all")
    repository.run("git", "commit", "--message", "Read from the database, summarize")
    assert "* tests: success" in repository.nox("check")
    assert "register: my_project, version 2" in repository.run("uv", "run", "my_project", "register").stderr


def read_from_database(repository: Repository, path: Path) -> None:
    """Put the example into a database, and read it from there as the recipe says."""
    header, *rows = (repository.path / SAMPLE).read_text("utf-8").splitlines()
    cells = [row.split(",") for row in rows]
    cells[3][0] = "many"
    with sqlite3.connect(path) as database:
        database.execute(f"CREATE TABLE customers ({header})")
        database.executemany(f"INSERT INTO customers VALUES ({','.join('?' * len(cells[0]))})", cells)
    database.close()
    recipe = (ROOT / "docs/your-data.md").read_text("utf-8").partition("### A database")[2].partition("\n### ")[0]
    address, module, params, stage, *_ = BLOCK.finditer(recipe)
    assert "'DATABASE_URL=postgresql" in address["content"]
    write(repository, ".env", f"DATABASE_URL=sqlite:///{path}\n")
    write(repository, module["file"], module["content"])
    before = (repository.path / "params.yaml").read_text("utf-8")
    write(repository, "params.yaml", re.sub(r"source:\n  path:.*\n", params["content"], before))
    add_stage(repository, stage["content"])


def add_stage(repository: Repository, stage: str) -> None:
    """Add a stage below the others."""
    stages, plots = (repository.path / DVC_YAML).read_text("utf-8").split("\nplots:\n")
    write(repository, DVC_YAML, f"{stages}\n{stage}\nplots:\n{plots}")


def write(repository: Repository, file: str, content: str) -> None:
    """Write a file, and create its folder if it is missing."""
    path = repository.path / file
    path.parent.mkdir(exist_ok=True)
    path.write_text(content, "utf-8")
