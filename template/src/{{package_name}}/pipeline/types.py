"""What the modules expect of each other."""

from typing import Protocol

import numpy as np
import polars as pl
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict


class Section(BaseModel):
    """A section of params.yaml: a key that is not declared is refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Estimator(Protocol):
    """An estimator of scikit-learn, which has no types of its own."""

    def fit(self, features: pl.DataFrame, target: pl.Series) -> object:
        """Fit in place."""

    def predict(self, features: pl.DataFrame) -> NDArray[np.generic]:
        """Predict one value a row."""

    def get_params(self) -> dict[str, object]:
        """Give the parameters, those of the parts included."""


class Classifier(Estimator, Protocol):
    """An estimator that knows the probability of each class."""

    classes_: NDArray[np.str_]

    def predict_proba(self, features: pl.DataFrame) -> NDArray[np.float64]:
        """Predict probabilities, shape (rows, classes)."""
