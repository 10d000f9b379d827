"""Each command on a page is run by a test that reads it from there, or it is listed here with the reason."""

import re
from pathlib import Path

import pytest

from tests.harness import ROOT
from tests.pages import blocks

GENERATED, UPDATE = "tests/generated", "tests/update"
ADOPT = "tests/adopt/test_repositories.py"
SERVING = f"{GENERATED}/test_serving.py"
DEPLOY = f"{GENERATED}/test_deploy.py"
NEWCOMER, OWN_DATA = f"{GENERATED}/test_newcomer.py", f"{GENERATED}/test_own_data.py"

# Pages, or sections of them, whose commands a test reads and runs.
FOLLOWED = {
    "template/docs/start.md.jinja": ("", NEWCOMER, "docs/start.md"),
    "template/CONTRIBUTING.md.jinja": ("## The loop of a change", NEWCOMER, "## The loop of a change"),
    "docs/your-data-classification.md": ("", OWN_DATA, "your-data-{problem}.md"),
    "docs/your-data-regression.md": ("", OWN_DATA, "your-data-{problem}.md"),
    "template/docs/pipeline.md.jinja": ("", NEWCOMER, "docs/pipeline.md"),
    "template/docs/versions.md.jinja": ("", NEWCOMER, "docs/versions.md"),
    "template/docs/{% if is_served %}serving.md{% endif %}.jinja": ("", SERVING, "docs/serving.md"),
    "template/docs/{% if 'deploy' in pieces %}deploy.md{% endif %}.jinja": (
        "## On Kubernetes",
        DEPLOY,
        "## On Kubernetes",
    ),
    "template/docs/{% if is_distributed %}distributed.md{% endif %}.jinja": (
        "",
        f"{GENERATED}/test_distributed.py",
        "docs/distributed.md",
    ),
    "CHANGELOG.md": ("", f"{UPDATE}/test_second_edition.py", "CHANGELOG.md"),
    "docs/prototype.md": ("", "tests/adopt/test_prototype.py", "prototype.md"),
    "docs/your-data.md": ("## Recipes", f"{GENERATED}/test_recipes.py", "your-data.md"),
}

SAMPLE = "uv run python -c \"import polars as pl; pl.read_csv('{}', infer_schema=False)"
SAMPLE += ".sample(200, seed=1).write_csv('tests/sample.csv')\""

# What tests run in their own words, and what no test can run.
ELSEWHERE = {
    "uvx nox -s setup": f"{GENERATED}/test_setup.py",
    "uvx nox -s check": f"{GENERATED}/test_fresh.py",
    "uvx nox -s pipeline": OWN_DATA,
    "uv run NAME register": OWN_DATA,
    'uv run NAME promote --force "The first model of our data"': OWN_DATA,
    "uv run NAME predict tests/sample.csv": f"{GENERATED}/test_setup.py",
    "uv run dvc push": OWN_DATA,
    "uvx nox -s image": DEPLOY,
    "docker run --read-only --publish=127.0.0.1:8000:8000 --volume=served:/served --env=SERVE_TOKENS=HASH NAME:3": (
        "Docker has no engine where the tests run; they run the image by Buildah"
    ),
    "docker compose --file=deploy/compose.yaml up --detach --wait": "Docker has no engine where the tests run",
    "uv run NAME serve --new-token": DEPLOY,
    "uv run dvc add NAME": OWN_DATA,
    SAMPLE.format("NAME"): OWN_DATA,
    "uv run ruff format": OWN_DATA,
    "uv run pre-commit run --all-files": f"{GENERATED}/test_fresh.py",
    "uvx nox -s update -- --dry-run": f"{GENERATED}/test_tool.py",
    "uvx nox -s update": f"{GENERATED}/test_tool.py",
    "uvx nox -s update -- v0.3.0": f"{UPDATE}/test_releases.py",
    "uvx nox -s update -- --data license=Apache-2.0": f"{UPDATE}/test_answers.py",
    "uvx nox -s update -- --data package_name=wine_quality": f"{UPDATE}/test_answers.py",
    "uvx nox -s add": "tests/add/test_scaffolds.py",
    "uvx nox -s add -- stage clean --dry-run": "tests/add/test_scaffolds.py",
    "uvx nox -s add -- stage clean": "tests/add/test_scaffolds.py",
    "uvx nox -s remove -- stage clean": "tests/add/test_scaffolds.py",
    "uvx copier copy --data 'pieces=[devcontainer, agents]' gh:formwork-ml/formwork my-project": (
        "tests/add/test_pieces.py"
    ),
    "uvx copier update": f"{UPDATE}/test_releases.py",
    "uvx cookiecutter gh:formwork-ml/formwork": "tests/doors/test_runners.py",
    "uvx copier copy gh:formwork-ml/formwork my-project": "tests/doors/test_runners.py",
    "uvx --with copier cookiecutter gh:formwork-ml/formwork": "tests/doors/test_runners.py",
    "uvx cookiecutter gh:formwork-ml/formwork --no-input": "tests/questions/engines.py",
    "uvx copier copy --defaults gh:formwork-ml/formwork my-project": "tests/questions/engines.py",
    "uvx copier copy --defaults --data-file answers.yml gh:formwork-ml/formwork wine-quality": "tests/harness.py",
    "uvx copier copy --vcs-ref v0.1.0 gh:formwork-ml/formwork my-project": f"{UPDATE}/test_second_edition.py",
    "uvx cookiecutter gh:formwork-ml/formwork --checkout v0.1.0": f"{UPDATE}/test_releases.py",
    "uvx copier check-update --quiet": f"{UPDATE}/test_releases.py",
    "uvx --from git+https://github.com/formwork-ml/formwork formwork update": f"{UPDATE}/ways.py",
    "uvx --from git+https://github.com/formwork-ml/formwork formwork adopt ../my-repository --dry-run": ADOPT,
    "uvx --from git+https://github.com/formwork-ml/formwork formwork adopt ../churn --dry-run": ADOPT,
    "uvx --from git+https://github.com/formwork-ml/formwork formwork adopt ../churn": ADOPT,
    "mkdir pipeline": ADOPT,
    "uvx --from git+https://github.com/formwork-ml/formwork formwork adopt pipeline": ADOPT,
    "uvx nox -s release -- 0.3.0 --check": "tests/release/test_release.py",
    "uvx nox -s release -- 0.3.0": "tests/release/test_release.py",
    "uvx nox": "this is what runs the tests",
    "pip install uv && uvx nox -s demo": "`nox -s everyday` runs the demo: the package index has to be reached",
    "gh workflow run update.yml": "it needs a repository on GitHub",
    "gh secret set FORMWORK_TOKEN": "it needs a repository on GitHub",
    "gh workflow disable update.yml": "it needs a repository on GitHub",
    "git push --atomic origin main v0.3.0": "it publishes",
    "git tag v0.3.0": "it publishes",
}
GIT = re.compile(r"git (add|commit|reset|restore|switch|diff|rm|branch) ?")


def commands() -> dict[str, str]:
    """Read the commands that no test reads from their page, with the page."""
    pages = [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("template/**/*.md*")]
    found: dict[str, str] = {}
    for page in sorted(pages):
        name = page.relative_to(ROOT).as_posix()
        section = FOLLOWED[name][0] if name in FOLLOWED else None
        followed = [] if section is None else blocks(page, section)
        for block in blocks(page):
            if block not in followed:
                found.update((re.sub(r"\{\{.*?\}\}|my_project", "NAME", line), name) for line in block)
    return {re.sub(r" +# .*", "", line): name for line, name in found.items()}


@pytest.mark.parametrize("page", FOLLOWED)
def test_a_page_that_is_followed_is_read_by_its_test(page: str) -> None:
    """The test names the page or the section."""
    _, test, word = FOLLOWED[page]
    assert word in (ROOT / test).read_text("utf-8")


def test_every_other_command_is_known() -> None:
    """A new command needs a test or a reason."""
    unknown = {line: page for line, page in commands().items() if line not in ELSEWHERE and not GIT.match(line)}
    assert not unknown


def test_no_command_is_listed_that_no_page_has() -> None:
    """Each test file that is named exists, too."""
    assert not set(ELSEWHERE) - set(commands())
    assert all(Path(ROOT / where).is_file() for where in ELSEWHERE.values() if where.startswith("tests/"))
