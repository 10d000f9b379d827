"""Bring the template into a repository that never saw it.

It is the merge of an update with nothing as its base: what you lack arrives, and what you have too
is a conflict in which your side is there byte for byte. All of it happens on a branch of its own,
and nothing is committed: `git reset --hard` undoes it.
"""

import argparse
import json
import re
import sys
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

import facts
import update
from update import ANSWERS, File, Merge, ProblemError, Repository, Template, Tree, in_one_line, run_git

from hooks.post_gen_project import RELEASE, UPSTREAM, recorded_path

ROOT = Path(__file__).resolve().parents[1]

BRANCH = "formwork"
REFUSED = re.compile(r"(?:question|choice for) '(\w+)': (.*)")
TESTS = re.compile(r"(?:.*/)?(?:test[^/]*|[^/]*_test|conftest)\.py")
CODE = (".py", ".pyi", ".ipynb")
LINK, SUBMODULE = "120000", "160000"


# ----------------------------------------------------------------------------------- the story


def main(arguments: list[str] | None = None) -> int:
    """Adopt, and give the exit status: 0 only where nothing is in conflict."""
    options = parse(arguments)
    return update.guarded(lambda scratch: adopt(options, scratch))


def parse(arguments: list[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="adopt", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("path", type=Path, help="the repository, or the folder of it that becomes a project")
    parser.add_argument("--dry-run", action="store_true", help="show what would come, touch nothing")
    parser.add_argument("--data", action="append", default=[], metavar="NAME=VALUE", help="give an answer")
    parser.add_argument("--template", metavar="URL", help="take the template from there (default: this checkout)")
    parser.add_argument("--release", help="for example v0.3.0 (default: the newest)")
    return parser.parse_args(arguments)


def adopt(options: argparse.Namespace, scratch: Path) -> int:
    """Answer the questions, render, merge, put the result into place, tell about it."""
    repository = find(options.path, scratch)
    refuse_unless_new(repository)
    template = fetch(options.template, scratch)
    release = choose(template, options.release)
    if options.dry_run:
        repository.keep_objects_in(scratch / "objects")
    theirs = read_tree(repository)
    answers = answer(repository, theirs, template, release, template.new_answers(release, options.data))
    rendered = repository.store(answers.rendered)
    carried = fit(answers.rendered, repository, theirs)
    delivery = sort_out(repository, theirs, answers, template.seeds(release, answers.names))
    merge = guarded(repository, theirs, delivery, release)
    repository.refuse_in_the_way(merge)
    print(f"{template.name} {release} -> {options.path}")
    print("\n".join([*told(answers), *told_of_requirements(carried), *plan(delivery, merge)]))
    if options.dry_run:
        print("\na dry run: nothing is changed")
        return 0
    switch(repository)
    keep_rendered(repository, rendered, release)
    repository.put_into_place(merge, release)
    print("\n".join(["", *next_steps(repository, delivery, merge, release)]))
    return 1 if merge.conflicts else 0


# ------------------------------------------------------------------------------ what is refused


def find(path: Path, scratch: Path) -> Repository:
    """Find the repository, which may be larger than what is adopted."""
    if not path.is_dir():
        message = f"{path}: there is no such folder"
        raise ProblemError(message)
    return Repository.around(path, scratch)


def refuse_unless_new(repository: Repository) -> None:
    """Refuse a repository of the template, and one in which something might be lost."""
    repository.refuse_unless_ready()
    if (folder_of(repository) / ANSWERS).exists():
        message = f"there is {ANSWERS} already, so this is a repository of the template: update it"
        raise ProblemError(message)
    branch = repository.git("rev-parse", "--verify", "--quiet", f"refs/heads/{BRANCH}", fine=(0, 1))
    if branch and current_branch(repository) != BRANCH:
        message = f"there is a branch {BRANCH} already: git branch -d {BRANCH}, or rename it"
        raise ProblemError(message)


def folder_of(repository: Repository) -> Path:
    """Give the folder that is adopted."""
    return repository.top / repository.prefix


def own_paths(repository: Repository, theirs: Iterable[str]) -> set[str]:
    """Name the files in the folder that is adopted, from there."""
    prefix = repository.prefix
    return {path.removeprefix(prefix) for path in theirs if path.startswith(prefix)}


def current_branch(repository: Repository) -> str:
    """Name the branch; empty where HEAD is detached."""
    return repository.git("branch", "--show-current").decode().strip()


# --------------------------------------------------------------------------------- the template


def fetch(url: str | None, scratch: Path) -> Template:
    """Clone the template, by default this checkout, and tag releases that are only commits.

    What is recorded is where others find it, so that updates work.
    """
    source = url or str(ROOT)
    try:
        template = Template.fetch(source, scratch)
    except ProblemError as problem:
        message = f"the template {source} cannot be cloned: {problem.__cause__}"
        raise ProblemError(message) from problem
    origin = url or run_git(ROOT, "config", "--get", "remote.origin.url", fine=(0, 1)).decode().strip()
    for line in template.git("log", "--format=%H %s").splitlines():
        commit, _, subject = line.partition(" ")
        tag = subject.replace("Release ", "v", 1)
        if RELEASE.fullmatch(tag) and not template.commit(f"refs/tags/{tag}"):
            template.git("tag", tag, commit)
    return replace(template, source=recorded_path(origin, origin) if origin else UPSTREAM)


def choose(template: Template, wanted: str | None) -> str:
    """Choose the release, by default the newest."""
    releases = template.releases()
    if not wanted and not releases:
        message = "this copy of the template has no release: git fetch --tags --unshallow, or name one with --release"
        raise ProblemError(message)
    if wanted and not template.commit(wanted):
        message = f"the template has no {wanted}: its releases are {', '.join(releases) or 'none'}"
        raise ProblemError(message)
    return wanted or releases[-1]


# ---------------------------------------------------------------------------------- the answers


@dataclass(frozen=True)
class Answers:
    """The answers to the questions, and what they give.

    Attributes:
        names: Each answer.
        where: Where it comes from.
        notes: What was found and is no answer.
        rendered: The folder with the files.
    """

    names: Mapping[str, str]
    where: Mapping[str, str]
    notes: list[str]
    rendered: Path


def answer(repository: Repository, theirs: Tree, template: Template, release: str, given: dict[str, str]) -> Answers:
    """Answer the questions: as given, as found, as typed, by default."""
    mine = own_paths(repository, theirs)
    asked = set(template.settings(release)) - set(given)
    found = find_facts(repository, theirs, template.settings(release))
    found = {name: answers for name, answers in found.items() if name in asked}
    notes: list[str] = []
    chosen, rendered = accepted(template, release, given, found, notes)
    if "package_name" in asked:
        package = update.read_answers(rendered / ANSWERS)["package_name"]
        if reason := collision(package, mine, rendered):
            free = next(name for name in other_names(package) if not collision(name, mine, rendered))
            found |= {"package_name": [facts.Fact(free, reason)]}
            chosen, rendered = accepted(template, release, given, found, notes)
    is_asked = sys.stdin.isatty() and sys.stdout.isatty()
    if is_asked:
        answers = given | {name: fact.value for name, fact in chosen.items()}
        rendered = template.render(release, answers, is_asked=True, record=template.source)
    names = {name: value for name, value in update.read_answers(rendered / ANSWERS).items() if name[0] != "_"}
    where = dict.fromkeys(names, "typed" if is_asked else "the default") | dict.fromkeys(given, "--data")
    where |= {name: fact.where for name, fact in chosen.items()}
    if where.get("license") == "the default" and (files := their_licences(mine)):
        notes.append(f"{files[0]} stays; if it is not {names['license']}, correct license in pyproject.toml")
    return Answers(names, where, notes, rendered)


def find_facts(repository: Repository, theirs: Tree, settings: Mapping[str, object]) -> dict[str, list[facts.Fact]]:
    """Read what the repository tells."""
    mine = own_paths(repository, theirs)
    first = repository.git("log", "--reverse", "--format=%an%x00%ae", "--", repository.prefix or ".")
    name, _, email = first.decode(errors="replace").partition("\n")[0].partition("\0")
    remote = repository.git("config", "--get", "remote.origin.url", fine=(0, 1)).decode(errors="replace")
    history = facts.History(facts.Person(name, email), remote.strip())
    pythons = facts.table(settings, "python_version").get("choices")
    found = facts.facts(folder_of(repository), mine, history, facts.texts(pythons))
    return found if found.get("ci") else found | {"ci": list(facts.integration(set(theirs)))}


def accepted(
    template: Template,
    release: str,
    given: dict[str, str],
    found: Mapping[str, list[facts.Fact]],
    notes: list[str],
) -> tuple[dict[str, facts.Fact], Path]:
    """Render with what was found, without what the template's rules refuse: that is noted."""
    while True:
        chosen = {name: answers[0] for name, answers in found.items() if answers}
        try:
            answers = {name: fact.value for name, fact in chosen.items()}
            return chosen, template.render(release, answers | given, record=template.source)
        except ProblemError as problem:
            refused = REFUSED.search(in_one_line(problem.__cause__))
            if not refused or refused[1] not in chosen:
                raise
            name, reason = refused.groups()
            notes.append(f"{name} is not {chosen[name].value} ({chosen[name].where}): {reason}")
            found = {**found, name: found[name][1:]}


def collision(package: str, mine: set[str], rendered: Path) -> str:
    """Say what of theirs would no longer be found beside a package of that name; empty if nothing."""
    for path in sorted(mine):
        top = PurePosixPath(path).parts[0]
        if path.endswith(".py") and top.lower() in {package, f"{package}.py"}:
            return f"{top if path == top else top + '/'} is yours, and your imports still find it"
    folders = (file.parent.relative_to(rendered) for file in rendered.glob("src/*/**/__init__.py"))
    modules = (PurePosixPath("src", package, *folder.parts[2:]).with_suffix(".py") for folder in folders)
    hidden = next((str(module) for module in modules if str(module) in mine), "")
    return f"{hidden} is yours, and a folder would hide it" if hidden else ""


def other_names(package: str) -> Iterator[str]:
    """Give names that are like a package's name."""
    for ending in ("ml", "model", "pipeline", *map(str, range(2, 100))):
        yield f"{package[: 39 - len(ending)].rstrip('_')}_{ending}"


# ----------------------------------------------------------------------- what is fitted to theirs


def fit(rendered: Path, repository: Repository, theirs: Tree) -> facts.Requirements:
    """Fit the settings of tools to what is there: requirements, tests, code, the licence's name."""
    mine = own_paths(repository, theirs)
    project, ruff = rendered / "pyproject.toml", rendered / "ruff.toml"
    carried = facts.Requirements()
    if project.is_file():
        text = project.read_text(encoding="utf-8")
        carried = facts.requirements(folder_of(repository), required_names(text))
        text = with_requirements(text, carried.added)
        text = without_tests(text) if has_tests(theirs) else text
        licences = their_licences(mine)
        text = text.replace('license-files = ["LICENSE"]', f"license-files = {json.dumps(licences or ['LICENSE'])}")
        project.write_text(text, encoding="utf-8", newline="\n")
    if ruff.is_file():
        places = {file.relative_to(rendered).as_posix() for file in rendered.rglob("*")}
        text = with_excluded(ruff.read_text(encoding="utf-8"), unlinted(mine, places))
        ruff.write_text(text, encoding="utf-8", newline="\n")
    return carried


def required_names(project: str) -> list[str]:
    """Name everything that a pyproject.toml requires, its extras and groups too."""
    toml = tomllib.loads(project)
    groups = [facts.table(toml, "project", "optional-dependencies"), facts.table(toml, "dependency-groups")]
    lists = [facts.table(toml, "project").get("dependencies"), *(each for group in groups for each in group.values())]
    return [facts.name_of(requirement) for each in lists for requirement in facts.texts(each)]


def with_requirements(project: str, requirements: Iterable[str]) -> str:
    """Add requirements where the template has a place for them."""
    lines = "".join(f"    {json.dumps(line)},\n" for line in requirements)
    return re.sub(r"^ *# Yours below\n", lambda mark: mark[0] + lines, project, count=1, flags=re.MULTILINE)


def without_tests(project: str) -> str:
    """Take out what would change how their tests run: settings of pytest and of coverage."""
    sections = r"^\[tool\.(?:pytest|coverage)(?:\.[^]]+)?\]\n(?:(?!\[).*\n)*"
    return re.sub(sections, "", project, flags=re.MULTILINE).rstrip() + "\n"


def has_tests(theirs: Tree) -> bool:
    """Whether there are tests, anywhere in the repository: they may all be run together."""
    return any(TESTS.fullmatch(path) for path in theirs)


def their_licences(mine: Iterable[str]) -> list[str]:
    """Name their files that hold a licence."""
    return facts.licence_files(path for path in mine if "/" not in path)


def unlinted(mine: Iterable[str], places: set[str]) -> list[str]:
    """Name their code for ruff, by the folder where nothing of the template's is."""
    found = set()
    for path in mine:
        parts = PurePosixPath(path).parts
        above = ["/".join(parts[:depth]) for depth in range(1, len(parts) + 1)]
        if path.endswith(CODE) and path not in places:
            found.add(next(folder for folder in above if folder not in places))
    return [path if "/" in path else f"./{path}" for path in sorted(found)]


def with_excluded(ruff: str, paths: list[str]) -> str:
    """Have ruff pass over their code, until they take it off the list."""
    lines = "".join(f'    "{path}",\n' for path in paths)
    entry = r"^extend-exclude = \[(.*)\]\n"
    listed = rf"extend-exclude = [\n    \1,\n    # Yours from before: take off what you have moved\n{lines}]\n"
    return re.sub(entry, listed, ruff, count=1, flags=re.MULTILINE) if paths else ruff


# ------------------------------------------------------------------------------------ the merge


@dataclass(frozen=True)
class Delivery:
    """What becomes of the template's files.

    Attributes:
        rendered: All of them.
        merged: Those that are new, or clash as texts do.
        standing: Those that clash with what cannot be merged: a link of theirs.
        kept: Those that they have, and theirs is kept; with the reason.
        left_out: Those that do not come; with the reason.
    """

    rendered: Tree
    merged: dict[str, File]
    standing: dict[str, File]
    kept: Mapping[str, str]
    left_out: Mapping[str, str]


def read_tree(repository: Repository) -> dict[str, File]:
    """List what is committed."""
    entries = update.paths_in(repository.git("ls-tree", "-r", "-z", "HEAD"))
    fields = (entry.partition("\t") for entry in entries)
    return {path: File(details.split()[0], details.split()[2]) for details, _, path in fields}


def sort_out(repository: Repository, theirs: Tree, answers: Answers, seeds: set[str]) -> Delivery:
    """Decide what is merged, and what is not."""
    rendered = repository.store(answers.rendered)
    folders = {str(parent): "a folder" for path in theirs for parent in PurePosixPath(path).parents}
    spelled = {path.lower(): path for path in (*theirs, *folders)}
    prefix = repository.prefix
    mine = {path.removeprefix(prefix) for path in theirs if path.startswith(prefix)}
    merged, standing, kept, left_out = dict(rendered), {}, {}, {}
    for path in rendered:
        name = path.removeprefix(prefix)
        above = next((str(parent) for parent in PurePosixPath(path).parents if str(parent) in theirs), "")
        update.refuse(
            [
                other
                for part in (path, *map(str, PurePosixPath(path).parents))
                if (other := spelled.get(part.lower(), part)) != part
            ],
            f"differs from the template's {path} only in case: git mv it first",
        )
        if above:
            left_out[path] = f"{above} is {kind(theirs[above])} of yours"
        elif path in folders:
            left_out[path] = "it is a folder of yours"
        elif name.startswith("tests/") and name not in seeds and has_tests(theirs):
            left_out[path] = "you have tests, which must run as before"
        elif name == "LICENSE" and path not in theirs and their_licences(mine):
            left_out[path] = f"{their_licences(mine)[0]} is yours"
        elif path not in theirs or theirs[path] == rendered[path]:
            continue
        elif name in seeds or name == "LICENSE":
            kept[path] = "yours"
        elif is_empty(repository, theirs[path]):
            kept[path] = "yours, which is empty"
        elif theirs[path].mode in {LINK, SUBMODULE}:
            standing[path] = rendered[path]
        else:
            continue
        del merged[path]
    return Delivery(rendered, merged, standing, kept, left_out)


def kind(file: File) -> str:
    """Say what something is."""
    return {LINK: "a link", SUBMODULE: "a submodule"}.get(file.mode, "a file")


def is_empty(repository: Repository, file: File) -> bool:
    """Whether there is nothing in a file."""
    return file.mode.startswith("100") and not repository.git("cat-file", "blob", file.blob)


def guarded(repository: Repository, theirs: Tree, delivery: Delivery, release: str) -> Merge:
    """Merge; where their bytes would not all be on their side of the markers, leave theirs alone.

    That is so with binary files, for which git has no markers; with a last line that has no end;
    with lines that look like markers; and where an attribute such as `merge=union` has its way.
    """
    merge = repository.merge({}, delivery.merged, release)
    clashes = {path for path in delivery.merged if path in theirs and theirs[path] != delivery.merged[path]}
    changes = {
        path: file
        for path, file in merge.changes.items()
        if path not in clashes or (file and is_yours_there(repository, theirs[path], file))
    }
    versions = {
        path: {2: theirs[path], 3: file}
        for path, file in (delivery.merged | delivery.standing).items()
        if path in clashes or path in delivery.standing
    }
    return replace(merge, changes=changes, conflicts=versions)


def is_yours_there(repository: Repository, yours: File, merged: File) -> bool:
    """Whether the file is theirs again without the template's side of the conflicts."""
    before, after = (repository.git("cat-file", "blob", file.blob) for file in (yours, merged))
    return yours.mode == merged.mode and your_side(after) == before


def your_side(merged: bytes) -> bytes:
    """Take the template's side of all conflicts out, with the markers."""
    hunk = rb"^<{7} yours\r?\n(.*?)^={7}\r?\n.*?^>{7} [^\n]*\n"
    return re.sub(hunk, lambda sides: sides[1], merged, flags=re.MULTILINE | re.DOTALL)


# ------------------------------------------------------------------------------ into its place


def switch(repository: Repository) -> None:
    """Go to a branch of its own, at the same commit: no file changes by that."""
    before = current_branch(repository)
    if before != BRANCH:
        repository.git("update-ref", f"refs/heads/{BRANCH}", "HEAD", "")
        reason = f"checkout: moving from {before or 'HEAD'} to {BRANCH}"  # what `git switch -` looks for
        today = {name: value for name, value in repository.env.items() if not name.endswith("_DATE")}
        run_git(repository.top, "symbolic-ref", "-m", reason, "HEAD", f"refs/heads/{BRANCH}", env=today)


def rendered_name(release: str) -> str:
    """Name the commit that holds all that the template gives."""
    return f"formwork/{release}"


def keep_rendered(repository: Repository, rendered: Tree, release: str) -> None:
    """Keep the template's own version of everything within reach, for what is kept or left out."""
    commit = repository.commit(repository.tree(rendered))
    repository.git("update-ref", f"refs/{rendered_name(release)}", commit)


# ------------------------------------------------------------------------------- what is said


def told(answers: Answers) -> Iterator[str]:
    """Tell the answers, and where they come from."""
    yield from (f"  {name} = {value or 'nothing'} ({answers.where[name]})" for name, value in answers.names.items())
    yield from (f"note: {note}" for note in answers.notes)


def told_of_requirements(carried: facts.Requirements) -> Iterator[str]:
    """Tell what becomes of their requirements."""
    told = {
        "added to pyproject.toml": carried.added,
        "in the template's version": carried.had,
        "not carried over": carried.left,
    }
    yield from (f"  requirements {what}: {', '.join(lines)}" for what, lines in told.items() if lines)


def plan(delivery: Delivery, merge: Merge) -> Iterator[str]:
    """Tell what becomes of each file."""
    for path in sorted(delivery.rendered):
        if path in delivery.left_out:
            yield entry("left out", f"{path} ({delivery.left_out[path]})")
        elif path in delivery.kept:
            yield entry("kept", f"{path} ({delivery.kept[path]})")
        elif path in merge.conflicts:
            how = "both sides are in it" if path in merge.changes else "yours stays as it is"
            yield entry("conflict", f"{path} ({how})")
        else:
            yield entry("added" if path in merge.changes else "same", path)


def entry(what: str, path: str) -> str:
    """Lay a line of the plan out."""
    return f"  {what:13}{path}"


def next_steps(repository: Repository, delivery: Delivery, merge: Merge, release: str) -> Iterator[str]:
    """Tell what is left to do."""
    yield f"on branch {BRANCH}; to undo it all: git reset --hard, git switch -, git branch -d {BRANCH}"
    yield "next, which docs/adopt.md of the template explains:"
    steps = []
    if merge.conflicts:
        count = len(merge.conflicts)
        steps.append(f"resolve {count} {'conflict' if count == 1 else 'conflicts'} (git status), git add each")
    steps += ["git rm -f what you do not want", "uvx nox -s setup", "git add --all, git commit"]
    if delivery.kept or delivery.left_out:
        steps.append(f"compare what was kept or left out: git diff {rendered_name(release)} HEAD -- FILE")
    tests = sorted(path for path in delivery.left_out if path.startswith(f"{repository.prefix}tests/"))
    if tests:
        there = [path for path in tests if (repository.top / path).exists()]
        new = " ".join(path for path in tests if path not in there)
        by_hand = f"; merge by hand: {' '.join(there)}" if there else ""
        steps.append(f"when your tests pass in .venv too: git checkout {rendered_name(release)} -- {new}{by_hand}")
    steps.append("move your code to where the pipeline looks for it: source.py, schema.py, features.py, model.py")
    yield from (f"  {number}. {step}" for number, step in enumerate(steps, 1))


if __name__ == "__main__":
    sys.exit(main())
