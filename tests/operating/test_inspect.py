"""What is shown of a run: from its store alone, wherever it goes on."""

from __future__ import annotations

import asyncio

import pytest

from actorflow import Failed, InvalidState, MemoryStore, Operator, RecordNotFound, Runtime, RunView, Succeeded
from actorflow.testing import MockClock
from tests.operating.trips import KNOWN, WORLD, World, breaks_off, declines, forever, trip


def runtime_of(store: MemoryStore, world: World, clock: MockClock) -> Runtime:
    return Runtime(store=store, workflows=KNOWN, resources=[WORLD.provide(world)], clock=clock, seed=0)


async def ended(store: MemoryStore, world: World, clock: MockClock) -> None:
    async with runtime_of(store, world, clock) as runtime:
        run = await runtime.options(run_id="t", labels={"team": "travel"}).start(trip, "Oslo")
        await run.outcome()


async def test_a_run_is_shown_from_the_store_alone(clock: MockClock) -> None:
    """`inspect` needs no workflow: steps in order with their attempts and times; values as plain data, if they're asked for."""
    store = MemoryStore(clock=clock)
    await ended(store, World(), clock)
    async with Operator(store, clock=clock) as operator:
        view = await operator.inspect("t")
        assert (view.workflow, view.status, view.labels) == ("trip", "succeeded", {"team": "travel"})
        assert [(step.name, step.status) for step in view.steps] == [
            ("reserve", "completed"), ("quote", "completed"), ("pay", "completed"), ("tell", "completed"),
        ]  # fmt: skip
        assert view.inputs is None
        assert view.result is None
        assert view.steps[0].value is None
        whole = await operator.inspect("t", values=True)
    assert whole.inputs == ("Oslo",)
    assert whole.result == "told of receipt for 80"
    assert [step.value for step in whole.steps] == ["Oslo-12A", 80, "receipt for 80", "told of receipt for 80"]


async def test_every_attempt_is_shown_with_its_end(clock: MockClock) -> None:
    """R46: number, worker, start, end, outcome, error; the undo's tries too."""
    tries = iter([breaks_off, declines])
    undos = iter([breaks_off, lambda: None])
    world = World(quote=lambda: next(tries)(), release=lambda: next(undos)())
    store = MemoryStore(clock=clock)
    await ended(store, world, clock)
    async with Operator(store, clock=clock) as operator:
        view = await operator.inspect("t")
    reserve, quote = view.steps
    assert (view.status, view.rollback) == ("failed", "complete")
    assert [(one.phase, one.number, one.outcome, one.error) for one in quote.attempts] == [
        ("run", 1, "failed", "ConnectionError: the line dropped"),
        ("run", 2, "failed", "Declined: no money"),
    ]
    assert quote.attempts[1].started - (quote.attempts[0].ended or 0) == 3600
    assert [(one.phase, one.number, one.outcome) for one in reserve.attempts] == [
        ("run", 1, "completed"), ("undo", 1, "failed"), ("undo", 2, "completed"),
    ]  # fmt: skip
    assert (reserve.status, quote.status) == ("undone", "failed")
    assert [(one.step, one.phase, one.type, one.message) for one in view.errors] == [
        ("quote", "run", "tests.operating.trips.Declined", "no money")
    ]


async def test_a_run_that_goes_on_elsewhere_is_shown_with_its_owner(clock: MockClock) -> None:
    store = MemoryStore(clock=clock)
    async with runtime_of(store, World(quote=forever), clock) as runtime:
        run = await runtime.options(run_id="t").start(trip, "Oslo")
        await asyncio.sleep(1)
        view = await runtime.inspect("t")
        assert view.owner is not None
        assert view.steps[1].status == "running"
        assert view.steps[1].attempts[0].ended is None
        assert view.steps[1].attempts[0].worker == view.owner.name
        await run.cancel()
        await run.outcome()


async def test_the_history_is_whole_and_in_order(clock: MockClock) -> None:
    """R41: history that must be whole is read from the store; times are wall-clock times, errors are whole."""
    tries = iter([breaks_off, declines])
    store = MemoryStore(clock=clock)
    began = clock.time()
    await ended(store, World(quote=lambda: next(tries)()), clock)
    async with Operator(store, clock=clock) as operator:
        history = await operator.history("t")
    assert [entry.number for entry in history] == list(range(1, len(history) + 1))
    facts = [(entry.kind, entry.step) for entry in history if not entry.is_request]
    assert facts == [
        ("RunStarted", ""), ("StepScheduled", "reserve"), ("StepStarted", "reserve"), ("StepSucceeded", "reserve"),
        ("StepScheduled", "quote"), ("StepStarted", "quote"), ("AttemptFailed", "quote"), ("RetryScheduled", "quote"),
        ("StepStarted", "quote"), ("AttemptFailed", "quote"), ("StepGaveUp", "quote"), ("RollbackStarted", ""),
        ("UndoStarted", "reserve"), ("StepUndone", "reserve"), ("RunEnded", ""),
    ]  # fmt: skip
    retry = next(entry for entry in history if entry.kind == "RetryScheduled")
    assert (retry.at, retry.details["due"]) == (began, began + 3600)
    failed = [entry.error for entry in history if entry.kind == "AttemptFailed"]
    assert [(one.type, one.message) for one in failed if one is not None] == [
        ("ConnectionError", "the line dropped"), ("tests.operating.trips.Declined", "no money"),
    ]  # fmt: skip
    assert history[0].details["workflow"] == "trip"
    assert history[-1].details["status"] == "failed"


async def test_runs_are_found_and_labelled_with_a_note(clock: MockClock) -> None:
    """Every operator's action is an audit record: who, what, when, why."""
    store = MemoryStore(clock=clock)
    await ended(store, World(), clock)
    async with Operator(store, clock=clock) as operator:
        assert await operator.label("t", who="ann", why="asked for", team=None, case="17") == {"case": "17"}
        page = await operator.find_runs(labels={"case": "17"}, status=["succeeded"], workflow="trip")
        assert [run.run_id for run in page.runs] == ["t"]
        assert (await operator.find_runs(labels={"team": "travel"})).runs == []
        (note,) = await operator.notes("t")
    assert (note.who, note.what, note.why, note.at) == ("ann", "label no team, case=17", "asked for", clock.time())


async def test_runs_are_deleted_and_purged(clock: MockClock) -> None:
    store = MemoryStore(clock=clock)
    await ended(store, World(), clock)
    async with Operator(store, clock=clock) as operator:
        assert await operator.purge(older_than=60) == 0
        await asyncio.sleep(61)
        assert await operator.purge(older_than=60) == 1
        with pytest.raises(RecordNotFound):
            await operator.inspect("t")
    await ended(store, World(), clock)
    async with Operator(store, clock=clock) as operator:
        await operator.delete("t")
        with pytest.raises(RecordNotFound):
            await operator.history("t")


async def test_steps_that_workers_claimed_by_themselves_are_shown_too(clock: MockClock) -> None:
    async with MemoryStore(clock=clock) as store:
        await store.create_run(run_id="w", workflow="by hand", inputs=b"\x01")
        claim = await store.begin_step("w", "charge", b"", worker="cron")
        await store.complete_step(claim.step_run.id, b"\x07", token=claim.step_run.token)
    async with Operator(store, clock=clock) as operator:
        view: RunView = await operator.inspect("w", values=True)
    (step,) = view.steps
    assert (step.name, step.status, step.attempts[0].worker, step.attempts[0].outcome) == (
        "charge", "completed", "cron", "completed",
    )  # fmt: skip
    assert view.inputs == (1,)


async def test_a_runtime_without_a_store_says_so(clock: MockClock) -> None:
    async with Runtime(clock=clock) as runtime:
        with pytest.raises(InvalidState, match="has no store"):
            await runtime.inspect("t")


async def test_what_became_of_it_is_what_its_owner_was_told(clock: MockClock) -> None:
    store = MemoryStore(clock=clock)
    async with runtime_of(store, World(pay=declines), clock) as runtime:
        run = await runtime.options(run_id="t").start(trip, "Oslo")
        outcome = await run.outcome()
        assert isinstance(outcome, Failed)
        view = await runtime.inspect("t")
        assert view.rollback == outcome.rollback
        again = await runtime.options(run_id="u").start(trip, "Rome")
        assert not isinstance(await again.outcome(), Succeeded)
