"""R47: a run is created once per run id, whichever runtime is asked."""

from __future__ import annotations

import asyncio

import pytest

from actorflow import Cancelled, Halt, Halted, Run, RunConflict, RunFailed, Runtime, StartRun, step, workflow
from actorflow.testing import MockClock
from tests.conformance.conftest import OpenStore
from tests.conformance.surviving import begin

SEEN: list[str] = []


@pytest.fixture(autouse=True)
def _fresh() -> None:
    SEEN.clear()


@step
async def nap(name: str) -> str:
    SEEN.append(name)
    await asyncio.sleep(1.0)  # the mock clock's
    if name == "fails":
        raise ValueError("no")
    return name


@workflow
def rest(name: str, how_long: float = 1.0) -> str:
    return nap(name)


@workflow
def other(name: str) -> str:
    return nap(name)


async def test_a_run_that_has_ended_is_there_in_another_runtime(clock: MockClock, open_store: OpenStore) -> None:
    """R47: the same id with the same inputs gets the run that is there: its result, from the store; nothing runs."""
    async with Runtime(store=open_store(), clock=clock) as runtime:
        assert await runtime.options(run_id="r").run(rest, "a") == "a"
    async with Runtime(store=open_store(), clock=clock) as runtime:
        run = await begin(runtime, rest, "a")
        assert (await run.result(), run.status()) == ("a", "succeeded")
        assert await runtime.options(run_id="r").run(rest, name="a", how_long=1.0) == "a"
    assert SEEN == ["a"]


async def test_one_that_failed_or_was_cancelled_is_there_too(clock: MockClock, open_store: OpenStore) -> None:
    """R47: … however it has ended."""
    async with Runtime(store=open_store(), clock=clock) as runtime:
        with pytest.raises(RunFailed):
            await runtime.options(run_id="r").run(rest, "fails")
        run = await begin(runtime, rest, "b", run_id="c")
        await run.cancel("enough")
        await run.outcome()
    async with Runtime(store=open_store(), clock=clock) as runtime:
        with pytest.raises(RunFailed, match="ValueError: no") as failed:
            await runtime.options(run_id="r").run(rest, "fails")
        assert isinstance(failed.value.__cause__, ValueError)
        outcome = await (await begin(runtime, rest, "b", run_id="c")).outcome()
        assert isinstance(outcome, Cancelled) and outcome.reason == "enough"
    assert SEEN == ["fails", "b"]


async def test_a_run_that_goes_on_elsewhere_is_waited_for(clock: MockClock, open_store: OpenStore) -> None:
    """R47, R50: one that a live runtime has isn't begun again: whoever asks another one gets its outcome when it ends there."""
    async with Runtime(store=open_store(), clock=clock) as first, Runtime(store=open_store(), clock=clock) as second:
        here = await begin(first, rest, "a")
        there = await begin(second, rest, "a")
        assert there.status() == "running"
        assert await there.result() == "a"
        assert await here.result() == "a"
    assert SEEN == ["a"]


async def test_other_inputs_conflict(clock: MockClock, open_store: OpenStore) -> None:
    """R47: with other inputs, or of another workflow, `RunConflict`: while it goes on, and when it has ended, here and elsewhere."""
    async with Runtime(store=open_store(), clock=clock) as first, Runtime(store=open_store(), clock=clock) as second:
        run = await begin(first, rest, "a")
        for runtime in (first, second):
            with pytest.raises(RunConflict, match="'r'"):
                await begin(runtime, rest, "b")
            with pytest.raises(RunConflict, match="'rest'"):
                await begin(runtime, other, "a")
        await run.result()
        for runtime in (first, second):
            with pytest.raises(RunConflict, match="'r'"):
                await begin(runtime, rest, "a", 2.0)
    assert SEEN == ["a"]


async def test_messages_are_no_exception(clock: MockClock, open_store: OpenStore) -> None:
    """R47: the same goes for requests that come as messages."""
    async with Runtime(store=open_store(), clock=clock, workflows=[rest]) as runtime:
        await runtime.executor.ask(StartRun.asking(workflow="rest", inputs={"name": "a"}, run_id="r"))
        assert await runtime.get("r").result() == "a"
    async with Runtime(store=open_store(), clock=clock, workflows=[rest]) as runtime:
        started = await runtime.executor.ask(StartRun.asking(workflow="rest", inputs={"name": "a"}, run_id="r"))
        assert started.run_id == "r"
        with pytest.raises(RunConflict):
            await runtime.executor.ask(StartRun.asking(workflow="rest", inputs={"name": "b"}, run_id="r"))
    assert SEEN == ["a"]


async def test_of_any_number_of_concurrent_starts_one_creates_the_run(clock: MockClock, open_store: OpenStore) -> None:
    """R47: in one runtime and in several, at the same moment: it runs once, and all get its result."""
    async with Runtime(store=open_store(), clock=clock) as first, Runtime(store=open_store(), clock=clock) as second:
        starts = [begin(runtime, rest, "a") for runtime in (first, second, first, second)]
        runs: list[Run[str]] = await asyncio.gather(*starts)
        assert [await run.result() for run in runs] == ["a"] * 4
    assert SEEN == ["a"]


async def test_of_two_with_different_inputs_one_is_refused(clock: MockClock, open_store: OpenStore) -> None:
    """R47: at the same moment in two runtimes: one creates it, the other is refused."""
    async with Runtime(store=open_store(), clock=clock) as first, Runtime(store=open_store(), clock=clock) as second:
        tries = await asyncio.gather(begin(first, rest, "a"), begin(second, rest, "b"), return_exceptions=True)
        assert sum(isinstance(one, RunConflict) for one in tries) == 1, tries
        (run,) = [one for one in tries if not isinstance(one, BaseException)]
        await run.result()
    assert len(SEEN) == 1


async def test_a_start_that_waits_for_its_place_creates_it_once(clock: MockClock, open_store: OpenStore) -> None:
    """R47, R32: also when `max_runs` made them wait in line."""
    async with Runtime(store=open_store(), clock=clock, max_runs=1) as runtime:
        first = await runtime.start(rest, "first")
        runs: list[Run[str]] = await asyncio.gather(*(begin(runtime, rest, "a") for _ in range(3)))
        assert [await run.result() for run in (first, *runs)] == ["first", "a", "a", "a"]
    assert SEEN == ["first", "a"]


async def test_a_halted_run_that_went_on_elsewhere_is_seen_as_it_is(clock: MockClock, open_store: OpenStore) -> None:
    """R47, R16: the runtime in which a run was halted doesn't take its own memory for the truth."""

    @step
    async def pause() -> int:
        raise Halt(7)

    @workflow
    def pausing() -> int:
        return pause()

    async with Runtime(store=open_store(), clock=clock) as first, Runtime(store=open_store(), clock=clock) as second:
        assert isinstance(await (await begin(first, pausing)).outcome(), Halted)
        assert await (await second.resume(pausing, "r")).result() == 7
        assert await (await begin(first, pausing)).result() == 7
