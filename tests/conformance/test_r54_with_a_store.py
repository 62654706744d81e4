"""R54: a step whose outcome is unknown because its process was lost, and which isn't to run again."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from actorflow import Cancelled, Failed, OutcomeUnknown, Recover, Runtime, Step, step, step_context, workflow
from actorflow.testing import MockClock
from actorflow.testing.checking import check_store
from actorflow.testing.lives import Life
from tests.conformance.conftest import OpenStore
from tests.conformance.surviving import begin, lapse, taken_over, until

SEEN: list[str] = []


@pytest.fixture(autouse=True)
def _fresh() -> None:
    SEEN.clear()


@step
async def reserve() -> str:
    return "seat"


@reserve.undo
async def release(seat: str) -> None:
    SEEN.append("release")


async def goes_on_regardless() -> Any:
    """Ignores that it is cancelled, for a while."""
    for _ in range(3):
        try:
            await asyncio.sleep(1000)
        except asyncio.CancelledError:
            continue


def saga(charge: Step[[str], str, Any]) -> Any:
    @workflow
    def booking() -> str:
        return charge(reserve())

    return booking


async def lost_in_its_rollback(booking: Any, open_store: OpenStore, clock: MockClock) -> Cancelled:
    """The run is cancelled, and its process dies while the step is being stopped; then another runtime ends it."""
    async with Life(open_store(), clock=clock) as life:
        run = await begin(life.runtime, booking)
        await until(lambda: "charge" in SEEN)
        await run.cancel()
        await asyncio.sleep(1)
        life.die()
    await lapse(clock)
    async with Runtime(store=open_store(), clock=clock, workflows=[booking]) as runtime:
        outcome = await (await taken_over(runtime, "r")).outcome()
    assert isinstance(outcome, Cancelled)
    async with open_store() as store:
        await check_store(store)
    return outcome


@pytest.mark.parametrize("recovers", [False, True])
async def test_it_is_offered_to_its_compensation(clock: MockClock, open_store: OpenStore, *, recovers: bool) -> None:
    """R54: … with `OutcomeUnknown`; what it recovers is undone with the rest, and then all is taken back."""

    @step
    async def charge(seat: str) -> str:
        SEEN.append("charge")
        await goes_on_regardless()
        return "late"

    @charge.compensate
    async def settle(error: Exception, seat: str) -> Recover[str] | None:
        assert isinstance(error, OutcomeUnknown)
        SEEN.append(f"settle {step_context().idempotency_key} {step_context().step_key}")
        return Recover("found") if recovers else None

    @charge.undo
    async def refund(value: str, seat: str) -> None:
        SEEN.append(f"refund {value}")

    outcome = await lost_in_its_rollback(saga(charge), open_store, clock)
    refunded = ["refund found"] if recovers else []
    assert SEEN == ["charge", "settle r/charge/compensate r/charge", *refunded, "release"]
    assert outcome.rollback == "complete"


async def test_else_its_undo_is_called_with_none_if_it_was_declared_so(clock: MockClock, open_store: OpenStore) -> None:
    """R54: if it has no compensation, but an `undo(unknown=True)`, that is called with `None`."""

    @step
    async def charge(seat: str) -> str:
        SEEN.append("charge")
        await goes_on_regardless()
        return "late"

    @charge.undo(unknown=True)
    async def refund(value: str | None, seat: str) -> None:
        SEEN.append(f"refund {value} {step_context().idempotency_key}")

    outcome = await lost_in_its_rollback(saga(charge), open_store, clock)
    assert SEEN == ["charge", "refund None r/charge/undo", "release"]
    assert outcome.rollback == "complete"


@pytest.mark.parametrize("has_undo", [False, True])
async def test_else_it_is_listed(clock: MockClock, open_store: OpenStore, *, has_undo: bool) -> None:
    """R54, R23: else the rollback is incomplete, and says of which step nobody knows; an undo that wants a value isn't called without one."""

    @step
    async def charge(seat: str) -> str:
        SEEN.append("charge")
        await goes_on_regardless()
        return "late"

    if has_undo:

        @charge.undo
        async def refund(value: str, seat: str) -> None:
            SEEN.append("refund")

    outcome = await lost_in_its_rollback(saga(charge), open_store, clock)
    assert SEEN == ["charge", "release"]
    assert outcome.rollback == "incomplete"
    (error,) = [error for error in outcome.errors if error.node == "charge"]
    assert isinstance(error.error, OutcomeUnknown)


async def test_one_that_is_to_run_again_is_not_unknown_until_it_fails(clock: MockClock, open_store: OpenStore) -> None:
    """R54, R53: going forward it runs again, with the same key; only its own failure is compensated."""

    @step
    async def charge(seat: str) -> str:
        SEEN.append(f"charge {step_context().attempt} {step_context().idempotency_key}")
        if step_context().attempt == 1:
            await asyncio.sleep(1000)
        raise ValueError("declined")

    @charge.compensate
    async def settle(error: Exception, seat: str) -> None:
        SEEN.append(f"settle {type(error).__name__}")

    booking = saga(charge)
    async with Life(open_store(), clock=clock) as life:
        await begin(life.runtime, booking)
        await until(lambda: SEEN)
        life.die()
    await lapse(clock)
    async with Runtime(store=open_store(), clock=clock, workflows=[booking]) as runtime:
        outcome = await (await taken_over(runtime, "r")).outcome()
    assert isinstance(outcome, Failed) and outcome.rollback == "complete"
    assert SEEN == ["charge 1 r/charge", "charge 2 r/charge", "settle ValueError", "release"]
