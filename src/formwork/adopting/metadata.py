"""The files that describe a Python project, read without running any of them."""

import ast
import configparser
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from formwork.adopting.reading import read, read_toml, table, text, texts

LOST = ("entry_points", "extras_require", "package_data", "scripts", "version")  # of setuptools, and not carried over


@dataclass(frozen=True)
class Person:
    """A person with a name, an address or both."""

    name: str = ""
    email: str = ""


@dataclass(frozen=True)
class Metadata:
    """What one file says about the project; what it does not say is empty.

    Attributes:
        where: The file and, if it matters, the table in it.
        python: The versions that are supported, as a specifier.
        licences: Everything that may name the licence, the most certain first.
        requires: The requirements, unless they are in the standard table.
        requires_for_development: The same, for what only work on the code requires.
        lost: The names of what else it says, which is not carried over; among them requirements that code computes.
    """

    where: str
    name: str = ""
    description: str = ""
    author: Person = Person()
    python: str = ""
    licences: tuple[str, ...] = ()
    url: str = ""
    requires: tuple[str, ...] = ()
    requires_for_development: tuple[str, ...] = ()
    lost: tuple[str, ...] = ()


def read_metadata(folder: Path) -> list[Metadata]:
    """Read all files that describe a Python project, the most authoritative first."""
    toml = read_toml(folder / "pyproject.toml")
    return [
        of_project(table(toml, "project"), folder),
        of_poetry(table(toml, "tool", "poetry")),
        of_setup_cfg(read(folder / "setup.cfg")),
        of_setup_py(read(folder / "setup.py")),
    ]


def project_name(value: object) -> str:
    """Return a project's name, but not `src`, which only says that there is such a folder."""
    return "" if text(value) == "src" else text(value)


def of_project(project: Mapping[str, object], folder: Path) -> Metadata:
    """Read the standard table of pyproject.toml."""
    authors = project.get("authors")
    first = table(dict(enumerate(authors)) if isinstance(authors, list) else {}, 0)  # type: ignore[arg-type]
    licence = project.get("license")
    file = text(table(project, "license").get("file"))
    return Metadata(
        "pyproject.toml",
        name=project_name(project.get("name")),
        description=text(project.get("description")),
        author=Person(text(first.get("name")), text(first.get("email"))),
        python=text(project.get("requires-python")),
        licences=(
            text(licence),
            text(table(project, "license").get("text")),
            read(folder / file) if file else "",
            *classified(texts(project.get("classifiers"))),
        ),
        url=first_url(table(project, "urls")),
    )


def of_poetry(poetry: Mapping[str, object]) -> Metadata:
    """Read Poetry's own table."""
    authors = texts(poetry.get("authors"))
    dependencies = table(poetry, "dependencies")
    groups = [table(poetry, "group", name, "dependencies") for name in table(poetry, "group")]
    urls = {"Repository": poetry.get("repository"), "Homepage": poetry.get("homepage")}
    return Metadata(
        "pyproject.toml, tool.poetry",
        name=project_name(poetry.get("name")),
        description=text(poetry.get("description")),
        author=person(authors[0] if authors else ""),
        python=as_specifier(text(dependencies.get("python"))),
        licences=(text(poetry.get("license")), *classified(texts(poetry.get("classifiers")))),
        url=first_url(urls),
        requires=tuple(poetry_requirements(dependencies)),
        requires_for_development=tuple(
            requirement
            for group in (table(poetry, "dev-dependencies"), *groups)
            for requirement in poetry_requirements(group)
        ),
    )


def poetry_requirements(dependencies: Mapping[str, object]) -> Iterator[str]:
    """Write Poetry's dependencies as standard requirements; those with an address or a path remain as they are."""
    for name, constraint in dependencies.items():
        details = constraint if isinstance(constraint, Mapping) else {"version": constraint}
        extras = f"[{','.join(texts(details.get('extras')))}]" if details.get("extras") else ""
        if name != "python":
            is_plain = {*details} <= {"version", "extras"} and isinstance(details.get("version"), str)
            yield f"{name}{extras}{as_specifier(text(details['version']))}" if is_plain else f"{name} = {constraint}"


def of_setup_cfg(content: str) -> Metadata:
    """Read setuptools' declarative file, except for values that point to other files."""
    parser = configparser.ConfigParser(interpolation=None, strict=False)
    try:
        parser.read_string(content)
    except configparser.Error:
        return Metadata("setup.cfg")
    metadata, options = (dict(parser[name]) if name in parser else {} for name in ("metadata", "options"))
    told: dict[str, object] = {name: value for name, value in metadata.items() if not elsewhere(value)}
    lists = {
        "classifiers": metadata.get("classifiers", "").splitlines(),
        "install_requires": options.get("install_requires", "").splitlines(),
    }
    others = {name: None for name in LOST if f"options.{name}" in parser}
    return of_setuptools("setup.cfg", told | lists | others | {"python_requires": options.get("python_requires")})


def elsewhere(value: str) -> bool:
    """Return whether setuptools takes a value from another file."""
    return value.startswith(("attr:", "file:"))


def of_setup_py(content: str) -> Metadata:
    """Read the arguments of setup() that are literals or names of literals, without running anything."""
    try:
        tree = ast.parse(content)
    except (SyntaxError, ValueError):
        return Metadata("setup.py")
    named = {
        target.id: node.value
        for node in tree.body
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    keywords = [
        (str(keyword.arg), keyword.value)
        for call in ast.walk(tree)
        if isinstance(call, ast.Call) and getattr(call.func, "id", getattr(call.func, "attr", "")) == "setup"
        for keyword in call.keywords
    ]
    told = {name: literal(named.get(getattr(value, "id", ""), value)) for name, value in keywords}
    return of_setuptools("setup.py", told)


def literal(node: ast.expr) -> object:
    """Return the value of a literal, or None for anything else."""
    try:
        return ast.literal_eval(node)
    except ValueError:
        return None


def of_setuptools(where: str, told: Mapping[str, object]) -> Metadata:
    """Read the metadata under setuptools' names for them."""
    return Metadata(
        where,
        name=project_name(told.get("name")),
        description=text(told.get("description")),
        author=Person(text(told.get("author")), text(told.get("author_email"))),
        python=text(told.get("python_requires")),
        licences=(text(told.get("license")), *classified(texts(told.get("classifiers")))),
        url=text(told.get("url")),
        requires=texts(told.get("install_requires")),
        lost=tuple(
            name
            for name in sorted(told)
            if name in LOST or (name == "install_requires" and not isinstance(told[name], list | tuple))
        ),
    )


def classified(classifiers: Iterable[str]) -> list[str]:
    """Pick the classifiers that name a licence."""
    return [name for name in classifiers if name.startswith("License ::")]


def first_url(urls: Mapping[str, object]) -> str:
    """Pick the address of the repository from labelled ones."""
    labels = {label.lower(): text(url) for label, url in urls.items()}
    wanted = ("repository", "source", "source code", "github", "gitlab", "homepage")
    return next((labels[label] for label in wanted if labels.get(label)), "")


def person(entry: str) -> Person:
    """Read `Name <address>`."""
    name, _, address = entry.partition("<")
    return Person(name.strip(), address.rstrip("> "))


def as_specifier(constraint: str) -> str:
    """Write Poetry's version constraint as a standard specifier."""
    constraint = re.sub(r"(\^|~(?!=))\s*((\d+(?:\.\d+)*)[^,\s|]*)", between, constraint)
    constraint = re.sub(r"^(?=\d)", "==", constraint)
    return "" if constraint == "*" else constraint


def between(match: re.Match[str]) -> str:
    """Write what `^` allows, up to another first number that is not 0, or `~`, up to another second number."""
    sign, version, release = match[1], match[2], [int(number) for number in match[3].split(".")]
    if sign == "~":
        kept = min(len(release), 2)
    else:
        kept = next((place for place, number in enumerate(release, 1) if number), len(release))
    upper = [*release[: kept - 1], release[kept - 1] + 1]
    return f">={version},<{'.'.join(map(str, upper))}"
