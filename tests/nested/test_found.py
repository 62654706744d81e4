"""What random nested workflows have found, each by itself."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import weakref
from typing import Any

from actorflow import Failed, Halt, Halted, Plan, RunFailed, Runtime, each, emit, group, step, workflow
from actorflow.testing import MockClock, open_runtime


@step
async def twice(value: int) -> int:
    return value * 2


@step
async def add(one: int, other: int) -> int:
    return one + other


async def test_a_body_may_use_what_its_workflow_was_given_as_a_constant(runtime: Runtime):
    """Captures that are constants once the workflow is composed."""

    @workflow
    def inner(more: int) -> Any:
        return each([1, 2], lambda item: add(item, more))

    @workflow
    def outer() -> Any:
        return inner(10)

    assert await runtime.run(outer) == [11, 12]


def alive(kind: type) -> int:
    gc.collect()
    return sum(isinstance(thing, kind) for thing in gc.get_objects())


async def test_what_was_emitted_is_let_go_with_its_run():
    """R32: a service whose steps emit doesn't grow."""

    @step
    async def store(value: int) -> int:
        if value:
            emit(each([value - 1], store))
        return value

    @workflow
    def stored() -> int:
        return store(3)

    async with Runtime() as runtime:
        await runtime.run(stored)
        before = alive(Plan)
        for _ in range(10):
            await runtime.run(stored)
        assert alive(Plan) <= before


def test_a_runtime_in_which_something_failed_is_let_go():
    """The kit's recorder knows its errors, whose frames know the runtime."""

    @step
    async def breaks() -> int:
        raise LookupError

    @workflow
    def broken() -> int:
        return breaks()

    async def fails() -> None:
        async with open_runtime() as runtime:
            with contextlib.suppress(RunFailed):
                await runtime.run(broken)

    before = alive(Runtime)
    for _ in range(3):
        asyncio.run(fails())
    assert alive(Runtime) <= before


async def test_a_workflow_that_was_run_is_let_go(runtime: Runtime):
    """Plans made from data come and go."""
    gone: list[Any] = []

    async def runs_one() -> None:
        @workflow(name=f"one_{len(gone)}")
        def one() -> Any:
            return each([1], twice)

        gone.append(weakref.ref(one.compile()))
        async with open_runtime() as other:
            await other.run(one)

    await runs_one()
    gc.collect()
    assert gone[0]() is None


async def test_a_body_that_was_over_at_a_halt_can_be_undone_elsewhere(clock: MockClock):
    """R16: what no undo needs isn't stored, and nobody asks for it (values="decoded")."""

    @step
    async def kept(value: int) -> int:
        return value

    undone: list[int] = []

    @kept.undo
    async def unkept(value: int) -> None:
        undone.append(value)

    @step
    async def halts(value: int) -> int:
        raise Halt(value)

    @step
    async def breaks(value: int) -> int:
        raise LookupError

    @workflow
    def flow(value: int) -> Any:
        return breaks(halts(group(lambda: kept(twice(value)))))

    async with open_runtime(clock=clock) as runtime:
        halted = await (await runtime.start(flow, 2)).outcome()
    assert isinstance(halted, Halted)
    assert halted.snapshot is not None
    async with open_runtime(clock=clock) as runtime:
        outcome = await (await runtime.resume(flow, halted.snapshot)).outcome()
    assert isinstance(outcome, Failed)
    assert outcome.rollback == "complete"
    assert undone == [4]
