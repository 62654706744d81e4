"""R19: compensations and undos are tried again by a policy of their own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from actorflow import (
    CompensationFailed,
    Exponential,
    Failed,
    Fixed,
    Retry,
    RunFailed,
    Runtime,
    StepTimeout,
    TryAgain,
    UndoFailed,
    Workflow,
    step,
    step_context,
    workflow,
)
from actorflow.testing import MockClock
from tests.conformance.seen import forever


class Saga:
    """A step that is undone, and one that fails and is compensated; `undo` and `settle` are what the handlers do."""

    def __init__(
        self,
        undo: Callable[[], None] = lambda: None,
        settle: Callable[[], None] = lambda: None,
        **options: Any,
    ) -> None:
        self.seen: list[str] = []
        seen = self.seen

        @step
        async def reserve() -> str:
            return "seat"

        @reserve.undo(**options)
        async def release(value: str) -> None:
            seen.append("release")
            undo()

        @step
        async def charge(seat: str) -> str:
            seen.append("charge")
            raise ValueError("declined")

        @charge.compensate(**options)
        async def compensate(error: Exception, seat: str) -> None:
            seen.append("settle")
            settle()

        @workflow
        def pay() -> str:
            return charge(reserve())

        self.workflow: Workflow[[], str] = pay

    async def fail(self, clock: MockClock) -> RunFailed:
        async with Runtime(clock=clock) as runtime:
            outcome = await (await runtime.start(self.workflow)).outcome()
        assert isinstance(outcome, Failed)
        return outcome.error


def raises(error: BaseException) -> Callable[[], None]:
    def handler() -> None:
        raise error

    return handler


class FailsAtFirst:
    """A handler that raises so many times, then doesn't."""

    def __init__(self, times: int, error: BaseException) -> None:
        self.left = times
        self.error = error

    def __call__(self) -> None:
        if self.left:
            self.left -= 1
            raise self.error


async def test_by_default_five_tries_after_any_exception(clock: MockClock) -> None:
    """R19: by default five tries; in a handler's `Retry`, `on=()` means any `Exception`."""
    saga = Saga(undo=raises(LookupError("u")), settle=raises(ZeroDivisionError("c")))
    failed = await saga.fail(clock)
    assert saga.seen == ["charge"] + ["settle"] * 5 + ["release"] * 5
    assert failed.rollback == "incomplete"


async def test_a_handler_that_succeeds_at_the_last_try_has_succeeded(clock: MockClock) -> None:
    """R19: what succeeded at last isn't an error of the run."""
    saga = Saga(undo=FailsAtFirst(4, OSError()), settle=FailsAtFirst(4, OSError()))
    failed = await saga.fail(clock)
    assert saga.seen == ["charge"] + ["settle"] * 5 + ["release"] * 5
    assert (failed.rollback, len(failed.errors)) == ("complete", 1)


async def test_a_retry_policy_of_their_own(clock: MockClock) -> None:
    """R19: `@charge.undo(retry=…)`: its own attempts, `on=` and backoff; they aren't those of the step."""
    waits: list[tuple[int, str]] = []

    def backoff(
        attempt: int, reason: BaseException | None, arguments: Mapping[str, Any], random: Callable[[], float], /
    ) -> float:
        waits.append((attempt, str(reason)))
        return 100.0

    retry = Retry(attempts=2, on=(OSError,), backoff=backoff)
    saga = Saga(undo=raises(OSError("o")), settle=raises(OSError("o")), retry=retry)
    await saga.fail(clock)
    assert saga.seen == ["charge", "settle", "settle", "release", "release"]
    assert waits[0] == (1, "o")
    assert clock.monotonic() == 200.0

    picky = Saga(undo=raises(LookupError()), settle=raises(LookupError()), retry=retry)
    await picky.fail(clock)
    assert picky.seen == ["charge", "settle", "release"]


async def test_within_bounds_the_tries_of_a_handler(clock: MockClock) -> None:
    """R19: `within=` bounds a handler's tries and waits together, from its own first try."""
    retry = Retry(attempts=None, within=10.0, backoff=Fixed(4.0))
    saga = Saga(undo=raises(OSError()), settle=raises(OSError()), retry=retry)
    await saga.fail(clock)
    assert saga.seen == ["charge"] + ["settle"] * 3 + ["release"] * 3
    assert clock.monotonic() == 16.0


async def test_a_timeout_of_their_own(clock: MockClock) -> None:
    """R19, R11: `@charge.undo(timeout=…)`: a try that outlives it is cancelled, and counts as failed with `StepTimeout`."""
    seen: list[tuple[str, float]] = []

    @step(timeout=50)
    async def reserve() -> str:
        return "seat"

    @reserve.undo(timeout=3, retry=Retry(attempts=2, backoff=Fixed(1.0)))
    async def release(value: str) -> None:
        seen.append(("release", clock.monotonic()))
        await forever()

    @step
    async def fail(seat: str) -> str:
        raise ValueError

    @workflow
    def pay() -> str:
        return fail(reserve())

    async with Runtime(clock=clock) as runtime:
        with pytest.raises(RunFailed) as failed:
            await runtime.run(pay)
    assert seen == [("release", 0.0), ("release", 4.0)]
    assert clock.monotonic() == 7.0
    assert isinstance(failed.value.errors[1].error.__cause__, StepTimeout)


async def test_try_again_from_an_undo_counts_as_any_other_exception(clock: MockClock) -> None:
    """R19: `TryAgain` from an undo counts as any other exception; its `after` overrides the backoff."""
    saga = Saga(undo=raises(TryAgain("not yet", after=7)), retry=Retry(attempts=3, backoff=Exponential(1000.0)))
    failed = await saga.fail(clock)
    assert saga.seen == ["charge", "settle"] + ["release"] * 3
    assert clock.monotonic() == 14.0
    assert [type(error.error) for error in failed.errors] == [ValueError, UndoFailed]


async def test_try_again_from_a_compensation_never_repeats_the_compensation(clock: MockClock) -> None:
    """R19: from a compensation `TryAgain` has the meaning of R18, by the step's policy, and never repeats the compensation."""
    seen: list[str] = []

    @step(retry=Retry(attempts=2, backoff=Fixed(3.0)))
    async def charge() -> str:
        seen.append(f"charge {step_context().attempt} at {clock.monotonic():g}")
        raise ValueError("declined")

    @charge.compensate(retry=Retry(attempts=5, backoff=Fixed(100.0)))
    async def settle(error: Exception) -> None:
        seen.append(f"settle {step_context().attempt}")
        raise TryAgain("once more")

    @workflow
    def pay() -> str:
        return charge()

    async with Runtime(clock=clock) as runtime:
        with pytest.raises(RunFailed) as failed:
            await runtime.run(pay)
    assert seen == ["charge 1 at 0", "settle 1", "charge 2 at 3", "settle 2"]
    assert [str(error.error) for error in failed.value.errors] == ["declined"]


async def test_given_up_handlers_are_recorded_beside_the_steps_own_error(clock: MockClock) -> None:
    """R19: given up: `CompensationFailed` or `UndoFailed`, with the number of tries, is recorded beside the step's error."""
    saga = Saga(undo=raises(LookupError("u")), settle=raises(OSError("c")), retry=Retry(attempts=2))
    failed = await saga.fail(clock)
    assert [(error.node, error.phase, error.attempt) for error in failed.errors] == [
        ("charge", "run", 1),
        ("charge", "compensate", 2),
        ("reserve", "undo", 2),
    ]
    own, compensation, undo = (error.error for error in failed.errors)
    assert str(own) == "declined"
    assert isinstance(compensation, CompensationFailed)
    assert (compensation.node, compensation.tries, str(compensation.__cause__)) == ("charge", 2, "c")
    assert isinstance(undo, UndoFailed)
    assert (undo.node, undo.tries, str(undo.__cause__)) == ("reserve", 2, "u")
    assert failed.__cause__ is own
