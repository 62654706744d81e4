"""R18: each failed attempt is offered to the step's compensation, once; its answer says how it goes on."""

from __future__ import annotations

import asyncio

import pytest

from actorflow import (
    AttemptsExhausted,
    CompensationFailed,
    Failed,
    Halt,
    Halted,
    InvalidValue,
    OutcomeUnknown,
    Recover,
    Retry,
    RunFailed,
    Runtime,
    StepCrashed,
    StepTimeout,
    TryAgain,
    WorkerLost,
    step,
    step_context,
    workflow,
)
from actorflow.testing import MockClock
from tests.conformance.process_steps import lose_the_worker
from tests.conformance.seen import History, forever


async def test_the_compensation_gets_the_exception_and_the_arguments(clock: MockClock) -> None:
    """R18: the executor sends a compensate message with the exception, as it was raised, and the arguments."""
    raised = ConnectionError("no line")
    seen: list[tuple[Exception, str, int]] = []

    @step
    async def charge(card: str, nights: int = 2) -> str:
        raise raised

    @charge.compensate
    async def settle(error: Exception, card: str, nights: int = 2) -> None:
        seen.append((error, card, nights))

    @workflow
    def pay(card: str) -> str:
        return charge(card)

    async with Runtime(clock=clock) as runtime:
        with pytest.raises(RunFailed):
            await runtime.run(pay, "4711")
    assert seen == [(raised, "4711", 2)]
    assert seen[0][0] is raised


async def test_recover_makes_the_step_succeed_with_its_value(clock: MockClock) -> None:
    """R18: `return Recover(value)`: the step succeeded with that value, undone with it later, if need be."""
    seen: list[str] = []

    @step
    async def charge(card: str) -> str:
        raise ConnectionError("no line")

    @charge.compensate
    async def settle(error: Exception, card: str) -> Recover[str] | None:
        return Recover(f"charged {card} after all")

    @charge.undo
    async def refund(value: str) -> None:
        seen.append(f"undo: {value}")

    @step
    async def tell(value: str, fails: bool) -> str:
        seen.append(f"tell: {value}")
        if fails:
            raise ValueError
        return value

    @workflow
    def pay(card: str, fails: bool) -> str:
        return tell(charge(card), fails)

    async with Runtime(clock=clock) as runtime:
        assert await runtime.run(pay, "4711", fails=False) == "charged 4711 after all"
        assert seen == ["tell: charged 4711 after all"]
        with pytest.raises(RunFailed) as failed:
            await runtime.run(pay, "4711", fails=True)
    assert seen[1:] == ["tell: charged 4711 after all", "undo: charged 4711 after all"]
    assert [error.node for error in failed.value.errors] == ["tell"]


async def test_try_again_gives_another_attempt_if_any_is_left(clock: MockClock) -> None:
    """R18: `raise TryAgain(…)`: another attempt, if any are left, else as `None`. Once per failed attempt."""
    seen: list[str] = []

    @step(retry=Retry(attempts=3))
    async def charge() -> str:
        seen.append(f"charge {step_context().attempt} at {clock.monotonic():g}")
        raise ConnectionError(f"no line {step_context().attempt}")

    @charge.compensate
    async def settle(error: Exception) -> None:
        seen.append(f"settle {error}")
        raise TryAgain(after=10)

    @workflow
    def pay() -> str:
        return charge()

    async with Runtime(clock=clock) as runtime:
        with pytest.raises(RunFailed) as failed:
            await runtime.run(pay)
    assert seen == [
        "charge 1 at 0",
        "settle no line 1",
        "charge 2 at 10",
        "settle no line 2",
        "charge 3 at 20",
        "settle no line 3",
    ]
    assert str(failed.value.__cause__) == "no line 3"
    assert failed.value.rollback == "complete"


async def test_none_lets_the_failure_stand(clock: MockClock) -> None:
    """R18: `return None`: compensated, and the failure stands."""
    seen: list[str] = []

    @step
    async def charge() -> str:
        seen.append("charge")
        raise ConnectionError("no line")

    @charge.compensate
    def settle(error: Exception) -> None:
        seen.append("settle")

    @workflow
    def pay() -> str:
        return charge()

    async with Runtime(clock=clock) as runtime:
        outcome = await (await runtime.start(pay)).outcome()
    assert isinstance(outcome, Failed)
    assert (outcome.rollback, type(outcome.error.__cause__)) == ("complete", ConnectionError)
    assert seen == ["charge", "settle"]


async def test_any_other_answer_is_an_error_of_the_compensation(clock: MockClock) -> None:
    """R18, R13: an answer that is neither `None` nor a `Recover` of the step's type is an error of the handler."""

    @step
    async def charge() -> str:
        raise ConnectionError("no line")

    @charge.compensate(retry=Retry(attempts=1))
    async def settle(error: Exception) -> Recover[str] | None:
        wrong: Recover[object] = Recover(7)
        return wrong  # type: ignore[return-value]  # pyright: ignore[reportReturnType]

    @workflow
    def pay() -> str:
        return charge()

    async with Runtime(clock=clock) as runtime:
        with pytest.raises(RunFailed) as failed:
            await runtime.run(pay)
    assert [type(error.error) for error in failed.value.errors] == [ConnectionError, CompensationFailed]
    assert isinstance(failed.value.errors[1].error.__cause__, InvalidValue)


async def test_halt_in_a_handler_is_an_error_of_that_handler(clock: MockClock) -> None:
    """R18: `Halt` raised by a compensation or an undo is an error of that handler: it doesn't halt the run."""
    seen: list[str] = []

    @step
    async def reserve() -> str:
        return "seat"

    @reserve.undo
    async def release(value: str) -> None:
        seen.append("release")
        if seen.count("release") < 2:
            raise Halt

    @step
    async def charge(seat: str) -> str:
        raise ConnectionError("no line")

    @charge.compensate
    async def settle(error: Exception, seat: str) -> None:
        seen.append("settle")
        if seen.count("settle") < 3:
            raise Halt

    @workflow
    def pay() -> str:
        return charge(reserve())

    async with Runtime(clock=clock) as runtime:
        outcome = await (await runtime.start(pay)).outcome()
    assert isinstance(outcome, Failed) and outcome.rollback == "complete"
    assert seen == ["settle"] * 3 + ["release"] * 2


async def test_offered_for_a_timeout_with_what_came_late(clock: MockClock) -> None:
    """R18, R12: offered for a timeout; what the attempt returned within its grace is in `StepTimeout.late`."""
    seen: list[tuple[str, object]] = []

    @step(timeout=3)
    async def charge() -> str:
        try:
            await forever()
        except asyncio.CancelledError:
            return "charged late"

    @charge.compensate
    async def settle(error: Exception) -> Recover[str] | None:
        assert isinstance(error, StepTimeout)
        seen.append((str(error), error.late))
        return Recover(error.late)

    @workflow
    def pay() -> str:
        return charge()

    async with Runtime(clock=clock) as runtime:
        assert await runtime.run(pay) == "charged late"
    assert seen == [("step 'charge' took longer than its timeout of 3 s", "charged late")]


async def test_offered_for_a_crash(clock: MockClock) -> None:
    """R18, R13: offered for a `BaseException`, as `StepCrashed`."""
    seen: list[tuple[type, type]] = []

    class Crash(BaseException):
        pass

    @step
    async def charge() -> str:
        raise Crash

    @charge.compensate
    async def settle(error: Exception) -> Recover[str] | None:
        seen.append((type(error), type(error.__cause__)))
        return Recover("recovered")

    @workflow
    def pay() -> str:
        return charge()

    async with Runtime(clock=clock) as runtime:
        assert await runtime.run(pay) == "recovered"
    assert seen == [(StepCrashed, Crash)]


async def test_offered_for_the_crash_of_its_worker() -> None:
    """R18, R54: offered when its worker process is lost, as `OutcomeUnknown`: it may have acted."""
    seen: list[tuple[type, type, str]] = []
    losing = step(mode="process")(lose_the_worker)

    @losing.compensate
    async def settle(error: Exception, city: str) -> Recover[str] | None:
        seen.append((type(error), type(error.__cause__), city))
        return Recover("recovered")

    @workflow
    def pay() -> str:
        return losing("Oslo")

    async with Runtime() as runtime:
        assert await runtime.run(pay) == "recovered"
    assert seen == [(OutcomeUnknown, WorkerLost, "Oslo")]


@pytest.mark.parametrize("text", [None, "the line is dead"])
async def test_offered_when_attempts_run_out(clock: MockClock, text: str | None) -> None:
    """R18, R14: offered when attempts have run out, once, with `AttemptsExhausted`; not for the attempts before."""
    seen: list[str] = []

    @step(retry=Retry(attempts=3))
    async def charge() -> str:
        seen.append("charge")
        raise TryAgain(text)

    @charge.compensate
    async def settle(error: Exception) -> None:
        assert isinstance(error, AttemptsExhausted)
        seen.append(f"settle {error.attempts} {error.text}")

    @workflow
    def pay() -> str:
        return charge()

    async with Runtime(clock=clock) as runtime:
        with pytest.raises(RunFailed):
            await runtime.run(pay)
    assert seen == ["charge"] * 3 + [f"settle 3 {text or ''}"]


async def test_not_offered_for_arguments_that_could_not_be_resolved(clock: MockClock) -> None:
    """R18: not for arguments that couldn't be resolved: nothing was begun."""
    seen: list[str] = []

    @step
    async def find() -> dict[str, str]:
        return {"card": "4711"}

    @step
    async def charge(card: str) -> str:
        seen.append("charge")
        return card

    @charge.compensate
    async def settle(error: Exception, card: str) -> None:
        seen.append("settle")

    @charge.undo
    async def refund(value: str) -> None:
        seen.append("refund")

    @workflow
    def pay() -> str:
        return charge(find()["token"])

    async with Runtime(clock=clock) as runtime:
        with pytest.raises(RunFailed) as failed:
            await runtime.run(pay)
    assert seen == []
    assert isinstance(failed.value.__cause__, KeyError)
    assert failed.value.rollback == "none"


@pytest.mark.parametrize("by_snapshot", [False, True])
async def test_a_failed_attempt_is_offered_once_though_a_halt_comes_between(
    clock: MockClock, by_snapshot: bool
) -> None:
    """R18: once per failed attempt: one whose compensation asked for another isn't offered again by a later rollback."""
    seen: list[str] = []

    @step
    async def charge() -> str:
        seen.append("charge")
        raise ConnectionError("no line")

    @charge.compensate
    async def settle(error: Exception) -> None:
        seen.append("settle")
        raise TryAgain(after=1000)

    @step
    async def pause() -> None:
        await clock.advance(1)
        raise Halt

    @step
    async def fail(after: None) -> None:
        seen.append("fail")
        raise ValueError("no")

    @workflow
    def pay() -> str:
        fail(pause())
        return charge()

    async with Runtime(clock=clock) as runtime:
        run = await runtime.start(pay)
        halted = await run.outcome()
        assert isinstance(halted, Halted) and halted.snapshot is not None
        resumed = await runtime.resume(pay, halted.snapshot if by_snapshot else run.id)
        failed = await resumed.outcome()
    assert isinstance(failed, Failed)
    assert seen == ["charge", "settle", "fail"]
    assert [(error.node, str(error.error)) for error in failed.error.errors] == [("fail", "no"), ("charge", "no line")]


async def test_the_whole_history_of_a_recovery(clock: MockClock) -> None:
    """R18: what is recorded of a failed attempt that its compensation recovers."""

    @step
    async def charge() -> str:
        raise ConnectionError("no line")

    @charge.compensate
    async def settle(error: Exception) -> Recover[str] | None:
        return Recover("recovered")

    @workflow
    def pay() -> str:
        return charge()

    async with Runtime(clock=clock) as runtime:
        history = History(runtime)
        await runtime.run(pay)
    assert history.lines == [
        ("RunStarted", "", 0),
        ("StepScheduled", "charge", 0),
        ("StepStarted", "charge", 1),
        ("AttemptFailed", "charge", 1),
        ("CompensationStarted", "charge", 1),
        ("StepRecovered", "charge", 1),
        ("RunEnded", "", 0),
    ]
