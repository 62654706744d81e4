"""Clocks that go back, or begin elsewhere: what is due is due at the same moment by the wall clock (R50)."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from actorflow import Run, Runtime, SQLiteStore, sleep, step, step_context, wait_for_signal, workflow
from actorflow.testing import MockClock, check_store

AN_HOUR = 3600.0
BEGAN = 1_900_000_000.0


@step
async def stamp() -> str:
    return step_context().idempotency_key


@workflow
def nap() -> str:
    return stamp.options(after=[sleep(AN_HOUR)])()


async def opened(path: Path, clock: MockClock) -> tuple[Runtime, Run[str]]:
    runtime = await Runtime(
        workflows=[nap], store=SQLiteStore(path, clock=clock), clock=clock, rest_after=1.0
    ).__aenter__()
    return runtime, await runtime.options(run_id="r").start(nap)


@pytest.mark.parametrize("start", [0.0, 7.0, 5_000_000.0])
def test_on_a_machine_whose_monotonic_clock_began_elsewhere_a_sleep_ends_at_the_same_moment(
    tmp_path: Path, start: float
) -> None:
    """A machine that was started again counts from zero."""

    async def falls_asleep() -> None:
        with MockClock(start=1000.0, epoch=BEGAN).installed() as clock:
            runtime, _ = await opened(tmp_path / "runs.db", clock)
            await clock.advance(600)
            await runtime.__aexit__(None, None, None)

    async def wakes_up() -> float:
        with MockClock(start=start, epoch=BEGAN + 1200).installed() as clock:
            runtime, run = await opened(tmp_path / "runs.db", clock)
            assert await run.result() == "r/stamp"
            ended = clock.time()
            await runtime.__aexit__(None, None, None)
            async with SQLiteStore(tmp_path / "runs.db", clock=clock) as store:
                await check_store(store)
            return ended

    asyncio.run(falls_asleep())
    assert asyncio.run(wakes_up()) == pytest.approx(BEGAN + AN_HOUR, abs=2)


class Wall(MockClock):
    """Somebody may set the wall clock; the monotonic one goes on."""

    off = 0.0

    def time(self) -> float:
        return super().time() + self.off


@step
async def one() -> int:
    return 1


@workflow
def waits() -> int:
    return one.options(after=[wait_for_signal("go", int)])()


@pytest.mark.parametrize("back", [10.0, 100_000.0])
def test_a_wall_clock_that_is_set_back_costs_nobody_their_run(tmp_path: Path, back: float) -> None:
    """Leases seem to last for longer; the runtime goes on, and so does who comes after it was left."""

    async def goes_on() -> None:
        with Wall(epoch=BEGAN).installed() as clock:
            assert isinstance(clock, Wall)
            store = SQLiteStore(tmp_path / "runs.db", clock=clock)
            async with Runtime(workflows=[waits], store=store, clock=clock) as runtime:
                run = await runtime.options(run_id="r").start(waits)
                await clock.advance(60)
                clock.off = -back
                await clock.advance(60)
                await runtime.signal("r", "go", 1)
                assert await run.result() == 1
                again = await runtime.options(run_id="again").start(waits)
                await clock.advance(60)
                clock.off = -2 * back
            assert again.status() == "running"
            async with Runtime(
                workflows=[waits], store=SQLiteStore(tmp_path / "runs.db", clock=clock), clock=clock
            ) as runtime:
                await clock.advance(60)
                await runtime.signal("again", "go", 1)
                assert await (await runtime.options(run_id="again").start(waits)).result() == 1
            async with SQLiteStore(tmp_path / "runs.db", clock=clock) as store:
                await check_store(store)

    asyncio.run(goes_on())
