"""Schedules of one runtime without a store: when they fire, what is skipped, and what can be done with one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from structlog.testing import capture_logs

from actorflow import (
    Cron,
    Event,
    Every,
    InvalidInput,
    InvalidState,
    InvalidWorkflow,
    Middleware,
    RunInfo,
    Runtime,
    RuntimeClosed,
    step,
    step_context,
    workflow,
)
from actorflow.facts import ScheduleSkipped
from actorflow.testing import MockClock

OPENED = Callable[..., AbstractAsyncContextManager[Runtime]]
HOUR = 3600.0
FIRED: list[tuple[str, str]] = []
"""The run's id, and what the step was given."""
GATE: list[asyncio.Event] = []


@pytest.fixture(autouse=True)
def _fresh() -> None:
    FIRED.clear()
    GATE[:] = [asyncio.Event()]


@step
async def note(word: str) -> str:
    FIRED.append((step_context().run_id, word))
    return word


@step
async def held(word: str) -> str:
    await GATE[0].wait()
    return word


@workflow
def report(word: str = "x") -> str:
    return note(word)


@workflow
def long_report(word: str = "x") -> str:
    return held(note(word))


def fired() -> list[str]:
    """The due times that were fired, from midnight on."""
    return [run_id.partition("@2030-01-01T")[2] for run_id, _ in FIRED]


def at(seconds: float) -> datetime:
    """Mock clocks begin with the year 2030."""
    return datetime(2030, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)


# ── firing ────────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_it_starts_a_run_whenever_it_comes_due(runtime: Runtime, clock: MockClock) -> None:
    schedule = runtime.schedule("hourly", Cron("30 * * * *", "Europe/Oslo"), report, "sales")
    assert (schedule.name, schedule.workflow, schedule.last) == ("hourly", "report", None)
    assert schedule.next_due == at(HOUR / 2)
    await clock.advance(3 * HOUR)
    assert FIRED == [(f"hourly@2030-01-01T0{hour}:30:00Z", "sales") for hour in range(3)]
    assert schedule.last == at(2.5 * HOUR)
    assert str(schedule.next_due) == "2030-01-01 04:30:00+01:00"


async def test_it_fires_when_it_is_due_and_not_before(runtime: Runtime, clock: MockClock) -> None:
    schedule = runtime.schedule("tick", Every(7.25), report)
    assert schedule.next_due is not None
    wait = schedule.next_due.timestamp() - clock.time()
    await clock.advance(wait - 0.01)
    assert FIRED == []
    await clock.advance(0.02)
    assert [run_id for run_id, _ in FIRED] == ["tick@2030-01-01T00:00:01.250000Z"]


async def test_a_step_knows_its_schedule_and_its_due_time(runtime: Runtime, clock: MockClock) -> None:
    """Whenever it runs."""
    known: list[Any] = []

    @step
    async def look() -> None:
        known.append(dict(step_context().context))

    @workflow
    def looks() -> None:
        look()

    runtime.options(context={"tenant": "ann"}, labels={"team": "sales"}).schedule("daily", Cron("0 6 * * *"), looks)
    infos: list[Event] = []
    runtime.subscribe(infos.append)
    await clock.advance(7 * HOUR)
    assert known == [{"tenant": "ann", "schedule": "daily", "due": "2030-01-01T06:00:00Z"}]
    assert datetime.fromisoformat(known[0]["due"]) == at(6 * HOUR)
    assert infos[0].fact.labels == {"team": "sales", "schedule": "daily"}


async def test_the_options_of_its_runs_are_those_of_the_runtime(runtime: Runtime, clock: MockClock) -> None:
    runtime.options(timeout=10.0).schedule("daily", Cron("0 6 * * *"), long_report)
    await clock.advance(6 * HOUR + 11)
    assert [run.status() for run in runtime.list_runs()] == ["cancelled"]


async def test_several_go_side_by_side(runtime: Runtime, clock: MockClock) -> None:
    runtime.schedule("one", Every(timedelta(hours=1)), report, word="1")
    runtime.schedule("two", Every(timedelta(hours=2)), report, "2")
    await clock.advance(4 * HOUR + 1)
    assert sorted(word for _, word in FIRED) == ["1"] * 4 + ["2"] * 2
    assert [schedule.name for schedule in runtime.schedules()] == ["one", "two"]


async def test_years_pass_in_no_time_on_a_clock_that_jumps(runtime: Runtime, clock: MockClock) -> None:
    runtime.schedule("yearly", Cron("@yearly", "Europe/Oslo"), report)
    await clock.advance(3 * 366 * 24 * HOUR)
    assert [run_id for run_id, _ in FIRED] == [f"yearly@{year}-12-31T23:00:00Z" for year in (2030, 2031, 2032)]


# ── where it isn't there in time ──────────────────────────────────────────────────────────────────────────────────────


class WallClock(MockClock):
    """The clock on the wall may be set."""

    linger = 0.001
    moved = 0.0

    def time(self) -> float:
        return super().time() + self.moved


@pytest.fixture
async def wall() -> AsyncIterator[WallClock]:
    with WallClock().installed() as installed:
        yield installed  # type: ignore[misc]


@pytest.mark.parametrize(
    ("missed", "expected"),
    [
        ("skip", ["00:10:00Z", "03:00:00Z"]),
        ("once", ["00:10:00Z", "02:50:00Z", "03:00:00Z"]),
        ("all", [f"0{minutes // 60}:{minutes % 60:02}:00Z" for minutes in range(10, 190, 10)]),
    ],
)
async def test_what_was_missed_is_skipped_or_made_up_for(wall: WallClock, missed: Any, expected: list[str]) -> None:
    """The machine was asleep: when it wakes up its clock is hours ahead, which is noticed within a minute."""
    skipped: list[Any] = []
    async with Runtime(clock=wall) as runtime:
        runtime.subscribe(lambda event: skipped.append(event.fact), ScheduleSkipped)
        runtime.schedule("tick", Every(600, missed=missed), report)
        with capture_logs() as logs:
            await wall.advance(11 * 60)
            wall.moved = 2.7 * HOUR - 60
            await wall.advance(9 * 60)
    assert fired() == expected
    told = {
        "skip": [("missed", at(1200), at(2 * HOUR + 3000))],
        "once": [("missed", at(1200), at(2 * HOUR + 2400))],
        "all": [],
    }[missed]
    assert [
        (fact.why, datetime.fromtimestamp(fact.first, UTC), datetime.fromtimestamp(fact.last, UTC)) for fact in skipped
    ] == told
    assert [line["why"] for line in logs if line["event"] == "a schedule skips what was due"] == [
        why for why, *_ in told
    ]


async def test_what_is_hardly_late_is_not_missed(wall: WallClock) -> None:
    async with Runtime(clock=wall) as runtime:
        runtime.schedule("strict", Every(600, missed="skip", grace=0.0), report, "strict")
        runtime.schedule("patient", Every(600, missed="skip", grace=90.0), report, "patient")
        await wall.advance(590)
        wall.moved = 80.0
        await wall.advance(60)
    assert [word for _, word in FIRED] == ["patient"]


async def test_a_clock_that_is_set_back_fires_nothing_twice(wall: WallClock) -> None:
    async with Runtime(clock=wall) as runtime:
        schedule = runtime.schedule("tick", Every(600), report)
        await wall.advance(1210)
        wall.moved = -1000.0
        with capture_logs() as logs:
            await wall.advance(1500)
        assert schedule.next_due == at(1800)
        assert [line["event"] for line in logs] == ["the clock is behind what a schedule has dealt with"]
        await wall.advance(200)
    assert fired() == ["00:10:00Z", "00:20:00Z", "00:30:00Z"]


# ── where an earlier one goes on ──────────────────────────────────────────────────────────────────────────────────────


async def test_skip_starts_nothing_while_an_earlier_one_goes_on(runtime: Runtime, clock: MockClock) -> None:
    skipped: list[Any] = []
    runtime.subscribe(lambda event: skipped.append(event.fact), ScheduleSkipped)
    schedule = runtime.schedule("tick", Every(600), long_report)
    with capture_logs() as logs:
        await clock.advance(1900)
        assert fired() == ["00:10:00Z"]
        assert schedule.last == at(1800)
        GATE[0].set()
        await clock.advance(600)
    assert fired() == ["00:10:00Z", "00:40:00Z"]
    assert [
        (fact.schedule, fact.why, at(fact.first - at(0).timestamp()), fact.first == fact.last) for fact in skipped
    ] == [
        ("tick", "overlap", at(1200), True),
        ("tick", "overlap", at(1800), True),
    ]
    assert [line["why"] for line in logs if line["log_level"] == "warning"] == ["overlap"] * 2


async def test_allow_starts_it_all_the_same(runtime: Runtime, clock: MockClock) -> None:
    runtime.schedule("tick", Every(600, overlap="allow"), long_report)
    await clock.advance(1900)
    assert fired() == ["00:10:00Z", "00:20:00Z", "00:30:00Z"]
    assert [run.status() for run in runtime.list_runs()] == ["running"] * 3
    GATE[0].set()


async def test_queue_waits_and_starts_the_latest_of_those_that_wait(runtime: Runtime, clock: MockClock) -> None:
    skipped: list[Any] = []
    runtime.subscribe(lambda event: skipped.append(event.fact.why), ScheduleSkipped)
    schedule = runtime.schedule("tick", Every(600, overlap="queue"), long_report)
    await clock.advance(2450)
    assert fired() == ["00:10:00Z"]
    GATE[0].set()
    await clock.advance(1200)
    assert fired() == ["00:10:00Z", "00:40:00Z", "00:50:00Z", "01:00:00Z"]
    assert schedule.last == at(HOUR)
    assert set(skipped) == {"missed"}


async def test_with_all_each_waits_for_the_one_before(runtime: Runtime, clock: MockClock) -> None:
    runtime.schedule("tick", Every(600, missed="all"), long_report)
    await clock.advance(1900)
    assert fired() == ["00:10:00Z"]
    GATE[0].set()
    await clock.advance(1600)
    assert fired() == ["00:10:00Z", "00:20:00Z", "00:30:00Z", "00:40:00Z", "00:50:00Z"]


async def test_other_runs_of_its_workflow_are_no_firings(runtime: Runtime, clock: MockClock) -> None:
    await runtime.start(long_report)
    runtime.schedule("other", Every(500, overlap="allow"), long_report)
    runtime.schedule("tick", Every(600), long_report, "tick")
    await clock.advance(700)
    assert [word for _, word in FIRED] == ["x", "x", "tick"]
    GATE[0].set()


# ── the handle ────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_paused_one_fires_nothing_until_it_is_resumed(runtime: Runtime, clock: MockClock) -> None:
    schedule = runtime.schedule("tick", Every(600), report)
    await clock.advance(700)
    schedule.pause()
    assert schedule.is_paused
    assert "paused" in repr(schedule)
    await clock.advance(10 * HOUR)
    assert fired() == ["00:10:00Z"]
    schedule.resume()
    await clock.advance(1)
    assert fired() == ["00:10:00Z", "10:10:00Z"]
    await clock.advance(600)
    assert fired()[2:] == ["10:20:00Z"]


async def test_a_removed_one_fires_nothing_and_its_name_is_free(runtime: Runtime, clock: MockClock) -> None:
    schedule = runtime.schedule("tick", Every(600), report)
    await clock.advance(700)
    schedule.remove()
    schedule.remove()
    assert schedule.is_removed
    assert schedule.next_due is None
    assert runtime.schedules() == []
    await clock.advance(HOUR)
    assert fired() == ["00:10:00Z"]
    again = runtime.schedule("tick", Every(600), report, "again")
    await clock.advance(1)
    assert runtime.schedules() == [again]
    assert FIRED[1:] == [("tick@2030-01-01T01:10:00Z", "again")]


async def test_it_says_what_it_is(runtime: Runtime) -> None:
    schedule = runtime.schedule("nightly", Cron("0 6 * * *", "Europe/Oslo"), report)
    assert repr(schedule) == (
        "<Schedule 'nightly' of 'report', 0 6 * * * Europe/Oslo: next at 2030-01-01 06:00:00+01:00>"
    )
    assert "next at 2030-01-01 06:00" in repr(schedule)


# ── leaving ───────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_it_ends_with_its_runtime_and_what_it_has_started_is_drained(
    make_runtime: OPENED, clock: MockClock
) -> None:
    async with make_runtime() as runtime:
        schedule = runtime.schedule("tick", Every(600), long_report)
        await clock.advance(601)
        asyncio.get_running_loop().call_later(5.0, GATE[0].set)
    assert schedule.is_removed
    assert [run.status() for run in runtime._open().finished.values()] == ["succeeded"]
    await clock.advance(HOUR)
    assert fired() == ["00:10:00Z"]
    with pytest.raises(RuntimeClosed):
        runtime.schedule("tock", Every(600), report)


class Slow(Middleware):
    """Takes its time before a run may start."""

    async def init(self, run: RunInfo, *, resumed: bool) -> None:
        await GATE[0].wait()


async def test_what_is_being_started_when_the_runtime_is_left_is_started(
    make_runtime: OPENED, clock: MockClock
) -> None:
    async with make_runtime(middleware=[Slow()]) as runtime:
        runtime.schedule("tick", Every(600), report)
        await clock.advance(601)
        asyncio.get_running_loop().call_later(5.0, GATE[0].set)
    assert fired() == ["00:10:00Z"]


async def test_with_no_place_among_max_runs_it_waits_for_one(make_runtime: OPENED, clock: MockClock) -> None:
    async with make_runtime(max_runs=1) as runtime:
        await runtime.start(long_report, "first")
        runtime.schedule("tick", Every(600), report, "second")
        await clock.advance(HOUR)
        assert [word for _, word in FIRED] == ["first"]
        GATE[0].set()
        await clock.advance(1)
        assert next(run_id for run_id, word in FIRED if word == "second") == "tick@2030-01-01T00:10:00Z"
    async with make_runtime(max_runs=1, drain_timeout=10.0) as runtime:
        GATE[0].clear()
        await runtime.start(long_report, "first")
        runtime.schedule("tick", Every(600), report, "third")
        await clock.advance(700)
    assert "third" not in [word for _, word in FIRED]


# ── what goes wrong ───────────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_run_that_fails_is_told_as_any_and_the_next_one_comes(runtime: Runtime, clock: MockClock) -> None:
    @step
    async def breaks() -> None:
        raise ConnectionError("no printer")

    @workflow
    def broken() -> None:
        breaks()

    runtime.schedule("tick", Every(600), broken)
    with capture_logs() as logs:
        await clock.advance(1300)
    assert [line["run"] for line in logs if line["event"].startswith("run failed")] == [
        "tick@2030-01-01T00:10:00Z",
        "tick@2030-01-01T00:20:00Z",
    ]


async def test_a_run_that_cannot_be_started_is_told_and_the_next_one_comes(runtime: Runtime, clock: MockClock) -> None:
    skipped: list[Any] = []
    runtime.subscribe(lambda event: skipped.append(event.fact.why), ScheduleSkipped)
    schedule = runtime.schedule("tick", Every(600), report)
    start = schedule._dealing.firing.start

    async def fails(due: datetime) -> None:
        if due == at(600):
            raise ZeroDivisionError("no")
        await start(due)

    schedule._dealing.firing.start = fails  # type: ignore[method-assign]
    with capture_logs() as logs:
        await clock.advance(1300)
    assert fired() == ["00:20:00Z"]
    assert [line["error"] for line in logs if line["log_level"] == "error"] == ["ZeroDivisionError: no"]
    assert skipped == ["failed"]


async def test_a_run_of_that_id_and_with_other_inputs_is_left_alone(runtime: Runtime, clock: MockClock) -> None:
    await runtime.options(run_id="tick@2030-01-01T00:10:00Z").run(report, "mine")
    runtime.schedule("tick", Every(600), report, "its own")
    await clock.advance(1300)
    assert [word for _, word in FIRED] == ["mine", "its own"]


async def test_a_fault_in_it_is_told_and_it_goes_on(runtime: Runtime, clock: MockClock) -> None:
    schedule = runtime.schedule("tick", Every(600), report)
    look, faults = schedule._dealing.ledger.look, [ZeroDivisionError(), ZeroDivisionError()]

    async def faulty(name: str, run_id: str) -> Any:
        if faults:
            raise faults.pop()
        return await look(name, run_id)

    schedule._dealing.ledger.look = faulty  # type: ignore[method-assign]
    with capture_logs() as logs:
        await clock.advance(650)
    assert fired() == ["00:10:00Z"]
    assert [line["event"] for line in logs] == ["a fault of the runtime", "a schedule goes on"]


# ── what is no schedule ───────────────────────────────────────────────────────────────────────────────────────────────


async def test_what_is_no_schedule_is_refused_at_once(runtime: Runtime) -> None:
    runtime.schedule("taken", Every(600), report)
    wrong: list[tuple[type[Exception], Callable[[], object]]] = [
        (InvalidInput, lambda: runtime.schedule("", Every(600), report)),
        (InvalidInput, lambda: runtime.schedule("a\0b", Every(600), report)),
        (InvalidInput, lambda: runtime.schedule(3, Every(600), report)),  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
        (InvalidInput, lambda: runtime.schedule("x", "0 6 * * *", report)),  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
        (InvalidInput, lambda: runtime.schedule("x", Every(600), report, "a", "b")),  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
        (InvalidInput, lambda: runtime.schedule("x", Every(600), report, 3)),  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
        (InvalidWorkflow, lambda: runtime.schedule("x", Every(600), note, "a")),  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
        (InvalidInput, lambda: runtime.options(run_id="r").schedule("x", Every(600), report)),
        (InvalidInput, lambda: runtime.options(cancel_with_caller=True).schedule("x", Every(600), report)),
        (InvalidInput, lambda: runtime.options(labels={"schedule": "y"}).schedule("x", Every(600), report)),
        (InvalidInput, lambda: runtime.options(context={"due": 1}).schedule("x", Every(600), report)),
        (InvalidState, lambda: runtime.schedule("taken", Every(600), report)),
    ]
    for kind, declare in wrong:
        with pytest.raises(kind):
            declare()
    assert [schedule.name for schedule in runtime.schedules()] == ["taken"]


async def test_a_runtime_that_is_not_open_has_none() -> None:
    runtime = Runtime()
    with pytest.raises(RuntimeClosed):
        runtime.schedule("x", Every(600), report)
    with pytest.raises(RuntimeClosed):
        runtime.options(timeout=1.0).schedule("x", Every(600), report)
    with pytest.raises(RuntimeClosed):
        runtime.schedules()
