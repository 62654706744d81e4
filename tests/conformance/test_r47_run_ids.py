"""R47: a run is created once per run id."""

from __future__ import annotations

import asyncio

import pytest

from actorflow import Run, RunConflict, RunFailed, Runtime, StartRun, step, workflow
from actorflow.testing import MockClock

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
def rest(name: str) -> str:
    return nap(name)


@workflow
def other(name: str) -> str:
    return nap(name)


async def test_the_same_id_with_the_same_inputs_gets_the_run_that_is_there(clock: MockClock) -> None:
    """R47: the same id with the same inputs gets the run that is there: one that goes on, and one that has ended."""
    async with Runtime(clock=clock) as runtime:
        options = runtime.options(run_id="r")
        run = await options.start(rest, "a")
        assert await options.start(rest, name="a") is run
        assert await run.result() == "a"
        assert await options.start(rest, "a") is run
        assert await options.run(rest, "a") == "a"
    assert SEEN == ["a"]


async def test_a_run_that_failed_is_there_too(clock: MockClock) -> None:
    """R47: … however it has ended: starting it again gives the same failure."""
    async with Runtime(clock=clock) as runtime:
        for _ in range(2):
            with pytest.raises(RunFailed):
                await runtime.options(run_id="r").run(rest, "fails")
    assert SEEN == ["fails"]


async def test_other_inputs_conflict(clock: MockClock) -> None:
    """R47: with other inputs, `RunConflict`."""
    async with Runtime(clock=clock) as runtime:
        run = await runtime.options(run_id="r").start(rest, "a")
        with pytest.raises(RunConflict, match="'r'"):
            await runtime.options(run_id="r").start(rest, "b")
        assert await run.result() == "a"
        with pytest.raises(RunConflict):
            await runtime.options(run_id="r").start(rest, "b")
    assert SEEN == ["a"]


async def test_another_workflow_conflicts(clock: MockClock) -> None:
    """R47: a run of another workflow isn't the same run."""
    async with Runtime(clock=clock) as runtime:
        await runtime.options(run_id="r").start(rest, "a")
        with pytest.raises(RunConflict, match="'rest'"):
            await runtime.options(run_id="r").start(other, "a")


async def test_messages_are_no_exception(clock: MockClock) -> None:
    """R47: the same goes for requests that come as messages."""
    async with Runtime(clock=clock, workflows=[rest]) as runtime:
        for _ in range(2):
            started = await runtime.executor.ask(StartRun.asking(workflow="rest", inputs={"name": "a"}, run_id="r"))
            assert started.run_id == "r"
        with pytest.raises(RunConflict):
            await runtime.executor.ask(StartRun.asking(workflow="rest", inputs={"name": "b"}, run_id="r"))
        await runtime.get("r").result()
    assert SEEN == ["a"]


async def test_of_any_number_of_concurrent_starts_one_creates_the_run(clock: MockClock) -> None:
    """R47: a run is created once per run id, also when `max_runs` made them wait in line."""
    async with Runtime(clock=clock, max_runs=1) as runtime:
        first = await runtime.start(rest, "first")
        runs: list[Run[str]] = await asyncio.gather(*(runtime.options(run_id="r").start(rest, "a") for _ in range(3)))
        assert runs[0] is runs[1]
        assert runs[1] is runs[2]
        assert [await run.result() for run in (first, runs[0])] == ["first", "a"]
    assert SEEN == ["first", "a"]
