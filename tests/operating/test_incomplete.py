"""R52: a rollback that couldn't undo everything: those undos are tried again, or marked as dealt with by a person, by name and with a reason."""

from __future__ import annotations

from typing import Any

import pytest

from actorflow import Cancelled, Failed, InvalidState, MemoryStore, Runtime, UndoFailed, step, workflow
from actorflow.testing import Life, MockClock, check_store
from tests.operating.trips import KNOWN, WORLD, World, breaks_off, declines, forever, trip


def options(world: World, clock: MockClock) -> dict[str, Any]:
    return {"workflows": KNOWN, "resources": [WORLD.provide(world)], "clock": clock, "seed": 0, "values": "decoded"}


async def incomplete(store: MemoryStore, world: World, clock: MockClock) -> None:
    async with Runtime(store=store, **options(world, clock)) as runtime:
        run = await runtime.options(run_id="t").start(trip, "Oslo")
        outcome = await run.outcome()
        assert isinstance(outcome, Failed)
        assert outcome.rollback == "incomplete"


async def test_an_undo_that_was_given_up_is_tried_again(clock: MockClock) -> None:
    """With the value that the step returned, after a restart too; then the rollback is complete."""
    store, world = MemoryStore(clock=clock), World(quote=declines, release=breaks_off)
    await incomplete(store, world, clock)
    assert world.effects == ["seat in Oslo"]
    async with Runtime(store=store, **options(world, clock)) as runtime:
        world.ran = []
        run = await runtime.resolve("t", {"reserve": "retry"}, who="ann", why="the airline is back")
        outcome = await run.outcome()
        assert isinstance(outcome, Failed)
        assert (outcome.rollback, world.ran) == ("incomplete", ["release 1", "release 1"])  # it fails again: two tries
        world.acts = {}
        run = await runtime.resolve("t", {"reserve": "retry"}, who="ann", why="really")
        outcome = await run.outcome()
        assert isinstance(outcome, Failed)
        assert (outcome.rollback, world.effects) == ("complete", [])
        assert [error.phase for error in outcome.error.errors] == ["run"]
        view = await runtime.inspect("t")
        assert (view.status, view.rollback, view.steps[0].status) == ("failed", "complete", "undone")
        assert [(note.who, note.what, note.why) for note in view.notes] == [
            ("ann", "resolve reserve=retry", "the airline is back"), ("ann", "resolve reserve=retry", "really"),
        ]  # fmt: skip
        with pytest.raises(InvalidState, match="nothing of step 'reserve'"):
            await runtime.resolve("t", {"reserve": "retry"})
        await check_store(store)


async def test_what_a_person_has_dealt_with_is_marked(clock: MockClock) -> None:
    store, world = MemoryStore(clock=clock), World(quote=declines, release=breaks_off)
    await incomplete(store, world, clock)
    async with Runtime(store=store, **options(world, clock)) as runtime:
        world.ran = []
        run = await runtime.resolve("t", {"reserve": "done"}, who="ann", why="I called them")
        outcome = await run.outcome()
        assert isinstance(outcome, Failed)
        assert (outcome.rollback, world.ran) == ("complete", [])
        assert (await runtime.inspect("t")).steps[0].status == "dealt with"
        assert [note.what for note in await runtime.notes("t")] == ["resolve reserve=done"]
        again = await runtime.retry("t")  # nothing of it stands any more
        await again.cancel()
        await again.outcome()
    async with Runtime(store=store, **options(world, clock)) as runtime:
        assert (await runtime.inspect("t")).rollback == "complete"
        await check_store(store)


async def test_wrong_names_and_answers_are_refused_and_change_nothing(clock: MockClock) -> None:
    store, world = MemoryStore(clock=clock), World(quote=declines, release=breaks_off)
    await incomplete(store, world, clock)
    async with Runtime(store=store, **options(world, clock)) as runtime:
        with pytest.raises(InvalidState, match=r"nothing of step 'reserv'.*'reserve'"):
            await runtime.resolve("t", {"reserv": "retry"})
        with pytest.raises(InvalidState, match='resolved by "retry" or "done", not \'fail\''):
            await runtime.resolve("t", {"reserve": "fail"})
        record = await runtime.record("t")
        assert (record.status, record.owner) == ("failed", None)
        assert await runtime.notes("t") == []


async def test_a_step_whose_outcome_stayed_unknown_is_dealt_with(clock: MockClock) -> None:
    """R54: listed as in R52; there is no undo to try again."""
    store, world = MemoryStore(clock=clock), World(pay=forever)
    async with Life(store, **options(world, clock)) as life:
        await life.runtime.options(run_id="t").start(trip, "Oslo")
        await clock.advance(1)
        life.die()
    await clock.advance(40)
    async with Runtime(store=store, **options(world, clock)) as runtime:
        await clock.advance(1)
        await runtime.cancel("t", "enough")
        outcome = await runtime.get("t").outcome()
        assert isinstance(outcome, Cancelled)
        assert outcome.rollback == "incomplete"
        assert "nobody knows whether step 'pay' acted" in str(await runtime.explain("t"))
        with pytest.raises(InvalidState, match='resolved by "done"'):
            await runtime.resolve("t", {"pay": "retry"})
        run = await runtime.resolve("t", {"pay": "done"}, who="ann", why="the bank says it wasn't paid")
        outcome = await run.outcome()
        assert isinstance(outcome, Cancelled)
        assert (outcome.reason, outcome.rollback) == ("enough", "complete")


@pytest.mark.parametrize("broken", [{"first", "second"}, {"second"}])
async def test_several_undos_are_tried_again_in_their_order_and_one_at_a_time(
    broken: set[str], clock: MockClock
) -> None:
    """R22, for a run that was reversed: `undone` stays what it is. An undo gets its arguments, even if what they came from was undone before."""
    undone: list[str] = []
    left = sorted(broken)

    @step
    async def first() -> str:
        return "1"

    @first.undo
    async def unfirst(value: str) -> None:
        await undo(f"first {value}")

    @step
    async def second(value: str) -> str:
        return value + "2"

    @second.undo
    async def unsecond(result: str, value: str) -> None:
        await undo(f"second {result} {value}")

    async def undo(what: str) -> None:
        if what.split(maxsplit=1)[0] in broken:
            raise ConnectionError("no line")
        undone.append(what)

    @workflow
    def two() -> str:
        return second(first())

    store = MemoryStore(clock=clock)
    async with Runtime(store=store, workflows=[two], clock=clock, values="decoded") as runtime:
        await runtime.options(run_id="t", reversible=True).run(two)
        with pytest.raises(UndoFailed):
            await runtime.undo("t")
        assert (await runtime.record("t")).status == "undone"
    broken.clear()
    async with Runtime(store=store, workflows=[two], clock=clock, values="decoded") as runtime:
        run = await runtime.resolve("t", dict.fromkeys(left, "retry"))
        await run.outcome()
        assert undone == (["second 12 1", "first 1"] if len(left) == 2 else ["first 1", "second 12 1"])
        assert (await runtime.record("t")).status == "undone"
        await check_store(store)
