"""R54: steps whose outcome is unknown, and idempotency keys."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from actorflow import (
    Cancelled,
    Failed,
    Halt,
    Halted,
    OutcomeUnknown,
    Recover,
    Retry,
    RunFailed,
    Runtime,
    StepCancelled,
    StepTimeout,
    TryAgain,
    WorkerLost,
    step,
    step_context,
    workflow,
)
from actorflow.testing import MockClock
from tests.conformance.process_steps import lose_the_worker


@pytest.fixture
async def gate() -> AsyncIterator[asyncio.Event]:
    """Lets the stubborn steps of a test end with it."""
    event = asyncio.Event()
    yield event
    event.set()


async def stubborn(gate: asyncio.Event) -> None:
    """Goes on regardless of being cancelled."""
    while not gate.is_set():
        try:
            await gate.wait()
        except asyncio.CancelledError:
            continue


@pytest.mark.parametrize("stopped_by", ["its timeout", "a cancel"])
async def test_an_abandoned_step_is_offered_to_its_compensation(
    clock: MockClock, gate: asyncio.Event, stopped_by: str
) -> None:
    """R54: a step whose outcome is unknown (abandoned after it may have acted) and which isn't to run again is offered to its
    `compensate` with `OutcomeUnknown`, caused by what stopped it; one that has dealt with it makes the rollback complete."""
    seen: list[tuple[type, type]] = []

    @step(timeout=5 if stopped_by == "its timeout" else None, retry=Retry(on=(StepTimeout, OutcomeUnknown)))
    async def charge() -> str:
        seen.append((str, str))
        await stubborn(gate)
        return "too late"

    @charge.compensate
    async def settle(error: Exception) -> None:
        seen.append((type(error), type(error.__cause__)))

    @workflow
    def pay() -> str:
        return charge()

    async with Runtime(clock=clock, cancel_grace=2.0) as runtime:
        run = await runtime.start(pay)
        await clock.advance(3)
        if stopped_by == "a cancel":
            await run.cancel()
        outcome = await run.outcome()
        assert clock.monotonic() == (7.0 if stopped_by == "its timeout" else 5.0)
        gate.set()
    cause = StepTimeout if stopped_by == "its timeout" else StepCancelled
    assert seen == [(str, str), (OutcomeUnknown, cause)]
    assert isinstance(outcome, Failed if stopped_by == "its timeout" else Cancelled)
    assert outcome.rollback == "complete"


async def test_its_compensation_may_find_out_and_recover_it(clock: MockClock, gate: asyncio.Event) -> None:
    """R54, R18: … whose answer counts: `Recover` makes it succeed, and the late result is ignored."""

    @step(timeout=5)
    async def charge() -> str:
        await stubborn(gate)
        return "too late"

    @charge.compensate
    async def settle(error: Exception) -> Recover[str] | None:
        return Recover("found in the ledger")

    @step
    async def tell(value: str) -> str:
        gate.set()
        await clock.advance(1)
        return value

    @workflow
    def pay() -> str:
        return tell(charge())

    async with Runtime(clock=clock, cancel_grace=2.0) as runtime:
        assert await runtime.run(pay) == "found in the ledger"


@pytest.mark.parametrize("unknown", [False, True])
async def test_an_undo_is_called_with_none_only_if_it_was_declared_so(
    clock: MockClock, gate: asyncio.Event, unknown: bool
) -> None:
    """R54: if it has no compensation, but an `undo`, that is called with `None` only if it was declared `undo(unknown=True)`;
    else it's listed as in R52."""
    seen: list[object] = []

    @step(timeout=5)
    async def charge(card: str) -> str | None:
        await stubborn(gate)
        return "too late"

    @charge.undo(unknown=unknown)
    async def refund(value: str | None, card: str) -> None:
        seen.append((value, card))

    @workflow
    def pay() -> str | None:
        return charge("4711")

    async with Runtime(clock=clock, cancel_grace=2.0) as runtime:
        outcome = await (await runtime.start(pay)).outcome()
        gate.set()
    assert isinstance(outcome, Failed)
    assert seen == ([(None, "4711")] if unknown else [])
    assert outcome.rollback == ("complete" if unknown else "incomplete")
    assert [(error.node, type(error.error)) for error in outcome.error.errors] == [("charge", OutcomeUnknown)]


async def test_a_lost_worker_leaves_the_outcome_unknown() -> None:
    """R54, R52: its worker was lost after it may have acted: listed, with why, and the rollback is incomplete."""

    losing = step(mode="process")(lose_the_worker)

    @workflow
    def pay() -> str:
        return losing("Oslo")

    async with Runtime() as runtime:
        with pytest.raises(RunFailed) as failed:
            await runtime.run(pay)
    (error,) = failed.value.errors
    assert (type(error.error), type(error.error.__cause__)) == (OutcomeUnknown, WorkerLost)
    assert failed.value.rollback == "incomplete"


async def test_a_lost_worker_may_be_tried_again_if_it_is_named() -> None:
    """R54, R14: a step that is to run again isn't offered: `on=(WorkerLost,)` says so."""
    seen: list[str] = []
    again = Retry(attempts=2, on=(WorkerLost,), backoff=lambda *_: 0.0)
    losing = step(mode="process", retry=again)(lose_the_worker)

    @losing.compensate
    async def settle(error: Exception, city: str) -> Recover[str] | None:
        seen.append(type(error).__name__)
        return Recover(f"attempt {step_context().attempt}")

    @workflow
    def pay() -> str:
        return losing("Oslo")

    async with Runtime() as runtime:
        assert await runtime.run(pay) == "attempt 2"
    assert seen == ["OutcomeUnknown"]


async def test_every_step_compensate_and_undo_has_a_key_of_its_own(clock: MockClock) -> None:
    """R54: every step, compensate and undo has an idempotency key of its own: no two are alike, in a run or between runs."""
    keys: list[str] = []

    @step
    async def part(name: str) -> str:
        keys.append(step_context().idempotency_key)
        raise ValueError

    @part.compensate
    async def settle(error: Exception, name: str) -> Recover[str] | None:
        keys.append(step_context().idempotency_key)
        return Recover(name)

    @part.undo
    async def undo(value: str) -> None:
        keys.append(step_context().idempotency_key)

    @workflow
    def inner() -> str:
        return part("inner")

    @step
    async def fail(*after: str) -> None:
        raise ValueError

    @workflow
    def pay() -> None:
        fail(part("a"), part("b"), inner())

    async with Runtime(clock=clock) as runtime:
        for _ in range(2):
            await (await runtime.start(pay)).outcome()
    assert len(keys) == len(set(keys)) == 18


async def test_keys_are_the_same_over_attempts_and_machines(clock: MockClock) -> None:
    """R54: … the same over attempts, restarts and machines: here over a resume in another runtime."""
    keys: dict[str, set[str]] = {"run": set(), "compensate": set(), "undo": set()}
    calls: list[str] = []

    def note(phase: str) -> int:
        keys[phase].add(step_context().idempotency_key)
        calls.append(phase)
        return calls.count(phase)

    @step
    async def charge() -> str:
        if note("run") < 3:
            raise TryAgain(after=10)
        raise ValueError

    @charge.compensate
    async def settle(error: Exception) -> Recover[str] | None:
        if note("compensate") < 3:
            raise OSError
        return Recover("recovered")

    @charge.undo
    async def refund(value: str) -> None:
        if note("undo") < 3:
            raise OSError

    @step
    async def pause() -> None:
        raise Halt

    @step
    async def fail(after: str) -> None:
        raise ValueError

    @workflow
    def pay() -> None:
        pause()
        fail(charge())

    async with Runtime(clock=clock) as first:
        halted = await (await first.start(pay)).outcome()
        assert isinstance(halted, Halted) and halted.snapshot is not None
        assert calls == ["run"]
    async with Runtime(clock=clock) as second:
        assert isinstance(await (await second.resume(pay, halted.snapshot)).outcome(), Failed)
    assert calls == ["run"] * 3 + ["compensate"] * 3 + ["undo"] * 3
    assert [len(each) for each in keys.values()] == [1, 1, 1]
