"""From the store to the engine: a signal is handed over once, however often it is seen, and stays in the store until something can take it (R48, R50)."""

from __future__ import annotations

import pytest

from actorflow import MemoryStore, Operator, Runtime, emit, sleep, step, wait_for_signal, workflow
from actorflow.testing import FaultyStore, MockClock, check_store


@workflow
def two() -> list[int]:
    first = wait_for_signal("number", int)
    return [first, wait_for_signal.options(after=[first])("number", int)]


@step
async def asks() -> int:
    emit(wait_for_signal.options(name="asks")("number", int))
    return 0


@workflow
def asks_later() -> int:
    return asks.options(after=[sleep(10)])()


@pytest.mark.parametrize("delay", [0.0, 5.0])
async def test_a_signal_that_is_seen_again_while_it_is_recorded_counts_once(clock: MockClock, delay: float) -> None:
    store = FaultyStore(MemoryStore(clock=clock), clock=clock)
    async with Runtime(store=store, clock=clock) as runtime:
        run = await runtime.options(run_id="r").start(two)
        await clock.advance(2)
        slow = store.at(store.commits + 2, delay=delay) if delay else None  # the first one is the signal's own
        await runtime.signal("r", "number", 1)
        await clock.advance(20)
        assert slow is None or slow.hits
        assert await store.messages(run_id="r") == []
        assert run.status() == "running"
        await runtime.signal("r", "number", 2)
        assert await run.result() == [1, 2]
        told = [entry.kind for entry in await runtime.history("r")]
        assert told.count("SignalCame") == told.count("SignalReceived") == 2
        await check_store(store)


async def test_a_signal_for_a_step_that_isnt_emitted_yet_stays_in_the_store(clock: MockClock) -> None:
    """Nobody knows what it is for before: its type isn't known either. Who sends it knows nothing of the workflow, so it isn't refused."""
    store = MemoryStore(clock=clock)
    async with Runtime(store=store, clock=clock) as runtime:
        run = await runtime.options(run_id="r").start(asks_later)
        await clock.advance(2)
        await somebody_sends(store, clock)
        await clock.advance(5)
        assert len(await store.messages(run_id="r")) == 1
        assert await run.result() == 7
        assert await store.messages(run_id="r") == []
        await check_store(store)


async def somebody_sends(store: MemoryStore, clock: MockClock) -> None:
    """Somebody who has the store alone sends the signal."""
    async with Operator(store.beside(), clock=clock) as operator:
        await operator.signal("r", "number", 7, who="bank")
