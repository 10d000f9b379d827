"""The tests of the registry that say nothing about its files, on a server."""

import pytest
from my_project.core.models.registry import Registry

from .conftest import NAME, register_run
from .server import empty_registry
from .test_registry import (
    test_a_run_is_registered_once,
    test_a_version_does_not_list_packages_that_did_not_train_it,
    test_a_version_of_an_unclean_tree_stays_unclean,
    test_lineage_can_be_derived_again,
    test_prediction_reaches_what_evaluation_reported,
    test_rows_that_break_the_schema_get_a_reason,
    test_what_the_model_does_not_depend_on_makes_no_version,
)

__all__ = [
    "empty_registry",
    "test_a_run_is_registered_once",
    "test_a_version_does_not_list_packages_that_did_not_train_it",
    "test_a_version_of_an_unclean_tree_stays_unclean",
    "test_lineage_can_be_derived_again",
    "test_prediction_reaches_what_evaluation_reported",
    "test_rows_that_break_the_schema_get_a_reason",
    "test_what_the_model_does_not_depend_on_makes_no_version",
]


@pytest.fixture
def registry(empty_registry: str) -> Registry:
    """Return a registry that holds the finished run as version 1."""
    register_run()
    found = Registry(empty_registry, NAME)
    found.make_champion(found.get("1"), [])
    return found


@pytest.mark.parametrize("name", ["version.json", "SHA256SUMS"])
def test_a_copy_that_was_damaged_is_fetched_again(registry: Registry, name: str) -> None:
    version = registry.get("1")
    file = registry.bundle(version).folder / name
    content = file.read_bytes()
    file.write_bytes(content[:-1])
    assert registry.bundle(version).folder == file.parent
    assert file.read_bytes() == content
