"""Both sides' pyproject.toml in one: theirs as it is, and what only the template has.

Where both have a value and only one of them can apply, there are two results: one with theirs, one with the template's.
"""

import re
import tomllib
from collections.abc import Iterator, Mapping, MutableMapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tomlkit
from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from formwork.adopting.metadata import read_metadata
from formwork.adopting.reading import read, read_toml, table, text, texts
from formwork.toml_merging import merge_tables

# Tables that are merged value by value. Any other is taken as a whole, since the rules of a linter belong together.
MERGED = {"dependency-groups", "tool.uv", "tool.hatch"}
FIELDS = ("requires-python", "dependencies", "optional-dependencies", "scripts")  # of [project]: what ours needs
BACKENDS = ("setuptools", "poetry", "flit", "pdm", "uv.build-backend", "hatch.build")


@dataclass(frozen=True)
class Sides:
    """A file in which both sides are, once with theirs and once with the template's where only one of them can apply.

    Attributes:
        yours: With theirs.
        template: With the template's.
        clashes: Where the two differ.
    """

    yours: str
    template: str
    clashes: Sequence[str] = ()


def both(yours: str, template: str) -> Sides | None:
    """Bring the template's pyproject.toml into theirs.

    Returns:
        Both sides; None if theirs is not TOML, or is written in a way that is not understood.
    """
    try:
        theirs, ours = tomllib.loads(yours), tomllib.loads(template)
        document = tomlkit.parse(yours)
        sections = {unit: "".join(parts) for unit, parts in units(template).items()}
        shared = [unit for unit in sections if unit_in(theirs, unit) is not None]
        clashes = add_values(document, theirs, ours, shared)
        whole = [unit for unit in shared if is_contested(unit, unit_in(theirs, unit), unit_in(ours, unit))]
        kept = tomlkit.dumps(document)
        taken = with_replaced(with_templates_values(kept, ours, clashes), {unit: sections[unit] for unit in whole})
        added = "".join(f"\n{sections[unit].rstrip()}\n" for unit in sections if unit not in shared)
        results = [f"{result.rstrip()}\n{added}" for result in (kept, taken)]
        if not all(result_is_sound(result, ours) for result in results):
            return None
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
    return Sides(results[0], results[1], [*whole, *clashes])


def units(toml: str) -> dict[str, list[str]]:
    """Split a text into what belongs together: top-level tables, and all of the tables of each tool."""
    found: dict[str, list[str]] = {}
    for section in re.split(r"^(?=\[)", toml, flags=re.MULTILINE)[1:]:
        found.setdefault(unit_of(section), []).append(section)
    return found


def unit_of(section: str) -> str:
    """Name what a section belongs to, such as `project` or `tool.ruff`; empty before the first header."""
    header = re.match(r"\[+\s*([^]]*?)\s*\]", section)
    names = re.sub(r"[\s\"']", "", header[1]).split(".") if header else [""]
    return ".".join(names[:2] if names[0] == "tool" else names[:1])


def unit_in(toml: Mapping[str, object], unit: str) -> Mapping[str, Any] | None:
    """Return the table of a unit, None if there is none."""
    return table(toml, *unit.split(".")) or None


def is_contested(unit: str, theirs: Mapping[str, Any] | None, ours: Mapping[str, Any] | None) -> bool:
    """Return whether only one side's version of a whole unit can apply."""
    if unit == "build-system":
        return table(theirs).get("build-backend") != table(ours).get("build-backend")
    return unit not in {"project", *MERGED} and theirs != ours


def add_values(
    document: MutableMapping[str, Any], theirs: Mapping[str, Any], ours: Mapping[str, Any], shared: Sequence[str]
) -> list[str]:
    """Add the values that only the template has to the tables that both have, and name those that clash."""
    wanted: dict[str, Any] = {}
    project, templates = table(theirs, "project"), table(ours, "project")
    if project:
        dynamic = texts(project.get("dynamic"))
        wanted["project"] = {name: templates[name] for name in FIELDS if name in templates and name not in dynamic}
        if supports_only(text(project.get("requires-python")), text(templates.get("requires-python"))):
            wanted["project"].pop("requires-python", None)
    wanted |= {name: ours[name] for name in MERGED if name in shared and "." not in name}
    tools = {unit.removeprefix("tool.") for unit in shared if unit in MERGED and "." in unit}
    wanted |= {"tool": {name: ours["tool"][name] for name in tools}} if tools else {}
    named = dict(lists(theirs))
    for name, listed in lists(wanted):
        listed[:] = [each for each in listed if not any(is_within(one, each) for one in named.get(name, []))]
    clashes = merge_tables({}, wanted, document)
    if table(theirs, "tool", "uv").get("package") is False:
        clashes.append("tool.uv.package")
    known = [requirement for listed in named.values() for requirement in listed]
    needed = [requirement for _, listed in lists(ours) for requirement in listed]
    clashes += [f"project.dynamic.{name}" for name in texts(project.get("dynamic")) if name in FIELDS]
    return clashes + [one for one in known if any(exclude_each_other(one, other) for other in needed)]


def with_templates_values(kept: str, ours: Mapping[str, Any], clashes: Sequence[str]) -> str:
    """Take the template's side of single values."""
    document: Any = tomlkit.parse(kept)
    for clash in clashes:
        *path, name = clash.split(".")
        if clash.startswith("project.dynamic."):
            document["project"]["dynamic"].remove(name)
            merge_tables({}, {"project": {name: ours["project"][name]}}, document)
        elif clash.startswith(("project.", "tool.", "dependency-groups.")):
            place, source = document, ours
            for step in path:
                place, source = place[step], source[step]
            if name in source:
                place[name] = source[name]
            else:
                del place[name]
        else:
            for _, listed in lists(document):
                for index in [index for index, one in enumerate(listed) if one == clash][::-1]:
                    del listed[index]
    return tomlkit.dumps(document)


def with_replaced(kept: str, sections: Mapping[str, str]) -> str:
    """Replace all tables of some units by the template's, where the first of them was; comments above others stay."""
    parts = re.split(r"^(?=\[)", kept, flags=re.MULTILINE)
    left = dict(sections)
    changed = []
    for part, following in zip(parts, [*parts[1:], ""], strict=True):
        unit = unit_of(part)
        comments = re.search(r"(?:^#.*\n)*\Z", part, re.MULTILINE) if unit_of(following) != unit else None
        changed.append(left.pop(unit, "") + (comments[0] if comments else "") if unit in sections else part)
    if left:
        raise KeyError(*left)
    return "".join(changed)


def result_is_sound(result: str, ours: Mapping[str, Any]) -> bool:
    """Return whether a result is TOML and has all tables of the template."""
    toml = tomllib.loads(result)
    return all(name in toml for name in ours) and all(name in toml["tool"] for name in ours.get("tool", {}))


def lists(toml: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield the lists of requirements, by their names."""
    project = toml.get("project", {})
    groups = {**project.get("optional-dependencies", {}), **toml.get("dependency-groups", {})}
    yield from {"dependencies": project.get("dependencies", []), **groups}.items()


def supports_only(yours: str, template: str) -> bool:
    """Return whether all versions of Python that one specifier allows are allowed by the other."""
    return not yours or is_within(f"python{yours}", f"python{template}")


def is_within(yours: object, template: object) -> bool:
    """Return whether whatever fulfils a requirement of theirs fulfils one of the template, too."""
    one, other = parsed(yours), parsed(template)
    if not one or not other or canonicalize_name(one.name) != canonicalize_name(other.name):
        return False
    allowed = (version for version in versions(one, other) if version in one.specifier)
    return other.extras <= one.extras and not one.marker and all(version in other.specifier for version in allowed)


def exclude_each_other(yours: object, template: object) -> bool:
    """Return whether no version fulfils both requirements."""
    one, other = parsed(yours), parsed(template)
    if not one or not other or canonicalize_name(one.name) != canonicalize_name(other.name) or one.marker:
        return False
    return not any(version in one.specifier and version in other.specifier for version in versions(one, other))


def parsed(requirement: object) -> Requirement | None:
    """Parse a requirement; None if it is something else, such as an included group."""
    try:
        return Requirement(str(requirement)) if isinstance(requirement, str) else None
    except InvalidRequirement:
        return None


def versions(*requirements: Requirement) -> list[Version]:
    """Return versions at, beside and far from all those that requirements name."""
    named = {part.version.removesuffix(".*") for requirement in requirements for part in requirement.specifier}
    return [Version(version) for version in ("0", "9999", *named, *(f"{version}.1" for version in named))]


def overruled(folder: Path, clashes: Sequence[str]) -> list[str]:
    """Name what of theirs has no effect once the template's backend builds the package."""
    toml = read_toml(folder / "pyproject.toml")
    if table(toml, "build-system") and "build-system" not in clashes:
        return []
    tools = [f"[tool.{name}]" for name in BACKENDS if table(toml, "tool", *name.split("."))]
    is_declared = re.search(r"^\[(metadata|options)\]", read(folder / "setup.cfg"), re.MULTILINE)
    files = [*["setup.py"] * (folder / "setup.py").exists(), *["setup.cfg"] * bool(is_declared)]
    lost = {one.where: f" ({', '.join(one.lost)})" for one in read_metadata(folder) if one.lost}
    return [*tools, *(f"{name}{lost.get(name, '')}" for name in files)]
