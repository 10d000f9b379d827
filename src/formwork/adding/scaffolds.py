"""All scaffolds, by the word that `add` takes."""

from collections.abc import Mapping

from formwork.adding.dataset import Dataset
from formwork.adding.decision import Decision
from formwork.adding.model import Model
from formwork.adding.notebook import Notebook
from formwork.adding.scaffold import Scaffold
from formwork.adding.stage import Stage

SCAFFOLDS: Mapping[str, type[Scaffold]] = {each.kind: each for each in (Stage, Dataset, Model, Notebook, Decision)}
