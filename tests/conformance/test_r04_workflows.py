"""R4: workflows are objects; they are drawn once, found by those who were given them, and done when all nodes are."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
import pytest

from actorflow import InvalidWorkflow, Runtime, StartRun, UnknownWorkflow, Workflow, step, workflow
from actorflow.testing import MockClock


class Pair(msgspec.Struct):
    left: int
    right: int


@step(mode="inline")
def double(value: int) -> int:
    return 2 * value


@workflow
def doubled(value: int) -> int:
    return double(value)


def namesake() -> Workflow[[int], int]:
    @workflow(name="doubled")
    def other(value: int) -> int:
        return double(double(value))

    return other


async def ask(runtime: Runtime, name: str) -> int:
    """Runs a workflow of one int by a message."""
    started = await runtime.executor.ask(StartRun.asking(workflow=name, inputs={"value": 3}))
    value: int = await runtime.get(started.run_id).result()
    return value


# ── who knows it ──


async def test_a_definition_enters_nothing_in_a_global_table(clock: MockClock) -> None:
    """R4: `@workflow` enters nothing in a global table: one runtime's workflows aren't another's."""
    async with Runtime(workflows=[doubled], clock=clock) as one, Runtime(clock=clock) as other:
        assert await ask(one, "doubled") == 6
        with pytest.raises(UnknownWorkflow):
            await ask(other, "doubled")


async def test_messages_find_the_workflows_that_were_given(clock: MockClock) -> None:
    """R4: messages find the workflows given as `Runtime(workflows=…)`."""
    async with Runtime(workflows=[doubled], clock=clock) as runtime:
        assert await ask(runtime, "doubled") == 6


async def test_messages_find_the_workflows_that_were_started_as_objects(clock: MockClock) -> None:
    """R4: … and those started on that runtime as objects."""
    async with Runtime(clock=clock) as runtime:
        assert await runtime.run(doubled, 1) == 2
        assert await ask(runtime, "doubled") == 6


async def test_two_different_ones_of_one_name_are_refused(clock: MockClock) -> None:
    """R4: two different ones of one name are refused with `InvalidWorkflow`."""
    with pytest.raises(InvalidWorkflow, match="doubled"):
        Runtime(workflows=[doubled, namesake()])
    async with Runtime(workflows=[doubled], clock=clock) as runtime:
        with pytest.raises(InvalidWorkflow, match="doubled"):
            await runtime.start(namesake(), 3)
        assert await runtime.run(doubled, 3) == 6


async def test_an_unknown_name_gets_the_nearest_one(clock: MockClock) -> None:
    """R4: an unknown name gets `UnknownWorkflow`, with the nearest one."""
    async with Runtime(workflows=[doubled], clock=clock) as runtime:
        with pytest.raises(UnknownWorkflow, match=r"'duobled'.*did you mean 'doubled'"):
            await ask(runtime, "duobled")


# ── when it is drawn ──


@pytest.fixture
def drawn() -> list[Any]:
    return []


def counted(drawn: list[Any]) -> Workflow[[int], int]:
    @workflow
    def inner(value: int) -> int:
        drawn.append(value)
        return double(value)

    return inner


def test_it_is_drawn_at_the_first_compile_and_only_then(drawn: list[Any]) -> None:
    """R4: a workflow is drawn once, at the first `compile()`."""
    inner = counted(drawn)
    assert drawn == []
    assert inner.compile() is inner.compile()
    assert len(drawn) == 1


async def test_it_is_drawn_at_the_first_run_and_only_then(clock: MockClock, drawn: list[Any]) -> None:
    """R4: … or at the first run."""
    inner = counted(drawn)
    async with Runtime(clock=clock) as runtime:
        assert [await runtime.run(inner, n) for n in (1, 2, 3)] == [2, 4, 6]
    assert len(drawn) == 1


async def test_it_is_drawn_at_the_first_call_from_another_workflow_and_only_then(
    clock: MockClock, drawn: list[Any]
) -> None:
    """R4: … or at the first call from another workflow."""
    inner = counted(drawn)

    @workflow
    def outer(value: int) -> int:
        return inner(inner(value))

    outer.compile()
    assert len(drawn) == 1
    async with Runtime(clock=clock) as runtime:
        assert await runtime.run(outer, 1) == 4
        assert await runtime.run(inner, 1) == 2
    assert len(drawn) == 1


def test_it_is_called_with_promises(drawn: list[Any]) -> None:
    """R4: the function is called with promises."""
    counted(drawn).compile()
    (value,) = drawn
    assert not isinstance(value, int)
    with pytest.raises(InvalidWorkflow, match="promise"):
        bool(value)


def test_it_is_sync() -> None:
    """R4: the function is sync."""
    with pytest.raises(InvalidWorkflow, match="def"):

        @workflow
        async def waits(value: int) -> int:
            return double(value)


# ── what it returns ──


@pytest.mark.parametrize(
    ("returned", "value"),
    [
        (lambda given: double(given), 6),
        (lambda given: given, 3),
        (lambda given: 7, 7),
        (lambda given: {"twice": double(given), "once": given}, {"twice": 6, "once": 3}),
        (lambda given: [double(given), given, 7], [6, 3, 7]),
        (lambda given: (double(given), [given]), (6, [3])),
        (lambda given: Pair(given, double(given)), Pair(3, 6)),
        (lambda given: {"pairs": [Pair(double(given), 0)]}, {"pairs": [Pair(6, 0)]}),
    ],
    ids=["promise", "input", "constant", "dict", "list", "tuple", "struct", "nested"],
)
async def test_what_it_may_return(clock: MockClock, returned: Any, value: Any) -> None:
    """R4: it may return one promise, an input, a constant, or a dict, list, tuple or struct of them."""

    @workflow
    def gives(given: int) -> Any:
        return returned(given)

    async with Runtime(clock=clock) as runtime:
        result = await runtime.run(gives, 3)
        assert result == value
        assert type(result) is type(value)


async def test_it_may_return_nothing(clock: MockClock) -> None:
    """R4: `-> None` is fine."""

    @workflow
    def silent(given: int) -> None:
        double(given)

    async with Runtime(clock=clock) as runtime:
        run = await runtime.start(silent, 3)
        assert await run.outcome() is not None
        assert run.status() == "succeeded"


async def test_a_run_ends_when_every_node_is_resolved(clock: MockClock) -> None:
    """R4: a run ends when every node is resolved, whether or not the result needs it."""
    ended = []

    @step
    async def aside(seconds: float) -> None:
        await asyncio.sleep(seconds)
        ended.append(seconds)

    @workflow
    def wide(value: int) -> int:
        aside(50.0)
        return double(value)

    async with Runtime(clock=clock) as runtime:
        assert await runtime.run(wide, 3) == 6
        assert ended == [50.0]
        assert clock.monotonic() == 50.0
