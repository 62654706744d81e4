"""R30: a run started inside a step is that step's child: it ends with the attempt, and what it did is kept or taken back."""

from __future__ import annotations

import asyncio

import pytest

from actorflow import (
    Cancelled,
    Limit,
    Retry,
    Run,
    RunCancelled,
    RunFailed,
    Runtime,
    StepTimeout,
    TryAgain,
    WrongLoop,
    step,
    step_context,
    workflow,
)
from actorflow.testing import MockClock
from tests.conformance.seen import forever

SEEN: list[str] = []


@pytest.fixture(autouse=True)
def _fresh() -> None:
    SEEN.clear()


@step
async def pack(what: str) -> str:
    SEEN.append(f"pack {what}")
    return f"packed {what}"


@pack.undo
async def unpack(value: str, what: str) -> None:
    SEEN.append(f"unpack {what}")


@step
async def wait(value: str) -> str:
    SEEN.append("wait")
    return await forever()


@workflow
def quick(what: str) -> str:
    return pack(what)


@workflow
def endless(what: str) -> str:
    return wait(pack(what))


# ── the three ways to start one ───────────────────────────────────────────────────────────────────────────────────────


async def test_a_step_runs_a_workflow_and_gets_its_result(clock: MockClock) -> None:
    """R30: `step_context().run(…)` inside a step starts a child run, and gives its result."""

    @step
    async def parent() -> str:
        return await step_context().run(quick, "tent")

    @workflow
    def trip() -> str:
        return parent()

    async with Runtime(clock=clock) as runtime:
        assert await runtime.run(trip) == "packed tent"


async def test_a_sync_step_runs_a_workflow_from_its_thread(clock: MockClock) -> None:
    """R30: … `run_blocking` from a sync one."""

    @step
    def parent() -> str:
        return step_context().run_blocking(quick, "tent")

    @workflow
    def trip() -> str:
        return parent()

    async with Runtime(clock=clock) as runtime:
        assert await runtime.run(trip) == "packed tent"


async def test_run_blocking_on_the_loop_is_refused(clock: MockClock) -> None:
    """R30: `run_blocking` is for sync steps: on the loop it would wait for itself."""

    @step
    async def parent() -> str:
        return step_context().run_blocking(quick, "tent")

    @workflow
    def trip() -> str:
        return parent()

    async with Runtime(clock=clock) as runtime:
        with pytest.raises(RunFailed) as caught:
            await runtime.run(trip)
    assert isinstance(caught.value.__cause__, WrongLoop)


async def test_the_failure_of_a_child_is_raised_in_its_step(clock: MockClock) -> None:
    """R30: what `run(…)` raises is what `result()` of any run raises; the child has been taken back by then."""

    @step
    async def burn(value: str) -> None:
        raise ValueError("fire")

    @workflow
    def fire() -> None:
        burn(pack("wood"))

    @step
    async def parent() -> None:
        try:
            await step_context().run(fire)
        except RunFailed as error:
            SEEN.append(f"caught {error.__cause__}")
            raise

    @workflow
    def trip() -> None:
        parent()

    async with Runtime(clock=clock) as runtime:
        with pytest.raises(RunFailed):
            await runtime.run(trip)
    assert SEEN == ["pack wood", "unpack wood", "caught fire"]


# ── one that still runs when its attempt ends ─────────────────────────────────────────────────────────────────────────


async def test_a_child_that_still_runs_is_taken_back_before_the_next_attempt(clock: MockClock) -> None:
    """R30: one still running when its attempt ends is cancelled and rolled back before … the next attempt begins."""
    children: list[Run[str]] = []

    @step
    async def parent() -> str:
        SEEN.append(f"attempt {step_context().attempt}")
        if step_context().attempt == 2:
            return "done"
        children.append(await step_context().options().start(endless, "tent"))
        while "wait" not in SEEN:
            await asyncio.sleep(0)
        raise TryAgain(after=0)

    @workflow
    def trip() -> str:
        return parent()

    async with Runtime(clock=clock) as runtime:
        assert await runtime.run(trip) == "done"
        assert isinstance(await children[0].outcome(), Cancelled)
    assert SEEN == ["attempt 1", "pack tent", "wait", "unpack tent", "attempt 2"]


async def test_a_child_that_still_runs_is_taken_back_before_the_compensation(clock: MockClock) -> None:
    """R30: … cancelled and rolled back before the compensation … begins."""

    @step
    async def parent() -> None:
        await step_context().options().start(endless, "tent")
        while "wait" not in SEEN:
            await asyncio.sleep(0)
        raise ValueError("no more")

    @parent.compensate
    async def compensate(error: Exception) -> None:
        SEEN.append(f"compensate {error}")

    @workflow
    def trip() -> None:
        parent()

    async with Runtime(clock=clock) as runtime:
        with pytest.raises(RunFailed):
            await runtime.run(trip)
    assert SEEN == ["pack tent", "wait", "unpack tent", "compensate no more"]


async def test_a_child_is_taken_back_when_its_steps_time_is_over(clock: MockClock) -> None:
    """R30: a timeout ends the attempt, too."""

    @step(timeout=3.0)
    async def parent() -> str:
        return await step_context().run(endless, "tent")

    @parent.compensate
    async def compensate(error: Exception) -> None:
        SEEN.append(type(error).__name__)

    @workflow
    def trip() -> str:
        return parent()

    async with Runtime(clock=clock) as runtime:
        with pytest.raises(RunFailed) as caught:
            await runtime.run(trip)
    assert isinstance(caught.value.__cause__, StepTimeout)
    assert SEEN == ["pack tent", "wait", "unpack tent", "StepTimeout"]


async def test_a_child_is_taken_back_before_what_depends_on_its_step_begins(clock: MockClock) -> None:
    """R30: one still running when its attempt ends is cancelled: also when the attempt has succeeded."""

    @step
    async def parent() -> str:
        await step_context().options().start(endless, "tent")
        while "wait" not in SEEN:
            await asyncio.sleep(0)
        return "done"

    @step
    async def after(value: str) -> str:
        SEEN.append("after")
        return value

    @workflow
    def trip() -> str:
        return after(parent())

    async with Runtime(clock=clock) as runtime:
        assert await runtime.run(trip) == "done"
    assert SEEN == ["pack tent", "wait", "unpack tent", "after"]


async def test_a_detached_run_goes_on(clock: MockClock) -> None:
    """R30: … unless detached."""

    @step
    async def slow(value: str) -> str:
        await asyncio.sleep(5.0)  # the mock clock's
        SEEN.append("slow")
        return value

    @workflow
    def long(what: str) -> str:
        return slow(pack(what))

    @step
    async def parent() -> str:
        run = await step_context().options(detached=True).start(long, "tent")
        raise ValueError(run.id)

    @workflow
    def trip() -> str:
        return parent()

    async with Runtime(clock=clock) as runtime:
        with pytest.raises(RunFailed) as caught:
            await runtime.run(trip)
        SEEN.append("parent failed")
        assert await runtime.get(str(caught.value.__cause__)).result() == "packed tent"
    assert SEEN == ["pack tent", "parent failed", "slow"]


async def test_cancelling_the_parent_takes_back_the_child(clock: MockClock) -> None:
    """R30: a cancelled attempt has ended: its child is taken back before the parent's own rollback is."""

    @step
    async def parent(value: str) -> str:
        return await step_context().run(endless, "tent")

    @workflow
    def trip() -> str:
        return parent(pack("bag"))

    async with Runtime(clock=clock) as runtime:
        run = await runtime.start(trip)
        while "wait" not in SEEN:
            await asyncio.sleep(0)
        await run.cancel("rain")
        outcome = await run.outcome()
        assert [one.status() for one in runtime.list_runs()] == ["cancelled", "cancelled"]
    assert isinstance(outcome, Cancelled)
    assert SEEN == ["pack bag", "pack tent", "wait", "unpack tent", "unpack bag"]


# ── the next attempt ──────────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_child_that_succeeded_stands_and_the_next_attempt_gets_its_result(clock: MockClock) -> None:
    """R30: one that succeeded stands, and the next attempt gets its result."""

    @step(retry=Retry(attempts=3, on=(ConnectionError,)))
    async def parent() -> str:
        value = await step_context().run(quick, "tent")
        SEEN.append(f"attempt {step_context().attempt}: {value}")
        if step_context().attempt < 3:
            raise ConnectionError
        return value

    @workflow
    def trip() -> str:
        return parent()

    async with Runtime(clock=clock) as runtime:
        assert await runtime.run(trip) == "packed tent"
    assert SEEN == ["pack tent", *(f"attempt {n}: packed tent" for n in (1, 2, 3))]


async def test_a_child_that_ended_otherwise_is_started_anew(clock: MockClock) -> None:
    """R30: one that ended otherwise is started anew, under the same id."""
    ids: list[str] = []

    @step
    async def flaky() -> str:
        ids.append(step_context().run_id)
        if len(ids) == 1:
            raise ConnectionError
        return "up"

    @workflow
    def connect() -> str:
        return flaky()

    @step(retry=Retry(on=(RunFailed,)))
    async def parent() -> str:
        return await step_context().run(connect)

    @workflow
    def trip() -> str:
        return parent()

    async with Runtime(clock=clock) as runtime:
        assert await runtime.run(trip) == "up"
    assert len(ids) == 2
    assert ids[0] == ids[1]


async def test_a_child_that_was_taken_back_with_its_attempt_is_started_anew(clock: MockClock) -> None:
    """R30: … also one that was cancelled because its attempt had ended."""

    @step(timeout=1.0, retry=Retry(attempts=2, on=(StepTimeout,)))
    async def parent() -> str:
        return await step_context().run(endless if step_context().attempt == 1 else quick, "tent")

    @workflow
    def trip() -> str:
        return parent()

    async with Runtime(clock=clock) as runtime:
        assert await runtime.run(trip) == "packed tent"
    assert SEEN == ["pack tent", "wait", "unpack tent", "pack tent"]


async def test_its_id_is_the_steps_key_the_workflows_name_and_the_ordinal_of_the_call(clock: MockClock) -> None:
    """R30: its id is the step's key, the workflow's name and the ordinal of the call."""

    @step
    async def parent() -> list[str]:
        runs = step_context().options()
        ids = [(await runs.start(quick, what)).id for what in ("tent", "stove")]
        key = step_context().idempotency_key
        return [run_id.removeprefix(key) for run_id in ids]

    @workflow
    def trip() -> list[str]:
        return parent()

    async with Runtime(clock=clock) as runtime:
        assert await runtime.run(trip) == ["/quick/1", "/quick/2"]


# ── no deadlock on oneself ────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_child_uses_the_permit_of_its_ancestor(clock: MockClock) -> None:
    """R30: a child whose pool is used up by its own ancestors uses their permit."""
    gate = Limit("gate", at_most=1)
    inside = 0

    @step(limit=gate)
    async def inner() -> str:
        nonlocal inside
        inside += 1
        SEEN.append(f"{inside} inside")
        await asyncio.sleep(1.0)  # the mock clock's
        inside -= 1
        return "through"

    @workflow
    def nested() -> None:
        inner()
        inner()

    @step(limit=gate)
    async def outer() -> str:
        await step_context().run(nested)
        return "home"

    @workflow
    def trip() -> str:
        return outer()

    async with Runtime(clock=clock) as runtime:
        assert await runtime.run(trip) == "home"
    assert SEEN == ["1 inside", "1 inside"]


async def test_children_do_not_count_in_max_runs(clock: MockClock) -> None:
    """R30: children don't count in `max_runs`."""

    @step
    async def parent() -> str:
        return await step_context().run(quick, "tent")

    @workflow
    def trip() -> str:
        return parent()

    async with Runtime(clock=clock, max_runs=1) as runtime:
        assert await runtime.run(trip) == "packed tent"


async def test_a_thread_that_waits_for_a_child_does_not_count(clock: MockClock) -> None:
    """R30: a thread that waits in `run_blocking` doesn't count either (the pool grows by one meanwhile)."""

    @step
    def work(depth: int) -> int:
        return 0 if depth == 0 else 1 + step_context().run_blocking(deep, depth - 1)

    @workflow
    def deep(depth: int) -> int:
        return work(depth)

    async with Runtime(clock=clock, threads=1) as runtime:
        assert await runtime.run(deep, 4) == 4


async def test_a_child_of_a_halted_attempt_is_started_anew_on_resume(clock: MockClock) -> None:
    """R30: an interrupted attempt has ended, too: its child is taken back, and started anew when the step runs again."""
    waits = True

    @step
    async def perhaps(value: str) -> str:
        return await forever() if waits else value

    @workflow
    def maybe(what: str) -> str:
        return perhaps(pack(what))

    @step
    async def parent() -> str:
        return await step_context().run(maybe, "tent")

    @workflow
    def trip() -> str:
        return parent()

    async with Runtime(clock=clock) as runtime:
        run = await runtime.start(trip)
        await asyncio.sleep(1.0)  # the mock clock's
        await run.halt()
        await run.outcome()
        assert SEEN == ["pack tent", "unpack tent"]
        waits = False
        assert await (await runtime.resume(trip, run.id)).result() == "packed tent"
    assert SEEN == ["pack tent", "unpack tent", "pack tent"]


async def test_a_child_has_options_of_its_own(clock: MockClock) -> None:
    """R30: `step_context().options(…)` gives the child its options, as `runtime.options` does for other runs."""

    @step
    async def parent() -> str:
        try:
            await step_context().options(timeout=2.0).run(endless, "tent")
        except RunCancelled as error:
            return error.reason
        return "endless ended"

    @workflow
    def trip() -> str:
        return parent()

    async with Runtime(clock=clock) as runtime:
        assert await runtime.run(trip) == "timeout"
    assert clock.monotonic() == 2.0
