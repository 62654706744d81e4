"""Every unfinished run has something that will move it, or is named, with the reason and what to do."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest

from actorflow import InvalidState, MemoryStore, NewRun, Operator, Runtime, sleep, step, wait_for_signal, workflow
from actorflow.engine.orders import HandlerDue, RetryDue
from actorflow.facts import StepSucceeded
from actorflow.runtime.neighbours import own_name
from actorflow.runtime.office import Office
from actorflow.testing import Life, MockClock, crash_at
from tests.operating.trips import KNOWN, WORLD, World, breaks_off, declines, forever, trip


def options(world: World, clock: MockClock) -> dict[str, Any]:
    return {"workflows": KNOWN, "resources": [WORLD.provide(world)], "clock": clock, "seed": 0}


WINDOWS: Mapping[str, tuple[str, int, dict[str, Any]]] = {
    "recorded and never begun": ("step.entering", 1, {}),
    "claimed and never finished": ("step.returned", 1, {}),
    "finished and never advanced": ("commit.stored", 2, {}),
    "waiting for a retry that comes due while nobody is there": ("commit.released", 3, {"quote": breaks_off}),
    "rollback half-way: the undo begun": ("undo.entering", 1, {"quote": declines}),
    "rollback half-way: the undo done and not recorded": ("undo.returned", 1, {"quote": declines}),
    "ended, and whoever waits wasn't told": ("run.ended", 1, {}),
}
"""Where the process dies: the crash point, which time it is reached, and what the steps do."""


@pytest.mark.parametrize("window", WINDOWS)
async def test_a_run_in_a_crash_window_is_named_and_then_cleared(window: str, clock: MockClock) -> None:
    """While no runtime is alive the doctor names it; when one has come it has nothing to say, and the run ends."""
    point, hit, acts = WINDOWS[window]
    store = MemoryStore(clock=clock)
    with crash_at(point, hit=hit) as crashes:
        async with Life(store, **options(World(**acts), clock)) as life:
            await life.until_dead(life.runtime.options(run_id="t").run(trip, "Oslo"))
    assert crashes.deaths, "the crash point wasn't reached"
    async with Operator(store, clock=clock) as operator:
        assert await operator.doctor() == []  # its runtime's lease goes on yet
        await asyncio.sleep(40)
        found = await operator.doctor()
        status = (await operator.inspect("t")).status
    if status not in ("succeeded", "failed"):
        assert [(finding.run_id, finding.kind) for finding in found] == [("t", "no_runtime")]
        assert "no runtime is alive" in str(found[0])
        assert "Start one that knows 'trip'" in found[0].then
    async with Runtime(store=store, **options(World(), clock)) as runtime:
        assert await runtime.doctor() == []
        await asyncio.sleep(7200)
        assert await runtime.doctor() == []
        assert (await runtime.inspect("t")).status in ("succeeded", "failed", "halted")


async def test_a_cancel_that_nobody_has_carried_out(clock: MockClock) -> None:
    store = MemoryStore(clock=clock)
    async with Life(store, **options(World(quote=forever), clock)) as life:
        await life.runtime.options(run_id="t").start(trip, "Oslo")
        await asyncio.sleep(1)
        life.die()
    async with Operator(store, clock=clock) as operator:
        await operator.cancel("t")
        await asyncio.sleep(40)
        assert [finding.kind for finding in await operator.doctor()] == ["no_runtime"]
    async with Runtime(store=store, **options(World(quote=forever), clock)) as runtime:
        await asyncio.sleep(5)
        assert await runtime.doctor() == []
        assert (await runtime.inspect("t")).status == "cancelled"


async def test_a_runtime_that_doesnt_hear_what_its_run_is_asked(clock: MockClock) -> None:
    """It renews its lease, so nobody else takes the run; a person has to look."""
    store = MemoryStore(clock=clock)
    async with Operator(store, clock=clock) as operator:
        owner = await store.join("stuck:1", lease=1000)
        await store.open_run(NewRun("t", "trip", b""), owner=owner)
        await operator.cancel("t")
        await asyncio.sleep(61)
        (finding,) = await operator.doctor()
        assert finding.kind == "deaf"
        assert f"runtime {owner} (stuck:1) has it, and hasn't taken in the 'cancel' that came" in finding.what


async def test_a_workflow_that_no_living_runtime_knows(clock: MockClock) -> None:
    """R51."""
    store = MemoryStore(clock=clock)
    async with Runtime(store=store, drain_timeout=0, **options(World(quote=forever), clock)) as runtime:
        await runtime.options(run_id="t").start(trip, "Oslo")
        await asyncio.sleep(1)
    async with Runtime(store=store, clock=clock) as runtime:
        await asyncio.sleep(50)
        assert await runtime.doctor() == []  # one may be about to take it
        await asyncio.sleep(20)
        (finding,) = await runtime.doctor()
    assert finding.kind == "unknown"
    assert finding.then == "Give one of them its workflow, 'trip'."


async def test_a_run_that_was_left_alone_is_named_and_released(clock: MockClock) -> None:
    """R51: marked and reported; once its workflow is there again, a person has it taken over."""
    store, world = MemoryStore(clock=clock), World(quote=forever)
    async with Runtime(store=store, drain_timeout=0, **options(world, clock)) as runtime:
        await runtime.options(run_id="t").start(trip, "Oslo")
        await asyncio.sleep(1)

    @step
    async def another(city: str) -> str:
        return city

    @workflow(name="trip")
    def changed(city: str) -> str:
        return another(city)

    async with Runtime(store=store, workflows=[changed], clock=clock) as runtime:
        await asyncio.sleep(20)
        (finding,) = await runtime.doctor()
        assert finding.kind == "left_alone"
        assert "release()" in finding.then
        assert (await runtime.explain("t")).reasons[0].kind == "left_alone"
    async with Runtime(store=store, **options(World(), clock)) as runtime:
        await asyncio.sleep(20)
        assert [found.kind for found in await runtime.doctor()] == ["left_alone"]
        await runtime.release("t", who="ann", why="the old code is back")
        await asyncio.sleep(20)
        assert await runtime.doctor() == []
        assert (await runtime.inspect("t")).status == "succeeded"
        with pytest.raises(InvalidState, match="has succeeded"):
            await runtime.release("t")
        assert [(note.who, note.what) for note in await runtime.notes("t")] == [("ann", "release")]


async def test_a_run_that_its_own_runtime_has_lost(clock: MockClock) -> None:
    store = MemoryStore(clock=clock)
    async with Runtime(store=store, **options(World(), clock)) as runtime:
        (owner,) = await store.runtimes()
        await store.open_run(NewRun("t", "trip", b""), owner=owner.number)
        (finding,) = await runtime.doctor()
        assert finding.kind == "lost"


# ── a runtime that has a run, and doesn't move it ─────────────────────────────────────────────────────────────────────


def forgotten(runtime: Runtime, monkeypatch: pytest.MonkeyPatch, what: type) -> None:
    """The next message of this kind gets lost on its way to the engine, as by a fault of ours."""
    executor = runtime._open().executor
    deliver = executor.handle

    def handle(message: Any) -> None:
        if type(message) is what:
            monkeypatch.undo()
        else:
            deliver(message)

    monkeypatch.setattr(executor, "handle", handle)


@pytest.mark.parametrize("lost", [StepSucceeded, RetryDue, HandlerDue])
async def test_a_run_that_its_runtime_has_and_doesnt_move(
    lost: type, clock: MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its lease is renewed, so nobody takes it over; but it has no step in flight, no timer, and nobody to wait for."""
    acts: dict[type, dict[str, Any]] = {
        StepSucceeded: {},
        RetryDue: {"quote": breaks_off},
        HandlerDue: {"quote": declines, "release": breaks_off},
    }
    store = MemoryStore(clock=clock)
    async with Runtime(store=store, drain_timeout=0, **options(World(**acts[lost]), clock)) as runtime:
        forgotten(runtime, monkeypatch, lost)
        await runtime.options(run_id="t").start(trip, "Oslo")
        await asyncio.sleep(4000)
        (finding,) = await runtime.doctor()
        assert (finding.run_id, finding.kind) == ("t", "still")
        assert "this runtime has it, and nothing of it goes on or waits since" in finding.what
        assert (await runtime.explain("t")).reasons[0].kind == "still"
    async with Runtime(store=store, **options(World(), clock)) as runtime:
        assert await runtime.doctor() == []
        await asyncio.sleep(7200)
        assert (await runtime.inspect("t")).status in ("succeeded", "failed")


async def test_a_run_that_goes_on_elsewhere_and_does_nothing(clock: MockClock) -> None:
    """By what is recorded of it: a person has to look."""
    store = MemoryStore(clock=clock)
    async with Operator(store, clock=clock) as operator:
        owner = await store.join("stuck:1", lease=1000)
        await store.open_run(NewRun("t", "trip", b""), owner=owner)
        await asyncio.sleep(50)
        assert await operator.doctor() == []
        await asyncio.sleep(20)
        (finding,) = await operator.doctor()
        assert finding.kind == "still"
        assert f"runtime {owner} (stuck:1) has it, and nothing of it goes on or waits since" in finding.what
        assert (await operator.explain("t")).reasons[0].kind == "still"


async def test_what_executes_waits_or_sleeps_elsewhere_is_well(clock: MockClock) -> None:
    """However long that takes, and nothing is recorded meanwhile."""

    @step
    async def stands() -> None:
        await forever()

    @workflow
    def waiting() -> None:
        sleep(500)
        wait_for_signal("paid", int)
        stands()

    store = MemoryStore(clock=clock)
    async with Runtime(store=store, drain_timeout=0, clock=clock, seed=0) as runtime:
        operator = Office(store, clock=clock)
        run = await runtime.options(run_id="t").start(waiting)
        for _ in range(20):
            await asyncio.sleep(50)
            assert await operator.doctor() == await runtime.doctor() == []
        await run.cancel()
        await run.outcome()


async def test_a_process_of_this_machine_that_is_gone_isnt_waited_for(clock: MockClock) -> None:
    """Its lease goes on, but it can't be there: a restarted process has this one's number and another mark."""
    store = MemoryStore(clock=clock)
    async with Operator(store, clock=clock) as operator:
        gone = await store.join(own_name().rpartition(";")[0] + ";another", lease=1000)
        await store.open_run(NewRun("t", "trip", b""), owner=gone)
        (finding,) = await operator.doctor()
        assert finding.kind == "no_runtime"
        assert "had it until its process ended" in finding.what
        assert (await operator.explain("t")).reasons[0].kind == "lapsed"
