"""Faults strike where they were said to, and the runtime answers as it does to real ones."""

from __future__ import annotations

import asyncio
import functools
import threading
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import pytest

from actorflow import (
    Failed,
    InvalidState,
    Retry,
    RunFailed,
    Runtime,
    StepCancelled,
    StepCrashed,
    StepTimeout,
    TryAgain,
    step,
    step_context,
    workflow,
)
from actorflow.facts import RunEnded, StepFact, StepScheduled
from actorflow.policy import Fixed
from actorflow.testing import Crash, Faults, MockClock, history, inject

MakeRuntime = Callable[..., AbstractAsyncContextManager[Runtime]]
SEEN: list[str] = []


@pytest.fixture(autouse=True)
def _nothing_seen() -> None:
    SEEN.clear()


@step(retry=Retry(on=(ConnectionError,), backoff=Fixed(1)), timeout=10)
async def on_the_loop() -> str:
    SEEN.append("acted")
    return "done"


@step(retry=Retry(on=(ConnectionError,), backoff=Fixed(1)), timeout=10)
def in_a_thread() -> str:
    SEEN.append("acted")
    return "done"


@step(retry=Retry(on=(ConnectionError,), backoff=Fixed(1)), mode="inline")
def inline() -> str:
    SEEN.append("acted")
    return "done"


@workflow
def looped() -> str:
    return on_the_loop()


@workflow
def threaded() -> str:
    return in_a_thread()


@workflow
def inlined() -> str:
    return inline()


WORKFLOWS = [(looped, "on_the_loop"), (threaded, "in_a_thread"), (inlined, "inline")]
kinds = pytest.mark.parametrize(("flow", "node"), WORKFLOWS)


async def failure(runtime: Runtime, flow: Any) -> BaseException | None:
    outcome = await (await runtime.start(flow)).outcome()
    assert isinstance(outcome, Failed)
    return outcome.error.__cause__


@kinds
async def test_before_the_code_nothing_is_done(runtime: Runtime, faults: Faults, flow: Any, node: str) -> None:
    fault = faults.at(node, raise_=ConnectionError("down"))
    assert await runtime.run(flow) == "done"
    assert SEEN == ["acted"]
    assert fault.hits == 1


@kinds
async def test_after_the_code_the_work_is_done_and_nobody_learns_of_it(
    runtime: Runtime, faults: Faults, flow: Any, node: str
) -> None:
    faults.at(node, raise_=ConnectionError, when="after")
    assert await runtime.run(flow) == "done"
    assert SEEN == ["acted", "acted"]


@kinds
async def test_it_strikes_at_the_attempt_that_is_named(runtime: Runtime, faults: Faults, flow: Any, node: str) -> None:
    faults.at(node, attempt=1, raise_=ConnectionError())
    faults.at(node, attempt=2, raise_=KeyError("second"))
    never = faults.at(node, attempt=3, raise_=ConnectionError())
    assert isinstance(await failure(runtime, flow), KeyError)
    assert faults.missed == [never]


@kinds
async def test_it_strikes_at_every_attempt_if_none_is_named(
    runtime: Runtime, faults: Faults, flow: Any, node: str
) -> None:
    fault = faults.at(node, attempt=None, raise_=ConnectionError())
    assert isinstance(await failure(runtime, flow), ConnectionError)
    assert fault.hits == 5
    assert SEEN == []


@kinds
async def test_a_crash_is_no_exception(runtime: Runtime, faults: Faults, flow: Any, node: str) -> None:
    faults.at(node, crash=True)
    error = await failure(runtime, flow)
    assert isinstance(error, StepCrashed)
    assert isinstance(error.__cause__, Crash)


@kinds
async def test_a_cancellation_that_nobody_asked_for(runtime: Runtime, faults: Faults, flow: Any, node: str) -> None:
    faults.at(node, cancel=True)
    assert isinstance(await failure(runtime, flow), StepCancelled)


@pytest.mark.parametrize(("flow", "node"), WORKFLOWS[:2])
@pytest.mark.parametrize("when", ["before", "after"])
async def test_what_hangs_runs_into_its_timeout(
    runtime: Runtime, faults: Faults, clock: MockClock, flow: Any, node: str, when: Any
) -> None:
    faults.at(node, hang=True, when=when)
    assert isinstance(await failure(runtime, flow), StepTimeout)
    assert clock.monotonic() == 10
    assert SEEN == (["acted"] if when == "after" else [])


@pytest.mark.parametrize(("flow", "node"), WORKFLOWS[:2])
async def test_a_delay_takes_time_and_nothing_else(
    runtime: Runtime, faults: Faults, clock: MockClock, flow: Any, node: str
) -> None:
    faults.at(node, delay=7)
    assert await runtime.run(flow) == "done"
    assert clock.monotonic() == 7


async def test_a_delay_and_then_an_error(runtime: Runtime, faults: Faults, clock: MockClock) -> None:
    faults.at("on_the_loop", delay=7, raise_=ValueError("late"))
    assert isinstance(await failure(runtime, looped), ValueError)
    assert clock.monotonic() == 7


async def test_a_run_is_cancelled_while_a_step_hangs(runtime: Runtime, faults: Faults) -> None:
    faults.at("in_a_thread", hang=True)
    run = await runtime.start(threaded)
    await run.cancel()
    await run.outcome()
    assert history(run)[-1] == "run cancelled"


async def test_an_inline_step_cannot_wait(runtime: Runtime, faults: Faults) -> None:
    faults.at("inline", hang=True)
    error = await failure(runtime, inlined)
    assert isinstance(error, InvalidState)
    assert "before the run of inline#1" in str(error)


# ── handlers ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def saga(*, in_threads: bool) -> Any:
    """Two steps, with handlers of either kind."""

    def kind(handler: Callable[..., Any]) -> Any:
        @functools.wraps(handler)
        async def on_the_loop(*arguments: Any) -> Any:
            return handler(*arguments)

        return handler if in_threads else on_the_loop

    @kind
    def guard(me: int) -> None:
        SEEN.append(f"guard {me}")

    @kind
    def take_back(value: int, me: int) -> None:
        SEEN.append(f"undo {value}")

    @kind
    def settle(error: Exception, me: int) -> None:
        SEEN.append(f"compensate {me} after {type(error).__name__}")

    @step(guards=[guard])
    async def first(me: int) -> int:
        return me

    first.undo(retry=Retry(attempts=2, backoff=Fixed(1)), timeout=3)(take_back)

    @step
    async def second(me: int) -> int:
        SEEN.append(f"run {me}")
        raise ValueError

    second.compensate(retry=Retry(attempts=2, backoff=Fixed(1)), timeout=3)(settle)

    @workflow
    def both() -> int:
        return second.options(name="last")(first(1))

    return both


either = pytest.mark.parametrize("in_threads", [False, True], ids=["async", "threads"])


@either
async def test_handlers_meet_faults_by_their_own_tries(runtime: Runtime, faults: Faults, in_threads: bool) -> None:
    faults.at("first", phase="undo", attempt=1, when="after", raise_=ConnectionError())
    faults.at("last", phase="compensate", attempt=1, raise_=ConnectionError())
    run = await runtime.start(saga(in_threads=in_threads))
    outcome = await run.outcome()
    assert isinstance(outcome, Failed)
    assert outcome.rollback == "complete"
    assert SEEN == ["guard 1", "run 1", "compensate 1 after ValueError", "undo 1", "undo 1"]
    assert history(run).only(StepFact, RunEnded).without(StepScheduled)[6:] == [
        "compensation started last#1",
        "compensation attempt failed last#1",
        "compensation retry scheduled last#1",
        "compensation started last#1 try 2",
        "step compensated last#1 try 2",
        "step gave up last#1",
        "undo started first#1",
        "undo attempt failed first#1",
        "undo retry scheduled first#1",
        "undo started first#1 try 2",
        "step undone first#1 try 2",
        "run failed",
    ]


@either
@pytest.mark.parametrize(("node", "phase"), [("first", "undo"), ("last", "compensate")])
async def test_a_handler_that_hangs_is_given_up(
    runtime: Runtime, faults: Faults, in_threads: bool, node: str, phase: Any
) -> None:
    fault = faults.at(node, phase=phase, attempt=None, hang=True)
    outcome = await (await runtime.start(saga(in_threads=in_threads))).outcome()
    assert isinstance(outcome, Failed)
    assert outcome.rollback == "incomplete"
    assert fault.hits == 2


@either
async def test_guards_meet_faults(runtime: Runtime, faults: Faults, in_threads: bool) -> None:
    faults.at("first", phase="guard", raise_=TryAgain(after=1))
    faults.at("first", phase="guard", attempt=2, when="after", raise_=PermissionError("no"))
    assert isinstance(await failure(runtime, saga(in_threads=in_threads)), PermissionError)
    assert SEEN == ["guard 1"]


async def test_a_handler_in_a_thread_that_goes_on_regardless_frees_the_clock_and_its_thread(clock: MockClock) -> None:
    """R12: the thread is abandoned: it is counted out of the pool, and holds the clock no longer."""
    loop, is_entered, may_go = asyncio.get_running_loop(), asyncio.Event(), threading.Event()

    @step
    async def first() -> int:
        return 1

    @first.undo(timeout=3, retry=Retry(attempts=1))
    def stubborn(value: int) -> None:
        loop.call_soon_threadsafe(is_entered.set)
        may_go.wait()

    @step
    async def second(value: int) -> int:
        raise ValueError

    @workflow
    def both() -> int:
        return second(first())

    async with Runtime(clock=clock) as runtime:
        run = await runtime.start(both)
        ended = asyncio.ensure_future(run.outcome())
        await is_entered.wait()
        await clock.advance(3)
        await clock.advance(5)
        outcome = await ended
        held = clock.held
        may_go.set()
    assert isinstance(outcome, Failed)
    assert outcome.rollback == "incomplete"
    assert held == 0


# ── injecting ─────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_composed_step_is_named_by_its_path(runtime: Runtime, faults: Faults) -> None:
    @workflow
    def outer() -> str:
        return looped()

    faults.at("looped.on_the_loop", raise_=KeyError())
    assert isinstance(await failure(runtime, outer), KeyError)


async def test_a_star_strikes_everywhere(runtime: Runtime, faults: Faults) -> None:
    fault = faults.at("*", raise_=ConnectionError())
    assert await runtime.run(looped) == await runtime.run(inlined) == "done"
    assert fault.hits == 2


async def test_faults_that_were_forgotten_strike_no_more(runtime: Runtime, faults: Faults) -> None:
    faults.at("on_the_loop", attempt=None, raise_=KeyError())
    faults.clear()
    assert await runtime.run(looped) == "done"


async def test_a_run_resumed_from_its_snapshot_meets_them(make_runtime: MakeRuntime) -> None:
    @step
    async def pause() -> int:
        if step_context().attempt == 1:
            await asyncio.get_running_loop().create_future()
        return 1

    @workflow
    def paused() -> int:
        return pause()

    async with make_runtime() as runtime:
        run = await runtime.start(paused)
        await run.halt()
        halted: Any = await run.outcome()
    async with make_runtime() as runtime:
        inject(runtime).at("pause", attempt=2, raise_=KeyError())
        with pytest.raises(RunFailed):
            await (await runtime.resume(paused, halted.snapshot)).result()


@pytest.mark.parametrize("what", [{}, {"hang": True, "crash": True}, {"raise_": KeyError, "cancel": True}])
def test_a_fault_is_one_thing(what: Any) -> None:
    with pytest.raises(InvalidState, match="a fault at 'seat' is one of"):
        Faults().at("seat", **what)


def test_a_fault_says_where_it_is() -> None:
    assert str(Faults().at("seat", phase="undo", when="after", hang=True)) == "after the undo of seat#1"
    assert str(Faults().at("seat", attempt=None, hang=True)) == "before the run of seat"
