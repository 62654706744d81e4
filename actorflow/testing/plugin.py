"""The pytest plugin: fixtures for whoever tests workflows, loaded by itself where ActorFlow is installed.

- `clock`: a `MockClock`, installed on the test's loop;
- `runtime`: an open `Runtime` on that clock; values are decoded, the seed is 0, and `history(run)` tells what happened;
- `make_runtime`: opens more of them, with options: `async with make_runtime(threads=2) as runtime: ...`;
- `faults`: `Faults` that are injected into `runtime`;
- `sequencer`: a `Sequencer`;
- `no_leaks`: fails the test if it leaves a task, a thread or a child process. To have it for all tests, in `conftest.py`:

        @pytest.fixture(autouse=True)
        def _clean(no_leaks: None) -> None: ...

ActorFlow is imported when a fixture is used, not before: a project without a workflow in its tests pays nothing for it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING, Any, TypeVar, cast

import pytest

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager

    from actorflow.runtime import Runtime
    from actorflow.testing.clock import MockClock
    from actorflow.testing.faults import Faults
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
def make_runtime(clock: MockClock) -> Callable[..., AbstractAsyncContextManager[Runtime]]:
    """Opens runtimes on the mock clock, for `async with`; their options are those of `Runtime`."""
    from actorflow.testing.runtimes import open_runtime

    return partial(open_runtime, clock=clock)


@_async_fixture
async def runtime(make_runtime: Callable[..., AbstractAsyncContextManager[Runtime]]) -> AsyncIterator[Runtime]:
    """An open runtime on the mock clock, values decoded, seed 0, all its runs recorded for `history(run)`."""
    async with make_runtime() as opened:
        yield opened


@_async_fixture
async def faults(runtime: Runtime) -> Faults:
    """Faults that strike in the runs of `runtime`."""
    from actorflow.testing.injection import inject

    return inject(runtime)


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


def pytest_assertrepr_compare(op: str, left: object, right: object) -> list[str] | None:
    """Shows a history beside what was expected, line by line."""
    from difflib import ndiff

    texts = _texts_of(left), _texts_of(right)
    if op != "==" or texts[0] is None or texts[1] is None or not any(map(_is_history, (left, right))):
        return None
    lines = (line for line in ndiff(texts[1], texts[0]) if not line.startswith("?"))
    return ["the history isn't what was expected (- expected, + happened)", *lines]


def _is_history(thing: object) -> bool:
    return type(thing).__module__ == "actorflow.testing.histories" and type(thing).__name__ == "History"


def _texts_of(thing: Any) -> list[str] | None:
    if _is_history(thing):
        texts: list[str] = thing.texts
        return texts
    if isinstance(thing, (list, tuple)):
        items = cast("Sequence[object]", thing)
        return [str(item) for item in items]
    return None
