"""Repositories of many shapes, as they are before they adopt the template."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass

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
    frozenset(),
)

FLAT_SCRIPTS = Shape(
    {
        "wine.py": "from pipeline import steps\n\n\ndef taste():\n    return steps() + 1\n",
        "pipeline.py": "import settings\n\n\ndef steps():\n    return settings.N\n",
        "settings.py": "N = 1\n",
        "tests.py": "import warnings\n\nimport wine\n\n\ndef test_taste():\n    warnings.warn('old')\n"
        "    assert wine.taste() == 2\n",
        "README.md": "# Wine\n",
        "docs/index.md": "# Wine\n\nSee [how](usage.md), [why](old/why.md), [the code](../wine.py), [here](#no).\n",
        "docs/README.md": "# Pages\n",
        "docs/usage.md": "# Usage\n\nSee [the code](../wine.py).\n\n::: nowhere\n",
        "docs/old/why.md": "# Why\n\n![The plot](/plots/why.png)\n",
        ".github/ISSUE_TEMPLATE/bug.yml": "name: Bug\ndescription: A bug\nbody: []\n",
        ".github/actions/setup/action.yml": "name: Set up\nruns:\n  using: composite\n  steps:\n"
        "    - uses: actions/checkout@v4\n",
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
    frozenset(),
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
    frozenset(),
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
    frozenset({"pyproject.toml"}),
)

OWN_TOOLS = Shape(
    {
        "pyproject.toml": '[project]\nname = "wine-tools"\nversion = "2.0"\ndescription = "Tools"\n'
        'license = "Apache-2.0"\n'
        'requires-python = ">=3.11"\nauthors = [{name = "Zoë", email = "zoe@example.org"}]\ndependencies = []\n\n'
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
    "wine_tools_ml",
    frozenset(
        {
            ".github/workflows/check.yml",
            ".pre-commit-config.yaml",
            "mkdocs.yml",
            "noxfile.py",
            "ruff.toml",
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
    frozenset({".pre-commit-config.yaml", "mkdocs.yml", "noxfile.py", "dvc.yaml"}),
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
    frozenset(),
    folder="models/churn",
)

WORKFLOW = "on: push\njobs:\n  a:\n    runs-on: ubuntu-latest\n    steps:\n      - uses: actions/checkout@v4\n"
GUIDE = "# Guide\n\n```python\nprint( 'as people write it' )\n```\n"
UGLY = "def f( x ) :\n  return x+1\n"

DVC_STAGES = Shape(
    {
        ".dvc/config": "[core]\n    remote = ours\n['remote \"ours\"']\n    url = /srv/dvc\n",
        ".dvc/.gitignore": "/config.local\n/tmp\n/cache\n",
        ".dvcignore": "",
        "dvc.yaml": "stages:\n  train:\n    cmd: python train.py\n    deps:\n      - train.py\n    params:\n"
        "      - train.rate\n    outs:\n      - model.txt\n",
        "dvc.lock": "schema: '2.0'\nstages: {}\n",
        "params.yaml": "train:\n  rate: 0.1  # slow\nseed: 1\n",
        "train.py": UGLY,
        "test_train.py": "from train import f\n\n\ndef test_f():\n    assert f(1) == 2\n",
        "requirements.txt": "dvc\n",
        ".gitignore": "/model.txt\n",
        "README.md": "# Rates\n",
    },
    PYTEST,
    "rates",
    frozenset(),
    folder="rates",
)

DVC_DATA = Shape(
    {
        ".dvc/config": "[core]\n    remote = ours\n['remote \"ours\"']\n    url = /srv/dvc\n",
        ".dvc/.gitignore": "/config.local\n/tmp\n/cache\n",
        ".dvcignore": "# nothing\n",
        "data/wine.csv.dvc": "outs:\n- md5: acbd18db4cc2f85cedef654fccc4a4d8\n  size: 3\n  hash: md5\n"
        "  path: wine.csv\n",
        "data/.gitignore": "/wine.csv\n",
        "pyproject.toml": '[build-system]\nrequires = ["setuptools>=61"]\nbuild-backend = "setuptools.build_meta"\n\n'
        "[project]\nname = 'grapes' # as on the label\nversion = '1.0'\nrequires-python = '>=3.8'\n"
        "dependencies = ['click>=8']\n\n[project.optional-dependencies]\ntest = ['pytest']\n\n"
        "[tool.setuptools.packages.find]\nwhere = ['src']\n",
        "src/grapes/__init__.py": "from .press import f\n",
        "src/grapes/press.py": UGLY,
        "tests/__init__.py": "",
        "tests/test_press.py": "import sys\n\nsys.path.insert(0, 'src')\nfrom grapes import f\n\n\n"
        "def test_f():\n    assert f(1) == 2\n",
        "README.md": "```bash\n# install it\npip install grapes\n```\n\n# Grapes\n",
    },
    PYTEST,
    "grapes",
    frozenset({"pyproject.toml"}),
)

HYDRA = Shape(
    {
        "configs/train.yaml": "defaults:\n  - model: tree\n",
        "configs/model/tree.yaml": "depth: 3\n",
        "src/__init__.py": "",
        "src/models/__init__.py": "",
        "src/models/tree.py": UGLY,
        "src/train.py": "from src.models.tree import f\n\n\ndef main():\n    return f(1)\n",
        "tests/conftest.py": "import pytest\n\n\n@pytest.fixture\ndef two():\n    return 2\n",
        "tests/helpers/__init__.py": "",
        "tests/helpers/conftest.py": "",
        "tests/test_train.py": "from src.train import main\n\n\ndef test_main(two):\n    assert main() == two\n",
        "requirements.txt": "# configuration\nhydra-core>=1.3\nnumpy==1.26.4\n",
        "pyproject.toml": '[tool.pytest.ini_options]\naddopts = ["-q"]\n\n'
        "[tool.coverage.report]\nshow_missing = true\n",
        "setup.py": "from setuptools import find_packages, setup\n\nsetup(name='src', packages=find_packages())\n",
        ".github/PULL_REQUEST_TEMPLATE.md": "## What\n",
        ".github/workflows/test.yml": WORKFLOW,
        "notebooks/look.ipynb": NOTEBOOK,
        "README.md": f"# Trees of a very long name, which says all that this project will ever do\n\n{GUIDE}",
    },
    PYTEST,
    "trees_of_a_very_long_name_which_says_all",
    frozenset(),
)

STRICT = Shape(
    {
        "pyproject.toml": '[build-system]\nrequires = ["hatchling"]\nbuild-backend = "hatchling.build"\n\n'
        '[project]\nname = "tariffs"\nversion = "0.3"\nrequires-python = ">=3.11"\nlicense = { text = "MIT" }\n'
        'dependencies = [\n  "click>=8",  # for the command\n]\nscripts = { tariff = "tariffs.cli:main" }\n\n'
        "[dependency-groups]\ndev = ['ruff>=0.5', \"pytest\"]\n\n"
        '[tool.ruff]\nline-length = 79\n\n[tool.ruff.lint]\nselect = ["ALL"]\n\n[tool.mypy]\nstrict = true\n'
        'files = ["src"]\n\n[tool.pytest.ini_options]\npythonpath = ["src"]\n',
        "src/tariffs/__init__.py": '"""Tariffs."""\n\nfrom tariffs.rates import f\n\n__all__ = ["f"]\n',
        "src/tariffs/rates.py": UGLY,
        "src/tariffs/cli.py": "def main():\n    pass\n",
        "tests/test_rates.py": "from tariffs import f\n\n\ndef test_f():\n    assert f(1) == 2\n",
        "docs/guide.md": GUIDE,
        ".pre-commit-config.yaml": "repos: []\n",
        ".gitignore": "dist/\n",
        "README.md": "# Tariffs\n",
        "LICENSE": "MIT License\n\nPermission is hereby granted, free of charge, to any person obtaining a copy of "
        "this software and associated documentation files\n",
    },
    PYTEST,
    "tariffs",
    frozenset({"pyproject.toml", ".pre-commit-config.yaml"}),
)

SERVICES = Shape(
    {
        "pytest.ini": "[pytest]\naddopts = --import-mode=importlib\npythonpath = services/api services/web\n",
        "services/api/api.py": UGLY,
        "services/api/tests/conftest.py": "",
        "services/api/tests/test_api.py": "import api\n\n\ndef test_f():\n    assert api.f(1) == 2\n",
        "services/web/web.py": "import api\n",
        "services/web/tests/conftest.py": "",
        "services/web/tests/test_web.py": "import web\n\n\ndef test_f():\n    assert web.api.f(1) == 2\n",
        "services/web/requirements.txt": "flask\n",
        "packages/shared/pyproject.toml": '[project]\nname = "shared"\nversion = "1"\n[tool.ruff]\nline-length = 60\n',
        "packages/shared/shared.py": UGLY,
        ".github/workflows/all.yml": WORKFLOW,
        "README.md": "# Everything\n",
        ".gitattributes": "*.csv binary\n",
    },
    PYTEST,
    "everything",
    frozenset(),
)

REQUIREMENT_FOLDERS = Shape(
    {
        "requirements/base.txt": "click>=8\n",
        "requirements/dev.txt": "-r base.txt\nrequests\npytest\n",
        "src/requirements.txt": "rich\n",
        "src/app/main.py": "import click\nimport rich\n\n\ndef f(x):\n    return click, rich, x\n",
        "app/settings.py": "N = 1\n",
        "tests/test_settings.py": "from app.settings import N\n\n\ndef test_n():\n    assert N == 1\n",
        "setup.cfg": "[tool:pytest]\naddopts = -q\n[flake8]\nmax-line-length = 100\n",
        "Readme.md": f"App\n===\n\n{GUIDE}",
        "contributing.md": GUIDE,
        "Makefile": "all:\n\techo\n",
    },
    PYTEST,
    "app_ml",
    frozenset(),
)

POETRY = Shape(
    {
        "pyproject.toml": '[tool.poetry]\nname = "scoring"\nversion = "0.1.0"\ndescription = "Scores"\n'
        'authors = ["Jane <jane@example.org>"]\nreadme = "README.md"\n\n[tool.poetry.dependencies]\npython = "^3.11"\n'
        'click = "^8.1"\n\n[tool.poetry.group.dev.dependencies]\nrich = "*"\n\n[build-system]\n'
        'requires = ["poetry-core"]\nbuild-backend = "poetry.core.masonry.api"\n\n[tool.black]\nline-length = 79\n',
        "scoring/__init__.py": "from .rules import f\n",
        "scoring/rules.py": UGLY,
        "scoring/model.py": "MODEL = 1\n",
        "tests/__init__.py": "",
        "tests/test_rules.py": "from scoring import f\n\n\ndef test_f():\n    assert f(1) == 2\n",
        "docs/rules.md": GUIDE,
        "README.md": "# Scoring\n",
        ".gitignore": "/data/\n*.lock\n",
    },
    PYTEST,
    "scoring_ml",
    frozenset({"pyproject.toml"}),
)

NEW_PACKAGE = Shape(
    {
        "pyproject.toml": '[build-system]\nrequires = ["uv_build>=0.9,<2"]\nbuild-backend = "uv_build"\n\n'
        '[project]\nname = "stock-levels"\nversion = "0.1.0"\nreadme = "README.md"\nrequires-python = ">=3.11"\n'
        'dependencies = []\n\n[project.scripts]\nstock-levels = "stock_levels:main"\n\n[tool.pytest]\n'
        'pythonpath = ["src"]\n',
        "src/stock_levels/__init__.py": "def main():\n    print('levels')\n",
        "src/stock_levels/model.py": UGLY,
        "src/stock_levels/py.typed": "",
        "tests/test_model.py": "from stock_levels.model import f\n\n\ndef test_f():\n    assert f(1) == 2\n",
        "README.md": "",
        ".python-version": "3.11\n",
        ".gitignore": ".venv\n",
    },
    PYTEST,
    "stock_levels_ml",
    frozenset({"pyproject.toml"}),
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
    "dvc-stages": DVC_STAGES,
    "dvc-data": DVC_DATA,
    "hydra": HYDRA,
    "strict": STRICT,
    "services": SERVICES,
    "requirement-folders": REQUIREMENT_FOLDERS,
    "poetry": POETRY,
    "new-package": NEW_PACKAGE,
}
