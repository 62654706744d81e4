"""R53: an attempt lost with its process is no failure of its step."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Any

import pytest

from actorflow import (
    Halted,
    InvalidInput,
    Retry,
    RunFailed,
    Runtime,
    StepStatus,
    TryAgain,
    step,
    step_context,
    workflow,
)
from actorflow.testing import MockClock
from actorflow.testing.crashes import crash_at
from actorflow.testing.lives import Life
from tests.conformance.conftest import OpenStore
from tests.conformance.seen import forever
from tests.conformance.surviving import LEASE, begin, lapse, taken_over, told_more, until

SEEN: list[str] = []


@pytest.fixture(autouse=True)
def _fresh() -> None:
    SEEN.clear()


@step(retry=Retry(attempts=2))
async def deadly() -> str:
    """Its process dies with it, until somebody says otherwise."""
    SEEN.append(f"deadly {step_context().attempt}")
    return await forever() if "mended" not in SEEN else "done"


@workflow
def dying() -> str:
    return deadly()


@step
async def rest() -> str:
    return "rested"


@workflow
def resting() -> str:
    return rest()


async def die(open_store: OpenStore, clock: MockClock, times: int, **options: Any) -> None:
    """So many runtimes, one after the other, have the run and die."""
    for _ in range(times):
        before = len(SEEN)
        async with Life(open_store(), clock=clock, workflows=[dying], **options) as life:
            await begin(life.runtime, dying)
            await until(partial(told_more, SEEN, before))
            life.die()
        await lapse(clock)


async def test_it_is_recorded_as_lost(clock: MockClock, open_store: OpenStore) -> None:
    """R53: recorded as *lost*, with the number that it had; the next attempt is another one."""
    await die(open_store, clock, 1)
    SEEN.append("mended")
    async with Runtime(store=open_store(), clock=clock, workflows=[dying]) as runtime:
        assert await (await taken_over(runtime, "r")).result() == "done"
        view = await runtime.inspect("r")
        (deadly_view,) = view.steps
        assert [(attempt.number, attempt.outcome) for attempt in deadly_view.attempts] == [
            (1, "lost"),
            (2, "completed"),
        ]
    async with open_store() as store:
        step_run = await store.get_step_run("r", "deadly")
        assert step_run is not None and step_run.status is StepStatus.COMPLETED
        assert [attempt.outcome for attempt in await store.attempts(step_run.id)] == ["lost", "completed"]


async def test_it_is_not_counted_against_its_attempts(clock: MockClock, open_store: OpenStore) -> None:
    """R53: not a failure, not counted: with two attempts allowed it fails once, is lost twice, and still has its second one."""
    lost = asyncio.Event()

    @step(retry=Retry(attempts=2))
    async def flaky() -> str:
        SEEN.append(f"flaky {step_context().attempt}")
        if len(SEEN) == 1:
            raise TryAgain("not yet", after=1.0)
        if len(SEEN) < 4:
            lost.set()
            await forever()
        raise TryAgain("still not")

    @workflow
    def trying() -> str:
        return flaky()

    for _ in range(2):
        lost.clear()
        async with Life(open_store(), clock=clock, workflows=[trying]) as life:
            await begin(life.runtime, trying)
            await lost.wait()
            life.die()
        await lapse(clock)
    async with Runtime(store=open_store(), clock=clock, workflows=[trying]) as runtime:
        with pytest.raises(RunFailed, match="still not"):
            await (await begin(runtime, trying)).result()
    assert SEEN == ["flaky 1", "flaky 2", "flaky 3", "flaky 4"]


async def test_one_that_took_its_process_down_three_times_is_set_aside(clock: MockClock, open_store: OpenStore) -> None:
    """R53: the run is set aside for a person, and other runs go on."""
    await die(open_store, clock, 3)
    async with Runtime(store=open_store(), clock=clock, workflows=[dying]) as runtime:
        outcome = await (await taken_over(runtime, "r")).outcome()
        assert isinstance(outcome, Halted) and outcome.set_aside == ("deadly",)
        assert await runtime.run(resting) == "rested"
        await asyncio.sleep(LEASE * 10)
        assert SEEN == ["deadly 1", "deadly 2", "deadly 3"]
        SEEN.append("mended")
        assert await (await runtime.resume(dying, "r", resolve={"deadly": "retry"})).result() == "done"


@pytest.mark.parametrize("limit", [1, 5])
async def test_how_often_is_settable(clock: MockClock, open_store: OpenStore, limit: int) -> None:
    """R53: three times (settable)."""
    await die(open_store, clock, limit, lost_limit=limit)
    async with Runtime(store=open_store(), clock=clock, workflows=[dying], lost_limit=limit) as runtime:
        outcome = await (await taken_over(runtime, "r")).outcome()
        assert isinstance(outcome, Halted) and outcome.set_aside == ("deadly",)
    assert len(SEEN) == limit
    with pytest.raises(InvalidInput, match="lost_limit"):
        Runtime(lost_limit=0)


async def test_crashes_are_counted_before_its_code_is_entered(clock: MockClock, open_store: OpenStore) -> None:
    """R53: … so one that dies at once, before it has said anything, is counted like any other."""
    for _ in range(3):
        with crash_at("step.entering"):
            async with Life(open_store(), clock=clock, workflows=[dying]) as life:
                await life.until_dead(begin(life.runtime, dying))
                await life.died.wait()
        await lapse(clock)
    async with Runtime(store=open_store(), clock=clock, workflows=[dying]) as runtime:
        outcome = await (await taken_over(runtime, "r")).outcome()
        assert isinstance(outcome, Halted) and outcome.set_aside == ("deadly",)
    assert SEEN == []


async def test_a_runtime_that_is_left_loses_nothing_in_a_crash(clock: MockClock, open_store: OpenStore) -> None:
    """R53, R37: what was in flight when a service was stopped in order isn't counted, however often that happens."""
    for _ in range(5):
        before = len(SEEN)
        async with Runtime(store=open_store(), clock=clock, workflows=[dying], drain_timeout=1.0) as runtime:
            await begin(runtime, dying)
            await until(partial(told_more, SEEN, before))
    SEEN.append("mended")
    async with Runtime(store=open_store(), clock=clock, workflows=[dying]) as runtime:
        assert await (await begin(runtime, dying)).result() == "done"


async def test_a_handler_that_was_lost_is_called_again(clock: MockClock, open_store: OpenStore) -> None:
    """R53, R22: an undo that took its process down is called again, with the same key; a rollback isn't set aside."""
    keys: list[str] = []

    @step
    async def part() -> str:
        return "part"

    @part.undo
    async def undo(value: str) -> None:
        keys.append(step_context().idempotency_key)
        if len(keys) < 5:
            await forever()

    @step
    async def fail(value: str) -> str:
        raise ValueError("no")

    @workflow
    def failing() -> str:
        return fail(part())

    for number in range(1, 5):
        async with Life(open_store(), clock=clock, workflows=[failing]) as life:
            await begin(life.runtime, failing)
            await until(partial(told_more, keys, number - 1))
            life.die()
        await lapse(clock)
    async with Runtime(store=open_store(), clock=clock, workflows=[failing]) as runtime:
        with pytest.raises(RunFailed) as failed:
            await (await begin(runtime, failing)).result()
    assert failed.value.rollback == "complete"
    assert keys == ["r/part/undo"] * 5
