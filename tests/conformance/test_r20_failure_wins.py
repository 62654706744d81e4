"""R20: a failure that stands starts the rollback, and wins over a halt."""

from __future__ import annotations

import asyncio

import pytest

from actorflow import Failed, Halt, Halted, InvalidState, Recover, RunFailed, Runtime, Succeeded, step, workflow
from actorflow.testing import MockClock
from tests.conformance.seen import History


async def test_a_failure_that_stands_starts_the_rollback(clock: MockClock) -> None:
    """R20: a failure that stands starts the rollback: the whole history of a small one."""

    @step
    async def reserve() -> str:
        return "seat"

    @reserve.undo
    async def release(value: str) -> None: ...

    @step
    async def charge(seat: str) -> str:
        raise ValueError("declined")

    @workflow
    def pay() -> str:
        return charge(reserve())

    async with Runtime(clock=clock) as runtime:
        history = History(runtime)
        with pytest.raises(RunFailed):
            await runtime.run(pay)
    assert history.lines == [
        ("RunStarted", "", 0),
        ("StepScheduled", "reserve", 0),
        ("StepStarted", "reserve", 1),
        ("StepSucceeded", "reserve", 1),
        ("StepScheduled", "charge", 0),
        ("StepStarted", "charge", 1),
        ("AttemptFailed", "charge", 1),
        ("StepGaveUp", "charge", 1),
        ("RollbackStarted", "", 0),
        ("UndoStarted", "reserve", 1),
        ("StepUndone", "reserve", 1),
        ("RunEnded", "", 0),
    ]


@pytest.mark.parametrize("asked", [False, True])
async def test_a_failure_before_the_halt_is_recorded_wins_over_it(clock: MockClock, asked: bool) -> None:
    """R20: a failure at any time before the run is recorded as halted wins over a halt, raised by a step or asked for."""
    seen: list[str] = []
    begun = asyncio.Event()

    @step
    async def pause() -> str:
        begun.set()
        if not asked:
            raise Halt("paused")
        return "done"

    @pause.undo
    async def unpause(value: str) -> None:
        seen.append(f"undo {value}")

    @step
    async def fail() -> None:
        await clock.advance(2)
        seen.append("fail")
        raise ValueError("no")

    @workflow
    def siblings() -> None:
        pause()
        fail()

    async with Runtime(clock=clock) as runtime:
        run = await runtime.start(siblings)
        await begun.wait()
        if asked:
            await run.halt("for the night")
        outcome = await run.outcome()
    assert isinstance(outcome, Failed) and outcome.rollback == "complete"
    assert seen == ["fail", "undo done" if asked else "undo paused"]


@pytest.mark.parametrize("recovers", [False, True])
async def test_a_halt_waits_for_compensations_that_have_begun(clock: MockClock, recovers: bool) -> None:
    """R20: compensations begun are finished first; then a failure that stands wins over the halt, a recovery doesn't."""
    seen: list[str] = []
    begun, goes_on = asyncio.Event(), asyncio.Event()

    @step
    async def charge() -> str:
        raise ValueError("declined")

    @charge.compensate
    async def settle(error: Exception) -> Recover[str] | None:
        begun.set()
        await goes_on.wait()
        seen.append("settled")
        return Recover("recovered") if recovers else None

    @step
    async def tell(value: str) -> str:
        seen.append(f"tell {value}")
        return value

    @workflow
    def pay() -> str:
        return tell(charge())

    async with Runtime(clock=clock) as runtime:
        run = await runtime.start(pay)
        await begun.wait()
        await run.halt()
        await clock.advance(100)
        assert (run.status(), seen) == ("halting", [])
        goes_on.set()
        outcome = await run.outcome()
        assert seen == ["settled"]
        if recovers:
            assert isinstance(outcome, Halted)
            assert await (await runtime.resume(pay, run.id)).outcome() == Succeeded("recovered", run.id)
        else:
            assert isinstance(outcome, Failed)


async def test_compensations_begun_are_finished_before_anything_is_undone(clock: MockClock) -> None:
    """R20: compensations that had begun before the failure are finished first, and their answers count."""
    seen: list[str] = []
    begun = asyncio.Event()

    @step
    async def charge() -> str:
        raise ValueError("declined")

    @charge.compensate
    async def settle(error: Exception) -> Recover[str] | None:
        begun.set()
        await clock.advance(50)
        seen.append("settled")
        return Recover("recovered")

    @charge.undo
    async def refund(value: str) -> None:
        seen.append(f"refund {value}")

    @step
    async def fail() -> None:
        await begun.wait()
        seen.append("fail")
        raise LookupError("no")

    @workflow
    def pay() -> None:
        charge()
        fail()

    async with Runtime(clock=clock) as runtime:
        outcome = await (await runtime.start(pay)).outcome()
    assert isinstance(outcome, Failed) and isinstance(outcome.error.__cause__, LookupError)
    assert seen == ["fail", "settled", "refund recovered"]


async def test_halting_a_run_that_is_rolling_back_is_refused(clock: MockClock) -> None:
    """R20: `halt()` on a run that is rolling back is refused."""
    undoing, goes_on = asyncio.Event(), asyncio.Event()

    @step
    async def reserve() -> str:
        return "seat"

    @reserve.undo
    async def release(value: str) -> None:
        undoing.set()
        await goes_on.wait()

    @step
    async def fail(seat: str) -> str:
        raise ValueError("no")

    @workflow
    def pay() -> str:
        return fail(reserve())

    async with Runtime(clock=clock) as runtime:
        run = await runtime.start(pay)
        await undoing.wait()
        assert run.status() == "rolling_back"
        with pytest.raises(InvalidState, match="rolled back"):
            await run.halt()
        goes_on.set()
        assert isinstance(await run.outcome(), Failed)
