"""R21: from the start of a rollback nothing new starts; what is in flight settles, and is compensated, before anything is undone."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from actorflow import (
    AttemptsExhausted,
    Failed,
    Halt,
    Halted,
    Recover,
    Retry,
    RunFailed,
    Runtime,
    StepCancelled,
    TryAgain,
    step,
    step_context,
    workflow,
)
from actorflow.facts import RetryScheduled
from actorflow.testing import MockClock
from tests.conformance.seen import History, forever


async def test_nothing_new_starts_in_a_rollback(clock: MockClock) -> None:
    """R21: nothing new starts: neither what was ready, nor what gets ready, nor another attempt that is due."""
    seen: list[str] = []

    @step
    async def again() -> None:
        seen.append("again")
        raise TryAgain(after=1)

    @step
    async def slow() -> int:
        await clock.advance(3)
        seen.append("slow")
        return 1

    @step
    async def after_slow(value: int) -> None:
        seen.append("after_slow")

    @step
    async def fail() -> None:
        seen.append("fail")
        raise ValueError

    @step
    async def ready() -> None:
        seen.append("ready")

    @workflow
    def wide() -> None:
        again()
        after_slow(slow())
        fail()
        ready()

    async with Runtime(clock=clock) as runtime:
        with pytest.raises(RunFailed):
            await runtime.options(max_concurrency=2).run(wide)
    assert seen == ["again", "fail", "slow"]


@pytest.mark.parametrize(
    ("options", "stopped_at"),
    [({}, 5.0), ({"halt_timeout": 2.0}, 2.0), ({"halt_timeout": 9.0, "settle_timeout": 3.0}, 3.0)],
)
async def test_steps_in_flight_may_finish_for_so_long(
    clock: MockClock, options: dict[str, Any], stopped_at: float
) -> None:
    """R21: steps in flight are let finish for up to `settle_timeout` (as `halt_timeout` unless told), then cancelled."""
    seen: list[tuple[str, float]] = []

    @step
    async def fail() -> None:
        raise ValueError

    @step
    async def in_time() -> str:
        await clock.advance(1.5)
        return "in time"

    @in_time.undo
    async def take_back(value: str) -> None:
        seen.append((f"undo {value}", clock.monotonic()))

    @step
    async def too_slow() -> None:
        try:
            await forever()
        finally:
            seen.append(("cancelled", clock.monotonic()))

    @workflow
    def siblings() -> None:
        fail()
        in_time()
        too_slow()

    async with Runtime(clock=clock, **options) as runtime:
        with pytest.raises(RunFailed):
            await runtime.run(siblings)
    assert seen == [("cancelled", stopped_at), ("undo in time", stopped_at)]


async def test_one_that_succeeds_meanwhile_joins_the_undo_stack(clock: MockClock) -> None:
    """R21: one that succeeds meanwhile joins the undo stack: it completed last, so it's undone first."""
    seen: list[str] = []

    @step
    async def early() -> str:
        return "early"

    @early.undo
    async def undo_early(value: str) -> None:
        seen.append(f"undo {value}")

    @step
    async def fail(after: str) -> None:
        raise ValueError

    @step
    async def late() -> str:
        await clock.advance(1)
        return "late"

    @late.undo
    async def undo_late(value: str) -> None:
        seen.append(f"undo {value}")

    @workflow
    def siblings() -> None:
        late()
        fail(early())

    async with Runtime(clock=clock) as runtime:
        outcome = await (await runtime.start(siblings)).outcome()
    assert isinstance(outcome, Failed) and outcome.rollback == "complete"
    assert seen == ["undo late", "undo early"]


async def test_one_that_fails_meanwhile_is_compensated(clock: MockClock) -> None:
    """R21: one that fails meanwhile is compensated, without another attempt; its error is one of the run's."""
    seen: list[str] = []

    @step
    async def fail() -> None:
        raise ValueError("first")

    @step(retry=Retry(on=(OSError,)))
    async def late() -> None:
        await clock.advance(1)
        raise OSError("second")

    @late.compensate
    async def settle(error: Exception) -> None:
        seen.append(f"settle {error} {step_context().attempt}")

    @workflow
    def siblings() -> None:
        late()
        fail()

    async with Runtime(clock=clock) as runtime:
        with pytest.raises(RunFailed) as failed:
            await runtime.run(siblings)
    assert seen == ["settle second 1"]
    assert [str(error.error) for error in failed.value.errors] == ["first", "second"]


async def test_one_that_is_cancelled_is_compensated_with_step_cancelled(clock: MockClock) -> None:
    """R21: one that is cancelled is compensated too, with `StepCancelled`; that isn't an error of the run."""
    seen: list[type] = []

    @step
    async def fail() -> None:
        raise ValueError

    @step
    async def endless() -> None:
        await forever()

    @endless.compensate
    async def settle(error: Exception) -> None:
        seen.append(type(error))

    @workflow
    def siblings() -> None:
        endless()
        fail()

    async with Runtime(clock=clock) as runtime:
        outcome = await (await runtime.start(siblings)).outcome()
    assert isinstance(outcome, Failed) and outcome.rollback == "complete"
    assert seen == [StepCancelled]
    assert [error.node for error in outcome.error.errors] == ["fail"]


@pytest.mark.parametrize("halted_between", ["", "by id", "by snapshot"])
@pytest.mark.parametrize(
    ("reason", "expected"),
    [
        (OSError("named in on="), (OSError, "named in on=")),
        (TryAgain(LookupError("the reason")), (LookupError, "the reason")),
        (TryAgain("in words"), (AttemptsExhausted, "step 'again' gave up after 1 attempt: in words")),
    ],
    ids=["on=", "an exception", "a text"],
)
async def test_one_that_waited_for_another_attempt_is_compensated_with_its_last_reason(
    clock: MockClock, reason: Exception, expected: tuple[type, str], halted_between: str
) -> None:
    """R21: … and so is a step that waited for another attempt, with its last reason; over a halt and a resume, too."""
    seen: list[tuple[type, str]] = []

    def backoff(*_: object) -> float:
        return 1000.0

    @step(retry=Retry(on=(OSError,), backoff=backoff))
    async def again() -> None:
        raise reason

    @again.compensate
    async def settle(error: Exception) -> None:
        seen.append((type(error), str(error)))

    @step
    async def pause() -> None:
        if halted_between:
            raise Halt

    @step
    async def fail(after: None) -> None:
        raise ValueError

    @workflow
    def siblings() -> None:
        again()
        fail(pause())

    async with Runtime(clock=clock) as runtime:
        run = await runtime.start(siblings)
        if halted_between:
            halted = await run.outcome()
            assert isinstance(halted, Halted) and halted.snapshot is not None
            run = await runtime.resume(siblings, run.id if halted_between == "by id" else halted.snapshot)
        assert isinstance(await run.outcome(), Failed)
    assert seen == [expected]


async def test_one_whose_own_code_was_never_entered_is_not_compensated(clock: MockClock) -> None:
    """R21: … if its own code was ever entered: not one whose guard asked to wait, nor one that waited for its turn."""
    seen: list[str] = []

    async def guard() -> None:
        seen.append("guard")
        raise TryAgain(after=1000)

    @step(guards=[guard])
    async def guarded() -> None:
        seen.append("guarded")

    @guarded.compensate
    async def settle(error: Exception) -> None:
        seen.append("settle")

    @step
    async def fail() -> None:
        await clock.advance(1)
        raise ValueError

    @workflow
    def siblings() -> None:
        guarded()
        fail()

    async with Runtime(clock=clock) as runtime:
        outcome = await (await runtime.start(siblings)).outcome()
    assert isinstance(outcome, Failed) and outcome.rollback == "none"
    assert seen == ["guard"]


async def test_recover_makes_its_step_one_more_to_undo(clock: MockClock) -> None:
    """R21: no answer can bring the run back: `Recover` makes its step one more to undo."""
    seen: list[str] = []

    @step
    async def fail() -> None:
        raise ValueError

    @step
    async def late() -> str:
        await clock.advance(1)
        raise OSError

    @late.compensate
    async def settle(error: Exception) -> Recover[str] | None:
        seen.append("settle")
        return Recover("recovered")

    @late.undo
    async def take_back(value: str) -> None:
        seen.append(f"undo {value}")

    @step
    async def after_late(value: str) -> None:
        seen.append("after_late")

    @workflow
    def siblings() -> None:
        after_late(late())
        fail()

    async with Runtime(clock=clock) as runtime:
        outcome = await (await runtime.start(siblings)).outcome()
    assert isinstance(outcome, Failed) and outcome.rollback == "complete"
    assert seen == ["settle", "undo recovered"]
    assert [error.node for error in outcome.error.errors] == ["fail"]


async def test_try_again_counts_as_none(clock: MockClock) -> None:
    """R21: … `TryAgain` counts as `None`: from the step it is a failure, from its compensation the failure stands."""
    seen: list[str] = []

    @step
    async def fail() -> None:
        raise ValueError

    @step
    async def late() -> None:
        await clock.advance(1)
        seen.append("late")
        raise TryAgain(OSError("the reason"))

    @late.compensate
    async def settle(error: Exception) -> None:
        seen.append(f"settle {error}")
        raise TryAgain

    @workflow
    def siblings() -> None:
        late()
        fail()

    async with Runtime(clock=clock) as runtime:
        history = History(runtime, RetryScheduled)
        with pytest.raises(RunFailed) as failed:
            await runtime.run(siblings)
    assert seen == ["late", "settle the reason"]
    assert [type(error.error) for error in failed.value.errors] == [ValueError, OSError]
    assert not history.lines


async def test_all_compensations_have_ended_before_the_first_undo_and_run_together(clock: MockClock) -> None:
    """R21: all compensations have ended before the first undo begins; they run together."""
    seen: list[str] = []
    together = asyncio.Barrier(3)

    @step
    async def reserve() -> str:
        return "seat"

    @reserve.undo
    async def release(value: str) -> None:
        seen.append("undo")

    @step
    async def part(number: int) -> None:
        await together.wait()
        raise ValueError(number)

    @part.compensate
    async def settle(error: Exception, number: int) -> None:
        await together.wait()
        await clock.advance(number * 10)
        seen.append(f"settled {number}")

    @workflow
    def siblings() -> None:
        reserve()
        for number in (3, 1, 2):
            part(number)

    async with Runtime(clock=clock) as runtime:
        with pytest.raises(RunFailed):
            await runtime.run(siblings)
    assert seen == ["settled 1", "settled 2", "settled 3", "undo"]
