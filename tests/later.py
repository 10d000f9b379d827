"""A later release of the template, which changes a little of what a repository has."""

from pathlib import Path

from tests.harness import Template, checkout, commit_everything, git

LATER = "v9.0.0"
# What the later release changes: a text in one of the template's files, and its replacement.
CHANGES = {
    ".gitignore": ("/site/", "/site/\n/public/"),
    ".pre-commit-config.yaml": ("repos:\n", "repos:\n  # later\n"),
    "noxfile.py.jinja": ("\n\n\n@nox.session\ndef check(", "\n\nLATER = 1\n\n\n@nox.session\ndef check("),
    "mkdocs.yml.jinja": ("font: false", "font: false\n  locale: en"),
    "dvc.yaml.jinja": ("stages:\n", "# later\nstages:\n"),
    "pyproject.toml.jinja": ('    "numpy>=2",', '    "numpy>=2.1",'),
    "README.md.jinja": ("\n", "\nLater.\n"),
    "tests/contract/conftest.py.jinja": ("import shutil\n", "import shutil  # later\n"),
    "src/{{package_name}}/core/base/settings.py": ("\n\n", "\n\n# later\n\n"),
}


def with_later_release(template: Template, folder: Path) -> Template:
    """Serve the template with a later release, which also has a new page and a blank line in each file of a piece."""
    work = checkout(template, folder / "work")
    of_pieces = [path for path in (work / "template").rglob("*") if " in pieces" in str(path) and path.is_file()]
    changes = CHANGES | {str(path.relative_to(work / "template")): ("\n", "\n\n") for path in of_pieces}
    for name, (old, new) in changes.items():
        path = work / "template" / name
        content = path.read_text("utf-8")
        assert old in content, name
        path.write_text(content.replace(old, new, 1), "utf-8")
    (work / "template/new-page.md").write_text("# New\n", "utf-8")
    commit_everything(work, f"Release {LATER.removeprefix('v')}", LATER)
    bare = work.parent / "formwork.git"
    git(work.parent, "clone", "--quiet", "--bare", str(work), str(bare))
    return Template(f"git+file://{bare.as_posix()}", bare, work.parent)
