"""R37: leaving a runtime with a store releases its runs: the next runtime goes on."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from actorflow import Cancelled, Halted, Retry, Runtime, RuntimeClosed, TryAgain, step, step_context, workflow
from actorflow.testing import MockClock
from actorflow.testing.checking import check_store
from tests.conformance.conftest import OpenStore
from tests.conformance.surviving import begin, taken_over, until

SEEN: list[str] = []


@pytest.fixture(autouse=True)
def _fresh() -> None:
    SEEN.clear()


@step
async def first() -> str:
    SEEN.append("first")
    return "first"


@first.undo
async def undo(value: str) -> None:
    SEEN.append("undo")


@step
async def slow(value: str) -> str:
    SEEN.append(f"slow {step_context().attempt}")
    try:
        await asyncio.sleep(100)
    except asyncio.CancelledError:
        SEEN.append("stopped")
        raise
    return value


@workflow
def two() -> str:
    return slow(first())


class LeftInAHurry(Exception): ...


async def leave(open_store: OpenStore, clock: MockClock, how: str) -> tuple[Any, float]:
    """Gives what who waited was told, and how long it took."""
    left = 0.0

    async def service() -> Any:
        nonlocal left
        waiting: Any = None
        try:
            async with Runtime(store=open_store(), clock=clock, drain_timeout=10.0) as runtime:
                run = await begin(runtime, two)
                waiting = asyncio.ensure_future(run.result())
                await until(lambda: "slow 1" in SEEN)
                left = clock.monotonic()
                if how == "by exception":
                    raise LeftInAHurry
                if how == "by cancellation":
                    asyncio.current_task().cancel()  # type: ignore[union-attr]
                    await asyncio.sleep(0)
        except (LeftInAHurry, asyncio.CancelledError):
            pass
        return (await asyncio.gather(waiting, return_exceptions=True))[0]

    answer = await asyncio.create_task(service())
    return answer, clock.monotonic() - left


@pytest.mark.parametrize("how", ["by exception", "by cancellation", "when the drain is over"])
async def test_runs_are_released(clock: MockClock, open_store: OpenStore, how: str) -> None:
    """R37: leaving by exception or cancellation, and the end of the drain: runs with a store aren't taken back; the lease is given back, and the
    next runtime goes on at once; who waited gets `RuntimeClosed`.
    """
    answer, took = await leave(open_store, clock, how)
    assert isinstance(answer, RuntimeClosed)
    assert took <= (16.0 if how == "when the drain is over" else 6.0)
    assert SEEN == ["first", "slow 1", "stopped"]
    async with open_store() as store:
        await check_store(store)
        record = await store.get_run("r")
        assert (record.status, record.owner, await store.runtimes()) == ("running", None, [])
    began = clock.monotonic()
    async with Runtime(store=open_store(), clock=clock, workflows=[two]) as runtime:
        run = await taken_over(runtime, "r")
        assert clock.monotonic() - began < 1.0
        assert await run.result() == "first"
    assert SEEN == ["first", "slow 1", "stopped", "slow 2"]


async def test_what_is_in_flight_has_the_halt_timeout(clock: MockClock, open_store: OpenStore) -> None:
    """R37: in flight gets `halt_timeout`, is then interrupted: what ends within it is kept."""

    @step
    async def nearly() -> str:
        SEEN.append("nearly")
        await asyncio.sleep(3)
        return "kept"

    @step
    async def behind(value: str) -> str:
        SEEN.append(f"behind {value}")
        return value

    @workflow
    def near() -> str:
        return behind(nearly())

    with pytest.raises(LeftInAHurry):
        async with Runtime(store=open_store(), clock=clock) as runtime:
            await begin(runtime, near)
            await asyncio.sleep(1)
            raise LeftInAHurry
    async with Runtime(store=open_store(), clock=clock, workflows=[near]) as runtime:
        assert await (await begin(runtime, near)).result() == "kept"
    assert SEEN == ["nearly", "behind kept"]


async def test_runs_that_only_wait_are_released_at_once(clock: MockClock, open_store: OpenStore) -> None:
    """R37: runs with a store that only wait are released at once, in a normal leave, too: nobody drains a retry that is due tomorrow."""

    @step(retry=Retry(attempts=2))
    async def tomorrow() -> str:
        SEEN.append(f"{clock.monotonic():.0f}")
        if len(SEEN) == 1:
            raise TryAgain(after=86_400)
        return "done"

    @workflow
    def patient() -> str:
        return tomorrow()

    async with Runtime(store=open_store(), clock=clock) as runtime:
        await begin(runtime, patient)
        await asyncio.sleep(1)
        left = clock.monotonic()
    assert clock.monotonic() - left < 1.0
    async with Runtime(store=open_store(), clock=clock, workflows=[patient]) as runtime:
        assert await (await begin(runtime, patient)).result() == "done"
    assert SEEN == ["0", "86400"]


async def test_a_normal_leave_drains(clock: MockClock, open_store: OpenStore) -> None:
    """R37: what goes on is drained first, as without a store."""
    async with Runtime(store=open_store(), clock=clock, drain_timeout=200.0) as runtime:
        run = await begin(runtime, two)
    assert await run.result() == "first"
    assert SEEN == ["first", "slow 1"]


@pytest.mark.parametrize("on_exit", ["halt", "cancel"])
async def test_on_exit_says_what_a_normal_leave_does(clock: MockClock, open_store: OpenStore, on_exit: Any) -> None:
    """R37: `on_exit`: halt every run, or cancel and roll back; that is recorded like any other end."""
    async with Runtime(store=open_store(), clock=clock, on_exit=on_exit) as runtime:
        run = await begin(runtime, two)
        await until(lambda: "slow 1" in SEEN)
    outcome = await run.outcome()
    assert isinstance(outcome, Halted if on_exit == "halt" else Cancelled)
    assert ("undo" in SEEN) == (on_exit == "cancel")
    async with Runtime(store=open_store(), clock=clock, workflows=[two]) as runtime:
        again = await (await begin(runtime, two)).outcome()
        assert type(again) is type(outcome)
        if on_exit == "halt":
            assert await (await runtime.resume(two, "r")).result() == "first"


async def test_a_rollback_is_released_too(clock: MockClock, open_store: OpenStore) -> None:
    """R37: a run that was being taken back goes on with that in the next runtime."""

    @step
    async def part() -> str:
        return "part"

    @part.undo
    async def slowly(value: str) -> None:
        SEEN.append("slowly")
        if len(SEEN) == 1:
            await asyncio.sleep(100)

    @step
    async def fail(value: str) -> None:
        raise ValueError("no")

    @workflow
    def failing() -> None:
        fail(part())

    async with Runtime(store=open_store(), clock=clock, drain_timeout=5.0) as runtime:
        await begin(runtime, failing)
        await until(lambda: SEEN)
    async with Runtime(store=open_store(), clock=clock, workflows=[failing]) as runtime:
        outcome = await (await taken_over(runtime, "r")).outcome()
        assert outcome.__class__.__name__ == "Failed"
    assert SEEN == ["slowly", "slowly"]
    async with open_store() as store:
        await check_store(store)
