"""R42: a subscriber can't slow down or break a run."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from structlog.testing import capture_logs

from actorflow import Event, Run, Runtime, Succeeded, step, workflow
from actorflow.facts import EventsLost, RunEnded, RunStarted, StepFact
from actorflow.testing import MockClock
from tests.conformance.seen import forever


@step
async def nap(number: int) -> int:
    await asyncio.sleep(1.0)  # the mock clock's
    return number + 1


@workflow
def long() -> int:
    value = 0
    for _ in range(20):
        value = nap(value)
    return value


async def test_a_slow_subscriber_does_not_slow_down_a_run(clock: MockClock) -> None:
    """R42: a subscriber can't slow down … a run."""

    async def slow(event: Event) -> None:
        await asyncio.sleep(1000.0)

    async with Runtime(clock=clock) as runtime:
        runtime.subscribe(slow)
        assert await runtime.run(long) == 20
        assert clock.monotonic() == 20.0


async def test_one_that_never_comes_back_does_not_hold_up_a_run_or_the_end(clock: MockClock) -> None:
    """R42: … or break a run; leaving the runtime gives it a while, then lets it go."""

    async def stuck(event: Event) -> None:
        await forever()

    async with Runtime(clock=clock) as runtime:
        runtime.subscribe(stuck)
        unread = runtime.subscribe()
        assert await runtime.run(long) == 20
    assert clock.monotonic() <= 30.0
    assert [event async for event in unread]


async def test_the_oldest_are_dropped_and_their_number_is_told_in_the_stream(clock: MockClock) -> None:
    """R42: bounded buffer, oldest dropped, the number lost told in the stream."""
    everything: list[Event] = []
    async with Runtime(clock=clock) as runtime:
        runtime.subscribe(everything.append, StepFact)
        late = runtime.subscribe(None, StepFact, buffer=5)
        await runtime.run(long)
    lost, *kept = [event async for event in late]
    assert isinstance(lost.fact, EventsLost)
    assert lost.fact.count + len(kept) == len(everything)
    assert kept == everything[-len(kept) :]
    assert 0 < len(kept) <= 10


async def test_others_lose_nothing_by_it(clock: MockClock) -> None:
    """R42: a buffer is each subscriber's own."""
    heard: list[Event] = []
    async with Runtime(clock=clock) as runtime:
        runtime.subscribe(heard.append, buffer=5)
        late = runtime.subscribe(None, buffer=1)
        await runtime.run(long)
        late.close()
    assert [event.sequence for event in heard if event.run_id] == list(range(1, 63))


@pytest.mark.parametrize("kind", ["callable", "async callable"])
async def test_one_that_raises_is_reported_and_goes_on(clock: MockClock, kind: str) -> None:
    """R42: one that raises is reported; its errors reach neither the run nor other subscribers."""
    heard: list[Event] = []

    def raises(event: Event) -> None:
        heard.append(event)
        if len(heard) % 5 == 0:
            raise ZeroDivisionError("by design")

    async def raises_async(event: Event) -> None:
        raises(event)

    listener: Any = raises if kind == "callable" else raises_async
    others: list[Event] = []
    with capture_logs() as logs:
        async with Runtime(clock=clock) as runtime:
            runtime.subscribe(listener, StepFact)
            runtime.subscribe(others.append, StepFact)
            assert await runtime.run(long) == 20
    assert heard == others
    assert len(heard) == 60
    reports = [line for line in logs if "ZeroDivisionError: by design" in line.get("error", "")]
    assert len(reports) == 12
    assert all("raises" in line["subscriber"] for line in reports)


@pytest.mark.parametrize("kind", ["callable", "async callable"])
async def test_one_that_raises_ten_times_in_a_row_is_detached(clock: MockClock, kind: str) -> None:
    """R42: … and detached after ten errors in a row."""
    heard: list[Event] = []

    def raises(event: Event) -> None:
        heard.append(event)
        raise ZeroDivisionError

    async def raises_async(event: Event) -> None:
        raises(event)

    listener: Any = raises if kind == "callable" else raises_async
    with capture_logs() as logs:
        async with Runtime(clock=clock) as runtime:
            runtime.subscribe(listener, StepFact)
            assert await runtime.run(long) == 20
    assert len(heard) == 10
    assert [line["in_a_row"] for line in logs] == list(range(1, 11))
    assert "detached" in logs[-1]["event"]


async def test_callbacks_may_start_runs(clock: MockClock) -> None:
    """R42: callbacks run on the telemetry actor and may start runs."""

    @step
    async def follow() -> str:
        return "followed"

    @workflow
    def follows() -> str:
        return follow()

    starts: list[asyncio.Task[Run[str]]] = []

    def on_end(event: Event) -> None:
        if event.fact.workflow == "long":
            starts.append(asyncio.ensure_future(runtime.start(follows)))

    async def on_end_async(event: Event) -> None:
        if event.fact.workflow == "long":
            answers.append(await runtime.run(follows))

    answers: list[str] = []
    async with Runtime(clock=clock) as runtime:
        runtime.subscribe(on_end, RunStarted)
        runtime.subscribe(on_end_async, RunStarted)
        await runtime.run(long)
        (start,) = starts
        run = await start
        assert await run.outcome() == Succeeded("followed", run.id)
    assert answers == ["followed"]


async def test_callbacks_do_not_run_inside_the_turn_that_they_are_told_of(clock: MockClock) -> None:
    """R42: callbacks run on the telemetry actor: never inside a step, or whatever else of the run is going on."""
    inside = False
    seen: list[bool] = []

    @step(mode="inline")
    def act(number: int) -> int:
        nonlocal inside
        inside = True
        runtime.subscribe(lambda event: seen.append(inside))
        inside = False
        return number

    @workflow
    def acts() -> int:
        return act(act(1))

    async with Runtime(clock=clock) as runtime:
        runtime.subscribe(lambda event: seen.append(inside))
        await runtime.run(acts)
    assert seen
    assert not any(seen)


async def test_a_callback_may_close_its_own_subscription(clock: MockClock) -> None:
    """R42: … and leave in the middle of it."""
    heard: list[Event] = []

    def once(event: Event) -> None:
        heard.append(event)
        subscription.close()

    async with Runtime(clock=clock) as runtime:
        subscription = runtime.subscribe(once, RunEnded)
        await runtime.run(long)
        await runtime.run(long)
    assert len(heard) == 1
