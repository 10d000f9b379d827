"""Settings: params.yaml has what changes the result, the environment has addresses and secrets."""

from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Self

import yaml
from dotenv import load_dotenv
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from .errors import ProjectError
from .paths import PARAMS, REGISTRY

Seed = Annotated[int, Field(ge=0, lt=2**32)]  # the range that numpy accepts


class Section(BaseModel):
    """A section of params.yaml; keys that are not declared are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    @classmethod
    def load(cls, section: str, path: Path = PARAMS, *, is_optional: bool = False) -> Self:
        """Read a section and check it.

        Args:
            section: Name of the section; for one inside another, both names with a dot between.
            path: The file.
            is_optional: Whether a missing section has the defaults of all of its keys.

        Returns:
            What the section holds.

        Raises:
            ProjectError: If the section is missing or something in it is wrong.
        """
        try:
            return cls.model_validate(_read(section, path, {} if is_optional else None))
        except ValidationError as error:
            raise _refusal(error, section, path, list(cls.model_fields)) from error


def load_seed(name: str = "seed", path: Path = PARAMS) -> int:
    """Read the seed of the split and of everything random in the model, from 0 to 2**32 - 1."""
    try:
        return TypeAdapter(Seed).validate_python(_read(name, path))
    except ValidationError as error:
        raise _refusal(error, name, path) from error


def flat(tree: Mapping[str, object], prefix: str = "") -> Iterator[tuple[str, object]]:
    """Yield the values in nested sections, by their dotted names."""
    for name, value in tree.items():
        if isinstance(value, Mapping):
            yield from flat(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value


class Environment(BaseSettings):
    """Settings of one machine, from environment variables and `.env`.

    Attributes:
        mlflow_tracking_uri: Address of the server or database that holds the model registry.
    """

    model_config = SettingsConfigDict(env_ignore_empty=True)

    mlflow_tracking_uri: str = f"sqlite:///{REGISTRY.as_posix()}/mlflow.db"

    @classmethod
    def load(cls) -> Self:
        """Read `.env`, then the environment, which wins; MLflow finds its credentials there."""
        try:
            load_dotenv(Path(".env"))
        except UnicodeDecodeError as error:
            raise ProjectError(f".env is not in UTF-8: {error}") from None
        return cls()


def _read(section: str, path: Path, default: object = None) -> object:
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        message = f"there is no {path} here: run this in the root of the repository"
        raise ProjectError(message) from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        message = f"{path} is not valid YAML in UTF-8: {' '.join(str(error).split())}"
        raise ProjectError(message) from error
    for name in section.split("."):
        if isinstance(content, dict) and name in content:
            content = content[name]
        elif isinstance(content, dict) and default is not None:
            return default
        else:
            raise ProjectError(f"{path} has no section `{section}`")
    return content


def _refusal(
    error: ValidationError, section: str, path: Path, known: Sequence[str] = ()
) -> ProjectError:
    faults: list[str] = []
    for fault in error.errors():
        place = ".".join(map(str, (section, *fault["loc"])))
        near = get_close_matches(str(fault["loc"][-1]), known) if fault["loc"] else []
        meant = f", did you mean {near[0]}?" if near and fault["type"] == "extra_forbidden" else ""
        faults.append(f"{place}: {fault['msg'].removeprefix('Value error, ')}{meant}")
    return ProjectError(f"{path}: {'; '.join(faults)}")
