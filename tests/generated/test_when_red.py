"""Each message on the page "When something is red" is printed by a tool, and its remedy helps."""

import re
import shutil
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing

import pytest

from tests.generated.repository import Repository, generate, rare
from tests.harness import ROOT, Template

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("red")]

PAGE = ROOT / "template/docs/when-red.md.jinja"
PARAMS, SAMPLE, PROJECT = "params.yaml", "tests/sample.csv", "pyproject.toml"
ROW = "from .schema import Row\n"  # the last import of the features
FEATURES, MODEL = "src/my_project/features.py", "src/my_project/model.py"

Case = Callable[[Repository], str]
CASES: dict[str, Case] = {}


def case(message: str) -> Callable[[Case], Case]:
    """Register a function that provokes a message, returns the output, and shows that the remedy helps."""

    def register(provoke: Case) -> Case:
        CASES[message] = provoke
        return provoke

    return register


def said(repository: Repository, command: str, **env: str) -> str:
    """Run a command that is refused, and return what it prints."""
    done = repository.run("bash", "-c", command, check=False, **env)
    assert done.returncode, done.stdout + done.stderr
    return done.stdout + done.stderr


def helps(repository: Repository, *commands: str) -> None:
    """Run commands that succeed, such as those of a remedy."""
    for command in commands:
        repository.run("bash", "-c", command)


def refused(repository: Repository, command: str, *remedies: str | Callable[[], None]) -> str:
    """Run a command that is refused, then the remedies, and the command again; return what it printed at first."""
    found = said(repository, command)
    for remedy in remedies:
        helps(repository, remedy) if isinstance(remedy, str) else remedy()
    helps(repository, command)
    return found


LINT, TYPES, DOCS = "uvx nox -s lint", "uvx nox -s types", "uvx nox -s docs"
PIPELINE, REGISTER = "uvx nox -s pipeline", "uv run my_project register"
PREDICT = "uv run my_project predict tests/sample.csv"
COMMIT = "git add --all && git commit --message Change"


@case("uv.lock does not fit pyproject.toml")
def _(repository: Repository) -> str:
    repository.change(PROJECT, '"tqdm>=4.67"', '"tqdm>=4.66"')
    return refused(repository, LINT, "uv lock")


@case("uv.lock fits pyproject.toml, but not the settings of this machine")
def _(repository: Repository) -> str:
    found = said(repository, LINT, UV_PRERELEASE="allow")
    helps(repository, LINT)
    return found


@case("Checkout failed for following targets")
def _(repository: Repository) -> str:
    for name in (".dvc/cache", "data", "models"):
        shutil.rmtree(repository.path / name)
    found = said(repository, "uv run dvc pull")
    helps(repository, PIPELINE)
    return found


@case("missing data 'source'")
def _(repository: Repository) -> str:
    shutil.copy(repository.path / SAMPLE, repository.path / "data/rows.csv")
    repository.change(PARAMS, SAMPLE, "data/rows.csv")
    helps(repository, "uv run dvc add --quiet data/rows.csv", "uv run dvc push --quiet data/rows.csv")
    (repository.path / "data/rows.csv").unlink()
    shutil.rmtree(repository.path / ".dvc/cache")
    found = said(repository, PIPELINE)
    helps(repository, "uv run dvc pull data/rows.csv", PIPELINE)
    shutil.rmtree(repository.path.parent / "my_project-storage")
    return found


@case("the registry cannot be used in a folder whose path has the sign %")
def _(repository: Repository) -> str:
    place = repository.path
    repository.path = place.rename(place.with_name("100%"))
    found = said(repository, "uvx nox -s setup")
    repository.path = repository.path.rename(place)
    helps(repository, "uvx nox -s setup")
    return found


@case("conflicts are left to resolve")
def _(repository: Repository) -> str:
    repository.change("README.md", "## Start\n", "<<<<<<< mine\n## Start\n")
    return refused(repository, LINT, lambda: repository.change("README.md", "<<<<<<< mine\n", ""))


@case("Found 1 error.")
def _(repository: Repository) -> str:
    repository.change(FEATURES, "import polars as pl\n", "import os\n\nimport polars as pl\n")
    return refused(repository, LINT, "uv run ruff check --fix", "uv run ruff format")


@case("would be reformatted")
def _(repository: Repository) -> str:
    repository.change(FEATURES, ROW, f"{ROW}\nNUMBER  =  1\n")
    return refused(repository, LINT, "uv run ruff format")


@case("Found 1 error in 1 file (checked")
def _(repository: Repository) -> str:
    repository.change(FEATURES, "import polars as pl\n", "import polars as pl\n\nNUMBER: int = 'text'\n")
    return refused(repository, TYPES, lambda: repository.change(FEATURES, "NUMBER: int = 'text'", "NUMBER: int = 1"))


@case("Required test coverage of 80.0% not reached")
def _(repository: Repository) -> str:
    lines = "\n".join(f"    if number == {number}:\n        number += {number}" for number in range(40))
    module, test = repository.path / "src/my_project/more.py", repository.path / "tests/test_more.py"
    module.write_text(f'"""More."""\n\n\ndef add(number: int) -> None:\n    """Add."""\n{lines}\n', "utf-8")
    run = "uv run pytest --cov=my_project tests/contract/test_stages.py tests/contract/test_featurize.py"
    found = said(repository, run)
    content = (
        "from my_project.more import add\n\n\ndef test_adding() -> None:\n    for n in range(40):\n        add(n)\n"
    )
    test.write_text(content, "utf-8")
    helps(repository, f"{run} tests/test_more.py")
    return found


@case("since the last run:")
def _(repository: Repository) -> str:
    repository.change(PARAMS, "seed: 20", "seed: 21")
    run = "uvx nox -s tests -- -k results_are_those_of_the_code"
    return refused(repository, run, PIPELINE)


@case("add to the deps of stage")
def _(repository: Repository) -> str:
    line = "      - src/my_project/features.py\n"
    repository.change("dvc.yaml", line, "")
    run = "uvx nox -s tests -- -k depends_on_all_code"
    found = said(repository, run)
    assert line in found
    helps(repository, "git checkout --quiet dvc.yaml", run)
    return found


@case("strict mode!")
def _(repository: Repository) -> str:
    repository.change("docs/index.md", "## The last run\n", "## The last run\n\n[Nowhere](nowhere.md)\n")
    return refused(repository, DOCS, lambda: repository.change("docs/index.md", "\n[Nowhere](nowhere.md)\n", ""))


@case("files were modified by this hook")
def _(repository: Repository) -> str:
    repository.change(FEATURES, ROW, f"{ROW}\nNUMBER  =  1\n")
    found = refused(repository, COMMIT, PIPELINE)
    assert "nothing new" not in repository.run("bash", "-c", REGISTER).stderr
    return found


@case("exceeds 1000 KB")
def _(repository: Repository) -> str:
    (repository.path / "data").mkdir(exist_ok=True)
    (repository.path / "large.csv").write_text("1,2\n" * 500_000, "utf-8")
    return refused(repository, COMMIT, "git rm --quiet --cached large.csv", "uv run dvc add --quiet large.csv")


@case("Private key found")
def _(repository: Repository) -> str:
    kind = "PRIVATE KEY"
    (repository.path / "key.pem").write_text(f"-----BEGIN RSA {kind}-----\nabc\n", "utf-8")
    found = said(repository, COMMIT)
    helps(repository, "git rm --quiet --force key.pem")
    return found


@case("carry them over by hand, then delete the file")
def _(repository: Repository) -> str:
    (repository.path / "noxfile.py.rej").write_text("@@ -1 +1 @@\n", "utf-8")
    found = said(repository, COMMIT)
    helps(repository, "git rm --quiet --force noxfile.py.rej")
    return found


@case("no commit: uv is not in PATH")
def _(repository: Repository) -> str:
    hook = repository.path / ".git/hooks/pre-commit"
    text = hook.read_text("utf-8")
    hook.write_text(re.sub('PATH="[^"]*"', 'PATH="/usr/bin:/bin"', text), "utf-8")
    repository.change(PARAMS, "seed: 20", "seed: 21")
    return refused(repository, COMMIT, "uvx nox -s setup")


@case("is not utf-8: set")
def _(repository: Repository) -> str:
    text = (repository.path / SAMPLE).read_text("utf-8").replace("class_0", "Gewürztraminer")
    (repository.path / "data/rows.csv").write_text(text, "latin-1")
    repository.change(PARAMS, SAMPLE, "data/rows.csv")
    found = said(repository, PIPELINE)
    repository.change("src/my_project/schema.py", '"class_0"', '"Gewürztraminer"')
    repository.change(PARAMS, "data/rows.csv", "data/rows.csv\n  encoding: cp1252")
    helps(repository, PIPELINE)
    return found


@case("which schema.py requires")
def _(repository: Repository) -> str:
    repository.change(SAMPLE, "alcohol,", "strength,")
    return refused(repository, PIPELINE, lambda: repository.change(SAMPLE, "strength,", "alcohol,"))


@case("rows are bad, more than the accepted")
def _(repository: Repository) -> str:
    repository.change(SAMPLE, "class_0", "class_9")
    return said(repository, PIPELINE)


@case("Extra inputs are not permitted")
def _(repository: Repository) -> str:
    repository.change(PARAMS, "\nmodel:\n", "\nmodel:\n  surplus: 1\n")
    return said(repository, PIPELINE)


@case("Unsupported value of type 'date'")
def _(repository: Repository) -> str:
    repository.change(PARAMS, "  unused: []", "  unused: [2026-01-31]")
    return refused(repository, PIPELINE, lambda: repository.change(PARAMS, "[2026-01-31]", "[]"))


@case("shows the traceback")
def _(repository: Repository) -> str:
    repository.change(FEATURES, "Row.flavanoids", "Row.flavanoid")
    found = refused(repository, PIPELINE, lambda: repository.change(FEATURES, "Row.flavanoid)", "Row.flavanoids)"))
    assert re.search(r"my_project: src/my_project/features\.py:\d+: AttributeError: .*Row", found)
    return found


@case("features.py: unable to find column")
def _(repository: Repository) -> str:
    repository.change(FEATURES, "str(Row.total_phenols)", '"totalphenols"')
    return said(repository, PIPELINE)


@case("so there is nothing to learn")
def _(repository: Repository) -> str:
    path = repository.path / SAMPLE
    lines = [line for line in path.read_text("utf-8").splitlines() if "class_1" not in line and "class_2" not in line]
    path.write_text("\n".join(lines) + "\n", "utf-8")
    return said(repository, PIPELINE)


@case("the model does not beat the baseline")
def _(repository: Repository) -> str:
    repository.change(
        MODEL,
        "    return model\n\n\ndef baseline",
        "    assert model\n    return baseline()\n\n\ndef baseline",
    )
    done = repository.run("uvx", "nox", "-s", "pipeline")
    return done.stdout + done.stderr


@case("dvc.lock' is invalid")
def _(repository: Repository) -> str:
    (repository.path / "dvc.lock").write_text("}{", "utf-8")
    return refused(repository, PIPELINE, "git checkout dvc.lock")


@case("Unable to acquire lock")
def _(repository: Repository) -> str:
    hold = "from dvc.repo import Repo; import sys\nwith Repo().lock: print(flush=True); sys.stdin.read()"
    command = [str(repository.path / ".venv/bin/python"), "-c", hold]
    with subprocess.Popen(command, cwd=repository.path, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout
        assert other.stdin
        other.stdout.readline()
        found = said(repository, "uv run dvc repro")
        other.stdin.close()
    helps(repository, "uv run dvc repro")
    return found


@case("the results are not those of the code here")
def _(repository: Repository) -> str:
    repository.change(PARAMS, "seed: 20", "seed: 21")
    return refused(repository, REGISTER, PIPELINE)


@case("since not everything is committed")
def _(repository: Repository) -> str:
    repository.change(PARAMS, "seed: 20", "seed: 23")
    helps(repository, PIPELINE)
    found = repository.run("bash", "-c", REGISTER).stderr
    repository.run("bash", "-c", COMMIT)
    assert "unclean" not in repository.run("bash", "-c", REGISTER).stderr
    return found


@case("is registered: run")
def _(repository: Repository) -> str:
    return said(repository, PREDICT, MLFLOW_TRACKING_URI="sqlite:///data/other.db")


@case("runs its own code")
def _(repository: Repository) -> str:
    repository.change(FEATURES, ROW, f"{ROW}\nNUMBER = 1\n")
    found = repository.run("bash", "-c", PREDICT).stderr
    helps(repository, PIPELINE, COMMIT, REGISTER, 'uv run my_project promote --force "to see"')
    assert "runs its own code" not in repository.run("bash", "-c", PREDICT).stderr
    return found


@case("has no bundle")
def _(repository: Repository) -> str:
    with closing(sqlite3.connect(repository.path / "registry/mlflow.db")) as database, database:
        database.execute("DELETE FROM model_version_tags WHERE key = 'bundle_sha256'")
    return refused(repository, PREDICT, REGISTER)


@case("is not the file that was registered")
def _(repository: Repository) -> str:
    (model,) = (repository.path / "registry").rglob("model.skops")
    with model.open("ab") as file:
        file.write(b"more")
    return refused(repository, PREDICT, REGISTER)


@case("uv.lock has changed since the model was trained")
def _(repository: Repository) -> str:
    repository.change(PARAMS, "seed: 20", "seed: 24")
    helps(repository, PIPELINE, "uv add --quiet iniconfig", COMMIT)
    return refused(repository, REGISTER, "uv run dvc repro --force --single-item train evaluate", COMMIT)


def challenge(repository: Repository, old: str, new: str) -> None:
    """Register a version with another parameter."""
    repository.change(PARAMS, old, new)
    helps(repository, PIPELINE, COMMIT, REGISTER)


PROMOTE, FORCE = "uv run my_project promote", 'uv run my_project promote --force "reason"'


def forced(repository: Repository, old: str, new: str) -> str:
    """Register a version that only a reason makes the champion, and return why it is refused."""
    challenge(repository, old, new)
    found = said(repository, PROMOTE)
    helps(repository, FORCE)
    return found


@case("does not become the champion")
def _(repository: Repository) -> str:
    return forced(repository, "inverse_regularization: 1.0", "inverse_regularization: 0.9")


@case("was trained with another split")
def _(repository: Repository) -> str:
    return forced(repository, "seed: 20", "seed: 21")


@case("are fewer than promotion.min_rows")
def _(repository: Repository) -> str:
    repository.change(PARAMS, "min_rows: 30", "min_rows: 60")
    challenge(repository, "inverse_regularization: 1.0", "inverse_regularization: 0.8")
    found = said(repository, PROMOTE)
    repository.change(PARAMS, "min_rows: 60", "min_rows: 40")
    assert "does not become the champion" in said(repository, PROMOTE)
    return found


@case("so there is no champion")
def _(repository: Repository) -> str:
    shutil.rmtree(repository.path / "registry")
    challenge(repository, "inverse_regularization: 1.0", "inverse_regularization: 0.000001")
    found = repository.run("bash", "-c", f"{REGISTER} && rm -r registry && {REGISTER}").stderr
    helps(repository, FORCE, PREDICT)
    return found


@case("does not answer")
def _(repository: Repository) -> str:
    return said(repository, PREDICT, MLFLOW_TRACKING_URI="http://127.0.0.1:9")


@case("is damaged")
def _(repository: Repository) -> str:
    (repository.path / "registry/mlflow.db").write_text("no database", "utf-8")
    found = said(repository, PREDICT)
    (repository.path / "registry/mlflow.db").unlink()
    helps(repository, REGISTER, PREDICT)
    return found


@case("see TRUSTED_TYPES in model.py")
def _(repository: Repository) -> str:
    own = "class Own(SimpleImputer):  # type: ignore[misc]\n    pass\n\n\n"
    repository.change(MODEL, "def build(", f"{own}def build(")
    repository.change(MODEL, '        SimpleImputer(strategy="median"),\n', '        Own(strategy="median"),\n')
    found = said(repository, PIPELINE)
    repository.change(
        MODEL, 'TRUSTED_TYPES = ["numpy.dtype"]', 'TRUSTED_TYPES = ["numpy.dtype", "my_project.model.Own"]'
    )
    helps(repository, PIPELINE)
    return found


@case("not committed: commit or stash first")
def _(repository: Repository) -> str:
    repository.change("README.md", "## Start\n", "## Begin\n")
    return said(repository, "uvx nox -s update")


@case("the template cannot be found again")
def _(repository: Repository) -> str:
    path = repository.path / ".copier-answers.yml"
    path.write_text(re.sub("^_commit: .*\n", "", path.read_text("utf-8"), flags=re.MULTILINE), "utf-8")
    return said(repository, "uvx nox -s update")


def messages() -> list[str]:
    """Read the messages that the page lists."""
    return re.findall(r"^\| `([^`]+)` \|", PAGE.read_text("utf-8"), re.MULTILINE)


def test_every_message_of_the_page_is_provoked() -> None:
    """The messages on the page are exactly those that the tests provoke."""
    assert sorted(messages()) == sorted(CASES)


@pytest.fixture(scope="module")
def original(template: Template, tmp_path_factory: pytest.TempPathFactory) -> Repository:
    """Return a repository that has been set up."""
    generated = generate(template, tmp_path_factory.mktemp("red") / "repository")
    generated.set_up()
    return generated


@pytest.fixture
def repository(original: Repository) -> Iterator[Repository]:
    """Yield the repository, and restore everything afterwards."""
    kept = original.path.parent / "kept"
    for name in ("registry", ".dvc/cache", "data", "models"):
        shutil.copytree(original.path / name, kept / name)
    commit = original.run("git", "rev-parse", "HEAD").stdout.strip()
    yield original
    original.run("git", "reset", "--quiet", "--hard", commit)
    original.run("git", "clean", "--quiet", "--force", "-d")
    for name in ("registry", ".dvc/cache", "data", "models"):
        shutil.rmtree(original.path / name, ignore_errors=True)
        shutil.move(kept / name, original.path / name)
    shutil.rmtree(kept)


@rare
@pytest.mark.parametrize("message", CASES)
def test_a_message_is_as_the_page_says(repository: Repository, message: str) -> None:
    """If the remedy is a command, it helps."""
    assert message in CASES[message](repository)
