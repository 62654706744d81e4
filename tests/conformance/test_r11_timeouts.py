"""R11: what a timeout covers, and what becomes of what outlives it."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest

from actorflow import (
    CompensationFailed,
    Failed,
    Fixed,
    Limit,
    Retry,
    Runtime,
    Skip,
    StepTimeout,
    TryAgain,
    UndoFailed,
    Workflow,
    step,
    step_context,
    workflow,
)
from actorflow.testing import MockClock


async def failed(runtime: Runtime, flow: Workflow[[], Any]) -> Failed:
    outcome = await (await runtime.start(flow)).outcome()
    assert isinstance(outcome, Failed)
    return outcome


# ── what it covers ──


async def test_it_covers_one_attempt(clock: MockClock) -> None:
    """R11: `timeout` covers one attempt: each has the whole of it."""

    @step(timeout=5.0)
    async def work() -> int:
        await asyncio.sleep(4.0)
        if step_context().attempt < 3:
            raise TryAgain(after=0.0)
        return step_context().attempt

    @workflow
    def patient() -> int:
        return work()

    async with Runtime(clock=clock) as runtime:
        assert await runtime.run(patient) == 3
    assert clock.monotonic() == 12.0


async def test_it_doesnt_cover_the_wait_for_permits(clock: MockClock) -> None:
    """R11: not the wait for permits."""
    gate = Limit("gate", at_most=1)

    @step(limit=gate)
    async def hold() -> None:
        await asyncio.sleep(20.0)

    @step(limit=gate, timeout=5.0)
    async def work() -> str:
        await asyncio.sleep(4.0)
        return "done"

    @workflow
    def queue() -> str:
        hold()
        return work()

    async with Runtime(clock=clock) as runtime:
        assert await runtime.run(queue) == "done"
    assert clock.monotonic() == 24.0


async def test_it_doesnt_cover_the_wait_for_a_thread(clock: MockClock) -> None:
    """R11: … or a thread: it runs from the attempt's start in its worker."""
    entered, go_on = asyncio.Event(), threading.Event()
    loop = asyncio.get_running_loop()

    @step
    def hold() -> None:
        loop.call_soon_threadsafe(entered.set)
        assert go_on.wait(10)

    @step(timeout=5.0)
    def work() -> str:
        return "done"

    @workflow
    def queue() -> str:
        hold()
        return work()

    async with Runtime(clock=clock, threads=1) as runtime:
        run = await runtime.start(queue)
        await entered.wait()
        await clock.advance(20.0)
        go_on.set()
        assert await run.result() == "done"


async def test_it_doesnt_cover_guards(clock: MockClock) -> None:
    """R11: not guards."""

    async def ponder() -> Skip[str] | None:
        await asyncio.sleep(20.0)
        return None

    @step(guards=[ponder], timeout=5.0)
    async def work() -> str:
        await asyncio.sleep(4.0)
        return "done"

    @workflow
    def guarded() -> str:
        return work()

    async with Runtime(clock=clock) as runtime:
        assert await runtime.run(guarded) == "done"
    assert clock.monotonic() == 24.0


async def test_it_doesnt_cover_backoff(clock: MockClock) -> None:
    """R11: not backoff."""

    @step(retry=Retry(on=(OSError,), backoff=Fixed(20.0)), timeout=5.0)
    async def work() -> str:
        if step_context().attempt == 1:
            raise OSError
        await asyncio.sleep(4.0)
        return "done"

    @workflow
    def again() -> str:
        return work()

    async with Runtime(clock=clock) as runtime:
        assert await runtime.run(again) == "done"
    assert clock.monotonic() == 24.0


# ── what outlives it ──


async def test_what_outlives_it_is_cancelled_and_fails(clock: MockClock) -> None:
    """R11: what outlives it is cancelled and fails with `StepTimeout`."""
    cancelled = []

    @step(timeout=5.0)
    async def work() -> None:
        try:
            await asyncio.sleep(20.0)
        except asyncio.CancelledError:
            cancelled.append(clock.monotonic())
            raise

    @workflow
    def late() -> None:
        work()

    async with Runtime(clock=clock) as runtime:
        error = (await failed(runtime, late)).error.__cause__
    assert cancelled == [5.0]
    assert clock.monotonic() == 5.0
    assert isinstance(error, StepTimeout)
    assert (error.node, error.timeout, error.late) == ("work", 5.0, None)


async def test_a_thread_that_outlives_it_fails_too(clock: MockClock) -> None:
    """R11: … in a thread as well, where it is told by `step_context().cancelled`."""
    entered, go_on = asyncio.Event(), threading.Event()
    loop = asyncio.get_running_loop()

    @step(timeout=5.0)
    def work() -> None:
        loop.call_soon_threadsafe(entered.set)
        assert go_on.wait(10)
        assert step_context().cancelled
        raise RuntimeError("gave up")

    @workflow
    def late() -> None:
        work()

    async with Runtime(clock=clock) as runtime:
        run = await runtime.start(late)
        await entered.wait()
        await clock.advance(6.0)
        go_on.set()
        outcome = await run.outcome()
    assert isinstance(outcome, Failed)
    assert isinstance(outcome.error.__cause__, StepTimeout)


async def test_it_is_a_failure_like_any_other(clock: MockClock) -> None:
    """R11: … a failure like any other: compensated, and what was done before is undone."""
    seen: list[Any] = []

    @step
    async def before() -> str:
        return "before"

    @before.undo
    async def take_back(value: str) -> None:
        seen.append(value)

    @step(timeout=5.0)
    async def work(value: str) -> None:
        await asyncio.sleep(20.0)

    @work.compensate
    async def settle(error: Exception, value: str) -> None:
        seen.append(type(error))

    @workflow
    def late() -> None:
        work(before())

    async with Runtime(clock=clock) as runtime:
        outcome = await failed(runtime, late)
    assert seen == [StepTimeout, "before"]
    assert outcome.rollback == "complete"


@pytest.mark.parametrize(("named", "attempts"), [((), 1), ((OSError,), 1), ((StepTimeout,), 3)])
async def test_it_is_tried_again_only_if_named(clock: MockClock, named: tuple[type[Exception]], attempts: int) -> None:
    """R11: … tried again only if named in `on=`."""
    began = []

    @step(retry=Retry(attempts=3, on=named, backoff=Fixed(1.0)), timeout=5.0)
    async def work() -> None:
        began.append(clock.monotonic())
        await asyncio.sleep(20.0)

    @workflow
    def late() -> None:
        work()

    async with Runtime(clock=clock) as runtime:
        outcome = await failed(runtime, late)
    assert isinstance(outcome.error.__cause__, StepTimeout)
    assert began == [0.0, 6.0, 12.0][:attempts]


# ── handlers ──


def handled(seconds: float, own: float | None) -> Workflow[[], None]:
    """A failing step and one to undo, both with a timeout of 5 s; their handlers take `seconds`, and have a timeout of `own`."""
    once = Retry(attempts=1)

    @step(timeout=5.0)
    async def done() -> str:
        return "done"

    @done.undo(retry=once, timeout=own)
    async def undo(value: str) -> None:
        await asyncio.sleep(seconds)

    @step(timeout=5.0)
    async def fail(value: str) -> None:
        raise ValueError

    @fail.compensate(retry=once, timeout=own)
    async def settle(error: Exception, value: str) -> None:
        await asyncio.sleep(seconds)

    @workflow
    def failing() -> None:
        fail(done())

    return failing


@pytest.mark.parametrize(("seconds", "own"), [(6.0, None), (3.0, 2.0)])
async def test_handlers_have_a_timeout(clock: MockClock, seconds: float, own: float | None) -> None:
    """R11: `compensate` and `undo` have the same timeout unless given theirs: what is longer is given up."""
    async with Runtime(clock=clock) as runtime:
        outcome = await failed(runtime, handled(seconds, own))
    assert outcome.rollback == "incomplete"
    assert [(each.node, each.phase, type(each.error)) for each in outcome.error.errors] == [
        ("fail", "run", ValueError),
        ("fail", "compensate", CompensationFailed),
        ("done", "undo", UndoFailed),
    ]
    assert [type(each.error.__cause__) for each in outcome.error.errors[1:]] == [StepTimeout, StepTimeout]
    assert clock.monotonic() == 2 * (own or 5.0)


@pytest.mark.parametrize(("seconds", "own"), [(4.0, None), (6.0, 7.0)])
async def test_handlers_that_are_in_time_succeed(clock: MockClock, seconds: float, own: float | None) -> None:
    """R11: … what is within it succeeds."""
    async with Runtime(clock=clock) as runtime:
        outcome = await failed(runtime, handled(seconds, own))
    assert outcome.rollback == "complete"
    assert [type(each.error) for each in outcome.error.errors] == [ValueError]


async def test_the_wait_of_a_sync_undo_for_a_thread_isnt_covered(clock: MockClock) -> None:
    """R11: not the wait for a thread, which holds for `undo` and `compensate` too."""
    occupied, let_go = asyncio.Event(), threading.Event()
    loop = asyncio.get_running_loop()
    undone: list[str] = []

    @step
    def occupy() -> None:
        loop.call_soon_threadsafe(occupied.set)
        let_go.wait()

    @step
    async def reserve() -> str:
        return "seat"

    @reserve.undo(timeout=1.0)
    def release(seat: str) -> None:
        undone.append(seat)

    @step
    async def fail(seat: str) -> None:
        await occupied.wait()
        raise ValueError(seat)

    @workflow
    def occupies() -> None:
        occupy()

    @workflow
    def books() -> None:
        fail(reserve())

    async with Runtime(clock=clock, threads=1) as runtime:
        other = await runtime.start(occupies)
        run = await runtime.start(books)
        await occupied.wait()
        await clock.advance(60.0)  # the only thread is taken, the undo waits for it
        assert run.status() == "rolling_back"
        let_go.set()
        outcome = await run.outcome()
        assert isinstance(outcome, Failed) and outcome.rollback == "complete"
        assert undone == ["seat"]
        await other.result()
