"""R41: what is told of runs that are recorded: after it is on disk, and with the same numbers after a takeover."""

from __future__ import annotations

import asyncio

import pytest

from actorflow import Halt, MemoryStore, Runtime, step, step_context, workflow
from actorflow.facts import LeaseTaken, StepProgressed
from actorflow.testing import MockClock
from actorflow.testing.lives import Life
from tests.conformance.conftest import OpenStore
from tests.conformance.seen import History, forever
from tests.conformance.surviving import Gated, begin, lapse, until


@step
async def first() -> int:
    return 1


@step
async def second(value: int) -> int:
    step_context().progress(1, 2)
    return value + 1


@workflow
def two() -> int:
    return second(first())


async def test_events_leave_after_their_facts_are_on_disk(clock: MockClock) -> None:
    """R41: while the commit of a turn is held, nothing of that turn is told."""
    async with MemoryStore(clock=clock) as memory:
        store = Gated(memory)
        async with Runtime(store=store, clock=clock) as runtime:
            history = History(runtime)
            store.hold()
            started = asyncio.ensure_future(begin(runtime, two))
            await store.arrived.wait()
            await clock.advance(1)
            assert history.lines == []
            store.let_through()
            run = await started
            assert await run.result() == 2
    assert history.lines[0][0] == "RunStarted"
    assert history.lines[-1][0] == "RunEnded"


async def test_events_come_in_order_and_numbered_without_a_gap(clock: MockClock, open_store: OpenStore) -> None:
    """R41: a run's events come in causal order, none missing, none doubled; what only informs has no number, as it isn't stored."""
    async with Runtime(store=open_store(), clock=clock) as runtime:
        history = History(runtime)
        await (await begin(runtime, two)).result()
    numbers = [event.sequence for event in history.events if event.sequence]
    assert numbers == list(range(1, len(numbers) + 1))
    assert [event.sequence for event in history.events if isinstance(event.fact, StepProgressed)] == [0]


async def test_after_a_takeover_the_numbers_are_the_same(clock: MockClock, open_store: OpenStore) -> None:
    """R41: after a takeover numbers go on from what is stored: an event that comes again has the number that it had."""
    stands = True

    @step
    async def stand(value: int) -> int:
        return await forever() if stands else value

    @workflow
    def standing() -> int:
        return stand(first())

    async with Life(open_store(), clock=clock) as life:
        before = History(life.runtime)
        await begin(life.runtime, standing)
        await until(lambda: ("StepStarted", "stand", 1) in before.lines)
        life.die()
    stands = False
    await lapse(clock)
    async with Runtime(store=open_store(), workflows=[standing], clock=clock) as runtime:
        after = History(runtime)
        assert await (await begin(runtime, standing)).result() == 1
    first_part = {event.sequence: line for event, line in zip(before.events, before.lines, strict=True)}
    second_part = {event.sequence: line for event, line in zip(after.events, after.lines, strict=True)}
    for number in first_part.keys() & second_part.keys():
        assert first_part[number] == second_part[number]
    assert isinstance(after.facts[0], LeaseTaken)
    numbers = sorted(first_part.keys() | second_part.keys())
    assert numbers == list(range(1, len(numbers) + 1))


async def test_numbers_go_on_when_a_run_is_resumed_in_another_runtime(clock: MockClock, open_store: OpenStore) -> None:
    """R41, R16: a resume goes on with the number after the halt's last one."""

    @step
    async def pause() -> int:
        raise Halt(1)

    @workflow
    def pausing() -> int:
        return second(pause())

    async with Runtime(store=open_store(), clock=clock) as runtime:
        before = History(runtime)
        await (await begin(runtime, pausing)).outcome()
    async with Runtime(store=open_store(), clock=clock) as runtime:
        after = History(runtime)
        assert await (await runtime.resume(pausing, "r")).result() == 2
    assert min(event.sequence for event in after.events if event.sequence) == before.events[-1].sequence + 1


@pytest.mark.parametrize("silent", [True, False])
async def test_history_that_must_be_whole_is_read_from_the_store(
    clock: MockClock, open_store: OpenStore, *, silent: bool
) -> None:
    """R41, R43: `history` has all facts, those of the executor's own too, whether or not anybody listened when they happened."""
    async with Runtime(store=open_store(), clock=clock) as runtime:
        history = None if silent else History(runtime)
        await (await begin(runtime, two)).result()
    async with Runtime(store=open_store(), clock=clock) as runtime:
        recorded = [(entry.kind, entry.step, entry.attempt) for entry in await runtime.history("r")]
    assert recorded[0][0] == "RunStarted"
    assert ("StepStarted", "second", 1) in recorded
    assert ("StepSucceeded", "second", 1) in recorded
    assert recorded[-1][0] == "RunEnded"
    if history is not None:
        told = [line for line, event in zip(history.lines, history.events, strict=True) if event.sequence]
        assert [line for line in recorded if line in told] == told
