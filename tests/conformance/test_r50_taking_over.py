"""R50: a runtime that starts, or sees a lease lapse, takes over what was left."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import pytest
from structlog.testing import capture_logs

from actorflow import (
    Failed,
    Halt,
    Halted,
    Retry,
    Runtime,
    TryAgain,
    around,
    each,
    step,
    step_context,
    workflow,
)
from actorflow.facts import LeaseLost, LeaseTaken
from actorflow.store import Renew, Request, Store
from actorflow.testing import MockClock
from actorflow.testing.checking import check_store
from actorflow.testing.lives import Life
from tests.conformance.conftest import OpenStore
from tests.conformance.seen import History, forever
from tests.conformance.surviving import LEASE, Through, begin, is_here, lapse, taken_over, until

SEEN: list[str] = []
STANDS: set[str] = set()
"""What doesn't end."""


@pytest.fixture(autouse=True)
def _fresh() -> None:
    SEEN.clear()
    STANDS.clear()


async def act(name: str) -> str:
    SEEN.append(name)
    if name in STANDS:
        await forever()
    return name


@step
async def first() -> str:
    return await act("first")


@first.undo
async def undo_first(value: str) -> None:
    await act("undo first")


@step
async def second(value: str) -> str:
    return await act(f"second {step_context().attempt} {step_context().idempotency_key}")


@second.undo
async def undo_second(value: str) -> None:
    await act("undo second")


@step
async def fail(value: str) -> str:
    raise ValueError("no")


@workflow
def two() -> str:
    return second(first())


@workflow
def failing() -> str:
    return fail(second(first()))


SECOND = "second 1 r/second"
AGAIN = "second 2 r/second"


async def test_at_its_start(clock: MockClock, open_store: OpenStore) -> None:
    """R50: a runtime that starts takes over what was left: completed steps aren't run again, running ones are a new attempt with the same
    idempotency key.
    """
    STANDS.add(SECOND)
    async with Life(open_store(), clock=clock) as life:
        await begin(life.runtime, two)
        await until(lambda: SECOND in SEEN)
        life.die()
    await lapse(clock)
    async with Runtime(store=open_store(), clock=clock, workflows=[two]) as runtime:
        assert await (await taken_over(runtime, "r")).result() == AGAIN
    assert SEEN == ["first", SECOND, AGAIN]
    async with open_store() as store:
        await check_store(store)


async def test_while_it_goes_on(clock: MockClock, open_store: OpenStore) -> None:
    """R50: … or sees a lease lapse: within a lease's time and what it takes to look, not before it has lapsed."""
    STANDS.add(SECOND)
    async with Runtime(store=open_store(), clock=clock, workflows=[two]) as runtime:
        async with Life(open_store(), clock=clock) as life:
            await begin(life.runtime, two)
            await until(lambda: SECOND in SEEN)
            life.die()
        died = clock.monotonic()
        await asyncio.sleep(LEASE / 2)
        assert not is_here(runtime, "r")
        run = await taken_over(runtime, "r")
        assert clock.monotonic() - died <= LEASE * 4 / 3 + 1
        assert await run.result() == AGAIN
    assert SEEN == ["first", SECOND, AGAIN]


async def test_what_others_have_is_left_to_them(clock: MockClock, open_store: OpenStore) -> None:
    """R50: a run is owned by one live runtime at a time: as long as its lease is renewed nobody takes it."""
    STANDS.add(SECOND)
    async with (
        Runtime(store=open_store(), clock=clock) as first,
        Runtime(store=open_store(), clock=clock, workflows=[two]) as second,
    ):
        run = await begin(first, two)
        await asyncio.sleep(LEASE * 20)
        assert not is_here(second, "r")
        assert SEEN == ["first", SECOND]
        STANDS.clear()
        await run.cancel()
        await run.outcome()


async def test_a_rollback_goes_on_where_it_stood(clock: MockClock, open_store: OpenStore) -> None:
    """R50: what was undone isn't undone again, what was being undone is called again, the rest follows."""
    STANDS.add("undo first")
    async with Life(open_store(), clock=clock) as life:
        await begin(life.runtime, failing)
        await until(lambda: "undo first" in SEEN)
        life.die()
    STANDS.clear()
    await lapse(clock)
    async with Runtime(store=open_store(), clock=clock, workflows=[failing]) as runtime:
        outcome = await (await taken_over(runtime, "r")).outcome()
    assert isinstance(outcome, Failed) and outcome.rollback == "complete"
    assert isinstance(outcome.error.__cause__, ValueError)
    assert SEEN == ["first", SECOND, "undo second", "undo first", "undo first"]
    async with open_store() as store:
        await check_store(store)


async def test_halted_runs_are_not_taken_over(clock: MockClock, open_store: OpenStore) -> None:
    """R50: halted runs wait for whoever resumes them."""

    @step
    async def pause() -> int:
        raise Halt(1)

    @workflow
    def pausing() -> int:
        return pause()

    async with Life(open_store(), clock=clock) as life:
        assert isinstance(await (await begin(life.runtime, pausing)).outcome(), Halted)
        life.die()
    await lapse(clock)
    async with Runtime(store=open_store(), clock=clock, workflows=[pausing]) as runtime:
        await asyncio.sleep(LEASE * 3)
        assert not is_here(runtime, "r")
        assert await (await runtime.resume(pausing, "r")).result() == 1


async def test_a_halt_that_was_under_way_is_finished(clock: MockClock, open_store: OpenStore) -> None:
    """R50, R16: a run that was halting when its runtime died is halted by the next one; what was in flight runs again on resume."""
    STANDS.add(SECOND)

    async with Life(open_store(), clock=clock, halt_timeout=1000.0) as life:
        run = await begin(life.runtime, two)
        await until(lambda: SECOND in SEEN)
        await run.halt()
        await asyncio.sleep(1)
        life.die()
    await lapse(clock)
    async with Runtime(store=open_store(), clock=clock, workflows=[two]) as runtime:
        assert isinstance(await (await taken_over(runtime, "r")).outcome(), Halted)
        assert SEEN == ["first", SECOND]
        assert await (await runtime.resume(two, "r")).result() == AGAIN


async def test_retries_are_due_when_they_were(clock: MockClock, open_store: OpenStore) -> None:
    """R50: a wait goes on: a retry that was due later is tried then, one that was due meanwhile at once."""

    @step(retry=Retry(attempts=3))
    async def flaky(after: float) -> float:
        SEEN.append(f"{after} {step_context().attempt} {clock.monotonic():.0f}")
        if step_context().attempt == 1:
            raise TryAgain(after=after)
        return clock.monotonic()

    @workflow
    def both() -> list[float]:
        return [flaky(5.0), flaky(300.0)]

    async with Life(open_store(), clock=clock) as life:
        await begin(life.runtime, both)
        await asyncio.sleep(1)
        life.die()
    await lapse(clock)
    async with Runtime(store=open_store(), clock=clock, workflows=[both]) as runtime:
        soon, later = await (await begin(runtime, both)).result()
    assert 32.0 <= soon <= 33.0
    assert later == pytest.approx(300.0, abs=0.5)


async def test_arounds_are_entered_again(clock: MockClock, open_store: OpenStore) -> None:
    """R50: what an `around` lent is gone with its process: it is entered again for the steps that are still to run."""

    @asynccontextmanager
    async def lent() -> AsyncIterator[str]:
        SEEN.append("enter")
        yield f"lent {SEEN.count('enter')}"
        SEEN.append("leave")

    @step
    async def use(value: str, number: int) -> str:
        return await act(f"{number} with {value}")

    @workflow
    def lending() -> list[str]:
        return around(lent, lambda value: each([1, 2], lambda number: use(value, number), concurrency=1))

    STANDS.add("2 with lent 1")
    async with Life(open_store(), clock=clock) as life:
        await begin(life.runtime, lending)
        await until(lambda: "2 with lent 1" in SEEN)
        life.die()
    await lapse(clock)
    async with Runtime(store=open_store(), clock=clock, workflows=[lending]) as runtime:
        assert await (await begin(runtime, lending)).result() == ["1 with lent 1", "2 with lent 2"]
    assert SEEN == ["enter", "1 with lent 1", "2 with lent 1", "enter", "2 with lent 2", "leave"]


async def test_many_are_taken_over(clock: MockClock, open_store: OpenStore) -> None:
    """R50: all of them, however many were left, each by one of the runtimes that are there."""
    STANDS.add("first")
    async with Life(open_store(), clock=clock) as life:
        for number in range(250):
            await begin(life.runtime, two, run_id=f"r{number}")
        life.die()
    STANDS.clear()
    SEEN.clear()
    await lapse(clock)
    async with (
        Runtime(store=open_store(), clock=clock, workflows=[two]) as one,
        Runtime(store=open_store(), clock=clock, workflows=[two]) as other,
    ):
        await until(lambda: len(one.list_runs()) + len(other.list_runs()) == 250)
        for run in [*one.list_runs(), *other.list_runs()]:
            await run.result()
    assert SEEN.count("first") == 250
    assert len(SEEN) == 500


class Frozen(Through):
    """A runtime's way to its store which, while it is frozen, nothing gets through in time: as in a process that was stopped for a while."""

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self.is_frozen = False

    async def _ask_all(self, requests: Sequence[Request[object]], /) -> list[object]:
        if self.is_frozen and any(isinstance(request, Renew) for request in requests):
            return [True] * len(requests)
        return await super()._ask_all(requests)


async def test_one_that_lost_its_lease_records_nothing_more_and_stops(clock: MockClock, open_store: OpenStore) -> None:
    """R50: the loser stops the run's steps, and records nothing more; its waiters get the outcome that the run comes to elsewhere."""
    stopped: list[str] = []

    @step
    async def stand(value: str) -> str:
        SEEN.append(f"stand {step_context().attempt}")
        if step_context().attempt == 1:
            try:
                await forever()
            finally:
                stopped.append("stand")
        return value

    @workflow
    def standing() -> str:
        return stand(first())

    frozen: list[Frozen] = []
    with capture_logs():
        async with open_store() as inner:
            loser = Frozen(inner)
            frozen.append(loser)
            async with (
                Runtime(store=loser, clock=clock) as old,
                Runtime(store=open_store(), clock=clock, workflows=[standing]) as new,
            ):
                history, lost = History(new, LeaseTaken), History(old, LeaseLost)
                run = await begin(old, standing)
                waiting = asyncio.ensure_future(run.result())
                await until(lambda: "stand 1" in SEEN)
                loser.is_frozen = True
                await until(lambda: "stand 2" in SEEN)
                loser.is_frozen = False
                assert await waiting == "first"
                await until(lambda: stopped)
                assert await (await begin(new, standing)).result() == "first"
            assert len(history.events) == len(lost.events) == 1
            await check_store(inner)
    assert SEEN == ["first", "stand 1", "stand 2"]


async def test_a_loser_that_finishes_its_step_late_changes_nothing(clock: MockClock, open_store: OpenStore) -> None:
    """R50: its write is refused, as another runtime has the run: the result that counts is the new owner's."""
    late = asyncio.Event()

    @step
    async def slow(value: str) -> str:
        attempt = step_context().attempt
        SEEN.append(f"slow {attempt}")
        if attempt == 1:
            await late.wait()
        return f"by attempt {attempt}"

    @workflow
    def standing() -> str:
        return slow(first())

    with capture_logs():
        async with open_store() as inner:
            loser = Frozen(inner)
            async with (
                Runtime(store=loser, clock=clock) as old,
                Runtime(store=open_store(), clock=clock, workflows=[standing]) as new,
            ):
                run = await begin(old, standing)
                await until(lambda: "slow 1" in SEEN)
                loser.is_frozen = True
                assert await (await taken_over(new, "r")).result() == "by attempt 2"
                late.set()
                assert await run.result() == "by attempt 2"
                loser.is_frozen = False
                assert await (await begin(old, two, run_id="other")).result() == "second 1 other/second"
            await check_store(inner)
