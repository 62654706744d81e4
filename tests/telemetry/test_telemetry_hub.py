"""The hub: events around facts, for whoever takes them (R40, R41, R43), without ever breaking a run (R42)."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
import structlog
from structlog.testing import capture_logs

from actorflow.clock import Clock
from actorflow.errors import InvalidState, RuntimeClosed
from actorflow.facts import (
    ActorSpawned,
    AttemptFailed,
    Event,
    EventsLost,
    Fact,
    RunEnded,
    RunStarted,
    StepFact,
    StepScheduled,
    StepStarted,
    StepSucceeded,
)
from actorflow.telemetry import Hub, Subscription
from actorflow.testing import EPOCH, MockClock

NAMES = ("charge", "book")


@pytest.fixture
async def hub(clock: MockClock) -> Hub:
    return Hub(asyncio.get_running_loop(), clock)


@pytest.fixture(autouse=True)
def _log_is_plain() -> Any:
    structlog.reset_defaults()
    yield
    structlog.reset_defaults()


def step(node: int = 0, at: float = 0.0) -> list[Fact]:
    return [
        StepScheduled("r", node, 1, at),
        StepStarted("r", node, 1, at),
        StepSucceeded("r", node, 1, at + 2, "value", at),
    ]


def scheduled(count: int, first: int = 0) -> list[Fact]:
    return [StepScheduled("r", 0, 1, float(first + n)) for n in range(count)]


def ats(events: list[Event]) -> list[float]:
    return [event.monotonic for event in events]


async def turn() -> None:
    """One turn of the loop: what was due at its beginning has run."""
    await asyncio.sleep(0)


# ── what an event says ────────────────────────────────────────────────────────────────────────────────────────────


async def test_r40_an_event_names_run_number_node_attempt_times_and_duration(hub: Hub) -> None:
    got: list[Event] = []
    hub.subscribe(got.append)
    facts: list[Fact] = [
        RunStarted("r", 1.0, "trip", {}),
        *step(1, at=1.0),
        RunEnded("r", 9.0, "succeeded", "none", 1.0),
    ]
    hub.publish(facts, "r", NAMES, 7)
    await turn()
    assert [event.fact for event in got] == facts
    assert [event.sequence for event in got] == [7, 8, 9, 10, 11]
    assert [event.node for event in got] == ["", "book", "book", "book", ""]
    assert [event.attempt for event in got] == [0, 1, 1, 1, 0]
    assert [event.duration for event in got] == [None, None, None, 2.0, 8.0]
    assert ats(got) == [1.0, 1.0, 1.0, 3.0, 9.0]
    assert {(event.run_id, event.time) for event in got} == {("r", EPOCH)}
    await hub.close()


async def test_r40_facts_of_no_run_have_no_number(hub: Hub) -> None:
    got: list[Event] = []
    hub.subscribe(got.append)
    hub.publish([ActorSpawned("executor", 1.0), ActorSpawned("pool", 2.0)])
    await turn()
    assert [(event.run_id, event.sequence, event.node, event.fact.actor) for event in got] == [
        ("", 0, "", "executor"),
        ("", 0, "", "pool"),
    ]
    await hub.close()


async def test_r42_a_callable_runs_on_the_hubs_turn_not_inside_publish(hub: Hub) -> None:
    got: list[Event] = []
    hub.subscribe(got.append)
    hub.publish(step(), "r", NAMES, 1)
    assert got == []
    await turn()
    assert len(got) == 3
    await hub.close()


# ── who takes what ────────────────────────────────────────────────────────────────────────────────────────────────


async def test_r43_a_hub_is_silent_while_nobody_subscribes(hub: Hub) -> None:
    assert hub.silent
    assert not hub.takes(StepStarted)
    subscription = hub.subscribe(print)
    assert not hub.silent
    assert hub.takes(StepStarted)
    subscription.close()
    assert hub.silent
    assert not hub.taken[StepStarted]


@pytest.mark.parametrize(
    ("types", "taken"),
    [
        ((), ["StepScheduled", "StepStarted", "StepSucceeded", "ActorSpawned"]),
        ((Event,), ["StepScheduled", "StepStarted", "StepSucceeded", "ActorSpawned"]),
        ((Fact,), ["StepScheduled", "StepStarted", "StepSucceeded", "ActorSpawned"]),
        ((StepFact,), ["StepScheduled", "StepStarted", "StepSucceeded"]),
        ((StepSucceeded, ActorSpawned), ["StepSucceeded", "ActorSpawned"]),
        ((RunStarted,), []),
    ],
)
async def test_r40_types_are_taken_with_their_subtypes(hub: Hub, types: tuple[type, ...], taken: list[str]) -> None:
    got: list[Event] = []
    hub.subscribe(got.append, *types)
    hub.publish(step(), "r", NAMES, 1)
    hub.publish([ActorSpawned("pool", 1.0)])
    await turn()
    assert [type(event.fact).__name__ for event in got] == taken
    for kind in (StepScheduled, StepStarted, StepSucceeded, ActorSpawned):
        assert hub.takes(kind) == (kind.__name__ in taken)
    await hub.close()


async def test_r40_numbers_are_those_of_the_run_whatever_is_taken(hub: Hub) -> None:
    got: list[Event] = []
    hub.subscribe(got.append, StepSucceeded)
    hub.publish([*step(0), *step(1)], "r", NAMES, 1)
    await turn()
    assert [event.sequence for event in got] == [3, 6]
    await hub.close()


async def test_subscribers_share_one_event_and_get_what_each_asked_for(hub: Hub) -> None:
    everything: list[Event] = []
    ends: list[Event] = []
    hub.subscribe(everything.append)
    hub.subscribe(ends.append, StepSucceeded)
    hub.publish(step(), "r", NAMES, 1)
    await turn()
    assert ends[0] is everything[2]
    assert len(ends) == 1
    await hub.close()


async def test_a_subscription_to_one_run_gets_no_other(hub: Hub) -> None:
    of_r: list[Event] = []
    of_all: list[Event] = []
    subscription = hub.subscribe(of_r.append, run_id="r")
    hub.subscribe(of_r.append, StepSucceeded, run_id="other").close()
    hub.subscribe(of_all.append, RunStarted)
    hub.publish([RunStarted("r", 1.0, "trip", {})], "r", NAMES, 1)
    hub.publish([RunStarted("s", 1.0, "trip", {})], "s", NAMES, 1)
    await turn()
    assert [event.run_id for event in of_r] == ["r"]
    assert [event.run_id for event in of_all] == ["r", "s"]
    subscription.close()
    hub.publish([RunStarted("r", 1.0, "trip", {})], "r", NAMES, 2)
    await turn()
    assert len(of_r) == 1
    await hub.close()


async def test_a_late_subscriber_gets_nothing_from_before(hub: Hub) -> None:
    early: list[Event] = []
    late: list[Event] = []
    hub.subscribe(early.append)
    hub.publish(step(0), "r", NAMES, 1)
    hub.subscribe(late.append)
    hub.publish(step(1), "r", NAMES, 4)
    await turn()
    assert ([e.sequence for e in early], [e.sequence for e in late]) == ([1, 2, 3, 4, 5, 6], [4, 5, 6])
    await hub.close()


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ((StepSucceeded,), r"Write subscribe\(None, StepSucceeded\)"),
        ((print, str), "types of facts"),
        ((print, StepSucceeded("r", 0, 1, 1.0, None, 0.0)), "types of facts"),
        (("listener",), "a callable that takes an event, not 'listener'"),
    ],
)
async def test_misuse_of_subscribe_is_told_with_the_right_call(hub: Hub, arguments: Any, text: str) -> None:
    with pytest.raises(InvalidState, match=text):
        hub.subscribe(*arguments)
    with pytest.raises(InvalidState, match="one event or more"):
        hub.subscribe(print, buffer=0)
    assert hub.silent


# ── loops over events ─────────────────────────────────────────────────────────────────────────────────────────────


async def test_events_are_read_in_order_with_async_for(hub: Hub) -> None:
    numbers: list[int] = []

    async def read() -> None:
        async with hub.subscribe() as events:
            async for event in events:
                numbers.append(event.sequence)
                if event.sequence == 6:
                    break

    reading = asyncio.create_task(read())
    await turn()
    hub.publish(step(0), "r", NAMES, 1)
    await turn()
    hub.publish(step(1), "r", NAMES, 4)
    await reading
    assert numbers == [1, 2, 3, 4, 5, 6]
    assert hub.silent


async def test_closing_a_subscription_ends_the_loop_over_it(hub: Hub) -> None:
    subscription = hub.subscribe()
    reading = asyncio.create_task(_read(subscription))
    hub.publish(step(), "r", NAMES, 1)
    await turn()
    await turn()
    subscription.close()
    subscription.close()
    assert [event.sequence for event in await reading] == [1, 2, 3]
    assert hub.silent


async def test_closing_the_hub_lets_loops_read_the_rest_and_ends_them(hub: Hub) -> None:
    subscription = hub.subscribe()
    hub.publish(step(), "r", NAMES, 1)
    await hub.close()
    assert [event.sequence for event in await _read(subscription)] == [1, 2, 3]


async def test_a_subscription_with_a_listener_is_not_for_loops(hub: Hub) -> None:
    with pytest.raises(InvalidState, match="subscribe without one"):
        await _read(hub.subscribe(print))


async def _read(subscription: Subscription) -> list[Event]:
    return [event async for event in subscription]


# ── bounds ────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_r42_the_oldest_are_dropped_and_their_number_told_in_their_place(hub: Hub) -> None:
    subscription = hub.subscribe(buffer=3)
    hub.publish(scheduled(5), "r", NAMES, 1)
    await turn()
    await turn()
    lost = await anext(subscription)
    assert (lost.fact.count, lost.sequence, lost.run_id) == (2, 0, "")
    assert ats([await anext(subscription), await anext(subscription)]) == [2.0, 3.0]
    hub.publish(scheduled(4, first=5), "r", NAMES, 6)
    await turn()
    await turn()
    rest = [await anext(subscription) for _ in range(4)]
    assert [event.fact.count for event in rest if isinstance(event.fact, EventsLost)] == [2]
    assert isinstance(rest[0].fact, EventsLost)
    assert ats(rest[1:]) == [6.0, 7.0, 8.0]
    await hub.close()


async def test_r42_the_bound_holds_one_turn_after_a_burst_although_nothing_more_comes(hub: Hub) -> None:
    subscription = hub.subscribe(buffer=10)
    hub.publish(scheduled(5000), "r", NAMES, 1)
    await turn()
    await turn()
    await hub.close()
    events = await _read(subscription)
    assert isinstance(events[0].fact, EventsLost)
    assert (events[0].fact.count, len(events)) == (4990, 11)


async def test_r41_a_burst_within_a_turn_is_not_lost_to_who_keeps_up(hub: Hub) -> None:
    """A thousand nodes ready at once are two thousand facts in one turn: more than a buffer."""
    called: list[Event] = []
    awaited: list[Event] = []

    async def listen(event: Event) -> None:
        awaited.append(event)

    hub.subscribe(called.append)
    hub.subscribe(listen)
    looped = hub.subscribe()
    reading = asyncio.create_task(_read(looped))
    await turn()
    for first in (0, 5000, 10_000):
        hub.publish(scheduled(5000, first), "r", NAMES, first + 1)
        await turn()
    await hub.close()
    for events in (called, awaited, await reading):
        assert [event.sequence for event in events] == list(range(1, 15_001))


async def test_r42_a_slow_callable_loses_the_oldest_and_the_loop_goes_on(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each event takes it a second of the time that the budget is measured in."""
    seconds = 0.0
    got: list[Event] = []

    def slow(event: Event) -> None:
        nonlocal seconds
        seconds += 1
        got.append(event)

    monkeypatch.setattr("actorflow.telemetry.listeners.perf_counter", lambda: seconds)
    monkeypatch.setattr("actorflow.telemetry.listeners.CHUNK", 2)
    subscription = hub.subscribe(slow, buffer=3)
    hub.publish(scheduled(10), "r", NAMES, 1)
    await turn()
    assert ats(got) == [0.0, 1.0]
    await turn()
    assert isinstance(got[2].fact, EventsLost)
    assert got[2].fact.count == 5
    await turn()
    assert ats(got[3:]) == [7.0, 8.0, 9.0]
    subscription.close()


# ── listeners that misbehave ──────────────────────────────────────────────────────────────────────────────────────


async def test_r42_who_raises_is_reported_and_the_others_go_on(hub: Hub) -> None:
    got: list[Event] = []

    def breaks(event: Event) -> None:
        if event.sequence == 2:
            raise ValueError("no such metric")

    with capture_logs() as logs:
        hub.subscribe(breaks)
        hub.subscribe(got.append)
        hub.publish(step(), "r", NAMES, 1)
        await turn()
        await turn()
    assert len(got) == 3
    assert [(log["log_level"], log["event"], log["error"]) for log in logs] == [
        ("warning", "telemetry subscriber raised", "ValueError: no such metric")
    ]
    assert "breaks" in logs[0]["subscriber"]
    await hub.close()


@pytest.mark.parametrize("kind", ["plain", "async"])
async def test_r42_ten_errors_in_a_row_detach_and_fewer_do_not(hub: Hub, kind: str) -> None:
    calls: list[int] = []

    def breaks(event: Event) -> None:
        calls.append(event.sequence)
        if event.sequence != 10:
            raise ValueError("broken")

    async def breaks_async(event: Event) -> None:
        breaks(event)

    with capture_logs() as logs:
        hub.subscribe(breaks if kind == "plain" else breaks_async)
        for number in range(1, 31):
            hub.publish(scheduled(1), "r", NAMES, number)
            for _ in range(3):
                await turn()
    assert calls == list(range(1, 21))
    assert [log["event"] for log in logs] == ["telemetry subscriber raised"] * 18 + ["telemetry subscriber detached"]
    assert hub.silent


async def test_r42_ten_errors_within_one_turn_detach_too(hub: Hub) -> None:
    calls: list[Event] = []

    def breaks(event: Event) -> None:
        calls.append(event)
        raise ValueError("broken")

    with capture_logs():
        hub.subscribe(breaks)
        hub.publish(scheduled(500), "r", NAMES, 1)
        for _ in range(20):
            await turn()
    assert len(calls) == 10
    assert hub.silent


async def test_a_callable_that_returns_a_coroutine_is_detached_and_told_what_to_do(hub: Hub) -> None:
    async def listen(event: Event) -> None: ...

    with capture_logs() as logs:
        hub.subscribe(lambda event: listen(event))
        hub.publish(step(), "r", NAMES, 1)
        await turn()
    assert ["subscribe an async def" in log["event"] for log in logs] == [True]
    assert hub.silent


async def test_r42_listeners_may_subscribe_publish_and_close_while_they_are_told(hub: Hub) -> None:
    later: list[Event] = []
    calls: list[int] = []

    def listen(event: Event) -> None:
        calls.append(event.sequence)
        hub.subscribe(later.append)
        hub.publish(step(1), "r", NAMES, 10)
        subscription.close()

    subscription = hub.subscribe(listen)
    hub.publish(step(), "r", NAMES, 1)
    await turn()
    await turn()
    assert calls == [1]
    assert [event.sequence for event in later] == [10, 11, 12]
    await hub.close()


# ── async listeners, and the end ──────────────────────────────────────────────────────────────────────────────────


async def test_an_async_listener_gets_one_event_after_the_other(hub: Hub) -> None:
    happened: list[str] = []

    async def listen(event: Event) -> None:
        happened.append(f"begin {event.sequence}")
        await asyncio.sleep(1)
        happened.append(f"end {event.sequence}")

    hub.subscribe(listen)
    hub.publish(step(), "r", NAMES, 1)
    await hub.close(timeout=60)
    assert happened == ["begin 1", "end 1", "begin 2", "end 2", "begin 3", "end 3"]


async def test_an_object_with_an_async_call_is_an_async_listener(hub: Hub) -> None:
    class Exporter:
        def __init__(self) -> None:
            self.got: list[int] = []

        async def __call__(self, event: Event) -> None:
            self.got.append(event.sequence)

    exporter = Exporter()
    hub.subscribe(exporter)
    hub.publish(step(), "r", NAMES, 1)
    await hub.close()
    assert exporter.got == [1, 2, 3]


async def test_closing_the_hub_hands_over_the_rest_and_leaves_nothing(hub: Hub) -> None:
    got: list[Event] = []
    hub.subscribe(got.append)
    hub.publish(scheduled(5000), "r", NAMES, 1)
    await hub.close()
    assert len(got) == 5000
    hub.publish(step(), "r", NAMES, 1)
    await turn()
    assert (len(got), hub.silent) == (5000, True)
    with pytest.raises(RuntimeClosed):
        hub.subscribe(print)
    await hub.close()


async def test_closing_the_hub_gives_an_async_listener_its_time_then_cancels_it(hub: Hub, clock: MockClock) -> None:
    cancelled: list[float] = []

    async def hangs(event: Event) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.append(clock.monotonic())

    hub.subscribe(hangs)
    hub.publish(step(), "r", NAMES, 1)
    await hub.close(timeout=5)
    assert cancelled == [5.0]


async def test_an_async_listener_may_close_its_own_subscription(hub: Hub) -> None:
    calls: list[int] = []

    async def listen(event: Event) -> None:
        calls.append(event.sequence)
        subscription.close()
        await asyncio.sleep(1)
        calls.append(-event.sequence)

    subscription = hub.subscribe(listen)
    hub.publish(step(), "r", NAMES, 1)
    await turn()
    await turn()
    await hub.close()
    assert calls == [1, -1]


async def test_a_stray_cancelled_error_of_an_async_listener_is_an_error_like_others(hub: Hub) -> None:
    calls: list[int] = []

    async def listen(event: Event) -> None:
        calls.append(event.sequence)
        raise asyncio.CancelledError

    with capture_logs() as logs:
        hub.subscribe(listen)
        hub.publish(step(), "r", NAMES, 1)
        await hub.close()
    assert calls == [1, 2, 3]
    assert len(logs) == 3


async def test_the_hub_takes_the_systems_clock_too() -> None:
    got: list[Event] = []
    hub = Hub(asyncio.get_running_loop(), Clock())
    hub.subscribe(got.append, AttemptFailed)
    hub.publish([AttemptFailed("r", 0, 2, 3.0, ValueError("no seat"), again=True, delay=0.5, began=1.0)], "r", NAMES, 1)
    await hub.close()
    assert [(event.attempt, event.duration, event.time > EPOCH - 10**9) for event in got] == [(2, 2.0, True)]
