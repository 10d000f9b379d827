"""Let copier render what cookiecutter asked, so that both give the same repository.

Cookiecutter renders only a file with the answers, then starts this file in the new folder. Copier renders into a
scratch folder next to it, which is moved into place at the end.

Cookiecutter renders this file with Jinja first, so it must hold neither doubled braces nor tags.
"""

import sys

# Cookiecutter starts a copy of this file in the shared folder for temporary files, where
# anyone may have put a module: that folder must not be searched, not even for the next lines.
if __name__ == "__main__" and not getattr(sys.flags, "safe_path", False):
    del sys.path[0]

import importlib.util
import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from urllib.parse import urlsplit

COPIER = "copier>=9.10.3,<10"
UPSTREAM = "https://github.com/formwork-ml/formwork.git"

PROJECT = Path.cwd()
UNFINISHED = PROJECT / "UNFINISHED-formwork.json"
COPIER_ANSWERS = ".copier-answers.yml"

SIGNALS = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]
RELEASE = re.compile(r"v\d+\.\d+\.\d+")
SINCE_RELEASE = re.compile(RELEASE.pattern + r"(-\d+-g[0-9a-f]+)?")
SHORT_FORMS = {"gh:": "https://github.com/", "gl:": "https://gitlab.com/"}  # the same for cookiecutter and copier


class ProblemError(Exception):
    """What is wrong and what to do about it, in one line."""


@dataclass(frozen=True)
class Request:
    """What cookiecutter was asked for."""

    template: str
    folder: str
    checkout: "str | None"
    output: Path
    answers: "dict[str, str]"

    @property
    def is_zip(self) -> bool:
        """Whether the template came as an archive, that is, without its history."""
        return self.template.lower().endswith(".zip")

    @property
    def is_path(self) -> bool:
        """Whether the template was given as a path, so that it is used where it is."""
        return self.folder == self.template


@dataclass(frozen=True)
class Source:
    """Where copier gets the template, as copier records it."""

    path: str
    revision: "str | None" = None
    is_reachable: bool = True


# ------------------------------------------------------------------------------- the story


def main() -> None:
    """Generate the repository completely, or leave nothing and say why in one line."""
    is_fresh = list(PROJECT.iterdir()) == [UNFINISHED]
    catch_signals()
    try:
        request = read_request()
        with scratch_folder(PROJECT.parent) as scratch:
            generate(request, scratch, is_fresh=is_fresh)
        print(f"\nNext, in {PROJECT.name}: uvx nox -s setup")
    except KeyboardInterrupt:
        remove_project(is_fresh=is_fresh)
        sys.exit("error: interrupted, so nothing was generated: run the same command again")
    except (ProblemError, OSError) as error:
        sys.exit(f"error: {error}")
    finally:
        UNFINISHED.unlink(missing_ok=True)


def generate(request: Request, scratch: Path, *, is_fresh: bool) -> None:
    """Render the answers in the scratch folder, then move the result into place."""
    tree = scratch / "tree" / PROJECT.name
    use_for_temporary_files(scratch / "tmp")
    leave_other_repositories()
    source = find_source(request, find_template(request), scratch)
    render(source, request.answers, tree)
    if not source.is_reachable:
        forget_revision(tree / COPIER_ANSWERS)
    ignore_signals()
    deliver(tree, scratch / "replaced", is_fresh=is_fresh)


def read_request() -> Request:
    """Read the file that cookiecutter rendered."""
    context = json.loads(UNFINISHED.read_text(encoding="utf-8"))
    if not context["_repo_dir"]:
        message = "this template needs cookiecutter 2.3 or newer: run `uvx cookiecutter` instead"
        raise ProblemError(message)
    return Request(
        template=context["_template"],
        folder=context["_repo_dir"],
        checkout=context["_checkout"],
        output=Path(context["_output_dir"]),
        answers={name: value for name, value in context.items() if not name.startswith("_")},
    )


def warn(message: str) -> None:
    """Warn about something that works only in part."""
    print(f"warning: {message}", file=sys.stderr)


# ------------------------------------------------------------------------------ interruption


def catch_signals() -> None:
    """Turn every signal that can be caught into an exception, so that cleaning up works."""
    for number in SIGNALS:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, interrupt)


def interrupt(_number: int, _frame: "FrameType | None") -> None:
    """End the run, and ignore further signals."""
    ignore_signals()
    raise KeyboardInterrupt


def ignore_signals() -> None:
    """Ignore signals, so that what has begun is finished."""
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)


def remove_project(*, is_fresh: bool) -> None:
    """Remove the folder if it is ours: cookiecutter does this after an error, but it may be interrupted too."""
    UNFINISHED.unlink(missing_ok=True)
    if is_fresh:
        os.chdir(PROJECT.parent)
        with suppress(OSError):
            PROJECT.rmdir()


# Windows does not remove read-only files, such as git's.
JANITOR = """
import os, shutil, sys
def remove_anyway(remove, path, _):
    os.chmod(path, 0o700)
    remove(path)
sys.stdin.read()
shutil.rmtree(sys.argv[1], onerror=remove_anyway)
"""


@contextmanager
def scratch_folder(beside: Path) -> Iterator[Path]:
    """Make a folder that is removed afterwards, even if this process is killed.

    The janitor is a process in a session of its own, which begins when our end of its pipe is closed.
    """
    folder = Path(tempfile.mkdtemp(prefix=".formwork-", dir=beside))
    command = [sys.executable, "-I", "-S", "-c", JANITOR, str(folder)]
    quiet = subprocess.DEVNULL
    with subprocess.Popen(
        command, cwd=beside, stdin=subprocess.PIPE, stdout=quiet, stderr=quiet, start_new_session=True
    ) as janitor:
        try:
            yield folder
        finally:
            ignore_signals()
            janitor.communicate()


def use_for_temporary_files(folder: Path) -> None:
    """Have copier and git put their temporary files where they are removed with ours."""
    folder.mkdir()
    os.environ.update(dict.fromkeys(("TMPDIR", "TEMP", "TMP"), str(folder)))
    tempfile.tempdir = None


def leave_other_repositories() -> None:
    """Forget the repository that the environment names if git started cookiecutter."""
    for name in ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX"):
        os.environ.pop(name, None)


# ---------------------------------------------------------------------- where the template is


def find_template(request: Request) -> Path:
    """Find the template, which may be given relative to wherever cookiecutter was started."""
    given = Path(request.folder).expanduser()
    started = Path(os.environ.get("PWD", request.output))
    starts = [started, request.output, *request.output.parents]
    while_hooks_run = Path(f"/proc/{os.getppid()}/cwd")
    for folder in [while_hooks_run, *(start / given for start in starts)]:
        if is_this_template(folder):
            return folder.resolve()
    message = f"the template {request.folder} cannot be found from here: give its absolute path or its URL"
    raise ProblemError(message)


def is_this_template(folder: Path) -> bool:
    """Return whether the folder holds the very hook that is running."""
    hook = folder / "hooks" / "post_gen_project.py"
    with suppress(OSError):
        return hook.read_text(encoding="utf-8").rstrip() == Path(__file__).read_text(encoding="utf-8").rstrip()
    return False


def find_source(request: Request, template: Path, scratch: Path) -> Source:
    """Find out what copier should render and record, and warn about what will not work."""
    if request.is_zip:
        return source_of_archive(template, scratch)
    if not is_git_root(template):
        warn(f"{template} is not a git repository (or git is missing): `copier update` will not work")
        return Source(str(template))
    origin = git(template, "config", "--get", "remote.origin.url")
    if origin and not request.is_path:
        return source_of_clone(request, template, origin, scratch)
    return source_of_path(request, template, scratch)


def source_of_path(request: Request, template: Path, scratch: Path) -> Source:
    """Use a repository on this machine as it is, including uncommitted changes."""
    ours = [f":(exclude){folder}" for folder in (PROJECT, scratch) if template in folder.parents]
    if not request.checkout and git(template, "status", "--porcelain", "--", ".", *ours):
        warn(f"{template} has uncommitted changes: `copier update` will not work, commit them first")
        return Source(str(template), "HEAD", is_reachable=False)
    revision = request.checkout or git(template, "rev-parse", "HEAD")
    warn_unless_released(template, revision)
    return Source(str(template), revision)


def source_of_clone(request: Request, clone: Path, origin: str, scratch: Path) -> Source:
    """Record where the template was cloned from, but read the clone that exists already."""
    path = recorded_path(request.template, origin)
    read_instead(git_url(path), clone, scratch)
    revision = git(clone, "rev-parse", "HEAD")
    warn_unless_released(clone, revision)
    return Source(path, revision)


def source_of_archive(folder: Path, scratch: Path) -> Source:
    """Record the release that the archive is from: git wrote it into the archive."""
    revision = archived_revision(folder / ".git_archival.txt")
    if not revision:
        warn(f"the archive does not name its release: `copier update` will not work, use {UPSTREAM}")
    elif not RELEASE.fullmatch(revision):
        warn_of_no_release(revision)
    commit_archive(folder, revision or "unknown")
    read_instead(UPSTREAM, folder, scratch)
    return Source(UPSTREAM, "HEAD", is_reachable=bool(revision))


def archived_revision(file: Path) -> str:
    """Read the revision that git wrote into the archive, if it did."""
    with suppress(OSError):
        name = file.read_text(encoding="utf-8").partition("describe-name:")[2].strip()
        return name if SINCE_RELEASE.fullmatch(name) else ""
    return ""


def commit_archive(folder: Path, revision: str) -> None:
    """Turn the unpacked archive into a repository with one tagged commit, the only thing that copier records."""
    author = ("user.name=Formwork", "user.email=formwork@localhost")
    settings = (*author, "core.autocrlf=false", "commit.gpgSign=false", "tag.gpgSign=false")
    options = [word for setting in settings for word in ("-c", setting)]
    make_scripts_executable(folder)
    git(folder, "init", "--quiet")
    git(folder, *options, "add", "--all", "--force")
    git(folder, *options, "commit", "--quiet", "--no-verify", "--message", revision)
    git(folder, *options, "tag", revision)
    if not is_git_root(folder):
        message = "git is needed to generate from an archive: install git and run the same command again"
        raise ProblemError(message)


def make_scripts_executable(folder: Path) -> None:
    """Make scripts executable again, since cookiecutter loses this when it unpacks an archive."""
    for file in files_below(folder):
        if not file.is_symlink() and file.read_bytes().startswith(b"#!"):
            file.chmod(file.stat().st_mode | 0o111)


def warn_unless_released(template: Path, revision: str) -> None:
    """Warn if the revision exists, but has no release's tag."""
    name = git(template, "describe", "--tags", "--always", "--match", "v[0-9]*", revision)
    if name and not RELEASE.fullmatch(name):
        warn_of_no_release(name)


def warn_of_no_release(name: str) -> None:
    """Warn that the revision is newer than every release, until the next one is made."""
    warn(f"{name} is not a release of the template: `copier update` waits for the next one")


# ------------------------------------------------------------------------------- git and URLs


def git(folder: Path, *arguments: str) -> str:
    """Ask git about a folder; return an empty text if it has no answer or is not installed."""
    if not (executable := shutil.which("git")):
        return ""
    command = [executable, "-C", str(folder), *arguments]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", errors="replace", check=False)
    return done.stdout.strip() if done.returncode == 0 else ""


def is_git_root(folder: Path) -> bool:
    """Return whether the folder is the root of a git repository, since copier recognizes only that."""
    top = git(folder, "rev-parse", "--show-toplevel")
    return bool(top) and Path(top).resolve() == folder


def recorded_path(typed: str, origin: str) -> str:
    """Choose what copier should record: what was typed if copier can read that, else the clone's origin."""
    typed, origin = without_password(typed), without_password(origin)
    path = typed if git_url(typed).removesuffix(".git") == origin.removesuffix(".git") else origin
    is_known = path.endswith(".git") or path.startswith(("git@", "git+", *SHORT_FORMS, *SHORT_FORMS.values()))
    return path if is_known else f"git+{path}"


def without_password(url: str) -> str:
    """Remove credentials from a URL, but keep the user that SSH needs."""
    parts = urlsplit(url)
    if "://" not in url or "@" not in parts.netloc:
        return url
    user, _, host = parts.netloc.rpartition("@")
    user = user.partition(":")[0] + "@" if "ssh" in parts.scheme else ""
    return url.replace(parts.netloc, user + host, 1)


def git_url(path: str) -> str:
    """Return the URL under which copier will ask git for a template."""
    for short, host in SHORT_FORMS.items():
        if path.startswith(short):
            path = host + path[len(short) :].lstrip("/")
    if path.startswith(tuple(SHORT_FORMS.values())):
        return path.removesuffix(".git") + ".git"
    return path.removeprefix("git+")


def read_instead(url: str, folder: Path, scratch: Path) -> None:
    """Have git read the folder when it is asked for the URL, without copier keeping a copy of it."""
    number = int(os.environ.get("GIT_CONFIG_COUNT") or 0)
    os.environ[f"GIT_CONFIG_KEY_{number}"] = f"url.{folder.as_posix()}.insteadOf"
    os.environ[f"GIT_CONFIG_VALUE_{number}"] = url
    os.environ["GIT_CONFIG_COUNT"] = str(number + 1)
    os.environ["COPIER_CACHE_DIR"] = str(scratch / "cache")


# ---------------------------------------------------------------------------------- rendering


def render(source: Source, answers: "dict[str, str]", tree: Path) -> None:
    """Have copier render the answers, wherever copier is found."""
    if is_copier_here():
        render_here(source, answers, tree)
    else:
        render_elsewhere(copier_command(), source, answers, tree)


def is_copier_here() -> bool:
    """Return whether this interpreter can import copier; a folder of that name does not count."""
    spec = importlib.util.find_spec("copier")
    return spec is not None and spec.origin is not None


def render_here(source: Source, answers: "dict[str, str]", tree: Path) -> None:
    """Render in this process."""
    from copier import run_copy  # imported here because it copies the environment when it is imported

    warnings.simplefilter("ignore")
    try:
        run_copy(source.path, tree, data=answers, vcs_ref=source.revision, defaults=True, quiet=True)
    except Exception as error:
        raise ProblemError(in_one_line(str(error))) from error


def copier_command() -> "list[str]":
    """Choose the command that runs copier if this interpreter cannot import it."""
    runners = {
        "copier": [],
        "uvx": ["--from", COPIER, "copier"],
        "pipx": ["run", "--spec", COPIER, "copier"],
    }
    for name, arguments in runners.items():
        if executable := shutil.which(name):
            return [executable, *arguments]
    message = f"this template needs {COPIER} beside cookiecutter: install uv, or run `pip install '{COPIER}'`"
    raise ProblemError(message)


def render_elsewhere(command: "list[str]", source: Source, answers: "dict[str, str]", tree: Path) -> None:
    """Render in another process, with the answers in a file."""
    data = tree.parent.with_name("answers.json")
    data.write_text(json.dumps(answers, ensure_ascii=False), encoding="utf-8")
    revision = ["--vcs-ref", source.revision] if source.revision else []
    options = ["--quiet", "--defaults", "--data-file", str(data), *revision]
    call(
        [*command, "copy", *options, "--", source.path, str(tree)],
        failure=f"{Path(command[0]).stem} could not run copier: install {COPIER} beside cookiecutter",
    )


def call(command: "list[str]", *, failure: str) -> None:
    """Run a command away from the user's files, and end it if we are interrupted."""
    with subprocess.Popen(
        command,
        cwd=tempfile.gettempdir(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        errors="replace",
    ) as process:
        try:
            _, output = process.communicate()
        except KeyboardInterrupt:
            process.terminate()  # not kill: a runner then ends copier, too
            process.wait()
            raise
    if process.returncode:
        raise ProblemError(reason(output, failure))


def reason(output: str, failure: str) -> str:
    """Return what copier says about an answer, or else what failed and the last line of the output."""
    *_, last = [line.strip() for line in output.splitlines() if line.strip()] or [""]
    about_answer = re.search(r"Validation error for question .*|Invalid choice for .*", last)
    return in_one_line(about_answer[0]) if about_answer else f"{failure} ({last})"


def in_one_line(message: str) -> str:
    """Return what a validator says, with the question's name; return any other message as it is."""
    told = re.sub(r"^Validation error for question '(\w+)': ", r"\1: ", message)
    return " ".join(told.split())


def forget_revision(answers: Path) -> None:
    """Remove the commit that copier made up for what was not committed."""
    answers.write_bytes(re.sub(rb"(?m)^_commit: .*\n", b"", answers.read_bytes(), count=1))


# ---------------------------------------------------------------------------------- delivering


def deliver(tree: Path, replaced: Path, *, is_fresh: bool) -> None:
    """Move the result into place: in one step if the folder is ours, else file by file."""
    os.chdir(PROJECT.parent)
    if is_fresh:
        UNFINISHED.unlink()
        with suppress(OSError):  # Windows does not remove a folder that is a process's working directory
            PROJECT.rmdir()
            tree.rename(PROJECT)
            return
    refuse_what_is_in_the_way(tree)
    with ExitStack() as undo:
        for file in files_below(tree):
            move(file, PROJECT / file.relative_to(tree), replaced, undo)
        undo.pop_all()


def files_below(folder: Path) -> "list[Path]":
    """List files and links, which are not followed."""
    return sorted(path for path in folder.rglob("*") if path.is_symlink() or not path.is_dir())


def refuse_what_is_in_the_way(tree: Path) -> None:
    """Check beforehand that no folder is where a file goes, and no file or link where a folder goes."""
    for path in tree.rglob("*"):
        place = PROJECT / path.relative_to(tree)
        is_folder, place_is_folder = (p.is_dir() and not p.is_symlink() for p in (path, place))
        if os.path.lexists(place) and is_folder != place_is_folder:
            message = f"{place} is in the way, so nothing was generated: move it and run the same command again"
            raise ProblemError(message)


def move(file: Path, place: Path, replaced: Path, undo: ExitStack) -> None:
    """Move one file into place, and note how to undo it."""
    for folder in reversed(place.parents):
        if not folder.exists():
            folder.mkdir()
            undo.callback(folder.rmdir)
    if os.path.lexists(place):
        kept = replaced / place.relative_to(PROJECT)
        kept.parent.mkdir(parents=True, exist_ok=True)
        shutil.move(place, kept)
        undo.callback(shutil.move, kept, place)
    shutil.move(file, place)
    undo.callback(place.unlink)


if __name__ == "__main__":
    main()
