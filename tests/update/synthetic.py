"""A synthetic release that makes every kind of change that a release may make to the working tree."""

import re
from pathlib import Path

from tests.harness import Template, checkout, commit_everything, git

NEXT = "v9.0.0"
PACKAGE = "src/{{package_name}}"

SUMMARIZE = '''\
"""A step after evaluation: the names of the metrics."""

import json

from ..base import paths


def run() -> None:
    """Write the names of the metrics."""
    metrics = json.loads(paths.METRICS.read_text(encoding="utf-8"))
    paths.SUMMARY.write_text(json.dumps(sorted(metrics)) + "\\n", encoding="utf-8")
'''

WIRING = '''\
def summarize(of: OF = "") -> None:  # noqa: ARG001 - this stage is the same for all
    """Write the names of the metrics."""
    from .steps import summarize as step

    step.run()


STAGES = (ingest, validate, featurize, train, evaluate, summarize)
'''

STAGE = """\
  summarize:
    cmd: {{ package_name }} summarize
    deps:
      - reports/metrics.json
      - src/{{ package_name }}/core/base/errors.py
      - src/{{ package_name }}/core/base/paths.py
      - src/{{ package_name }}/core/base/settings.py
      - src/{{ package_name }}/core/pipeline.py
      - src/{{ package_name }}/core/yours.py
      - src/{{ package_name }}/core/steps/summarize.py
    outs:
      - reports/summary.json:
          cache: false

  evaluate:
"""

QUESTION = """
team:
  type: str
  help: Name of the team
  default: "{{ team if team is defined else 'nobody' }}"

"""


def next_release(template: Template, folder: Path) -> Template:
    """Serve the template with one more release."""
    work = checkout(template, folder / "work")
    add(work / "template")
    rename_and_remove(work / "template")
    split(work / "template")
    change(work / "template")
    ask_otherwise(work)
    commit_everything(work, f"Release {NEXT.removeprefix('v')}", NEXT)
    bare = folder / "formwork.git"
    git(folder, "clone", "--quiet", "--bare", str(work), str(bare))
    return Template(f"git+file://{bare.as_posix()}", bare, folder)


def replace(path: Path, old: str, new: str) -> None:
    """Replace the first occurrence of a text, which must be in the file."""
    text = path.read_text(encoding="utf-8")
    assert old in text, (path, old)
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def add(root: Path) -> None:
    """Add a page, a seed, a stage with its module and command, and a dependency."""
    (root / "docs/new-page.md").write_text("# New\n", "utf-8")
    (root / "docs/new-seed.md").write_text("# Yours\n", "utf-8")
    (root / PACKAGE / "core/steps/summarize.py").write_text(SUMMARIZE, "utf-8")
    replace(root / PACKAGE / "core/base/paths.py", "PLOTS =", 'SUMMARY = Path("reports/summary.json")\nPLOTS =')
    replace(root / PACKAGE / "core/pipeline.py", "STAGES = (ingest, validate, featurize, train, evaluate)\n", WIRING)
    replace(root / "dvc.yaml.jinja", "  evaluate:\n", STAGE)
    replace(root / "pyproject.toml.jinja", '    "typer>=0.29",\n', '    "typer>=0.29",\n    "platformdirs>=4",\n')
    replace(
        root / "mkdocs.yml.jinja",
        "  - Decisions: decisions.md\n",
        "  - Decisions: decisions.md\n  - New: new-page.md\n",
    )


def rename_and_remove(root: Path) -> None:
    """Rename a test and remove a page; both paths stay in `_exclude`."""
    (root / "tests/contract/test_validate.py.jinja").rename(root / "tests/contract/test_quarantine.py.jinja")
    (root / "tests/contract/test_featurize.py.jinja").unlink()


def split(root: Path) -> None:
    """Split a page in two."""
    page = root / "docs/pipeline.md.jinja"
    before, heading, after = page.read_text("utf-8").partition("## A stage of your own\n")
    assert heading
    page.write_text(before.rstrip() + "\n", "utf-8")
    (root / "docs/steps.md.jinja").write_text(f"# A stage of your own\n{after}", "utf-8")
    replace(
        root / "mkdocs.yml.jinja", "  - Pipeline: pipeline.md\n", "  - Pipeline: pipeline.md\n  - Steps: steps.md\n"
    )


def change(root: Path) -> None:
    """Change tools, tasks, workflows and seeds."""
    replace(
        root / "pyproject.toml.jinja", '    "C4",   # comprehensions\n', '    "C4",   # comprehensions\n    "COM818",\n'
    )
    replace(root / "noxfile.py.jinja", '"""Check the types."""', '"""Check the types with mypy."""')
    replace(root / "README.md.jinja", "\n", "\n\nAnother README.\n")
    replace(root / ".gitignore", "\n", "\n/scratch/\n")
    for workflow in root.glob("*/workflows/check.yml.jinja"):
        replace(workflow, "fail-fast: false", "fail-fast: true")
    for pipeline in root.glob("*gitlab-ci*"):
        replace(pipeline, "pip install uv", "pip install --quiet uv")


def ask_otherwise(work: Path) -> None:
    """Add a question, rename one, remove one, and remove a choice."""
    settings = work / "copier.yml"
    text = settings.read_text("utf-8")
    entries = [
        "/tests/contract/test_validate.py",
        "/tests/contract/test_featurize.py",
        "{% if _copier_operation == 'update' %}/docs/new-seed.md{% endif %}",
    ]
    text = text.replace("_exclude:\n", "_exclude:\n" + "".join(f'  - "{entry}"\n' for entry in entries))
    text = text.replace('choices: ["3.11", "3.12", "3.13", "3.14"]', 'choices: ["3.12", "3.13", "3.14"]')
    text = re.sub(r"\ndescription:\n.*?\n(?=author_name:)", QUESTION, text, flags=re.DOTALL)
    text = text.replace('"description": description', '"description": ""').replace("repository_url", "web_address")
    old = "{{ web_address if web_address is defined else '' }}"
    new = "{{ web_address if web_address is defined else repository_url if repository_url is defined else '' }}"
    assert old in text
    settings.write_text(text.replace(old, new), "utf-8")
    for path in (work / "template").rglob("*"):
        if path.is_file():
            content = path.read_text("utf-8")
            renamed = content.replace("repository_url", "web_address") if path.suffix == ".jinja" else content
            renamed = re.sub(r"\{%-? if (markdown\.)?description %\}.*?\{%-? endif %\}", "", renamed, flags=re.DOTALL)
            path.write_text(renamed, "utf-8")
    contributing = work / "template/CONTRIBUTING.md.jinja"
    replace(contributing, "# Contributing\n", "# Contributing to the work of {{ team }}\n")
