"""R31: a run that is out of time, or of steps, with a store."""

from __future__ import annotations

import asyncio

import pytest

from actorflow import Cancelled, Halted, Runtime, step, step_context, workflow
from actorflow.testing import MockClock
from actorflow.testing.lives import Life
from tests.conformance.conftest import OpenStore
from tests.conformance.surviving import begin, lapse, taken_over, until

SEEN: list[str] = []


@pytest.fixture(autouse=True)
def _fresh() -> None:
    SEEN.clear()


@step
async def slow(seconds: float) -> float:
    SEEN.append(f"slow {step_context().attempt}")
    await asyncio.sleep(seconds)
    return seconds


@slow.undo
async def undo(value: float) -> None:
    SEEN.append("undo")


@workflow
def two() -> float:
    return slow(slow(6.0))


async def test_on_timeout_is_halt_unless_told(clock: MockClock, open_store: OpenStore) -> None:
    """R31: needing more time halts the run; it is resumed with all of its time again, in any runtime."""

    @workflow
    def long() -> float:
        return slow(slow(20.0))

    async with Runtime(store=open_store(), clock=clock) as runtime:
        outcome = await (await begin(runtime, long, timeout=25.0)).outcome()
        assert isinstance(outcome, Halted) and outcome.by == "timeout"
    async with Runtime(store=open_store(), clock=clock) as runtime:
        assert await (await runtime.resume(long, "r")).result() == 20.0
    assert SEEN == ["slow 1", "slow 1", "slow 2"]


async def test_needing_more_steps_than_max_steps_halts_too(clock: MockClock, open_store: OpenStore) -> None:
    """R31: … with `max_steps` as the reason."""
    async with Runtime(store=open_store(), clock=clock) as runtime:
        outcome = await (await begin(runtime, two, max_steps=1)).outcome()
        assert isinstance(outcome, Halted) and outcome.by == "max_steps"


async def test_it_can_be_told_to_cancel(clock: MockClock, open_store: OpenStore) -> None:
    """R31: `on_timeout="cancel"` is stored with the run: it counts where it is taken over, too."""
    async with Life(open_store(), clock=clock) as life:
        await begin(life.runtime, two, timeout=50.0, on_timeout="cancel")
        await asyncio.sleep(7)
        life.die()
    await lapse(clock)
    async with Runtime(store=open_store(), clock=clock, workflows=[two]) as runtime:
        run = await taken_over(runtime, "r")
        assert await run.result() == 6.0

    @workflow
    def long() -> float:
        return slow(slow(60.0))

    async with Life(open_store(), clock=clock) as life:
        await begin(life.runtime, long, run_id="long", timeout=100.0, on_timeout="cancel")
        await asyncio.sleep(61)
        life.die()
    await lapse(clock)
    began = clock.monotonic() - 61 - 31
    async with Runtime(store=open_store(), clock=clock, workflows=[long]) as runtime:
        outcome = await (await taken_over(runtime, "long")).outcome()
        assert isinstance(outcome, Cancelled) and outcome.reason == "timeout"
        assert clock.monotonic() - began < 110


async def test_the_time_of_a_run_goes_on_while_nobody_has_it(clock: MockClock, open_store: OpenStore) -> None:
    """R31, R50: time counts from its start, whoever has it: one whose time ran out meanwhile is halted when it is taken over."""
    async with Life(open_store(), clock=clock) as life:
        await begin(life.runtime, two, timeout=20.0)
        await asyncio.sleep(1)
        life.die()
    await lapse(clock)
    async with Runtime(store=open_store(), clock=clock, workflows=[two]) as runtime:
        outcome = await (await taken_over(runtime, "r")).outcome()
        assert isinstance(outcome, Halted) and outcome.by == "timeout"


async def test_attempts_that_were_lost_are_not_counted(clock: MockClock, open_store: OpenStore) -> None:
    """R31, R53: `max_steps` bounds the attempts started; one that was lost with its process gives its place back."""
    async with Life(open_store(), clock=clock) as life:
        await begin(life.runtime, two, max_steps=2)
        await until(lambda: SEEN)
        life.die()
    await lapse(clock)
    async with Runtime(store=open_store(), clock=clock, workflows=[two]) as runtime:
        assert await (await taken_over(runtime, "r")).result() == 6.0
