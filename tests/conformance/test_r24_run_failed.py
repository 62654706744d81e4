"""R24: the run fails with `RunFailed`, which carries all that went wrong."""

from __future__ import annotations

import traceback

import pytest

from actorflow import (
    ActorflowError,
    CompensationFailed,
    Retry,
    RunFailed,
    Runtime,
    StepError,
    UndoFailed,
    step,
    workflow,
)
from actorflow.testing import MockClock, Sequencer


async def test_its_cause_is_the_first_failed_steps_own_exception(clock: MockClock, sequencer: Sequencer) -> None:
    """R24: its `__cause__` is the first failed step's own exception, as it was raised, with its traceback."""
    raised: dict[int, ValueError] = {}

    @step
    async def fail(place: int) -> None:
        async with sequencer(place):
            raised[place] = ValueError(place)
            raise raised[place]

    @workflow
    def siblings() -> None:
        fail(2)
        fail(1)
        fail(3)

    async with Runtime(clock=clock) as runtime:
        with pytest.raises(RunFailed) as failed:
            await runtime.run(siblings)
    cause = failed.value.__cause__
    assert cause is not None and cause is raised[1]
    assert cause.__traceback__ is not None
    assert traceback.extract_tb(cause.__traceback__)[-1].name == "fail"


async def test_it_carries_every_error_of_the_run_in_order(clock: MockClock) -> None:
    """R24: every error of the run in order, each with node, phase (run, compensate, undo) and attempt."""

    @step
    async def reserve() -> str:
        return "seat"

    @reserve.undo(retry=Retry(attempts=2))
    async def release(value: str) -> None:
        raise OSError("release")

    @step(retry=Retry(attempts=3, on=(ConnectionError,)))
    async def charge(seat: str) -> str:
        raise ConnectionError("charge")

    @charge.compensate(retry=Retry(attempts=4))
    async def settle(error: Exception, seat: str) -> None:
        raise LookupError("settle")

    @step
    async def late(seat: str) -> str:
        await clock.advance(2)
        raise ValueError("late")

    @workflow
    def pay() -> list[str]:
        seat = reserve()
        return [charge(seat), late(seat)]

    async with Runtime(clock=clock, seed=1) as runtime:
        run = await runtime.options(run_id="p-1").start(pay)
        with pytest.raises(RunFailed) as failed:
            await run.result()
    error = failed.value
    assert (error.run_id, error.workflow, error.rollback) == ("p-1", "pay", "incomplete")
    assert all(isinstance(each, StepError) for each in error.errors)
    by_phase = [(each.node, each.phase, each.attempt) for each in error.errors]
    assert sorted(by_phase[:-1]) == [("charge", "compensate", 4), ("charge", "run", 3), ("late", "run", 1)]
    assert by_phase.index(("charge", "run", 3)) + 1 == by_phase.index(("charge", "compensate", 4))
    assert by_phase[-1] == ("reserve", "undo", 2)
    kinds = {each.phase: type(each.error) for each in error.errors}
    assert (kinds["compensate"], kinds["undo"]) == (CompensationFailed, UndoFailed)
    for each in error.errors:
        assert each.node in str(error)


async def test_the_run_fails_when_its_rollback_has_ended(clock: MockClock) -> None:
    """R24: the run *then* fails: whoever waits is told when all has been taken back."""
    seen: list[str] = []

    @step
    async def reserve() -> str:
        return "seat"

    @reserve.undo
    async def release(value: str) -> None:
        await clock.advance(60)
        seen.append("released")

    @step
    async def fail(after: str) -> None:
        raise ValueError

    @workflow
    def pay() -> None:
        fail(reserve())

    async with Runtime(clock=clock) as runtime:
        with pytest.raises(ActorflowError):
            await runtime.run(pay)
        assert seen == ["released"]
        assert clock.monotonic() == 60.0
