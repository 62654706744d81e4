"""A store that is away when a run is started, or when runs are taken over: it is waited for, and nothing is lost or done twice (R47, R48, R50)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest
from structlog.testing import capture_logs

from actorflow import MemoryStore, RunConflict, Runtime, RuntimeClosed, StoreUnavailable, step, workflow
from actorflow.store import GetRun, OpenRun, ReadTurns, Request
from actorflow.testing import Life, MockClock
from tests.conformance.surviving import LEASE, Through, begin, lapse, taken_over, until

SEEN: list[str] = []


@pytest.fixture(autouse=True)
def _fresh() -> None:
    SEEN.clear()


@step
async def one(value: int) -> int:
    SEEN.append("one")
    return value


@workflow
def simple(value: int) -> int:
    return one(value)


class Away(Through):
    """A store that isn't there for requests of some kinds, as long as it is told so."""

    kinds: tuple[type, ...] = ()
    refused = 0

    async def _ask_all(self, requests: Sequence[Request[Any]], /) -> list[Any]:
        if any(isinstance(request, self.kinds) for request in requests):
            self.refused += 1
            raise StoreUnavailable("trips", "the server is away", "Start it.")
        return await super()._ask_all(requests)


@pytest.fixture
async def store(clock: MockClock) -> AsyncIterator[Away]:
    async with MemoryStore(clock=clock) as memory:
        yield Away(memory)


async def test_a_start_waits_for_a_store_that_is_away_for_a_moment(clock: MockClock, store: Away) -> None:
    """As runs that go on do; it is told once, and the run is started once."""
    with capture_logs() as logs:
        async with Runtime(store=store, clock=clock, lease=LEASE) as runtime:
            store.kinds = (GetRun, OpenRun)
            starts = [asyncio.ensure_future(begin(runtime, simple, 1)) for _ in range(3)]
            await asyncio.sleep(LEASE / 2)
            assert not any(start.done() for start in starts)
            store.kinds = ()
            runs = [await start for start in starts]
            assert [await run.result() for run in runs] == [1, 1, 1]
    assert SEEN == ["one"]
    assert sum("the start of a run waits" in line["event"] for line in logs) == 3


async def test_who_starts_is_told_when_it_stays_away_for_longer_than_a_lease(clock: MockClock, store: Away) -> None:
    """By the store's own error, which names it; nothing was started, so to start it again starts it once."""
    with capture_logs():
        async with Runtime(store=store, clock=clock, lease=LEASE) as runtime:
            store.kinds = (GetRun,)
            began = clock.monotonic()
            with pytest.raises(StoreUnavailable, match="trips: the server is away"):
                await begin(runtime, simple, 1)
            assert LEASE <= clock.monotonic() - began <= LEASE + 2
            assert SEEN == []
            store.kinds = ()
            assert await (await begin(runtime, simple, 1)).result() == 1
            with pytest.raises(RunConflict):
                await begin(runtime, simple, 2)
    assert SEEN == ["one"]


async def test_leaving_the_runtime_ends_the_wait(clock: MockClock, store: Away) -> None:
    """Nothing new is started by a runtime that is being left."""
    with capture_logs():
        async with Runtime(store=store, clock=clock, lease=LEASE) as runtime:
            store.kinds = (GetRun,)
            waiting = asyncio.ensure_future(begin(runtime, simple, 1))
            await until(lambda: store.refused)
        with pytest.raises((StoreUnavailable, RuntimeClosed)):
            await waiting
    assert SEEN == []


async def test_runs_that_were_claimed_and_couldnt_be_read_are_looked_at_again(clock: MockClock, store: Away) -> None:
    """R50: they are this runtime's, so nobody else would take them."""
    ids = ["one", "other"]

    @step
    async def stands(value: int) -> int:
        SEEN.append("stands")
        return value if SEEN.count("stands") > len(ids) else await asyncio.get_running_loop().create_future()

    @workflow
    def standing(value: int) -> int:
        return stands(value)

    async with Life(Through(store), clock=clock) as life:
        for run_id in ids:
            await begin(life.runtime, standing, 1, run_id=run_id)
        await until(lambda: SEEN.count("stands") == len(ids))
        life.die()
    await lapse(clock)
    with capture_logs():
        store.kinds = (ReadTurns,)
        async with Runtime(store=store, clock=clock, workflows=[standing], lease=LEASE) as runtime:
            await until(lambda: store.refused)
            assert runtime.list_runs() == []
            store.kinds = ()
            for run_id in ids:
                assert await (await taken_over(runtime, run_id)).result() == 1
