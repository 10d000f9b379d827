"""The estimator and its baseline."""

import numpy as np
import polars as pl
from lightgbm import LGBMClassifier
from pydantic import Field
from sklearn.compose import make_column_transformer
from sklearn.dummy import DummyClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OrdinalEncoder

from .core.base.estimators import Classifier
from .core.base.settings import Section
from .schema import Row

CATEGORIES = [Row.carrier, Row.origin, Row.dest]

# Types that skops does not know as safe: read the code of a type before you add its name.
TRUSTED_TYPES = [
    "collections.OrderedDict",
    "lightgbm.basic.Booster",
    "lightgbm.sklearn.LGBMClassifier",
]


class ModelSettings(Section):
    """Section `model` of params.yaml.

    Attributes:
        learning_rate: Weight of each tree.
        max_iterations: Number of trees.
    """

    learning_rate: float = Field(gt=0)
    max_iterations: int = Field(gt=0)


def build(settings: ModelSettings, seed: int) -> Classifier:
    """Build the estimator, which is not fitted yet.

    Args:
        settings: Section `model` of params.yaml.
        seed: Seed of everything random in the estimator.

    Returns:
        An estimator that numbers the categories, then boosts trees.
    """
    numbered = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=np.nan)
    model: Classifier = make_pipeline(
        make_column_transformer((numbered, CATEGORIES), remainder="passthrough"),
        LGBMClassifier(
            categorical_column=list(range(len(CATEGORIES))),  # they come first now
            learning_rate=settings.learning_rate,
            n_estimators=settings.max_iterations,
            random_state=seed,
            n_jobs=1,  # the model file names it, so it is the same on every machine
            verbose=-1,
        ),
    )
    return model


def baseline() -> Classifier:
    """Build what the estimator has to beat: it predicts the frequencies of the classes."""
    model: Classifier = DummyClassifier(strategy="prior")
    return model


def predict(model: Classifier, features: pl.DataFrame) -> pl.DataFrame:
    """Predict a class, and the probability of each.

    Args:
        model: A fitted estimator.
        features: The inputs, as `features.py` makes them.

    Returns:
        Column `prediction`, and a column `probability_<class>` for each class.
    """
    probabilities = model.predict_proba(features)
    classes = pl.Series(model.classes_).cast(pl.String)  # as polars writes them: `true`, not `True`
    return pl.DataFrame({"prediction": model.predict(features)}).with_columns(
        pl.Series(f"probability_{name}", probabilities[:, column])
        for column, name in enumerate(classes)
    )
