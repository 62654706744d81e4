"""R31: a run is bounded in time and in attempts, and does what `on_timeout` says when it needs more."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from actorflow import (
    Cancelled,
    Halt,
    Halted,
    InvalidInput,
    Retry,
    Runtime,
    TryAgain,
    step,
    step_context,
    workflow,
)
from actorflow.testing import MockClock

SEEN: list[str] = []


@pytest.fixture(autouse=True)
def _fresh() -> None:
    SEEN.clear()


@step
async def take(seconds: float) -> float:
    SEEN.append(f"take {seconds:g}")
    await asyncio.sleep(seconds)  # the mock clock's
    return seconds


@take.undo
async def untake(value: float, seconds: float) -> None:
    SEEN.append(f"untake {seconds:g}")
    await asyncio.sleep(seconds)


@step
async def then(value: float, seconds: float) -> float:
    SEEN.append(f"then {seconds:g}")
    await asyncio.sleep(seconds)
    return value


@workflow
def two(first: float, second: float) -> float:
    return then(take(first), second)


async def test_the_time_of_a_run_counts_from_its_start(clock: MockClock) -> None:
    """R31: `timeout` on a run counts from start … to the end of forward work."""
    async with Runtime(clock=clock) as runtime:
        await asyncio.sleep(10.0)
        run = await runtime.options(timeout=5.0).start(two, 3.0, 3.0)
        outcome = await run.outcome()
    assert outcome == Cancelled("timeout", "complete", (), run.id)
    assert clock.monotonic() == 10.0 + 5.0 + 3.0
    assert SEEN == ["take 3", "then 3", "untake 3"]


async def test_a_run_that_ends_in_time_is_left_alone(clock: MockClock) -> None:
    """R31: a run that needs no more than its timeout succeeds."""
    async with Runtime(clock=clock) as runtime:
        assert await runtime.options(timeout=5.0).run(two, 3.0, 1.0) == 3.0
        await asyncio.sleep(10.0)
    assert SEEN == ["take 3", "then 1"]


async def test_the_time_of_a_run_is_over_with_its_forward_work(clock: MockClock) -> None:
    """R31: `timeout` counts to the end of forward work: a rollback takes the time that it takes."""

    @step
    async def fail(value: float) -> None:
        raise ValueError("no")

    @workflow
    def fails(seconds: float) -> None:
        fail(take(seconds))

    async with Runtime(clock=clock) as runtime:
        run = await runtime.options(timeout=4.0, on_timeout="halt").start(fails, 3.0)
        await run.outcome()
        assert run.status() == "failed"
    assert clock.monotonic() == 6.0
    assert SEEN == ["take 3", "untake 3"]


async def test_the_time_of_a_resumed_run_counts_from_the_resume(clock: MockClock) -> None:
    """R31: … or resume."""

    @step
    async def pause(value: float) -> float:
        raise Halt(value)

    @workflow
    def halts(first: float, second: float) -> float:
        return then(pause(take(first)), second)

    async with Runtime(clock=clock) as runtime:
        run = await runtime.options(timeout=5.0).start(halts, 4.0, 4.0)
        assert isinstance(await run.outcome(), Halted)
        await asyncio.sleep(100.0)
        again = await runtime.resume(halts, run.id)
        assert await again.result() == 4.0
        assert clock.monotonic() == 108.0


async def test_a_resumed_run_can_run_out_of_time(clock: MockClock) -> None:
    """R31: the time that it has is as long after a resume as it was at the start."""

    @step
    async def pause(value: float) -> float:
        raise Halt(value)

    @workflow
    def halts(first: float, second: float) -> float:
        return then(pause(take(first)), second)

    async with Runtime(clock=clock) as runtime:
        run = await runtime.options(timeout=5.0).start(halts, 1.0, 6.0)
        await run.outcome()
        again = await runtime.resume(halts, run.id)
        outcome = await again.outcome()
        assert isinstance(outcome, Cancelled)
        assert outcome.reason == "timeout"
        assert clock.monotonic() == 1.0 + 5.0 + 1.0


async def test_max_steps_bounds_the_attempts_started(clock: MockClock) -> None:
    """R31: `max_steps` bounds the attempts started; needing one more … with `max_steps` as the reason."""

    @step(retry=Retry(attempts=None))
    async def again() -> None:
        SEEN.append(f"attempt {step_context().attempt}")
        raise TryAgain(after=0)

    @workflow
    def loops() -> None:
        again()

    async with Runtime(clock=clock) as runtime:
        run = await runtime.options(max_steps=3).start(loops)
        outcome = await run.outcome()
    assert isinstance(outcome, Cancelled)
    assert outcome.reason == "max_steps"
    assert SEEN == ["attempt 1", "attempt 2", "attempt 3"]


async def test_a_run_that_needs_no_more_than_max_steps_succeeds(clock: MockClock) -> None:
    """R31: the bound is met, not passed."""
    async with Runtime(clock=clock) as runtime:
        assert await runtime.options(max_steps=2).run(two, 1.0, 1.0) == 1.0
        run = await runtime.options(max_steps=1).start(two, 1.0, 1.0)
        assert await run.outcome() == Cancelled("max_steps", "complete", (), run.id)


async def test_undos_do_not_count_in_max_steps(clock: MockClock) -> None:
    """R31: `max_steps` bounds the attempts of steps: what is taken back isn't counted."""

    @step
    async def fail(value: float) -> None:
        raise ValueError("no")

    @workflow
    def fails() -> None:
        fail(take(1.0))

    async with Runtime(clock=clock) as runtime:
        run = await runtime.options(max_steps=2).start(fails)
        await run.outcome()
        assert run.status() == "failed"
    assert SEEN == ["take 1", "untake 1"]


@pytest.mark.parametrize("bound", ["timeout", "max_steps"])
async def test_on_timeout_halt_pauses_the_run(clock: MockClock, bound: str) -> None:
    """R31: `on_timeout` is `"halt"`: the run can be resumed; its bounds count anew, or it could never go on."""
    timeout, max_steps = (1.5, None) if bound == "timeout" else (None, 1)
    async with Runtime(clock=clock) as runtime:
        run = await runtime.options(timeout=timeout, max_steps=max_steps, on_timeout="halt").start(two, 2.0, 1.0)
        outcome = await run.outcome()
        assert isinstance(outcome, Halted)
        assert outcome.by == bound
        assert SEEN == ["take 2"]
        assert await (await runtime.resume(two, run.id)).result() == 2.0
    assert SEEN == ["take 2", "then 1"]


async def test_on_timeout_halt_lets_what_is_in_flight_end(clock: MockClock) -> None:
    """R31, R16: a halt for its timeout is one like any other: what is in flight has `halt_timeout` to end."""
    async with Runtime(clock=clock) as runtime:
        run = await runtime.options(timeout=1.0, on_timeout="halt").start(two, 2.0, 0.5)
        outcome = await run.outcome()
        assert isinstance(outcome, Halted)
        assert (outcome.by, clock.monotonic()) == ("timeout", 2.0)
        assert await (await runtime.resume(two, run.id)).result() == 2.0
    assert SEEN == ["take 2", "then 0.5"]


@pytest.mark.parametrize("bound", ["timeout", "max_steps"])
async def test_on_timeout_cancel_takes_the_run_back(clock: MockClock, bound: str) -> None:
    """R31: `on_timeout` is … `"cancel"`; the default without a store, where nobody could resume it."""
    timeout, max_steps = (2.5, None) if bound == "timeout" else (None, 1)
    async with Runtime(clock=clock) as runtime:
        for options in (
            runtime.options(timeout=timeout, max_steps=max_steps, on_timeout="cancel"),
            runtime.options(timeout=timeout, max_steps=max_steps),
        ):
            SEEN.clear()
            run = await options.start(two, 2.0, 1.0)
            assert await run.outcome() == Cancelled(bound, "complete", (), run.id)
            assert SEEN[-1] == "untake 2"


async def test_bounds_that_make_no_sense_are_refused(clock: MockClock) -> None:
    """R31: bounds are positive."""
    async with Runtime(clock=clock) as runtime:
        wrong: dict[str, Any]
        for wrong in ({"timeout": 0}, {"timeout": -1.0}, {"max_steps": 0}, {"max_steps": True}):
            with pytest.raises(InvalidInput, match=next(iter(wrong))):
                runtime.options(**wrong)
