"""The tests of promoting, on a server."""

import pytest
from my_project.core.models.registry import Registry

from . import server
from .conftest import NAME, another_run, commit, register_run
from .server import empty_registry
from .test_promoting import test_of_many_at_once_one_wins_and_the_others_are_told
from .test_versions import (
    beaten,
    test_a_reason_goes_round_the_gate_and_is_kept,
    test_a_version_is_shown_whole,
    test_rollback_goes_back_each_time,
    test_the_decision_is_kept_with_its_numbers,
    test_the_first_version_is_the_champion_if_it_beats_the_baseline,
    test_versions_are_listed_with_the_metric_that_decides,
    test_versions_differ_in_what_was_changed,
    test_whoever_comes_second_is_told,
)

__all__ = [
    "beaten",
    "empty_registry",
    "test_a_reason_goes_round_the_gate_and_is_kept",
    "test_a_version_is_shown_whole",
    "test_of_many_at_once_one_wins_and_the_others_are_told",
    "test_rollback_goes_back_each_time",
    "test_the_decision_is_kept_with_its_numbers",
    "test_the_first_version_is_the_champion_if_it_beats_the_baseline",
    "test_versions_are_listed_with_the_metric_that_decides",
    "test_versions_differ_in_what_was_changed",
    "test_whoever_comes_second_is_told",
]


@pytest.fixture
def registry(empty_registry: str) -> Registry:
    """Return a registry whose champion is version 1, and whose challenger is version 2."""
    assert empty_registry == server.ADDRESS
    register_run()
    found = Registry(empty_registry, NAME)
    found.make_champion(found.get("1"), [])
    another_run()
    commit("Another run")
    register_run()
    return found
