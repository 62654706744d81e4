"""R10, R7, R4: what a run has when it goes on in another runtime: its context, its values, its workflow."""

from __future__ import annotations

import asyncio
from contextvars import ContextVar
from typing import Any

import pytest

from actorflow import InvalidWorkflow, Resource, Runtime, StartRun, UnknownWorkflow, step, step_context, workflow
from actorflow.testing import MockClock
from actorflow.testing.lives import Life
from tests.conformance.conftest import OpenStore
from tests.conformance.seen import forever
from tests.conformance.surviving import LEASE, begin, is_here, lapse, taken_over, until

SEEN: list[Any] = []
TENANT: ContextVar[str] = ContextVar("tenant", default="nobody")
CARDS = Resource[str]("cards")


@pytest.fixture(autouse=True)
def _fresh() -> None:
    SEEN.clear()


@step
async def look(value: int) -> int:
    SEEN.append((value, dict(step_context().context), TENANT.get(), CARDS.get()))
    if len(SEEN) == 1:
        await forever()
    return value


@step
async def add(value: int) -> int:
    return value + 1


@workflow
def looking(value: int) -> int:
    return look(add(value))


async def test_context_comes_back_and_context_variables_do_not(clock: MockClock, open_store: OpenStore) -> None:
    """R10: after a restart context variables are gone; what must travel is in the run's `context`, stored with the run. Resources are those of
    the runtime that has it.
    """
    asked = {"tenant": "ann", "trip": {"legs": [1, 2]}}
    async with Life(open_store(), clock=clock, resources=[CARDS.provide("old")]) as life:
        token = TENANT.set("ann")
        await begin(life.runtime, looking, 1, context=asked)
        TENANT.reset(token)
        await until(lambda: SEEN)
        life.die()
    await lapse(clock)
    async with Runtime(
        store=open_store(), clock=clock, workflows=[looking], resources=[CARDS.provide("new")]
    ) as runtime:
        assert await (await taken_over(runtime, "r")).result() == 2
    assert SEEN == [(2, asked, "ann", "old"), (2, asked, "nobody", "new")]


async def test_in_a_rollback_too(clock: MockClock, open_store: OpenStore) -> None:
    """R10: undos see the same context."""

    @step
    async def part() -> str:
        return "part"

    @part.undo
    async def undo(value: str) -> None:
        SEEN.append(dict(step_context().context))
        if len(SEEN) == 1:
            await forever()

    @step
    async def fail(value: str) -> None:
        raise ValueError("no")

    @workflow
    def failing() -> None:
        fail(part())

    async with Life(open_store(), clock=clock) as life:
        await begin(life.runtime, failing, context={"who": "ann"})
        await until(lambda: SEEN)
        life.die()
    await lapse(clock)
    async with Runtime(store=open_store(), clock=clock, workflows=[failing]) as runtime:
        await (await taken_over(runtime, "r")).outcome()
    assert SEEN == [{"who": "ann"}, {"who": "ann"}]


async def test_a_value_is_there_as_long_as_a_record_may_need_it(clock: MockClock, open_store: OpenStore) -> None:
    """R7: a value that was dropped here, as nothing needed it any more, comes back from the record where something does: an undo, a long chain."""
    undone: list[int] = []

    @step
    async def link(value: int) -> int:
        return value + 1

    @link.undo
    async def unlink(result: int, value: int) -> None:
        assert result == value + 1
        undone.append(result)
        if len(undone) == 20:
            await forever()

    @step
    async def fail(value: int) -> None:
        raise ValueError("no")

    @workflow
    def chain() -> None:
        value = link(0)
        for _ in range(49):
            value = link(value)
        fail(value)

    async with Life(open_store(), clock=clock) as life:
        await begin(life.runtime, chain)
        await until(lambda: len(undone) == 20)
        life.die()
    await lapse(clock)
    async with Runtime(store=open_store(), clock=clock, workflows=[chain]) as runtime:
        await (await taken_over(runtime, "r")).outcome()
    assert undone == [*range(50, 30, -1), *range(31, 0, -1)]


async def test_recovery_finds_the_workflows_that_were_given(clock: MockClock, open_store: OpenStore) -> None:
    """R4: recovery finds the workflows given as `Runtime(workflows=…)` …"""
    await leave(clock, open_store)
    async with Runtime(
        store=open_store(), clock=clock, workflows=[looking], resources=[CARDS.provide("new")]
    ) as runtime:
        assert await (await taken_over(runtime, "r")).result() == 2


async def test_and_those_that_were_started_as_objects(clock: MockClock, open_store: OpenStore) -> None:
    """R4: … and those started on that runtime as objects; others' runs are left to whoever knows them."""
    await leave(clock, open_store)
    async with Runtime(store=open_store(), clock=clock, resources=[CARDS.provide("new")]) as runtime:
        await asyncio.sleep(LEASE * 3)
        assert not is_here(runtime, "r")
        assert await runtime.run(looking, 7) == 8
        assert await (await taken_over(runtime, "r")).result() == 2


async def test_names_are_refused_as_ever(clock: MockClock, open_store: OpenStore) -> None:
    """R4: an unknown name gets `UnknownWorkflow`, also when a run of it is stored; two workflows of one name are refused."""
    await leave(clock, open_store)

    @workflow(name="looking")
    def another(value: int) -> int:
        return add(value)

    async with Runtime(store=open_store(), clock=clock) as runtime:
        with pytest.raises(UnknownWorkflow, match="looking"):
            await runtime.executor.ask(StartRun.asking(workflow="looking", inputs={"value": 1}, run_id="r"))
    with pytest.raises(InvalidWorkflow, match="another workflow of this name"):
        Runtime(store=open_store(), clock=clock, workflows=[looking, another])


async def leave(clock: MockClock, open_store: OpenStore) -> None:
    async with Life(open_store(), clock=clock, resources=[CARDS.provide("old")]) as life:
        await begin(life.runtime, looking, 1)
        await until(lambda: SEEN)
        life.die()
    await lapse(clock)
