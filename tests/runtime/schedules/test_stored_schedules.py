"""Schedules with a store: what outlives a runtime, many replicas, a store that is away, and crashes at every place."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from structlog.testing import capture_logs

from actorflow import (
    Cron,
    Every,
    MemoryStore,
    NotSerializable,
    PostgresStore,
    Runtime,
    SQLiteStore,
    Store,
    StoreUnavailable,
    step,
    step_context,
    workflow,
)
from actorflow.facts import ScheduleSkipped
from actorflow.store import Request, StoreFace
from actorflow.store.requests import MoveSchedule
from actorflow.testing import FaultyStore, Life, MockClock
from tests.store.servers import some_server

HOUR = 3600.0
FIRED: list[str] = []
GATES: list[asyncio.Event] = []


@pytest.fixture(autouse=True)
def _fresh() -> None:
    FIRED.clear()
    GATES[:] = [asyncio.Event()]


@step
async def note(word: str) -> str:
    FIRED.append(step_context().run_id.partition("T")[2])
    return word


@step
async def held(word: str) -> str:
    await GATES[0].wait()
    return word


@workflow
def report(word: str) -> str:
    return note(word)


@workflow
def long_report(word: str) -> str:
    return held(note(word))


@workflow
def anything(word: object) -> object:
    return word


def at(seconds: float) -> datetime:
    return datetime(2030, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)


def every(minutes: int, first: int, last: int) -> list[str]:
    return [f"{(minute // 60) % 24:02}:{minute % 60:02}:00Z" for minute in range(first, last + 1, minutes)]


async def stored_runs(store: Store, name: str = "tick") -> list[str]:
    """The due times that there is a run of, in order."""
    page = await store.list_runs(labels={"schedule": name}, limit=10_000)
    assert page.next is None
    return sorted(run.run_id.partition("T")[2] for run in page.runs)


# ── from one start of the service to the next ─────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("missed", "expected"),
    [
        ("skip", ["00:10:00Z", "02:10:00Z"]),
        ("once", ["00:10:00Z", "02:00:00Z", "02:10:00Z"]),
        ("all", every(10, 10, 130)),
    ],
)
async def test_what_was_due_while_nobody_was_there_is_made_up_for_as_told(
    clock: MockClock, missed: Any, expected: list[str]
) -> None:
    store = MemoryStore(clock=clock)
    for _ in range(2):
        async with Runtime(store=store, clock=clock) as runtime:
            runtime.schedule("tick", Every(600, missed=missed), report, "x")
            await clock.advance(650)
        await clock.advance(2 * HOUR + 75 - 650)
    assert FIRED == expected


async def test_one_that_its_store_does_not_know_starts_from_now(clock: MockClock) -> None:
    store = MemoryStore(clock=clock)
    await clock.advance(5 * HOUR)
    async with Runtime(store=store, clock=clock) as runtime:
        schedule = runtime.schedule("tick", Every(HOUR, missed="all"), report, "x")
        await clock.advance(HOUR + 1)
        assert schedule.last == at(6 * HOUR)
    assert FIRED == ["06:00:00Z"]
    async with store:
        (record,) = await store.schedules()
        assert (record.name, record.last) == ("tick", at(6 * HOUR).timestamp())


async def test_one_whose_trigger_has_changed_starts_from_now(clock: MockClock) -> None:
    """It had run at six; that it's seven from now on doesn't mean that seven was missed."""
    store = MemoryStore(clock=clock)
    async with Runtime(store=store, clock=clock) as runtime:
        runtime.schedule("daily", Cron("0 6 * * *"), report, "x")
        await clock.advance(6.5 * HOUR)
    await clock.advance(3 * HOUR)
    async with Runtime(store=store, clock=clock) as runtime:
        runtime.schedule("daily", Cron("0 7 * * *"), report, "x")
        await clock.advance(22 * HOUR)
    assert FIRED == ["06:00:00Z", "07:00:00Z"]


async def test_one_that_was_removed_goes_on_from_there(clock: MockClock) -> None:
    async with Runtime(store=MemoryStore(clock=clock), clock=clock) as runtime:
        schedule = runtime.schedule("tick", Every(600), report, "x")
        await clock.advance(1)
        schedule.remove()
        await clock.advance(2 * HOUR)
        assert FIRED == []
        runtime.schedule("tick", Every(600, missed="all"), report, "x")
        await clock.advance(1)
    assert FIRED == every(10, 10, 120)


async def test_a_firing_that_was_interrupted_by_a_restart_still_goes_on(clock: MockClock) -> None:
    """It's taken over, and overlaps with the next one."""
    store = MemoryStore(clock=clock)
    skipped: list[Any] = []
    async with Runtime(store=store, clock=clock, drain_timeout=0.0, halt_timeout=0.0) as runtime:
        runtime.schedule("tick", Every(600), long_report, "x")
        await clock.advance(650)
    async with Runtime(store=store, clock=clock) as runtime:
        runtime.subscribe(lambda event: skipped.append(event.fact.why), ScheduleSkipped)
        runtime.schedule("tick", Every(600), long_report, "x")
        await clock.advance(600)
        GATES[0].set()
        await clock.advance(600)
    assert skipped == ["overlap"]
    assert FIRED == ["00:10:00Z", "00:30:00Z"]


async def test_an_old_schedule_is_asked_for_what_goes_on_not_for_all_that_it_did(clock: MockClock) -> None:
    """What goes on is found among few, page by page."""
    async with Runtime(store=MemoryStore(clock=clock), clock=clock, takes_over=False) as runtime:
        runtime.schedule("tick", Every(600), long_report, "x")
        await clock.advance(601)
        for number in range(450):
            await runtime.options(run_id=f"other-{number}").start(long_report, "y")
        FIRED.clear()
        await clock.advance(600)
        assert FIRED == []
        GATES[0].set()
        await clock.advance(600)
        assert FIRED == ["00:30:00Z"]


async def test_inputs_and_context_that_cannot_be_stored_are_refused_at_once(clock: MockClock) -> None:
    async with Runtime(store=MemoryStore(clock=clock), clock=clock) as runtime:
        with pytest.raises(NotSerializable, match="input 'word'"):
            runtime.schedule("tick", Every(600), anything, object())
        with pytest.raises(NotSerializable, match="context"):
            runtime.options(context={"what": object()}).schedule("tick", Every(600), anything, 1)
        assert runtime.schedules() == []


# ── replicas ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture(scope="module")
def server() -> Any:
    with some_server() as dsn:
        yield dsn


class Holding(StoreFace):
    """A clock that jumps doesn't while the store is asked, nor while it's entered or left."""

    def __init__(self, store: Store, clock: MockClock) -> None:
        self.store = store
        self.clock = clock

    def __repr__(self) -> str:
        return f"Holding({self.store!r})"

    @contextmanager
    def held(self) -> Iterator[None]:
        self.clock.hold()
        try:
            yield
        finally:
            self.clock.release()

    def beside(self) -> Holding:
        return Holding(self.store.beside(), self.clock)

    async def __aenter__(self) -> Holding:
        with self.held():
            await self.store.__aenter__()
        return self

    async def __aexit__(self, *exc: object) -> None:
        with self.held():
            await self.store.__aexit__(*exc)

    async def _ask(self, request: Request[Any], /) -> Any:
        (answer,) = await self._ask_all([request])
        if isinstance(answer, BaseException):
            raise answer
        return answer

    async def _ask_all(self, requests: Sequence[Request[Any]], /) -> list[Any]:
        with self.held():
            return await self.store.together(requests)


@pytest.fixture(params=["memory", "sqlite", "postgres"])
async def stores(request: pytest.FixtureRequest, tmp_path: Path, clock: MockClock) -> AsyncIterator[Sequence[Store]]:
    """Three on the same records."""
    if request.param == "postgres":
        dsn = str(request.getfixturevalue("server"))
        clock.hold()
        admin = await asyncpg.connect(dsn)
        await admin.execute("DROP DATABASE IF EXISTS schedules WITH (FORCE)")
        await admin.execute("CREATE DATABASE schedules")
        await admin.close()
        clock.release()
        store: Store = PostgresStore(dsn.replace("/postgres?", "/schedules?"), clock=clock)
    elif request.param == "sqlite":
        store = SQLiteStore(tmp_path / "runs.db", synchronous="NORMAL", clock=clock)
    else:
        store = MemoryStore(clock=clock)
    first = Holding(store, clock)
    yield [first, first.beside(), first.beside()]


async def test_of_any_number_of_replicas_exactly_one_fires_each(stores: Sequence[Store], clock: MockClock) -> None:
    """R47. One of them leaves in between, and comes back."""
    one, two, looker = stores
    with capture_logs() as logs:
        async with Runtime(store=one, clock=clock, workflows=[report]) as stays:
            stays.schedule("tick", Every(600), report, "x")
            for _ in range(2):
                async with Runtime(store=two, clock=clock, workflows=[report]) as comes:
                    comes.schedule("tick", Every(600), report, "x")
                    await asyncio.sleep(HOUR)
                await asyncio.sleep(HOUR)
            await asyncio.sleep(5)
    assert logs == []
    assert sorted(FIRED) == every(10, 10, 240)
    async with looker:
        assert await stored_runs(looker) == every(10, 10, 240)
        assert (await looker.schedules())[0].last == at(4 * HOUR).timestamp()
        assert await looker.count_runs() == {"succeeded": 24}


async def test_replicas_that_start_a_run_at_the_same_moment_have_one(stores: Sequence[Store], clock: MockClock) -> None:
    """None of them has fired before, so none goes first."""
    one, two, looker = stores
    async with Runtime(store=one, clock=clock) as first, Runtime(store=two, clock=clock) as second:
        for number in range(20):
            for runtime in (first, second):
                runtime.schedule(f"s{number}", Every(600), report, "x")
        await asyncio.sleep(605)
    async with looker:
        assert await looker.count_runs() == {"succeeded": 20}
    assert len(FIRED) == 20


async def test_what_one_replica_has_started_overlaps_with_what_another_would_start(
    stores: Sequence[Store], clock: MockClock
) -> None:
    one, two, looker = stores
    skipped: list[str] = []
    async with Runtime(store=one, clock=clock) as first, Runtime(store=two, clock=clock) as second:
        for runtime in (first, second):
            runtime.subscribe(lambda event: skipped.append(event.fact.why), ScheduleSkipped)
            runtime.schedule("tick", Every(600), long_report, "x")
        await asyncio.sleep(1850)
        GATES[0].set()
        await asyncio.sleep(600)
    assert FIRED == ["00:10:00Z", "00:40:00Z"]
    assert skipped == ["overlap"] * 2  # each told once
    async with looker:
        assert await stored_runs(looker) == ["00:10:00Z", "00:40:00Z"]


async def test_what_was_missed_is_made_up_for_once_by_replicas_that_start_together(
    stores: Sequence[Store], clock: MockClock
) -> None:
    one, two, looker = stores
    async with Runtime(store=one, clock=clock) as runtime:
        runtime.schedule("tick", Every(600, missed="all"), report, "x")
        await asyncio.sleep(650)
    await asyncio.sleep(2 * HOUR)
    async with Runtime(store=one, clock=clock) as first, Runtime(store=two, clock=clock) as second:
        for runtime in (first, second):
            runtime.schedule("tick", Every(600, missed="all"), report, "x")
        await asyncio.sleep(60)
    assert sorted(FIRED) == every(10, 10, 130)
    async with looker:
        assert await stored_runs(looker) == every(10, 10, 130)


async def test_runs_that_are_not_stored_are_started_at_most_once(stores: Sequence[Store], clock: MockClock) -> None:
    """By the replica that writes the due time down first."""
    one, two, looker = stores
    skipped: list[str] = []
    async with Runtime(store=one, clock=clock) as first, Runtime(store=two, clock=clock) as second:
        for runtime in (first, second):
            runtime.subscribe(lambda event: skipped.append(event.fact.why), ScheduleSkipped)
            runtime.options(durability="none").schedule("tick", Every(600), report, "x")
            runtime.options(durability="none").schedule("any", Every(HOUR), anything, object())
        await asyncio.sleep(1805)
    assert FIRED == ["00:10:00Z", "00:20:00Z", "00:30:00Z"]
    async with looker:
        assert await looker.count_runs() == {}
        assert {record.name: record.last for record in await looker.schedules()} == {
            "any": None,
            "tick": at(1800).timestamp(),
        }


async def test_a_run_that_is_not_stored_and_cannot_be_started_is_told(clock: MockClock) -> None:
    skipped: list[str] = []
    async with Runtime(store=MemoryStore(clock=clock), clock=clock) as runtime:
        runtime.subscribe(lambda event: skipped.append(event.fact.why), ScheduleSkipped)
        schedule = runtime.options(durability="none").schedule("tick", Every(600), report, "x")

        async def fails(due: datetime) -> None:
            raise ZeroDivisionError

        schedule._dealing.firing.start = fails  # type: ignore[method-assign]
        await clock.advance(605)
        assert schedule.last == at(600)
    assert skipped == ["failed"]


# ── crashes ───────────────────────────────────────────────────────────────────────────────────────────────────────────


class Dying(StoreFace):
    """Says when a due time is about to be written down, and when it was."""

    def __init__(self, store: Store, when: str) -> None:
        self.store = store
        self.when = when
        self.life: Life | None = None

    def __repr__(self) -> str:
        return f"Dying({self.store!r})"

    def beside(self) -> Dying:
        return Dying(self.store.beside(), self.when)

    async def __aenter__(self) -> Dying:
        await self.store.__aenter__()
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.store.__aexit__(*exc)

    async def _ask(self, request: Request[Any], /) -> Any:
        (answer,) = await self._ask_all([request])
        if isinstance(answer, BaseException):
            raise answer
        return answer

    async def _ask_all(self, requests: Sequence[Request[Any]], /) -> list[Any]:
        is_mark = any(isinstance(request, MoveSchedule) for request in requests)
        if is_mark and self.life is not None and self.when == "before":
            self.life.die()
            await asyncio.get_running_loop().create_future()
        answers = await self.store.together(requests)
        if is_mark and self.life is not None and self.when == "after":
            self.life.die()
        return answers


@pytest.mark.parametrize("when", ["before", "after"])
async def test_a_crash_between_the_start_of_a_run_and_writing_that_down_makes_no_second_one(
    clock: MockClock, when: str
) -> None:
    memory = MemoryStore(clock=clock)
    dying = Dying(memory, when)
    async with Life(dying, clock=clock, lease=30.0) as life:
        dying.life = life
        life.runtime.schedule("tick", Every(600), report, "x")
        await life.until_dead(clock.advance(900))
        assert life.is_dead
    async with memory:
        assert await stored_runs(memory) == ["00:10:00Z"]
        assert [record.last for record in await memory.schedules()] == [
            at(600).timestamp() if when == "after" else None
        ]
    async with Runtime(store=memory, clock=clock) as runtime:
        schedule = runtime.schedule("tick", Every(600), report, "x")
        await clock.advance(1300)
        assert schedule.last is not None
    async with memory:
        assert await stored_runs(memory) == ["00:10:00Z", "00:20:00Z", "00:30:00Z"]
    assert FIRED.count("00:20:00Z") == FIRED.count("00:30:00Z") == 1


async def test_a_replica_that_is_killed_is_made_up_for_by_the_others(clock: MockClock) -> None:
    """What it had started is taken over; what it would have started is started."""
    memory = MemoryStore(clock=clock)
    async with Runtime(store=memory.beside(), clock=clock, workflows=[long_report]) as other:
        async with Life(memory.beside(), clock=clock, lease=30.0) as life:
            life.runtime.schedule("tick", Every(600), long_report, "x")
            await clock.advance(605)
            life.die()
        assert FIRED == ["00:10:00Z"]
        other.schedule("tick", Every(600, overlap="queue"), long_report, "x")
        await clock.advance(700)
        assert FIRED == ["00:10:00Z"]
        GATES[0].set()
        await clock.advance(HOUR)
    assert len(FIRED) > 3
    assert FIRED == sorted(set(FIRED))


@settings(max_examples=25, deadline=None)
@given(
    st.sampled_from(["skip", "once", "all"]),
    st.lists(st.tuples(st.integers(1, 1500), st.integers(0, 2500), st.booleans()), min_size=1, max_size=4),
)
def test_whenever_the_service_is_up_the_runs_are_those_of_the_model(
    missed: Any, spells: list[tuple[int, int, bool]]
) -> None:
    """`spells`: seconds that it's up, then down, and whether it was killed. There are two replicas of it."""
    asyncio.run(in_spells(missed, spells))


async def in_spells(missed: Any, spells: list[tuple[int, int, bool]]) -> None:
    with MockClock().installed() as clock:
        began = clock.time()

        def due(after: float, until: float) -> list[float]:
            return [began + 300 * n for n in range(1, 100) if after < began + 300 * n <= until]

        async def let_pass(seconds: float) -> None:
            """It's never just now that something is due."""
            await clock.advance(seconds)
            if (clock.time() - began) % 300 < 5:
                await clock.advance(5)

        memory = MemoryStore(clock=clock)
        expected, reached = list[float](), began
        for up, down, killed in spells:
            start = clock.time()
            late = due(reached, start)
            expected += {"all": late, "once": late[-1:], "skip": [at for at in late[-1:] if start - at <= 60.0]}[missed]
            async with Life(memory.beside(), clock=clock) as one, Life(memory.beside(), clock=clock) as two:
                for life in (one, two):
                    life.runtime.schedule("tick", Every(300, missed=missed, overlap="allow"), report, "x")
                await let_pass(up + 5)
                reached = clock.time()
                if killed:
                    one.die()
                    two.die()
            expected += due(start, reached)
            await let_pass(down)
        async with memory:
            page = await memory.list_runs(labels={"schedule": "tick"}, limit=1000)
        assert sorted(datetime.fromisoformat(run.run_id.partition("@")[2]).timestamp() for run in page.runs) == expected


# ── a store that is away ──────────────────────────────────────────────────────────────────────────────────────────────


class Away(FaultyStore):
    """A store that is away when it's told so."""

    def go(self, seconds: float) -> None:
        self._luck.gone_until = self.clock.time() + seconds
        self._luck.error = StoreUnavailable


async def test_while_its_store_is_away_nothing_gets_lost_and_it_is_told_once(clock: MockClock) -> None:
    store = Away(MemoryStore(clock=clock), clock=clock)
    with capture_logs() as logs:
        async with Runtime(store=store, clock=clock, lease=HOUR * 10) as runtime:
            runtime.schedule("tick", Every(600, missed="all"), report, "x")
            await clock.advance(650)
            store.go(1800.0)
            await clock.advance(1700)
            assert FIRED == ["00:10:00Z"]
            await clock.advance(200)
            assert FIRED == every(10, 10, 40)
    assert [line["event"] for line in logs if "schedule" in line] == [
        "a schedule has to wait for its store",
        "a schedule goes on",
    ]


async def test_one_that_is_declared_while_its_store_is_away_starts_from_then(clock: MockClock) -> None:
    store = Away(MemoryStore(clock=clock), clock=clock)
    async with Runtime(store=store, clock=clock, lease=HOUR * 10) as runtime:
        store.go(1500.0)
        runtime.schedule("tick", Every(600, missed="all"), report, "x")
        await clock.advance(1600)
    assert FIRED == ["00:10:00Z", "00:20:00Z"]


async def test_a_store_that_goes_away_in_the_middle_of_a_start_has_the_run_once(clock: MockClock) -> None:
    memory = MemoryStore(clock=clock)
    store = FaultyStore(memory, clock=clock)
    store.at(1, raises=StoreUnavailable, when="after", lasts=200.0)
    async with Runtime(store=store, clock=clock) as runtime:
        runtime.schedule("tick", Every(600), report, "x")
        await clock.advance(1150)
    async with memory:
        assert await stored_runs(memory) == ["00:10:00Z"]
        assert await memory.count_runs() == {"succeeded": 1}


async def test_a_schedule_that_somebody_deletes_from_the_store_goes_on(clock: MockClock) -> None:
    memory = MemoryStore(clock=clock)
    async with Runtime(store=memory, clock=clock) as runtime:
        runtime.schedule("tick", Every(600), report, "x")
        await clock.advance(650)
        memory._tables._schedules.clear()
        await clock.advance(600)
        runtime.schedule("paused", Every(600, missed="skip", grace=0.0), report, "x").pause()
        await clock.advance(10)
        memory._tables._schedules.clear()
        runtime.schedules()[1].resume()
        await clock.advance(700)
    assert FIRED[:2] == ["00:10:00Z", "00:20:00Z"]
    assert FIRED.count("00:30:00Z") == 2
