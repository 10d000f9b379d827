"""The tasks of this repository: `uvx nox -l` lists them, `uvx nox` runs all tests."""

import shutil
import sys
from pathlib import Path

import nox

nox.needs_version = ">=2026.4"
nox.options.default_venv_backend = "uv"
nox.options.reuse_venv = "yes"
nox.options.sessions = ["lint", "types", "docs", "tests"]

ROOT = Path(__file__).parent
DEMO = Path("demo/wine-quality")
TOOLS = "requirements-dev.txt"
EVERYDAY = ("everyday", "fresh", "newcomer", "setup", "truth", "when_red")


@nox.session(venv_backend="none")
def demo(session: nox.Session) -> None:
    """Generate a repository into demo/, set it up, run its pipeline and predict."""
    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    env = {"UV_PYTHON": python, "VIRTUAL_ENV": ""}
    if DEMO.exists():
        session.log(f"{DEMO} is there already and stays as it is: remove it to begin anew")
    else:
        answers = ["project_name=Wine quality", f"python_version={python}"]
        data = [f"--data={answer}" for answer in answers]
        copy = ["--from=copier>=9.19.1,<10", "copier", "copy", "--quiet", "--defaults", *data, str(ROOT), str(DEMO)]
        session.run("uvx", *copy, external=True, env=env)
        session.run("git", "-C", str(DEMO), "init", "--quiet", "--initial-branch=main", external=True)
    with session.chdir(DEMO):
        session.run("uvx", "nox", "--sessions", "setup", "docs", external=True, env=env)
        predict = ["uv", "run", "wine_quality", "predict", "tests/sample.csv", "--output=../predictions.csv"]
        session.run(*predict, external=True, env=env)
    for what, where in {
        "repository": DEMO,
        "model": DEMO / "models/model.skops",
        "report": DEMO / "reports/metrics.json",
        "predictions": DEMO.parent / "predictions.csv",
        "site": DEMO / "site/index.html",
    }.items():
        session.log(f"{what + ':':13}{where}")
    session.log(f"go on with: cd {DEMO} && uvx nox -l")


@nox.session
def picture(session: nox.Session) -> None:
    """Take the picture in README.md from the site of the demo, with Chromium."""
    install(session)
    session.run("python", "-m", "maintain.picture", str(DEMO / "site"))


@nox.session
def adopt(session: nox.Session) -> None:
    """Bring the newest release into a repository: `-- PATH`; with `--release HEAD`, this checkout."""
    install(session)
    with session.chdir(session.invoked_from):
        env = {"UV_PYTHON": None}  # nox sets it to the Python of this session
        session.run("formwork", "adopt", "--template", str(ROOT), *session.posargs, env=env)


@nox.session
def lint(session: nox.Session) -> None:
    """Lint the code and the workflows; see that written files are in step with their source."""
    install(session)
    session.run("ruff", "check")
    session.run("ruff", "format", "--check")
    session.run("python", "-m", "maintain.sync", "--check")
    session.run("zizmor", "--offline", "--persona=pedantic", "--quiet", ".github")


@nox.session
def types(session: nox.Session) -> None:
    """Check the types."""
    install(session)
    session.run("mypy")


@nox.session
def docs(session: nox.Session) -> None:
    """Build the documentation; `-- serve` shows it while you write."""
    install(session)
    session.run("mkdocs", *(session.posargs or ["build"]), "--strict", env={"NO_MKDOCS_2_WARNING": "1"})


@nox.session
def tests(session: nox.Session) -> None:
    """Run all tests; what follows `--` goes to pytest instead."""
    install(session)
    session.run("pytest", *(session.posargs or ["--numprocesses=2"]))


@nox.session
def quick(session: nox.Session) -> None:
    """Lint, types, and the tests that set no repository up."""
    install(session)
    session.run("ruff", "check")
    session.run("python", "-m", "maintain.sync", "--check")
    session.run("mypy")
    session.run("pytest", "--numprocesses=2", "-m", "not slow")


@nox.session
def histories(session: nox.Session) -> None:
    """Update after five hundred random histories and with a hundred kills, where `tests` takes a few."""
    install(session)
    files = ["tests/update/test_histories.py", "tests/update/test_interruption.py", "tests/add/test_killed.py"]
    session.run("pytest", "--numprocesses=2", *files, env={"FORMWORK_HISTORIES": "500", "FORMWORK_KILLS": "100"})


@nox.session
def growth(session: nox.Session) -> None:
    """Add and remove in two hundred random sequences, and try each scaffold and pair, where `tests` takes a few."""
    install(session)
    files = [f"tests/add/test_{name}.py" for name in ("sequences", "green", "pieces")]
    session.run("pytest", "--numprocesses=2", *files, env={"FORMWORK_SEQUENCES": "200"})


@nox.session
def journeys(session: nox.Session) -> None:
    """Check adopted repositories, and bring those of earlier releases here in every way."""
    install(session)
    files = ["tests/update/test_second_edition.py", "tests/update/test_edits.py"]
    files += ["tests/adopt/test_repositories.py", "tests/adopt/test_prototype.py"]
    session.run("pytest", "--numprocesses=2", *files, env={"FORMWORK_JOURNEYS": "9"})


@nox.session
def faults(session: nox.Session) -> None:
    """Break the code of a generated repository in every way, where `tests` takes each twelfth."""
    install(session)
    session.run("pytest", "--numprocesses=2", "tests/generated/test_mutations.py", env={"FORMWORK_FAULTS_STEP": "1"})


@nox.session
def recipes(session: nox.Session) -> None:
    """Try each unusual schema, where `tests` takes one, and follow each recipe for other data."""
    install(session)
    files = [f"tests/generated/test_{name}.py" for name in ("recipes", "any_schema", "own_data")]
    session.run("pytest", "--numprocesses=2", *files, env={"FORMWORK_RECIPES": "1", "FORMWORK_SCHEMAS": "1"})


@nox.session
def versions(session: nox.Session) -> None:
    """Promote 400 times, kill it 100 times, use a server, reproduce with each Python; `tests` takes a few of these."""
    install(session)
    env = {"FORMWORK_VERSIONS": "400 100 20"}
    files = [f"tests/generated/test_{name}.py" for name in ("inside", "server", "reproducible")]
    session.run("pytest", "--numprocesses=2", *files, "-k", "promoting or server or made_again", env=env)


@nox.session
def datasets(session: nox.Session) -> None:
    """Bring the data of six public packages into generated repositories."""
    install(session)
    session.run("pytest", "--numprocesses=2", "tests/generated/test_public_data.py", env={"FORMWORK_DATASETS": "1"})


@nox.session
def everyday(session: nox.Session) -> None:
    """Move, copy and rename repositories, merge and commit in them, and provoke each message of docs/when-red.md."""
    install(session)
    files = [f"tests/generated/test_{name}.py" for name in EVERYDAY]
    session.run("pytest", "--numprocesses=2", "--dist=loadgroup", *files, env={"FORMWORK_EVERYDAY": "1"})
    session.notify("demo")


@nox.session
def serving(session: nox.Session) -> None:
    """Change the champion of a service 200 times under load, end it 50 times, and let strangers and others ask it."""
    install(session)
    env = {"FORMWORK_SERVING": "200 50"}
    files = [f"tests/generated/test_serving{name}.py" for name in ("", "_outside")]
    session.run("pytest", *(session.posargs or files), env=env)


@nox.session
def deploy(session: nox.Session) -> None:
    """Build the image of a version with Buildah, from Debian's packages, and let a container of it answer."""
    install(session)
    session.run("pytest", *(session.posargs or ["tests/generated/test_deploy.py"]), env={"FORMWORK_DEPLOY": "1"})


@nox.session
def distributed(session: nox.Session) -> None:
    """Follow the page on many machines, and kill workers and commands 20 times each."""
    install(session)
    session.run("pytest", *(session.posargs or ["tests/generated/test_distributed.py"]), env={"FORMWORK_KILLED": "20"})


@nox.session
def mutation(session: nox.Session) -> None:
    """Measure which faults the tests notice; `-- --sample 200` tries that many of each part of the code."""
    install(session)
    session.run("python", "-m", "benchmarks.mutation", *session.posargs)


@nox.session
def bench(session: nox.Session) -> None:
    """Measure the figures in docs/figures.md, ratios side by side in one run."""
    install(session)
    session.run("python", "-m", "benchmarks.bench", *session.posargs)


@nox.session
def sync(session: nox.Session) -> None:
    """Write what follows from copier.yml and class Dialect: cookiecutter.json, tables, reserved names."""
    install(session)
    session.run("python", "-m", "maintain.sync", *session.posargs)


@nox.session
def release(session: nox.Session) -> None:
    """Check the working tree against every earlier release, and commit it as X.Y.Z: `-- X.Y.Z [--check]`."""
    install(session)
    session.run("python", "-m", "maintain.sync", "--check")
    session.run("python", "-m", "maintain.release", *session.posargs)


def install(session: nox.Session) -> None:
    """Install the tools as they are pinned, and this package as it lies here, built by a pinned tool."""
    session.install("--require-hashes", "--requirements", TOOLS)
    session.install("--no-deps", "--no-build-isolation", "--editable", ".")


@nox.session(venv_backend="none")
def pin(session: nox.Session) -> None:
    """Pin the tools of this repository anew, with their hashes."""
    options = ["--universal", "--generate-hashes", "--no-annotate", "--no-header", "--no-emit-index-url", "--upgrade"]
    if not shutil.which("uv"):
        session.error("uv is needed: pip install uv")
    compile_ = ["uv", "pip", "compile", "--quiet", "--python-version=3.11", "--group=pyproject.toml:dev", *options]
    session.run(*compile_, "--output-file", TOOLS, external=True, env={"UV_CUSTOM_COMPILE_COMMAND": "nox -s pin"})
