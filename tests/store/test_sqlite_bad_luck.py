"""Bad luck with a SQLite file: each has a clear error, changes nothing, never hangs, and is survived where it can be."""

from __future__ import annotations

import asyncio
import ctypes
import os
import resource
import shutil
import sqlite3
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import closing, contextmanager, suppress
from functools import partial
from pathlib import Path

import pytest

from actorflow.errors import (
    RecordNotFound,
    StoreBusy,
    StoreCorrupt,
    StoreError,
    StoreFull,
    StoreReadOnly,
    StoreTooNew,
    StoreUnavailable,
)
from actorflow.store import Entry, NewRun, RunChange, SQLiteStore, StepRun, Turn, Turns, encode_turns
from actorflow.store import sqlite_open as opening
from actorflow.store.queries import Migration, migrations
from tests.store.threads import on_its_thread


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "runs.db"


@pytest.fixture
async def mine(path: Path) -> StepRun:
    """A step that is claimed, in a database that was left."""
    async with SQLiteStore(path) as store:
        await store.create_run(run_id="r", workflow="w", inputs=b"")
        return (await store.begin_step("r", "charge", b"in")).step_run


@pytest.fixture
async def store(path: Path, mine: StepRun) -> AsyncIterator[SQLiteStore]:
    async with SQLiteStore(path, busy_timeout=0.05) as store:
        yield store


async def refused(path: Path, kind: type[StoreError], words: str, busy_timeout: float = 0.05) -> None:
    """Entering is refused, in words that name the file, and leaves it as it was."""
    before = path.read_bytes() if path.is_file() else None
    with pytest.raises(kind, match=words) as caught:
        async with SQLiteStore(path, busy_timeout=busy_timeout):
            pass
    assert type(caught.value) is kind
    assert str(path) in str(caught.value)
    assert (path.read_bytes() if path.is_file() else None) == before


@contextmanager
def locked(path: Path) -> Iterator[sqlite3.Connection]:
    """Somebody else is in the middle of a write."""
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield other


# ── locks ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_database_locked_for_longer_than_the_store_waits_is_busy_and_works_on(
    store: SQLiteStore, path: Path, mine: StepRun
) -> None:
    with locked(path):
        with pytest.raises(StoreBusy, match="locked"):
            await store.complete_step(mine.id, b"out", token=1)
        assert await store.get_step_run("r", "charge") == mine
    assert (await store.complete_step(mine.id, b"out", token=1)).status == "completed"


async def test_a_lock_that_is_released_in_time_is_waited_for(path: Path, mine: StepRun) -> None:
    async with SQLiteStore(path, busy_timeout=30) as store:
        with locked(path) as other:
            writing = asyncio.ensure_future(store.complete_step(mine.id, b"out", token=1))
            for _ in range(3):
                await asyncio.sleep(0)
            assert not writing.done()
            other.execute("ROLLBACK")
            assert (await writing).status == "completed"


async def test_a_database_that_is_locked_at_the_start_is_busy(path: Path) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(StoreBusy):
            async with SQLiteStore(path, busy_timeout=0.05):
                pass


async def test_one_that_is_up_to_date_opens_while_another_writes(path: Path, mine: StepRun) -> None:
    with locked(path):
        async with SQLiteStore(path, busy_timeout=0.05) as store:
            assert await store.get_step_run("r", "charge") == mine


# ── no room, no right ─────────────────────────────────────────────────────────────────────────────────────────────────


@contextmanager
def files_of_at_most(size: int) -> Iterator[None]:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


async def test_a_file_that_may_not_grow_is_told_and_works_on_when_it_may(
    store: SQLiteStore, path: Path, mine: StepRun
) -> None:
    await store.begin_step("r", "before", b"")
    with files_of_at_most(path.stat().st_size + 100_000):
        with pytest.raises(StoreError, match="disk full"):
            await store.complete_step(mine.id, b"x" * 500_000, token=1)
        assert await store.get_step_run("r", "charge") == mine
    done = await store.complete_step(mine.id, b"x" * 500_000, token=1)
    assert await store.get_step_run("r", "charge") == done


async def test_a_full_disk_is_told_and_works_on_when_there_is_room(store: SQLiteStore, mine: StepRun) -> None:
    """SQLite's own bound on the file stands for the disk's: the error is the same one."""
    await on_its_thread(store, "PRAGMA max_page_count=1")
    with pytest.raises(StoreFull, match="no room"):
        await store.complete_step(mine.id, b"x" * 500_000, token=1)
    assert await store.get_step_run("r", "charge") == mine
    await on_its_thread(store, "PRAGMA max_page_count=100000")
    assert (await store.complete_step(mine.id, b"x" * 500_000, token=1)).status == "completed"


async def test_what_was_gathered_for_a_commit_that_found_no_room_is_forgotten(path: Path) -> None:
    """Turns, runs and owners are as they were, and the same append is fine when there is room."""
    async with SQLiteStore(path) as store:
        owner = await store.join("here", lease=30.0)
        await store.open_run(NewRun("r", "w", b""), owner=owner)
        await on_its_thread(store, "PRAGMA max_page_count=1")
        large = encode_turns(Turns("here", 0.0, [Turn([Entry("Noted", "", -1, 0, 0.0, b"x" * 500_000)], [])]))
        with pytest.raises(StoreFull):
            await store.append("r", owner=owner, sequence=1, turns=large, change=RunChange(status="succeeded"))
        assert (await store.get_run("r")).status == "running"
        assert await store.turns("r") == []
        await on_its_thread(store, "PRAGMA max_page_count=100000")
        assert (await store.get_run("r")).tail == 0
        await store.append("r", owner=owner, sequence=1, turns=large)
        assert await store.turns("r") == [large]
        run = await store.get_run("r")
        assert (run.status, run.tail, run.owner) == ("running", 1, owner)


@contextmanager
def without_privileges() -> Iterator[None]:
    """The superuser may write to anything: this thread, and those it starts, are nobody's on the file system."""
    if os.getuid() != 0:
        yield
        return
    libc = ctypes.CDLL(None)
    libc.setfsuid(65534)
    try:
        yield
    finally:
        libc.setfsuid(0)


@pytest.fixture
def public() -> Iterator[Path]:
    """A folder that anybody may enter, and nobody but its owner may write to."""
    folder = Path(tempfile.mkdtemp())
    yield folder
    folder.chmod(0o755)
    shutil.rmtree(folder)


async def test_a_file_that_may_not_be_written_is_refused(path: Path, mine: StepRun, public: Path) -> None:
    there = public / "runs.db"
    shutil.copy(path, there)
    there.chmod(0o444)
    public.chmod(0o555)
    with without_privileges():
        await refused(there, StoreReadOnly, "may not be written")


async def test_a_folder_that_may_not_be_written_is_refused(public: Path) -> None:
    public.chmod(0o555)
    with without_privileges():
        await refused(public / "runs.db", StoreUnavailable, "can't be opened")


# ── what isn't a store's file ─────────────────────────────────────────────────────────────────────────────────────────


async def test_a_missing_folder_and_a_folder_in_place_of_a_file_are_refused(tmp_path: Path) -> None:
    await refused(tmp_path / "none" / "runs.db", StoreUnavailable, "can't be opened")
    await refused(tmp_path, StoreUnavailable, "can't be opened")


async def test_a_file_of_something_else_is_refused(path: Path) -> None:
    path.write_bytes(b"Dear diary, " * 1000)
    await refused(path, StoreCorrupt, "isn't what a store writes")


async def test_an_empty_file_becomes_a_database(path: Path) -> None:
    path.touch()
    async with SQLiteStore(path) as store:
        with pytest.raises(RecordNotFound):
            await store.get_run("r")


async def test_the_database_of_another_program_is_refused(path: Path) -> None:
    with closing(sqlite3.connect(path)) as db, db:
        db.execute("CREATE TABLE runs (miles REAL)")
    await refused(path, StoreUnavailable, "something else")


async def test_a_file_that_another_process_makes_at_the_same_moment_is_no_other_program_s(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is read before it made its tables, and something afterwards, as if they were somebody else's."""
    others: list[sqlite3.Connection] = []

    class Overtaken(sqlite3.Connection):
        def execute(self, sql: str, /, *given: object) -> sqlite3.Cursor:
            if sql == "SELECT 1 FROM sqlite_master" and not others:
                others.append(sqlite3.connect(path))
                with suppress(sqlite3.OperationalError):  # it has to wait
                    others.append(opening.open_database(path, "NORMAL", 0.01))
            return super().execute(sql, *given)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr(sqlite3, "connect", partial(sqlite3.connect, factory=Overtaken))
        overtaken = opening.open_database(path, "NORMAL", 1.0)
    for one in (overtaken, *others):
        one.close()
    async with SQLiteStore(path) as store:
        assert await store.count_runs() == {}


# ── damage ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def page_of(path: Path, table: str) -> tuple[int, int]:
    """Where a table's first page begins, and how long it is."""
    with closing(sqlite3.connect(path)) as db:
        (page,) = db.execute("SELECT rootpage FROM sqlite_master WHERE name = ?", (table,)).fetchone()
        (size,) = db.execute("PRAGMA page_size").fetchone()
    return (page - 1) * size, size


async def test_a_damaged_page_is_told_and_other_tables_are_still_read(path: Path, mine: StepRun) -> None:
    first, size = page_of(path, "step_runs")
    content = bytearray(path.read_bytes())
    content[first : first + size] = b"\xff" * size
    path.write_bytes(content)
    async with SQLiteStore(path) as store:
        for ask in (store.get_step_run("r", "charge"), store.complete_step(mine.id, b"out", token=1)):
            with pytest.raises(StoreCorrupt, match="isn't what a store writes"):
                await ask
        assert (await store.get_run("r")).run_id == "r"


async def test_a_file_cut_short_is_told(path: Path, mine: StepRun) -> None:
    path.write_bytes(path.read_bytes()[:8192])
    with pytest.raises(StoreCorrupt):
        async with SQLiteStore(path) as store:
            await store.begin_step("r", "pay", b"")


@pytest.mark.parametrize("table", ["runs", "step_runs", "numbers"])
async def test_a_missing_table_is_told(path: Path, mine: StepRun, table: str) -> None:
    with closing(sqlite3.connect(path)) as db, db:
        db.execute(f"DROP TABLE {table}")
    async with SQLiteStore(path) as store:
        with pytest.raises(StoreCorrupt, match="no such table"):
            await store.begin_step("r", "pay", b"")


BROKEN: list[Callable[[sqlite3.Connection], object]] = [
    lambda db: db.execute("UPDATE step_runs SET input = 'text'"),
    lambda db: db.execute("UPDATE step_runs SET token = 'one'"),
    lambda db: db.execute("UPDATE step_runs SET started = 'noon'"),
    lambda db: db.execute("UPDATE step_runs SET sequence = 1.5"),
    lambda db: db.executescript("PRAGMA ignore_check_constraints=1; UPDATE step_runs SET status = 'lost'"),
]


@pytest.mark.parametrize("damage", BROKEN)
async def test_a_row_that_cannot_be_is_told_and_left_alone(
    path: Path, mine: StepRun, damage: Callable[[sqlite3.Connection], object]
) -> None:
    with closing(sqlite3.connect(path)) as db, db:
        damage(db)
    async with SQLiteStore(path) as store:
        for ask in (
            store.get_step_run("r", "charge"),
            store.begin_step("r", "charge", b""),
            store.complete_step(mine.id, b"out", token=1),
            store.completed_steps("r"),
        ):
            with pytest.raises(StoreCorrupt, match=f"step run {mine.id} of run 'r'"):
                await ask


@pytest.mark.parametrize("damage", ["since = 'noon'", "last = x'00'", "\"trigger\" = x'00'"])
async def test_a_schedule_that_cannot_be_is_told_and_left_alone(path: Path, mine: StepRun, damage: str) -> None:
    async with SQLiteStore(path) as store:
        await store.open_schedule("n", trigger="t", since=1.0)
    with closing(sqlite3.connect(path)) as db, db:
        db.execute(f"UPDATE schedules SET {damage}")
    async with SQLiteStore(path) as store:
        for ask in (
            store.open_schedule("n", trigger="t", since=1.0),
            store.move_schedule("n", last=2.0),
            store.schedules(),
        ):
            with pytest.raises(StoreCorrupt, match="schedule 'n' can't be"):
                await ask


async def test_a_store_that_lost_count_is_told(path: Path, mine: StepRun) -> None:
    with closing(sqlite3.connect(path)) as db, db:
        db.execute("DELETE FROM numbers")
    async with SQLiteStore(path) as store:
        with pytest.raises(StoreCorrupt, match="lost count"):
            await store.complete_step(mine.id, b"out", token=1)
        assert await store.get_step_run("r", "charge") == mine


# ── versions ──────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_database_of_a_newer_version_is_refused_and_left_alone(path: Path, mine: StepRun) -> None:
    with closing(sqlite3.connect(path)) as db, db:
        db.execute("INSERT INTO versions VALUES (999, 'from_the_future', 0)")
    await refused(path, StoreTooNew, "version 999")


async def test_an_older_database_gets_what_is_missing(
    path: Path, mine: StepRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    newer = (*migrations("sqlite"), Migration(len(migrations("sqlite")) + 1, "more", "CREATE TABLE more (x);\n"))
    monkeypatch.setattr(opening, "migrations", lambda _dialect: newer)
    for _ in range(2):
        async with SQLiteStore(path) as store:
            assert await store.get_step_run("r", "charge") == mine
    with closing(sqlite3.connect(path)) as db:
        assert db.execute("SELECT count(*) FROM more").fetchone() == (0,)
        assert db.execute("SELECT max(version) FROM versions").fetchone() == (newer[-1].version,)


async def test_a_migration_that_fails_leaves_the_older_version(
    path: Path, mine: StepRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = migrations("sqlite")
    broken = Migration(len(known) + 1, "broken", "CREATE TABLE more (x);\nCREATE TABLE runs (x);\n")
    with monkeypatch.context() as patch:
        patch.setattr(opening, "migrations", lambda _dialect: (*known, broken))
        with pytest.raises(StoreCorrupt, match="already exists"):
            async with SQLiteStore(path):
                pass
    async with SQLiteStore(path) as store:
        assert await store.get_step_run("r", "charge") == mine
    with closing(sqlite3.connect(path)) as db:
        assert not db.execute("SELECT 1 FROM sqlite_master WHERE name = 'more'").fetchone()
