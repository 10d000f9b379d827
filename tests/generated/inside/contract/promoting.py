"""The gate keeps its error rate, and the registry has one champion whatever happens meanwhile.

This runs inside a generated repository, beside its own contract tests.
"""

import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from my_project.core.base import paths
from my_project.core.base.settings import Environment
from my_project.core.models.promotion import HeldOut, PromotionSettings, compare
from my_project.core.models.registry import Registry

from .conftest import NAME
from .test_versions import registry, two_versions

__all__ = ["registry", "two_versions"]

PAIRS, KILLS, AT_ONCE = (int(number) for number in os.environ.get("FORMWORK_VERSIONS", "16 2 3").split())
HEIGHT, MARGIN = 3000, 0.02

# Promotes and rolls back without end; each round goes through all states.
TURNING = f"""
from my_project.core.base.settings import Environment
from my_project.core.models import promote
from my_project.core.models.promotion import Gate, PromotionSettings
from my_project.core.models.registry import Registry

registry = Registry(Environment.load().mlflow_tracking_uri, "{NAME}")
gate = Gate(PromotionSettings(), None, None, None)
print("ready", flush=True)
while True:
    wanted = "2" if registry.champion() == "1" else "1"
    promote.run(registry, wanted, gate, "to turn")
    promote.roll_back(registry)
    promote.run(registry, wanted, gate, "to turn")
"""

# Compares for as long as it takes the others to have begun, too.
RACING = f"""
import sys, time
from pathlib import Path
import polars as pl
from my_project.core.base.errors import ProjectError
from my_project.core.base.settings import Environment
from my_project.core.models import promote
from my_project.core.models.promotion import Comparison, Gate, PromotionSettings
from my_project.core.models.registry import Registry

def wait(*_):
    Path("waiting", sys.argv[1]).touch()
    while len(list(Path("waiting").iterdir())) < int(sys.argv[2]):
        time.sleep(0.01)
    return Comparison("accuracy", 1, 0, 1, 1, 100, {{}}, ())

promote.promotion.compare = wait
promote.promotion.beats_baseline = lambda *_: (True, "")
promote._predicted = lambda version, *_: pl.DataFrame({{"prediction": [version.version]}})
registry = Registry(Environment.load().mlflow_tracking_uri, "{NAME}")
promote.run(registry, "2", Gate(PromotionSettings(), lambda: None, None, None))
"""


def accuracy(truth: pl.Series, predictions: pl.DataFrame) -> dict[str, float]:
    """Return the share of right predictions."""
    return {"accuracy": float(np.mean(truth.to_numpy() == predictions["prediction"].to_numpy()))}


def accepted(shares: tuple[float, float], *, margin: float, together: int = 1) -> int:
    """Count how many of simulated challengers are accepted.

    Args:
        shares: How often the challenger and the champion are right; of the rows that one of them gets wrong, the
            other mostly gets the same wrong.
        margin: The margin of the gate.
        together: How many rows in turn belong to one group, for which both give one answer.
    """
    settings = PromotionSettings(margin=margin)
    truth, count = pl.Series(np.ones(HEIGHT)), 0
    groups = np.arange(HEIGHT) // together if together > 1 else None
    for seed in range(PAIRS):
        draws = np.random.default_rng([seed, 1])  # the resamples have other draws
        hard = np.repeat(draws.random(HEIGHT // together), together)  # of the row, or of the group
        own = (np.repeat(draws.random(HEIGHT // together), together) for _ in shares)
        tables = [
            pl.DataFrame({"prediction": (np.where(luck < 0.8, hard, luck * 5 - 4) < share).astype(float)})
            for luck, share in zip(own, shares, strict=True)
        ]
        rows = HeldOut(pl.DataFrame(), pl.LazyFrame(), truth, pl.DataFrame(), groups, seed, {})
        count += not compare(*tables, rows, accuracy, settings).faults
    return count


@pytest.mark.parametrize("together", [1, 5])
def test_of_challengers_that_are_no_better_few_are_accepted(together: int) -> None:
    """At most 5 %, and twice the sampling error of so many pairs."""
    most = 0.05 * PAIRS + 2 * np.sqrt(0.05 * 0.95 * PAIRS)
    assert accepted((0.85, 0.85), margin=0, together=together) <= most
    assert accepted((0.87, 0.85), margin=MARGIN, together=together) <= most


def test_of_challengers_that_are_better_by_twice_the_margin_most_are_accepted() -> None:
    assert accepted((0.85 + 2 * MARGIN, 0.85), margin=MARGIN) >= 0.8 * PAIRS


def state(found: Registry) -> Mapping[str, object]:
    """Return the champion, which must be a single version with a decision, and those before it."""
    champion = str(found.champion())
    assert champion in {"1", "2"}
    return {"champion": champion, "before": found.champions_before(champion)}


def test_a_kill_leaves_one_champion_with_a_reason(registry: Registry) -> None:
    """The champion is the old or the new one, and the next command goes on from there."""
    registry.decide(registry.get("1"), {"is_accepted": True, "reason": "first version"})
    chance = random.Random(1)  # noqa: S311
    seen = set()
    for _ in range(KILLS):
        with subprocess.Popen([sys.executable, "-c", TURNING], stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout
            assert process.stdout.readline() == "ready\n"
            time.sleep(chance.random() / 2)
            process.kill()
        now = state(Registry(Environment.load().mlflow_tracking_uri, NAME))
        seen.add(now["champion"])
        decisions = registry.decisions(registry.get(str(now["champion"])))
        assert decisions[-1]["is_accepted"]
        assert decisions[-1]["reason"]
    assert seen == {"1", "2"} or KILLS < 10


def test_of_many_at_once_one_wins_and_the_others_are_told(registry: Registry) -> None:
    Path("waiting").mkdir()
    command = [sys.executable, "-c", RACING]
    racing = [
        subprocess.Popen([*command, str(number), str(AT_ONCE)], stderr=subprocess.PIPE, text=True)
        for number in range(AT_ONCE)
    ]
    said = [process.communicate()[1] for process in racing]
    assert [process.returncode for process in racing].count(0) == 1, said
    told = [text.splitlines()[-1] for process, text in zip(racing, said, strict=True) if process.returncode]
    meanwhile = "version 2 became the champion meanwhile, so nothing is changed: run this again"
    changing = "somebody else is changing the champion: run this again"
    assert all(line.endswith((meanwhile, changing)) for line in told), told
    assert state(registry) == {"champion": "2", "before": ["1"]}
    [decision] = registry.decisions(registry.get("2"))
    assert decision["against"] == "1"
    assert json.loads(json.dumps(decision)) == decision
    assert paths.REGISTRY.exists() or Environment.load().mlflow_tracking_uri.startswith("http")
