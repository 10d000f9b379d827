"""A registered version is complete: it predicts with its own code, wherever its files are."""

import hashlib
import pickle
import shutil
from pathlib import Path

import pytest

from tests.generated.repository import Repository, generate
from tests.harness import Template

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("bundles")]

SAMPLE = "tests/sample.csv"
FEATURES = "src/my_project/features.py"
OTHER_FEATURES = {
    "pl.col(str(Row.flavanoids)) / pl.col(str(Row.total_phenols))": (
        "pl.col(str(Row.total_phenols)) / pl.col(str(Row.flavanoids))"
    ),
    "flavanoid_share": "phenols_per_flavanoid",
}


@pytest.fixture(scope="module")
def repository(template: Template, tmp_path_factory: pytest.TempPathFactory) -> Repository:
    """Return a repository whose version 1 was made with other features and parameters than are there now."""
    folder = tmp_path_factory.mktemp("bundles")
    generated = generate(template, folder / "repository")
    generated.env["XDG_CACHE_HOME"] = str(folder / "cache")
    generated.set_up()
    generated.run("uv", "run", "my_project", "predict", SAMPLE, "--output", "../first.csv")
    for old, new in OTHER_FEATURES.items():
        generated.change(FEATURES, old, new)
    generated.change("params.yaml", "unused: []", "unused: [hue]")
    generated.run("uv", "run", "dvc", "repro", "--quiet")
    generated.run("git", "commit", "--quiet", "--all", "--message=Other features")
    generated.run("uv", "run", "my_project", "register")
    generated.run("uv", "run", "my_project", "promote", "--force", "Other features")
    return generated


def predicted(repository: Repository, version: str, **env: str) -> tuple[str, str]:
    """Predict for the sample, and return the rows and the log."""
    done = repository.run("uv", "run", "my_project", "predict", SAMPLE, "--model", version, check=True, **env)
    return done.stdout, done.stderr


def first(repository: Repository) -> str:
    """Return what version 1 predicted when its code was here."""
    return (repository.path.parent / "first.csv").read_text("utf-8")


def test_an_earlier_version_runs_its_own_code(repository: Repository) -> None:
    rows, log = predicted(repository, "1")
    assert "predict: version 1 runs its own code, since my_project/features.py differs here" in log
    assert rows == first(repository)
    rows, log = predicted(repository, "champion")
    assert "own code" not in log
    assert "predict: version 2, 178 rows" in log
    assert rows != first(repository)


def test_its_options_and_its_exit_status_are_those_of_predict(repository: Repository) -> None:
    rows = (repository.path / SAMPLE).read_text("utf-8")
    command = ("uv", "run", "my_project", "predict", "-", "--model=1", "--output=data/made/rows.csv")
    repository.run("sh", "-c", f"cat {SAMPLE} | {' '.join(command)}")
    assert (repository.path / "data/made/rows.csv").read_text("utf-8") == first(repository)
    bad = "\n".join([rows.splitlines()[0], ",".join(["x"] * 14)])
    (repository.path / "data/bad.csv").write_text(f"{bad}\n", "utf-8")
    done = repository.run("uv", "run", "my_project", "predict", "data/bad.csv", "--model=1", check=False)
    assert done.returncode == 1
    assert "1 rows, 1 without a prediction" in done.stderr


def test_its_environment_is_made_once_and_refused_without_uv(repository: Repository, tmp_path: Path) -> None:
    predicted(repository, "1")
    program = str(repository.path / ".venv/bin/my_project")
    bare = {"PATH": "/usr/bin:/bin", "UV_OFFLINE": "1"}
    assert shutil.which("uv", path=bare["PATH"]) is None
    done = repository.run(program, "predict", SAMPLE, "--model=1", check=True, **bare)
    assert done.stdout == first(repository)
    done = repository.run(program, "predict", SAMPLE, "--model=1", check=False, **bare, XDG_CACHE_HOME=str(tmp_path))
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith(
        "my_project: this version needs an environment of its own, and uv is not in PATH: install uv, or check out "
    )
    assert not list(tmp_path.rglob("*.py"))


def test_a_clone_with_the_registry_predicts_the_same(repository: Repository, tmp_path: Path) -> None:
    clone = repository.clone(tmp_path / "clone")
    clone.env["XDG_CACHE_HOME"] = str(tmp_path / "cache")
    registry = f"sqlite:///{repository.path / 'registry/mlflow.db'}"
    assert predicted(clone, "1", MLFLOW_TRACKING_URI=registry)[0] == first(repository)
    moved = Repository(tmp_path / "moved", clone.python)
    clone.path.rename(moved.path)
    shutil.copytree(repository.path / "registry", moved.path / "registry")
    moved.nox("setup")
    assert predicted(moved, "1")[0] == first(repository)


def test_an_exported_version_needs_no_repository(repository: Repository, tmp_path: Path) -> None:
    """The commands that `export` prints are all that is needed, without a network."""
    folder = tmp_path / "a folder" / "model"
    said = repository.run("uv", "run", "my_project", "export", "1", str(folder)).stderr
    elsewhere = Repository(tmp_path / "elsewhere", repository.python)
    elsewhere.path.mkdir()
    elsewhere.run("uv", "venv", "--quiet", ".venv")
    install, package, predict = (line.strip() for line in said.splitlines() if line.startswith("  "))
    for command in (install, package):
        assert command.startswith("pip install ")
        elsewhere.run("sh", "-c", f"uv {command} --python .venv", UV_OFFLINE="1")
    assert not list(elsewhere.path.rglob("site-packages/mlflow*"))
    assert not list(elsewhere.path.rglob("site-packages/dvc*"))
    rows = repository.path / SAMPLE
    done = elsewhere.run("sh", "-c", f".venv/bin/{predict.replace('FILE', str(rows))}")
    assert done.stdout == first(repository)
    code = (
        "import sys; from pathlib import Path; import polars as pl; from my_project.core.prediction import Predictor; "
        "predictor = Predictor.load(Path(sys.argv[1])); rows = pl.read_csv(sys.argv[2]); "
        "sys.stdout.write(predictor.predict(rows).write_csv())"
    )
    done = elsewhere.run(".venv/bin/python", "-c", code, str(folder), str(rows))
    assert done.stdout == first(repository)
    again = repository.run("uv", "run", "my_project", "export", "1", str(folder), check=False)
    assert again.stderr.endswith(f"my_project: {folder} exists already: name a new folder\n")


class Trace:
    """A pickle that leaves a file where it is loaded."""

    def __init__(self, file: Path) -> None:
        """Name the file."""
        self.file = file

    def __reduce__(self) -> tuple[object, tuple[Path]]:
        """Return what unpickling calls."""
        return Path.touch, (self.file,)


def test_nothing_of_a_hostile_version_runs(repository: Repository, tmp_path: Path) -> None:
    """Whoever changes the model of an exported version can also write its sums anew."""
    folder, trace = tmp_path / "model", tmp_path / "trace"
    repository.run("uv", "run", "my_project", "export", "champion", str(folder))
    model, sums = folder / "model.skops", folder / "SHA256SUMS"
    before = hashlib.sha256(model.read_bytes()).hexdigest()
    model.write_bytes(pickle.dumps(Trace(trace)))
    said = repository.run("uv", "run", "my_project", "predict", SAMPLE, "--model", str(folder), check=False)
    assert said.stderr == f"my_project: {model} is not the file that was registered: SHA-256 differs\n"
    after = hashlib.sha256(model.read_bytes()).hexdigest()
    version = folder / "version.json"
    old = hashlib.sha256(version.read_bytes()).hexdigest()
    version.write_text(version.read_text("utf-8").replace(before, after), "utf-8")
    new = hashlib.sha256(version.read_bytes()).hexdigest()
    sums.write_text(sums.read_text("utf-8").replace(before, after).replace(old, new), "utf-8")
    said = repository.run("uv", "run", "my_project", "predict", SAMPLE, "--model", str(folder), check=False)
    assert said.returncode == 1
    assert said.stderr == f"my_project: {model} is not a skops file\n"
    assert not trace.exists()
