"""R37: runs of a store that only wait are released at once when their runtime is left, and taken when they are due."""

from __future__ import annotations

import pytest

from actorflow import MemoryStore, Operator, Runtime, sleep, workflow
from actorflow.testing import MockClock


@workflow
def naps() -> None:
    sleep(100_000)


async def test_a_drain_doesnt_wait_for_them(clock: MockClock) -> None:
    store = MemoryStore(clock=clock)
    async with Runtime(workflows=[naps], store=store, clock=clock) as runtime:
        await runtime.options(run_id="r").start(naps)
        await clock.advance(1)
        began = clock.time()
    assert clock.time() - began < 5
    async with Operator(store, clock=clock) as operator:
        assert (await operator.inspect("r")).wake == pytest.approx(began + 99_999, abs=5)


async def test_one_that_is_due_soon_is_waited_for(clock: MockClock) -> None:
    store = MemoryStore(clock=clock)

    @workflow
    def short() -> str:
        sleep(20)
        return "done"

    async with Runtime(workflows=[short], store=store, clock=clock) as runtime:
        run = await runtime.options(run_id="r").start(short)
        await clock.advance(1)
    assert await run.result() == "done"
