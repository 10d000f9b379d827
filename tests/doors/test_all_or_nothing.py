"""What is left when generation fails, is interrupted or meets existing files."""

import os
import runpy
import shutil
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from formwork.answers import ANSWERS, SHORT_FORMS, UPSTREAM, address, recorded_url, without_password
from tests.harness import (
    ROOT,
    UNFINISHED,
    Doors,
    Template,
    few_programs,
    isolation_refused,
    run,
    said,
    small_template,
    tree,
)

# A copier that has rendered half of the files, says so, and then does what the test wants.
HALF = """
import os, time
from pathlib import Path

def run_copy(source, folder, **_):
    folder.mkdir(parents=True)
    (folder / "half.txt").write_text("half")
    Path(os.environ["HALF_DONE"]).write_text(str(os.getpid()))
    {then}
"""


@pytest.fixture
def hook() -> dict[str, Any]:
    """Return the functions of the hook."""
    return runpy.run_path(str(ROOT / "hooks" / "post_gen_project.py"))


def with_copier_that(folder: Path, then: str) -> dict[str, str]:
    """Make an environment in which another copier is imported."""
    (folder / "stub" / "copier").mkdir(parents=True)
    (folder / "stub" / "copier" / "__init__.py").write_text(HALF.format(then=then), encoding="utf-8")
    return {"PYTHONPATH": str(folder / "stub"), "HALF_DONE": str(folder / "half-done")}


def wait_for(path: Path) -> str:
    """Wait until a file has content."""
    for _ in range(600):
        if path.is_file() and (text := path.read_text(encoding="utf-8")):
            return text
        time.sleep(0.05)
    message = f"{path} was never written"
    raise TimeoutError(message)


def wait_until_only(folder: Path, names: set[str]) -> set[str]:
    """Give the janitor a moment, then return what is in the folder."""
    for _ in range(100):
        with suppress(FileNotFoundError):  # what is being removed may vanish while we look
            if set(tree(folder)) <= names:
                break
        time.sleep(0.05)
    return set(tree(folder))


def test_an_exception_leaves_nothing(doors: Doors, questions_only: Path, tmp_path: Path) -> None:
    env = with_copier_that(tmp_path, 'raise RuntimeError("out of\\nluck")')
    done = doors.cookiecutter(questions_only, tmp_path / "out", env=env, check=False)
    assert done.returncode
    assert said(done).splitlines()[-1] == "error: out of luck"
    assert tree(tmp_path / "out") == {}


@pytest.mark.parametrize("whom", ["everybody", "hook"])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP], ids=lambda number: number.name)
def test_an_interruption_leaves_nothing(
    doors: Doors, questions_only: Path, tmp_path: Path, number: signal.Signals, whom: str
) -> None:
    """A terminal interrupts all processes, but another program may interrupt only one."""
    (tmp_path / "out").mkdir()
    process = start(doors, questions_only, tmp_path, "time.sleep(60)")
    hook = int(wait_for(tmp_path / "half-done"))
    assert any(path.endswith("half.txt") for path in tree(tmp_path / "out"))
    os.killpg(process.pid, number) if whom == "everybody" else os.kill(hook, number)
    _, errors = process.communicate(timeout=20)
    assert process.returncode
    assert "error: interrupted, so nothing was generated: run the same command again" in errors
    assert wait_until_only(tmp_path / "out", set()) == set()


def start(doors: Doors, template: Path, folder: Path, then: str) -> "subprocess.Popen[str]":
    """Start generating in a session of its own, with another copier."""
    command = [sys.executable, "-m", "cookiecutter", "--no-input", "-o", str(folder / "out"), str(template)]
    return subprocess.Popen(
        command,
        env=doors.env | with_copier_that(folder, then),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        start_new_session=True,
    )


def test_cookiecutter_alone_ended_leaves_the_complete_repository(
    doors: Doors, questions_only: Path, tmp_path: Path
) -> None:
    """The hook goes on without cookiecutter."""
    (tmp_path / "out").mkdir()
    process = start(doors, questions_only, tmp_path, "time.sleep(0.5)")
    wait_for(tmp_path / "half-done")
    process.terminate()
    process.communicate(timeout=20)
    assert wait_until_only(tmp_path / "out", {"my-project", "my-project/half.txt"}) == {
        "my-project",
        "my-project/half.txt",
    }


@pytest.mark.parametrize("whom", ["everybody", "hook"])
def test_a_kill_leaves_at_most_the_answers(doors: Doors, questions_only: Path, tmp_path: Path, whom: str) -> None:
    """No process can catch a kill, but the scratch folder is removed nevertheless."""
    (tmp_path / "out").mkdir()
    process = start(doors, questions_only, tmp_path, "time.sleep(60)")
    hook = int(wait_for(tmp_path / "half-done"))
    os.killpg(process.pid, signal.SIGKILL) if whom == "everybody" else os.kill(hook, signal.SIGKILL)
    process.communicate(timeout=20)
    at_most = {"my-project", f"my-project/{UNFINISHED}"}
    assert wait_until_only(tmp_path / "out", at_most) <= at_most


def test_a_runner_is_interrupted_with_us(doors: Doors, tmp_path: Path) -> None:
    """Otherwise the runner would go on writing into a folder that is being removed."""
    told = f"import os, pathlib, time; pathlib.Path({str(tmp_path / 'pid')!r}).write_text(str(os.getpid()))"
    body = f"""
import runpy, sys
hook = runpy.run_path({str(ROOT / "hooks" / "post_gen_project.py")!r})
hook["catch_signals"]()
hook["call"]([sys.executable, "-c", {told + "; time.sleep(60)"!r}], failure="")
"""
    process = subprocess.Popen([sys.executable, "-c", body], env=doors.env, stderr=subprocess.DEVNULL, cwd=tmp_path)
    runner = int(wait_for(tmp_path / "pid"))
    process.terminate()
    process.wait(timeout=20)
    with pytest.raises(ProcessLookupError):
        os.kill(runner, 0)


# ------------------------------------------------------------------------------- what is there


def existing(folder: Path) -> Path:
    """Make a folder with the user's files."""
    project = folder / "my-project"
    (project / "notes").mkdir(parents=True)
    (project / "notes" / "mine.txt").write_text("mine\n", encoding="utf-8")
    (project / "README.md").write_text("mine\n", encoding="utf-8")
    (project / "link").symlink_to("notes")
    return project


def test_force_overwrites_the_same_and_keeps_the_rest(doors: Doors, template: Template, tmp_path: Path) -> None:
    before = tree(existing(tmp_path / "out"))
    doors.cookiecutter(template.url, tmp_path / "out", "-f")
    existing(tmp_path / "two")
    doors.copier(template.url, tmp_path / "two" / "my-project", "--overwrite")
    after = tree(tmp_path / "out" / "my-project")
    assert after == tree(tmp_path / "two" / "my-project")
    assert {path: after[path] for path in before if path != "README.md"} == {
        path: entry for path, entry in before.items() if path != "README.md"
    }
    assert after["README.md"] != before["README.md"]


def test_force_twice_changes_nothing(doors: Doors, template: Template, tmp_path: Path) -> None:
    doors.cookiecutter(template.url, tmp_path / "out")
    before = tree(tmp_path / "out")
    doors.cookiecutter(template.url, tmp_path / "out", "-f")
    assert tree(tmp_path / "out") == before


def test_without_force_an_existing_folder_stays(doors: Doors, template: Template, tmp_path: Path) -> None:
    """Cookiecutter itself refuses an existing folder."""
    before = tree(existing(tmp_path / "out"))
    assert doors.cookiecutter(template.url, tmp_path / "out", check=False).returncode
    assert tree(tmp_path / "out" / "my-project") == before


@pytest.mark.parametrize("answers", [{"package_name": "json"}, {"author_email": "nobody"}])
def test_an_error_with_force_changes_nothing(
    doors: Doors, questions_only: Path, tmp_path: Path, answers: dict[str, str]
) -> None:
    before = tree(existing(tmp_path / "out"))
    done = doors.cookiecutter(questions_only, tmp_path / "out", "-f", answers=answers, check=False)
    assert done.returncode
    assert tree(tmp_path / "out" / "my-project") == before
    assert list(tree(tmp_path / "out", without=["my-project"])) == []


@pytest.mark.parametrize("in_the_way", ["folder", "link"])
def test_what_is_in_the_way_is_told_and_stays(
    doors: Doors, template: Template, tmp_path: Path, in_the_way: str
) -> None:
    """A folder is not replaced by a file, and nothing is written through a link."""
    project = tmp_path / "out" / "my-project"
    place = project / "README.md" if in_the_way == "folder" else project / "tests"
    place.parent.mkdir(parents=True)
    (tmp_path / "elsewhere").mkdir()
    place.mkdir() if in_the_way == "folder" else place.symlink_to(tmp_path / "elsewhere")
    before = tree(tmp_path)
    done = doors.cookiecutter(template.url, tmp_path / "out", "-f", check=False)
    line = f"error: {place} is in the way, so nothing was generated: move it and run the same command again"
    assert line in said(done)
    assert tree(tmp_path / "out") == {path.removeprefix("out/"): e for path, e in before.items() if "out/" in path}
    assert tree(tmp_path / "elsewhere") == {}


def test_a_move_that_fails_halfway_is_taken_back(
    hook: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A disk may be full, or a file may be open on Windows."""
    project = existing(tmp_path)
    for name in ("README.md", "new/one.txt", "zero.txt"):
        (tmp_path / "tree" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "tree" / name).write_text("template\n", encoding="utf-8")
    before = tree(project)
    deliver = hook["deliver"]
    monkeypatch.setitem(deliver.__globals__, "PROJECT", project)

    def full(source: Path, place: Path) -> None:
        if source.name == "zero.txt":
            message = "no space left"
            raise OSError(message)
        move(source, place)

    move = shutil.move
    monkeypatch.setattr(shutil, "move", full)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(OSError, match="no space left"):
        deliver(tmp_path / "tree", tmp_path / "replaced", is_fresh=False)
    assert tree(project) == before


# ----------------------------------------------------------------------------- the surroundings


def test_modules_planted_in_the_folder_for_temporary_files_are_not_imported(
    doors: Doors, questions_only: Path, tmp_path: Path
) -> None:
    """Everybody may write into that folder, and Python looks for modules next to a script first."""
    shared = tmp_path / "shared"
    shared.mkdir()
    names = ("copier", "json", "shutil", "pathlib", "dataclasses", "tempfile", "yaml", "pip", "importlib", "__future__")
    for name in names:
        planted = f"from pathlib import Path; Path({str(tmp_path / 'imported')!r}).touch()\n"
        (shared / f"{name}.py").write_text(planted, encoding="utf-8")
    doors.cookiecutter(questions_only, tmp_path / "out", env={"TMPDIR": str(shared)})
    assert not (tmp_path / "imported").exists()
    assert (tmp_path / "out" / "my-project" / ".copier-answers.yml").is_file()
    assert {path.name for path in shared.iterdir()} >= {f"{name}.py" for name in names}


def test_replay_gives_the_same_again(doors: Doors, template: Template, tmp_path: Path) -> None:
    answers = {"project_name": "Wine quality", "problem": "regression", "license": "proprietary"}
    doors.cookiecutter(template.url, tmp_path / "one", answers=answers)
    run("rm", "-rf", doors.home / ".cookiecutters", cwd=tmp_path, env=doors.env)
    doors.cookiecutter(template.url, tmp_path / "two", "--replay")
    assert tree(tmp_path / "one") == tree(tmp_path / "two")


def test_no_answer_leads_outside(doors: Doors, questions_only: Path, tmp_path: Path) -> None:
    """Cookiecutter makes the folder before the hook runs, so its name is derived, whatever is answered."""
    (tmp_path / "precious").mkdir()
    (tmp_path / "precious" / "file").touch()
    before = tree(tmp_path / "precious")
    done = doors.cookiecutter(
        questions_only, tmp_path / "out", "-f", answers={"project_name": "../precious"}, check=False
    )
    assert done.returncode
    assert "error: project_name: a project name holds no / or \\ or .." in done.stderr
    assert tree(tmp_path / "out") == {}
    doors.cookiecutter(
        questions_only, tmp_path / "out", "-f", "--accept-hooks", "no", answers={"project_name": "../precious"}
    )
    assert list(tree(tmp_path / "out")) == ["precious", f"precious/{UNFINISHED}"]
    assert tree(tmp_path / "precious") == before


def test_generation_needs_neither_network_nor_identity_nor_uv(doors: Doors, template: Template, tmp_path: Path) -> None:
    isolated = ["unshare", "--map-root-user", "--net"]
    if refused := isolation_refused(isolated):
        pytest.skip(f"the network cannot be taken away on this machine: {refused}")
    unshare = [shutil.which("unshare") or "", *isolated[1:]]
    surroundings = doors.env | {"PATH": str(few_programs(tmp_path / "programs"))}
    for door, arguments in (
        ("cookiecutter", ["--no-input", "-o", "one", template.url]),
        ("copier", ["copy", "--quiet", "--defaults", template.url, "two"]),
    ):
        run(*unshare, sys.executable, "-m", door, *arguments, cwd=tmp_path, env=surroundings)
    assert tree(tmp_path / "one" / "my-project") == tree(tmp_path / "two")


def test_it_works_in_a_folder_with_spaces_and_accents(doors: Doors, tmp_path: Path) -> None:
    """Paths end up in git's configuration and on command lines."""
    (tmp_path / "Vörlage zwei").mkdir()
    work = small_template(tmp_path / "Vörlage zwei")
    doors.cookiecutter(work, tmp_path / "mein Ordner ü")
    assert (tmp_path / "mein Ordner ü" / "my-project" / ".copier-answers.yml").is_file()


def test_cookiecutter_leaves_the_hook_as_it_is() -> None:
    """Cookiecutter renders the hook with Jinja, and the hook compares itself with the template's."""
    text = (ROOT / "hooks" / "post_gen_project.py").read_text(encoding="utf-8")
    assert not [mark for mark in ("{{", "}}", "{%", "%}", "{#", "#}") if mark in text]


@pytest.mark.parametrize(
    ("path", "url"),
    [
        ("gh:owner/name", "https://github.com/owner/name.git"),
        ("gl:/owner/name.git", "https://gitlab.com/owner/name.git"),
        ("https://github.com/owner/name", "https://github.com/owner/name.git"),
        ("git+https://example.org/name", "https://example.org/name"),
        ("git@example.org:owner/name.git", "git@example.org:owner/name.git"),
        ("file:///srv/name.git", "file:///srv/name.git"),
    ],
)
def test_the_url_is_the_one_that_copier_asks_git_for(hook: dict[str, Any], path: str, url: str) -> None:
    """Git is told to read something else for this URL, so it must be exactly that one."""
    from copier._vcs import get_repo

    assert hook["git_url"](path) == get_repo(path) == url
    assert address(path).removesuffix(".git") == url.removesuffix(".git")


@pytest.mark.parametrize(
    "origin",
    [
        "gh:owner/name",
        "https://github.com/owner/name",
        "https://jane:s3cret@git.example.org/name.git",
        "https://s3cret@git.example.org/git/name",
        "ssh://git:s3cret@git.example.org/name.git",
        "git@example.org:owner/name",
        "file:///srv/name",
        "/srv/name.git",
    ],
)
def test_the_hook_records_what_the_command_records(hook: dict[str, Any], origin: str) -> None:
    """The hook runs before anything is installed, so it has functions of its own for recording."""
    assert hook["recorded_path"](origin, origin) == recorded_url(origin)
    assert hook["without_password"](origin) == without_password(origin)


def test_the_hook_and_the_command_know_the_same_template(hook: dict[str, Any]) -> None:
    assert hook["UPSTREAM"] == f"{address(UPSTREAM)}.git"
    assert hook["SHORT_FORMS"] == SHORT_FORMS
    assert hook["COPIER_ANSWERS"] == ANSWERS
