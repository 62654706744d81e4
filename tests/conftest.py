"""All our own tests: the kit's fixtures, and none of them may leave anything behind."""

from __future__ import annotations

from importlib.metadata import entry_points

import pytest

pytest_plugins = ["pytester"]

# Modules with asserts that tests of several folders use: before the first of them is imported.
pytest.register_assert_rewrite("tests.nested.played")

# Where ActorFlow isn't installed, pytest hasn't loaded its plugin by itself.
if not entry_points(group="pytest11", name="actorflow.testing.plugin"):
    pytest_plugins.append("actorflow.testing.plugin")


@pytest.fixture(autouse=True)
def _nothing_left(no_leaks: None) -> None:
    """Leaks fail the test, by name."""
