"""R3: with a store, types that can't be encoded are refused when the plan is compiled, not after a step has acted."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from actorflow import (
    InvalidWorkflow,
    MemoryStore,
    Resource,
    Runtime,
    StartRun,
    around,
    choose,
    each,
    fail,
    step,
    workflow,
)
from actorflow.testing import MockClock


class Socket:
    """Nobody knows how to write one."""


CARDS = Resource[Socket]("cards")


@step
async def connect(host: str) -> Socket:
    return Socket()


@step
async def send(socket: Socket, text: str) -> int:
    return len(text)


@step
async def callbacks() -> list[Callable[[], None]]:
    return []


@workflow
def talking(socket: Socket, text: str) -> Socket:
    send(socket, text)
    callbacks()
    return connect(text)


async def test_all_problems_are_told_at_once_each_with_its_node_and_line(clock: MockClock) -> None:
    """R3: `InvalidWorkflow` lists all problems: inputs, steps' results; a runtime that is given the workflow refuses it when it is made."""
    with pytest.raises(InvalidWorkflow) as refused:
        Runtime(store=MemoryStore(clock=clock), workflows=[talking], clock=clock)
    told = refused.value.problems
    assert len(told) == 3
    assert "input 'socket'" in told[0] and "Socket" in told[0]
    assert "'callbacks'" in told[1] and "test_r03_with_a_store.py:" in told[1]
    assert "'connect'" in told[2] and "Socket" in told[2]


async def test_a_workflow_started_as_an_object_is_refused_before_any_of_it_runs(clock: MockClock) -> None:
    """R3: … and so does one on which it is started; nothing has run, nothing is stored."""
    store = MemoryStore(clock=clock)
    async with Runtime(store=store, clock=clock) as runtime:
        with pytest.raises(InvalidWorkflow, match="can't be stored"):
            await runtime.start(talking, Socket(), "hello")
        assert (await store.list_runs()).runs == []


async def test_without_a_store_nothing_is_refused(clock: MockClock) -> None:
    """R3: "with a store": without one values needn't be encoded."""
    async with Runtime(clock=clock, workflows=[talking]) as runtime:
        assert isinstance(await runtime.run(talking, Socket(), "hello"), Socket)


async def test_what_scopes_give_their_bodies_counts(clock: MockClock) -> None:
    """R3: items are recorded, too: those of a type that can't be are refused."""

    @step
    async def open_all() -> list[Socket]:
        return []

    @workflow
    def sending() -> list[int]:
        return each(open_all(), lambda socket: send(socket, "hello"))

    with pytest.raises(InvalidWorkflow) as refused:
        Runtime(store=MemoryStore(clock=clock), workflows=[sending], clock=clock)
    assert any("'each'" in problem for problem in refused.value.problems), refused.value.problems
    assert any("'open_all'" in problem for problem in refused.value.problems)


async def test_steps_inside_bodies_count(clock: MockClock) -> None:
    """R3: … and so do the results of steps in a body."""

    @workflow
    def connecting(hosts: list[str]) -> int:
        each(hosts, connect)
        return 1

    with pytest.raises(InvalidWorkflow, match="connect"):
        Runtime(store=MemoryStore(clock=clock), workflows=[connecting], clock=clock)


async def test_resources_and_what_arounds_lend_are_excepted(clock: MockClock) -> None:
    """R3: what is never stored needn't be encodable: resources, and what an `around` lends."""

    @asynccontextmanager
    async def connected() -> AsyncIterator[Socket]:
        yield Socket()

    @step
    async def pay(text: str) -> int:
        assert isinstance(CARDS.get(), Socket)
        return len(text)

    @workflow
    def lending(text: str) -> int:
        pay(text)
        return around(connected, lambda socket: send(socket, text))

    store = MemoryStore(clock=clock)
    async with Runtime(store=store, workflows=[lending], clock=clock, resources=[CARDS.provide(Socket())]) as runtime:
        assert await runtime.run(lending, "hello") == 5


async def test_a_step_that_gives_nothing_needs_no_form(clock: MockClock) -> None:
    """R3: one that never returns, as `fail(…)`, has nothing to store."""

    @step
    async def number() -> int:
        return 1

    def refuse() -> int:
        value: int = fail("no such number")
        return value

    @workflow
    def choosing() -> int:
        return choose(number(), {1: number}, default=refuse)

    async with Runtime(store=MemoryStore(clock=clock), clock=clock, workflows=[choosing]) as runtime:
        assert await runtime.run(choosing) == 1


async def test_a_message_that_names_it_is_refused_too(clock: MockClock) -> None:
    """R3, R4: a workflow that was refused isn't known by its name either."""
    async with Runtime(store=MemoryStore(clock=clock), clock=clock) as runtime:
        with pytest.raises(InvalidWorkflow):
            await runtime.run(talking, Socket(), "hello")
        with pytest.raises(Exception, match="no workflow is named 'talking'"):
            await runtime.executor.ask(StartRun.asking(workflow="talking", inputs={}))


@pytest.mark.parametrize("part", [False, True], ids=["itself", "in a list"])
async def test_a_body_that_gives_on_what_is_lent_is_refused(clock: MockClock, part: bool) -> None:
    """R3, R50: what an around lends is gone with its process, so nothing outside may need it."""

    @asynccontextmanager
    async def session() -> AsyncIterator[int]:
        yield 1

    @step
    async def use(value: object) -> None: ...

    @workflow
    def gives_it_on() -> None:
        use(around(session, lambda lent: [lent] if part else lent))

    with pytest.raises(InvalidWorkflow, match="goes with its process"):
        async with Runtime(workflows=[gives_it_on], store=MemoryStore(clock=clock), clock=clock):
            pass
