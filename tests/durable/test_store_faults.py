"""A store that fails, or may have failed (R48): the run waits and goes on, or ends here and is taken over later; nothing is done twice or lost."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from actorflow import CommitUnknown, Runtime, StoreBusy, StoreError, StoreFull, StoreReadOnly, StoreUnavailable
from actorflow.errors import StoreCorrupt
from actorflow.store import MemoryStore
from actorflow.testing import FaultyStore, MockClock, check_store
from tests.durable.compared import check_world, what_came
from tests.durable.ledger import Ledger
from tests.durable.sagas import CASES, LEDGER, Case

EVERY_CASE = pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
MOST_COMMITS = 30


class Counting(Ledger):
    """How often each piece of work was asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[str] = []

    def enter(self, thing: str, amount: int, key: str) -> None:
        self.asked.append(key)
        super().enter(thing, amount, key)

    def check_nothing_was_repeated(self) -> None:
        assert len(self.asked) == len(set(self.asked))


async def outcome(case: Case, store: FaultyStore, clock: MockClock, ledger: Ledger, **options: Any) -> object:
    told: dict[str, Any] = {
        "resources": [LEDGER.provide(ledger)],
        "workflows": [case.workflow],
        "seed": 0,
        **case.options,
        **options,
    }
    async with Runtime(store=store, clock=clock, **told) as runtime:
        run = await runtime.options(run_id="saga").start(case.workflow, *case.inputs)
        return what_came(await run.outcome())


def faulty(clock: MockClock) -> FaultyStore:
    return FaultyStore(MemoryStore(clock=clock), clock=clock)


async def undisturbed(case: Case, clock: MockClock) -> object:
    ledger = Ledger()
    try:
        return await outcome(case, faulty(clock), clock, ledger)
    finally:
        ledger.close()


FAULTS: dict[str, dict[str, Any]] = {
    "locked": {"raises": StoreBusy},
    "full for a while": {"raises": StoreFull, "times": 3},
    "gone for a while": {"raises": StoreUnavailable, "lasts": 20.0},
    "unknown": {"raises": CommitUnknown, "when": "after"},
    "unknown, and not stored": {"raises": CommitUnknown, "when": "before"},
    "slow": {"delay": 45.0},
}


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
@EVERY_CASE
async def test_the_run_waits_for_a_commit_that_passes_and_repeats_nothing(
    clock: MockClock, case: Case, fault: dict[str, Any]
) -> None:
    expected = await undisturbed(case, clock)
    for commit in range(1, MOST_COMMITS):
        ledger, store = Counting(), faulty(clock)
        struck = store.at(commit, **fault)
        assert await outcome(case, store, clock, ledger) == expected
        check_world(case, ledger)
        ledger.check_nothing_was_repeated()
        ledger.close()
        async with store:
            await check_store(store)
        if not struck.hits:
            return
    raise AssertionError(f"the run has more than {MOST_COMMITS} commits")


@pytest.mark.parametrize("kind", [StoreReadOnly, StoreCorrupt])
@EVERY_CASE
async def test_a_run_whose_store_refuses_for_good_ends_here_and_is_taken_over_later(
    clock: MockClock, case: Case, kind: type[StoreError]
) -> None:
    expected = await undisturbed(case, clock)
    for commit in range(2, MOST_COMMITS):
        ledger, store = Ledger(), faulty(clock)
        struck = store.at(commit, raises=kind, times=None)
        try:
            assert await outcome(case, store, clock, ledger) == expected
        except kind as error:
            assert "injected" in str(error)
        store.clear()
        assert await outcome(case, store, clock, ledger) == expected
        check_world(case, ledger)
        ledger.close()
        async with store:
            await check_store(store)
        if not struck.hits:
            return
    raise AssertionError(f"the run has more than {MOST_COMMITS} commits")


async def test_a_run_whose_first_commit_is_refused_for_good_was_never_started(clock: MockClock) -> None:
    case, ledger, store = CASES[0], Ledger(), faulty(clock)
    store.at(1, raises=StoreReadOnly)
    with pytest.raises(StoreReadOnly):
        await outcome(case, store, clock, ledger)
    assert ledger.lines == []
    async with store:
        assert (await store.list_runs()).runs == []
    ledger.close()


async def test_a_store_that_is_away_for_longer_than_it_is_waited_for_ends_the_run_here_until_it_is_back(
    clock: MockClock,
) -> None:
    """R48: the row is thrown away, and read again from the store when it can be."""
    case, ledger, store = CASES[0], Counting(), faulty(clock)
    store.at(2, raises=StoreUnavailable, lasts=100.0)
    async with Runtime(store=store, clock=clock, resources=[LEDGER.provide(ledger)]) as runtime:
        run = await runtime.options(run_id="saga").start(case.workflow, *case.inputs)
        with pytest.raises(StoreUnavailable):
            await run.outcome()
        await clock.advance(200.0)
        again = await runtime.options(run_id="saga").start(case.workflow, *case.inputs)
        assert await again.result() == "Oslo seat taken, Oslo room taken"
    check_world(case, ledger)
    async with store:
        await check_store(store)
    ledger.close()


@pytest.mark.parametrize("kind", [StoreReadOnly, StoreUnavailable])
async def test_a_run_that_its_store_has_failed_goes_on_unasked_when_the_store_is_well_again(
    clock: MockClock, kind: type[StoreError]
) -> None:
    """Every run that isn't finished has something that will move it: here the runtime that has it."""
    case, ledger, store = CASES[1], Counting(), faulty(clock)
    store.at(2, raises=kind, times=None)
    async with Runtime(store=store, clock=clock, resources=[LEDGER.provide(ledger)]) as runtime:
        run = await runtime.options(run_id="saga").start(case.workflow, *case.inputs)
        with pytest.raises(kind):
            await run.outcome()
        await clock.advance(100.0)
        assert (await store.get_run("saga")).status == "running"
        store.clear()
        await clock.advance(100.0)
        assert (await store.get_run("saga")).status == "succeeded"
    check_world(case, ledger)
    async with store:
        await check_store(store)
    ledger.close()


async def test_runs_that_wait_for_a_commit_that_is_refused_for_good_go_on(clock: MockClock) -> None:
    """Turns that have come while it was under way are sent all the same."""
    case, ledger, store = CASES[1], Ledger(), faulty(clock)
    store.at(2, raises=StoreReadOnly, delay=1.0)
    async with Runtime(store=store, clock=clock, resources=[LEDGER.provide(ledger)]) as runtime:
        unlucky = await runtime.start(case.workflow, "Bergen")
        while store.commits < 2:
            await asyncio.sleep(0)
        waiting = asyncio.ensure_future(runtime.run(case.workflow, "Oslo"))
        with pytest.raises(StoreReadOnly):
            await unlucky.outcome()
        assert await waiting == [f"Oslo leg {number} taken" for number in range(3)]
    ledger.close()
