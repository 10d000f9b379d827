"""What a repository says about itself is read without running any of its code."""

from pathlib import Path

import pytest

from formwork.adopting import detect
from formwork.adopting.detect import Fact, History
from formwork.adopting.licences import licence_files, licence_of
from formwork.adopting.metadata import Person, as_specifier
from formwork.adopting.project import overruled
from formwork.adopting.requirements import Requirements, requirements
from tests.harness import ROOT
from tests.small import put

NOBODY = History(Person(), "")
PYTHONS = ("3.11", "3.12", "3.13")

PYPROJECT = """\
[project]
name = "churn-model"
description = "Who leaves,\\n and why"
requires-python = ">=3.12"
license = {text = "MIT License"}
authors = [{name = "Jane", email = "jane@example.org"}, {name = "Joe"}]
classifiers = ["Topic :: Other", "License :: OSI Approved :: Apache Software License"]
urls = {Homepage = "https://example.org/x", Repository = "https://example.org/churn.git"}
"""
POETRY = """\
[tool.poetry]
name = "churn"
description = "Leaves"
authors = ["Jane Doe <jane@example.org>", "Joe"]
license = "BSD-3-Clause"
homepage = "https://example.org/churn"
[tool.poetry.dependencies]
python = "^3.12"
"""
SETUP_CFG = """\
[metadata]
name = churn
description = 100% leaves
author = Jane
author_email = jane@example.org
license = Apache 2.0
url = https://example.org/churn
classifiers =
    Topic :: Other
[options]
python_requires = >=3.12
install_requires =
    pandas>=2
    scipy
"""
SETUP_PY = """\
import setuptools
raise SystemExit("this is not to be run")
setuptools.setup(
    name="churn", description="Leaves", author="Jane", author_email="jane@example.org", url="https://example.org/churn",
    python_requires=">=3.12", install_requires=["pandas>=2", "scipy"], version=read_version(),
    classifiers=["License :: OSI Approved :: MIT License"],
)
other(name="other")
"""


def read(folder: Path, files: dict[str, str], history: History = NOBODY) -> dict[str, list[Fact]]:
    """Read a folder of files."""
    folder.mkdir(exist_ok=True)
    put(folder, dict(files))
    return detect.facts(folder, files, history, PYTHONS)


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        (
            {"pyproject.toml": PYPROJECT},
            {
                "project_name": "churn-model",
                "package_name": "churn_model",
                "description": "Who leaves, and why",
                "author_name": "Jane",
                "author_email": "jane@example.org",
                "repository_url": "https://example.org/churn",
                "license": "MIT",
                "python_version": "3.12",
            },
        ),
        (
            {"pyproject.toml": POETRY},
            {
                "project_name": "churn",
                "package_name": "churn",
                "description": "Leaves",
                "author_name": "Jane Doe",
                "author_email": "jane@example.org",
                "repository_url": "https://example.org/churn",
                "license": "BSD-3-Clause",
                "python_version": "3.12",
            },
        ),
        (
            {"setup.cfg": SETUP_CFG},
            {
                "project_name": "churn",
                "package_name": "churn",
                "description": "100% leaves",
                "author_name": "Jane",
                "author_email": "jane@example.org",
                "repository_url": "https://example.org/churn",
                "license": "Apache-2.0",
                "python_version": "3.12",
            },
        ),
        (
            {"setup.py": SETUP_PY},
            {
                "project_name": "churn",
                "package_name": "churn",
                "description": "Leaves",
                "author_name": "Jane",
                "author_email": "jane@example.org",
                "repository_url": "https://example.org/churn",
                "license": "MIT",
                "python_version": "3.12",
            },
        ),
        ({}, {"project_name": "my-wine"}),
        ({"pyproject.toml": "[project\n", "setup.cfg": "x\n", "setup.py": "setup(\n"}, {"project_name": "my-wine"}),
        ({"pyproject.toml": "[tool]\nx = 1\n[project]\nname = 1\nauthors = 2\n"}, {"project_name": "my-wine"}),
        ({"setup.py": "from s import setup\nsetup(name=N, **more)\n"}, {"project_name": "my-wine"}),
        ({"setup.py": "name = 'src'\nsetup(name='src')\n"}, {"project_name": "my-wine"}),
        ({"setup.cfg": "[metadata]\nname = file: NAME\ndescription = attr: a.b\n"}, {"project_name": "my-wine"}),
    ],
    ids=["project", "poetry", "setup.cfg", "setup.py", "nothing", "broken", "odd", "computed", "src", "elsewhere"],
)
def test_metadata(tmp_path: Path, files: dict[str, str], expected: dict[str, str]) -> None:
    found = read(tmp_path / "my-wine", files)
    assert {name: answers[0].value for name, answers in found.items()} == expected
    where = "pyproject.toml, tool.poetry" if POETRY in files.values() else next(iter(files), "")
    for name in expected.keys() - {"python_version", "project_name"}:
        assert found[name][0].where == where


def test_the_surest_comes_first(tmp_path: Path) -> None:
    """The less certain answers follow, in case the first is refused."""
    files = {"setup.cfg": "[metadata]\nname = b\n", "pyproject.toml": "[project]\nname = 'a'\n", "README.md": "# C\n"}
    found = read(tmp_path / "d", {**files, "src/e/__init__.py": ""}, History(Person("Joe", "j@x.org"), "git@x.org:f/g"))
    assert found["project_name"] == [
        Fact("a", "pyproject.toml"),
        Fact("b", "setup.cfg"),
        Fact("C", "README.md"),
        Fact("d", "the folder's name"),
    ]
    assert [fact.value for fact in found["package_name"]] == ["e", "a", "b"]
    assert found["repository_url"] == [Fact("https://x.org/f/g", "git remote")]
    assert found["author_name"] == [Fact("Joe", "the first commit")]
    assert found["author_email"] == [Fact("j@x.org", "the first commit")]


def test_name_and_address_are_of_one_person(tmp_path: Path) -> None:
    """An address of somebody else is left out, and so is one that nobody reads."""
    history = History(Person("Joe", "joe@example.org"), "")
    found = read(tmp_path, {"setup.cfg": "[metadata]\nauthor = Jane\n"}, history)
    assert found["author_name"] == [Fact("Jane", "setup.cfg")]
    assert "author_email" not in found
    found = read(tmp_path, {"setup.cfg": "[metadata]\nauthor_email = jane@example.org\n"}, history)
    assert found["author_email"] == [Fact("jane@example.org", "setup.cfg")]
    assert "author_name" not in found
    found = read(tmp_path / "other", {}, History(Person("Joe", "1+joe@users.noreply.github.com"), ""))
    assert found["author_name"] == [Fact("Joe", "the first commit")]
    assert "author_email" not in found


@pytest.mark.parametrize(
    ("name", "content", "title"),
    [
        ("README.md", "Text.\n\n# Who leaves? #\n\n# Other\n", "Who leaves?"),
        ("README.md", "# ![logo](a.png) **Churn** of [us](https://x.org) <img src='a'>`x`\n", "Churn of us x"),
        ("README.md", "Churn\n=====\n\nText.\n", "Churn"),
        ("README.rst", "Churn study\n===========\n", "Churn study"),
        ("README", "# Churn\n", "Churn"),
        ("README.md", "No heading.\n\n## Second\n", "folder"),
        ("NOTES.md", "# Churn\n", "folder"),
        ("Readme.md", "# Churn\n", "Churn"),
        ("README.md", "```bash\n# install it\n```\n\n# Churn\n", "Churn"),
        ("README.md", "  ~~~\n# install it\n```\n# still code\n  ~~~\nChurn\n=====\n", "Churn"),
        ("README.md", "```\n# never closed\n", "folder"),
        ("README.md", "<!--\n# No heading\n-->\n# Churn\n", "Churn"),
    ],
)
def test_headings(tmp_path: Path, name: str, content: str, title: str) -> None:
    assert read(tmp_path / "folder", {name: content})["project_name"][0].value == title


@pytest.mark.parametrize(
    ("files", "package"),
    [
        (["src/churn/__init__.py"], "churn"),
        (["src/churn/a/__init__.py", "src/churn/__init__.py", "other/__init__.py"], "churn"),
        (["src/one/__init__.py", "src/two/__init__.py"], "named"),
        (["src/one/__init__.py", "src/named/__init__.py", "flat/__init__.py"], "named"),
        (["src/one/__init__.py", "src/two/__init__.py", "flat/__init__.py", "flat/a.py"], "flat"),
        (["src/__init__.py", "src/data/__init__.py"], "named"),
        (["churn/__init__.py", "churn/a/b.py", "tests/__init__.py", "test/__init__.py", "test/a.py"], "churn"),
        (["configs/__init__.py", "src/__init__.py", "src/a.py"], "named"),
        (["configs/__init__.py", "churn/__init__.py", "churn/a.py"], "churn"),
        (["one/__init__.py", "one/a.py", "two/__init__.py", "two/a.py"], "named"),
        (["one/__init__.py", "one/a.py", "named/__init__.py"], "named"),
        (["a/b/__init__.py", "__init__.py", "src"], "named"),
    ],
)
def test_packages(tmp_path: Path, files: list[str], package: str) -> None:
    (tmp_path / "setup.cfg").write_text("[metadata]\nname = Named\n", "utf-8")
    found = detect.facts(tmp_path, files, NOBODY, PYTHONS)["package_name"]
    assert found[0].value == package
    assert found[-1] == Fact("named", "setup.cfg")
    place = f"src/{package}/" if f"src/{package}/__init__.py" in files else f"{package}/"
    assert found[0].where == (place if len(found) == 2 else "setup.cfg")


@pytest.mark.parametrize(
    ("remote", "url"),
    [
        ("https://github.com/o/n.git", "https://github.com/o/n"),
        ("https://me:secret@github.com/o/n/", "https://github.com/o/n"),
        ("http://git.local:8080/o/n", "http://git.local:8080/o/n"),
        ("git@github.com:o/n.git", "https://github.com/o/n"),
        ("github.com:o/n", "https://github.com/o/n"),
        ("ssh://git@git.example.org:2222/g/o/n.git", "https://git.example.org/g/o/n"),
        ("git+ssh://git@git.example.org/n", "https://git.example.org/n"),
        ("git://example.org/n.git", "https://example.org/n"),
        ("/srv/n.git", ""),
        ("../n", ""),
        ("file:///srv/n", ""),
        ("C:/n", ""),
        ("", ""),
    ],
)
def test_web_addresses(remote: str, url: str) -> None:
    assert detect.web_address(remote) == url


@pytest.mark.parametrize(
    ("files", "service"),
    [
        ([".gitlab-ci.yml"], [Fact("gitlab", ".gitlab-ci.yml")]),
        ([".github/workflows/a.yml"], [Fact("github", ".github/")]),
        ([".gitlab-ci.yml", ".github/a"], []),
        (["github/a"], []),
    ],
)
def test_integration(files: list[str], service: list[Fact]) -> None:
    assert list(detect.integration(set(files))) == service


LICENCE = (ROOT / "LICENSE").read_text("utf-8")
BSD = "Redistribution and use in source and binary forms, are permitted.\n"


@pytest.mark.parametrize(
    ("text", "licence"),
    [
        (LICENCE, "MIT"),
        (LICENCE.replace("\n", "\r\n  "), "MIT"),
        (LICENCE + "Except as contained in this notice, no names.", ""),
        (f"{BSD}3. Neither the name of\n  the holder\n", "BSD-3-Clause"),
        (f"{BSD}4. All advertising materials. Neither the name of\n", ""),
        (BSD, ""),
        ("   Apache License\n  Version 2.0, January 2004\n", "Apache-2.0"),
        ("Apache License\nVersion 1.1\n", ""),
        (f"{LICENCE}\nApache License Version 2.0, January 2004\n", ""),
        ("GNU GENERAL PUBLIC LICENSE", ""),
        ("", ""),
    ],
)
def test_texts_of_licences(text: str, licence: str) -> None:
    assert licence_of(text) == licence


@pytest.mark.parametrize(
    ("name", "licence"),
    [
        ("MIT", "MIT"),
        ("The MIT License", "MIT"),
        ("Apache License, Version 2.0", "Apache-2.0"),
        ("apache-2.0", "Apache-2.0"),
        ("BSD 3-Clause License", "BSD-3-Clause"),
        ("LicenseRef-Proprietary", "proprietary"),
        ("License :: Other/Proprietary License", "proprietary"),
        ("GPL-3.0", None),
        ("MIT OR Apache-2.0", None),
    ],
)
def test_names_of_licences(tmp_path: Path, name: str, licence: str | None) -> None:
    found = read(tmp_path, {"setup.cfg": f"[metadata]\nlicense = {name}\n"}).get("license")
    assert found == ([Fact(licence, "setup.cfg")] if licence else None)


def test_licences_in_files(tmp_path: Path) -> None:
    assert read(tmp_path / "a", {"COPYING.txt": LICENCE})["license"] == [Fact("MIT", "COPYING.txt")]
    project = '[project]\nlicense = {file = "legal.txt"}\n'
    found = read(tmp_path / "b", {"pyproject.toml": project, "legal.txt": LICENCE})
    assert found["license"] == [Fact("MIT", "pyproject.toml")]
    assert "license" not in read(tmp_path / "c", {"legal.txt": LICENCE})
    assert licence_files(["b", "licence.md", "LICENSE", "LICENSE-MIT", "LICENSES", "COPYING"]) == [
        "COPYING",
        "LICENSE",
        "LICENSE-MIT",
        "licence.md",
    ]


@pytest.mark.parametrize(
    ("specifier", "python"),
    [
        (">=3.8", "3.11"),
        (">=3.11.4", "3.11"),
        (">=3.12,<4", "3.12"),
        ("==3.13.*", "3.13"),
        ("==3.12", "3.12"),
        (">=3.8,<3.11", ">=3.8,<3.11"),
        ("three", "three"),
    ],
)
def test_lowest_python(specifier: str, python: str) -> None:
    """A specifier that fits none of the choices is passed on, to be refused."""
    assert detect.lowest(specifier, PYTHONS, "setup.cfg") == Fact(python, f"setup.cfg: {specifier}")


@pytest.mark.parametrize(
    ("constraint", "specifier"),
    [
        ("^3.11", ">=3.11,<4"),
        ("~3.11.2", ">=3.11.2,<3.12"),
        ("~3.11", ">=3.11,<3.12"),
        ("~3", ">=3,<4"),
        ("~=3.11", "~=3.11"),
        ("^0.2.3", ">=0.2.3,<0.3"),
        ("^0.0.3", ">=0.0.3,<0.0.4"),
        ("^0.0", ">=0.0,<0.1"),
        ("^0", ">=0,<1"),
        ("^1.0rc1", ">=1.0rc1,<2"),
        ("^1.2,!=1.3", ">=1.2,<2,!=1.3"),
        (">=3.9,<3.13", ">=3.9,<3.13"),
        ("3.11.*", "==3.11.*"),
        ("*", ""),
        ("", ""),
    ],
)
def test_poetrys_constraints(constraint: str, specifier: str) -> None:
    assert as_specifier(constraint) == specifier


def test_pinned_python(tmp_path: Path) -> None:
    assert read(tmp_path, {".python-version": "3.12.4\n"})["python_version"] == [Fact("3.12", ".python-version")]
    assert "python_version" not in read(tmp_path, {".python-version": "pypy\n"})


def test_requirements(tmp_path: Path) -> None:
    lines = [
        "# all of them",
        "Scikit_Learn==1.2  # old",
        "pandas[excel] >= 2 ; python_version > '3.8'",
        "requests \\",
        "  >=2",
        "Pandas",
        "-r other.txt",
        "--index-url https://example.org#egg",
        "git+https://example.org/a.git#egg=a",
        "b @ https://example.org/b.whl",
        "./local",
        "-e .",
    ]
    put(tmp_path, {"requirements.txt": "\r\n".join(lines), "setup.cfg": SETUP_CFG})
    found = requirements(tmp_path, ["requirements.txt"], ["scikit-learn", "numpy"])
    assert found.added == ("pandas[excel] >= 2 ; python_version > '3.8'", "requests >=2", "scipy")
    assert found.had == ("Scikit_Learn==1.2",)
    assert found.left == (
        "-r other.txt",
        "--index-url https://example.org#egg",
        "git+https://example.org/a.git#egg=a",
        "b @ https://example.org/b.whl",
        "./local",
        "-e .",
    )


@pytest.mark.parametrize("project", [PYPROJECT, POETRY])
def test_requirements_beside_a_project_table(tmp_path: Path, project: str) -> None:
    put(tmp_path, {"requirements.txt": "pandas\n", "pyproject.toml": project, "setup.py": SETUP_PY})
    assert requirements(tmp_path, ["requirements.txt"], []) == Requirements()
    put(tmp_path, {"pyproject.toml": "[tool.black]\n"})
    assert requirements(tmp_path, ["requirements.txt"], []).added == ("pandas", "scipy")
    put(tmp_path, {"pyproject.toml": '[project]\nname = "a"\ndynamic = ["dependencies"]\n', "setup.py": None})
    assert requirements(tmp_path, ["requirements.txt"], []).added == ("pandas",)


@pytest.mark.parametrize(
    ("files", "added", "lost"),
    [
        ({"setup.py": "NEEDS = ['click']\nsetup(install_requires=NEEDS)\n"}, ("click",), "setup.py"),
        ({"setup.py": "setup(install_requires=open('n').readlines())\n"}, (), "setup.py (install_requires)"),
        ({"setup.py": "setup(version='1', extras_require={'x': ['y']})\n"}, (), "setup.py (extras_require, version)"),
        ({"setup.cfg": "[metadata]\nname = a\n[options.extras_require]\nx = y\n"}, (), "setup.cfg (extras_require)"),
    ],
)
def test_what_setuptools_is_told_is_carried_over_or_named(
    tmp_path: Path, files: dict[str, str], added: tuple[str, ...], lost: str
) -> None:
    put(tmp_path, dict(files))
    assert requirements(tmp_path, files, []) == Requirements(added=added)
    assert overruled(tmp_path, []) == [lost]


def test_requirements_in_other_places(tmp_path: Path) -> None:
    """Files in folders and files that others include are read, and what people wrote rather than what a tool made."""
    files = {
        "requirements/base.txt": "click>=8\n",
        "requirements/dev.txt": "-r base.txt\n-r gone.txt\nruff\n",
        "src/requirements.txt": "rich --hash=sha256:00\n--requirement=../constraints/more.txt\n",
        "constraints/more.txt": "attrs\n",
        "requirements-docs.txt": "sphinx\nrich\n",
        "requirements/latest.txt": "tqdm\n",
        "requirements-device.txt": "pyserial\n",
        "requirements.in": "requests\n",
        "requirements.txt": "requests==2.0\nidna==3.0\n",
        "services/api/requirements.txt": "flask\n",
    }
    put(tmp_path, dict(files))
    found = requirements(tmp_path, files, ["ruff"])
    assert found.added == ("pyserial", "requests", "click>=8", "tqdm", "rich", "attrs")
    assert found.dev == ("sphinx",)
    assert found.had == ("ruff",)
    assert found.left == ("-r gone.txt",)


def test_requirements_of_poetry(tmp_path: Path) -> None:
    toml = (
        '[tool.poetry.dependencies]\npython = "^3.11"\nclick = "^8.1"\nrich = "*"\nlocal = {path = "../local"}\n'
        'dask = {version = "~2025.1", extras = ["dataframe", "array"]}\nnlp = {version = "^2", optional = true}\n'
        '[tool.poetry.group.dev.dependencies]\nipython = "9.1"\n[tool.poetry.dev-dependencies]\nblack = ">=24"\n'
    )
    put(tmp_path, {"pyproject.toml": toml, "requirements.txt": "idna\n"})
    found = requirements(tmp_path, ["pyproject.toml", "requirements.txt"], [])
    assert found.added == ("click>=8.1,<9", "rich", "dask[dataframe,array]>=2025.1,<2025.2")
    assert found.dev == ("black>=24", "ipython==9.1")
    assert found.left == ("local = {'path': '../local'}", "nlp = {'version': '^2', 'optional': True}")


def test_requirements_as_windows_writes_them(tmp_path: Path) -> None:
    for encoding in ("utf-16", "utf-8-sig"):
        (tmp_path / "requirements.txt").write_text("click\r\nrich\r\n", encoding)
        assert requirements(tmp_path, ["requirements.txt"], []).added == ("click", "rich")


def test_files_that_are_no_text(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_bytes(b"\xff\xfe# x\n")
    (tmp_path / "setup.py").write_bytes(b"\0\xff")
    (tmp_path / "setup.cfg").mkdir()
    found = detect.facts(tmp_path, [], NOBODY, PYTHONS)
    assert found == {"project_name": [Fact(tmp_path.name, "the folder's name")]}
