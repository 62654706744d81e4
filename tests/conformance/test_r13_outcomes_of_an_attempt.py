"""R13: what returning and raising mean."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from actorflow import (
    CompensationFailed,
    Failed,
    Halt,
    Halted,
    InvalidValue,
    RecordedFailure,
    Recover,
    Runtime,
    Skip,
    StepCancelled,
    StepCrashed,
    Workflow,
    failed_with,
    step,
    workflow,
)
from actorflow.testing import MockClock
from tests.conformance.worker_steps import (
    Odd,
    Registered,
    Unregistered,
    fail_in_worker,
    fail_often,
    raise_what_is_no_exception,
)


async def failed(runtime: Runtime, flow: Workflow[[], Any]) -> Failed:
    outcome = await (await runtime.start(flow)).outcome()
    assert isinstance(outcome, Failed)
    return outcome


# ── within the process ──


async def test_returning_succeeds(clock: MockClock) -> None:
    """R13: returning succeeds, whatever is returned: an exception object, too."""

    @step
    async def give() -> Any:
        return ValueError("just a value")

    @workflow
    def giving() -> Any:
        return give()

    async with Runtime(clock=clock) as runtime:
        assert isinstance(await runtime.run(giving), ValueError)


@pytest.mark.parametrize("mode", ["async", "thread", "inline"])
async def test_an_exception_reaches_compensate_as_it_was_raised(clock: MockClock, mode: str) -> None:
    """R13: raising fails the attempt; within the process the exception reaches `compensate` as it was raised."""
    raised = ValueError("no seat")
    seen: list[Exception] = []

    async def fail() -> None:
        raise raised

    def fail_sync() -> None:
        raise raised

    made = step(name="fail")(fail) if mode == "async" else step(name="fail", mode=mode)(fail_sync)  # type: ignore[call-overload]

    @made.compensate
    async def settle(error: Exception) -> None:
        seen.append(error)

    @workflow
    def failing() -> None:
        made()

    async with Runtime(clock=clock) as runtime:
        outcome = await failed(runtime, failing)
    assert len(seen) == 1
    assert seen[0] is raised
    assert outcome.error.__cause__ is raised
    assert outcome.error.errors[0].error is raised


# ── from another process ──


@workflow
def failing_elsewhere(registered: bool) -> None:
    fail_in_worker("no seat", registered)


async def from_worker(runtime: Runtime, registered: bool) -> BaseException | None:
    outcome = await (await runtime.start(failing_elsewhere, registered)).outcome()
    assert isinstance(outcome, Failed)
    return outcome.error.__cause__


async def test_a_registered_failure_from_another_process_is_rebuilt(clock: MockClock) -> None:
    """R13: from another process it is rebuilt if its class is registered (`@failure`)."""
    async with Runtime(clock=clock) as runtime:
        error = await from_worker(runtime, True)
    assert type(error) is Registered
    assert error.args == ("no seat",)


async def test_another_failure_from_another_process_is_recorded(clock: MockClock) -> None:
    """R13: … else it's a `RecordedFailure` (type, message, traceback text, notes)."""
    async with Runtime(clock=clock) as runtime:
        error = await from_worker(runtime, False)
    assert isinstance(error, RecordedFailure)
    assert error.type == f"{Unregistered.__module__}.{Unregistered.__qualname__}"
    assert error.message == "no seat"
    assert "in fail_in_worker" in error.traceback
    assert error.notes == ("a note",)


async def test_failed_with_answers_the_same_either_way(clock: MockClock) -> None:
    """R13: `failed_with(error, CardDeclined)` answers the same either way."""
    async with Runtime(clock=clock) as runtime:
        rebuilt, recorded = await from_worker(runtime, True), await from_worker(runtime, False)
    assert rebuilt is not None
    assert recorded is not None
    assert failed_with(rebuilt, Registered)
    assert not failed_with(rebuilt, Unregistered)
    assert failed_with(recorded, Unregistered)
    assert not failed_with(recorded, Registered)
    assert failed_with(Unregistered("raised here"), Unregistered)
    assert all(failed_with(error, Exception) for error in (rebuilt, recorded))
    assert not any(failed_with(error, OSError) for error in (rebuilt, recorded))


async def test_what_on_says_is_decided_before_recording(clock: MockClock) -> None:
    """R13: what `on=` says is decided before recording: it names a class that comes back as a record."""

    @workflow
    def trying() -> None:
        fail_often("no seat")

    async with Runtime(clock=clock) as runtime:
        outcome = await failed(runtime, trying)
    (error,) = outcome.error.errors
    assert isinstance(error.error, RecordedFailure)
    assert error.attempt == 3


# ── what isn't an Exception ──


@pytest.mark.parametrize("mode", ["async", "thread", "inline"])
@pytest.mark.parametrize(("kind", "becomes"), [(asyncio.CancelledError, StepCancelled), (Odd, StepCrashed)])
async def test_what_isnt_an_exception_fails_the_attempt(
    clock: MockClock, mode: str, kind: type[BaseException], becomes: type[Exception]
) -> None:
    """R13: `CancelledError` that the runtime didn't ask for fails the attempt with `StepCancelled`; any other
    `BaseException` with `StepCrashed`.
    """
    offered = []

    async def fail() -> None:
        raise kind("odd")

    def fail_sync() -> None:
        raise kind("odd")

    made = step(name="fail")(fail) if mode == "async" else step(name="fail", mode=mode)(fail_sync)  # type: ignore[call-overload]

    @made.compensate
    async def settle(error: Exception) -> None:
        offered.append(type(error))

    @workflow
    def failing() -> None:
        made()

    async with Runtime(clock=clock) as runtime:
        outcome = await failed(runtime, failing)
    error = outcome.error.__cause__
    assert isinstance(error, becomes)
    assert "'fail'" in str(error)
    assert type(error.__cause__) is kind
    assert offered == [becomes]


@pytest.mark.parametrize(("cancelled", "becomes"), [(True, StepCancelled), (False, StepCrashed)])
async def test_what_isnt_an_exception_fails_an_attempt_elsewhere_too(
    clock: MockClock, cancelled: bool, becomes: type[Exception]
) -> None:
    """R13: … in a worker process as well, where only its name comes over."""

    @workflow
    def failing() -> None:
        raise_what_is_no_exception(cancelled)

    async with Runtime(clock=clock) as runtime:
        outcome = await failed(runtime, failing)
    assert type(outcome.error.__cause__) is becomes


# ── values that are checked, and those that aren't ──


async def test_a_plain_return_isnt_checked(clock: MockClock) -> None:
    """R13: a plain return isn't checked."""

    @step
    async def lie() -> int:
        return "text"  # type: ignore[return-value]

    @workflow
    def lying() -> int:
        return lie()

    async with Runtime(clock=clock) as runtime:
        value: object = await runtime.run(lying)
    assert value == "text"


@pytest.mark.parametrize("value", ["text", None, [1, "2"]])
async def test_the_value_of_a_recover_is_checked(clock: MockClock, value: Any) -> None:
    """R13: values in `Recover` are checked as R2 checks inputs, and a wrong one fails the attempt with `InvalidValue`."""

    @step
    async def fail() -> list[int]:
        raise ValueError

    @fail.compensate
    async def settle(error: Exception) -> Recover[list[int]]:
        return Recover(value)

    @workflow
    def failing() -> list[int]:
        return fail()

    async with Runtime(clock=clock) as runtime:
        errors = (await failed(runtime, failing)).error.errors
    assert isinstance(errors[0].error, ValueError)
    assert isinstance(errors[1].error, CompensationFailed)
    assert isinstance(errors[1].error.__cause__, InvalidValue)


@pytest.mark.parametrize("value", ["text", None, [1, "2"]])
async def test_the_value_of_a_skip_is_checked(clock: MockClock, value: Any) -> None:
    """R13: … in `Skip`."""

    def guard() -> Skip[list[int]]:
        return Skip(value)

    @step(guards=[guard])
    async def work() -> list[int]:
        raise AssertionError

    @workflow
    def guarded() -> list[int]:
        return work()

    async with Runtime(clock=clock) as runtime:
        (error,) = (await failed(runtime, guarded)).error.errors
    assert isinstance(error.error, InvalidValue)
    assert error.phase == "guard"


@pytest.mark.parametrize("value", ["text", [1, "2"]])
async def test_the_value_of_a_halt_is_checked(clock: MockClock, value: Any) -> None:
    """R13: … and in `Halt`."""

    @step
    async def pause() -> list[int]:
        raise Halt(value)

    @workflow
    def pausing() -> list[int]:
        return pause()

    async with Runtime(clock=clock) as runtime:
        (error,) = (await failed(runtime, pausing)).error.errors
    assert isinstance(error.error, InvalidValue)
    assert error.phase == "run"


async def test_right_values_pass(clock: MockClock) -> None:
    """R13: … as R2 checks inputs: what is right goes through, neither copied nor converted."""
    given = [1, 2]

    @step
    async def recovered() -> list[int]:
        raise ValueError

    @recovered.compensate
    async def settle(error: Exception) -> Recover[list[int]]:
        return Recover(given)

    def guard() -> Skip[list[int]]:
        return Skip(given)

    @step(guards=[guard])
    async def skipped() -> list[int]:
        raise AssertionError

    @step
    async def halted() -> list[int]:
        raise Halt(given)

    @workflow
    def all_of_them() -> list[list[int]]:
        return [recovered(), skipped(), halted()]

    async with Runtime(clock=clock) as runtime:
        run = await runtime.start(all_of_them)
        assert isinstance(await run.outcome(), Halted)
        values = await (await runtime.resume(all_of_them, run.id)).result()
    assert all(value is given for value in values)


async def test_the_none_of_where_and_of_a_bare_halt_passes(clock: MockClock) -> None:
    """R13: (the `None` of `where=` and of a bare `Halt()` passes)."""

    def never() -> bool:
        return False

    @step(where=never)
    async def skipped() -> list[int]:
        raise AssertionError

    @step
    async def halted() -> list[int]:
        raise Halt

    @workflow
    def both() -> list[Any]:
        return [skipped(), halted()]

    async with Runtime(clock=clock) as runtime:
        run = await runtime.start(both)
        assert isinstance(await run.outcome(), Halted)
        assert await (await runtime.resume(both, run.id)).result() == [None, None]
