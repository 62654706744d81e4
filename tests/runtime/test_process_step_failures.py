"""How steps fail in worker processes, and before they come to one (R13, R14, R18, R39, R54)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from actorflow import (
    ActorflowError,
    Failed,
    Fixed,
    Limit,
    NotSerializable,
    OutcomeUnknown,
    RecordedFailure,
    Retry,
    Runtime,
    WorkerLost,
    Workflow,
    failed_with,
    step,
    workflow,
)
from actorflow.facts import StepEntered, StepStarted
from actorflow.testing import MockClock
from tests.runtime import slow_to_import
from tests.runtime import steps_in_workers as steps
from tests.runtime.door import Door
from tests.runtime.steps_in_workers import CardDeclined, Expired, PaymentError, Several, Trip


async def failed(runtime: Runtime, flow: Workflow[..., Any], *args: Any) -> Failed:
    outcome = await (await runtime.start(flow, *args)).outcome()
    assert isinstance(outcome, Failed)
    return outcome


@workflow
def failing(kind: str) -> None:
    steps.fail_with(kind)


# ── what comes back ───────────────────────────────────────────────────────────────────────────────────────────────────


async def error_of(clock: MockClock, kind: str) -> BaseException:
    async with Runtime(clock=clock) as runtime:
        error = (await failed(runtime, failing, kind)).error.__cause__
    assert error is not None
    return error


async def test_a_built_in_exception_comes_back_as_itself(clock: MockClock) -> None:
    """R13; and it says where it was raised."""
    error = await error_of(clock, "built in")
    assert type(error) is ConnectionResetError
    assert error.errno == 104
    assert "in fail_with" in "".join(error.__notes__)


async def test_our_own_comes_back_as_itself(clock: MockClock) -> None:
    """R13"""
    error = await error_of(clock, "ours")
    assert type(error) is NotSerializable
    assert error.path == "$.a"


async def test_a_registered_one_comes_back_with_its_fields(clock: MockClock) -> None:
    """R13"""
    error = await error_of(clock, "registered")
    assert type(error) is CardDeclined
    assert (str(error), error.code) == ("declined: 51", 51)
    assert failed_with(error, PaymentError)


async def test_an_unknown_one_comes_back_as_a_record_of_what_it_was(clock: MockClock) -> None:
    """R13: `failed_with` answers as it would about the exception itself."""
    error = await error_of(clock, "unknown")
    assert isinstance(error, RecordedFailure)
    assert failed_with(error, Expired)
    assert failed_with(error, PaymentError)
    assert failed_with(error, "Expired")
    assert failed_with(error, RecordedFailure)
    assert not failed_with(error, ActorflowError)


async def test_a_stop_iteration_reaches_whoever_waits(clock: MockClock) -> None:
    """R13: no coroutine can raise it, so it's carried past them."""
    error = await error_of(clock, "stop")
    assert type(error) is StopIteration
    assert error.value == 3


async def test_a_stop_iteration_of_a_thread_does_too(clock: MockClock) -> None:
    """R13"""
    raised = StopIteration(3)
    seen: list[Exception] = []

    @step
    def stop() -> None:
        raise raised

    @stop.compensate
    def settle(error: Exception) -> None:
        seen.append(error)
        raise StopIteration

    @workflow
    def stopping() -> None:
        stop()

    async with Runtime(clock=clock) as runtime:
        outcome = await failed(runtime, stopping)
    assert outcome.error.__cause__ is raised
    assert seen == [raised] * 5
    assert outcome.rollback == "incomplete"


async def test_a_group_comes_back_with_its_members(clock: MockClock) -> None:
    """R13"""
    error = await error_of(clock, "group")
    assert isinstance(error, ExceptionGroup)
    assert [type(member) for member in error.exceptions] == [RecordedFailure, CardDeclined]


async def test_a_group_of_an_unknown_class_keeps_its_members(clock: MockClock) -> None:
    """R13"""
    error = await error_of(clock, "own group")
    assert isinstance(error, RecordedFailure)
    assert failed_with(error, Several)
    assert [type(member) for member in error.parts] == [RecordedFailure, ConnectionResetError]


@pytest.mark.parametrize(
    ("kind", "named", "attempts"),
    [
        ("built in", OSError, 2),
        ("built in", ValueError, 1),
        ("registered", PaymentError, 2),
        ("unknown", PaymentError, 2),
        ("unknown", ActorflowError, 1),
        ("group", PaymentError, 2),
        ("group", CardDeclined, 1),
        ("own group", (PaymentError, OSError), 2),
        ("own group", PaymentError, 1),
        ("own group", Several, 2),
        ("stop", StopIteration, 2),
    ],
)
async def test_on_means_what_was_raised(clock: MockClock, kind: str, named: Any, attempts: int) -> None:
    """R13, R14: what `on=` says is decided by what was raised, not by what comes back."""
    kinds = named if isinstance(named, tuple) else (named,)
    retry = Retry(attempts=2, on=kinds, backoff=Fixed(0.0))

    @workflow
    def trying() -> None:
        steps.fail_with.options(retry=retry)(kind)

    started: list[Any] = []
    async with Runtime(clock=clock) as runtime:
        runtime.subscribe(started.append, StepStarted)
        await failed(runtime, trying)
    assert len(started) == attempts


async def test_the_reason_of_a_try_again_comes_back_too(clock: MockClock) -> None:
    """R14: out of attempts, the step fails with the exception given."""

    @workflow
    def trying() -> None:
        steps.ask_again_because.options(retry=Retry(attempts=2))("registered")

    async with Runtime(clock=clock) as runtime:
        error = (await failed(runtime, trying)).error.__cause__
    assert type(error) is CardDeclined


# ── what never comes to a worker ──────────────────────────────────────────────────────────────────────────────────────


ASKED: list[str] = []


@steps.take_anything.compensate
def asked_about_anything(error: Exception, value: Any) -> None:
    ASKED.append(type(error).__name__)


@steps.give_what_cant_be_sent.compensate
def asked_about_result(error: Exception) -> None:
    ASKED.append(type(error).__name__)


@slow_to_import.work.compensate
def asked_about_work(error: Exception) -> None:
    ASKED.append(type(error).__name__)


@pytest.fixture(autouse=True)
def _asked() -> None:
    ASKED.clear()


async def test_arguments_that_cant_be_encoded_begin_nothing(clock: MockClock) -> None:
    """R18: nothing was begun, so nothing is compensated, nor tried again; what was done before is undone."""
    gate = Limit("gate", at_most=1)
    take = steps.take_anything.options(limit=gate, retry=Retry(on=(NotSerializable,)))
    undone: list[str] = []

    @step(limit=gate)
    async def before() -> Any:
        return {"clients": ["ann", object()]}

    @before.undo
    async def undo(value: Any) -> None:
        undone.append("before")

    @workflow
    def sending() -> None:
        take(before())

    @workflow
    def passing_the_gate() -> Any:
        return before()

    entered: list[Any] = []
    async with Runtime(clock=clock) as runtime:
        runtime.subscribe(entered.append, StepEntered)
        outcome = await failed(runtime, sending)
        await runtime.run(passing_the_gate)
    error = outcome.error.__cause__
    assert isinstance(error, NotSerializable)
    assert error.path == "$['clients'][1]"
    assert str(error).startswith("argument 'value' of step 'take_anything'")
    assert [(each.node, each.phase, each.attempt) for each in outcome.error.errors] == [("take_anything", "run", 1)]
    assert ASKED == []
    assert undone == ["before"]
    assert outcome.rollback == "complete"
    assert entered == []


async def test_arguments_of_another_type_than_annotated_begin_nothing(clock: MockClock) -> None:
    """R18: what wouldn't come back from its bytes as it is isn't sent."""

    @step
    async def lie() -> Trip:
        return "Oslo"  # type: ignore[return-value]

    @workflow
    def greeting() -> Trip:
        return steps.greet(lie(), "ann")

    async with Runtime(clock=clock) as runtime:
        error = (await failed(runtime, greeting)).error.__cause__
    assert isinstance(error, NotSerializable)


async def test_a_module_that_cant_be_imported_there_begins_nothing(
    clock: MockClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """R18"""
    monkeypatch.setenv(slow_to_import.DOOR, str(tmp_path / "door"))
    async with Door(tmp_path / "door") as door, Runtime(clock=clock) as runtime:
        run = await runtime.start(importing)
        await door.there.wait()
        door.open("fail")
        outcome = await run.outcome()
    assert isinstance(outcome, Failed)
    assert isinstance(outcome.error.__cause__, ImportError)
    assert ASKED == []
    assert outcome.rollback == "none"


async def test_a_result_that_cant_be_encoded_fails_what_was_begun(clock: MockClock) -> None:
    """R18, R56: it failed before it counted as done, and is compensated."""

    @workflow
    def giving() -> Any:
        return steps.give_what_cant_be_sent()

    async with Runtime(clock=clock) as runtime:
        error = (await failed(runtime, giving)).error.__cause__
    assert isinstance(error, NotSerializable)
    assert ASKED == ["NotSerializable"]


async def test_arguments_go_by_the_types_of_the_function_whatever_name_its_step_has(clock: MockClock) -> None:
    """R9: a step needn't be what its module calls by the function's name."""

    @workflow
    def greeting() -> Trip:
        return steps.greet(Trip("Oslo"), "ann", "bob", loud=True)

    async with Runtime(clock=clock) as runtime:
        assert await runtime.run(greeting) == Trip("Oslo with ann and bob!")


# ── workers that are lost ─────────────────────────────────────────────────────────────────────────────────────────────


@workflow
def importing() -> str:
    return slow_to_import.work()


@workflow
def leaving(how: str) -> None:
    steps.leave(how)


@pytest.mark.parametrize(
    ("how", "told"),
    [
        ("exit", "exit code 3"),
        ("kill", "SIGKILL"),
        ("SystemExit", "exit code 4"),
        ("KeyboardInterrupt", "exit code 130"),
    ],
)
async def test_a_lost_worker_leaves_the_outcome_unknown(clock: MockClock, how: str, told: str) -> None:
    """R39, R54: `KeyboardInterrupt` and `SystemExit` too; nobody can take back what it may have done."""
    async with Runtime(clock=clock) as runtime:
        outcome = await failed(runtime, leaving, how)
    error = outcome.error.__cause__
    assert isinstance(error, OutcomeUnknown)
    assert isinstance(error.__cause__, WorkerLost)
    assert told in str(error.__cause__)
    assert "'leave'" in str(error.__cause__)
    assert outcome.rollback == "incomplete"


async def test_a_lost_worker_that_on_names_is_replaced(clock: MockClock) -> None:
    """R14, R54: it runs again, so nobody is asked about its outcome."""

    @workflow
    def trying() -> int:
        return steps.leave_once.options(retry=Retry(on=(WorkerLost,)))()

    async with Runtime(clock=clock) as runtime:
        assert await runtime.run(trying) == 2


async def test_a_worker_lost_before_it_entered_the_step_is_no_unknown_outcome(
    clock: MockClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """R18, R54: its attempt has failed, and everybody knows that it did nothing."""
    monkeypatch.setenv(slow_to_import.DOOR, str(tmp_path / "door"))
    async with Door(tmp_path / "door") as door, Runtime(clock=clock) as runtime:
        run = await runtime.start(importing)
        await door.there.wait()
        door.open("exit")
        outcome = await run.outcome()
    assert isinstance(outcome, Failed)
    assert isinstance(outcome.error.__cause__, WorkerLost)
    assert "exit code 7" in str(outcome.error.__cause__)
    assert ASKED == ["WorkerLost"]
    assert outcome.rollback == "complete"
