"""Answers of a repository that an update changes or adds."""

import sys
from pathlib import Path

import pexpect
import pytest
import yaml

from tests.harness import answers_of, commit_everything, git, tree
from tests.small import COPIER_YML, SmallTemplate, put
from tests.update.test_merge import RUN, SETTINGS, Run, replace, status, text, words


def test_an_answer_changes(repository: Path, run_update: Run) -> None:
    code, said = run_update("--data", "level=high")
    assert code == 0
    assert 'level = "high"' in (repository / "settings.toml").read_text("utf-8")
    assert yaml.safe_load(answers_of(repository))["level"] == "high"
    assert yaml.safe_load(answers_of(repository))["_commit"] == "v1.0.0"
    changed = [["updated", ".copier-answers.yml"], ["updated", "settings.toml"]]
    assert words(said) == [["answer", "level", "=", "high"], *changed]


def test_a_renamed_package_takes_its_edits_along(small: SmallTemplate, repository: Path, run_update: Run) -> None:
    later = text(RUN, "return 0", "return 1") | {"template/src/{{package_name}}/model.py": "other\n" * 9}
    small.release("1.1.0", {**later, "template/README.md.jinja": "# {{ package_name }}\n\nSown.\n"})
    replace(repository / "src/wine/model.py", "return 1", "return 7")
    replace(repository / "src/wine/run.py", "return model()\n", "return model()\n\n\ndef mine():\n    return 5\n")
    put(repository, {"src/wine/own.py": "from wine.model import model\n"})
    commit_everything(repository, "Mine")
    code, said = run_update("--data", "package_name=beer")
    assert code == 0
    assert not (repository / "src/wine").exists()
    assert "return 7" in (repository / "src/beer/model.py").read_text("utf-8")
    run = (repository / "src/beer/run.py").read_text("utf-8")
    assert run.startswith("from beer.model import model\n")
    assert "return 5" in run
    assert "return 1" in run
    assert (repository / "src/beer/own.py").exists()
    assert (repository / "README.md").read_text("utf-8") == "# beer\n\nSeeded.\n"
    assert "still saying wine: src/beer/own.py\nnamed after it too: the storage in .dvc/config" in said
    commit_everything(repository, "Update")
    assert run_update()[0] == 0
    assert status(repository) == ""


def test_a_package_renamed_by_hand_is_noticed(small: SmallTemplate, repository: Path, run_update: Run) -> None:
    """The update would bring the old name back; the answer that is offered fits."""
    core = "template/src/{{package_name}}/core/__init__.py"
    small.release("1.1.0", {core: '"""Ours."""\n'})
    run_update()
    commit_everything(repository, "Core")
    small.release("1.2.0", text(RUN, "return 0", "return 1"))
    git(repository, "mv", "src/wine", "src/beer")
    replace(repository / "src/beer/run.py", "wine", "beer")
    commit_everything(repository, "Beer")
    before = tree(repository)
    code, said = run_update()
    assert code == 1
    assert said == (
        "error: .copier-answers.yml has package_name: wine, but the package is src/beer/ now: "
        "uvx nox -s update -- --data package_name=beer\n"
    )
    assert tree(repository) == before
    code, said = run_update("--data", "package_name=beer")
    assert code == 0
    assert not (repository / "src/wine").exists()
    assert "return 1" in (repository / "src/beer/run.py").read_text("utf-8")
    assert yaml.safe_load(answers_of(repository))["package_name"] == "beer"


def test_a_removed_choice_stops_the_update(small: SmallTemplate, repository: Path, run_update: Run) -> None:
    small.release("1.1.0", {"copier.yml": COPIER_YML.replace("[low, middle, high]", "[middle, high]")})
    before = tree(repository, without=())
    code, said = run_update()
    assert code == 1
    assert said == (
        "error: v1.1.0 refuses: Invalid choice for 'level': 'low' is not in ['middle', 'high']; "
        "to change an answer: --data NAME=VALUE\n"
    )
    assert tree(repository, without=()) == before
    code, said = run_update("--data", "level=middle")
    assert code == 0
    assert 'level = "middle"' in (repository / "settings.toml").read_text("utf-8")


def test_an_answer_that_only_the_new_release_knows(small: SmallTemplate, repository: Path, run_update: Run) -> None:
    """The recorded release cannot render the user's files with this answer, so they stay."""
    settings = COPIER_YML.replace("high]", "high, top]")
    small.release("1.1.0", {"copier.yml": settings, **text("template/README.md.jinja", "Seeded", "Sown")})
    code, said = run_update("--data", "level=top")
    assert code == 0
    assert "note: v1.0.0 does not know these answers" in said
    assert 'level = "top"' in (repository / "settings.toml").read_text("utf-8")
    assert "Seeded" in (repository / "README.md").read_text("utf-8")


def test_a_new_question_takes_its_default(small: SmallTemplate, repository: Path, run_update: Run) -> None:
    """A renamed question takes over the old answer, and a removed question is forgotten."""
    run_update("--data", "level=high")
    commit_everything(repository, "High")
    settings = COPIER_YML.partition("level:\n")[0] + (
        "height:\n  type: str\n"
        "  default: \"{{ height if height is defined else level if level is defined else 'low' }}\"\n"
        "colour:\n  type: str\n  default: \"{{ colour if colour is defined else 'red' }}\"\n"
    )
    content = 'package = "{{ package_name }}"\nheight = "{{ height }}"\ncolour = "{{ colour }}"\n'
    small.release("1.1.0", {"copier.yml": settings, SETTINGS: content})
    code, said = run_update()
    assert code == 0
    assert [line for line in words(said) if line[0] == "answer"] == [
        ["answer", "colour", "=", "red"],
        ["answer", "height", "=", "high"],
    ]
    answers = yaml.safe_load(answers_of(repository))
    assert answers["height"] == "high"
    assert answers["colour"] == "red"
    assert "level" not in answers


@pytest.mark.usefixtures("repository")
def test_an_unknown_answer_is_refused(run_update: Run) -> None:
    for wrong in ("levle=high", "level", "_commit=x"):
        code, said = run_update("--data", wrong)
        assert code == 1
        assert said == (
            f"error: --data {wrong.partition('=')[0]}: write NAME=VALUE, where NAME is one of package_name, level\n"
        )


def test_new_questions_are_asked_in_a_terminal(small: SmallTemplate, repository: Path) -> None:
    """No other questions are asked, and Ctrl-C leaves everything as it was."""
    colour = "colour:\n  type: str\n  help: Which colour\n  default: red\n"
    small.release("1.1.0", {"copier.yml": COPIER_YML + colour, **text(SETTINGS, "a = 1", 'a = "{{ colour }}"')})
    before = tree(repository)
    for answer in ("\x03", "\x15green\r"):
        session = pexpect.spawn(sys.executable, ["-m", "formwork", "update"], cwd=str(repository), timeout=60)
        session.expect("Which colour")
        assert b"package_name" not in (session.before or b"")
        session.send(answer)
        session.expect(pexpect.EOF)
        session.close()
        if answer == "\x03":
            assert session.exitstatus == 1
            assert b"error: interrupted" in (session.before or b"")
            assert tree(repository) == before
    assert session.exitstatus == 0
    assert 'a = "green"' in (repository / "settings.toml").read_text("utf-8")
    assert yaml.safe_load(answers_of(repository))["colour"] == "green"
