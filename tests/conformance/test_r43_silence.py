"""R43: silence is free: facts of the executor's own are built only if somebody takes them."""

from __future__ import annotations

import gc
import sys

import pytest

from actorflow import Runtime, step, step_context, workflow
from actorflow.facts import Fact, RunEnded, StepHeartbeat, StepScheduled, StepStarted
from actorflow.testing import MockClock

WIDTH = 200
MEASURED: list[int] = []


@step(mode="inline")
def look() -> None:
    """All of the run's steps are scheduled and started in one turn; the first one counts what there is in memory."""
    if not MEASURED:
        MEASURED.append(sys.getallocatedblocks())


@workflow
def looks() -> None:
    for _ in range(WIDTH):
        look()


async def blocks(*taken: type[Fact]) -> int:
    """How much more is in memory when the first step runs than before its run, with such a subscriber."""
    async with Runtime() as runtime:
        for kind in taken:
            runtime.subscribe(lambda event: None, kind)
        await runtime.run(looks)  # what is kept per plan is there from now on
        gc.collect()
        MEASURED.clear()
        before = sys.getallocatedblocks()
        await runtime.run(looks)
    return MEASURED[0] - before


@pytest.mark.parametrize("kind", [StepScheduled, StepStarted])
async def test_a_fact_of_the_executors_own_is_built_only_if_it_is_taken(kind: type[Fact]) -> None:
    """R43: a fact of the executor's own (`StepScheduled`, `StepStarted`, …) is built as an object only if a store or a
    subscriber takes it."""
    silent = await blocks()
    others = await blocks(RunEnded)
    taken = await blocks(kind)
    assert others - silent < WIDTH / 2
    assert taken - silent >= WIDTH


async def heartbeats(*taken: type[Fact]) -> int:
    """How many heartbeats a step finds that has just sent one, with such a subscriber."""
    found: list[int] = []

    @step(mode="inline")
    def beat() -> None:
        step_context().heartbeat(["alive"])
        run_id = step_context().run_id
        found.append(sum(type(one) is StepHeartbeat and one.run == run_id for one in gc.get_objects()))

    @workflow
    def beats() -> None:
        beat()

    async with Runtime() as runtime:
        for kind in taken:
            runtime.subscribe(lambda event: None, kind)
        await runtime.run(beats)
    return found[0]


async def test_what_only_informs_is_built_only_if_it_is_taken() -> None:
    """R43: … and so is what only informs."""
    assert await heartbeats() == 0
    assert await heartbeats(RunEnded) == 0
    assert await heartbeats(StepHeartbeat) == 1


@step
async def add(value: int) -> int:
    return value + 1


@workflow
def adds() -> int:
    return add(add(0))


async def test_every_change_of_state_is_folded_as_a_fact(clock: MockClock) -> None:
    """R43: every change of state is a fact and is folded as one: a run does the same whoever listens."""
    results: list[object] = []
    for kinds in ((), (Fact,), (RunEnded,)):
        async with Runtime(clock=clock) as runtime:
            for kind in kinds:
                runtime.subscribe(lambda event: None, kind)
            run = await runtime.start(adds)
            results.append((await run.result(), run.status()))
    assert results == [(2, "succeeded")] * 3


async def test_one_who_comes_in_the_middle_hears_what_comes_then(clock: MockClock) -> None:
    """R43: what wasn't built isn't told later: a subscriber gets nothing from before it subscribed."""
    heard: list[str] = []

    @step
    async def listen() -> int:
        runtime.subscribe(lambda event: heard.append(type(event.fact).__name__))
        return 1

    @workflow
    def listens() -> int:
        return add(listen())

    async with Runtime(clock=clock) as runtime:
        await runtime.run(listens)
    assert heard == ["StepSucceeded", "StepScheduled", "StepStarted", "StepSucceeded", "RunEnded"]
