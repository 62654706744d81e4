"""Runs in Postgres: several stores on one database, a database of an older version, what is asked of the server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest

from actorflow.errors import LeaseExpired, RunConflict, StoreBusy
from actorflow.store import (
    Append,
    Entry,
    NewRun,
    OpenRun,
    PostgresStore,
    RunChange,
    TakeNote,
    Turn,
    Turns,
    encode_turns,
)
from actorflow.store.postgres_tables import PostgresTables
from actorflow.store.queries import migrations
from actorflow.testing.store_states import LEASE, StoreClock, opened

COUNT = iter(range(1_000_000))


@pytest.fixture
async def dsn(postgres: str) -> AsyncIterator[str]:
    """The address of an empty database."""
    name = f"runs_{next(COUNT)}"
    server = await asyncpg.connect(postgres)
    await server.execute(f"CREATE DATABASE {name}")
    yield postgres.replace("/postgres?", f"/{name}?")
    await server.execute(f"DROP DATABASE {name} WITH (FORCE)")
    await server.close()


@pytest.fixture
def clock() -> StoreClock:
    return StoreClock()


@pytest.fixture
async def store(dsn: str, clock: StoreClock) -> AsyncIterator[PostgresStore]:
    async with PostgresStore(dsn, clock=clock) as store:
        yield store


@pytest.fixture
async def other(store: PostgresStore) -> AsyncIterator[PostgresStore]:
    """Another process, as far as the server can tell."""
    async with store.beside() as other:
        yield other


@pytest.fixture
async def server(store: PostgresStore, dsn: str) -> AsyncIterator[Any]:
    """Somebody else in the same database."""
    connection = await asyncpg.connect(dsn)
    yield connection
    await connection.close()


def told(kind: str, step: str, value: bytes | None = None) -> bytes:
    return encode_turns(Turns("w", 0.0, [Turn([Entry(kind, step, 0, 1, 1.0, value)], [])]))


async def test_a_database_of_version_1_opens_with_all_that_was_recorded(dsn: str) -> None:
    old = await asyncpg.connect(dsn)
    await old.execute("CREATE SCHEMA actorflow")
    await old.execute("CREATE TABLE actorflow.versions (version integer PRIMARY KEY, name text, applied float8)")
    await old.execute(migrations("postgres")[0].sql)
    await old.execute("INSERT INTO actorflow.versions VALUES (1, 'step_runs', 0)")
    await old.execute("INSERT INTO actorflow.runs VALUES (nextval('actorflow.numbers'), 'r', 'book', 'in', 5)")
    await old.execute(
        "INSERT INTO actorflow.step_runs VALUES (nextval('actorflow.numbers'), 1, 'a', 'completed', 1, 3, 'w', 1, 2, '', 'out')"
    )
    await old.close()
    stores = [PostgresStore(dsn) for _ in range(3)]
    await asyncio.gather(*(store.__aenter__() for store in stores))
    run = await stores[0].get_run("r")
    assert (run.workflow, run.status, run.created, run.updated, run.tail) == ("book", "running", 5.0, 5.0, 0)
    assert await stores[1].completed_outputs("r") == [b"out"]
    assert [each.run_id for each in (await stores[2].list_runs(workflow="book")).runs] == ["r"]
    await asyncio.gather(*(store.__aexit__() for store in stores))


async def test_a_database_of_version_2_opens_and_takes_schedules(dsn: str) -> None:
    old = await asyncpg.connect(dsn)
    await old.execute("CREATE SCHEMA actorflow")
    await old.execute("CREATE TABLE actorflow.versions (version integer PRIMARY KEY, name text, applied float8)")
    for migration in migrations("postgres")[:2]:
        await old.execute(migration.sql)
        await old.execute("INSERT INTO actorflow.versions VALUES ($1, $2, 0)", migration.version, migration.name)
    await old.execute("INSERT INTO actorflow.runs VALUES (nextval('actorflow.numbers'), 'r', 'book', 'in', 5)")
    await old.close()
    async with PostgresStore(dsn) as store:
        assert (await store.get_run("r")).workflow == "book"
        await store.open_schedule("nightly", trigger="0 6 * * *", since=1.0)
        assert await store.move_schedule("nightly", last=2.0)


async def test_r50_what_is_remembered_of_a_run_is_worth_nothing_when_another_process_has_taken_it(
    store: PostgresStore, other: PostgresStore, clock: StoreClock
) -> None:
    one, two = await store.join("one", lease=LEASE), await other.join("two", lease=LEASE * 10)
    for each in range(3):
        await opened(store, f"r{each}", one)
        await store.append(f"r{each}", owner=one, sequence=1, turns=b"t1")
    clock.pass_by(LEASE + 1)
    assert [run.tail for run in await other.claim_runs(two)] == [1] * 3
    late = await store.together([Append(f"r{each}", one, 2, b"late") for each in range(3)])
    assert [type(each) for each in late] == [LeaseExpired] * 3
    assert await other.append("r0", owner=two, sequence=2, turns=b"t2", change=RunChange("succeeded")) == 2
    assert await store.turns("r0") == [b"t1", b"t2"]
    assert await store.turns("r1") == [b"t1"]


async def test_r50_an_append_that_is_under_way_is_waited_for_by_who_fences_its_runtime(
    store: PostgresStore, other: PostgresStore, server: Any, clock: StoreClock
) -> None:
    """The lapsed runtime is writing just now: its runs are taken later, with what it wrote."""
    one, two = await store.join("one", lease=LEASE), await other.join("two", lease=LEASE * 10)
    await opened(store, "r", one)
    clock.pass_by(LEASE + 1)
    async with server.transaction():
        await server.execute("SELECT 1 FROM actorflow.runtimes WHERE number = $1 FOR KEY SHARE", one)
        assert await other.claim_runs(two) == []
        assert await store.append("r", owner=one, sequence=1, turns=b"t") == 1
    assert [run.tail for run in await other.claim_runs(two)] == [1]


async def test_r50_many_runtimes_that_claim_at_once_do_not_wait_for_each_other(
    store: PostgresStore, other: PostgresStore
) -> None:
    gone = await store.join("gone", lease=LEASE)
    for each in range(30):
        await opened(store, f"r{each}", gone)
    owners = [(each, await each.join("w", lease=LEASE)) for each in (store, other)]
    await store.leave(gone)
    answers = await asyncio.gather(*(each.claim_runs(owner, limit=4) for each, owner in owners * 6))
    assert sorted(run.run_id for runs in answers for run in runs) == sorted(f"r{each}" for each in range(30))


async def test_step_runs_are_made_once_whoever_looks(store: PostgresStore, other: PostgresStore) -> None:
    one = await store.join("one", lease=LEASE)
    await opened(store, "r", one)
    await store.append("r", owner=one, sequence=1, turns=told("StepStarted", "a"))
    looked = await asyncio.gather(*(each.get_step_run("r", "a") for each in (store, other) for _ in range(4)))
    assert len({each.id for each in looked if each}) == 1
    await store.append("r", owner=one, sequence=2, turns=told("StepSucceeded", "a", b"out"))
    assert await other.completed_outputs("r") == [b"out"]


async def test_what_runs_do_is_one_question_and_mixed_with_others_one_commit(store: PostgresStore) -> None:
    one = await store.join("one", lease=LEASE)
    for each in range(10):
        await opened(store, f"r{each}", one)
    asked: list[str] = []
    db = store._desk._db
    db.add_query_logger(lambda record: asked.append(record.query))
    assert await store.together([Append(f"r{each}", one, 1, b"t") for each in range(10)]) == [1] * 10
    assert [query.split()[:2] for query in asked] == [["WITH", "alive"]]
    asked.clear()
    last = [Append(f"r{each}", one, 2, b"t", RunChange("succeeded") if each == 5 else None) for each in range(10)]
    assert await store.together(last) == [2] * 10
    assert [query.split()[:2] for query in asked] == [["WITH", "alive"]]
    assert (await store.get_run("r5")).status == "succeeded"
    asked.clear()
    begins = [OpenRun(NewRun("new", "trip", b"in"), one), Append("new", one, 1, b"t"), Append("r1", one, 3, b"t")]
    answers = await store.together(begins)
    assert (answers[0].run.status, answers[0].is_new, answers[1:]) == ("running", True, [1, 3])
    assert [query.split()[:2] for query in asked] == [["WITH", "alive"]]
    asked.clear()
    mixed = [
        Append("new", one, 2, b"t"),
        Append("r2", one, 3, b"t", consumed=[1]),
        TakeNote("r3", "who", "what", "why"),
    ]
    assert (await store.together(mixed))[:2] == [2, 3]
    assert [query.split()[0] for query in asked if "alive" in query or ";" in query[:9]] == [
        "BEGIN;",
        "WITH",
        "COMMIT;",
    ]
    assert await store.turns("new") == [b"t", b"t"]


async def test_runs_that_begin_beside_one_that_is_there(store: PostgresStore, other: PostgresStore) -> None:
    """R47: in one commit: each is what it would be alone."""
    one = await store.join("one", lease=LEASE)
    await other.create_run(run_id="there", workflow="trip", inputs=b"in")
    await other.create_run(run_id="odd", workflow="trip", inputs=b"other")
    names = ["a", "there", "odd", "b"]
    opens = [
        request for name in names for request in (OpenRun(NewRun(name, "trip", b"in"), one), Append(name, one, 1, b"t"))
    ]
    answers = await store.together(opens)
    assert [getattr(answer, "is_new", type(answer)) for answer in answers] == [
        True, int, False, LeaseExpired, RunConflict, LeaseExpired, True, int,
    ]  # fmt: skip
    assert await store.turns("a") == await store.turns("b") == [b"t"]
    assert await store.turns("there") == []


async def test_a_run_that_begins_and_ends_in_one_commit(store: PostgresStore) -> None:
    one = await store.join("one", lease=LEASE)
    ends = [OpenRun(NewRun("r", "trip", b"in"), one), Append("r", one, 1, b"t", RunChange("succeeded", result=b"out"))]
    begun, sequence = await store.together(ends)
    assert (begun.is_new, sequence) == (True, 1)
    run = await store.get_run("r")
    assert (run.status, run.result, run.owner, run.tail) == ("succeeded", b"out", None, 1)


async def test_a_tail_that_is_not_the_remembered_one_is_found_out(store: PostgresStore, other: PostgresStore) -> None:
    """The same runtime, through two stores."""
    one = await store.join("one", lease=LEASE)
    await opened(store, "r", one)
    await other.append("r", owner=one, sequence=1, turns=b"t1")
    assert await store.append("r", owner=one, sequence=1, turns=b"t1") == 1
    await other.append("r", owner=one, sequence=2, turns=b"t2", change=RunChange("running"))
    both = [Append("r", one, 2, b"t2"), Append("r", one, 3, b"t3", RunChange("succeeded"))]
    assert await store.together(both) == [2, 3]
    assert await store.turns("r") == [b"t1", b"t2", b"t3"]


async def test_the_locks_of_a_process_that_was_frozen_in_a_transaction_go(
    dsn: str, store: PostgresStore, clock: StoreClock
) -> None:
    """The server ends a session that says nothing in the middle of a transaction; what it was about to do isn't done."""
    one = await store.join("one", lease=LEASE)
    await opened(store, "r", one)
    frozen = PostgresStore(dsn, busy_timeout=0.1, clock=clock)
    async with frozen:
        db = frozen._desk._db
        await db.execute("SET idle_in_transaction_session_timeout = 20")
        await db.execute("BEGIN")
        await db.execute("SELECT 1 FROM actorflow.runs FOR UPDATE")
        assert await store.append("r", owner=one, sequence=1, turns=b"t", change=RunChange("succeeded")) == 1
        assert await frozen.turns("r") == [b"t"]


async def test_a_run_that_is_deleted_while_it_is_opened_is_asked_for_again(
    store: PostgresStore, server: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = await store.join("one", lease=LEASE)
    await opened(store, "r", one)
    read = PostgresTables._read_runs

    async def late(self: Any, db: Any, requests: Any) -> None:
        await server.execute("DELETE FROM actorflow.runs")
        await read(self, db, requests)

    monkeypatch.setattr(PostgresTables, "_read_runs", late)
    with pytest.raises(StoreBusy, match="deleted"):
        await opened(store, "r", one)
    monkeypatch.undo()
    await opened(store, "r", one)
