"""R37: leaving the `async with`: runs are drained, halted or taken back, and nothing is left behind."""

from __future__ import annotations

import asyncio
import threading
from asyncio import CancelledError
from typing import Any

import pytest
from structlog.testing import capture_logs

from actorflow import (
    Actor,
    Cancelled,
    Failed,
    Halt,
    Halted,
    InvalidState,
    Run,
    RunCancelled,
    Runtime,
    RuntimeClosed,
    Succeeded,
    step,
    step_context,
    workflow,
)
from actorflow.testing import MockClock, Outside, tasks_left
from tests.conformance.seen import forever

SEEN: list[str] = []


@pytest.fixture(autouse=True)
def _fresh() -> None:
    SEEN.clear()


@step
async def take(name: str) -> str:
    SEEN.append(f"take {name}")
    return name


@take.undo
async def untake(value: str, name: str) -> None:
    await asyncio.sleep(1.0)  # the mock clock's
    SEEN.append(f"untake {name}")


@step
async def nap(name: str) -> str:
    await asyncio.sleep(1.0)
    SEEN.append(f"nap {name}")
    return name


@step
async def hang(name: str) -> str:
    SEEN.append(f"hang {name}")
    return await forever()


@workflow
def rest(name: str) -> str:
    return nap(take(name))


@workflow
def hangs(name: str) -> str:
    return hang(take(name))


async def until_seen(text: str) -> None:
    while text not in SEEN:
        await asyncio.sleep(0)


# ── leaving normally ──────────────────────────────────────────────────────────────────────────────────────────────────


async def test_leaving_normally_drains(clock: MockClock) -> None:
    """R37: leaving the `async with` normally drains."""
    async with Runtime(clock=clock) as runtime:
        runs = [await runtime.start(rest, name) for name in "ab"]
    assert [await run.outcome() for run in runs] == [
        Succeeded(name, run.id) for name, run in zip("ab", runs, strict=True)
    ]
    assert clock.monotonic() == 1.0


async def test_draining_takes_drain_timeout_at_most(clock: MockClock) -> None:
    """R37: … for at most `drain_timeout`; … the end of the drain: runs without a store are cancelled and rolled back."""
    async with Runtime(clock=clock, drain_timeout=5.0) as runtime:
        stuck = await runtime.start(hangs, "a")
        done = await runtime.start(rest, "b")
    assert await done.result() == "b"
    outcome = await stuck.outcome()
    assert isinstance(outcome, Cancelled)
    assert outcome.rollback == "complete"
    assert SEEN[-1] == "untake a"
    assert clock.monotonic() == 6.0


async def test_thirty_seconds_are_the_default(clock: MockClock) -> None:
    """R37: `drain_timeout` (30 s)."""
    async with Runtime(clock=clock) as runtime:
        await runtime.start(hangs, "a")
    assert clock.monotonic() == 31.0


async def test_a_draining_runtime_starts_nothing_new_but_children(clock: MockClock) -> None:
    """R37: draining ends what goes on: a run's own child runs belong to that, other runs don't."""

    @step
    async def parent() -> str:
        await asyncio.sleep(1.0)
        try:
            await runtime.start(rest, "other")
        except RuntimeClosed:
            SEEN.append("refused")
        return await step_context().run(rest, "child")

    @workflow
    def nested() -> str:
        return parent()

    async with Runtime(clock=clock) as runtime:
        run = await runtime.start(nested)
    assert await run.result() == "child"
    assert SEEN == ["refused", "take child", "nap child"]


async def test_a_runtime_that_was_left_takes_nothing(clock: MockClock) -> None:
    """R37: after the `async with` every request says that the runtime is closed; what has ended can still be read."""
    async with Runtime(clock=clock) as runtime:
        run = await runtime.start(rest, "a")
    with pytest.raises(RuntimeClosed):
        await runtime.start(rest, "b")
    with pytest.raises(RuntimeClosed):
        runtime.subscribe(SEEN.append)
    assert await run.result() == "a"
    with pytest.raises(InvalidState, match="entered once"):
        await runtime.__aenter__()


# ── leaving otherwise ─────────────────────────────────────────────────────────────────────────────────────────────────


async def test_leaving_by_exception_takes_runs_back(clock: MockClock) -> None:
    """R37: leaving by exception …: runs without a store are cancelled and rolled back."""
    runs: list[Run[str]] = []
    with pytest.raises(ZeroDivisionError):
        async with Runtime(clock=clock) as runtime:
            runs.append(await runtime.start(hangs, "a"))
            await until_seen("hang a")
            raise ZeroDivisionError
    assert SEEN == ["take a", "hang a", "untake a"]
    assert isinstance(await runs[0].outcome(), Cancelled)
    assert clock.monotonic() == 1.0


async def test_leaving_by_cancellation_takes_runs_back(clock: MockClock) -> None:
    """R37: leaving by … cancellation: … cancelled and rolled back, shielded."""

    async def serve() -> None:
        async with Runtime(clock=clock) as runtime:
            await runtime.run(hangs, "a")

    serving = asyncio.ensure_future(serve())
    await until_seen("hang a")
    serving.cancel()
    with pytest.raises(CancelledError):
        await serving
    assert SEEN == ["take a", "hang a", "untake a"]


async def test_a_second_cancellation_does_not_break_the_rollback_off(clock: MockClock) -> None:
    """R37: … shielded: being cancelled once more meanwhile changes nothing."""

    async def serve() -> None:
        async with Runtime(clock=clock) as runtime:
            await runtime.run(hangs, "a")

    serving = asyncio.ensure_future(serve())
    await until_seen("hang a")
    for _ in range(3):
        serving.cancel()
        await asyncio.sleep(0.2)
    with pytest.raises(CancelledError):
        await serving
    assert SEEN == ["take a", "hang a", "untake a"]


async def test_a_cancellation_while_draining_ends_the_drain(clock: MockClock) -> None:
    """R37: leaving by cancellation: also when the cancellation comes while runs are drained."""

    async def serve() -> None:
        async with Runtime(clock=clock) as runtime:
            await runtime.start(hangs, "a")

    serving = asyncio.ensure_future(serve())
    await until_seen("hang a")
    await asyncio.sleep(2.0)
    serving.cancel()
    with pytest.raises(CancelledError):
        await serving
    assert SEEN == ["take a", "hang a", "untake a"]
    assert clock.monotonic() == 3.0


async def test_taking_back_takes_shutdown_timeout_at_most(clock: MockClock) -> None:
    """R37: … for at most `shutdown_timeout`; whoever still waits for a run that didn't end gets `RuntimeClosed`."""

    @step
    async def act() -> str:
        return "done"

    @act.undo
    async def never(value: str) -> None:
        SEEN.append("never")
        await forever()

    @workflow
    def stuck() -> str:
        return hang(act())

    async with Runtime(clock=clock, on_exit="cancel", drain_timeout=3.0, shutdown_timeout=4.0) as runtime:
        run = await runtime.start(stuck)
        waiting = asyncio.ensure_future(run.result())
        await until_seen("hang done")
    assert SEEN == ["hang done", "never"]
    for wait in (waiting, run.outcome(), run.result()):
        with pytest.raises(RuntimeClosed):
            await wait
    assert 4.0 <= clock.monotonic() <= 8.0


# ── on_exit ───────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_on_exit_halt_halts_every_run(clock: MockClock) -> None:
    """R37: `on_exit` says what a normal leave does: … halt every run."""
    async with Runtime(clock=clock, on_exit="halt") as runtime:
        first = await runtime.start(rest, "a")
        stuck = await runtime.start(hangs, "b")
        await until_seen("hang b")
    for run in (first, stuck):
        outcome = await run.outcome()
        assert isinstance(outcome, Halted)
        assert outcome.snapshot is not None
    assert "untake b" not in SEEN
    assert clock.monotonic() == 5.0


async def test_a_run_halted_on_exit_goes_on_in_another_runtime(clock: MockClock) -> None:
    """R37, R16: what was halted can be resumed from its snapshot."""
    snapshots: list[Any] = []
    async with Runtime(clock=clock, on_exit="halt") as runtime:
        run = await runtime.start(rest, "a")
        await until_seen("take a")
    outcome = await run.outcome()
    assert isinstance(outcome, Halted)
    snapshots.append(outcome.snapshot)
    async with Runtime(clock=clock) as runtime:
        assert await (await runtime.resume(rest, snapshots[0])).result() == "a"
    assert SEEN == ["take a", "nap a"]


async def test_on_exit_cancel_takes_every_run_back(clock: MockClock) -> None:
    """R37: … or cancel and roll back."""
    async with Runtime(clock=clock, on_exit="cancel") as runtime:
        run = await runtime.start(hangs, "a")
        await until_seen("hang a")
    with pytest.raises(RunCancelled, match="left"):
        await run.result()
    assert SEEN == ["take a", "hang a", "untake a"]
    assert clock.monotonic() == 1.0


async def test_on_exit_halt_lets_a_rollback_end(clock: MockClock) -> None:
    """R37, R20: a run that is rolling back can't be halted: leaving waits for it."""

    @step
    async def fail(value: str) -> None:
        raise ValueError("no")

    @workflow
    def fails() -> None:
        fail(take("a"))

    async with Runtime(clock=clock, on_exit="halt") as runtime:
        run = await runtime.start(fails)
        waiting = asyncio.ensure_future(run.outcome())
        while run.status() != "rolling_back":
            await asyncio.sleep(0)
    assert isinstance(await waiting, Failed)
    assert SEEN == ["take a", "untake a"]


async def test_on_exit_is_for_a_normal_leave(clock: MockClock) -> None:
    """R37: `on_exit` says what a normal leave does: leaving by exception takes back in any case."""
    runs: list[Run[str]] = []
    with pytest.raises(ZeroDivisionError):
        async with Runtime(clock=clock, on_exit="halt") as runtime:
            runs.append(await runtime.start(hangs, "a"))
            await until_seen("hang a")
            raise ZeroDivisionError
    assert isinstance(await runs[0].outcome(), Cancelled)


async def test_a_halted_run_is_not_waited_for(clock: MockClock) -> None:
    """R37: a run that is halted already has ended for this runtime."""

    @step
    async def pause() -> None:
        raise Halt

    @workflow
    def pauses() -> None:
        pause()

    async with Runtime(clock=clock) as runtime:
        run = await runtime.start(pauses)
        await run.outcome()
    assert isinstance(await run.outcome(), Halted)
    assert clock.monotonic() == 0.0


# ── nothing is left behind ────────────────────────────────────────────────────────────────────────────────────────────


class Busy(Actor[str]):
    async def receive(self, message: str, /) -> None:
        await forever()


async def test_nothing_is_left_behind(clock: MockClock) -> None:
    """R37: nothing is left behind: no task, thread, handle or warning."""

    @step
    def in_thread(name: str) -> str:
        return name

    @workflow
    def mixed(name: str) -> str:
        return hang(in_thread(take(name)))

    outside, before = Outside(), asyncio.all_tasks()
    with capture_logs() as logs:
        async with Runtime(clock=clock, on_exit="cancel") as runtime:

            async def listen() -> None:
                async for _ in runtime.subscribe():
                    pass

            async def hear(event: object) -> None: ...

            listening = asyncio.ensure_future(listen())
            runtime.subscribe(hear)
            runtime.spawn(Busy()).send("work")
            await runtime.start(mixed, "a")
            await until_seen("hang a")
        await listening
    assert tasks_left(before) == []
    assert outside.left() == []
    assert logs == []


async def test_abandoned_threads_are_named() -> None:
    """R37: … but for abandoned threads, by name."""
    entered, release = threading.Event(), threading.Event()

    @step
    def stubborn() -> None:
        entered.set()
        release.wait()

    @workflow
    def works() -> None:
        stubborn()

    with capture_logs() as logs:
        async with Runtime(on_exit="cancel", cancel_grace=0.0) as runtime:
            run = await runtime.start(works)
            await asyncio.to_thread(entered.wait, 5.0)
    release.set()
    assert isinstance(await run.outcome(), Cancelled)
    assert any("stubborn" in str(line) for line in logs if line["event"] == "threads were abandoned")


async def test_a_thread_that_never_ended_is_named() -> None:
    """R37: … also one whose run was given up, as its time was over."""
    entered, release = threading.Event(), threading.Event()

    @step
    def stubborn() -> None:
        entered.set()
        release.wait()

    @workflow
    def works() -> None:
        stubborn()

    with capture_logs() as logs:
        async with Runtime(on_exit="cancel", drain_timeout=0.0, shutdown_timeout=0.0) as runtime:
            run = await runtime.start(works)
            await asyncio.to_thread(entered.wait, 5.0)
    release.set()
    with pytest.raises(RuntimeClosed):
        await run.outcome()
    assert any("stubborn" in str(line) for line in logs if line["event"] == "threads were abandoned")
