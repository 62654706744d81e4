"""R40: every start, stop, failure and decision is an event around a typed fact."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest

from actorflow import (
    Actor,
    Event,
    Exponential,
    Halt,
    Limit,
    Rate,
    Recover,
    Retry,
    Runtime,
    Skip,
    TryAgain,
    step,
    step_context,
    workflow,
)
from actorflow.facts import (
    ActorFact,
    CompensationRetryScheduled,
    DeadLetter,
    PoolFact,
    RetryScheduled,
    RunEnded,
    RunStarted,
    StepFact,
    StepHeartbeat,
    StepProgressed,
    StepStarted,
    StepSucceeded,
    UndoRetryScheduled,
)
from actorflow.testing import MockClock
from tests.conformance.seen import History, Line, forever

NOW = Exponential(0.0)
"""A backoff of no time."""


def told(history: History) -> list[Line]:
    """What was told of runs; how they ended stands with their end."""
    return [
        (f"{name} {event.fact.status}" if isinstance(event.fact, RunEnded) else name, node, attempt)
        for (name, node, attempt), event in zip(history.lines, history.events, strict=True)
        if not isinstance(event.fact, ActorFact | PoolFact)
    ]


# ── what an event says ────────────────────────────────────────────────────────────────────────────────────────────────


async def test_an_event_says_of_which_run_and_node_and_when(clock: MockClock) -> None:
    """R40: an `Event` around a typed fact, with run id, the run's sequence number, node, attempt, wall-clock and monotonic
    time, durations on the stops."""

    @step
    async def nap() -> str:
        await asyncio.sleep(2.0)  # the mock clock's
        return "rested"

    @workflow
    def rest() -> str:
        return nap()

    async with Runtime(clock=clock) as runtime:
        history = History(runtime, RunStarted, StepStarted, StepSucceeded, RunEnded)
        await asyncio.sleep(1.0)
        began = clock.time()
        await runtime.options(run_id="r").run(rest)
    assert all(isinstance(event, Event) for event in history.events)
    assert [event.run_id for event in history.events] == ["r"] * 4
    assert [event.sequence for event in history.events] == [1, 2, 3, 4]
    assert [event.node for event in history.events] == ["", "nap", "nap", ""]
    assert [event.attempt for event in history.events] == [0, 1, 1, 0]
    assert [event.monotonic for event in history.events] == [1.0, 1.0, 3.0, 3.0]
    assert [event.time for event in history.events] == [began, began, began + 2.0, began + 2.0]
    assert [event.duration for event in history.events] == [None, None, 2.0, 2.0]
    assert isinstance(history.facts[2], StepSucceeded)
    assert history.facts[2].value == "rested"


async def test_times_are_the_systems_own() -> None:
    """R40: wall-clock and monotonic time, where no other clock is given."""

    @step
    async def nothing() -> None: ...

    @workflow
    def empty() -> None:
        nothing()

    before = time.time(), time.monotonic()
    async with Runtime() as runtime:
        history = History(runtime)
        await runtime.run(empty)
    after = time.time(), time.monotonic()
    assert all(before[0] <= event.time <= after[0] for event in history.events)
    assert all(before[1] <= event.monotonic <= after[1] for event in history.events)


# ── the run ───────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_run_that_succeeds(clock: MockClock) -> None:
    """R40: Run: started, succeeded. Step: scheduled, started, succeeded."""

    @step
    async def first() -> int:
        return 1

    @step
    async def second(value: int) -> int:
        return value + 1

    @workflow
    def both() -> int:
        return second(first())

    async with Runtime(clock=clock) as runtime:
        history = History(runtime)
        await runtime.run(both)
    assert told(history) == [
        ("RunStarted", "", 0),
        ("StepScheduled", "first", 0),
        ("StepStarted", "first", 1),
        ("StepSucceeded", "first", 1),
        ("StepScheduled", "second", 0),
        ("StepStarted", "second", 1),
        ("StepSucceeded", "second", 1),
        ("RunEnded succeeded", "", 0),
    ]


async def test_a_run_that_fails_with_everything_on_the_way(clock: MockClock) -> None:
    """R40: Run: failed; rollback started. Step: failed, retrying; compensation started, retrying, completed; undo started,
    retrying, completed."""

    @step
    async def take() -> int:
        return 1

    undos: list[int] = []

    @take.undo(retry=Retry(backoff=NOW))
    async def untake(value: int) -> None:
        undos.append(value)
        if len(undos) == 1:
            raise ConnectionError

    @step(retry=Retry(attempts=2, on=(ConnectionError,), backoff=NOW))
    async def fail(value: int) -> None:
        raise ConnectionError

    tries: list[int] = []

    @fail.compensate(retry=Retry(backoff=NOW))
    async def compensate(error: Exception, value: int) -> None:
        tries.append(value)
        if len(tries) == 1:
            raise ConnectionError

    @workflow
    def fails() -> None:
        fail(take())

    async with Runtime(clock=clock) as runtime:
        history = History(runtime)
        await (await runtime.start(fails)).outcome()
    assert told(history)[4:] == [
        ("StepScheduled", "fail", 0),
        ("StepStarted", "fail", 1),
        ("AttemptFailed", "fail", 1),
        ("RetryScheduled", "fail", 1),
        ("StepStarted", "fail", 2),
        ("AttemptFailed", "fail", 2),
        ("CompensationStarted", "fail", 2),
        ("CompensationAttemptFailed", "fail", 2),
        ("CompensationRetryScheduled", "fail", 2),
        ("CompensationStarted", "fail", 2),
        ("StepCompensated", "fail", 2),
        ("StepGaveUp", "fail", 2),
        ("RollbackStarted", "", 0),
        ("UndoStarted", "take", 1),
        ("UndoAttemptFailed", "take", 1),
        ("UndoRetryScheduled", "take", 1),
        ("UndoStarted", "take", 1),
        ("StepUndone", "take", 1),
        ("RunEnded failed", "", 0),
    ]


async def test_handlers_that_are_given_up(clock: MockClock) -> None:
    """R40: compensation … failed; undo … failed: when they are given up."""

    @step
    async def take() -> int:
        return 1

    @take.undo(retry=Retry(attempts=1))
    async def untake(value: int) -> None:
        raise ConnectionError

    @step
    async def fail(value: int) -> None:
        raise ValueError("no")

    @fail.compensate(retry=Retry(attempts=1))
    async def compensate(error: Exception, value: int) -> None:
        raise ConnectionError

    @workflow
    def fails() -> None:
        fail(take())

    async with Runtime(clock=clock) as runtime:
        history = History(runtime)
        await (await runtime.start(fails)).outcome()
    assert told(history)[7:] == [
        ("CompensationStarted", "fail", 1),
        ("CompensationAttemptFailed", "fail", 1),
        ("CompensationGaveUp", "fail", 1),
        ("StepGaveUp", "fail", 1),
        ("RollbackStarted", "", 0),
        ("UndoStarted", "take", 1),
        ("UndoAttemptFailed", "take", 1),
        ("UndoGaveUp", "take", 1),
        ("RunEnded failed", "", 0),
    ]


async def test_a_recovery(clock: MockClock) -> None:
    """R40: compensation … recovered."""

    @step
    async def fail() -> int:
        raise ValueError("no")

    @fail.compensate
    async def compensate(error: Exception) -> Recover[int]:
        return Recover(7)

    @workflow
    def recovers() -> int:
        return fail()

    async with Runtime(clock=clock) as runtime:
        history = History(runtime)
        assert await runtime.run(recovers) == 7
    assert told(history)[3:] == [
        ("AttemptFailed", "fail", 1),
        ("CompensationStarted", "fail", 1),
        ("StepRecovered", "fail", 1),
        ("RunEnded succeeded", "", 0),
    ]


async def test_guards(clock: MockClock) -> None:
    """R40: guard started, passed, failed; Step: skipped."""

    async def guard(what: str) -> Skip[str] | None:
        if what == "skip":
            return Skip("skipped")
        if what == "again" and step_context().attempt == 1:
            raise TryAgain(after=0)
        return None

    @step(guards=[guard])
    async def act(what: str) -> str:
        return what

    @workflow
    def acts(what: str) -> str:
        return act(what)

    histories: list[list[Line]] = []
    async with Runtime(clock=clock) as runtime:
        for what in ("pass", "skip", "again"):
            async with runtime.subscribe(None, StepFact) as events:
                await runtime.run(acts, what)
                heard: list[Line] = []
                async for event in events:
                    heard.append((type(event.fact).__name__, event.node, event.attempt))
                    if isinstance(event.fact, StepSucceeded) or type(event.fact).__name__ == "StepSkipped":
                        break
                histories.append(heard)
    assert histories == [
        [
            ("StepScheduled", "act", 0),
            ("GuardsStarted", "act", 1),
            ("GuardsPassed", "act", 1),
            ("StepStarted", "act", 1),
            ("StepSucceeded", "act", 1),
        ],
        [("StepScheduled", "act", 0), ("GuardsStarted", "act", 1), ("StepSkipped", "act", 1)],
        [
            ("StepScheduled", "act", 0),
            ("GuardsStarted", "act", 1),
            ("GuardFailed", "act", 1),
            ("RetryScheduled", "act", 1),
            ("GuardsStarted", "act", 2),
            ("GuardsPassed", "act", 2),
            ("StepStarted", "act", 2),
            ("StepSucceeded", "act", 2),
        ],
    ]


async def test_halt_and_resume(clock: MockClock) -> None:
    """R40: Run: halted, resumed. Step: halted, interrupted."""
    waits = True

    @step
    async def pause() -> int:
        raise Halt(1)

    @step
    async def wait() -> int:
        return await forever() if waits else 2

    @workflow
    def pauses() -> list[int]:
        return [pause(), wait()]

    async with Runtime(clock=clock) as runtime:
        history = History(runtime)
        run = await runtime.start(pauses)
        await run.outcome()
        waits = False
        await (await runtime.resume(pauses, run.id)).result()
    assert told(history)[5:] == [
        ("StepHalted", "pause", 1),
        ("RunPaused", "", 0),
        ("StepInterrupted", "wait", 1),
        ("RunEnded halted", "", 0),
        ("RunResumed", "", 0),
        ("StepStarted", "wait", 2),
        ("StepSucceeded", "wait", 2),
        ("RunEnded succeeded", "", 0),
    ]


async def test_cancel_and_undo(clock: MockClock) -> None:
    """R40: Run: … cancelled, undone."""

    @step
    async def take() -> int:
        return 1

    @take.undo
    async def untake(value: int) -> None: ...

    @step
    async def wait(value: int, seconds: float) -> int:
        await asyncio.sleep(seconds)
        return value

    @workflow
    def trip(seconds: float) -> int:
        return wait(take(), seconds)

    async with Runtime(clock=clock) as runtime:
        history = History(runtime)
        run = await runtime.start(trip, 5.0)
        await asyncio.sleep(1.0)
        await run.cancel("rain")
        await run.outcome()
        cancelled = told(history)[4:]
        history.events.clear()
        done = await runtime.options(reversible=True).start(trip, 0.0)
        await done.result()
        await done.undo()
    undo = [("RollbackStarted", "", 0), ("UndoStarted", "take", 1), ("StepUndone", "take", 1)]
    assert cancelled == [
        ("StepScheduled", "wait", 0),
        ("StepStarted", "wait", 1),
        ("RollbackStarted", "", 0),
        ("StepInterrupted", "wait", 1),
        ("StepGaveUp", "wait", 1),
        *undo[1:],
        ("RunEnded cancelled", "", 0),
    ]
    assert told(history)[-5:] == [("RunEnded succeeded", "", 0), *undo, ("RunEnded undone", "", 0)]


@pytest.mark.parametrize("kind", ["async", "inline", "thread"])
async def test_what_a_step_says_of_itself(clock: MockClock, kind: str) -> None:
    """R40, R41: heartbeats and progress are events, too; they come before the end of the step that sent them."""

    def talk() -> None:
        step_context().heartbeat({"page": 1})
        step_context().progress(1, 3)

    async def talk_async() -> None:
        talk()

    talks: Any = step(name="talk", mode="inline" if kind == "inline" else "auto")(
        talk_async if kind == "async" else talk
    )

    @workflow
    def talking() -> None:
        talks()

    async with Runtime(clock=clock) as runtime:
        history = History(runtime, StepHeartbeat, StepProgressed, StepSucceeded)
        await runtime.run(talking)
    assert history.lines == [("StepHeartbeat", "talk", 1), ("StepProgressed", "talk", 1), ("StepSucceeded", "talk", 1)]
    beat, progress, _ = history.facts
    assert isinstance(beat, StepHeartbeat)
    assert beat.details == {"page": 1}
    assert isinstance(progress, StepProgressed)
    assert (progress.done, progress.total) == (1, 3)


# ── actors and pools ──────────────────────────────────────────────────────────────────────────────────────────────────


class Worker(Actor[str]):
    async def receive(self, message: str, /) -> None:
        self.stop()


async def test_the_life_of_a_users_actor(clock: MockClock) -> None:
    """R40: Actor (system and user actors, not one per step): spawned, stopped, … dead letter."""

    @step
    async def nothing() -> None: ...

    @workflow
    def empty() -> None:
        nothing()

    async with Runtime(clock=clock) as runtime:
        history = History(runtime, ActorFact)
        worker = runtime.spawn(Worker(), name="worker")
        worker.send("stop")
        await worker.ended()
        worker.send("too late")
        await runtime.run(empty)
        await asyncio.sleep(0.1)
        heard = [(type(fact).__name__, fact.actor) for fact in history.facts if isinstance(fact, ActorFact)]
    assert heard == [("ActorSpawned", "worker"), ("ActorStopped", "worker"), ("DeadLetter", "worker")]
    assert [(event.run_id, event.sequence, event.node) for event in history.events[:3]] == [("", 0, "")] * 3
    assert [fact.message for fact in history.facts if isinstance(fact, DeadLetter)] == ["too late"]


@pytest.mark.parametrize("limit", [Limit("gate", at_most=1), Limit("gate", rate=Rate(1, per=1.0))])
async def test_permits(clock: MockClock, limit: Limit) -> None:
    """R40: Pool: waiting, acquired, released."""

    @step(limit=limit)
    async def enter(number: int) -> int:
        await asyncio.sleep(1.0)
        return number

    @workflow
    def two() -> list[int]:
        return [enter(1), enter(2)]

    async with Runtime(clock=clock) as runtime:
        history = History(runtime, PoolFact)
        await runtime.run(two)
    of_second = [name for name, node, _ in history.lines if node == "enter_2"]
    assert [name for name, node, _ in history.lines if node == "enter"] == ["PermitsAcquired", "PermitsReleased"]
    assert of_second == ["PermitsWaited", "PermitsAcquired", "PermitsReleased"]
    assert all(isinstance(fact, PoolFact) and fact.pools == ("gate",) for fact in history.facts)


async def test_retries_say_when_and_why(clock: MockClock) -> None:
    """R40: … decision: a wait before another attempt, or another try of a handler, says until when and why."""

    @step(retry=Retry(backoff=Exponential(2.0, jitter=0.0)))
    async def fail() -> None:
        if step_context().attempt == 1:
            raise TryAgain("busy")
        raise ValueError("no")

    @fail.compensate(retry=Retry(attempts=2, backoff=Exponential(3.0, jitter=0.0)))
    async def compensate(error: Exception) -> None:
        raise ConnectionError("down")

    @workflow
    def fails() -> None:
        fail()

    async with Runtime(clock=clock) as runtime:
        history = History(runtime, RetryScheduled, CompensationRetryScheduled, UndoRetryScheduled)
        await (await runtime.start(fails)).outcome()
    assert [(fact.due, str(fact.reason)) for fact in history.facts if isinstance(fact, RetryScheduled)] == [
        (2.0, "busy")
    ]
    assert [(fact.due, str(fact.reason)) for fact in history.facts if isinstance(fact, CompensationRetryScheduled)] == [
        (5.0, "down")
    ]
