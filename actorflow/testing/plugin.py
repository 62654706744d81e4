"""The pytest plugin: fixtures for whoever tests workflows, loaded by itself where ActorFlow is installed.

- `clock`: a `MockClock`, installed on the test's loop;
- `sequencer`: a `Sequencer`;
- `no_leaks`: fails the test if it leaves a task, a thread or a child process. To have it for all tests, in `conftest.py`:

        @pytest.fixture(autouse=True)
        def _clean(no_leaks: None) -> None: ...

ActorFlow is imported when a fixture is used, not before: a project without a workflow in its tests pays nothing for it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from importlib import import_module
from typing import TYPE_CHECKING, Any, TypeVar

import pytest

if TYPE_CHECKING:
    from actorflow.testing.clock import MockClock
    from actorflow.testing.sequencer import Sequencer

F = TypeVar("F", bound=Callable[..., Any])


def _async_fixture(function: F) -> F:
    """An async fixture: through pytest-asyncio, in both its modes, or whichever plugin takes plain ones (anyio's does)."""
    try:
        fixture: Any = import_module("pytest_asyncio").fixture
    except ImportError:
        fixture = pytest.fixture
    decorated: F = fixture(function)
    return decorated


@_async_fixture
async def clock() -> AsyncIterator[MockClock]:
    """A mock clock on the test's loop: it jumps when everybody waits."""
    from actorflow.testing.clock import MockClock

    with MockClock().installed() as installed:
        yield installed


@pytest.fixture
def sequencer() -> Sequencer:
    """Numbered places, to put racing tasks in a stated order."""
    from actorflow.testing.sequencer import Sequencer

    return Sequencer()


@_async_fixture
async def _no_tasks_left() -> AsyncIterator[None]:
    from actorflow.testing.leaks import tasks_left

    before = asyncio.all_tasks()
    yield
    _fail_if(tasks_left(before))


@pytest.fixture
def no_leaks(request: pytest.FixtureRequest) -> Iterator[None]:
    """Fails the test if a task, a thread or a child process is left when all its other fixtures have ended."""
    from actorflow.testing.leaks import Outside

    outside = Outside()
    test: pytest.Item = request.node  # pyright: ignore[reportUnknownMemberType]
    if test.get_closest_marker("asyncio") or test.get_closest_marker("anyio"):
        request.getfixturevalue("_no_tasks_left")
    yield
    _fail_if(outside.left())


def _fail_if(left: list[str]) -> None:
    if left:
        pytest.fail("the test left behind:\n" + "\n".join(f"  - {what}" for what in left), pytrace=False)
