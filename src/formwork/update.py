"""Bring a repository to a newer release of its template.

An update is a merge: the recorded release is rendered with the recorded answers, then the new one, and git merges
the difference into the repository. The merge is made outside the working tree and then put into place, the index first.
Whenever this is interrupted, `git reset --hard` undoes all of it.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from formwork import git
from formwork.answers import ANSWERS, Recorded, read_recorded
from formwork.errors import FormworkError
from formwork.locking import lock
from formwork.merging import Merge, merged, with_merged_toml, without_removed_folders
from formwork.placing import put_into_place
from formwork.readiness import refuse_in_the_way, refuse_unless_ready
from formwork.rendering import Renders, render_both
from formwork.reporting import summary
from formwork.repository import Repository
from formwork.template import Template


@dataclass(frozen=True)
class Request:
    """What is asked for.

    Attributes:
        folder: The repository, or the folder of it that was generated.
        release: The release to update to; None for the newest.
        data: Answers to change, each as `NAME=VALUE`.
        is_dry_run: Whether to show the plan only, without changing anything.
    """

    folder: Path
    release: str | None = None
    data: tuple[str, ...] = ()
    is_dry_run: bool = False


@dataclass(frozen=True)
class Plan:
    """An update that is ready to be put into place.

    Attributes:
        repository: The repository.
        template: Its template.
        recorded: What the repository records about the template.
        changed: The answers that are to change.
        release: The release that it is updated to.
        renders: What the template renders.
        merge: What happens to the files.
    """

    repository: Repository
    template: Template
    recorded: Recorded
    changed: Mapping[str, Any]
    release: str
    renders: Renders
    merge: Merge

    @property
    def title(self) -> str:
        """The template and both releases."""
        return f"{self.template.name} {self.recorded.commit} -> {self.release}"

    @property
    def conflicts(self) -> list[str]:
        """The paths of the files in conflict."""
        return sorted(self.merge.conflicts)

    def summary(self) -> list[str]:
        """Say what happens to each file."""
        return list(summary(self.repository, self.renders, self.merge))

    def notes(self) -> list[str]:
        """Return what the changelog says about the releases in between."""
        return self.template.notes(self.recorded.commit, self.release)

    def apply(self) -> str:
        """Change the files, then update uv.lock; return why that failed, or an empty text."""
        put_into_place(self.repository, self.merge, self.release)
        is_readable = f"{self.repository.prefix}pyproject.toml" not in self.merge.conflicts
        return lock(self.repository.project) if is_readable else ""


def update(request: Request, scratch: Path) -> int:
    """Update a repository, and report what happens to it.

    Args:
        request: What is asked for.
        scratch: A folder for temporary files.

    Returns:
        The exit status: 0 only if nothing is left to do.
    """
    plan = prepare(request, scratch)
    if not plan:
        return 0
    print("\n".join([plan.title, *plan.summary()]))
    for section in plan.notes():
        print(f"\n{section}")
    if request.is_dry_run:
        print("\na dry run: nothing is changed")
        return 0
    problem = plan.apply()
    print("\n".join(["", *next_steps(plan, problem)]))
    return 1 if plan.conflicts or problem else 0


def prepare(request: Request, scratch: Path) -> Plan | None:
    """Prepare an update without changing files; say so and return None if there is nothing newer."""
    repository = Repository.around(request.folder, scratch)
    refuse_unless_ready(repository)
    recorded = read_recorded(request.folder)
    refuse_renamed_package(repository, recorded, request.data)
    template = Template.of(recorded, scratch)
    release = template.choose(request.release, recorded.commit)
    changed = template.read_data(release, request.data)
    if template.is_same(release, recorded.commit) and not changed:
        print(f"{template.name} {recorded.commit} is recorded: nothing newer to update to")
        return None
    if request.is_dry_run:
        repository.keep_objects_in(scratch / "objects")
    return planned(repository, template, recorded, release, changed)


def refuse_renamed_package(repository: Repository, recorded: Recorded, data: Iterable[str]) -> None:
    """Refuse a package that has another name than is recorded, since the update would bring the old one back."""
    name = recorded.values.get("package_name")
    paths = repository.own_paths(repository.committed())
    if not name or any(path.startswith(f"src/{name}/") for path in paths) or names_package(data):
        return
    found = {path.split("/")[1] for path in paths if re.fullmatch(r"src/[^/]+/core/__init__\.py", path)}
    if len(found) == 1:
        new = found.pop()
        message = f"{ANSWERS} has package_name: {name}, but the package is src/{new}/ now"
        raise FormworkError(f"{message}: uvx nox -s update -- --data package_name={new}")


def names_package(data: Iterable[str]) -> bool:
    """Return whether the name of the package is among the answers that change."""
    return any(answer.startswith("package_name=") for answer in data)


def planned(
    repository: Repository, template: Template, recorded: Recorded, release: str, changed: Mapping[str, Any]
) -> Plan:
    """Render and merge, without changing files."""
    renders = render_both(repository, template, release, recorded, changed)
    is_renamed = "package_name" in changed
    merge = merged(repository, renders.old, renders.merged, release, moves_own_files=is_renamed)
    merge = without_removed_folders(repository, merge, renders.old)
    merge = with_merged_toml(repository, merge, renders.old, renders.merged)
    refuse_in_the_way(repository, merge.written)
    return Plan(repository, template, recorded, changed, release, renders, merge)


def next_steps(plan: Plan, problem: str) -> Iterator[str]:
    """Say what is left to do."""
    if problem:
        yield f"uv lock failed, so uv.lock is out of date: {problem}"
    first = "resolve each conflict and git add it" if plan.conflicts else "git diff HEAD"
    lock = "uv lock; " if plan.conflicts or problem else ""
    yield f"next: {first}; {lock}uvx nox -s check; git commit --all"
    old = str(plan.recorded.values.get("package_name", ""))
    if plan.changed.get("package_name", old) != old:
        yield f"still saying {old}: {', '.join(files_saying(plan.repository, old)) or 'nothing'}"
        yield "named after it too: the storage in .dvc/config, and the models in the registry"


def files_saying(repository: Repository, word: str) -> list[str]:
    """List the files of the updated folder that contain a word, except the answers file and the locks."""
    excluded = (f":!{name}" for name in (ANSWERS, "*.lock"))
    command = ("grep", "-lwIzF", word, "--", ".", *excluded)
    return git.paths_in(git.run(repository.project, *command, env=repository.env, fine=(0, 1)))
