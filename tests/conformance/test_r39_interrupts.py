"""R39: `KeyboardInterrupt` and `SystemExit` in a step end the program, not the step."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from actorflow import Cancelled, Failed, OutcomeUnknown, Run, Runtime, WorkerLost, Workflow, step, workflow
from actorflow.facts import AttemptFailed, StepGaveUp, StepInterrupted
from actorflow.testing import MockClock
from tests.conformance.own_process import leave
from tests.conformance.seen import History

SEEN: list[str] = []


@pytest.fixture(autouse=True)
def _fresh() -> None:
    SEEN.clear()


@step
async def take() -> str:
    return "seat"


@take.undo
async def untake(value: str) -> None:
    SEEN.append("untake")


def stopping(kind: str, error: type[BaseException]) -> Workflow[[], str]:
    """A workflow with a step of this kind that wants to end the program."""

    def stop(seat: str) -> str:
        raise error(7)

    async def stop_async(seat: str) -> str:
        raise error(7)

    async def stop_later(seat: str) -> str:
        await asyncio.sleep(1.0)  # the mock clock's
        raise error(7)

    function: Callable[..., Any] = {"async": stop_async, "later": stop_later}.get(kind, stop)
    stops: Any = step(name="stop", mode="inline" if kind == "inline" else "auto")(function)

    @stops.compensate
    async def compensate(error: Exception, seat: str) -> None:
        SEEN.append(f"compensate {type(error).__name__}")

    @workflow
    def trip() -> str:
        stopped: str = stops(take())
        return stopped

    return trip


KINDS = pytest.mark.parametrize("kind", ["async", "later", "inline", "thread"])
ERRORS = pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit])


@KINDS
@ERRORS
async def test_it_is_raised_on_out_of_the_async_with(clock: MockClock, kind: str, error: type[BaseException]) -> None:
    """R39: … raised on out of the `async with`; from a thread they're raised again on the loop."""
    trip = stopping(kind, error)
    with pytest.raises(error) as caught:
        async with Runtime(clock=clock) as runtime:
            await runtime.run(trip)
    assert caught.value.args == (7,)
    assert not task().cancelling()


@KINDS
@ERRORS
async def test_it_is_recorded_as_interrupted_never_as_a_failure(
    clock: MockClock, kind: str, error: type[BaseException]
) -> None:
    """R39: … recorded as *interrupted*, never as a failure."""
    trip = stopping(kind, error)
    histories: list[History] = []
    with pytest.raises(error):
        async with Runtime(clock=clock) as runtime:
            histories.append(History(runtime, StepInterrupted, AttemptFailed, StepGaveUp))
            await runtime.run(trip)
    assert histories[0].lines[0] == ("StepInterrupted", "stop", 1)
    assert "AttemptFailed" not in [line[0] for line in histories[0].lines]


@KINDS
async def test_what_was_done_is_taken_back_first(clock: MockClock, kind: str) -> None:
    """R39, R37: the runtime is left by it: its runs are cancelled and rolled back."""
    trip = stopping(kind, KeyboardInterrupt)
    runs: list[Run[str]] = []
    with pytest.raises(KeyboardInterrupt):
        async with Runtime(clock=clock) as runtime:
            runs.append(await runtime.start(trip))
            await runs[0].result()
    outcome = await runs[0].outcome()
    assert isinstance(outcome, Cancelled)
    assert outcome.errors == ()
    assert SEEN[-1] == "untake"


async def test_it_comes_out_although_nobody_waits_for_the_run(clock: MockClock) -> None:
    """R39: … out of the `async with`, whatever its body does just then."""
    trip = stopping("later", SystemExit)
    with pytest.raises(SystemExit):
        async with Runtime(clock=clock) as runtime:
            await runtime.start(trip)
            await asyncio.sleep(100.0)
    assert clock.monotonic() == 1.0


async def test_it_comes_out_of_a_runtime_that_is_being_left(clock: MockClock) -> None:
    """R39: … also when the runtime is draining by then."""
    trip = stopping("later", SystemExit)
    with pytest.raises(SystemExit):
        async with Runtime(clock=clock) as runtime:
            await runtime.start(trip)
    assert clock.monotonic() == 1.0


async def test_it_comes_out_of_an_undo_too(clock: MockClock) -> None:
    """R39: handlers are code of the step, too; the undo isn't lost: it's tried again like any other."""
    tries: list[int] = []

    @step
    async def act() -> str:
        return "acted"

    @act.undo
    async def unact(value: str) -> None:
        tries.append(len(tries))
        if len(tries) == 1:
            raise KeyboardInterrupt

    @step
    async def fail(value: str) -> None:
        raise ValueError("no")

    @workflow
    def trip() -> None:
        fail(act())

    with pytest.raises(KeyboardInterrupt):
        async with Runtime(clock=clock) as runtime:
            await runtime.run(trip)
    assert len(tries) >= 1


async def test_from_a_worker_process_they_are_worker_lost() -> None:
    """R39: … from a worker process they are `WorkerLost`."""

    @workflow
    def trip() -> None:
        leave.options(name="leave")()

    async with Runtime() as runtime:
        outcome = await (await runtime.start(trip)).outcome()
    assert isinstance(outcome, Failed)
    cause = outcome.error.__cause__
    assert isinstance(cause, OutcomeUnknown)
    assert isinstance(cause.__cause__, WorkerLost)


def task() -> asyncio.Task[Any]:
    current = asyncio.current_task()
    assert current is not None
    return current
