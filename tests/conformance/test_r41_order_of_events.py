"""R41: a run's events come in causal order, none missing, none doubled."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from actorflow import Event, Runtime, Subscription, TryAgain, Workflow, step, step_context, workflow
from actorflow.facts import Fact, RunEnded, RunFact, StepFact, StepScheduled, StepStarted, StepSucceeded
from actorflow.testing import MockClock
from tests.conformance.seen import History

WIDTH = 30


@step
async def source(number: int) -> int:
    if step_context().attempt < 3:
        raise TryAgain(after=0)
    return number


@step
async def left(value: int) -> int:
    await asyncio.sleep(value % 7 / 10)  # the mock clock's
    return value


@step
def right(value: int) -> int:
    return value


@step(mode="inline")
def join(one: int, other: int) -> int:
    return one + other


@join.undo
async def unjoin(value: int) -> None: ...


@step
async def last(*values: int) -> int:
    total = sum(values)
    if total % 2:
        raise ValueError("odd")
    return total


@workflow
def wide(number: int) -> int:
    joined: list[int] = []
    for _ in range(WIDTH):
        value = source(number)
        joined.append(join(left(value), right(value)))
    return last(*joined[1:], source(number))


async def test_none_is_missing_and_none_doubled(clock: MockClock) -> None:
    """R41: a run's events come … none missing, none doubled: their numbers count from 1, whatever runs beside it."""
    async with Runtime(clock=clock) as runtime:
        history = History(runtime, RunFact, StepFact)
        runs = [await runtime.start(wide, number) for number in range(4)]
        for run in runs:
            await run.outcome()
    for run in runs:
        numbers = [event.sequence for event in history.events if event.run_id == run.id]
        assert numbers == list(range(1, len(numbers) + 1))
        assert len(numbers) > WIDTH * 10


async def test_events_come_in_causal_order(clock: MockClock) -> None:
    """R41: in causal order: what starts a thing comes before its end, and before what follows from it."""
    needs = needs_of(wide)
    async with Runtime(clock=clock) as runtime:
        history = History(runtime)
        runs = [await runtime.start(wide, number) for number in (1, 2)]
        for run in runs:
            await run.outcome()
    for run in runs:
        done: set[str] = set()
        started: set[tuple[str, int]] = set()
        for event in history.events:
            if event.run_id != run.id:
                continue
            match event.fact:
                case StepScheduled():
                    assert needs[event.node] <= done
                case StepStarted():
                    assert (event.node, event.attempt - 1) in started or event.attempt == 1
                    started.add((event.node, event.attempt))
                case StepSucceeded():
                    assert (event.node, event.attempt) in started
                    done.add(event.node)
                case _:
                    pass
        times = [event.monotonic for event in history.events if event.run_id == run.id]
        assert times == sorted(times)


def needs_of(of: Workflow[..., Any]) -> dict[str, set[str]]:
    plan = of.compile()
    return {name: {plan.names[need] for need in plan.needs[node]} for node, name in enumerate(plan.names)}


@pytest.mark.parametrize("way", ["callable", "async callable", "loop", "one run"])
async def test_every_way_to_listen_hears_the_same(clock: MockClock, way: str) -> None:
    """R41: … to a subscriber whose buffer hasn't overflowed, whichever way it listens."""
    heard: list[Event] = []
    async with Runtime(clock=clock) as runtime:
        history = History(runtime, RunFact, StepFact)
        listening: asyncio.Task[None] | None = None
        match way:
            case "callable":
                runtime.subscribe(heard.append, RunFact, StepFact)
            case "async callable":

                async def hear(event: Event) -> None:
                    await asyncio.sleep(0)
                    heard.append(event)

                runtime.subscribe(hear, RunFact, StepFact, buffer=5000)
            case "loop":
                listening = asyncio.ensure_future(read(runtime.subscribe(None, RunFact, StepFact, buffer=5000), heard))
            case _:
                pass
        run = await runtime.start(wide, 2)
        if way == "one run":
            listening = asyncio.ensure_future(read(run.events(), heard))
        await run.outcome()
    if listening is not None:
        await listening
    assert heard == history.events[-len(heard) :]
    assert way == "one run" or len(heard) == len(history.events)
    assert isinstance(heard[-1].fact, RunEnded)


async def read(events: Subscription | AsyncIterator[Event], into: list[Event]) -> None:
    into.extend([event async for event in events])


async def test_events_leave_before_whoever_waits_is_told(clock: MockClock) -> None:
    """R41: a run's end is told once to all: a subscriber has heard it when the runtime is left."""
    async with Runtime(clock=clock) as runtime:
        history = History(runtime, RunEnded)
        await runtime.run(wide, 2)
    assert [event.fact.status for event in history.events] == ["succeeded"]


async def test_numbers_go_on_when_a_run_is_resumed(clock: MockClock) -> None:
    """R41: a run that was halted here has one history."""

    async with Runtime(clock=clock) as runtime:
        history = History(runtime, Fact)
        run = await runtime.options(max_steps=40, on_timeout="halt").start(wide, 2)
        while True:
            await run.outcome()
            if run.status() != "halted":
                break
            run = await runtime.resume(wide, run.id)
    numbers = [event.sequence for event in history.events if event.run_id == run.id]
    assert numbers == list(range(1, len(numbers) + 1))
