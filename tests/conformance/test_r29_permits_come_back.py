"""R29: permits come back, however a step or its run ends."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from actorflow import (
    Cancelled,
    Failed,
    Halt,
    Halted,
    Limit,
    Outcome,
    Rate,
    Recover,
    Retry,
    Runtime,
    Skip,
    Succeeded,
    TryAgain,
    step,
    workflow,
)
from actorflow.testing import MockClock
from tests.conformance.process_steps import lose_the_worker
from tests.conformance.seen import forever

WIDE = Limit("wide", at_most=3)
NARROW = Limit("narrow", at_most=1)


async def assert_all_is_free(runtime: Runtime, clock: MockClock | None) -> None:
    """Every pool is full: as many steps as it has permits for meet inside."""
    barrier = asyncio.Barrier(4)

    @step(limit=WIDE)
    async def meet() -> None:
        await barrier.wait()

    @step(limit=NARROW)
    async def narrow() -> None:
        await barrier.wait()

    @workflow(name=f"probe {id(barrier)}")
    def probe() -> None:
        meet()
        meet()
        meet()
        narrow()

    run = await runtime.start(probe)
    if clock is not None:
        await clock.advance(0.001)
        assert run.status() == "succeeded"
    await run.result()


class Crash(BaseException):
    pass


def failing_key(how: str) -> str:
    if how == "key":
        raise LookupError
    return how


async def guard(how: str) -> Skip[str] | None:
    if how == "skip":
        return Skip("skipped")
    if how == "guard":
        raise ValueError
    return None


@step(
    limit=(WIDE, NARROW, Limit("keyed", at_most=1, key=lambda how: failing_key(how))),
    timeout=20,
    retry=Retry(attempts=2),
    guards=[guard],
)
async def limited(how: str) -> str:
    match how:
        case "fails" | "recovers" | "tries again in its compensation":
            raise ValueError
        case "hangs" | "times out" | "cancels":
            await forever()
        case "runs out of attempts":
            raise TryAgain(after=1)
        case "crashes":
            raise Crash
        case "halts":
            raise Halt("halted")
        case "cancels itself":
            raise asyncio.CancelledError
        case "waits":
            raise TryAgain(after=1000)
        case _:
            pass
    return how


@limited.compensate(retry=Retry(attempts=2))
async def settle(error: Exception, how: str) -> Recover[str] | None:
    if how == "recovers":
        return Recover("recovered")
    if how == "tries again in its compensation":
        raise TryAgain(after=1)
    if how == "fails":
        raise OSError
    return None


@limited.undo(retry=Retry(attempts=2))
async def undo(value: str, how: str) -> None:
    if how == "fails in its undo":
        raise OSError


@step
async def after(value: str, how: str) -> str:
    if how in {"fails later", "fails in its undo"}:
        raise ValueError
    return value


@workflow
def one(how: str) -> str:
    return after(limited(how), how)


@pytest.mark.parametrize(
    ("how", "ends"),
    [
        ("succeeds", Succeeded),
        ("skip", Succeeded),
        ("recovers", Succeeded),
        ("fails", Failed),
        ("key", Failed),
        ("guard", Failed),
        ("tries again in its compensation", Failed),
        ("runs out of attempts", Failed),
        ("fails later", Failed),
        ("fails in its undo", Failed),
        ("times out", Failed),
        ("crashes", Failed),
        ("cancels itself", Failed),
        ("halts", Halted),
    ],
)
async def test_on_success_failure_timeout_crash_and_halt(clock: MockClock, how: str, ends: type[Outcome[Any]]) -> None:
    """R29: permits come back on success, failure, timeout, crash and halt alike: after any run none of its permits is held."""
    async with Runtime(clock=clock) as runtime:
        assert type(await (await runtime.start(one, how)).outcome()) is ends
        await assert_all_is_free(runtime, clock)


@pytest.mark.parametrize("how", ["hangs", "waits"])
async def test_on_cancel(clock: MockClock, how: str) -> None:
    """R29: … on cancel; also of runs whose steps waited in line, or for another attempt."""
    async with Runtime(clock=clock) as runtime:
        runs = [await runtime.start(one, how) for _ in range(5)]
        await clock.advance(1)
        for run in runs:
            await run.cancel()
            assert isinstance(await run.outcome(), Cancelled)
        await assert_all_is_free(runtime, clock)


async def test_on_a_halt_that_interrupts(clock: MockClock) -> None:
    """R29: … on halt: what was interrupted, or waited in line, asks anew when the run is resumed."""

    @step
    async def pause() -> None:
        raise Halt

    first = True

    @step(limit=NARROW)
    async def slow(number: int) -> int:
        if first:
            await forever()
        return number

    @workflow
    def halted() -> list[int]:
        pause()
        return [slow(1), slow(2)]

    async with Runtime(clock=clock) as runtime:
        run = await runtime.start(halted)
        assert isinstance(await run.outcome(), Halted)
        await assert_all_is_free(runtime, clock)
        first = False
        assert await (await runtime.resume(halted, run.id)).result() == [1, 2]
        await assert_all_is_free(runtime, clock)


async def test_on_the_crash_of_a_worker_process() -> None:
    """R29: … on the crash of its worker."""
    losing = step(mode="process", limit=(WIDE, NARROW))(lose_the_worker)

    @workflow
    def lost() -> str:
        return losing("Oslo")

    async with Runtime() as runtime:
        assert isinstance(await (await runtime.start(lost)).outcome(), Failed)
        await assert_all_is_free(runtime, None)


@pytest.fixture
def thread_gate() -> Iterator[threading.Event]:
    gate = threading.Event()
    yield gate
    gate.set()


async def test_but_for_orphans(clock: MockClock, thread_gate: threading.Event) -> None:
    """R29, R12: … but for orphans: an abandoned thread keeps its permit until it ends."""
    entered = threading.Event()

    @step(limit=NARROW, timeout=5)
    def stubborn() -> None:
        entered.set()
        thread_gate.wait(30)

    @workflow
    def stuck() -> None:
        stubborn()

    @step(limit=NARROW)
    async def next_one() -> float:
        return clock.monotonic()

    @workflow
    def waiting() -> float:
        return next_one()

    async with Runtime(clock=clock, cancel_grace=2.0) as runtime:
        run = await runtime.start(stuck)
        while not entered.is_set():
            await asyncio.sleep(0)
        await clock.advance(8)
        outcome = await run.outcome()
        assert isinstance(outcome, Failed) and outcome.rollback == "incomplete"
        waits = await runtime.start(waiting)
        await clock.advance(10)
        assert waits.status() == "running"
        thread_gate.set()
        assert await waits.result() == 18.0
        await assert_all_is_free(runtime, clock)


async def test_a_rate_forgets_starts_that_were_declined_with_their_runs(clock: MockClock) -> None:
    """R29, R28: a step that waited in line when its run ended has started nothing: the rate is there for others."""
    starts: list[float] = []

    @step(limit=Limit("api", rate=Rate(1, per=10.0)))
    async def call() -> None:
        starts.append(clock.monotonic())

    @workflow
    def calls() -> None:
        for _ in range(5):
            call()

    async with Runtime(clock=clock) as runtime:
        run = await runtime.start(calls)
        await clock.advance(1)
        await run.cancel()
        await run.outcome()
        other = await runtime.start(calls)
        await clock.advance(30)
        await other.cancel()
    assert starts == [0.0, 10.0, 20.0, 30.0]
