"""R12: what becomes of steps that go on although they were told to stop."""

from __future__ import annotations

import asyncio
import os
import tempfile
import threading
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from actorflow import (
    Cancelled,
    Event,
    Failed,
    Fixed,
    Halted,
    Limit,
    MemoryStore,
    OutcomeUnknown,
    Recover,
    Retry,
    Runtime,
    StepCancelled,
    StepTimeout,
    TryAgain,
    Workflow,
    step,
    step_context,
    workflow,
)
from actorflow.facts import StepAbandoned, StepSucceeded
from actorflow.testing import MockClock
from tests.conformance.worker_steps import wait_for_ever


async def regardless(clock: MockClock, seconds: float) -> None:
    """Takes so long, whoever cancels it."""
    until = clock.monotonic() + seconds
    while clock.monotonic() < until:
        with suppress(asyncio.CancelledError):
            await asyncio.sleep(until - clock.monotonic())


class Stubborn:
    """A step with a timeout of a second that goes on until it's let go, and a runtime that lets it go at its end."""

    def __init__(self, clock: MockClock) -> None:
        self.clock = clock
        self.let_go = asyncio.Event()

        @step(timeout=1.0)
        async def work() -> None:
            await self.goes_on()

        @workflow
        def going_on() -> None:
            work()

        self.flow = going_on

    async def goes_on(self) -> None:
        while not self.let_go.is_set():
            with suppress(asyncio.CancelledError):
                await self.let_go.wait()

    @asynccontextmanager
    async def runtime(self, **options: Any) -> AsyncGenerator[Runtime]:
        async with Runtime(clock=self.clock, **options) as runtime:
            yield runtime
            self.let_go.set()


@pytest.fixture
async def stubborn(clock: MockClock) -> Stubborn:
    return Stubborn(clock)


async def failed(runtime: Runtime, flow: Workflow[[], Any]) -> Failed:
    outcome = await (await runtime.start(flow)).outcome()
    assert isinstance(outcome, Failed)
    return outcome


# ── grace, and abandonment ──


@pytest.mark.parametrize(("options", "grace"), [({}, 5.0), ({"cancel_grace": 2.0}, 2.0)])
async def test_a_cancelled_step_has_its_grace(
    clock: MockClock, stubborn: Stubborn, options: dict[str, Any], grace: float
) -> None:
    """R12: a cancelled step that goes on regardless has `cancel_grace` (5 s); then it's abandoned."""
    abandoned: list[float] = []
    async with stubborn.runtime(**options) as runtime:
        runtime.subscribe(lambda event: abandoned.append(event.monotonic), StepAbandoned)
        await failed(runtime, stubborn.flow)
        assert clock.monotonic() == 1.0 + grace
    assert abandoned == [1.0 + grace]


async def test_an_abandoned_step_is_reported_by_name(clock: MockClock, stubborn: Stubborn) -> None:
    """R12: … reported by name."""
    with capture_logs() as logs:
        async with stubborn.runtime() as runtime:
            run = await runtime.start(stubborn.flow)
            await run.outcome()
    (entry,) = [each for each in logs if each.get("step") == "work"]
    assert entry["log_level"] == "warning"
    assert entry["run"] == run.id


async def test_an_abandoned_steps_outcome_is_unknown(clock: MockClock, stubborn: Stubborn) -> None:
    """R12: … and counts as *outcome unknown*: it may have acted, so the rollback is incomplete."""
    async with stubborn.runtime() as runtime:
        outcome = await failed(runtime, stubborn.flow)
    assert isinstance(outcome.error.__cause__, OutcomeUnknown)
    assert outcome.rollback == "incomplete"


async def test_an_abandoned_steps_failure_is_caused_by_its_timeout(clock: MockClock, stubborn: Stubborn) -> None:
    """R12: its step fails with `OutcomeUnknown`, caused by the `StepTimeout`."""
    async with stubborn.runtime() as runtime:
        error = (await failed(runtime, stubborn.flow)).error.__cause__
    assert isinstance(error, OutcomeUnknown)
    assert isinstance(error.__cause__, StepTimeout)
    assert error.__cause__.node == "work"


async def test_an_abandoned_steps_failure_is_caused_by_its_cancelling(clock: MockClock, stubborn: Stubborn) -> None:
    """R12: … or `StepCancelled`."""
    async with stubborn.runtime() as runtime:
        run = await runtime.start(stubborn.flow)
        await asyncio.sleep(0.5)  # the mock clock's
        await run.cancel()
        outcome = await run.outcome()
        assert clock.monotonic() == 5.5
    assert isinstance(outcome, Cancelled)
    (error,) = [each.error for each in outcome.errors]
    assert isinstance(error, OutcomeUnknown)
    assert isinstance(error.__cause__, StepCancelled)
    assert outcome.rollback == "incomplete"


async def test_an_abandoned_step_is_offered_to_its_compensation(clock: MockClock, stubborn: Stubborn) -> None:
    """R12: … R54 says who is offered it: its `compensate`, with `OutcomeUnknown`, once."""
    offered = []

    @step(timeout=1.0)
    async def work() -> str:
        await stubborn.goes_on()
        return "late"

    @work.compensate
    async def settle(error: Exception) -> Recover[str]:
        offered.append(type(error))
        return Recover("settled")

    @workflow
    def going_on() -> str:
        return work()

    async with stubborn.runtime() as runtime:
        assert await runtime.run(going_on) == "settled"
    assert offered == [OutcomeUnknown]


# ── threads ──


class Stuck:
    """A step in a thread that goes on until it's let go, and then answers."""

    def __init__(self, **options: Any) -> None:
        self.entered = asyncio.Event()
        self.go_on = threading.Event()
        self.cancelled: list[bool] = []
        loop = asyncio.get_running_loop()

        @step(timeout=1.0, **options)
        def stuck() -> str:
            self.cancelled.append(step_context().cancelled)
            loop.call_soon_threadsafe(self.entered.set)
            assert self.go_on.wait(10)
            self.cancelled.append(step_context().cancelled)
            return "late"

        @workflow
        def getting_stuck() -> str:
            return stuck()

        self.flow = getting_stuck

    async def abandoned(self, runtime: Runtime, clock: MockClock) -> Failed:
        """Starts it, and lets so much time pass that it's abandoned."""
        run = await runtime.start(self.flow)
        await self.entered.wait()
        await clock.advance(1.0)
        await clock.advance(5.0)
        outcome = await run.outcome()
        assert isinstance(outcome, Failed)
        assert isinstance(outcome.error.__cause__, OutcomeUnknown)
        return outcome


async def test_an_abandoned_thread_keeps_its_permit_until_it_ends(clock: MockClock) -> None:
    """R12: a thread can't be ended: abandoned, it keeps its permit until it ends."""
    gate = Limit("gate", at_most=1)
    seen = []

    @step(limit=gate)
    async def enter() -> None:
        seen.append("entered")

    @workflow
    def entering() -> None:
        enter()

    async with Runtime(clock=clock) as runtime:
        stuck = Stuck(limit=gate)
        await stuck.abandoned(runtime, clock)
        run = await runtime.start(entering)
        await clock.advance(100.0)
        assert seen == []
        stuck.go_on.set()
        await run.result()
    assert seen == ["entered"]


async def test_an_orphaned_permit_is_shown_as_such(clock: MockClock) -> None:
    """R12: shown as orphaned, by `inspect` and `explain`, of the run that left it and of one that waits for it."""
    gate = Limit("gate", at_most=1, key=lambda door: door)

    @step(limit=gate)
    async def enter(door: str) -> None: ...

    @workflow
    def entering() -> None:
        enter("left")

    async with Runtime(store=MemoryStore(clock=clock), clock=clock) as runtime:
        stuck = Stuck(limit=Limit("gate", at_most=1, key=lambda: "left"))
        lost = (await stuck.abandoned(runtime, clock)).run_id
        waits = await runtime.options(run_id="waits").start(entering)
        await clock.advance(1.0)
        (shown,) = (await runtime.inspect(lost)).steps
        assert (shown.name, shown.attempts[0].outcome, shown.orphaned) == ("stuck", "abandoned", ("'gate'[left]",))
        told = str(await runtime.explain(lost))
        assert "step 'stuck' was abandoned, and its thread still holds a permit of 'gate'[left]" in told
        assert [reason.kind for reason in (await runtime.explain("waits")).reasons] == ["executing", "orphaned"]
        assert "'gate'[left] (1 of 1 held, 1 of them orphaned, 1 waiting)" in str(await runtime.explain("waits"))
        stuck.go_on.set()
        await waits.result()
        assert (await runtime.inspect(lost)).steps[0].orphaned == ()
        assert "orphaned" not in {reason.kind for reason in (await runtime.explain(lost)).reasons}


async def test_an_abandoned_thread_doesnt_hold_up_the_runtimes_end(clock: MockClock) -> None:
    """R12: … or the runtime closes."""
    async with Runtime(clock=clock) as runtime:
        stuck = Stuck(limit=Limit("gate", at_most=1))
        await stuck.abandoned(runtime, clock)
    stuck.go_on.set()
    assert stuck.cancelled[0] is False


async def test_the_pool_of_threads_grows_by_one_meanwhile(clock: MockClock) -> None:
    """R12: the pool of threads grows by one meanwhile."""

    @step
    def quick() -> str:
        return "quick"

    @workflow
    def hurrying() -> str:
        return quick()

    async with Runtime(clock=clock, threads=1) as runtime:
        stuck = Stuck()
        await stuck.abandoned(runtime, clock)
        assert await runtime.run(hurrying) == "quick"
        stuck.go_on.set()


async def test_an_abandoned_steps_late_result_is_ignored(clock: MockClock) -> None:
    """R12: its late result is ignored."""
    events: list[Event] = []
    async with Runtime(clock=clock) as runtime:
        runtime.subscribe(events.append)
        stuck = Stuck()
        outcome = await stuck.abandoned(runtime, clock)
        stuck.go_on.set()
        await clock.advance(1.0)
        assert await runtime.get(outcome.run_id).outcome() is outcome
    assert [event for event in events if isinstance(event.fact, StepSucceeded)] == []


async def test_a_sync_step_can_look_whether_it_was_told_to_stop(clock: MockClock) -> None:
    """R12: `step_context().cancelled` lets a sync step look."""
    async with Runtime(clock=clock) as runtime:
        stuck = Stuck()
        run = await runtime.start(stuck.flow)
        await stuck.entered.wait()
        await clock.advance(2.0)
        stuck.go_on.set()
        await run.outcome()
    assert stuck.cancelled == [False, True]


# ── worker processes ──


async def test_a_worker_process_is_killed(clock: MockClock) -> None:
    """R12: a worker process is killed."""
    told: asyncio.Queue[int] = asyncio.Queue()

    async def hear(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        told.put_nowait(int(await reader.read(100)))
        await reader.read()
        writer.close()

    @workflow
    def elsewhere(path: str) -> None:
        wait_for_ever(path)

    with tempfile.TemporaryDirectory() as directory:
        path = str(Path(directory) / "s")
        server = await asyncio.start_unix_server(hear, path)
        async with server, Runtime(clock=clock) as runtime:
            run = await runtime.start(elsewhere, path)
            pid = await told.get()
            await clock.advance(5.0)
            outcome = await run.outcome()
    assert isinstance(outcome, Failed)
    assert isinstance(outcome.error.__cause__, StepTimeout)
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


# ── one at a time ──


async def test_no_attempt_begins_while_an_earlier_one_executes(clock: MockClock) -> None:
    """R12: no attempt begins while an earlier one of its node still executes."""
    history = []

    @step(retry=Retry(attempts=3, on=(StepTimeout,), backoff=Fixed(0.0)), timeout=1.0)
    async def work() -> None:
        history.append((step_context().attempt, "begins", clock.monotonic()))
        await regardless(clock, 4.0)
        history.append((step_context().attempt, "ends", clock.monotonic()))

    @workflow
    def slowly() -> None:
        work()

    async with Runtime(clock=clock) as runtime:
        await failed(runtime, slowly)
    assert history == [
        (1, "begins", 0.0),
        (1, "ends", 4.0),
        (2, "begins", 4.0),
        (2, "ends", 8.0),
        (3, "begins", 8.0),
        (3, "ends", 12.0),
    ]


async def test_an_abandoned_attempt_isnt_tried_again(stubborn: Stubborn) -> None:
    """R12: an abandoned attempt isn't tried again, though its policy or its compensation would."""
    attempts = []

    @step(retry=Retry(attempts=3, on=(StepTimeout, OutcomeUnknown)), timeout=1.0)
    async def work() -> None:
        attempts.append(step_context().attempt)
        await stubborn.goes_on()

    @work.compensate
    async def settle(error: Exception) -> None:
        raise TryAgain

    @workflow
    def going_on() -> None:
        work()

    async with stubborn.runtime() as runtime:
        outcome = await failed(runtime, going_on)
    assert attempts == [1]
    assert isinstance(outcome.error.__cause__, OutcomeUnknown)


# ── what returns within its grace ──


class Slow:
    """A step that takes three seconds, whoever cancels it, and what was undone of it."""

    def __init__(self, clock: MockClock) -> None:
        self.ran: list[int] = []
        self.undone: list[str] = []

        @step
        async def slow() -> str:
            self.ran.append(step_context().attempt)
            await regardless(clock, 3.0)
            return "done"

        @slow.undo
        async def undo(value: str) -> None:
            self.undone.append(value)

        @step
        async def fail() -> None:
            raise ValueError

        @workflow
        def alone() -> str:
            return slow()

        @workflow
        def beside_a_failure() -> str:
            fail()
            return slow()

        self.alone = alone
        self.beside_a_failure = beside_a_failure


async def test_what_returns_within_its_grace_after_a_halt_has_succeeded(clock: MockClock) -> None:
    """R12: an attempt that returns within its grace has succeeded, if a halt stopped it."""
    slow = Slow(clock)
    async with Runtime(clock=clock, halt_timeout=1.0) as runtime:
        run = await runtime.start(slow.alone)
        await asyncio.sleep(1.0)  # the mock clock's
        await run.halt()
        assert isinstance(await run.outcome(), Halted)
        assert clock.monotonic() == 3.0
        assert await (await runtime.resume(slow.alone, run.id)).result() == "done"
    assert slow.ran == [1]
    assert slow.undone == []


async def test_what_returns_within_its_grace_in_a_rollback_has_succeeded(clock: MockClock) -> None:
    """R12: … a rollback: it is undone with the rest."""
    slow = Slow(clock)
    async with Runtime(clock=clock, settle_timeout=1.0) as runtime:
        outcome = await failed(runtime, slow.beside_a_failure)
    assert slow.undone == ["done"]
    assert outcome.rollback == "complete"
    assert [each.node for each in outcome.error.errors] == ["fail"]


async def test_what_returns_within_its_grace_after_a_cancel_has_succeeded(clock: MockClock) -> None:
    """R12: … or `cancel()`."""
    slow = Slow(clock)
    async with Runtime(clock=clock) as runtime:
        run = await runtime.start(slow.alone)
        await asyncio.sleep(1.0)  # the mock clock's
        await run.cancel()
        outcome = await run.outcome()
    assert slow.undone == ["done"]
    assert isinstance(outcome, Cancelled)
    assert (outcome.rollback, outcome.errors) == ("complete", ())


async def test_what_returns_within_its_grace_after_a_timeout_has_failed(clock: MockClock) -> None:
    """R12: after a timeout it stays failed, and `StepTimeout.late` holds the value, for `compensate`."""
    seen: list[Any] = []

    @step(timeout=1.0)
    async def work() -> str:
        await regardless(clock, 3.0)
        return "late"

    @work.undo
    async def undo(value: str) -> None:
        seen.append("undone")

    @work.compensate
    async def settle(error: Exception) -> None:
        assert isinstance(error, StepTimeout)
        seen.append(error.late)

    @workflow
    def slowly() -> str:
        return work()

    async with Runtime(clock=clock) as runtime:
        outcome = await failed(runtime, slowly)
    assert isinstance(outcome.error.__cause__, StepTimeout)
    assert seen == ["late"]
