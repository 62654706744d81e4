"""R35: faults of the runtime in runs that are recorded."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest
from structlog.testing import capture_logs

from actorflow import Failed, InvalidState, MemoryStore, Runtime, RuntimeFault, step, workflow
from actorflow.clock import Clock
from actorflow.runtime.journal import Journal
from actorflow.runtime.row import Row
from actorflow.store import Append, ClaimRuns, ListMessages, Renew, Request, Store
from actorflow.testing import MockClock
from actorflow.testing.checking import check_store
from tests.conformance.conftest import OpenStore
from tests.conformance.surviving import LEASE, Through, begin, taken_over


class Faulty(Clock):
    """A clock that fails as often as it's told to: the way into the runtime's own turns that a user has."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.faults = 0

    def time(self) -> float:
        return self.clock.time()

    def monotonic(self) -> float:
        if self.faults:
            self.faults -= 1
            raise ZeroDivisionError("the clock is broken")
        return self.clock.monotonic()

    def hold(self) -> None:
        self.clock.hold()

    def release(self) -> None:
        self.clock.release()


@pytest.fixture
def faulty(clock: MockClock) -> Faulty:
    found = Faulty(clock)
    found.linger = 0.0
    return found


class Saga:
    """Two steps that can be undone; the runtime fails in the turn in which the second one is started, as often as it's told to."""

    def __init__(self, clock: Faulty, faults: int) -> None:
        self.seen: list[str] = []
        self.faults = faults

        @step(mode="inline")
        def first() -> str:
            self.seen.append("first")
            return "first"

        @first.undo
        def undo(value: str) -> None:
            self.seen.append("undo first")

        @step(mode="inline")
        def second(value: str) -> str:
            self.seen.append("second")
            if self.faults:
                self.faults -= 1
                clock.faults = 2  # when it ends, and when that is judged
            return value

        @workflow
        def both() -> str:
            return second(first())

        self.workflow = both


async def test_a_fault_in_a_sound_row_rolls_the_run_back(faulty: Faulty, open_store: OpenStore) -> None:
    """R35: the run alone fails, with `RuntimeFault`, and is rolled back; that is recorded like any other end."""
    saga = Saga(faulty, faults=1)
    with capture_logs():
        async with Runtime(store=open_store(), clock=faulty) as runtime:
            outcome = await (await begin(runtime, saga.workflow)).outcome()
            assert isinstance(outcome, Failed)
            assert isinstance(outcome.error.__cause__, RuntimeFault)
            assert await (await begin(runtime, saga.workflow, run_id="later")).result() == "first"
    assert saga.seen[:3] == ["first", "second", "undo first"]
    async with Runtime(store=open_store(), clock=faulty) as runtime:
        again = await (await begin(runtime, saga.workflow)).outcome()
    assert isinstance(again, Failed) and "RuntimeFault" in str(again.error)
    async with open_store() as store:
        await check_store(store)


@pytest.fixture
def breaks(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The kinds of messages on which the runtime fails while it decides a turn, once for each time they're named."""
    kinds: list[str] = []
    take = Journal.take

    def take_or_fail(self: Journal, row: Row, messages: Sequence[Any], facts: Sequence[Any]) -> bool:
        name = type(messages[0]).__name__
        if name in kinds:
            kinds.remove(name)
            raise ZeroDivisionError("a bug of ours")
        return take(self, row, messages, facts)

    monkeypatch.setattr(Journal, "take", take_or_fail)
    return kinds


async def test_a_run_whose_row_is_not_sound_is_given_back(
    clock: MockClock, faulty: Faulty, open_store: OpenStore, breaks: list[str]
) -> None:
    """R35: … else given back to the store: it is read from it again, and goes on from what was recorded; who waits here is told of the fault."""
    saga = Saga(faulty, faults=0)
    breaks.append("StepSucceeded")
    with capture_logs():
        async with Runtime(store=open_store(), clock=clock) as runtime:
            run = await begin(runtime, saga.workflow)
            with pytest.raises(RuntimeFault):
                await run.outcome()
            again = await taken_over(runtime, "r")
            assert await again.result() == "first"
    assert saga.seen == ["first", "first", "second"]
    async with open_store() as store:
        await check_store(store)


async def test_one_that_fails_again_is_left_alone(
    clock: MockClock, faulty: Faulty, open_store: OpenStore, breaks: list[str]
) -> None:
    """R35, R51: a second fault in the same runtime marks the run: it isn't tried for ever; a person, or a mended runtime, takes it up."""
    saga = Saga(faulty, faults=0)
    breaks += ["StepSucceeded", "StepSucceeded"]
    with capture_logs():
        async with Runtime(store=open_store(), clock=clock) as runtime:
            run = await begin(runtime, saga.workflow)
            with pytest.raises(RuntimeFault):
                await run.outcome()
            await asyncio.sleep(100)
            assert "a bug of ours" in ((await runtime.record("r")).problem or "")
            with pytest.raises(InvalidState, match="left alone"):
                await begin(runtime, saga.workflow)
            findings = await runtime.doctor()
            assert [finding.run_id for finding in findings] == ["r"]
    async with Runtime(store=open_store(), clock=clock, workflows=[saga.workflow]) as runtime:
        await runtime.release("r")
        assert await (await taken_over(runtime, "r")).result() == "first"


class Broken(Through):
    """A store with a bug: it fails on some kinds of requests with what no store raises, as often as it's told to."""

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self.kinds: list[type] = []

    async def _ask_all(self, requests: Sequence[Request[Any]], /) -> list[Any]:
        for kind in [type(request) for request in requests]:
            if kind in self.kinds:
                self.kinds.remove(kind)
                raise ZeroDivisionError("a bug of the store's")
        return await super()._ask_all(requests)


async def test_what_serves_the_store_goes_on_after_a_fault(clock: MockClock) -> None:
    """R35: pool, store, telemetry and timer actors restart on the same tables: a fault while the lease is renewed, or while the store is asked for
    runs and messages, costs neither.
    """
    saga = Saga(Faulty(clock), faults=0)
    with capture_logs() as logs:
        async with MemoryStore(clock=clock) as memory:
            store = Broken(memory)
            async with Runtime(store=store, clock=clock, workflows=[saga.workflow]) as runtime:
                store.kinds += [Renew, ClaimRuns, ListMessages]
                await asyncio.sleep(LEASE * 3)
                (lease,) = await memory.runtimes()
                assert lease.expires > clock.time()
                assert await (await begin(runtime, saga.workflow)).result() == "first"
    assert [line["event"] for line in logs].count("a fault of the runtime") >= 2


async def test_a_fault_in_a_commit_is_no_end_of_its_runs(clock: MockClock) -> None:
    """R35, R48: nobody knows what became of it: the runs are given back, and read again; who waits here is told of the fault."""
    saga = Saga(Faulty(clock), faults=0)

    @step
    async def breaks(value: str) -> str:
        if "breaks" not in saga.seen:
            store.kinds.append(Append)
        saga.seen.append("breaks")
        return value

    @workflow
    def around_it() -> str:
        return breaks("a")

    with capture_logs():
        async with MemoryStore(clock=clock) as memory:
            store = Broken(memory)
            async with Runtime(store=store, clock=clock, workflows=[around_it]) as runtime:
                run = await begin(runtime, around_it)
                with pytest.raises(RuntimeFault):
                    await run.result()
                assert await (await taken_over(runtime, "r")).result() == "a"
            await check_store(memory)
    assert saga.seen == ["breaks", "breaks"]
