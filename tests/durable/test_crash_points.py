"""The parts that crashes are made of: named points, runtimes that die, stores that are deaf."""

from __future__ import annotations

import asyncio

import pytest

from actorflow import InvalidState, MemoryStore, StoreBusy, crash_points, step, workflow
from actorflow.testing import (
    CRASH_POINTS,
    Crashing,
    FaultyStore,
    InvariantBroken,
    Life,
    MockClock,
    MortalStore,
    ProcessDied,
    Saga,
    check_store,
    crash_at,
)
from actorflow.testing.everywhere import never


@step
async def double(number: int) -> int:
    return 2 * number


@workflow
def twice(number: int) -> int:
    return double(double(number))


def test_every_point_has_a_name_and_says_what_has_happened() -> None:
    assert all("." in name and text for name, text in CRASH_POINTS.items())
    with pytest.raises(InvalidState, match=r"there is no crash point 'commit\.store'"), crash_at("commit.store"):
        pass


async def test_a_runtime_dies_at_the_point_and_another_one_goes_on(clock: MockClock) -> None:
    store = MemoryStore(clock=clock)
    with crash_at("commit.stored", hit=2) as crashes:
        async with Life(store, clock=clock) as life:
            assert await life.until_dead(life.runtime.options(run_id="r").run(twice, 1)) is None
            assert life.is_dead
    assert crashes.points[-1] == "commit.stored"
    assert crashes.points.count("commit.stored") == 2
    async with store:
        assert (await store.get_run("r")).status == "running"
        assert await store.completed_steps("r") == ["double"]
        await check_store(store)
    async with Life(store, clock=clock) as life:
        assert await life.until_dead(life.runtime.options(run_id="r").run(twice, 1)) == 4


async def test_nothing_of_a_dead_runtime_reaches_its_store_and_no_call_comes_back(clock: MockClock) -> None:
    records = MemoryStore(clock=clock)
    async with MortalStore(records) as store:
        owner = await store.join("here", lease=1.0)
        store.death.has_come = True
        leaving = asyncio.ensure_future(store.leave(owner))
        await clock.advance(10.0)
        assert not leaving.done()
        assert [runtime.number for runtime in await records.runtimes()] == [owner]
        leaving.cancel()


async def test_only_one_listens_at_a_time() -> None:
    with (
        crash_at("run.ended"),
        pytest.raises(InvalidState, match="somebody listens to the crash points already"),
        crash_at("run.ended"),
    ):
        pass
    assert crash_points.listener is None


def test_what_dies_is_no_exception_that_a_step_might_catch() -> None:
    assert not issubclass(ProcessDied, Exception)


async def test_a_step_that_runs_again_though_its_completion_is_stored_is_told(clock: MockClock) -> None:
    class Forgetful(Crashing):
        async def stored(self) -> frozenset[str]:
            return frozenset({"double"})

    with pytest.raises(InvariantBroken, match="twice, undisturbed: step 'double' ran again"):
        await Forgetful(Saga(twice, (1,)), clock=clock).run(never)


@pytest.mark.parametrize(
    "fault", [{}, {"lasts": 1.0}, {"commit": 0, "raises": StoreBusy}], ids=["nothing", "nothing for a while", "at none"]
)
def test_a_fault_of_a_store_that_makes_no_sense_is_refused(fault: dict[str, float]) -> None:
    with pytest.raises(InvalidState):
        FaultyStore(MemoryStore()).at(**{"commit": 1, **fault})  # type: ignore[arg-type]


async def test_a_step_that_is_entered_before_that_is_stored_is_told(clock: MockClock) -> None:
    """R48: strict."""

    class Deaf(Crashing):
        def hears(self, turns: bytes) -> None: ...

    told = r"step\.entering of step 'double', attempt 1, and that it begins isn't stored"
    with pytest.raises(InvariantBroken, match=told):
        await Deaf(Saga(twice, (1,)), clock=clock).run(never)
    assert (await Deaf(Saga(twice, (1,), {"durability": "write_behind"}), clock=clock).run(never)).lives == 1
