"""Settings: science from params.yaml, addresses and secrets from the environment."""

from pathlib import Path
from typing import Self

import yaml
from dotenv import load_dotenv
from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings

from .features import FeatureSettings
from .model import ModelSettings
from .pipeline.errors import ProjectError
from .pipeline.files import PARAMS, REGISTRY
from .pipeline.types import Section
from .source import SourceSettings


class ValidationSettings(Section):
    """Section `validation` of params.yaml.

    Attributes:
        max_quarantined_share: More bad rows than this share of all stop the pipeline.
    """

    max_quarantined_share: float = Field(ge=0, le=1)


class SplitSettings(Section):
    """Section `split` of params.yaml.

    Attributes:
        test_share: Share of rows that only `evaluate` sees.
        together_by: Rows that agree in these columns stay on one side; none: all inputs.
    """

    test_share: float = Field(gt=0, lt=1)
    together_by: list[str]


class Params(Section):
    """All of params.yaml. A key that is not declared is refused.

    Attributes:
        seed: Of the split and of everything random in the model.
        source: See `source.py`.
        validation: How much bad data is too much.
        split: Which rows train and which test.
        features: See `features.py`.
        model: See `model.py`.
    """

    seed: int = Field(ge=0)
    source: SourceSettings
    validation: ValidationSettings
    split: SplitSettings
    features: FeatureSettings
    model: ModelSettings

    @classmethod
    def load(cls, path: Path = PARAMS) -> Self:
        """Read params.yaml.

        Args:
            path: The file.

        Returns:
            Its content, checked.

        Raises:
            ProjectError: If it is missing, no YAML, or holds anything that is not declared.
        """
        try:
            return cls.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
        except FileNotFoundError:
            message = f"there is no {path} here: run this in the root of the repository"
            raise ProjectError(message) from None
        except yaml.YAMLError as error:
            message = f"{path} is not valid YAML: {' '.join(str(error).split())}"
            raise ProjectError(message) from error
        except ValidationError as error:
            faults = (
                f"{'.'.join(map(str, fault['loc'])) or 'the file'}: {fault['msg']}"
                for fault in error.errors()
            )
            raise ProjectError(f"{path}: {'; '.join(faults)}") from error


class Environment(BaseSettings):
    """What the environment and `.env` say.

    Attributes:
        mlflow_tracking_uri: Where models are tracked and registered.
    """

    mlflow_tracking_uri: str = f"sqlite:///{REGISTRY.as_posix()}/mlflow.db"

    @classmethod
    def load(cls) -> Self:
        """Read `.env`, then the environment, which wins; MLflow finds its credentials there."""
        load_dotenv(Path(".env"))
        return cls()
