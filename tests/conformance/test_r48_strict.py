"""R48: `strict`, the default with a store: nothing starts, is told or is replied before its commit."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from structlog.testing import capture_logs

from actorflow import (
    Cancelled,
    CommitUnknown,
    Failed,
    MemoryStore,
    Runtime,
    StartRun,
    StoreBusy,
    StoreError,
    StoreReadOnly,
    step,
    workflow,
)
from actorflow.store import Append, Request, Store
from actorflow.testing import MockClock
from actorflow.testing.checking import check_store
from actorflow.testing.lives import Life
from tests.conformance.conftest import OpenStore
from tests.conformance.seen import History, forever
from tests.conformance.surviving import Gated, Through, begin, lapse, taken_over

SEEN: list[str] = []


@pytest.fixture(autouse=True)
def _fresh() -> None:
    SEEN.clear()


@step
async def first() -> int:
    SEEN.append("first")
    return 1


@first.undo
async def undo_first(value: int) -> None:
    SEEN.append("undo first")


@step
async def second(value: int) -> int:
    SEEN.append("second")
    return value + 1


@workflow
def two() -> int:
    return second(first())


@step
async def fail(value: int) -> int:
    raise ValueError("no")


@workflow
def failing() -> int:
    return fail(first())


async def let_one_through(store: Gated, clock: MockClock) -> None:
    """The commit that waits, and no other."""
    await store.arrived.wait()
    store.let_through()
    store.hold()
    await store.arrived.wait()
    await clock.advance(1)


@pytest.fixture
async def gated(clock: MockClock) -> Any:
    async with MemoryStore(clock=clock) as memory:
        yield Gated(memory)


async def test_a_run_is_replied_when_it_is_stored(clock: MockClock, gated: Gated) -> None:
    """R48: `start` returns, and a message is answered, when the run is on disk; no step starts before."""
    async with Runtime(store=gated, clock=clock, workflows=[two]) as runtime:
        gated.hold()
        starting = asyncio.ensure_future(runtime.start(two))
        asked = asyncio.ensure_future(runtime.executor.ask(StartRun.asking(workflow="two", inputs={}, run_id="m")))
        await gated.arrived.wait()
        await clock.advance(10)
        assert not starting.done() and not asked.done() and SEEN == []
        gated.let_through()
        assert await (await starting).result() == 2
        assert (await asked).run_id == "m"
        await runtime.get("m").result()


async def test_a_dependent_starts_when_the_result_is_stored(clock: MockClock, gated: Gated) -> None:
    """R48: a step's result is acknowledged before any dependent starts, and before anybody is told of it."""
    async with Runtime(store=gated, clock=clock) as runtime:
        history = History(runtime)
        gated.hold()
        running = asyncio.ensure_future(begin(runtime, two))
        await let_one_through(gated, clock)
        assert SEEN == ["first"]
        assert ("StepSucceeded", "first", 1) not in history.lines
        await let_one_through(gated, clock)
        assert SEEN == ["first", "second"]
        assert ("StepSucceeded", "first", 1) in history.lines
        run = await running
        waiting = asyncio.ensure_future(run.result())
        await clock.advance(10)
        assert not waiting.done()
        gated.let_through()
        assert await waiting == 2


async def test_an_undo_starts_when_the_failure_is_stored(clock: MockClock, gated: Gated) -> None:
    """R48: … and so it is in a rollback: what it begins with is on disk before it begins."""
    async with Runtime(store=gated, clock=clock) as runtime:
        gated.hold()
        running = asyncio.ensure_future(begin(runtime, failing))
        await let_one_through(gated, clock)
        await let_one_through(gated, clock)
        assert SEEN == ["first"]
        gated.let_through()
        assert isinstance(await (await running).outcome(), Failed)
    assert SEEN == ["first", "undo first"]


async def test_cancelling_and_halting_are_asked_for_when_they_are_stored(clock: MockClock, gated: Gated) -> None:
    """R48: a cancel takes effect when it is on disk: a step isn't stopped because of something that may be forgotten."""
    stopped: list[float] = []

    @step
    async def stand() -> None:
        try:
            await forever()
        finally:
            stopped.append(clock.monotonic())

    @workflow
    def standing() -> None:
        stand()

    async with Runtime(store=gated, clock=clock) as runtime:
        run = await begin(runtime, standing)
        await asyncio.sleep(1)
        gated.hold()
        await run.cancel()
        await gated.arrived.wait()
        await clock.advance(5)
        assert stopped == []
        gated.let_through()
        assert isinstance(await run.outcome(), Cancelled)
        assert len(stopped) == 1


async def test_what_was_acknowledged_survives_at_any_moment(clock: MockClock, open_store: OpenStore) -> None:
    """R48: a step of which a dependent has seen the result isn't run again, wherever the process died."""

    @step
    async def stand(value: int) -> int:
        SEEN.append("stand")
        if SEEN.count("stand") < 3:
            await forever()
        return value

    @workflow
    def standing() -> int:
        return stand(second(first()))

    for _ in range(2):
        async with Life(open_store(), clock=clock, workflows=[standing]) as life:
            await begin(life.runtime, standing)
            await asyncio.sleep(1)
            life.die()
        await lapse(clock)
    async with Runtime(store=open_store(), clock=clock, workflows=[standing]) as runtime:
        assert await (await begin(runtime, standing)).result() == 2
    assert SEEN == ["first", "second", "stand", "stand", "stand"]


# ── commits that fail ─────────────────────────────────────────────────────────────────────────────────────────────────


class Failing(Through):
    """Fails commits with these errors, one after the other; `is_stored` says whether what was sent is stored all the same."""

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self.errors: list[Callable[[], StoreError]] = []
        self.is_stored = False

    async def _ask_all(self, requests: Sequence[Request[Any]], /) -> list[Any]:
        if self.errors and any(isinstance(request, Append) for request in requests):
            error = self.errors.pop(0)
            if self.is_stored:
                await super()._ask_all(requests)
            raise error()
        return await super()._ask_all(requests)


@pytest.fixture
async def shaky(clock: MockClock) -> Any:
    async with MemoryStore(clock=clock) as memory:
        yield Failing(memory)


@pytest.mark.parametrize("stored", [False, True])
@pytest.mark.parametrize("at", [0, 1, 2])
async def test_a_commit_that_fails_and_passes_repeats_nothing(
    clock: MockClock, shaky: Failing, at: int, *, stored: bool
) -> None:
    """R48: a commit that failed, or of which nobody knows, is sent again as it is: nothing is lost, nothing is done twice."""

    @step
    async def breaks(name: int) -> int:
        SEEN.append(f"breaks {name}")
        if name == at:
            shaky.errors = [lambda: CommitUnknown(repr(shaky), "cut off"), lambda: StoreBusy(repr(shaky), "locked")]
            shaky.is_stored = stored
        return name + 1

    @workflow
    def chain() -> int:
        return breaks(breaks(breaks(0)))

    with capture_logs():
        async with Runtime(store=shaky, clock=clock) as runtime:
            history = History(runtime)
            assert await (await begin(runtime, chain)).result() == 3
    assert SEEN == ["breaks 0", "breaks 1", "breaks 2"]
    numbers = [event.sequence for event in history.events]
    assert numbers == list(range(1, len(numbers) + 1))
    await check_store(shaky.store)


async def test_a_first_commit_of_which_nobody_knows_starts_one_run(clock: MockClock, shaky: Failing) -> None:
    """R48, R47: … also the one that creates the run."""
    shaky.errors = [lambda: CommitUnknown(repr(shaky), "cut off")]
    shaky.is_stored = True
    with capture_logs():
        async with Runtime(store=shaky, clock=clock) as runtime:
            assert await (await begin(runtime, two)).result() == 2
    assert SEEN == ["first", "second"]
    await check_store(shaky.store)


async def test_a_commit_that_fails_for_good_ends_the_run_here_and_not_there(clock: MockClock, shaky: Failing) -> None:
    """R48: the run's row is thrown away and read again from the store: who waits gets the error, what ran is stopped, and once the store
    can be written to again the run goes on from what was acknowledged.
    """

    @step
    async def breaks(value: int) -> int:
        SEEN.append("breaks")
        if SEEN.count("breaks") == 1:
            shaky.errors = [lambda: StoreReadOnly(repr(shaky), "read-only")]
        return value

    @workflow
    def chain() -> int:
        return second(breaks(first()))

    with capture_logs():
        async with Runtime(store=shaky, clock=clock, workflows=[chain]) as runtime:
            run = await begin(runtime, chain)
            with pytest.raises(StoreReadOnly):
                await run.result()
            again = await taken_over(runtime, "r")
            assert await again.result() == 2
    assert SEEN == ["first", "breaks", "breaks", "second"]
    await check_store(shaky.store)


async def test_a_start_that_cannot_be_stored_is_refused(clock: MockClock, shaky: Failing) -> None:
    """R48: a run that isn't on disk wasn't accepted: `start` raises the store's error, and nothing has run."""
    shaky.errors = [lambda: StoreReadOnly(repr(shaky), "read-only")]
    with capture_logs():
        async with Runtime(store=shaky, clock=clock) as runtime:
            with pytest.raises(StoreReadOnly):
                await begin(runtime, two)
            assert SEEN == []
            assert await (await begin(runtime, two)).result() == 2
