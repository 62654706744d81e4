"""An operator's retry and replays: new runs, which keep what still stands of the one before."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from actorflow import (
    Failed,
    InvalidState,
    MemoryStore,
    RecordNotFound,
    Runtime,
    Succeeded,
    UnknownWorkflow,
    choose,
    each,
    step,
    workflow,
)
from actorflow.testing import Life, MockClock
from tests.operating.trips import KNOWN, WORLD, World, breaks_off, declines, forever, pauses, trip


def options(world: World, clock: MockClock) -> dict[str, Any]:
    return {"workflows": KNOWN, "resources": [WORLD.provide(world)], "clock": clock, "seed": 0, "values": "decoded"}


async def begun(store: MemoryStore, world: World, clock: MockClock, **asked: Any) -> str:
    async with Runtime(store=store, **options(world, clock)) as runtime:
        run = await runtime.options(run_id="t", **asked).start(trip, "Oslo")
        return type(await run.outcome()).__name__


async def test_a_retry_runs_again_what_was_undone_and_what_failed(clock: MockClock) -> None:
    """R14: an operator's retry starts a new budget."""
    store, world = MemoryStore(clock=clock), World(quote=declines)
    assert await begun(store, world, clock, labels={"team": "travel"}, context={"who": "ann"}) == "Failed"
    world.acts, world.ran = {}, []
    async with Runtime(store=store, **options(world, clock)) as runtime:
        run = await runtime.retry("t", who="ann", why="the card works now")
        assert await run.result() == "told of receipt for 80"
        assert world.ran == ["reserve 1", "quote 1", "pay 1", "tell 1"]
        record = await runtime.record(run.id)
        assert record.labels == {"team": "travel", "retry_of": "t"}
        assert (await runtime.inspect(run.id, values=True)).context == {"who": "ann"}
        assert [note.what for note in await runtime.notes("t")] == [f"retry as {run.id}"]
        assert [(note.what, note.who, note.why) for note in await runtime.notes(run.id)] == [
            ("retry of t", "ann", "the card works now")
        ]
        assert (await runtime.inspect("t")).status == "failed"  # it stays what it was


async def test_a_retry_keeps_what_still_stands(clock: MockClock) -> None:
    """What has no undo, and takes nothing from what was undone, isn't run again."""
    ran: list[str] = []
    broken = [True]

    @step
    async def look_up(city: str) -> int:
        ran.append("look up")
        return len(city)

    @step
    async def hold(city: str) -> str:
        ran.append("hold")
        return f"{city} held"

    @hold.undo
    async def let_go(value: str) -> None:
        ran.append("let go")

    @step
    async def book(nights: int, held: str) -> str:
        ran.append("book")
        if broken[0]:
            raise ConnectionError("no line")
        return f"{held} for {nights}"

    @workflow
    def stay(city: str) -> str:
        return book(look_up(city), hold(city))

    store = MemoryStore(clock=clock)
    async with Runtime(store=store, workflows=[stay], clock=clock) as runtime:
        first = await runtime.options(run_id="t").start(stay, "Oslo")
        assert isinstance(await first.outcome(), Failed)
        broken[0] = False
        ran.clear()
        again = await runtime.retry("t", new_run_id="t-2")
        assert (again.id, await again.result()) == ("t-2", "Oslo held for 4")
        assert ran == ["hold", "book"]
        kept = (await runtime.inspect("t-2", values=True)).steps
        assert [(one.name, one.status, one.value) for one in kept] == [
            ("look_up", "skipped", 4), ("hold", "completed", "Oslo held"), ("book", "completed", "Oslo held for 4"),
        ]  # fmt: skip
        assert await store.completed_outputs("t-2") == [b"\x04", b"\xa9Oslo held", b"\xafOslo held for 4"]


async def test_what_is_kept_isnt_undone_by_the_new_run(clock: MockClock) -> None:
    """It is another run's doing."""
    store, world = MemoryStore(clock=clock), World()
    assert await begun(store, world, clock) == "Succeeded"
    world.acts = {"tell": declines}
    async with Runtime(store=store, **options(world, clock)) as runtime:
        run = await runtime.replay("t", "tell")
        outcome = await run.outcome()
        assert isinstance(outcome, Failed)
        assert outcome.rollback == "none"
    assert world.effects == ["seat in Oslo", "paid 80"]


async def test_a_replay_from_a_step_runs_it_and_what_follows(clock: MockClock) -> None:
    store, world = MemoryStore(clock=clock), World()
    assert await begun(store, world, clock) == "Succeeded"
    world.ran = []
    async with Runtime(store=store, **options(world, clock)) as runtime:
        run = await runtime.replay("t", "tell")
        assert await run.result() == "told of receipt for 80"
        assert world.ran == ["tell 1"]
        with pytest.raises(InvalidState, match=r"has no step 'tel'.*'tell'"):
            await runtime.replay("t", "tel")


async def test_a_replay_past_an_irreversible_step_has_to_be_allowed_by_name(clock: MockClock) -> None:
    """R49."""
    store, world = MemoryStore(clock=clock), World()
    assert await begun(store, world, clock) == "Succeeded"
    async with Runtime(store=store, **options(world, clock)) as runtime:
        for from_step in (None, "quote", "pay"):
            with pytest.raises(InvalidState, match=r"pay has acted, and would act twice\nIf that is meant.*'pay'"):
                await runtime.replay("t", from_step)
        with pytest.raises(InvalidState, match="would act twice"):
            await runtime.replay("t", allow_irreversible=["reserve"])
        assert world.effects == ["seat in Oslo", "paid 80"]
        run = await runtime.replay("t", allow_irreversible=["pay"])
        assert isinstance(await run.outcome(), Succeeded)
    assert world.effects == ["seat in Oslo", "paid 80", "seat in Oslo", "paid 80"]


async def test_a_retry_after_an_incomplete_rollback_has_to_be_allowed_by_name(clock: MockClock) -> None:
    """What couldn't be undone stands, and would be done twice."""
    store, world = MemoryStore(clock=clock), World(quote=declines, release=breaks_off)
    assert await begun(store, world, clock) == "Failed"
    world.acts = {}
    async with Runtime(store=store, **options(world, clock)) as runtime:
        with pytest.raises(InvalidState, match="reserve has acted"):
            await runtime.retry("t")
        run = await runtime.retry("t", allow_irreversible=["reserve"])
        assert isinstance(await run.outcome(), Succeeded)


async def test_only_runs_that_have_ended_are_run_again(clock: MockClock) -> None:
    store, world = MemoryStore(clock=clock), World(quote=pauses)
    assert await begun(store, world, clock) == "Halted"
    async with Runtime(store=store, **options(world, clock)) as runtime:
        with pytest.raises(InvalidState, match="halted"):
            await runtime.retry("t")
        with pytest.raises(RecordNotFound):
            await runtime.replay("no such run")
        world.acts = {}
        run = await runtime.options(run_id="u").start(trip, "Rome")
        await run.outcome()
        with pytest.raises(InvalidState, match="nothing to retry"):
            await runtime.retry("u")
        with pytest.raises(InvalidState, match="there is a run 't' already"):
            await runtime.replay("u", "tell", new_run_id="t")
    async with Runtime(store=store, clock=clock) as runtime:
        with pytest.raises(UnknownWorkflow):
            await runtime.replay("u", "tell")


async def test_results_of_combinators_are_kept_whole(clock: MockClock) -> None:
    """A replay's kept results include those that the engine made itself, and those that the run had dropped (R7)."""
    ran: list[Any] = []

    @step
    async def double(number: int) -> int:
        ran.append(number)
        return number * 2

    @step
    async def total(numbers: list[int]) -> int:
        ran.append("total")
        return sum(numbers)

    @step
    async def say(amount: int) -> str:
        ran.append("say")
        return f"{amount} in all"

    @workflow
    def summed(numbers: list[int], loud: bool) -> str:
        amount = total(each(numbers, double))
        return choose(loud, {True: lambda: say(amount)}, default=lambda: say(amount))

    store = MemoryStore(clock=clock)
    async with Runtime(store=store, workflows=[summed], clock=clock, values="decoded") as runtime:
        first = await runtime.options(run_id="t").start(summed, [1, 2, 3], True)
        assert await first.result() == "12 in all"
        ran.clear()
        again = await runtime.replay("t", "total")
        assert await again.result() == "12 in all"
        assert ran == ["total", "say"]
        ran.clear()
        second = await runtime.replay(again.id, "choose")
        assert await second.result() == "12 in all"
        assert ran == ["say"]


async def test_a_replayed_run_survives_its_runtime(clock: MockClock) -> None:
    """What it keeps is recorded with it."""
    store, world = MemoryStore(clock=clock), World()
    assert await begun(store, world, clock) == "Succeeded"
    world.acts = {"tell": forever}
    async with Life(store, **options(world, clock)) as life:
        await life.until_dead(life.runtime.replay("t", "tell", new_run_id="u"))
        life.die()
    world.acts, world.ran = {}, []
    await asyncio.sleep(40)
    async with Runtime(store=store, **options(world, clock)) as runtime:
        await asyncio.sleep(5)
        assert (await runtime.inspect("u")).status == "succeeded"
    assert world.ran == ["tell 2"]
