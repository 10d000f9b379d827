"""What is added in tests, and the repository that it is added to."""

from pathlib import Path

from copier import run_copy

from tests.harness import Template, commit_everything, git

# How each scaffold is added, and how it is removed.
SCAFFOLDS = {
    "stage": (["stage", "clean"], ["stage", "clean"]),
    "stage with options": (
        ["stage", "sum_up", "--after=featurize", "--reads=data/test.parquet", "--writes=reports/sum_up.csv"],
        ["stage", "sum_up"],
    ),
    "dataset": (["dataset", "vineyards"], ["dataset", "vineyards"]),
    "dataset of a database": (["dataset", "prices", "--from=sql"], ["dataset", "prices"]),
    "model": (["model", "demand", "--problem=regression"], ["model", "demand"]),
    "notebook": (["notebook", "explore"], ["notebook", "explore"]),
    "decision": (["decision", "Train with LightGBM"], ["decision", "train with lightgbm"]),
}


def begin(template: Template, path: Path, *, release: str = "", **answers: object) -> Path:
    """Generate a repository, by default from the newest release, which is the working tree; commit it."""
    run_copy(template.url, path, data=answers, defaults=True, quiet=True, vcs_ref=release or template.newest)
    git(path, "init", "--quiet", "--initial-branch=main")
    commit_everything(path, "Start")
    return path
