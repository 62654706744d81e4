"""Runs are cancelled and halted wherever they go on; what was asked counts exactly once, and is noted."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from actorflow import Cancelled, Halted, InvalidState, MemoryStore, Operator, RecordNotFound, Runtime, Skip, Succeeded
from actorflow.testing import Life, MockClock
from tests.operating.trips import KNOWN, WORLD, World, forever, pauses, trip


def options(world: World, clock: MockClock) -> dict[str, Any]:
    return {"workflows": KNOWN, "resources": [WORLD.provide(world)], "clock": clock, "seed": 0}


async def test_another_process_cancels_a_run_that_goes_on_here(clock: MockClock) -> None:
    """Within a second, by a message in the store; its owner takes it back."""
    store, world = MemoryStore(clock=clock), World(quote=forever)
    async with Runtime(store=store, **options(world, clock)) as runtime:
        run = await runtime.options(run_id="t").start(trip, "Oslo")
        await asyncio.sleep(1)
        before = clock.time()
        await Operator(store, clock=clock).cancel("t", "the customer called", who="ann")
        outcome = await run.outcome()
        assert clock.time() - before <= 1.0
        assert isinstance(outcome, Cancelled)
        assert (outcome.reason, outcome.rollback, world.effects) == ("the customer called", "complete", [])
        assert await store.messages(run_id="t") == []
        (note,) = await runtime.notes("t")
        assert (note.who, note.what, note.why) == ("ann", "cancel", "the customer called")


async def test_a_run_is_cancelled_at_once_where_it_goes_on(clock: MockClock) -> None:
    store = MemoryStore(clock=clock)
    async with Runtime(store=store, **options(World(quote=forever), clock)) as runtime:
        run = await runtime.options(run_id="t").start(trip, "Oslo")
        before = clock.time()
        await runtime.cancel("t", "enough")
        assert isinstance(await run.outcome(), Cancelled)
        assert clock.time() == before
        assert [note.what for note in await runtime.notes("t")] == ["cancel"]


async def test_a_cancel_waits_for_whoever_takes_the_run_over(clock: MockClock) -> None:
    """A crash window: cancel asked for, and not carried out."""
    store, world = MemoryStore(clock=clock), World(quote=forever)
    async with Life(store, **options(world, clock)) as life:
        await life.runtime.options(run_id="t").start(trip, "Oslo")
        await asyncio.sleep(1)
        life.die()
    async with Operator(store, clock=clock) as operator:
        await operator.cancel("t", "nobody is there")
        assert [reason.kind for reason in (await operator.explain("t")).reasons][:2] == ["executing", "asked"]
    await asyncio.sleep(40)
    async with Runtime(store=store, **options(world, clock)) as runtime:
        run = await runtime.options(run_id="t").start(trip, "Oslo")
        outcome = await run.outcome()
        assert isinstance(outcome, Cancelled)
        assert outcome.reason == "nobody is there"
        assert await store.messages(run_id="t") == []
    assert world.effects == []


async def test_a_message_counts_once_whatever_dies_when(clock: MockClock) -> None:
    """It is consumed in the commit that records it: before that commit it's still there, after it the run is cancelled."""
    store, world = MemoryStore(clock=clock), World(quote=forever)
    async with Life(store, **options(world, clock)) as life:
        await life.runtime.options(run_id="t").start(trip, "Oslo")
        await asyncio.sleep(1)
        await Operator(store, clock=clock).halt("t", "first")
        life.die()
    async with store:
        assert [message.kind for message in await store.messages(run_id="t")] == ["halt"]
    await asyncio.sleep(40)
    async with Runtime(store=store, **options(World(), clock)) as runtime:
        run = await runtime.options(run_id="t").start(trip, "Oslo")
        outcome = await run.outcome()
        assert isinstance(outcome, Halted | Succeeded)
        history = [entry.kind for entry in await runtime.history("t")]
        assert history.count("Pause") == (1 if isinstance(outcome, Halted) else 0)


async def test_what_was_asked_before_a_run_was_halted_doesnt_count_when_it_is_resumed(clock: MockClock) -> None:
    store = MemoryStore(clock=clock)
    async with Runtime(store=store, **options(World(quote=pauses), clock)) as runtime:
        run = await runtime.options(run_id="t").start(trip, "Oslo")
        assert isinstance(await run.outcome(), Halted)
        await store.post("t", "halt", b"{}")
        again = await runtime.resume(trip, "t")
        assert isinstance(await again.outcome(), Succeeded)
        assert await store.messages(run_id="t") == []


async def test_a_halt_from_elsewhere_and_its_refusals(clock: MockClock) -> None:
    """R25: on a run that has ended `cancel` does nothing, and `halt` raises `InvalidState`."""
    store, world = MemoryStore(clock=clock), World(quote=forever)
    async with Runtime(store=store, **options(world, clock)) as runtime:
        run = await runtime.options(run_id="t").start(trip, "Oslo")
        operator = Operator(store, clock=clock)
        await operator.halt("t", "lunch")
        outcome = await run.outcome()
        assert isinstance(outcome, Halted)
        assert outcome.by == "lunch"
        with pytest.raises(InvalidState, match=r"has ended \(halted\)"):
            await operator.halt("t")
        with pytest.raises(InvalidState, match="nobody has it"):
            await operator.cancel("t")
        with pytest.raises(RecordNotFound):
            await operator.cancel("no such run")
        await runtime.cancel("t", "never mind", who="ann")
        run = runtime.get("t")
        assert isinstance(await run.outcome(), Cancelled)
        assert world.effects == []
        await operator.cancel("t")
        assert [note.what for note in await runtime.notes("t")] == ["halt", "cancel"]


async def test_a_run_without_a_store_is_cancelled_too(clock: MockClock) -> None:
    async with Runtime(**options(World(quote=forever), clock)) as runtime:
        run = await runtime.options(run_id="t").start(trip, "Oslo")
        await runtime.cancel("t", "enough")
        assert isinstance(await run.outcome(), Cancelled)
        with pytest.raises(RecordNotFound):
            await runtime.halt("u")


async def test_a_step_that_was_set_aside_is_resolved(clock: MockClock) -> None:
    """R49: retry, skip with a value, or fail, by a person, who is noted."""
    store = MemoryStore(clock=clock)
    for name in ("retry", "skip", "fail"):
        async with Life(store, **options(World(pay=forever), clock)) as life:
            await life.runtime.options(run_id=name).start(trip, name)
            await asyncio.sleep(1)
            life.die()
        await asyncio.sleep(40)
    world = World()
    world.effects += ["seat in retry", "seat in skip", "seat in fail"]
    async with Runtime(store=store, **options(world, clock)) as runtime:
        await asyncio.sleep(5)
        assert world.ran == []
        retried = await runtime.resolve("retry", {"pay": "retry"}, who="ann", why="it hadn't paid")
        assert isinstance(await retried.outcome(), Succeeded)
        skipped = await runtime.resolve("skip", {"pay": Skip("receipt 7")}, who="ann")
        assert await skipped.result() == "told of receipt 7"
        failed = await runtime.resolve("fail", {"pay": "fail"}, who="ann")
        assert "cannot" not in str(await failed.outcome())
        assert world.ran == ["pay 2", "tell 1", "tell 1", "release 1"]
        (note,) = await runtime.notes("retry")
        assert (note.who, note.what, note.why) == ("ann", "resolve pay=retry", "it hadn't paid")
        for name, status in (("retry", "completed"), ("skip", "skipped")):  # the halt was no end
            view = await runtime.inspect(name)
            assert (view.status, view.set_aside, view.by) == ("succeeded", (), "")
            assert [step.status for step in view.steps if step.name == "pay"] == [status]


async def test_a_halted_run_with_a_step_set_aside_is_cancelled(clock: MockClock) -> None:
    """R54: nobody knows whether that step acted, so the rollback is incomplete."""
    store, world = MemoryStore(clock=clock), World(pay=forever)
    async with Life(store, **options(world, clock)) as life:
        await life.runtime.options(run_id="t").start(trip, "Oslo")
        await asyncio.sleep(1)
        life.die()
    await asyncio.sleep(40)
    async with Runtime(store=store, **options(world, clock)) as runtime:
        await asyncio.sleep(1)
        await runtime.cancel("t", "enough")
        outcome = await runtime.get("t").outcome()
        assert isinstance(outcome, Cancelled)
        assert (outcome.rollback, world.effects) == ("incomplete", [])


async def test_a_reversible_run_is_undone_by_its_id_wherever_it_succeeded(clock: MockClock) -> None:
    """R26."""
    store, world = MemoryStore(clock=clock), World()
    async with Runtime(store=store, **options(world, clock)) as runtime:
        await runtime.options(run_id="t", reversible=True).run(trip, "Oslo")
    async with Runtime(store=store, **options(world, clock)) as runtime:
        await runtime.undo("t")
        assert (await runtime.inspect("t")).status == "undone"
    assert world.effects == ["paid 80"]
