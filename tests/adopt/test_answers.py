"""The answers of an adopted repository, and the template that asks for them."""

import sys
from pathlib import Path

import pexpect
import pytest
import yaml

from formwork.adopting.answering import collision, other_names
from formwork.cli import main
from tests.adopt.examples import FILES, QUESTIONS, Adopt, answers, make
from tests.harness import commit_everything, git
from tests.small import SmallTemplate, put


def test_a_checkout_is_recorded_by_its_origin(mine: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Without tags, releases are found by their commits. Without an origin, the path is recorded."""
    checkout = SmallTemplate(tmp_path / "formwork", FILES)
    checkout.release("1.1.0", {"template/new.md": "New.\n"})
    git(checkout.path, "tag", "--delete", "v1.0.0", "v1.1.0")
    put(checkout.path, {"template/later.md": "Later.\n"})
    commit_everything(checkout.path, "Release of later things")
    template = ["--template", str(checkout.path)]
    assert main(["adopt", str(mine), *template, "--dry-run"]) == 0
    assert capsys.readouterr().out.startswith(f"formwork v1.1.0 -> {mine}\n")
    assert main(["adopt", str(mine), *template, "--release", "v1.0.0"]) == 0
    recorded = yaml.safe_load((mine / ".copier-answers.yml").read_text("utf-8"))
    assert (recorded["_commit"], recorded["_src_path"]) == ("v1.0.0", str(checkout.path))
    assert git(checkout.path, "tag") == ""
    git(mine, "reset", "--quiet", "--hard")
    git(checkout.path, "remote", "add", "origin", "https://me:secret@git.example.org/our/formwork")
    assert main(["adopt", str(mine), *template]) == 0
    recorded = yaml.safe_load((mine / ".copier-answers.yml").read_text("utf-8"))
    assert recorded["_src_path"] == "git+https://git.example.org/our/formwork"
    assert recorded["_commit"] == "v1.1.0"
    assert (mine / "new.md").exists()
    assert not (mine / "later.md").exists()


def test_the_template_is_the_public_one_by_default(
    mine: Path, example: SmallTemplate, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = f'[url "{example.path}"]\n\tinsteadOf = https://github.com/formwork-ml/formwork\n'
    put(tmp_path, {"gitconfig": settings})
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "gitconfig"))
    assert main(["adopt", str(mine)]) == 0
    recorded = yaml.safe_load((mine / ".copier-answers.yml").read_text("utf-8"))
    assert (recorded["_commit"], recorded["_src_path"]) == ("v1.0.0", "gh:formwork-ml/formwork")


def test_answers_are_told_with_where_they_come_from(tmp_path: Path, run_adopt: Adopt) -> None:
    cfg = "[metadata]\nname = churn\ndescription = Who leaves?\nauthor = Jane\n[options]\npython_requires = >=3.8\n"
    mine = make(tmp_path / "mine", {"setup.cfg": cfg, "src/churn/__init__.py": "x = 1\n"})
    _, said = run_adopt(mine, "--data=project_name=Churn", "--dry-run")
    assert answers(said) == {
        "author_name": "Jane (setup.cfg)",
        "ci": "github (the default)",
        "license": "MIT (the default)",
        "package_name": "churn (src/churn/)",
        "project_name": "Churn (--data)",
        "python_version": "3.11 (setup.cfg: >=3.8)",
    }
    assert said.count("note:") == 1
    assert "note: setup.cfg: no effect any more once pyproject.toml has the template's [build-system]\n" in said


def test_what_the_template_refuses_is_dropped_with_a_note(tmp_path: Path, run_adopt: Adopt) -> None:
    cfg = "[metadata]\nname = requests\n[options]\npython_requires = >=3.8,<3.10\n"
    mine = make(tmp_path / "mine", {"setup.cfg": cfg, "README.md": "# A/B\n"})
    _, said = run_adopt(mine, "--dry-run", "--data=project_name=Requests 2")
    assert answers(said)["package_name"] == "requests_2 (the default)"
    assert answers(said)["python_version"] == "3.12 (the default)"
    assert "note: package_name is not requests (setup.cfg): is taken\n" in said
    assert "note: python_version is not >=3.8,<3.10 (setup.cfg: >=3.8,<3.10): " in said
    git(mine, "rm", "--quiet", "setup.cfg")
    commit_everything(mine, "No metadata")
    _, said = run_adopt(mine, "--dry-run")
    assert "note: project_name is not A/B (README.md): a project name holds no /\n" in said
    assert answers(said)["project_name"] == "mine (the folder's name)"


def test_an_unknown_licence_is_pointed_out(tmp_path: Path, run_adopt: Adopt) -> None:
    """The template's default licence would contradict an unknown one."""
    mine = make(tmp_path / "mine", {"LICENSE": "Do what you like.\n"})
    _, said = run_adopt(mine, "--dry-run")
    assert "note: LICENSE stays; if it is not MIT, correct license in pyproject.toml\n" in said
    _, said = run_adopt(mine, "--dry-run", "--data=license=Apache-2.0")
    assert "note:" not in said


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({}, "proprietary (no licence that is known here is in the repository)"),
        ({"LICENSE": "Do what you like.\n"}, "proprietary (no licence that is known here is in the repository)"),
        ({"setup.cfg": "[metadata]\nlicense = MIT\n"}, "MIT (setup.cfg)"),
    ],
)
def test_no_licence_is_invented(tmp_path: Path, run_adopt: Adopt, files: dict[str, str], expected: str) -> None:
    questions = QUESTIONS.replace("[MIT, Apache-2.0]", "[MIT, proprietary]")
    own = SmallTemplate(tmp_path / "own", {**FILES, "copier.yml": questions})
    mine = make(tmp_path / "mine", {"a.txt": "a\n", **files})
    _, said = run_adopt(mine, "--template", own.url, "--dry-run")
    assert answers(said)["license"] == expected
    note = "note: LICENSE stays; if it is not proprietary, correct license in pyproject.toml\n"
    assert (note in said) == ("LICENSE" in files)


@pytest.mark.parametrize(
    ("files", "reason"),
    [
        (["a.py", "wine/__init__.py"], "wine/ is yours, and your imports still find it"),
        (["wine/red/grape.py"], "wine/ is yours, and your imports still find it"),
        (["wine.py"], "wine.py is yours, and your imports still find it"),
        (["Wine.py"], "Wine.py is yours, and your imports still find it"),
        (["src/wine/pipeline.py"], "src/wine/pipeline.py is yours, and a folder would hide it"),
        (["src/wine/Model.py"], "src/wine/Model.py is yours, and the template has a module of that name"),
        (
            ["src/wine/pipeline/__init__.py"],
            "src/wine/pipeline/__init__.py is yours, and the template has a module of that name",
        ),
        (["src/wine.py"], "src/wine.py is yours, and a folder would hide it"),
        (["wine/red.csv", "red/wine.py", "winery.py", "src/wine/red.py", "src/wine/__init__.py"], ""),
        ([], ""),
    ],
)
def test_the_package_does_not_hide_theirs(tmp_path: Path, files: list[str], reason: str) -> None:
    """The repository's imports find what they found before."""
    put(tmp_path, {"src/other/__init__.py": "", "src/other/pipeline/__init__.py": "", "src/other/model.py": ""})
    assert collision("wine", set(files), tmp_path) == reason


def test_the_package_has_another_name_where_it_would_hide_theirs(tmp_path: Path, run_adopt: Adopt) -> None:
    mine = make(tmp_path / "wine", {"wine.py": "", "wine_ml/a.py": ""})
    why = "wine.py is yours, and your imports still find it"
    assert answers(run_adopt(mine, "--dry-run")[1])["package_name"] == f"wine_model ({why})"
    put(mine, {"wine.py": None, "wine_ml/a.py": None, "src/wine/__init__.py": ""})
    commit_everything(mine, "Move")
    assert answers(run_adopt(mine, "--dry-run")[1])["package_name"] == "wine (src/wine/)"


def test_a_given_package_is_taken(tmp_path: Path, run_adopt: Adopt) -> None:
    mine = make(tmp_path / "wine", {"wine.py": "x = 1\n"})
    assert answers(run_adopt(mine, "--dry-run", "--data=package_name=wine")[1])["package_name"] == "wine (--data)"


def test_names_like_a_packages_name_are_no_longer_than_names_may_be() -> None:
    """The names have at most 40 characters, and no two underscores in a row."""
    names = other_names("a" * 33 + "_" + "b" * 6)
    a = "a" * 31
    assert [next(names) for _ in range(5)] == [
        f"{a}aa_ml",
        f"{a}aa_model",
        f"{a}_pipeline",
        f"{a}aa_2",
        f"{a}aa_3",
    ]


@pytest.mark.parametrize(
    ("name", "service"),
    [(".gitlab-ci.yml", "gitlab (.gitlab-ci.yml)"), (".github/workflows/a.yml", "github (.github/)")],
)
def test_the_service_is_that_of_the_whole_repository(tmp_path: Path, run_adopt: Adopt, name: str, service: str) -> None:
    """Continuous integration may be set up above the folder that is adopted."""
    mine = make(tmp_path / "mine", {name: "a: 1\n", "sub/a.txt": "a\n"})
    for folder in (mine, mine / "sub"):
        assert answers(run_adopt(folder, "--dry-run")[1])["ci"] == service


def test_the_service_of_the_folder_comes_first(tmp_path: Path, run_adopt: Adopt) -> None:
    """The service of the folder is nearer than that of the whole repository."""
    mine = make(tmp_path / "mine", {".github/workflows/a.yml": "a: 1\n", "sub/.gitlab-ci.yml": "a: 1\n"})
    assert answers(run_adopt(mine / "sub", "--dry-run")[1])["ci"] == "gitlab (.gitlab-ci.yml)"


def test_the_author_is_that_of_the_folder(tmp_path: Path, run_adopt: Adopt) -> None:
    mine = make(tmp_path / "mine", {"a.txt": "a\n"})
    put(mine, {"sub/b.txt": "b\n"})
    git(mine, "add", "--all")
    git(mine, "commit", "--quiet", "--message=More", "--author=Zoë <zoe@example.org>")
    assert answers(run_adopt(mine, "--dry-run")[1])["author_name"] == "Formwork (the first commit)"
    assert answers(run_adopt(mine / "sub", "--dry-run")[1])["author_name"] == "Zoë (the first commit)"


def test_what_is_not_told_is_asked_in_a_terminal(
    mine: Path, example: SmallTemplate, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERM", "xterm")
    script = ["-m", "formwork", "adopt", str(mine), "--template", example.url, "--data=ci=gitlab"]
    terminal = pexpect.spawn(sys.executable, script, encoding="utf-8", timeout=30, dimensions=(50, 120))
    terminal.expect("package_name.*my_wines")
    terminal.sendline("_2")
    terminal.expect("license.*MIT")
    terminal.send("\x1b[B\r")
    terminal.expect("python_version.*3.11")
    terminal.send("\r")
    terminal.expect(pexpect.EOF)
    terminal.close()
    said = str(terminal.before).replace("\r\n", "\n")
    assert "project_name =" in said
    assert terminal.exitstatus == 0
    recorded = yaml.safe_load((mine / ".copier-answers.yml").read_text("utf-8"))
    assert recorded["package_name"] == "my_wines_2"
    assert recorded["license"] == "Apache-2.0"
    assert answers(said)["license"] == "Apache-2.0 (typed)"
    assert answers(said)["ci"] == "gitlab (--data)"
    assert answers(said)["project_name"] == "My wines (the folder's name)"
