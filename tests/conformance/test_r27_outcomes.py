"""R27: how a run ends: a closed union, and what `result()` makes of it."""

from __future__ import annotations

import asyncio
from typing import Any, assert_never

import pytest

from actorflow import (
    Cancelled,
    Failed,
    Halt,
    Halted,
    Outcome,
    Run,
    RunCancelled,
    RunFailed,
    RunHalted,
    Runtime,
    Succeeded,
    Workflow,
    step,
    workflow,
)
from actorflow.testing import MockClock
from tests.conformance.seen import forever


@step
async def reserve() -> str:
    return "seat"


@reserve.undo
async def release(value: str) -> None: ...


@step
async def end(seat: str, how: str) -> str:
    match how:
        case "fails":
            raise ValueError("no")
        case "halts":
            raise Halt("paused")
        case "hangs":
            return await forever()
        case _:
            return how


@workflow
def trip(how: str) -> str:
    return end(reserve(), how)


TRIP: Workflow[[str], str] = trip


async def ended(runtime: Runtime, clock: MockClock, how: str) -> Run[str]:
    run = await runtime.options(run_id=f"r-{how}").start(TRIP, how)
    if how == "hangs":
        await clock.advance(1)
        await run.cancel("enough")
    await run.outcome()
    return run


def told(outcome: Outcome[str]) -> tuple[object, ...]:
    match outcome:
        case Succeeded(value, run_id):
            return value, run_id
        case Failed(error, rollback, run_id):
            return str(error.__cause__), rollback, run_id
        case Halted(by, snapshot, run_id):
            return by, type(snapshot), run_id
        case Cancelled(reason, rollback, errors, run_id):
            return reason, rollback, errors, run_id
        case _:
            assert_never(outcome)


@pytest.mark.parametrize(
    ("how", "expected"),
    [
        ("succeeds", ("succeeds", "r-succeeds")),
        ("fails", ("no", "complete", "r-fails")),
        ("halts", ("end", bytes, "r-halts")),
        ("hangs", ("enough", "complete", (), "r-hangs")),
    ],
)
async def test_the_four_outcomes_each_with_its_run_id(clock: MockClock, how: str, expected: tuple[object, ...]) -> None:
    """R27: `Outcome[T] = Succeeded(value) | Failed(error, rollback) | Halted(by, snapshot) | Cancelled(reason, rollback, errors)`,
    each with `run_id`."""
    async with Runtime(clock=clock) as runtime:
        run = await ended(runtime, clock, how)
        assert told(await run.outcome()) == expected
        assert await run.outcome() is await run.outcome()


async def test_result_gives_the_value(clock: MockClock) -> None:
    """R27: `result()` gives the value."""
    async with Runtime(clock=clock) as runtime:
        assert await (await ended(runtime, clock, "succeeds")).result() == "succeeds"


@pytest.mark.parametrize(("how", "kind"), [("fails", RunFailed), ("halts", RunHalted), ("hangs", RunCancelled)])
async def test_result_raises_a_new_exception_object_at_each_call(clock: MockClock, how: str, kind: Any) -> None:
    """R27: … or raises `RunFailed`, `RunHalted`, `RunCancelled`: a new exception object each call, with the same in it."""
    async with Runtime(clock=clock) as runtime:
        run = await ended(runtime, clock, how)
        raised = []
        for _ in range(3):
            with pytest.raises(kind) as caught:
                await run.result()
            raised.append(caught.value)
    first, second, third = raised
    assert len({id(first), id(second), id(third)}) == 3
    assert str(first) == str(second) == str(third)
    assert first.__cause__ is second.__cause__
    assert vars(first) == vars(second)
    assert (first.run_id, first.workflow) == (f"r-{how}", "trip")


async def test_what_result_raises_carries_what_the_outcome_holds(clock: MockClock) -> None:
    """R27: the exceptions carry what the outcomes hold."""
    async with Runtime(clock=clock) as runtime:
        halted, cancelled = await ended(runtime, clock, "halts"), await ended(runtime, clock, "hangs")
        outcome = await halted.outcome()
        assert isinstance(outcome, Halted)
        with pytest.raises(RunHalted) as halt:
            await halted.result()
        assert (halt.value.by, halt.value.snapshot, halt.value.set_aside) == ("end", outcome.snapshot, ())
        with pytest.raises(RunCancelled) as cancel:
            await cancelled.result()
        assert (cancel.value.reason, cancel.value.rollback, cancel.value.errors) == ("enough", "complete", ())


async def test_all_who_wait_are_told(clock: MockClock) -> None:
    """R27: several may wait for the same run; each gets an exception object of its own."""
    async with Runtime(clock=clock) as runtime:
        run = await runtime.start(TRIP, "fails")
        results = await asyncio.gather(*(run.result() for _ in range(3)), return_exceptions=True)
    assert [type(result) for result in results] == [RunFailed] * 3
    assert len({id(result) for result in results}) == 3


async def test_the_errors_of_a_cancelled_run(clock: MockClock) -> None:
    """R27: `Cancelled(reason, rollback, errors)`: what went wrong while it was taken back."""

    @step
    async def stuck() -> str:
        return await forever()

    @stuck.compensate
    async def settle(error: Exception) -> None:
        raise OSError("bank closed")

    @workflow
    def pay() -> str:
        return stuck()

    async with Runtime(clock=clock) as runtime:
        run = await runtime.start(pay)
        await clock.advance(1)
        await run.cancel()
        outcome = await run.outcome()
    assert isinstance(outcome, Cancelled)
    assert outcome.rollback == "incomplete"
    assert [(error.node, error.phase, error.attempt) for error in outcome.errors] == [("stuck", "compensate", 5)]
