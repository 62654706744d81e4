"""R32: options of runs, how many go on at once, and what is kept of those that have ended."""

from __future__ import annotations

import asyncio
import gc
import weakref
from asyncio import CancelledError
from typing import Any

import pytest
from structlog.testing import capture_logs

from actorflow import (
    Cancelled,
    Event,
    InvalidInput,
    Middleware,
    RecordNotFound,
    RunFailed,
    RunInfo,
    Runtime,
    RuntimeBusy,
    RuntimeClosed,
    StartRun,
    Succeeded,
    step,
    step_context,
    workflow,
)
from actorflow.facts import RunStarted
from actorflow.testing import MockClock
from tests.conformance.seen import forever

SEEN: list[str] = []


@pytest.fixture(autouse=True)
def _fresh() -> None:
    SEEN.clear()


@step
async def nap(name: str) -> str:
    SEEN.append(name)
    await asyncio.sleep(1.0)  # the mock clock's
    return name


@workflow
def rest(name: str) -> str:
    return nap(name)


@step
async def refuse() -> None:
    raise ValueError("no")


@workflow
def fails() -> None:
    refuse()


@step
async def hang() -> None:
    SEEN.append("hang")
    await forever()


@workflow
def hangs() -> None:
    hang()


# ── options ───────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_options_go_with_the_runs_started_through_them(clock: MockClock) -> None:
    """R32: run options go `runtime.options(…).run(workflow, …)`, and to no other run."""

    @step
    async def look() -> tuple[str, dict[str, Any]]:
        return step_context().run_id, dict(step_context().context)

    @workflow
    def looks() -> tuple[str, dict[str, Any]]:
        return look()

    async with Runtime(clock=clock) as runtime:
        assert await runtime.options(run_id="r-1", context={"tenant": "north"}).run(looks) == (
            "r-1",
            {"tenant": "north"},
        )
        other, context = await runtime.run(looks)
        assert other != "r-1"
        assert context == {}


async def test_one_set_of_options_serves_many_runs(clock: MockClock) -> None:
    """R32: what `options` gives runs and starts as the runtime does."""
    async with Runtime(clock=clock) as runtime:
        short = runtime.options(timeout=0.5)
        runs = [await short.start(rest, name) for name in ("a", "b")]
        assert [type(await run.outcome()) for run in runs] == [Cancelled, Cancelled]


async def test_labels_are_told_with_the_start_and_to_middleware(clock: MockClock) -> None:
    """R32: `labels=`: what the run is to be found by, in telemetry and middleware."""
    events: list[Event] = []

    class Look(Middleware):
        async def init(self, run: RunInfo, *, resumed: bool) -> None:
            SEEN.append(run.labels["tenant"])

    async with Runtime(clock=clock, middleware=[Look()]) as runtime:
        runtime.subscribe(events.append, RunStarted)
        await runtime.options(labels={"tenant": "north"}).run(rest, "a")
    assert [event.fact.labels for event in events] == [{"tenant": "north"}]
    assert SEEN == ["north", "a"]


async def test_cancelling_the_wait_leaves_the_run_alone(clock: MockClock) -> None:
    """R32: `cancel_with_caller` is off unless asked for."""
    async with Runtime(clock=clock) as runtime:
        run = await runtime.start(rest, "a")
        wait = asyncio.ensure_future(run.result())
        await asyncio.sleep(0.5)
        wait.cancel()
        await asyncio.wait({wait})
        assert await run.result() == "a"


async def test_cancel_with_caller_cancels_the_run_with_the_wait_for_it(clock: MockClock) -> None:
    """R32: `cancel_with_caller=`: cancelling the wait for the run cancels the run."""
    async with Runtime(clock=clock) as runtime:
        caller = asyncio.ensure_future(runtime.options(run_id="r", cancel_with_caller=True).run(rest, "a"))
        await asyncio.sleep(0.5)
        caller.cancel()
        with pytest.raises(CancelledError):
            await caller
        assert isinstance(await runtime.get("r").outcome(), Cancelled)
    assert clock.monotonic() == 0.5


@pytest.mark.parametrize(
    "wrong",
    [
        {"run_id": ""},
        {"run_id": 7},
        {"timeout": "1"},
        {"on_timeout": "panic"},
        {"max_concurrency": 0},
        {"max_steps": 1.5},
        {"context": [1]},
        {"labels": "north"},
        {"priority": 1.5},
        {"priority": None},
        {"reversible": "yes"},
        {"sequential": 1},
        {"cancel_with_caller": None},
    ],
    ids=repr,
)
async def test_options_that_make_no_sense_are_refused_by_name(clock: MockClock, wrong: dict[str, Any]) -> None:
    """R32: an option of the wrong type or out of range is refused before anything starts, by its name."""
    async with Runtime(clock=clock) as runtime:
        with pytest.raises(InvalidInput, match=next(iter(wrong))):
            runtime.options(**wrong)


# ── how many go on at once ────────────────────────────────────────────────────────────────────────────────────────────


async def test_max_runs_makes_start_wait(clock: MockClock) -> None:
    """R32: `max_runs=` on the runtime makes `start` wait: first come, first served."""
    async with Runtime(clock=clock, max_runs=2) as runtime:
        starts = [asyncio.ensure_future(runtime.start(rest, name)) for name in "abcd"]
        await asyncio.sleep(0.5)
        assert [start.done() for start in starts] == [True, True, False, False]
        for start in starts:
            await (await start).result()
    assert SEEN == ["a", "b", "c", "d"]
    assert clock.monotonic() == 2.0


async def test_one_that_waits_to_start_may_give_up(clock: MockClock) -> None:
    """R32: a `start` that is cancelled while it waits gives its place to the next."""
    async with Runtime(clock=clock, max_runs=1) as runtime:
        starts = [asyncio.ensure_future(runtime.start(rest, name)) for name in "abc"]
        await asyncio.sleep(0.5)
        starts[1].cancel()
        await (await starts[2]).result()
    assert SEEN == ["a", "c"]
    assert clock.monotonic() == 2.0


async def test_one_that_waits_to_start_is_told_when_the_runtime_is_left(clock: MockClock) -> None:
    """R32, R37: whoever waits to start a run in a runtime that is left gets `RuntimeClosed`."""
    async with Runtime(clock=clock, max_runs=1, on_exit="cancel") as runtime:
        await runtime.start(hangs)
        waits = asyncio.ensure_future(runtime.start(rest, "a"))
        await asyncio.sleep(0)
    with pytest.raises(RuntimeClosed):
        await waits
    assert SEEN == ["hang"]


async def test_a_message_to_a_full_runtime_is_answered_runtime_busy(clock: MockClock) -> None:
    """R32: the message form answers `RuntimeBusy`."""
    async with Runtime(clock=clock, max_runs=1, workflows=[rest]) as runtime:
        ask = StartRun.asking(workflow="rest", inputs={"name": "a"})
        run = runtime.get((await runtime.executor.ask(ask)).run_id)
        with pytest.raises(RuntimeBusy):
            await runtime.executor.ask(ask)
        await run.result()
        await runtime.get((await runtime.executor.ask(ask)).run_id).result()
    assert SEEN == ["a", "a"]


async def test_however_a_run_ends_its_place_is_free(clock: MockClock) -> None:
    """R32: a run that failed, was cancelled or halted, or was refused by middleware counts no more."""

    class Refuse(Middleware):
        async def init(self, run: RunInfo, *, resumed: bool) -> None:
            if run.labels.get("refuse"):
                raise ValueError("refused")

    async with Runtime(clock=clock, max_runs=1, middleware=[Refuse()]) as runtime:
        await (await runtime.start(fails)).outcome()
        await (await runtime.options(labels={"refuse": "yes"}).start(rest, "never")).outcome()
        await (await runtime.options(timeout=0.5).start(rest, "late")).outcome()
        await (await runtime.options(timeout=0.5, on_timeout="halt").start(rest, "halted")).outcome()
        assert await runtime.run(rest, "last") == "last"
    assert SEEN == ["late", "halted", "last"]


# ── what is kept ──────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_the_handle_keeps_the_outcome(clock: MockClock) -> None:
    """R32: a finished run leaves the table at once; its handle keeps the outcome."""
    async with Runtime(clock=clock, keep_finished=0) as runtime:
        run = await runtime.start(rest, "a")
        assert runtime.get(run.id) is run
        assert await run.result() == "a"
        assert runtime.list_runs() == []
        with pytest.raises(RecordNotFound):
            runtime.get(run.id)
        assert await run.outcome() == Succeeded("a", run.id)
        assert run.status() == "succeeded"
    assert await run.result() == "a"


async def test_the_last_runs_are_kept(clock: MockClock) -> None:
    """R32: … and the last `keep_finished` are there for `get` and `list_runs`."""
    async with Runtime(clock=clock, keep_finished=2) as runtime:
        runs = [await runtime.start(rest, name) for name in "abc"]
        assert runtime.list_runs() == runs
        for run in runs:
            await run.result()
        assert runtime.list_runs() == runs[1:]
        assert runtime.get(runs[2].id) is runs[2]
        with pytest.raises(RecordNotFound, match=runs[0].id):
            runtime.get(runs[0].id)


async def test_a_thousand_are_kept_unless_told() -> None:
    """R32: `keep_finished=1000` is the default."""

    @step(mode="inline")
    def nothing() -> None: ...

    @workflow
    def empty() -> None:
        nothing()

    async with Runtime() as runtime:
        for _ in range(1001):
            await runtime.run(empty)
        assert len(runtime.list_runs()) == 1000


async def test_a_finished_run_keeps_nothing_but_its_outcome(clock: MockClock) -> None:
    """R32: a finished run leaves the table at once: what its steps gave each other goes with it."""

    class Heavy: ...

    made: list[weakref.ref[Heavy]] = []

    @step
    async def make() -> Heavy:
        heavy = Heavy()
        made.append(weakref.ref(heavy))
        return heavy

    @make.undo
    async def unmake(value: Heavy) -> None: ...

    @step
    async def weigh(heavy: Heavy) -> int:
        return 7

    @workflow
    def weighs() -> int:
        return weigh(make())

    async with Runtime(clock=clock) as runtime:
        run = await runtime.start(weighs)
        assert await run.result() == 7
        await asyncio.sleep(1.0)
        gc.collect()
        assert [ref() for ref in made] == [None]
        assert runtime.get(run.id) is run


# ── failures that nobody hears of ─────────────────────────────────────────────────────────────────────────────────────


async def test_a_failed_run_that_nobody_waits_for_is_logged_once_as_an_error(clock: MockClock) -> None:
    """R32: a failed run that nobody waits for is logged once, as an error."""
    with capture_logs() as logs:
        async with Runtime(clock=clock) as runtime:
            run = await runtime.start(fails)
            await asyncio.sleep(1.0)
            assert run.status() == "failed"
    assert [(line["log_level"], line["run"]) for line in logs] == [("error", run.id)]
    assert "ValueError: no" in logs[0]["error"]


async def test_a_failed_run_that_somebody_waits_for_is_not_logged(clock: MockClock) -> None:
    """R32: whoever waits gets the error, and nothing is logged."""
    with capture_logs() as logs:
        async with Runtime(clock=clock) as runtime:
            with pytest.raises(RunFailed):
                await runtime.run(fails)
    assert logs == []
