"""R30: runs started inside a step, when their process is lost."""

from __future__ import annotations

import asyncio

import pytest

from actorflow import Cancelled, Retry, RunFailed, Runtime, Succeeded, TryAgain, step, step_context, workflow
from actorflow.testing import MockClock
from actorflow.testing.checking import check_store
from actorflow.testing.lives import Life
from tests.conformance.conftest import OpenStore
from tests.conformance.seen import forever
from tests.conformance.surviving import begin, lapse, until

SEEN: list[str] = []
STANDS: set[str] = set()
"""The steps that don't end in this life."""


@pytest.fixture(autouse=True)
def _fresh() -> None:
    SEEN.clear()
    STANDS.clear()


async def act(name: str) -> str:
    SEEN.append(f"{name} {step_context().attempt}")
    if name in STANDS:
        await forever()
    return name


@step
async def hotel() -> str:
    return await act("hotel")


@hotel.undo
async def leave_hotel(value: str) -> None:
    SEEN.append("undo hotel")


@step
async def flight(stay: str) -> str:
    return await act("flight")


@workflow
def booking() -> str:
    return flight(hotel())


@step
async def parent() -> str:
    SEEN.append(f"parent {step_context().attempt}")
    value = await step_context().run(booking)
    return await act("end") + " of " + value


@parent.compensate
async def settle(error: Exception) -> None:
    SEEN.append(f"settle {type(error).__name__}")


@workflow
def trip() -> str:
    return parent()


CHILD = "r/parent/booking/1"


async def die_at(open_store: OpenStore, clock: MockClock, line: str) -> None:
    """Lives until it has come to this."""
    async with Life(open_store(), clock=clock) as life:
        await begin(life.runtime, trip)
        await until(lambda: line in SEEN)
        await asyncio.sleep(1)
        life.die()
    await lapse(clock)


async def test_parent_and_child_are_recovered_once_each(clock: MockClock, open_store: OpenStore) -> None:
    """R30, R50: the child goes on where it stood, and the parent's new attempt joins it: nothing that was done is done again."""
    STANDS.add("flight")
    await die_at(open_store, clock, "flight 1")
    STANDS.clear()
    async with Runtime(store=open_store(), clock=clock, workflows=[trip, booking]) as runtime:
        assert await (await begin(runtime, trip)).result() == "end of flight"
        page = await runtime.find_runs(parent="r")
        assert [(run.run_id, run.status) for run in page.runs] == [(CHILD, "succeeded")]
    assert sorted(SEEN) == sorted(["parent 1", "hotel 1", "flight 1", "parent 2", "flight 2", "end 2"])
    async with open_store() as store:
        await check_store(store)


async def test_a_child_of_a_workflow_that_only_its_step_knows_goes_on_when_the_step_asks_for_it(
    clock: MockClock, open_store: OpenStore
) -> None:
    """R30, R4: a runtime that wasn't given the child's workflow learns of it from the parent's step."""
    STANDS.add("flight")
    await die_at(open_store, clock, "flight 1")
    STANDS.clear()
    async with Runtime(store=open_store(), clock=clock, workflows=[trip]) as runtime:
        assert await (await begin(runtime, trip)).result() == "end of flight"
    assert SEEN == ["parent 1", "hotel 1", "flight 1", "parent 2", "flight 2", "end 2"]


async def test_a_child_that_has_succeeded_stands(clock: MockClock, open_store: OpenStore) -> None:
    """R30: … and the next attempt gets its result, after a crash too."""
    STANDS.add("end")
    await die_at(open_store, clock, "end 1")
    STANDS.clear()
    async with Runtime(store=open_store(), clock=clock, workflows=[trip]) as runtime:
        assert await (await begin(runtime, trip)).result() == "end of flight"
    assert SEEN == ["parent 1", "hotel 1", "flight 1", "end 1", "parent 2", "end 2"]


async def test_a_child_that_goes_on_is_cancelled_with_its_parent(clock: MockClock, open_store: OpenStore) -> None:
    """R30: after a takeover it is the step's child as before: cancelled and rolled back before the step's compensation begins."""
    STANDS.add("flight")
    await die_at(open_store, clock, "flight 1")
    async with Runtime(store=open_store(), clock=clock, workflows=[trip, booking]) as runtime:
        run = await begin(runtime, trip)
        await until(lambda: "parent 2" in SEEN and "flight 2" in SEEN)
        await run.cancel()
        outcome = await run.outcome()
        assert (await runtime.record(CHILD)).status == "cancelled"
    assert isinstance(outcome, Cancelled) and outcome.rollback == "complete"
    assert SEEN[-2:] == ["undo hotel", "settle StepCancelled"]


async def test_a_child_that_was_left_is_taken_back_with_its_parent(clock: MockClock, open_store: OpenStore) -> None:
    """R30, R54: the parent was rolling back when its process died: its child is taken back first, then the lost step is compensated."""
    STANDS.add("flight")
    async with Life(open_store(), clock=clock) as life:
        run = await begin(life.runtime, trip)
        await until(lambda: "flight 1" in SEEN)
        asyncio.get_running_loop().call_soon(life.die)
        await life.until_dead(run.cancel())
    await lapse(clock)
    async with Runtime(store=open_store(), clock=clock, workflows=[trip, booking]) as runtime:
        run = await begin(runtime, trip)
        await until(lambda: "flight 2" in SEEN or run.status() == "cancelled")
        await run.cancel()
        assert isinstance(await run.outcome(), Cancelled)
    assert SEEN[-2] == "undo hotel"
    assert SEEN[-1].startswith("settle")


async def test_a_child_that_ended_otherwise_is_started_anew(clock: MockClock, open_store: OpenStore) -> None:
    """R30: … under the same id, in the place of the one that failed."""

    @step
    async def shaky() -> str:
        SEEN.append("shaky")
        if len(SEEN) < 3:
            raise ConnectionError
        return "there"

    @workflow
    def connecting() -> str:
        return shaky()

    @step(retry=Retry(on=(RunFailed,)))
    async def over() -> str:
        return await step_context().run(connecting)

    @workflow
    def outer() -> str:
        return over()

    async with Runtime(store=open_store(), clock=clock) as runtime:
        assert await (await begin(runtime, outer)).outcome() == Succeeded("there", "r")
        assert (await runtime.record("r/over/connecting/1")).status == "succeeded"
    assert SEEN == ["shaky"] * 3
    async with open_store() as store:
        await check_store(store)


async def test_a_child_that_failed_before_the_crash_is_started_anew(clock: MockClock, open_store: OpenStore) -> None:
    """R30: … also by another runtime, which knows of it from the store alone."""

    @step
    async def shaky() -> str:
        SEEN.append("shaky")
        if len(SEEN) == 1:
            raise ConnectionError
        return "there"

    @workflow
    def connecting() -> str:
        return shaky()

    @step
    async def over() -> str:
        try:
            return await step_context().run(connecting)
        except RunFailed as error:
            raise TryAgain(error, after=1000) from error

    @workflow
    def outer() -> str:
        return over()

    async with Life(open_store(), clock=clock) as life:
        await begin(life.runtime, outer)
        await asyncio.sleep(10)
        life.die()
    await lapse(clock)
    async with Runtime(store=open_store(), clock=clock, workflows=[outer]) as runtime:
        assert await (await begin(runtime, outer)).result() == "there"
    assert SEEN == ["shaky", "shaky"]


async def test_a_detached_run_is_nobodys_child(clock: MockClock, open_store: OpenStore) -> None:
    """R30: a detached one goes on by itself, whatever becomes of the step."""

    @step
    async def starter() -> str:
        run = await step_context().options(detached=True).start(booking)
        SEEN.append(run.id)
        return await act("end")

    @workflow
    def outer() -> str:
        return starter()

    STANDS.update({"end", "flight"})
    async with Life(open_store(), clock=clock) as life:
        await begin(life.runtime, outer)
        await until(lambda: "end 1" in SEEN and "flight 1" in SEEN)
        life.die()
    STANDS.discard("end")
    await lapse(clock)
    async with Runtime(store=open_store(), clock=clock, workflows=[outer, booking]) as runtime:
        assert await (await begin(runtime, outer)).result() == "end"
        detached = "r/starter/booking/1"
        assert (await runtime.record(detached)).parent is None
        STANDS.clear()
        run = runtime.get(detached)
        assert run.status() == "running"
        await run.cancel()
        await run.outcome()
    assert SEEN.count("hotel 1") == 1
