"""Runs in SQLite: several stores on one file, files of an older version, what is written and what isn't."""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from actorflow.errors import LeaseExpired, RecordNotFound, RunConflict, StoreCorrupt
from actorflow.store import Append, Entry, NewRun, OpenRun, RunChange, SQLiteStore, Turn, Turns, encode_turns
from actorflow.testing.store_states import LEASE, StoreClock, ended, opened

OLD = Path(__file__).parent / "version_1.sqlite"
OLDER_BY_ONE = Path(__file__).parent / "version_2.sqlite"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "runs.db"


@pytest.fixture
def clock() -> StoreClock:
    return StoreClock()


@pytest.fixture
async def store(path: Path, clock: StoreClock) -> AsyncIterator[SQLiteStore]:
    async with SQLiteStore(path, synchronous="NORMAL", clock=clock) as store:
        yield store


@pytest.fixture
async def other(store: SQLiteStore) -> AsyncIterator[SQLiteStore]:
    """Another process, as far as SQLite can tell."""
    async with store.beside() as other:
        yield other


def told(kind: str, step: str, value: bytes | None = None) -> bytes:
    return encode_turns(Turns("w", 0.0, [Turn([Entry(kind, step, 0, 1, 1.0, value)], [])]))


# ── files of an older version ─────────────────────────────────────────────────────────────────────────────────────────


async def test_a_database_written_by_version_1_opens_with_all_that_was_recorded(path: Path) -> None:
    shutil.copy(OLD, path)
    async with SQLiteStore(path) as store:
        run = await store.get_run("trip-1")
        assert (run.workflow, run.inputs, run.status, run.tail) == ("trip", b"\x81\xa4city\xa5Porto", "running", 0)
        assert run.created == run.updated == 1_760_000_001.0
        assert [each.run_id for each in (await store.list_runs()).runs] == ["trip-2", "trip-1"]
        assert await store.step_statuses("trip-1") == {
            "book_flight": "undone",
            "book_hotel": "completed",
            "charge": "running",
            "mail": "pending",
        }
        hotel = await store.get_step_run("trip-1", "book_hotel")
        assert hotel is not None
        assert [each.outcome for each in await store.attempts(hotel.id)] == ["failed", "completed"]
        with pytest.raises(RunConflict):
            await store.create_run(run_id="trip-1", workflow="trip", inputs=b"")
        owner = await store.join("w", lease=LEASE)
        later = (await store.begin_step("trip-1", "insure", b"")).step_run
        assert int(later.id) > owner > int(hotel.id)


async def test_a_database_written_by_version_2_opens_with_all_that_was_recorded(path: Path) -> None:
    shutil.copy(OLDER_BY_ONE, path)
    async with SQLiteStore(path) as store:
        ended, free = await store.get_run("trip-1"), await store.get_run("trip-2")
        assert (ended.status, ended.result, ended.labels, ended.tail) == ("succeeded", b"done", {"team": "travel"}, 1)
        assert (free.status, free.owner) == ("running", None)
        assert await store.completed_outputs("trip-2") == [b"out"]
        assert [note.who for note in await store.notes("trip-1")] == ["ann"]
        assert [message.data for message in await store.messages(run_id="trip-2")] == [b"x"]
        assert await store.schedules() == []
        await store.open_schedule("nightly", trigger="0 6 * * *", since=1.0)
        assert await store.move_schedule("nightly", last=2.0)


async def test_processes_that_open_an_old_file_at_once_bring_it_up_to_date_once(path: Path) -> None:
    shutil.copy(OLD, path)
    stores = [SQLiteStore(path) for _ in range(4)]
    await asyncio.gather(*(store.__aenter__() for store in stores))
    counts = await asyncio.gather(*(store.count_runs() for store in stores))
    await asyncio.gather(*(store.__aexit__() for store in stores))
    assert counts == [{"running": 2}] * 4


# ── several stores on one file ────────────────────────────────────────────────────────────────────────────────────────


async def test_r50_what_is_remembered_of_a_run_is_forgotten_when_another_process_takes_it(
    store: SQLiteStore, other: SQLiteStore, clock: StoreClock
) -> None:
    one, two = await store.join("one", lease=LEASE), await other.join("two", lease=LEASE * 10)
    await opened(store, "r", one)
    await store.append("r", owner=one, sequence=1, turns=b"t1")
    clock.pass_by(LEASE + 1)
    (taken,) = await other.claim_runs(two)
    assert taken.tail == 1
    with pytest.raises(LeaseExpired):
        await store.append("r", owner=one, sequence=2, turns=b"late")
    assert not await store.renew(one, lease=LEASE)
    assert await other.append("r", owner=two, sequence=2, turns=b"t2", change=RunChange("succeeded")) == 2
    assert await store.turns("r") == [b"t1", b"t2"]


async def test_step_runs_are_made_once_whoever_looks(store: SQLiteStore, other: SQLiteStore) -> None:
    one = await store.join("one", lease=LEASE)
    await opened(store, "r", one)
    await store.append("r", owner=one, sequence=1, turns=told("StepStarted", "a"))
    looked = await asyncio.gather(*(each.get_step_run("r", "a") for each in (store, other) for _ in range(4)))
    assert len({each.id for each in looked if each}) == 1
    await store.append("r", owner=one, sequence=2, turns=told("StepSucceeded", "a", b"out"))
    assert await other.completed_outputs("r") == [b"out"]
    assert await store.completed_outputs("r") == [b"out"]


async def test_a_run_that_another_process_deleted_is_not_found(store: SQLiteStore, other: SQLiteStore) -> None:
    one = await store.join("one", lease=LEASE)
    await ended(store, "r", one)
    await other.delete_run("r")
    with pytest.raises(RecordNotFound):
        await store.append("r", owner=one, sequence=2, turns=b"")
    with pytest.raises(RecordNotFound):
        await store.get_run("r")


# ── what is written ───────────────────────────────────────────────────────────────────────────────────────────────────


async def test_an_append_reads_no_run_and_no_runtime_again(store: SQLiteStore) -> None:
    """One insert for all, and a look at whether somebody else has written."""
    one = await store.join("one", lease=LEASE)
    await store.together([open_run(f"r{each}", one) for each in range(20)])
    statements: list[str] = []
    desk = store._desk
    answer = desk.answer

    def spying(requests: Any) -> list[Any]:
        assert desk._db is not None
        desk._db.set_trace_callback(statements.append)
        return answer(requests)

    desk.answer = spying  # type: ignore[method-assign]
    assert await store.together([Append(f"r{each}", one, 1, b"t") for each in range(20)]) == [1] * 20
    kinds = [statement.split()[0] for statement in statements]
    assert kinds == ["BEGIN", "PRAGMA", *["INSERT"] * 20, "COMMIT"]


def open_run(run_id: str, owner: int) -> OpenRun:
    return OpenRun(NewRun(run_id, "book", b"in"), owner)


async def test_looking_at_step_runs_writes_nothing_when_there_is_nothing_new(store: SQLiteStore, path: Path) -> None:
    one = await store.join("one", lease=LEASE)
    await opened(store, "r", one)
    await store.append("r", owner=one, sequence=1, turns=told("StepStarted", "a"))
    await store.step_statuses("r")
    with closing(sqlite3.connect(path, isolation_level=None)) as locking:
        locking.execute("BEGIN IMMEDIATE")
        assert await store.step_statuses("r") == {"a": "running"}


@pytest.mark.parametrize("damage", ["status = 1", "labels = 'x'", "inputs = 'text'", "ended = 'never'"])
async def test_a_run_that_cannot_be_is_told_and_the_others_are_fine(
    store: SQLiteStore, path: Path, damage: str
) -> None:
    one = await store.join("one", lease=LEASE)
    await opened(store, "r", one)
    await opened(store, "fine", one)
    with closing(sqlite3.connect(path)) as db, db:
        db.execute("PRAGMA ignore_check_constraints = ON")
        db.execute(f"UPDATE runs SET {damage} WHERE run_id = 'r'")
    asked: list[Any] = [store.get_run("r"), store.get_run("fine")]
    answers: list[Any] = await asyncio.gather(*asked, return_exceptions=True)
    broken, fine = answers
    assert type(broken) is StoreCorrupt
    assert fine.run_id == "fine"
