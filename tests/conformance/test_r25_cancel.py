"""R25: `cancel()` cancels what is in flight at once and rolls back."""

from __future__ import annotations

import asyncio

import pytest

from actorflow import (
    Cancelled,
    Failed,
    Halted,
    InvalidState,
    Recover,
    Retry,
    RunCancelled,
    Runtime,
    StepCancelled,
    Succeeded,
    TryAgain,
    UndoFailed,
    step,
    workflow,
)
from actorflow.testing import MockClock
from tests.conformance.seen import forever


async def test_cancel_stops_what_is_in_flight_at_once_and_rolls_back(clock: MockClock) -> None:
    """R25: `cancel()` cancels what's in flight at once and rolls back; the run ends *cancelled*, with the reason."""
    seen: list[str] = []
    begun = asyncio.Event()

    @step
    async def reserve() -> str:
        return "seat"

    @reserve.undo
    async def release(value: str) -> None:
        seen.append("release")

    @step
    async def charge(seat: str) -> str:
        begun.set()
        try:
            await forever()
        finally:
            seen.append(f"cancelled at {clock.monotonic():g}")

    @charge.compensate
    async def settle(error: Exception, seat: str) -> None:
        seen.append(f"settle {type(error).__name__}")

    @step
    async def after(charged: str) -> None:
        seen.append("after")

    @workflow
    def pay() -> None:
        after(charge(reserve()))

    async with Runtime(clock=clock) as runtime:
        run = await runtime.start(pay)
        await begun.wait()
        await clock.advance(3)
        await run.cancel("the customer left")
        assert await run.outcome() == Cancelled("the customer left", "complete", (), run.id)
        assert run.status() == "cancelled"
        with pytest.raises(RunCancelled, match="the customer left"):
            await run.result()
    assert seen == ["cancelled at 3", "settle StepCancelled", "release"]


async def test_a_cancelled_run_starts_no_other_attempt(clock: MockClock) -> None:
    """R25, R21: one that waited for another attempt is compensated, and not tried again."""
    seen: list[str] = []
    begun = asyncio.Event()

    @step
    async def again() -> None:
        seen.append("again")
        begun.set()
        raise TryAgain(LookupError("later"), after=10)

    @again.compensate
    async def settle(error: Exception) -> None:
        seen.append(f"settle {type(error).__name__}")

    @workflow
    def waiting() -> None:
        again()

    async with Runtime(clock=clock) as runtime:
        run = await runtime.start(waiting)
        await begun.wait()
        await clock.advance(1)
        await run.cancel()
        outcome = await run.outcome()
        assert clock.monotonic() == 1.0
    assert isinstance(outcome, Cancelled)
    assert seen == ["again", "settle LookupError"]


async def test_cancelling_the_callers_wait_does_not_cancel_the_run(clock: MockClock) -> None:
    """R25: cancelling the caller's wait doesn't cancel the run."""
    goes_on, begun = asyncio.Event(), asyncio.Event()

    @step
    async def slow() -> str:
        begun.set()
        await goes_on.wait()
        return "done"

    @workflow
    def work() -> str:
        return slow()

    async with Runtime(clock=clock) as runtime:
        calling = asyncio.create_task(runtime.options(run_id="w-1").run(work))
        await begun.wait()
        calling.cancel()
        await asyncio.wait({calling})
        assert calling.cancelled()
        run = runtime.get("w-1")
        waiting = asyncio.create_task(run.outcome())
        await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.wait({waiting})
        assert run.status() == "running"
        goes_on.set()
        assert await run.outcome() == Succeeded("done", "w-1")


async def test_unless_it_is_asked_to(clock: MockClock) -> None:
    """R25: … unless asked to: `cancel_with_caller=True`."""
    begun = asyncio.Event()

    @step
    async def slow() -> str:
        begun.set()
        return await forever()

    @workflow
    def work() -> str:
        return slow()

    async with Runtime(clock=clock) as runtime:
        calling = asyncio.create_task(runtime.options(run_id="w-1", cancel_with_caller=True).run(work))
        await begun.wait()
        calling.cancel()
        await asyncio.wait({calling})
        outcome = await runtime.get("w-1").outcome()
        assert calling.cancelled()
        assert isinstance(outcome, Cancelled) and "caller" in outcome.reason


async def test_a_second_cancel_never_interrupts_a_compensation_or_an_undo(clock: MockClock) -> None:
    """R25: a second cancel never interrupts a compensation or an undo, and changes nothing else."""
    seen: list[str] = []
    begun = asyncio.Event()
    compensating, undoing = asyncio.Event(), asyncio.Event()

    @step
    async def reserve() -> str:
        return "seat"

    @reserve.undo
    async def release(value: str) -> None:
        undoing.set()
        await clock.advance(5)
        seen.append("released")

    @step
    async def charge(seat: str) -> str:
        begun.set()
        return await forever()

    @charge.compensate
    async def settle(error: Exception, seat: str) -> None:
        compensating.set()
        await clock.advance(5)
        seen.append("settled")

    @workflow
    def pay() -> str:
        return charge(reserve())

    async with Runtime(clock=clock) as runtime:
        run = await runtime.start(pay)
        await begun.wait()
        await run.cancel("first")
        for moment in (compensating, undoing):
            await moment.wait()
            await run.cancel("second")
        outcome = await run.outcome()
    assert isinstance(outcome, Cancelled)
    assert (outcome.reason, outcome.rollback) == ("first", "complete")
    assert seen == ["settled", "released"]


async def test_cancel_hurries_a_rollback_that_still_waits_for_steps(clock: MockClock) -> None:
    """R25: in a run that is rolling back already what's in flight is cancelled at once; it ends as it would have."""
    seen: list[float] = []

    @step
    async def fail() -> None:
        raise ValueError

    @step
    async def endless() -> None:
        try:
            await forever()
        finally:
            seen.append(clock.monotonic())

    @workflow
    def siblings() -> None:
        endless()
        fail()

    async with Runtime(clock=clock) as runtime:
        run = await runtime.start(siblings)
        await clock.advance(1)
        assert run.status() == "rolling_back"
        await run.cancel()
        assert isinstance(await run.outcome(), Failed)
    assert seen == [1.0]


async def test_cancelling_a_run_that_is_halting_rolls_it_back(clock: MockClock) -> None:
    """R25: a run that is on its way to be halted can be cancelled."""

    @step
    async def endless() -> None:
        await forever()

    @workflow
    def work() -> None:
        endless()

    async with Runtime(clock=clock) as runtime:
        run = await runtime.start(work)
        await run.halt()
        await clock.advance(1)
        assert run.status() == "halting"
        await run.cancel()
        assert isinstance(await run.outcome(), Cancelled)
        assert clock.monotonic() == 1.0


async def test_halt_and_cancel_return_when_accepted(clock: MockClock) -> None:
    """R25: `halt()` and `cancel()` return when accepted, while steps still go on."""
    begun, goes_on = asyncio.Event(), asyncio.Event()
    seen: list[str] = []

    @step
    async def slow() -> None:
        begun.set()
        await goes_on.wait()

    @slow.undo
    async def undo(value: None) -> None:
        await goes_on.wait()
        seen.append("undone")

    @step
    async def next_one(after: None) -> None:
        await forever()

    @workflow
    def work() -> None:
        next_one(slow())

    async with Runtime(clock=clock) as runtime:
        halted = await runtime.start(work)
        await begun.wait()
        await halted.halt("later")
        assert clock.monotonic() == 0.0
        goes_on.set()
        assert isinstance(await halted.outcome(), Halted)

        run = await runtime.resume(work, halted.id)
        await clock.advance(1)
        goes_on.clear()
        await run.cancel()
        await clock.advance(1)
        assert (run.status(), seen) == ("rolling_back", [])
        goes_on.set()
        assert isinstance(await run.outcome(), Cancelled)
    assert seen == ["undone"]


@pytest.mark.parametrize("fails", [False, True])
async def test_undo_returns_when_done(clock: MockClock, fails: bool) -> None:
    """R25: `undo()` returns when done, raising `UndoFailed` if incomplete."""
    seen: list[str] = []

    @step
    async def part(name: str) -> str:
        return name

    @part.undo(retry=Retry(attempts=2))
    async def undo(value: str) -> None:
        await clock.advance(3)
        seen.append(value)
        if fails and value == "b":
            raise OSError("no b")

    @workflow
    def pair() -> list[str]:
        return [part("a"), part("b")]

    async with Runtime(clock=clock) as runtime:
        run = await runtime.options(reversible=True).start(pair)
        await run.result()
        if fails:
            with pytest.raises(UndoFailed) as failed:
                await run.undo()
            assert [(error.node, error.phase, error.attempt) for error in failed.value.errors] == [
                ("part_2", "undo", 2)
            ]
            assert "part_2" in str(failed.value)
        else:
            await run.undo()
        assert seen == (["b", "b", "a"] if fails else ["b", "a"])
        assert run.status() == "undone"


async def test_on_a_run_that_has_ended_cancel_does_nothing_and_halt_is_refused(clock: MockClock) -> None:
    """R25: on a run that has ended `cancel()` does nothing and `halt()` raises `InvalidState`."""

    @step
    async def one() -> int:
        return 1

    @workflow
    def plain() -> int:
        return one()

    async with Runtime(clock=clock) as runtime:
        run = await runtime.start(plain)
        await run.result()
        await run.cancel()
        with pytest.raises(InvalidState, match="has ended"):
            await run.halt()
        assert await run.outcome() == Succeeded(1, run.id)
        assert run.status() == "succeeded"
        for _ in range(3):
            await (await runtime.start(plain)).result()
    async with Runtime(clock=clock, keep_finished=0) as runtime:
        run = await runtime.start(plain)
        await run.result()
        await run.cancel()
        with pytest.raises(InvalidState, match="has ended"):
            await run.halt()


async def test_cancelling_a_run_whose_step_recovers_still_rolls_back(clock: MockClock) -> None:
    """R25, R21: no answer of a compensation brings a cancelled run back."""
    seen: list[str] = []
    begun = asyncio.Event()

    @step
    async def charge() -> str:
        begun.set()
        return await forever()

    @charge.compensate
    async def settle(error: Exception) -> Recover[str] | None:
        assert isinstance(error, StepCancelled)
        return Recover("recovered")

    @charge.undo
    async def refund(value: str) -> None:
        seen.append(value)

    @workflow
    def pay() -> str:
        return charge()

    async with Runtime(clock=clock) as runtime:
        run = await runtime.start(pay)
        await begun.wait()
        await run.cancel()
        assert isinstance(await run.outcome(), Cancelled)
    assert seen == ["recovered"]
