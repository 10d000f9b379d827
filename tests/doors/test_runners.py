"""What runs copier if cookiecutter's interpreter cannot import it."""

import os
import shutil
import subprocess
import sys
import sysconfig
import venv
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from tests.harness import ROOT, Doors, Template, environment, few_programs, plain_copy, run, said, tree

COPIER = "copier>=9.10.3,<10"


@dataclass(frozen=True)
class Machine:
    """An interpreter with cookiecutter but without copier, and the few programs on its PATH."""

    python: Path
    programs: Path
    home: Path

    def cookiecutter(
        self, template: Path | str, into: Path, *typed: str, env: Mapping[str, str] | None = None, check: bool = True
    ) -> subprocess.CompletedProcess[str]:
        """Generate."""
        into.mkdir()
        command = [str(self.python), "-m", "cookiecutter", "--no-input", "-o", str(into), str(template), *typed]
        surroundings = environment(self.home, PATH=str(self.programs), **(env or {}))
        return run(*command, cwd=into, env=surroundings, check=check)

    def provide(self, name: str, script: str) -> None:
        """Put a program on the PATH."""
        program = self.programs / name
        program.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
        program.chmod(0o755)


def interpreter_without_copier(folder: Path) -> Path:
    """Make an environment that has everything of ours except copier."""
    venv.create(folder, symlinks=True)
    python = folder / "bin" / "python"
    (packages,) = folder.glob("lib/python*/site-packages")
    for package in Path(sysconfig.get_path("purelib")).iterdir():
        if not package.name.startswith(("copier", "pip", "_distutils", "distutils", "__pycache__", "_virtualenv")):
            (packages / package.name).symlink_to(package)
    return python


@pytest.fixture(scope="session")
def python_without_copier(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make an interpreter that has everything except copier."""
    return interpreter_without_copier(tmp_path_factory.mktemp("interpreter") / "venv")


@pytest.fixture
def machine(python_without_copier: Path, tmp_path: Path) -> Machine:
    """Make a machine with git and cookiecutter, but nothing that could run copier."""
    home = tmp_path / "home"
    home.mkdir(exist_ok=True)
    return Machine(python_without_copier, few_programs(tmp_path / "programs"), home)


@pytest.fixture(scope="session")
def plain(template: Template, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Copy the template into a folder."""
    return plain_copy(template, tmp_path_factory.mktemp("plain") / "formwork")


RUN_OURS = f'exec "{sys.executable}" -m "$@"'


@pytest.mark.parametrize(
    ("name", "arguments"),
    [("copier", ""), ("uvx", f"--from {COPIER} copier"), ("pipx", f"run --spec {COPIER} copier")],
)
def test_each_runner_gives_the_same_repository(
    machine: Machine, doors: Doors, template: Template, tmp_path: Path, name: str, arguments: str
) -> None:
    """Programs that replace the real ones note how they are called, then run the copier that is installed."""
    skipped = len(arguments.split())
    shift = f"shift {skipped}; set -- copier" if skipped else "set -- copier"
    machine.provide(name, f'echo "$*" > "{tmp_path}/called"; {shift} "$@"; {RUN_OURS}')
    machine.cookiecutter(template.url, tmp_path / "one")
    doors.copier(template.url, tmp_path / "two")
    assert tree(tmp_path / "one" / "my-project") == tree(tmp_path / "two")
    called = (tmp_path / "called").read_text(encoding="utf-8")
    assert called.startswith(f"{arguments} copy --quiet".strip())


def test_runners_are_tried_in_order(machine: Machine, plain: Path, tmp_path: Path) -> None:
    for name in ("pipx", "uvx", "copier"):
        machine.provide(name, f'echo {name} >&2; exec "$0.missing"')
        done = machine.cookiecutter(plain, tmp_path / f"out-{name}", check=False)
        assert f"error: {name} could not run copier: install {COPIER} beside cookiecutter" in said(done)
        assert tree(tmp_path / f"out-{name}") == {}


def test_copier_of_the_interpreter_comes_first(doors: Doors, plain: Path, tmp_path: Path) -> None:
    programs = tmp_path / "programs"
    programs.mkdir()
    for name in ("copier", "uvx", "pipx"):
        (programs / name).write_text("#!/bin/sh\nexit 1\n", encoding="utf-8")
        (programs / name).chmod(0o755)
    doors.cookiecutter(plain, tmp_path / "out", env={"PATH": f"{programs}{os.pathsep}{os.environ['PATH']}"})
    assert (tmp_path / "out" / "my-project" / ".copier-answers.yml").is_file()


def test_without_any_runner_one_line_says_what_to_install(machine: Machine, plain: Path, tmp_path: Path) -> None:
    done = machine.cookiecutter(plain, tmp_path / "out", check=False)
    assert done.returncode
    install = f"install uv, or run `pip install '{COPIER}'`"
    assert said(done).splitlines()[-1] == f"error: this template needs {COPIER} beside cookiecutter: {install}"
    assert tree(tmp_path / "out") == {}


def test_a_runner_says_what_is_wrong_with_an_answer(machine: Machine, plain: Path, tmp_path: Path) -> None:
    machine.provide("copier", f'set -- copier "$@"; {RUN_OURS}')
    done = machine.cookiecutter(plain, tmp_path / "out", "package_name=json", check=False)
    assert said(done).splitlines()[-1].startswith("error: package_name: json is a name of Python")
    assert tree(tmp_path / "out") == {}


def test_every_character_arrives_through_a_runner(machine: Machine, plain: Path, tmp_path: Path) -> None:
    """A runner gets the answers in a file."""
    machine.provide("copier", f'set -- copier "$@"; {RUN_OURS}')
    description = "\"\U0001f600\" \\ é # <b>: 'x'"
    machine.cookiecutter(plain, tmp_path / "out", f"description={description}")
    answers = yaml.safe_load((tmp_path / "out" / "my-project" / ".copier-answers.yml").read_text(encoding="utf-8"))
    assert answers["description"] == description


def test_uvx(machine: Machine, plain: Path, tmp_path: Path) -> None:
    uvx = shutil.which("uvx")
    probe = ["uvx", "--from", COPIER, "copier", "--version"]
    surroundings = environment(machine.home, **uv_cache())
    if not uvx or run(*probe, cwd=tmp_path, env=surroundings, check=False).returncode:
        pytest.skip("uvx is not installed, or it cannot get copier: no network")
    machine.provide("uvx", f'PATH="{os.environ["PATH"]}"; export PATH; exec "{uvx}" "$@"')
    machine.cookiecutter(plain, tmp_path / "out", env=uv_cache())
    assert (tmp_path / "out" / "my-project" / "README.md").is_file()


def uv_cache() -> dict[str, str]:
    """Return the variable with uv's cache of the person who runs the tests."""
    cache = subprocess.run(["uv", "cache", "dir"], capture_output=True, encoding="utf-8", check=False).stdout.strip()
    return {"UV_CACHE_DIR": cache} if cache else {}


def test_the_version_is_the_one_that_the_questions_need() -> None:
    """The hook cannot read copier.yml before it has copier."""
    least = yaml.safe_load((ROOT / "copier.yml").read_text(encoding="utf-8"))["_min_copier_version"]
    assert f'COPIER = "copier>={least},<10"' in (ROOT / "hooks" / "post_gen_project.py").read_text(encoding="utf-8")
