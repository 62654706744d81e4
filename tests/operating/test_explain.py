"""Why a run isn't further, and what can be done about it."""

from __future__ import annotations

import asyncio

from actorflow import Explanation, MemoryStore, Operator, Runtime
from actorflow.testing import Life, MockClock
from tests.operating.trips import GATE, KNOWN, WORLD, World, breaks_off, declines, forever, pauses, trip


def options(world: World, clock: MockClock) -> dict[str, object]:
    return {"workflows": KNOWN, "resources": [WORLD.provide(world)], "clock": clock, "seed": 0}


def said(explanation: Explanation) -> list[tuple[str, str]]:
    return [(reason.kind, reason.step) for reason in explanation.reasons]


async def explained(world: World, clock: MockClock) -> tuple[Explanation, Explanation]:
    """By the runtime that has the run, and by somebody who has the store alone."""
    store = MemoryStore(clock=clock)
    async with Runtime(store=store, **options(world, clock)) as runtime:  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
        run = await runtime.options(run_id="t").start(trip, "Oslo")
        await asyncio.sleep(1)
        here = await runtime.explain("t")
        elsewhere = await Operated(store, clock).explain("t")
        await run.cancel()
        await run.outcome()
    return here, elsewhere


class Operated(Operator):
    """An operator on a store that is entered already."""

    def __init__(self, store: MemoryStore, clock: MockClock) -> None:
        super().__init__(store, clock=clock)


async def test_a_step_that_executes(clock: MockClock) -> None:
    here, elsewhere = await explained(World(quote=forever), clock)
    assert said(here) == said(elsewhere) == [("executing", ""), ("executing", "quote")]
    assert str(here.reasons[0]) == "it goes on in this runtime"
    assert "has it, with a lease until 2030-01-01 00:00:3" in str(elsewhere.reasons[0])
    assert "step 'quote' is running since 2030-01-01 00:00:00 UTC" in str(here)


async def test_a_retry_that_isnt_due(clock: MockClock) -> None:
    here, _ = await explained(World(quote=breaks_off), clock)
    retry = here.reasons[1]
    assert (retry.kind, retry.step, retry.until) == ("retry", "quote", clock.time() - 1 + 3600)
    assert str(retry) == (
        "step 'quote' waits: its next attempt is due at 2030-01-01 01:00:00 UTC, after ConnectionError: the line dropped"
    )


async def test_permits_that_others_hold(clock: MockClock) -> None:
    """R28: with the pool's name and numbers."""
    store = MemoryStore(clock=clock)
    world = World(tell=forever)
    async with Runtime(store=store, **options(world, clock)) as runtime:  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
        runs = [await runtime.options(run_id=name).start(trip, "Oslo") for name in ("one", "two")]
        await asyncio.sleep(1)
        told = [await runtime.explain(name) for name in ("one", "two")]
        waiting = next(each for each in told if said(each)[1][0] == "permits")
        assert f"waits for permits of {GATE.name!r} (1 of 1 held, 1 waiting)" in str(waiting)
        for run in runs:
            await run.cancel()
            await run.outcome()


async def test_nobody_has_it(clock: MockClock) -> None:
    """R50: who will take it, and what becomes of what was executing."""
    store = MemoryStore(clock=clock)
    async with Life(store, **options(World(quote=forever), clock)) as life:  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
        await life.runtime.options(run_id="t").start(trip, "Oslo")
        await asyncio.sleep(1)
        life.die()
    async with Operator(store, clock=clock) as operator:
        before = await operator.explain("t")
        await asyncio.sleep(40)
        lapsed = await operator.explain("t")
    assert said(before)[0] == ("executing", "")
    assert said(lapsed) == [("lapsed", ""), ("executing", "quote")]
    assert "A runtime that knows 'trip' takes it over" in str(lapsed)
    assert "step 'quote' was running since 2030-01-01 00:00:00 UTC when its runtime went away" in str(lapsed)


async def test_a_workflow_that_isnt_known_here(clock: MockClock) -> None:
    """R51."""
    store = MemoryStore(clock=clock)
    async with Runtime(store=store, drain_timeout=0, **options(World(quote=forever), clock)) as runtime:  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
        await runtime.options(run_id="t").start(trip, "Oslo")
        await asyncio.sleep(1)
    async with Runtime(store=store, clock=clock) as runtime:
        told = await runtime.explain("t")
        assert said(told)[0] == ("unowned", "")
        assert "No workflow 'trip' is known here" in str(told)


async def test_a_halted_run(clock: MockClock) -> None:
    """R16: who may go on with it."""
    store = MemoryStore(clock=clock)
    async with Runtime(store=store, **options(World(quote=pauses), clock)) as runtime:  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
        run = await runtime.options(run_id="t").start(trip, "Oslo")
        await run.outcome()
        told = await runtime.explain("t")
    assert said(told) == [("halted", "")]
    assert "resume() goes on with it, cancel() takes it back" in str(told)


async def test_a_step_that_was_set_aside_with_the_three_answers(clock: MockClock) -> None:
    """R49: an irreversible step that was in flight at a crash waits for a person."""
    store = MemoryStore(clock=clock)
    async with Life(store, **options(World(pay=forever), clock)) as life:  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
        await life.runtime.options(run_id="t").start(trip, "Oslo")
        await asyncio.sleep(1)
        life.die()
    await asyncio.sleep(40)
    async with Runtime(store=store, **options(World(), clock)) as runtime:  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
        await asyncio.sleep(1)
        told = await runtime.explain("t")
        assert said(told) == [("halted", ""), ("set_aside", "pay")]
        assert [answer.split(":")[0] for answer in told.reasons[1].then] == [
            'resolve() takes "retry"', 'resolve() takes "fail"', "resolve() takes Skip(value)",
        ]  # fmt: skip
        assert [step.status for step in (await runtime.inspect("t")).steps][-1] == "set aside"
        assert await runtime.doctor() == []  # a person is waited for


async def test_a_failed_run_with_what_wasnt_undone(clock: MockClock) -> None:
    """R52: what wasn't undone, and why."""
    store = MemoryStore(clock=clock)
    async with Runtime(store=store, **options(World(pay=declines, release=breaks_off), clock)) as runtime:  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
        run = await runtime.options(run_id="t").start(trip, "Oslo")
        await run.outcome()
        told = await runtime.explain("t")
    assert said(told) == [("ended", ""), ("ended", "reserve")]
    assert "it has failed at 2030-01-01 00:00:01 UTC, rollback incomplete" in str(told)
    assert (
        "step 'reserve' couldn't be undone: UndoFailed: the undo of 'reserve' was given up after 2 tries"
        " (ConnectionError: the line dropped)"
    ) in str(told)
