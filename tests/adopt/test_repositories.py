"""Repositories of many shapes adopt the template, and what they had still works."""

import os
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from formwork.cli import main
from tests.adopt.examples import make, unmerged
from tests.generated.repository import Repository, interpreter, machine
from tests.harness import Entry, Template, checkout, commit_everything, git, run, tree

LATER = "v9.0.0"
# What the later release changes: a text in one of the template's files, and its replacement.
CHANGES = {
    ".gitignore": ("/site/", "/site/\n/public/"),
    ".pre-commit-config.yaml": ("repos:\n", "repos:\n  # later\n"),
    "noxfile.py.jinja": ("\n\n\n@nox.session\ndef check(", "\n\nLATER = 1\n\n\n@nox.session\ndef check("),
    "mkdocs.yml.jinja": ("font: false", "font: false\n  locale: en"),
    "dvc.yaml.jinja": ("stages:\n", "# later\nstages:\n"),
    "pyproject.toml.jinja": ('    "numpy>=2",', '    "numpy>=2.1",'),
    "README.md.jinja": ("\n", "\nLater.\n"),
    "tests/contract/conftest.py.jinja": ("import shutil\n", "import shutil  # later\n"),
    "src/{{package_name}}/core/base/settings.py": ("\n\n", "\n\n# later\n\n"),
}

NOTEBOOK = '{"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}\n'
UNITTEST = "import unittest\n\n{imports}\n\n\nclass Test(unittest.TestCase):\n    def test(self):\n        {check}\n"
PYTEST = (sys.executable, "-m", "pytest", "-p", "no:cacheprovider")


@dataclass(frozen=True)
class Shape:
    """A repository before it is adopted.

    Attributes:
        files: Its files; links are texts that begin with `-> `.
        tests: The command that runs its tests, from the top.
        package: The name of the template's package there.
        clashes: The files that are in conflict at first.
        folder: The folder that becomes a project from the template.
        executable: Files that are executable.
    """

    files: Mapping[str, str | bytes]
    tests: tuple[str, ...]
    package: str
    clashes: frozenset[str]
    folder: str = ""
    executable: tuple[str, ...] = ()


NOTEBOOK_ONLY = Shape(
    {
        "churn.ipynb": NOTEBOOK,
        "train.py": "import csv\n\n\ndef rows():\n    return list(csv.DictReader(open('data/churn.csv')))\n",
        "data/churn.csv": "months,churned\n3,yes\n40,no\n",
        "requirements.txt": "pandas>=2\nscikit-learn\n",
        ".gitignore": "__pycache__/\n.ipynb_checkpoints/\n",
        "README.md": "# Who leaves?\n",
        "test_train.py": UNITTEST.format(imports="from train import rows", check="self.assertEqual(len(rows()), 2)"),
    },
    (sys.executable, "-m", "unittest"),
    "who_leaves",
    frozenset({".gitignore"}),
)

FLAT_SCRIPTS = Shape(
    {
        "wine.py": "from pipeline import steps\n\n\ndef taste():\n    return steps() + 1\n",
        "pipeline.py": "import settings\n\n\ndef steps():\n    return settings.N\n",
        "settings.py": "N = 1\n",
        "tests.py": "import warnings\n\nimport wine\n\n\ndef test_taste():\n    warnings.warn('old')\n"
        "    assert wine.taste() == 2\n",
        "README.md": "# Wine\n",
        "LICENSE.txt": "Do what you like.\n",
        "params.yaml": "n: 1\n",
    },
    (*PYTEST, "tests.py"),
    "wine_ml",
    frozenset(),
)

SETUP_PY = Shape(
    {
        "setup.py": "from setuptools import find_packages, setup\n\nsetup(\n"
        "    name='churn', version='1.0', python_requires='>=3.9',"
        "\n    packages=find_packages(), install_requires=['click>=8', 'numpy'], license='MIT',\n)\n",
        "setup.cfg": "[tool:pytest]\naddopts = --strict-markers\nmarkers = thorough: takes long\n",
        "churn/__init__.py": "from .core import leaves\n",
        "churn/core.py": "def leaves(months):\n    return months < 12\n",
        "tests/__init__.py": "",
        "tests/helpers.py": "MONTHS = 3\n",
        "tests/test_core.py": "import pytest\n\nfrom churn import leaves\nfrom tests.helpers import MONTHS\n\n\n"
        "@pytest.mark.thorough\ndef test_leaves():\n    assert leaves(MONTHS)\n",
        "CHANGELOG.md": "# Changes\n\n- 1.0\n",
        "LICENSE": "MIT License\n\nCopyright (c) 2020 Jane\n",
        "README.rst": "Churn\n=====\n",
        ".gitignore": "*.py[co]\n/build/\n/site/\n",
    },
    PYTEST,
    "churn_ml",
    frozenset({".gitignore"}),
)

COOKIECUTTER_DATA_SCIENCE = Shape(
    {
        "Makefile": "data:\n\tpython3 src/data/make_dataset.py\n",
        "README.md": "Churn\n==============================\n\nWho leaves.\n",
        "LICENSE": "The MIT License (MIT)\n",
        "requirements.txt": "# local package\n-e .\n\n# external requirements\nclick\nSphinx\npython-dotenv>=0.5.1\n",
        "setup.py": "from setuptools import find_packages, setup\n\n"
        "setup(name='src', packages=find_packages(), license='MIT')\n",
        "test_environment.py": "import sys\n\n\ndef main():\n    assert sys.version_info.major == 3\n",
        "tox.ini": "[flake8]\nmax-line-length = 79\n",
        ".gitignore": "/data/\n*.pkl\n",
        ".env": "KEY=none\n",
        "data/raw/.gitkeep": "",
        "docs/conf.py": "project = 'churn'\n",
        "docs/index.rst": "Churn\n=====\n",
        "models/.gitkeep": "",
        "notebooks/1.0-jd-look.ipynb": NOTEBOOK,
        "reports/figures/.gitkeep": "",
        "src/__init__.py": "",
        "src/data/__init__.py": "",
        "src/data/make_dataset.py": "def main():\n    return [1, 2]\n",
        "src/features/__init__.py": "",
        "src/features/build_features.py": "from src.data.make_dataset import main\n\n\ndef build():\n"
        "    return sum(main())\n",
        "src/models/__init__.py": "",
        "src/models/train_model.py": "",
        "tests/test_features.py": "from src.features.build_features import build\n\n\ndef test_build():\n"
        "    assert build() == 3\n",
    },
    (*PYTEST, "tests"),
    "churn",
    frozenset({".gitignore"}),
)

KEDRO = Shape(
    {
        "pyproject.toml": '[build-system]\nrequires = ["setuptools"]\nbuild-backend = "setuptools.build_meta"\n\n'
        "[project]\n"
        'name = "churn"\nversion = "0.1"\nrequires-python = ">=3.10"\ndependencies = ["kedro~=1.0"]\n\n'
        '[tool.kedro]\npackage_name = "churn"\nproject_name = "Churn"\nsource_dir = "src"\n\n'
        '[tool.pytest.ini_options]\naddopts = "-q"\npythonpath = ["src"]\n\n[tool.ruff]\nline-length = 88\n',
        "README.md": "# Churn\n",
        ".gitignore": "/conf/local/\n/logs/\n",
        "conf/base/catalog.yml": "companies:\n  type: pandas.CSVDataset\n",
        "conf/base/parameters.yml": "n: 1\n",
        "data/01_raw/.gitkeep": "",
        "notebooks/look.ipynb": NOTEBOOK,
        "src/churn/__init__.py": '"""churn"""\n\n__version__ = "0.1"\n',
        "src/churn/__main__.py": "",
        "src/churn/pipeline_registry.py": "from churn.pipelines.processing import create_pipeline\n\n\n"
        "def register_pipelines():\n    return {'processing': create_pipeline()}\n",
        "src/churn/settings.py": "CONFIG = 1\n",
        "src/churn/pipelines/__init__.py": "",
        "src/churn/pipelines/processing/__init__.py": "from .pipeline import create_pipeline\n",
        "src/churn/pipelines/processing/nodes.py": "def double(n):\n    return 2 * n\n",
        "src/churn/pipelines/processing/pipeline.py": "from .nodes import double\n\n\ndef create_pipeline():\n"
        "    return [double]\n",
        "tests/__init__.py": "",
        "tests/pipelines/__init__.py": "",
        "tests/pipelines/test_processing.py": "from churn import settings\n"
        "from churn.pipeline_registry import register_pipelines\n\n\n"
        "def test_registry():\n    (double,) = register_pipelines()['processing']\n"
        "    assert double(settings.CONFIG) == 2\n",
    },
    PYTEST,
    "churn",
    frozenset({".gitignore", "pyproject.toml", "src/churn/__init__.py"}),
)

OWN_TOOLS = Shape(
    {
        "pyproject.toml": '[project]\nname = "wine-tools"\nversion = "2.0"\ndescription = "Tools"\n'
        'license = "Apache-2.0"\n'
        'requires-python = ">=3.12"\nauthors = [{name = "Zoë", email = "zoe@example.org"}]\ndependencies = []\n\n'
        '[tool.pytest.ini_options]\ntestpaths = ["tests"]\npythonpath = ["src"]\n\n[tool.coverage]\n'
        "run.branch = true\n",
        "noxfile.py": "import nox\n\n\n@nox.session\ndef tests(session):\n    session.run('pytest')\n",
        ".github/workflows/check.yml": "on: push\njobs: {}\n",
        ".github/CODEOWNERS": "* @zoe\n",
        ".pre-commit-config.yaml": "repos: []\n",
        "mkdocs.yml": "site_name: Wine\nnav:\n  - Home: index.md\n",
        "docs/index.md": "# Wine\n",
        "ruff.toml": "line-length = 88\n",
        "src/wine_tools/__init__.py": "A = 1\n",
        "src/wine_tools/cli.py": "def main():\n    return 1\n",
        "src/wine_tools/model.py": "MODEL = 1\n",
        "tests/conftest.py": "import pytest\n\n\n@pytest.fixture\ndef params():\n    return 1\n",
        "tests/test_model.py": "from wine_tools import model\n\n\ndef test_model(params):\n"
        "    assert model.MODEL == params\n",
    },
    PYTEST,
    "wine_tools",
    frozenset(
        {
            ".github/workflows/check.yml",
            ".pre-commit-config.yaml",
            "mkdocs.yml",
            "noxfile.py",
            "pyproject.toml",
            "src/wine_tools/__init__.py",
        }
    ),
)

LINKS_AND_BINARIES = Shape(
    {
        "config/dvc.yaml": "stages: {}\n",
        "dvc.yaml": "-> config/dvc.yaml",
        "docs": "-> ../outside",
        ".github": "-> ci",
        "ci/workflows/a.yml": "on: push\njobs: {}\n",
        "mkdocs.yml": b"\x89PNG\0\r\n",
        ".pre-commit-config.yaml": b"repos:\r\n  - repo: local\r\n    hooks: []\r\n",
        ".gitignore": "*.bin",
        "noxfile.py": "#!/usr/bin/env python\nprint(1)\n",
        "data/numbers.dat": bytes(range(256)),
        "README.md": "-> ../outside/readme.md",
        "check/test_numbers.py": UNITTEST.format(
            imports="from pathlib import Path",
            check='self.assertEqual(len(Path("data/numbers.dat").read_bytes()), 256)',
        ),
    },
    (sys.executable, "-m", "unittest", "discover", "-s", "check"),
    "mine",
    frozenset({".gitignore", ".pre-commit-config.yaml", "mkdocs.yml", "noxfile.py", "dvc.yaml"}),
    executable=("noxfile.py",),
)

MONOREPO = Shape(
    {
        "pytest.ini": "[pytest]\naddopts = --import-mode=importlib\n",
        "README.md": "# All\n",
        ".gitignore": "tests/output/\n*.csv\n",
        ".gitlab-ci.yml": "a:\n  script: b\n",
        "services/api/api.py": "def answer():\n    return 42\n",
        "services/api/tests/test_api.py": "import sys\n\nsys.path.insert(0, 'services/api')\nimport api\n\n\n"
        "def test_answer():\n    assert api.answer() == 42\n",
        "services/api/tests/conftest.py": "",
        "models/churn/churn.py": "def leaves():\n    return True\n",
        "models/churn/.gitignore": "/out/\n",
        "models/churn/tests/test_churn.py": "import sys\n\nsys.path.insert(0, 'models/churn')\nimport churn\n\n\n"
        "def test_churn():\n    assert churn.leaves()\n",
    },
    PYTEST,
    "churn_ml",
    frozenset({"models/churn/.gitignore"}),
    folder="models/churn",
)

SHAPES = {
    "notebook-only": NOTEBOOK_ONLY,
    "flat-scripts": FLAT_SCRIPTS,
    "setup-py": SETUP_PY,
    "cookiecutter-data-science": COOKIECUTTER_DATA_SCIENCE,
    "kedro": KEDRO,
    "own-tools": OWN_TOOLS,
    "links-and-binaries": LINKS_AND_BINARIES,
    "monorepo": MONOREPO,
}


@pytest.fixture(scope="module")
def later(template: Template, tmp_path_factory: pytest.TempPathFactory) -> Template:
    """Serve the template with a later release."""
    work = checkout(template, tmp_path_factory.mktemp("later") / "work")
    for name, (old, new) in CHANGES.items():
        path = work / "template" / name
        content = path.read_text("utf-8")
        assert old in content, name
        path.write_text(content.replace(old, new, 1), "utf-8")
    (work / "template/new-page.md").write_text("# New\n", "utf-8")
    commit_everything(work, f"Release {LATER.removeprefix('v')}", LATER)
    bare = work.parent / "formwork.git"
    git(work.parent, "clone", "--quiet", "--bare", str(work), str(bare))
    return Template(f"git+file://{bare.as_posix()}", bare, work.parent)


def build(shape: Shape, path: Path) -> Path:
    """Make the repository, and a folder next to it that must not change."""
    outside = path.parent / "outside"
    outside.mkdir()
    (outside / "readme.md").write_text("Outside.\n", "utf-8")
    make(path, dict(shape.files))
    for name in shape.executable:
        (path / name).chmod(0o755)
    git(path, "add", "--all", "--force")
    commit_everything(path, "All of it")
    return path


def passed(shape: Shape, path: Path) -> list[str]:
    """Run its tests as its owner does, and return how many passed."""
    env = {name: value for name, value in machine().items() if name != "PYTHONPATH"}
    done = run(*shape.tests, cwd=path, env=env | {"PYTHONDONTWRITEBYTECODE": "1"})
    return re.findall(r"\b[1-9]\d* passed|Ran [1-9]\d* test", done.stdout + done.stderr)


def of_theirs(merged: bytes) -> bytes:
    """Read a file with conflicts as if only their side were there."""
    lines, is_ours = [], True
    for line in merged.splitlines(keepends=True):
        if line.startswith((b"<<<<<<< ", b">>>>>>> ")):
            is_ours = True
        elif line.rstrip() == b"=======":
            is_ours = False
        elif is_ours:
            lines.append(line)
    return b"".join(lines)


def changed_outside_of_conflicts(path: Path, before: Mapping[str, Entry]) -> set[str]:
    """Compare all that was there before, byte for byte, with what is there now."""
    now, conflicts = tree(path), unmerged(path)
    return {
        name
        for name, entry in before.items()
        if now.get(name) != entry
        and not (
            name in conflicts
            and now[name].kind == entry.kind == "file"
            and now[name].mode == entry.mode
            and of_theirs(now[name].content) == entry.content
        )
    }


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_what_was_there_goes_on_working(
    shape: Shape, template: Template, later: Template, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No byte changes outside conflicts, the repository's tests pass, and an update brings only what is new."""
    mine = build(shape, tmp_path / "mine")
    project = mine / shape.folder
    before, beside = tree(mine), tree(tmp_path / "outside")
    tests = passed(shape, mine)
    assert tests

    command = [str(project), "--template", later.url, "--release", template.newest]
    assert main(["adopt", *command]) == (1 if shape.clashes else 0)
    assert changed_outside_of_conflicts(mine, before) == set()
    assert tree(tmp_path / "outside") == beside
    assert set(unmerged(mine)) == shape.clashes
    assert yaml.safe_load((project / ".copier-answers.yml").read_text("utf-8"))["package_name"] == shape.package
    assert (project / "src" / shape.package / "core/steps/ingest.py").is_file()

    if shape.clashes:
        git(mine, "checkout", "--quiet", "--ours", "--", *shape.clashes)
    assert {name: entry for name, entry in tree(mine).items() if name in before} == before
    assert passed(shape, mine) == tests
    commit_everything(mine, "Adopt")
    assert git(mine, "status", "--porcelain") == ""

    settled = tree(mine)
    monkeypatch.chdir(project)
    main(["update"])
    prefix = f"{shape.folder}/" if shape.folder else ""
    released = {prefix + name.removesuffix(".jinja").replace("{{package_name}}", shape.package) for name in CHANGES}
    conflicts = set(unmerged(mine))
    assert {name.removesuffix(f"~{LATER}") for name in conflicts} <= released & before.keys()
    untouched = {name: entry for name, entry in settled.items() if name in before and name not in conflicts}
    assert {name: entry for name, entry in tree(mine).items() if name in untouched} == untouched
    assert (project / "new-page.md").is_file()
    assert passed_with_theirs(shape, mine, conflicts) == tests
    answers = yaml.safe_load((project / ".copier-answers.yml").read_text("utf-8"))
    assert answers["_commit"] == LATER


def passed_with_theirs(shape: Shape, path: Path, conflicts: set[str]) -> list[str]:
    """Run its tests once more, with their side of each conflict."""
    for name in conflicts - {f"dvc.yaml~{LATER}"}:  # beside a link, which stays
        git(path, "checkout", "--quiet", "--ours", "--", name)
    return passed(shape, path)


@pytest.mark.slow
@pytest.mark.skipif("FORMWORK_JOURNEYS" not in os.environ, reason="`nox -s journeys` tries it")
def test_a_notebook_becomes_a_repository_that_is_green(template: Template, tmp_path: Path) -> None:
    """A repository with a notebook is adopted, resolved with both sides, set up and checked, as documented."""
    files = {name: text for name, text in NOTEBOOK_ONLY.files.items() if name != "test_train.py"}
    mine = make(tmp_path / "mine", dict(files))
    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    command = ["--template", template.url, "--data", f"python_version={python}"]
    assert main(["adopt", str(mine), *command]) == 1
    ignored = mine / ".gitignore"
    both = re.sub(r"^(<<<<<<< |=======|>>>>>>> ).*\n", "", ignored.read_text("utf-8"), flags=re.MULTILINE)
    ignored.write_text(both, "utf-8")
    git(mine, "add", "--all")
    repository = Repository(mine, interpreter(python) or python)
    repository.set_up()
    said = repository.nox("check")
    for task in ("lint", "types", "tests", "docs"):
        assert f"* {task}: success" in said
    repository.run("git", "add", "--all")
    repository.run("git", "commit", "--quiet", "--message", "Adopt the template")
    assert repository.changes() == ""
