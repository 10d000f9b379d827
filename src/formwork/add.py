"""Let a repository grow, and take back what was added.

Scaffolds are written once and then belong to the owner of the repository. Pieces are parts of the template: adding one
is the merge of an update, at the recorded release, with another answer. Both are prepared outside the working tree and
put into place as a whole.
"""

import os
import sys
from argparse import Namespace
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any

from formwork import git
from formwork.adding.changes import Change, EditedError
from formwork.adding.pipeline import PIPELINE, stages_of
from formwork.adding.project import Project, parsed
from formwork.adding.scaffolds import SCAFFOLDS
from formwork.answers import ANSWERS, Recorded, read_recorded
from formwork.errors import FormworkError, refuse
from formwork.locking import has_lock, lock
from formwork.merging import Merge
from formwork.placing import put_all_into_place
from formwork.readiness import refuse_changed, refuse_in_the_way, refuse_unfinished
from formwork.reporting import line, shown
from formwork.repository import File, Repository, Tree
from formwork.template import Template
from formwork.update import Plan, planned

if sys.platform != "win32":
    import fcntl

PIECES = "pieces"
LEARNING = ("train", "evaluate")  # the stages that make a model anew


@dataclass(frozen=True)
class Request:
    """Where something is added or removed.

    Attributes:
        folder: The repository, or the folder of it that was generated.
        scratch: A folder for temporary files.
        is_removal: Whether it is taken out.
        is_dry_run: Whether to show what would happen only.
    """

    folder: Path
    scratch: Path
    is_removal: bool = False
    is_dry_run: bool = False

    def repository(self) -> Repository:
        """Find the repository, as it is staged.

        Raises:
            FormworkError: If something is half done in it.
        """
        repository = Repository.around(self.folder, self.scratch)
        refuse_unfinished(repository)
        if self.is_dry_run:
            repository.keep_objects_in(self.scratch / "objects")
        repository.ours = repository.git("write-tree").decode().strip()
        return repository

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Let no other `add` or `remove` begin before this one, and the process that writes for it, have ended.

        The lock belongs to an open file that child processes inherit, so it is free as soon as all of them are gone.

        Raises:
            FormworkError: If another one is at work.
        """
        folder = git.text(self.folder, "rev-parse", "--absolute-git-dir", fine=(0, 128))
        if not folder or self.is_dry_run or sys.platform == "win32":
            yield
            return
        with Path(folder, "HEAD").open(encoding="utf-8") as file:
            os.set_inheritable(file.fileno(), True)  # noqa: FBT003
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                message = "another add or remove is running here: wait until it has finished"
                raise FormworkError(message) from error
            yield

    @property
    def verb(self) -> str:
        """What is done, in one word."""
        return "remove" if self.is_removal else "add"


def overview(request: Request) -> int:
    """List what can be added, and what is there already."""
    project = project_of(request)
    there = {name: ", ".join(scaffold.present(project)) for name, scaffold in SCAFFOLDS.items()}
    recorded, template = recorded_template(request)
    known, here = pieces_of(template, recorded.commit), pieces_here(recorded)
    width = max(map(len, [*known, *(f"{name} {each.named}" for name, each in SCAFFOLDS.items())])) + 2
    print("Yours from then on, as if you had written it:")
    for name, scaffold in SCAFFOLDS.items():
        already = f" (here: {there[name]})" if there[name] else ""
        print(f"  {f'{name} {scaffold.named}':{width}}{scaffold.purpose}{already}")
    print("The template's, which updates keep current:")
    for name, purpose in known.items():
        print(f"  {name:{width}}{purpose}{' (here)' if name in here else ''}")
    print("uvx nox -s add -- NAME --dry-run shows what would come, and uvx nox -s remove -- NAME takes it back.")
    return 0


def change_scaffold(request: Request, kind: str, options: Namespace) -> int:
    """Add or remove a scaffold, and say what happens to each file."""
    project = project_of(request)
    repository = project.repository
    scaffold = SCAFFOLDS[kind]
    wanted = scaffold.found(project, options.name) if request.is_removal else scaffold.asked(project, options)
    changes = wanted.changes()
    after = undone(project, changes) if request.is_removal else made(project, changes)
    texts = {repository.prefix + path: text for path, text in after.items()}
    files = {path: stored(repository, path, text, project.tree.get(path)) for path, text in texts.items()}
    files = {path: file for path, file in files.items() if file != project.tree.get(path)}
    added = {path for path in files if path not in project.tree}
    merge = Merge(files, conflicts={}, held_back=set(), added=added, moves={})
    refuse_clashes(project.tree, added)
    refuse_changed(repository, files, since="" if request.is_removal else "HEAD")
    refuse_in_the_way(repository, merge.written)
    print(f"{request.verb} {kind} {options.name}")
    print("\n".join(lines_of(repository, merge)))
    steps = results_left(project, after) if request.is_removal else wanted.next_steps()
    return carry_out(request, repository, merge, steps)


def project_of(request: Request) -> Project:
    """Look at the repository, as it is staged."""
    repository = request.repository()
    return Project(repository, repository.committed(), partial(render, request))


def render(request: Request, changed: Mapping[str, Any]) -> Path:
    """Render the recorded release of the template with some other answers."""
    recorded, template = recorded_template(request)
    return template.render(recorded.commit, {**recorded.values, **changed})


def made(project: Project, changes: Iterable[Change]) -> dict[str, str | None]:
    """Make changes, and return each file as it is then."""
    texts: dict[str, str | None] = {}
    for change in changes:
        texts[change.path] = change.make(texts.get(change.path, whole(project.text(change.path))))
    return ended(project, texts)


def undone(project: Project, changes: Iterable[Change]) -> dict[str, str | None]:
    """Undo changes, and return each file as it is then.

    Raises:
        FormworkError: If somebody has edited what was added; the message names all of it.
    """
    texts: dict[str, str | None] = {}
    edited: list[str] = []
    for change in changes:
        try:
            texts[change.path] = change.undo(texts.get(change.path, whole(project.text(change.path))))
        except EditedError as problem:
            edited.append(str(problem))
    if edited:
        message = f"edited since it was added, so it stays: {', '.join(edited)}; delete by hand what you do not want"
        raise FormworkError(message)
    return ended(project, texts)


def whole(text: str | None) -> str | None:
    """End the last line of a text, for changes that come behind it."""
    return f"{text}\n" if text and not text.endswith("\n") else text


def ended(project: Project, texts: Mapping[str, str | None]) -> dict[str, str | None]:
    """Leave the last line of each file without an end where it had none."""
    open_ended = {path for path in texts if project.text(path) != whole(project.text(path))}
    return {path: text.removesuffix("\n") if text and path in open_ended else text for path, text in texts.items()}


def results_left(project: Project, after: Mapping[str, str | None]) -> Iterator[str]:
    """Say which results of removed stages stay, in git or not."""
    stages = stages_of(project)
    entries = parsed(after.get(PIPELINE) or "")
    kept = (entries.get("stages") if isinstance(entries, dict) else None) or stages
    gone = sorted(path for name in stages.keys() - kept.keys() for path in stages[name].writes if project.has(path))
    files = project.below()
    tracked = [path for path in gone if any(f"{name}/".startswith(f"{path}/") for name in files)]
    others = [path for path in gone if path not in tracked]
    for command, paths in {"git rm -r": tracked, "rm -r": others}.items():
        if paths:
            yield f"{command} {' '.join(paths)}, if nobody needs these results"


def stored(repository: Repository, path: str, text: str | None, before: File | None) -> File | None:
    """Write a file into git's store, with the mode that it had."""
    if text is None:
        return None
    blob = repository.store_bytes(text.encode(), new="" if before else path)
    return File(before.mode if before else "100644", blob)


def change_pieces(request: Request, names: Sequence[str]) -> int:
    """Add or remove pieces, and say what happens to each file."""
    project = project_of(request)
    repository = project.repository
    recorded, template = recorded_template(request)
    known, here = pieces_of(template, recorded.commit), pieces_here(recorded)
    refuse_pieces(request, names, known, here)
    there = [name for name in here if name not in names] if request.is_removal else [*here, *names]
    wanted = [name for name in known if name in there]
    rendered = replace(recorded, values={**recorded.values, PIECES: [name for name in known if name in here]})
    plan = planned(repository, template, rendered, recorded.commit, {PIECES: wanted})
    refuse_clashes(project.tree, plan.merge.added)
    refuse_changed(repository, plan.merge.changes, since="" if request.is_removal else "HEAD")
    print(f"{template.name} {recorded.commit}: {request.verb} {', '.join(names)}")
    print("\n".join(plan.summary()))
    return carry_out(request, repository, plan.merge, steps_of(plan, SCAFFOLDS["model"].present(project)))


def recorded_template(request: Request) -> tuple[Recorded, Template]:
    """Read what the repository records, and fetch the template.

    Raises:
        FormworkError: If the template cannot be reached, or lacks the commit.
    """
    recorded = read_recorded(request.folder)
    template = Template.of(recorded, request.scratch)
    template.require(recorded.commit)
    return recorded, template


def pieces_here(recorded: Recorded) -> list[str]:
    """List the pieces that are recorded, including those that the template does not know.

    Raises:
        FormworkError: If they are not recorded as a list.
    """
    here = recorded.values.get(PIECES) or []
    if not isinstance(here, list):
        message = f"{ANSWERS}: `{PIECES}` is not a list of names: write {PIECES}: [{here}]"
        raise FormworkError(message)
    return [str(name) for name in here]


def pieces_of(template: Template, revision: str) -> dict[str, str]:
    """List the pieces that a revision has, with what each is."""
    question = template.questions(revision).get(PIECES)
    return question.choices if question else {}


def refuse_pieces(request: Request, names: Sequence[str], known: Iterable[str], here: Iterable[str]) -> None:
    """Refuse names that are no pieces, or nothing to add or remove."""
    for name in names:
        if name not in known and name not in here:
            words = ", ".join([*SCAFFOLDS, *known])
            raise FormworkError(f"{name} is not one of {words}")
        if request.is_removal != (name in here):
            raise FormworkError(f"{name} is {'not here' if request.is_removal else 'here already'}")


def refuse_clashes(tree: Tree, added: Iterable[str]) -> None:
    """Refuse new files where a file or a link is in place of a folder, or one of the same name in another case.

    Raises:
        FormworkError: If there are any; the message names them.
    """
    above = {str(folder) for path in added for folder in PurePosixPath(path).parents}
    refuse(above & tree.keys(), "in the way of a new folder: git mv or git rm it first")
    spelled = {path.lower(): path for path in tree}
    refuse({spelled[path.lower()] for path in added if path.lower() in spelled}, "differs from a new file only in case")


def steps_of(plan: Plan, models: Iterable[str]) -> Iterator[str]:
    """Say what is left to do after pieces have changed, in a repository with some further models."""
    if plan.conflicts:
        yield "resolve each conflict and git add it; uv lock"
    is_to_lock = f"{plan.repository.prefix}pyproject.toml" in plan.merge.changes
    yield f"uvx nox -s check; git commit{' --all' if is_to_lock else ''}"
    if any("/core/" in path for path in plan.merge.added):
        stages = " ".join(f"{prefix}{each}" for prefix in ("", *(f"{it}_" for it in models)) for each in LEARNING)
        again = f"uv run dvc repro --force --single-item {stages}; git commit --all; uvx nox -s pipeline"
        yield f"for a version that has it: {again}; promote"


def carry_out(request: Request, repository: Repository, merge: Merge, steps: Iterable[str]) -> int:
    """Show the difference, or put it into place and say what is next."""
    project = f"{repository.prefix}pyproject.toml"
    is_to_lock = project in merge.changes and project not in merge.conflicts and has_lock(repository.project)
    if request.is_dry_run:
        print(f"\n{difference(repository, merge)}\n\na dry run: nothing is changed")
        if is_to_lock:
            print(f"{request.verb} also runs uv lock")
        return 0
    put_all_into_place(repository, merge, request.verb)
    try:
        problem = lock(repository.project) if is_to_lock else ""
    except KeyboardInterrupt:
        problem = "it was interrupted"
    if problem:
        print(f"uv lock failed, so uv.lock is out of date: {problem}")
    for step in steps:
        print(f"next: {step}")
    return 1 if merge.conflicts or problem else 0


def lines_of(repository: Repository, merge: Merge) -> Iterator[str]:
    """Yield a line for each file."""
    for path, file in sorted(merge.changes.items()):
        what = "removed" if file is None else "added" if path in merge.added else "changed"
        yield line(what, shown(repository, path))


def difference(repository: Repository, merge: Merge) -> str:
    """Write the difference as git does."""
    files = {path: file for path, file in {**repository.committed(), **merge.changes}.items() if file}
    tree = repository.store_tree(files)
    return git.text(repository.top, "diff-tree", "-p", repository.ours, tree, env=repository.env)
