"""Bring the template into a repository that was not generated from it.

Adopting is the merge of an update with nothing as its base. Files that the repository lacks are added, and a file that
both have becomes a conflict that contains the repository's side byte for byte. All of this happens on a branch of its
own, and nothing is committed: `git reset --hard` undoes it.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from formwork import git
from formwork.adopting.answering import Answers, answer
from formwork.adopting.delivery import Delivery, merge_beside, sort_out
from formwork.adopting.fitting import fit
from formwork.adopting.pipelines import refuse_another_pipeline
from formwork.adopting.project import overruled
from formwork.adopting.requirements import Requirements
from formwork.answers import ANSWERS, recorded_url
from formwork.errors import FormworkError
from formwork.locking import has_lock
from formwork.merging import Merge
from formwork.placing import put_into_place
from formwork.readiness import refuse_in_the_way, refuse_unless_ready
from formwork.reporting import line
from formwork.repository import Repository, Tree
from formwork.template import Template, release_commits

BRANCH = "formwork"


@dataclass(frozen=True)
class Request:
    """What is asked for.

    Attributes:
        path: The repository, or the folder of it that becomes a project.
        template: The template's address or path.
        release: The release to take; None for the newest.
        data: Answers, each as `NAME=VALUE`.
        is_dry_run: Whether to show the plan only, without changing anything.
    """

    path: Path
    template: str
    release: str | None = None
    data: tuple[str, ...] = ()
    is_dry_run: bool = False


def adopt(request: Request, scratch: Path) -> int:
    """Answer the questions, render, merge, put the result into place, and say what happens to each file.

    Args:
        request: What is asked for.
        scratch: A folder for temporary files.

    Returns:
        The exit status: 0 only if nothing is in conflict.
    """
    repository = find(request.path, scratch)
    refuse_unless_new(repository)
    template = fetch(request.template, scratch)
    release = choose(template, request.release)
    if request.is_dry_run:
        repository.keep_objects_in(scratch / "objects")
    theirs = repository.committed()
    answers = answer(repository, theirs, template, release, template.read_data(release, request.data))
    refuse_another_pipeline(repository.project, answers.rendered, request.path)
    rendered = repository.store(answers.rendered)
    carried = fit(answers.rendered, rendered, repository, theirs)
    fitted = repository.store(answers.rendered)
    delivery = sort_out(repository, theirs, fitted, template.seeds(release, answers.names))
    merge = merge_beside(repository, theirs, delivery, release)
    refuse_in_the_way(repository, merge.written)
    print(f"{template.name} {release} -> {request.path}")
    lines = [*lines_of_answers(answers), *lines_of_requirements(carried), *lines_of_settings(repository, delivery)]
    print("\n".join([*lines, *plan(delivery, merge)]))
    if request.is_dry_run:
        print("\na dry run: nothing is changed")
        return 0
    before = switch(repository)
    keep_rendered(repository, rendered, release)
    put_into_place(repository, merge, release)
    print("\n".join(["", *next_steps(repository, delivery, merge, release, before)]))
    return 1 if merge.conflicts else 0


def find(path: Path, scratch: Path) -> Repository:
    """Find the repository, which may be larger than the folder that is adopted."""
    if not path.is_dir():
        message = f"{path}: there is no such folder"
        raise FormworkError(message)
    return Repository.around(path, scratch)


def refuse_unless_new(repository: Repository) -> None:
    """Refuse a repository that already has the template, or in which something might be lost."""
    refuse_unless_ready(repository)
    if (repository.project / ANSWERS).exists():
        message = f"there is {ANSWERS} already, so this is a repository of the template: update it"
        raise FormworkError(message)
    # In git, a branch is also in the way of one below its name.
    branches = repository.git("for-each-ref", "--format=%(refname:short)", f"refs/heads/{BRANCH}").decode().split()
    for branch in branches:
        if current_branch(repository) != BRANCH:
            message = f"there is a branch {branch} already: git branch -d {branch}, or rename it"
            raise FormworkError(message)


def current_branch(repository: Repository) -> str:
    """Return the name of the branch; empty if HEAD is detached."""
    return repository.git("branch", "--show-current").decode().strip()


def fetch(url: str, scratch: Path) -> Template:
    """Clone the template, and tag releases that are only commits, as in a clone without tags.

    A path on this machine means the repository there. What is recorded is the address where others find it, so that
    updates work for them too.
    """
    folder = Path(url).expanduser()
    url = str(folder.resolve()) if folder.is_dir() else url
    template = Template.fetch(url, scratch)
    for tag, commit in release_commits(template.clone).items():
        if not template.commit(f"refs/tags/{tag}"):
            template.git("tag", tag, commit)
    if not folder.is_dir():
        return template
    origin = git.text(folder, "config", "--get", "remote.origin.url", fine=(0, 1))
    return replace(template, url=recorded_url(origin)) if origin else template


def choose(template: Template, wanted: str | None) -> str:
    """Choose the release, by default the newest."""
    if wanted:
        return template.find(wanted)
    if not template.releases():
        message = (
            "this copy of the template has no release: git fetch --tags --unshallow, or name a commit with --release"
        )
        raise FormworkError(message)
    return template.newest


def switch(repository: Repository) -> str:
    """Switch to a new branch at the same commit, which changes no file; return what `git switch` takes to go back."""
    before = current_branch(repository)
    if before != BRANCH:
        repository.git("update-ref", f"refs/heads/{BRANCH}", "HEAD", "")
        reason = f"checkout: moving from {before or 'HEAD'} to {BRANCH}"  # `git switch -` looks for this text
        now = {name: value for name, value in repository.env.items() if not name.endswith("_DATE")}
        git.run(repository.top, "symbolic-ref", "-m", reason, "HEAD", f"refs/heads/{BRANCH}", env=now)
    return "-" if before else f"--detach {repository.git('rev-parse', '--short', 'HEAD').decode().strip()}"


def rendered_name(release: str) -> str:
    """Name the commit that holds everything that the template rendered."""
    return f"formwork/{release}"


def keep_rendered(repository: Repository, rendered: Tree, release: str) -> None:
    """Keep the template's version of every file, including those that were kept or left out."""
    commit = repository.store_commit(repository.store_tree(rendered))
    repository.git("update-ref", f"refs/{rendered_name(release)}", commit)


def lines_of_answers(answers: Answers) -> Iterator[str]:
    """Yield the answers, and where they come from."""
    yield from (f"  {name} = {value or 'nothing'} ({answers.where[name]})" for name, value in answers.names.items())
    yield from (f"note: {note}" for note in answers.notes)


def lines_of_requirements(carried: Requirements) -> Iterator[str]:
    """Yield what happens to the repository's own requirements."""
    told = {
        "added to pyproject.toml": carried.added,
        "added to the group dev": carried.dev,
        "in the template's version": carried.had,
        "not carried over": carried.left,
    }
    yield from (f"  requirements {what}: {', '.join(lines)}" for what, lines in told.items() if lines)


def lines_of_settings(repository: Repository, delivery: Delivery) -> Iterator[str]:
    """Yield which settings of the repository no longer apply."""
    path = f"{repository.prefix}pyproject.toml"
    clashes = delivery.combined[path].clashes if path in delivery.combined else ()
    if path in delivery.rendered and (names := overruled(repository.project, clashes)):
        yield f"note: {', '.join(names)}: no effect any more once pyproject.toml has the template's [build-system]"
    for tool in (clash for clash in clashes if clash.startswith("tool.")):
        yield f"note: [{tool}]: yours has no effect if you take the template's, with which `nox -s check` is green"


def plan(delivery: Delivery, merge: Merge) -> Iterator[str]:
    """Yield what happens to each file."""
    for path in sorted(delivery.rendered):
        if path in delivery.left_out:
            yield line("left out", path, f"({delivery.left_out[path]})")
        elif path in delivery.kept:
            yield line("kept", path, f"({delivery.kept[path]})")
        elif path in delivery.combined:
            clashes = delivery.combined[path].clashes
            how = f"yours or the template's: {', '.join(clashes)}" if clashes else "all of yours, and the template's"
            yield line("conflict" if clashes else "merged", path, f"({how})")
        elif path in merge.conflicts:
            how = "both sides are in it" if path in merge.changes else "yours stays as it is"
            yield line("conflict", path, f"({how})")
        else:
            yield line("added" if path in merge.changes else "same", path)
    for path, settings in delivery.overriding.items():
        yield line("conflict", path, f"(it takes the place of {settings} in pyproject.toml: git rm it, or git add it)")


def next_steps(repository: Repository, delivery: Delivery, merge: Merge, release: str, before: str) -> Iterator[str]:
    """Yield what is left to do."""
    yield f"on branch {BRANCH}; to undo it all: git reset --hard, git switch {before}, git branch -d {BRANCH}"
    yield "next, which docs/adopt.md of the template explains:"
    yield from (f"  {number}. {step}" for number, step in enumerate(steps(repository, delivery, merge, release), 1))


def steps(repository: Repository, delivery: Delivery, merge: Merge, release: str) -> Iterator[str]:
    """Yield the remaining steps, in their order."""
    if merge.conflicts:
        count = len(merge.conflicts)
        yield f"resolve {count} {'conflict' if count == 1 else 'conflicts'} (git status), git add each"
    yield "git rm -f what you do not want"
    if has_lock(repository.project):
        yield "uv lock"
    yield "uvx nox -s setup"
    yield "git add --all, git commit"
    if delivery.kept or delivery.left_out:
        yield f"compare what was kept or left out: git diff {rendered_name(release)} HEAD -- FILE"
    if tests := sorted(path for path in delivery.left_out if path.startswith(f"{repository.prefix}tests/")):
        there = [path for path in tests if (repository.top / path).exists()]
        new = " ".join(as_folders((path for path in tests if path not in there), delivery.rendered))
        by_hand = f"; merge by hand: {' '.join(there)}" if there else ""
        yield f"when your tests pass in .venv too: git checkout {rendered_name(release)} -- {new}{by_hand}"
    yield "move your code to where the pipeline looks for it: source.py, schema.py, features.py, model.py"


def as_folders(paths: Iterable[str], tree: Tree) -> list[str]:
    """Name a folder instead of its files where they are all that a tree has in it."""
    wanted = {*paths}
    folders = {f"{PurePosixPath(path).parent}/" for path in wanted}
    whole = {folder for folder in folders if wanted.issuperset(path for path in tree if path.startswith(folder))}
    return sorted(path for path in whole | wanted if not path.startswith(tuple(whole - {path})))
