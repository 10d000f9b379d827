"""What is recorded about the template, wherever it comes from, so that a colleague can update."""

import json
import shlex
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.harness import (
    UNFINISHED,
    Doors,
    Template,
    answers_of,
    checkout,
    commit_everything,
    git,
    isolation_refused,
    plain_copy,
    run,
    said,
    tree,
)

UPSTREAM = "https://github.com/formwork-ml/formwork.git"


@dataclass(frozen=True)
class Releases:
    """A template whose README names the revision: two releases, and an untagged tip."""

    work: Path
    bare: Path

    @property
    def url(self) -> str:
        """The address that both commands understand."""
        return f"git+file://{self.bare.as_posix()}"


def commit_readme(work: Path, text: str, tag: str = "") -> None:
    """Commit another README to the template, and tag the commit if a tag is given."""
    for readme in (work / "template").glob("README*"):
        readme.unlink()
    (work / "template" / "README.md").write_text(f"{text}\n", encoding="utf-8")
    commit_everything(work, text, tag)


@pytest.fixture(scope="session")
def releases(template: Template, tmp_path_factory: pytest.TempPathFactory) -> Releases:
    """Make two releases, v90.0.0 and v90.1.0, and a commit after them."""
    folder = tmp_path_factory.mktemp("releases")
    work = checkout(template, folder / "formwork-git")
    for text, tag in (("first", "v90.0.0"), ("second", "v90.1.0"), ("tip", "")):
        commit_readme(work, text, tag)
    git(folder, "clone", "--quiet", "--bare", str(work), str(folder / "formwork.git"))
    return Releases(work, folder / "formwork.git")


def readme(repository: Path) -> str:
    """Return the revision that a repository was generated from."""
    return (repository / "README.md").read_text(encoding="utf-8").strip()


def test_both_doors_give_the_same_bytes(doors: Doors, template: Template, tmp_path: Path) -> None:
    """The answers files are equal too, since the template's address was typed in the same way."""
    done = doors.cookiecutter(template.url, tmp_path / "one")
    doors.copier(template.url, tmp_path / "two")
    assert tree(tmp_path / "one" / "my-project") == tree(tmp_path / "two")
    assert f"_commit: {template.newest}\n_src_path: {template.url}\n" in answers_of(tmp_path / "two")
    assert said(done) == ""
    assert done.stdout.endswith("\nNext, in my-project: uvx nox -s setup\n")


def test_both_doors_refuse_a_reserved_name(doors: Doors, template: Template, tmp_path: Path) -> None:
    """In a template under git, copier defines `_commit` for a new repository, too."""
    answers = {"package_name": "json"}
    done = doors.cookiecutter(template.url, tmp_path / "one", answers=answers, check=False)
    assert "json is a name of Python" in done.stderr
    done = doors.copier(template.url, tmp_path / "two", answers=answers, check=False)
    assert "json is a name of Python" in done.stderr
    assert not [*tmp_path.glob("one/*"), *tmp_path.glob("two/*")]


def test_the_folder_has_its_name_while_it_is_rendered(doors: Doors, template: Template, tmp_path: Path) -> None:
    """A template may use the folder's name, so the name of the scratch folder must not be seen."""
    work = checkout(template, tmp_path / "work")
    (work / "template" / "name.txt.jinja").write_text("{{ _folder_name }}\n", encoding="utf-8")
    commit_everything(work, "Name", "v90.0.0")
    doors.cookiecutter(work, tmp_path / "out")
    assert (tmp_path / "out" / "my-project" / "name.txt").read_text(encoding="utf-8") == "my-project\n"


def test_a_path_becomes_absolute(doors: Doors, template: Template, tmp_path: Path) -> None:
    work = checkout(template, tmp_path / "work")
    done = doors.cookiecutter(Path("..", "work"), tmp_path / "out")
    assert f"_commit: {template.newest}\n_src_path: {work}\n" in answers_of(tmp_path / "out" / "my-project")
    assert said(done) == ""


@pytest.fixture
def without_proc() -> list[str]:
    """Return the beginning of a command that hides /proc, as on macOS and Windows."""
    command = ["unshare", "--map-root-user", "--mount", "sh", "-c", 'mount -t tmpfs none /proc && exec "$@"', "sh"]
    if refused := isolation_refused(command):
        pytest.skip(f"/proc cannot be hidden on this machine: {refused}")
    return command


def test_a_relative_path_is_found_without_proc(
    doors: Doors, template: Template, tmp_path: Path, without_proc: list[str]
) -> None:
    """The hook tries the shell's folder next, and the output folder last."""
    work = checkout(template, tmp_path / "work")
    (tmp_path / "there").mkdir()
    for shell, output in ((tmp_path, "there"), (Path("/"), ".")):
        command = [sys.executable, "-m", "cookiecutter", "--no-input", "-o", output, "./work"]
        moved = ["env", f"PWD={shell}", *command]
        run(*without_proc, *moved, cwd=tmp_path, env=doors.env)
        assert f"_src_path: {work}\n" in answers_of(tmp_path / output / "my-project")


def test_a_path_that_nobody_can_find_again_is_an_error(
    doors: Doors, template: Template, tmp_path: Path, without_proc: list[str]
) -> None:
    """Without /proc, cookiecutter is started in a folder other than the shell's, and writes into another one."""
    (tmp_path / "start").mkdir()
    (tmp_path / "out").mkdir()
    checkout(template, tmp_path / "start" / "work")
    command = [sys.executable, "-m", "cookiecutter", "--no-input", "-o", "../out", "./work"]
    done = run(*without_proc, "env", "PWD=/", *command, cwd=tmp_path / "start", env=doors.env, check=False)
    assert done.returncode
    assert said(done) == "error: the template ./work cannot be found from here: give its absolute path or its URL"
    assert tree(tmp_path / "out") == {}


@pytest.mark.parametrize("address", ["file://{bare}", "git+file://{bare}"])
def test_the_address_is_recorded_as_typed(doors: Doors, template: Template, tmp_path: Path, address: str) -> None:
    """The recorded address is then the same for both commands."""
    url = address.format(bare=template.clone)
    doors.cookiecutter(url, tmp_path / "one")
    doors.copier(url, tmp_path / "two")
    assert tree(tmp_path / "one" / "my-project") == tree(tmp_path / "two")


def test_a_server_may_leave_out_the_suffix(doors: Doors, template: Template, tmp_path: Path) -> None:
    """Copier needs to be told that an address without `.git` is a git repository."""
    bare = tmp_path / "git" / "formwork"
    shutil.copytree(template.clone, bare)
    doors.cookiecutter(f"file://{bare}", tmp_path / "out")
    assert f"_src_path: git+file://{bare}\n" in answers_of(tmp_path / "out" / "my-project")


def serve_instead(doors: Doors, template: Template, url: str) -> None:
    """Have git read the template when it is asked for a URL on the network."""
    config = f'[url "{template.clone.as_posix()}"]\n\tinsteadOf = {url}\n'
    (doors.home / ".gitconfig").write_text(config, encoding="utf-8")


def test_a_short_form_is_recorded_as_typed(doors: Doors, template: Template, tmp_path: Path) -> None:
    """Both commands mean the same by `gh:`, and git reads the existing clone."""
    serve_instead(doors, template, "https://github.com/owner/formwork.git")
    doors.cookiecutter("gh:owner/formwork", tmp_path / "one")
    doors.copier("gh:owner/formwork", tmp_path / "two")
    assert "_src_path: gh:owner/formwork\n" in answers_of(tmp_path / "two")
    assert tree(tmp_path / "one" / "my-project") == tree(tmp_path / "two")


def test_a_short_form_with_another_meaning_is_spelt_out(doors: Doors, template: Template, tmp_path: Path) -> None:
    """A company may have configured `gh:` in cookiecutter for its own server, which copier does not know."""
    serve_instead(doors, template, "https://git.example.org/owner/formwork.git")
    settings = "abbreviations:\n    gh: https://git.example.org/{0}.git\n"
    (doors.home / ".cookiecutterrc").write_text(settings, encoding="utf-8")
    doors.cookiecutter("gh:owner/formwork", tmp_path / "out")
    assert "_src_path: https://git.example.org/owner/formwork.git\n" in answers_of(tmp_path / "out" / "my-project")


@pytest.mark.parametrize(
    ("typed", "recorded"),
    [
        ("https://jane:s3cret@git.example.org/formwork.git", "https://git.example.org/formwork.git"),
        ("https://s3cret@git.example.org/git/formwork", "git+https://git.example.org/git/formwork"),
        ("ssh://git:s3cret@git.example.org/formwork.git", "ssh://git@git.example.org/formwork.git"),
    ],
)
def test_credentials_are_not_recorded(
    doors: Doors, template: Template, tmp_path: Path, typed: str, recorded: str
) -> None:
    """Credentials must not be committed, and a colleague has others."""
    serve_instead(doors, template, typed)
    doors.cookiecutter(typed, tmp_path / "out")
    assert f"_src_path: {recorded}\n" in answers_of(tmp_path / "out" / "my-project")
    assert "s3cret" not in str(tree(tmp_path / "out"))


@pytest.mark.parametrize("is_path", [True, False], ids=["path", "url"])
def test_checkout_of_a_release(doors: Doors, releases: Releases, tmp_path: Path, *, is_path: bool) -> None:
    """Cookiecutter ignores `--checkout` for a path, but the hook does not."""
    source = releases.work if is_path else releases.url
    done = doors.cookiecutter(source, tmp_path / "one", "--checkout", "v90.0.0")
    doors.copier(source, tmp_path / "two", "--vcs-ref", "v90.0.0")
    assert readme(tmp_path / "two") == "first"
    assert tree(tmp_path / "one" / "my-project") == tree(tmp_path / "two")
    assert said(done) == ""


def test_checkout_of_nothing_is_one_line(doors: Doors, releases: Releases, tmp_path: Path) -> None:
    done = doors.cookiecutter(releases.work, tmp_path / "out", "--checkout", "v91", check=False)
    assert done.returncode
    assert said(done) == "error: Unknown revision: 'v91'"
    assert tree(tmp_path / "out") == {}


@pytest.mark.parametrize("is_path", [True, False], ids=["path", "url"])
def test_a_tip_without_a_tag_is_told(doors: Doors, releases: Releases, tmp_path: Path, *, is_path: bool) -> None:
    """The repository is generated, and can be updated once there is a newer release."""
    source = releases.work if is_path else releases.url
    done = doors.cookiecutter(source, tmp_path / "out")
    assert readme(tmp_path / "out" / "my-project") == "tip"
    name = git(releases.work, "describe", "--tags")
    assert said(done) == f"warning: {name} is not a release of the template: `copier update` waits for the next one"
    assert f"_commit: {name}\n" in answers_of(tmp_path / "out" / "my-project")


@pytest.mark.parametrize("reaches", ["url", "path"])
def test_what_is_recorded_can_be_updated(doors: Doors, template: Template, tmp_path: Path, reaches: str) -> None:
    work = checkout(template, tmp_path / "work-git")
    source = str(work)
    if reaches == "url":
        source = f"git+file://{tmp_path / 'formwork.git'}"
        git(tmp_path, "clone", "--quiet", "--bare", str(work), str(tmp_path / "formwork.git"))
    doors.cookiecutter(source, tmp_path / "out")
    repository = tmp_path / "out" / "my-project"
    git(repository, "init", "--quiet")
    commit_everything(repository, "Begin")
    (work / "template" / "news.txt").write_text("news\n", encoding="utf-8")
    commit_everything(work, "News", "v90.0.0")
    if reaches == "url":
        git(work, "push", "--quiet", "--tags", str(tmp_path / "formwork.git"))
    run(sys.executable, "-m", "copier", "update", "--defaults", "--quiet", cwd=repository, env=doors.env)
    assert (repository / "news.txt").is_file()
    assert "_commit: v90.0.0\n" in answers_of(repository)


def test_uncommitted_changes_are_rendered_and_nothing_false_is_recorded(
    doors: Doors, template: Template, tmp_path: Path
) -> None:
    """Copier makes up a commit that nobody can reach, so it is not recorded."""
    work = checkout(template, tmp_path / "work")
    (work / "template" / "draft.txt").write_text("draft\n", encoding="utf-8")
    done = doors.cookiecutter(work, tmp_path / "out")
    repository = tmp_path / "out" / "my-project"
    assert (repository / "draft.txt").is_file()
    assert "_commit" not in answers_of(repository)
    assert f"_src_path: {work}\n" in answers_of(repository)
    message = f"warning: {work} has uncommitted changes: `copier update` will not work, commit them first"
    assert said(done) == message


def test_generating_inside_the_template_leaves_it_clean(doors: Doors, template: Template, tmp_path: Path) -> None:
    """The files that cookiecutter is writing are not changes of the template."""
    work = checkout(template, tmp_path / "work")
    done = doors.cookiecutter(".", work)
    assert f"_commit: {template.newest}\n" in answers_of(work / "my-project")
    assert said(done) == ""


def test_a_repository_of_git_that_started_us_is_not_meant(doors: Doors, template: Template, tmp_path: Path) -> None:
    """A git alias or hook exports `GIT_DIR`."""
    work = checkout(template, tmp_path / "work")
    git(tmp_path, "init", "--quiet", "other")
    done = doors.cookiecutter(work, tmp_path / "out", env={"GIT_DIR": str(tmp_path / "other" / ".git")})
    assert f"_commit: {template.newest}\n" in answers_of(tmp_path / "out" / "my-project")
    assert said(done) == ""


def test_a_folder_without_history_records_no_commit(doors: Doors, template: Template, tmp_path: Path) -> None:
    work = plain_copy(template, tmp_path / "work")
    done = doors.cookiecutter(work, tmp_path / "out")
    assert "_commit" not in answers_of(tmp_path / "out" / "my-project")
    assert f"_src_path: {work}\n" in answers_of(tmp_path / "out" / "my-project")
    problem = "is not a git repository (or git is missing): `copier update` will not work"
    assert said(done) == f"warning: {work} {problem}"


def archive(repository: Path, revision: str, file: Path) -> Path:
    """Make a zip file as a server does."""
    git(repository, "archive", "--format=zip", "--prefix=formwork/", "--output", str(file), revision)
    return file


def test_an_archive_is_the_release_that_it_is_from(doors: Doors, releases: Releases, tmp_path: Path) -> None:
    done = doors.cookiecutter(archive(releases.bare, "v90.0.0", tmp_path / "f.zip"), tmp_path / "one")
    doors.copier(releases.url, tmp_path / "two", "--vcs-ref", "v90.0.0")
    expected = tree(tmp_path / "two", without=[".copier-answers.yml"])
    assert tree(tmp_path / "one" / "my-project", without=[".copier-answers.yml"]) == expected
    recorded = answers_of(tmp_path / "one" / "my-project")
    assert recorded == answers_of(tmp_path / "two").replace(releases.url, UPSTREAM)
    assert said(done) == ""


def test_an_archive_of_no_release_is_told(doors: Doors, releases: Releases, tmp_path: Path) -> None:
    """The commit of the archive can be reached nevertheless."""
    done = doors.cookiecutter(archive(releases.bare, "main", tmp_path / "f.zip"), tmp_path / "out")
    name = git(releases.work, "describe", "--tags")
    assert f"_commit: {name}\n_src_path: {UPSTREAM}\n" in answers_of(tmp_path / "out" / "my-project")
    assert said(done) == f"warning: {name} is not a release of the template: `copier update` waits for the next one"


def test_an_archive_of_unknown_origin_records_no_commit(doors: Doors, template: Template, tmp_path: Path) -> None:
    plain_copy(template, tmp_path / "zipped" / "formwork")
    shutil.make_archive(str(tmp_path / "f"), "zip", tmp_path / "zipped", "formwork")
    done = doors.cookiecutter(tmp_path / "f.zip", tmp_path / "out")
    assert "_commit" not in answers_of(tmp_path / "out" / "my-project")
    assert f"_src_path: {UPSTREAM}\n" in answers_of(tmp_path / "out" / "my-project")
    problem = "the archive does not name its release: `copier update` will not work"
    assert said(done) == f"warning: {problem}, use {UPSTREAM}"


def finishing_command(file: Path) -> list[str]:
    """Read the command in the file that is left if the hook was not run."""
    note = json.loads(file.read_text(encoding="utf-8"))["_unfinished"]
    return shlex.split(note.partition("uvx ")[2].partition(" and then delete")[0])


def test_without_the_hook_the_file_left_says_how_to_finish(doors: Doors, template: Template, tmp_path: Path) -> None:
    """One file is left. Its name says that the work is unfinished, and its command generates the repository."""
    answers = {"project_name": "Wine quality", "description": 'Wine \U0001f377 "and" \\ more'}
    (tmp_path / "out").mkdir()
    doors.cookiecutter(template.url, tmp_path / "out", "--accept-hooks", "no", answers=answers)
    project = tmp_path / "out" / "wine-quality"
    assert list(tree(project)) == [UNFINISHED]
    run(sys.executable, "-m", *finishing_command(project / UNFINISHED), cwd=tmp_path / "out", env=doors.env)
    (project / UNFINISHED).unlink()
    doors.copier(template.url, tmp_path / "two", answers=answers)
    assert tree(project) == tree(tmp_path / "two")


def test_without_the_hook_no_credentials_are_left(doors: Doors, template: Template, tmp_path: Path) -> None:
    url = "https://jane:s3cret@git.example.org/formwork.git"
    serve_instead(doors, template, url)
    doors.cookiecutter(url, tmp_path / "out", "--accept-hooks", "no")
    left = (tmp_path / "out" / "my-project" / UNFINISHED).read_text(encoding="utf-8")
    assert "s3cret" not in left
    assert "https://git.example.org/formwork.git" in left
