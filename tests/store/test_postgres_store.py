"""The Postgres store as a thing: sharing a server, losing it, being refused by it."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Iterator
from typing import Any

import asyncpg
import pytest

from actorflow.errors import (
    CommitUnknown,
    StoreBusy,
    StoreClosed,
    StoreCorrupt,
    StoreReadOnly,
    StoreTooNew,
    StoreUnavailable,
    WrongLoop,
)
from actorflow.store import PostgresStore, StepRun
from actorflow.store.queries import migrations
from tests.store.servers import Server, private_server

COUNT = iter(range(1_000_000))


@pytest.fixture
async def dsn(postgres: str) -> AsyncIterator[str]:
    """The address of an empty database."""
    name = f"store_{next(COUNT)}"
    server = await asyncpg.connect(postgres)
    await server.execute(f"CREATE DATABASE {name}")
    yield postgres.replace("/postgres?", f"/{name}?")
    await server.execute(f"DROP DATABASE {name} WITH (FORCE)")
    await server.close()


@pytest.fixture
async def store(dsn: str) -> AsyncIterator[PostgresStore]:
    async with PostgresStore(dsn) as store:
        await store.create_run(run_id="r", workflow="w", inputs=b"")
        yield store


@pytest.fixture
async def mine(store: PostgresStore) -> StepRun:
    return (await store.begin_step("r", "charge", b"in")).step_run


@pytest.fixture
async def other(dsn: str) -> AsyncIterator[Any]:
    """Somebody else in the same database."""
    connection = await asyncpg.connect(dsn)
    yield connection
    await connection.close()


# ── sharing ───────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_stores_that_start_at_once_make_the_tables_once(dsn: str) -> None:
    stores = [PostgresStore(dsn) for _ in range(6)]
    await asyncio.gather(*(store.__aenter__() for store in stores))
    made = [store.create_run(run_id="r", workflow="w", inputs=b"") for store in stores]
    assert len(set(await asyncio.gather(*made))) == 1
    await asyncio.gather(*(store.__aexit__() for store in stores))


async def test_stores_on_one_database_claim_exactly(dsn: str) -> None:
    async with PostgresStore(dsn) as one, PostgresStore(dsn) as two, PostgresStore(dsn) as three:
        await one.create_run(run_id="r", workflow="w", inputs=b"")
        for step in range(10):
            asked = [store.begin_step("r", f"s{step}", b"") for store in (one, two, three) for _ in range(8)]
            decisions = [claim.decision for claim in await asyncio.gather(*asked)]
            assert decisions.count("execute") == 1


async def test_stores_that_lock_many_runs_in_different_order_do_not_block_each_other(dsn: str) -> None:
    async with PostgresStore(dsn) as one, PostgresStore(dsn) as two:
        names = [f"run{each}" for each in range(30)]
        both = [(one, names), (two, names[::-1])]
        for round in range(5):
            asked = [store.create_run(run_id=name, workflow="w", inputs=b"") for store, order in both for name in order]
            claims = [store.begin_step(name, f"s{round}", b"") for store, order in both for name in order]
            await asyncio.gather(*asked)
            decisions = [claim.decision for claim in await asyncio.gather(*claims)]
            assert decisions.count("execute") == len(names)


async def test_completions_of_two_stores_have_one_order(dsn: str) -> None:
    async with PostgresStore(dsn) as one, PostgresStore(dsn) as two:
        await one.create_run(run_id="r", workflow="w", inputs=b"")
        for number, store in enumerate([one, two, two, one, two]):
            claim = (await store.begin_step("r", f"s{9 - number}", b"")).step_run
            await store.complete_step(claim.id, b"", token=1)
        assert await one.completed_steps("r") == ["s9", "s8", "s7", "s6", "s5"]


# ── entering and leaving ──────────────────────────────────────────────────────────────────────────────────────────────


async def test_it_refuses_use_before_entering_and_after_leaving(dsn: str) -> None:
    store = PostgresStore(dsn)
    with pytest.raises(StoreClosed):
        await store.get_run("r")
    async with store:
        with pytest.raises(StoreClosed, match="already"):
            await store.__aenter__()
        asked = [
            asyncio.ensure_future(store.create_run(run_id=f"r{each}", workflow="w", inputs=b"")) for each in range(9)
        ]
        await asyncio.sleep(0)
    assert [run.run_id for run in await asyncio.gather(*asked)] == [f"r{each}" for each in range(9)]
    with pytest.raises(StoreClosed):
        await store.get_run("r")


async def test_another_loop_is_refused(store: PostgresStore) -> None:
    with pytest.raises(WrongLoop):
        await asyncio.to_thread(asyncio.run, store.get_run("r"))


def test_its_name_tells_no_password() -> None:
    assert (
        repr(PostgresStore("postgresql://me:secret@db.local:5433/trips"))
        == "PostgresStore('postgres db.local:5433/trips')"
    )


def test_without_its_package_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "asyncpg", None)
    for module in [name for name in sys.modules if name.startswith("actorflow.store.postgres_")]:
        monkeypatch.delitem(sys.modules, module)
    with pytest.raises(ImportError, match=r"actorflow\[postgres\]"):
        PostgresStore("postgresql://localhost/trips")


# ── bad luck ──────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_server_that_is_not_there_is_told() -> None:
    with pytest.raises(StoreUnavailable, match="can't be reached"):
        async with PostgresStore("postgresql://nobody@127.0.0.1:1/none"):
            pass


async def test_a_database_that_is_not_there_is_told(postgres: str) -> None:
    with pytest.raises(StoreUnavailable, match="none"):
        async with PostgresStore(postgres.replace("/postgres?", "/none?")):
            pass


async def test_a_database_of_a_newer_version_is_refused(dsn: str, store: PostgresStore, other: Any) -> None:
    await other.execute("INSERT INTO actorflow.versions VALUES (999, 'from_the_future', 0)")
    with pytest.raises(StoreTooNew, match="999"):
        async with PostgresStore(dsn):
            pass
    assert await other.fetchval("SELECT count(*) FROM actorflow.versions") == len(migrations("postgres")) + 1


async def test_a_run_locked_for_longer_than_the_store_waits_is_busy_and_works_on(
    dsn: str, mine: StepRun, other: Any
) -> None:
    async with PostgresStore(dsn, busy_timeout=0.05) as store:
        async with other.transaction():
            await other.execute("SELECT 1 FROM actorflow.runs FOR UPDATE")
            with pytest.raises(StoreBusy):
                await store.complete_step(mine.id, b"out", token=1)
            assert await store.get_step_run("r", "charge") == mine
        assert (await store.complete_step(mine.id, b"out", token=1)).status == "completed"


async def test_a_read_only_database_is_told(dsn: str, store: PostgresStore, mine: StepRun, other: Any) -> None:
    await store._desk._db.execute("SET default_transaction_read_only = on")
    with pytest.raises(StoreReadOnly):
        await store.complete_step(mine.id, b"out", token=1)
    assert await store.get_step_run("r", "charge") == mine


@pytest.mark.parametrize("table", ["runs", "step_runs"])
async def test_a_missing_table_is_told(store: PostgresStore, other: Any, table: str) -> None:
    await other.execute(f"DROP TABLE actorflow.{table}")
    with pytest.raises(StoreCorrupt, match="does not exist"):
        await store.begin_step("r", "pay", b"")


async def test_a_connection_that_is_lost_before_a_commit_is_made_again(
    store: PostgresStore, mine: StepRun, other: Any
) -> None:
    for _ in range(5):
        await other.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'actorflow'"
        )
        assert await store.get_step_run("r", "charge") == mine
    assert (await store.complete_step(mine.id, b"out", token=1)).status == "completed"


async def test_a_connection_cut_in_the_middle_of_a_commit_leaves_the_outcome_unknown_and_says_so(
    store: PostgresStore, mine: StepRun, other: Any
) -> None:
    """The server is made to wait just before it commits; then it's cut off."""
    await other.execute(
        "CREATE FUNCTION cut() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NULL; END $$;"
        "CREATE CONSTRAINT TRIGGER cut AFTER UPDATE ON actorflow.step_runs "
        "DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION cut()"
    )
    with pytest.raises(CommitUnknown, match="in the middle of a commit"):
        await store.complete_step(mine.id, b"out", token=1)
    await other.execute("DROP TRIGGER cut ON actorflow.step_runs")
    assert await store.get_step_run("r", "charge") == mine
    assert (await store.complete_step(mine.id, b"out", token=1)).status == "completed"


@pytest.fixture(scope="module")
def own() -> Iterator[Server]:
    """A server that a test may stop."""
    with private_server() as server:
        yield server


async def test_a_server_that_restarts_is_found_again_with_all_that_was_recorded(own: Server) -> None:
    async with PostgresStore(own.dsn) as store:
        await store.create_run(run_id="r", workflow="w", inputs=b"")
        mine = (await store.begin_step("r", "charge", b"in")).step_run
        await asyncio.to_thread(own.stop)
        for _ in range(2):
            with pytest.raises(StoreUnavailable):
                await store.complete_step(mine.id, b"out", token=1)
        await asyncio.to_thread(own.start)
        assert (await store.complete_step(mine.id, b"out", token=1)).status == "completed"
