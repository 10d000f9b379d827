"""Both engines through their Python interfaces, which are faster than their command lines."""

import re
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
from cookiecutter.exceptions import CookiecutterException  # type: ignore[import-untyped]
from cookiecutter.main import cookiecutter  # type: ignore[import-untyped]
from copier import run_copy

from tests.harness import tree


@dataclass(frozen=True)
class Engines:
    """Generates with either engine, and returns the messages of errors."""

    template: Path
    folder: Path
    captured: pytest.CaptureFixture[str]

    def copier(self, answers: Mapping[str, str]) -> Path:
        """Generate with copier."""
        with warnings.catch_warnings(action="ignore"):
            run_copy(str(self.template), self.folder / "copier", data=dict(answers), defaults=True, quiet=True)
        return self.folder / "copier"

    def cookiecutter(self, answers: Mapping[str, str]) -> Path:
        """Generate with cookiecutter, without any settings of the person who runs the tests."""
        out = self.folder / "cookiecutter"
        context = as_typed(answers)
        return Path(cookiecutter(str(self.template), no_input=True, extra_context=context, output_dir=str(out)))

    def complaint_of_copier(self, answers: Mapping[str, str]) -> str:
        """Take the message from copier's exception, which its command line prints at the end."""
        with pytest.raises(ValueError, match=r"Validation error|Invalid choice") as error:
            self.copier(answers)
        assert not (self.folder / "copier").exists()
        return re.sub(r"^Validation error for question '(\w+)':", r"\1:", str(error.value))

    def complaint_of_cookiecutter(self, answers: Mapping[str, str]) -> str:
        """Take the one line that the hook printed, or cookiecutter's own about a choice."""
        out = self.folder / "cookiecutter"
        self.captured.readouterr()
        with pytest.raises((CookiecutterException, ValueError)) as error:
            self.cookiecutter(answers)
        assert not out.exists() or tree(out) == {}
        lines = [line for line in self.captured.readouterr().err.splitlines() if line.startswith("error: ")]
        assert len(lines) <= 1
        return lines[0].removeprefix("error: ") if lines else str(error.value)


def as_typed(answers: Mapping[str, str]) -> dict[str, str]:
    """Protect answers from cookiecutter, which renders what is given on its command line but not what is typed."""
    marks = {name: re.search(r"\{[{%#]", answer) for name, answer in answers.items()}
    return {name: f"{{% raw %}}{text}{{% endraw %}}" if marks[name] else text for name, text in answers.items()}
