"""R48: `write_behind`: runs don't wait for the disk, but for what can't be repeated."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from actorflow import Failed, MemoryStore, Runtime, step, step_context, workflow
from actorflow.testing import MockClock
from actorflow.testing.lives import Life
from tests.conformance.conftest import OpenStore
from tests.conformance.seen import forever
from tests.conformance.surviving import Gated, begin, lapse, until
from tests.conformance.told_steps import SEEN, fail, first, pay, second


@pytest.fixture(autouse=True)
def _fresh() -> None:
    SEEN.clear()


@pytest.fixture
async def gated(clock: MockClock) -> Any:
    async with MemoryStore(clock=clock) as memory:
        yield Gated(memory)


async def settled(clock: MockClock, gated: Gated) -> None:
    await gated.arrived.wait()
    await clock.advance(10)


def open_behind(gated: Gated, clock: MockClock) -> Runtime:
    return Runtime(store=gated, clock=clock, durability="write_behind")


async def test_steps_do_not_wait_for_the_disk(clock: MockClock, gated: Gated) -> None:
    """R48: the opposite of `strict`: all steps run while nothing is written yet; the end of the run waits."""

    @workflow
    def two() -> int:
        return second(first())

    async with open_behind(gated, clock) as runtime:
        gated.hold()
        running = asyncio.ensure_future(begin(runtime, two))
        await settled(clock, gated)
        assert SEEN == ["first", "second"]
        assert not running.done(), "who starts a run is told when it is stored, at any level"
        gated.let_through()
        assert await (await running).result() == 2


async def test_the_end_waits(clock: MockClock, gated: Gated) -> None:
    """R48: nobody is told of the end of a run before it is on disk."""

    goes_on = asyncio.Event()

    @step
    async def ends() -> int:
        await goes_on.wait()
        return 1

    @workflow
    def one() -> int:
        return ends()

    async with open_behind(gated, clock) as runtime:
        run = await begin(runtime, one)
        waiting = asyncio.ensure_future(run.result())
        gated.hold()
        goes_on.set()
        await settled(clock, gated)
        assert not waiting.done()
        gated.let_through()
        assert await waiting == 1


async def test_an_irreversible_step_starts_when_all_before_it_is_stored(clock: MockClock, gated: Gated) -> None:
    """R48: whatever the level, the start and the end of a step marked irreversible are strict."""

    @workflow
    def paying() -> int:
        return second(pay(first()))

    async with open_behind(gated, clock) as runtime:
        gated.hold()
        running = asyncio.ensure_future(begin(runtime, paying))
        await settled(clock, gated)
        assert SEEN == ["first"]
        gated.let_through()
        gated.hold()
        await settled(clock, gated)
        if "pay" not in SEEN:  # the turn in which it starts was in a commit of its own
            gated.let_through()
            gated.hold()
            await settled(clock, gated)
        assert SEEN == ["first", "pay"], "its end isn't stored yet, so nothing that depends on it starts"
        gated.let_through()
        assert await (await running).result() == 3


async def test_everything_from_the_start_of_a_rollback_on_waits(clock: MockClock, gated: Gated) -> None:
    """R48: … and everything from the start of a rollback on is strict."""

    @workflow
    def failing() -> int:
        return fail(first())

    async with open_behind(gated, clock) as runtime:
        gated.hold()
        running = asyncio.ensure_future(begin(runtime, failing))
        await settled(clock, gated)
        assert SEEN == ["first", "fail"]
        gated.let_through()
        assert isinstance(await (await running).outcome(), Failed)
    assert SEEN == ["first", "fail", "undo first"]


async def test_the_last_batch_may_run_again(clock: MockClock, gated: Gated) -> None:
    """R48: what wasn't written when the process died runs again, with the same idempotency keys; nothing that was is."""
    keys: list[str] = []
    goes_on = asyncio.Event()

    @step
    async def note(value: int) -> int:
        keys.append(step_context().idempotency_key)
        if value == 1:
            await goes_on.wait()
        return value + 1

    @step
    async def stand(value: int) -> int:
        SEEN.append("stand")
        return await forever() if SEEN.count("stand") == 1 else value

    @workflow
    def chain() -> int:
        return stand(note(note(note(0))))

    async with Life(gated, clock=clock, durability="write_behind", workflows=[chain]) as life:
        await begin(life.runtime, chain)
        await asyncio.sleep(1)
        gated.hold()
        goes_on.set()
        await gated.arrived.wait()
        await clock.advance(1)
        assert SEEN == ["stand"]
        life.die()
    gated.let_through()
    await lapse(clock)
    async with open_behind(gated, clock) as runtime:
        assert await (await begin(runtime, chain)).result() == 3
    assert keys == ["r/note", "r/note_2", "r/note_3", "r/note_2", "r/note_3"]


async def test_events_and_results_are_whole_in_the_end(clock: MockClock, open_store: OpenStore) -> None:
    """R48: a runtime that is left in order has written everything."""

    @workflow
    def two() -> int:
        return second(first())

    async with Runtime(store=open_store(), clock=clock, durability="write_behind") as runtime:
        assert await (await begin(runtime, two)).result() == 2
    async with Runtime(store=open_store(), clock=clock) as runtime:
        assert await (await begin(runtime, two)).result() == 2
        kinds = [entry.kind for entry in await runtime.history("r")]
        assert (kinds[0], kinds[-1]) == ("RunStarted", "RunEnded")
    await until(lambda: SEEN == ["first", "second"])
