"""Time, and being stopped, in worker processes (R11, R12, R16, R21, R25)."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from actorflow import Cancelled, Failed, Fixed, Halted, Retry, Runtime, StepCancelled, StepTimeout, step, workflow
from actorflow.facts import StepEntered
from actorflow.testing import MockClock
from tests.runtime import slow_to_import
from tests.runtime import steps_in_workers as steps
from tests.runtime.door import Door

ASKED: list[str] = []


@steps.wait_at.compensate
def asked(error: Exception, path: str) -> None:
    ASKED.append(type(error).__name__)


@workflow
def waiting(path: str) -> str:
    return steps.wait_at(path)


@workflow
def hurrying(path: str) -> str:
    return steps.wait_at.options(timeout=5.0)(path)


@pytest.fixture(autouse=True)
def _asked() -> None:
    ASKED.clear()


@pytest.fixture
async def door(tmp_path: Path) -> AsyncIterator[Door]:
    async with Door(tmp_path / "door") as door:
        yield door


def is_gone(door: Door) -> bool:
    """Whether the process that knocked last has ended."""
    try:
        os.kill(int(door.said), 0)
    except ProcessLookupError:
        return True
    return False


async def test_the_way_into_the_worker_takes_none_of_its_time(
    clock: MockClock, door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    """R11: a timeout runs from the attempt's start in its worker, not from when the worker was asked for."""

    @workflow
    def importing() -> str:
        return slow_to_import.work()

    monkeypatch.setenv(slow_to_import.DOOR, door.path)
    entered: list[float] = []
    async with Runtime(clock=clock) as runtime:
        runtime.subscribe(lambda event: entered.append(event.monotonic), StepEntered)
        run = await runtime.start(importing)
        await door.there.wait()
        await clock.advance(100.0)
        door.open()
        assert await run.result() == "done"
    assert entered == [100.0]


async def test_within_its_time_it_succeeds(clock: MockClock, door: Door) -> None:
    """R11"""
    async with Runtime(clock=clock) as runtime:
        run = await runtime.start(hurrying, door.path)
        await door.there.wait()
        await clock.advance(4.9)
        door.open()
        assert await run.result() == "open"


async def test_what_outlives_its_time_is_killed_and_compensated(clock: MockClock, door: Door) -> None:
    """R11, R12, R18: a worker has no grace: it's over at once."""
    async with Runtime(clock=clock) as runtime:
        run = await runtime.start(hurrying, door.path)
        await door.there.wait()
        began = clock.monotonic()
        await clock.advance(5.0)
        outcome = await run.outcome()
        assert is_gone(door)
        assert clock.monotonic() == began + 5.0
    assert isinstance(outcome, Failed)
    error = outcome.error.__cause__
    assert isinstance(error, StepTimeout)
    assert (error.node, error.timeout, error.late) == ("wait_at", 5.0, None)
    assert ASKED == ["StepTimeout"]
    assert outcome.rollback == "complete"


async def test_another_attempt_has_another_worker_and_all_its_time(clock: MockClock, door: Door) -> None:
    """R11, R12: each attempt has the whole of its timeout."""

    @workflow
    def trying(path: str) -> str:
        retry = Retry(attempts=2, on=(StepTimeout,), backoff=Fixed(1.0))
        return steps.wait_at.options(timeout=5.0, retry=retry)(path)

    async with Runtime(clock=clock) as runtime:
        run = await runtime.start(trying, door.path)
        await door.there.wait()
        first = door.said
        door.there.clear()
        await clock.advance(5.0)
        await door.there.wait()
        await clock.advance(4.9)
        assert door.said != first
        door.open()
        assert await run.result() == "open"
    assert ASKED == []


async def test_a_cancelled_run_kills_its_worker_at_once(clock: MockClock, door: Door) -> None:
    """R12, R25, R21: what it was in the middle of is compensated."""
    async with Runtime(clock=clock) as runtime:
        run = await runtime.start(waiting, door.path)
        await door.there.wait()
        await run.cancel("enough")
        outcome = await run.outcome()
        assert is_gone(door)
    assert isinstance(outcome, Cancelled)
    assert (outcome.rollback, outcome.errors) == ("complete", ())
    assert ASKED == ["StepCancelled"]
    assert clock.monotonic() == 0.0


async def test_a_run_cancelled_before_its_worker_entered_the_step_compensates_nothing(
    clock: MockClock, door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    """R21: … if its own code was ever entered."""

    @workflow
    def importing() -> str:
        return slow_to_import.work()

    monkeypatch.setenv(slow_to_import.DOOR, door.path)
    async with Runtime(clock=clock) as runtime:
        run = await runtime.start(importing)
        await door.there.wait()
        await run.cancel()
        outcome = await run.outcome()
        assert is_gone(door)
    assert isinstance(outcome, Cancelled)
    assert outcome.rollback == "none"


async def test_a_rollback_kills_what_doesnt_settle(clock: MockClock, door: Door) -> None:
    """R21: a sibling's failure leaves it `settle_timeout`; then it's cancelled, and compensated."""

    @step
    async def fail() -> None:
        await door.there.wait()
        raise ValueError

    @workflow
    def beside_a_failure(path: str) -> str:
        fail()
        return steps.wait_at(path)

    async with Runtime(clock=clock, settle_timeout=3.0) as runtime:
        run = await runtime.start(beside_a_failure, door.path)
        await door.there.wait()
        await clock.advance(3.0)
        outcome = await run.outcome()
        assert is_gone(door)
    assert isinstance(outcome, Failed)
    assert isinstance(outcome.error.__cause__, ValueError)
    assert ASKED == [StepCancelled.__name__]


async def test_a_halted_run_runs_it_again_with_the_same_key(clock: MockClock, door: Door) -> None:
    """R16: interrupted, it keeps its number and isn't compensated; on resume it runs again."""
    async with Runtime(clock=clock, halt_timeout=3.0) as runtime:
        run = await runtime.start(waiting, door.path)
        await door.there.wait()
        await run.halt()
        await clock.advance(3.0)
        outcome: Any = await run.outcome()
        assert isinstance(outcome, Halted)
        assert is_gone(door)
        door.there.clear()
        again = await runtime.resume(waiting, run.id)
        await door.there.wait()
        door.open()
        assert await again.result() == "open"
    assert ASKED == []
