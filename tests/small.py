"""A template with a few files, for releases and repositories that take a fraction of a second."""

from collections.abc import Mapping
from pathlib import Path

from copier import run_copy

from tests.harness import commit_everything, git

COPIER_YML = """\
_subdirectory: template
_exclude:
  - "{% if _copier_operation == 'update' %}/README.md{% endif %}"
  - "{% if _copier_operation == 'update' %}/src/{{ package_name }}/model.py{% endif %}"
package_name:
  type: str
  default: "{{ package_name if package_name is defined else 'wine' }}"
level:
  type: str
  choices: [low, middle, high]
  default: "{{ level if level is defined else 'low' }}"
"""

FILES = {
    "copier.yml": COPIER_YML,
    "CHANGELOG.md": "# Changelog\n\n## 1.0.0 (2026-01-01)\n\nThe first.\n",
    "template/{{_copier_conf.answers_file}}.jinja": "# Do not edit\n{{ _copier_answers | to_nice_yaml -}}\n",
    "template/README.md.jinja": "# {{ package_name }}\n\nSeeded.\n",
    "template/stages.yaml": "".join(f"{name}:\n  cmd: run\n  out: data\n\n" for name in ("one", "two", "three")),
    "template/settings.toml.jinja": (
        'package = "{{ package_name }}"\nlevel = "{{ level }}"\na = 1\nb = 2\nc = 3\nd = 4\n'
    ),
    "template/src/{{package_name}}/__init__.py": '"""A package."""\n',
    "template/src/{{package_name}}/model.py": "def model():\n    return 1\n",
    "template/src/{{package_name}}/run.py.jinja": (
        "from {{ package_name }}.model import model\n\n\n"
        "def run():\n    return model()\n\n\ndef stop():\n    return 0\n"
    ),
    "template/docs/guide.md": "# Guide\n\nFirst line.\n\nSecond line.\n\nThird line.\n",
}

Changes = Mapping[str, str | bytes | None]


class SmallTemplate:
    """A template in a folder, with its releases as tags.

    Attributes:
        path: Where it is.
        url: Its address, as copier records it.
    """

    def __init__(self, path: Path, files: Changes = FILES) -> None:
        """Make the first release, v1.0.0."""
        self.path = path
        self.url = f"git+file://{path.as_posix()}"
        path.mkdir(parents=True)
        git(path, "init", "--quiet", "--initial-branch=main")
        self.release("1.0.0", files)

    def release(self, version: str, changes: Changes) -> str:
        """Release new contents of files, where None removes a file, and return the tag."""
        put(self.path, changes)
        commit_everything(self.path, f"Release {version}", f"v{version}")
        return f"v{version}"

    def generate(self, path: Path, release: str = "v1.0.0", **answers: str) -> Path:
        """Generate a repository and commit it."""
        run_copy(self.url, path, data=answers, vcs_ref=release, defaults=True, quiet=True)
        git(path, "init", "--quiet", "--initial-branch=main")
        commit_everything(path, "Start")
        return path


def put(folder: Path, changes: Changes) -> None:
    """Write or remove files."""
    for name, content in changes.items():
        path = folder / name
        if content is None:
            path.unlink()
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content.encode() if isinstance(content, str) else content)
