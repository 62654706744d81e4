"""R23, R52: what can't be taken back never strands the rest; the rollback says whether it was whole."""

from __future__ import annotations

import asyncio
from typing import TypeVar

import pytest

from actorflow import (
    CompensationFailed,
    Failed,
    OutcomeUnknown,
    Retry,
    Runtime,
    StepTimeout,
    UndoFailed,
    Workflow,
    step,
    workflow,
)
from actorflow.testing import MockClock
from tests.conformance.seen import forever

T = TypeVar("T")


async def fail_of(clock: MockClock, saga: Workflow[[], T]) -> Failed:
    async with Runtime(clock=clock, cancel_grace=1.0) as runtime:
        outcome = await (await runtime.start(saga)).outcome()
    assert isinstance(outcome, Failed)
    assert outcome.rollback == outcome.error.rollback
    return outcome


async def test_one_undo_that_is_given_up_never_strands_the_rest(clock: MockClock) -> None:
    """R23: one undo that's given up never strands the rest: it's recorded, and rollback goes on.
    R52: `incomplete`, with what wasn't undone and why."""
    seen: list[str] = []

    @step
    async def part(name: str, after: str = "") -> str:
        return name

    @part.undo(retry=Retry(attempts=1))
    async def undo(value: str) -> None:
        seen.append(value)
        if value in {"b", "c"}:
            raise OSError(f"no {value}")

    @step
    async def fail(after: str) -> None:
        raise ValueError("the cause")

    @workflow
    def chain() -> None:
        fail(part("d", part("c", part("b", part("a")))))

    outcome = await fail_of(clock, chain)
    assert seen == ["d", "c", "b", "a"]
    assert outcome.rollback == "incomplete"
    assert [(error.node, error.phase) for error in outcome.error.errors] == [
        ("fail", "run"),
        ("part_3", "undo"),
        ("part_2", "undo"),
    ]
    assert [type(error.error) for error in outcome.error.errors[1:]] == [UndoFailed, UndoFailed]
    assert [str(error.error.__cause__) for error in outcome.error.errors[1:]] == ["no c", "no b"]
    assert "incomplete" in str(outcome.error)


async def test_a_compensation_that_is_given_up_makes_the_rollback_incomplete(clock: MockClock) -> None:
    """R23: a rollback in which a compensation was given up is `incomplete`; the rest is undone all the same."""
    seen: list[str] = []

    @step
    async def reserve() -> str:
        return "seat"

    @reserve.undo
    async def release(value: str) -> None:
        seen.append("release")

    @step
    async def charge(seat: str) -> str:
        raise ValueError

    @charge.compensate(retry=Retry(attempts=1))
    async def settle(error: Exception, seat: str) -> None:
        seen.append("settle")
        raise OSError("bank closed")

    @workflow
    def pay() -> str:
        return charge(reserve())

    outcome = await fail_of(clock, pay)
    assert seen == ["settle", "release"]
    assert outcome.rollback == "incomplete"
    assert [type(error.error) for error in outcome.error.errors] == [ValueError, CompensationFailed]


async def test_an_outcome_that_stayed_unknown_makes_the_rollback_incomplete(clock: MockClock) -> None:
    """R23: … or an outcome stayed unknown: it was abandoned, and nobody could be asked."""
    goes_on = asyncio.Event()

    @step(timeout=2)
    async def stubborn() -> None:
        while not goes_on.is_set():
            try:
                await goes_on.wait()
            except asyncio.CancelledError:
                continue

    @workflow
    def stuck() -> None:
        stubborn()

    async with Runtime(clock=clock, cancel_grace=1.0) as runtime:
        outcome = await (await runtime.start(stuck)).outcome()
        goes_on.set()
        assert isinstance(outcome, Failed)
        assert outcome.rollback == "incomplete"
        (error,) = outcome.error.errors
        assert (error.node, type(error.error), type(error.error.__cause__)) == ("stubborn", OutcomeUnknown, StepTimeout)
        assert clock.monotonic() == 3.0


async def test_none_means_that_nothing_was_compensated_or_undone(clock: MockClock) -> None:
    """R23: `none` means that nothing was compensated or undone."""

    @step
    async def look() -> str:
        return "seen"

    @step
    async def fail(after: str) -> None:
        raise ValueError

    @workflow
    def plain() -> None:
        fail(look())

    assert (await fail_of(clock, plain)).rollback == "none"


@pytest.mark.parametrize("how", ["undone", "compensated"])
async def test_complete_means_that_all_could_be_taken_back(clock: MockClock, how: str) -> None:
    """R23: a rollback in which something was taken back, and nothing given up, is `complete`."""

    @step
    async def reserve() -> str:
        return "seat"

    @step
    async def charge(seat: str) -> str:
        raise ValueError

    if how == "undone":

        @reserve.undo
        async def release(value: str) -> None: ...

    else:

        @charge.compensate
        async def settle(error: Exception, seat: str) -> None: ...

    @workflow
    def pay() -> str:
        return charge(reserve())

    assert (await fail_of(clock, pay)).rollback == "complete"


async def test_an_undo_that_hangs_is_given_up_and_the_rest_is_undone(clock: MockClock) -> None:
    """R23, R11: an undo that outlives its timeout at every try is given up like any other."""
    seen: list[str] = []

    @step
    async def part(name: str, after: str = "") -> str:
        return name

    @part.undo(timeout=1, retry=Retry(attempts=2))
    async def undo(value: str) -> None:
        seen.append(value)
        if value == "b":
            await forever()

    @step
    async def fail(after: str) -> None:
        raise ValueError

    @workflow
    def chain() -> None:
        fail(part("b", part("a")))

    outcome = await fail_of(clock, chain)
    assert seen == ["b", "b", "a"]
    assert outcome.rollback == "incomplete"
