"""Settings of the template's tools, fitted to what a repository has: requirements, tests, code, its licence."""

import json
import re
import tomllib
from collections.abc import Callable, Iterable
from pathlib import Path, PurePosixPath

from formwork import git
from formwork.adopting.detect import as_module
from formwork.adopting.licences import licence_files
from formwork.adopting.metadata import read_metadata
from formwork.adopting.reading import table, texts
from formwork.adopting.requirements import Requirements, requirements
from formwork.repository import Repository, Tree
from formwork.toml_merging import name_of

TESTS = re.compile(r"(?:.*/)?(?:test[^/]*|[^/]*_test|conftest)\.py")
CODE = (".py", ".pyi", ".ipynb", ".md")  # what ruff formats, since there may be Python in Markdown
NO_TEXT = re.compile("[\ud800-\udfff]")  # what is no UTF-8 in the name of a file
WORKFLOW = re.compile(r"\.github/.*\.ya?ml")
NEEDED = ("dvc.yaml", "dvc.lock", "uv.lock", "reports/")
RUFF = ("pyproject.toml", "ruff.toml")  # releases up to 0.2.0 had the latter


def fit(rendered: Path, templates: Tree, repository: Repository, theirs: Tree) -> Requirements:
    """Fit the settings of tools to the repository's requirements, tests, code and licence.

    Args:
        rendered: The folder with the template's files, which are changed.
        templates: The same files, before they are changed.
        repository: The repository.
        theirs: What is committed in it.
    """
    mine = repository.own_paths(theirs)
    places = {file.relative_to(rendered).as_posix() for file in rendered.rglob("*")} | {"notebooks"}  # as `add` has it
    old = unchecked(repository.own_paths(path for path in theirs if theirs[path] != templates.get(path)), places)
    for name in RUFF:
        rewrite(rendered / name, lambda text: with_excluded(text, old))
    rewrite(rendered / ".gitignore", lambda text: text + taken_back(repository))
    storage = "url = ../../"
    rewrite(rendered / ".dvc/config", lambda text: text.replace(storage, storage + above(repository.prefix)))
    pages = [path for path in old if path not in places]
    rewrite(rendered / "mkdocs.yml", lambda text: with_hidden_pages(text, pages, has_home="docs/index.md" in mine))
    project = rendered / "pyproject.toml"
    if not project.is_file():
        return Requirements()
    text = project.read_text(encoding="utf-8")
    carried = requirements(repository.project, mine, required_names(text))
    text = with_requirements(with_requirements(text, carried.dev, skipped=1), carried.added)
    text = without_tests(text) if has_tests(theirs) else text
    text = with_untyped(text, old)
    licences = their_licences(mine)
    text = text.replace('license-files = ["LICENSE"]', f"license-files = {json.dumps(licences or ['LICENSE'])}")
    readme = next((path for path in sorted(mine) if path.lower() == "readme.md"), "README.md")
    text = text.replace('readme = "README.md"', f"readme = {json.dumps(readme)}")
    project.write_text(with_packages(text, repository.project, mine), encoding="utf-8", newline="\n")
    return carried


def rewrite(file: Path, change: Callable[[str], str]) -> None:
    """Change the text of a file, if there is one."""
    if file.is_file():
        file.write_text(change(file.read_text(encoding="utf-8")), encoding="utf-8", newline="\n")


def taken_back(repository: Repository) -> str:
    """Write rules for what the repository ignores although the pipeline needs it in git."""
    paths = git.joined(repository.prefix + name for name in NEEDED)
    found = repository.git("check-ignore", "--no-index", "-z", "--stdin", stdin=paths, fine=(0, 1))
    names = [path.removeprefix(repository.prefix) for path in git.paths_in(found)]
    return "".join(["# Needed in git, whatever else is ignored\n", *(f"!/{name}\n" for name in names)]) if names else ""


def above(prefix: str) -> str:
    """Lead from a folder to the top of its repository, beside which the storage for data is."""
    return "../" * prefix.count("/")


def required_names(project: str) -> list[str]:
    """Name everything that a pyproject.toml requires, including extras and groups."""
    toml = tomllib.loads(project)
    groups = [table(toml, "project", "optional-dependencies"), table(toml, "dependency-groups")]
    lists = [table(toml, "project").get("dependencies"), *(each for group in groups for each in group.values())]
    return [name_of(requirement) for each in lists for requirement in texts(each)]


def with_requirements(project: str, requirements: Iterable[str], *, skipped: int = 0) -> str:
    """Add requirements where the template has a place for them, which it has more than once."""
    lines = "".join(f"    {json.dumps(line)},\n" for line in requirements)
    parts = re.split(r"^( *# Yours below\n)", project, flags=re.MULTILINE)
    place = 2 * skipped + 2
    return "".join([*parts[:place], lines, *parts[place:]]) if place <= len(parts) else project


def without_tests(project: str) -> str:
    """Remove the settings for the template's tests, which would change how the repository's tests run."""
    sections = r"^\[tool\.(?:pytest|coverage)(?:\.[^]]+)?\]\n(?:(?!\[).*\n)*"
    project = re.sub(sections, "", project, flags=re.MULTILINE).rstrip() + "\n"
    typed = 'files = ["src", "docs"] # add "tests/contract" once it is here, and your tests once they have types'
    return project.replace('files = ["src", "tests", "docs"]', typed)


def has_tests(theirs: Tree) -> bool:
    """Return whether there are tests anywhere in the repository, since they may all be run together."""
    return any(TESTS.fullmatch(path) for path in theirs)


def their_licences(mine: Iterable[str]) -> list[str]:
    """Return the repository's files that hold a licence."""
    return licence_files(path for path in mine if "/" not in path and not NO_TEXT.search(path))


def unchecked(paths: Iterable[str], places: set[str]) -> list[str]:
    """List the repository's code, by folder (with a slash at its end) where a folder has none of the template's files.

    Args:
        paths: The files of the repository that are not the same as the template's.
        places: All files and folders of the template.
    """
    found = set()
    for path in paths:
        parts = PurePosixPath(path).parts
        above = ["/".join(parts[:depth]) for depth in range(1, len(parts))]
        if path.endswith(CODE) or (".github" in places and WORKFLOW.fullmatch(path)):
            found.add(next((f"{folder}/" for folder in above if folder not in places), path))
    return sorted(found)


def with_excluded(ruff: str, paths: Iterable[str]) -> str:
    """Exclude the repository's code from ruff, until its owner removes it from the list."""
    names = (re.sub(r"[][*?{}]", r"[\g<0>]", path.rstrip("/")) for path in paths)
    names = (NO_TEXT.sub("?", name if "/" in name else f"./{name}").replace("\\", "?") for name in names)
    lines = "".join(f"    {in_toml(name)},\n" for name in names)
    entry = re.search(r"^extend-exclude = \[(.*)\]\n", ruff, re.MULTILINE)
    if not entry or not lines:
        return ruff
    listed = f"extend-exclude = [\n    {entry[1]},\n    # Yours from before: take off what you have moved\n{lines}]\n"
    return ruff[: entry.start()] + listed + ruff[entry.end() :]


def with_hidden_pages(site: str, paths: Iterable[str], *, has_home: bool) -> str:
    """Leave the repository's pages out of the site, and let its home page lead to what is not on it.

    Args:
        site: The text of mkdocs.yml.
        paths: The repository's code, by file or folder.
        has_home: Whether it has a home page.
    """
    pages = (path.removeprefix("docs") for path in paths if path.startswith("docs/") and path.endswith((".md", "/")))
    lines = "".join("  " + re.sub(r"[^-\w./ ]", "?", page) + "\n" for page in pages)
    if lines:
        listed = rf"\g<0>  # Yours from before: take off what you have moved\n{lines}"
        site = re.sub(r"^exclude_docs: \|\n(?:  .*\n)+", listed, site, flags=re.MULTILINE)
    if has_home:
        head = "validation:\n  links:"
        lenient = f"{head} # `warn` refuses dead ones: your docs/index.md may have some\n    not_found: info\n"
        rules = re.compile(rf"^{head}\n((?:    \w+: warn\n)+)", re.MULTILINE)
        site = rules.sub(lambda found: lenient + found[1].replace(": warn", ": info"), site)
    return site


def in_toml(text: str) -> str:
    """Write a text as TOML does."""
    return json.dumps(text, ensure_ascii=False)


def with_untyped(project: str, paths: Iterable[str]) -> str:
    """Exclude the repository's code from mypy, also where other code imports it."""
    entry = re.search(r"^\[tool\.mypy\]\nfiles = (\[.*\]).*\n", project, flags=re.MULTILINE)
    folders = tuple(f"{folder}/" for folder in json.loads(entry[1])) if entry else ()
    names = [path for path in paths if path.startswith(folders) and not path.endswith((".md", ".ipynb"))]
    if not entry or not names:
        return project
    escaped = (NO_TEXT.sub(".", re.sub(r"([][\\+*?(){}^$|])", r"\\\1", name)) for name in names)
    lines = "".join(f"    {in_toml(name)},\n" for name in escaped)
    added = f'exclude = [\n    # Yours from before: take off what you have moved\n{lines}]\nfollow_imports = "silent"\n'
    if "src/__init__.py" in paths:  # or src would be a package, and each module have two names
        added += 'mypy_path = "src"\nexplicit_package_bases = true\n'
    return project[: entry.end()] + added + project[entry.end() :]


def with_packages(project: str, folder: Path, paths: set[str]) -> str:
    """Install the repository's packages beside the template's, if a tool could install them before."""
    package = next(iter(table(tomllib.loads(project), "project", "scripts")), "")  # its command has the same name
    is_installable = any(path in paths for path in ("pyproject.toml", "setup.py", "setup.cfg"))
    if not package or not is_installable:
        return project
    names = [as_module(one.name) for one in read_metadata(folder) if one.name]
    below = {PurePosixPath(path).parts[1] for path in paths if re.fullmatch(r"src/[^/]+/__init__\.py", path)}
    flat = [name for name in names[:1] if f"{name}/__init__.py" in paths]
    listed = [*(f"src/{name}" for name in sorted({package, *below})), *flat]
    if len(listed) == 1 and names[:1] in ([], [package]):
        return project  # the backend finds it by its name
    added = f"\n[tool.hatch.build.targets.wheel]\npackages = {json.dumps(listed)}\n"
    added += '\n[tool.hatch.build]\ndev-mode-dirs = ["src", "."]\n' if flat else ""
    return project + added
