"""A runtime whose SQLite file has real bad luck while its run is going on: it waits and goes on, or ends the run with a clear error; nothing is lost (R48, R51)."""

from __future__ import annotations

import asyncio
import resource
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from actorflow import (
    InvalidState,
    Run,
    Runtime,
    SQLiteStore,
    crash_points,
    step,
    workflow,
)
from actorflow.errors import StoreCorrupt, StoreError, StoreReadOnly
from actorflow.testing import check_store
from tests.durable.ledger import Ledger
from tests.durable.sagas import LEDGER, key
from tests.store.threads import on_its_thread

DEADLINE = 30.0


class Gates:
    """The second step of each run waits here."""

    arrived: asyncio.Event
    opened: asyncio.Event


@step
async def first(text: str) -> str:
    return LEDGER.get().take("first", key())


@step
async def second(before: str) -> str:
    Gates.arrived.set()
    await Gates.opened.wait()
    LEDGER.get().take("second", key())
    return "x" * 400_000


@step
async def third(text: str) -> int:
    LEDGER.get().take("third", key())
    return len(text)


@workflow
def three(text: str) -> int:
    return third(second(first(text)))


@pytest.fixture
def ledger() -> Iterator[Ledger]:
    Gates.arrived, Gates.opened = asyncio.Event(), asyncio.Event()
    ledger = Ledger()
    yield ledger
    ledger.close()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "runs.db"


class Failing:
    """Waits for the moment when a commit has failed, and was put off."""

    def __init__(self) -> None:
        self.has_failed = asyncio.Event()

    def __call__(self, point: str) -> None:
        if point == "commit.failed":
            self.has_failed.set()


@pytest.fixture
def failing() -> Iterator[Failing]:
    crash_points.listener = listener = Failing()
    yield listener
    crash_points.listener = None


def opened(path: Path, ledger: Ledger) -> Runtime:
    return Runtime(workflows=[three], store=SQLiteStore(path, busy_timeout=0.05), resources=[LEDGER.provide(ledger)])


async def at_the_gate(runtime: Runtime) -> Run[int]:
    run = await runtime.options(run_id="r").start(three, "go")
    async with asyncio.timeout(DEADLINE):
        await Gates.arrived.wait()
    return run


async def check(path: Path, ledger: Ledger) -> None:
    """All was done, and nothing twice."""
    assert ledger.taken == ["first", "second", "third"]
    async with SQLiteStore(path) as store:
        await check_store(store)
        assert await store.count_runs() == {"succeeded": 1}


async def test_a_disk_that_is_full_is_waited_for(path: Path, ledger: Ledger, failing: Failing) -> None:
    """SQLite's own bound on the file stands for the disk's: the error is the same one."""
    store = SQLiteStore(path)
    async with Runtime(workflows=[three], store=store, resources=[LEDGER.provide(ledger)]) as runtime:
        run = await at_the_gate(runtime)
        await on_its_thread(store, "PRAGMA max_page_count=1")
        Gates.opened.set()
        async with asyncio.timeout(DEADLINE):
            await failing.has_failed.wait()
        assert run.status() == "running"
        await on_its_thread(store, "PRAGMA max_page_count=1000000")
        async with asyncio.timeout(DEADLINE):
            assert await run.result() == 400_000
    await check(path, ledger)


async def test_files_that_may_not_grow_end_the_run_here_until_they_may(path: Path, ledger: Ledger) -> None:
    """To SQLite that is a disk that refuses: it isn't known to pass."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    options: dict[str, Any] = {"workflows": [three], "resources": [LEDGER.provide(ledger)], "lease": 1.0}
    async with Runtime(store=SQLiteStore(path), **options) as runtime:
        run = await at_the_gate(runtime)
        resource.setrlimit(resource.RLIMIT_FSIZE, (path.stat().st_size + 100_000, before[1]))
        try:
            Gates.opened.set()
            async with asyncio.timeout(DEADLINE):
                with pytest.raises(StoreError, match="the disk refused"):
                    await run.outcome()
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)
        async with asyncio.timeout(DEADLINE):
            assert await (await runtime.options(run_id="r").start(three, "go")).result() == 400_000
    await check(path, ledger)


async def test_a_database_that_somebody_has_locked_is_waited_for(path: Path, ledger: Ledger, failing: Failing) -> None:
    async with opened(path, ledger) as runtime:
        run = await at_the_gate(runtime)
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            Gates.opened.set()
            async with asyncio.timeout(DEADLINE):
                await failing.has_failed.wait()
            assert run.status() == "running"
            other.execute("ROLLBACK")
        async with asyncio.timeout(DEADLINE):
            assert await run.result() == 400_000
    await check(path, ledger)


READ_ONLY = ("PRAGMA query_only=1", "PRAGMA query_only=0")
NO_TABLE = ("ALTER TABLE turns RENAME TO gone", "ALTER TABLE gone RENAME TO turns")


@pytest.mark.parametrize(
    ("harm", "mend", "kind"),
    [(*READ_ONLY, StoreReadOnly), (*NO_TABLE, StoreCorrupt)],
    ids=["read-only", "a missing table"],
)
async def test_a_database_that_is_read_only_or_lacks_a_table_ends_the_run_here_until_it_is_mended(
    path: Path, ledger: Ledger, harm: str, mend: str, kind: type[StoreError]
) -> None:
    """Who waits is told at once; the run goes on by itself when the store can be written to again."""
    store = SQLiteStore(path)
    options: dict[str, Any] = {"workflows": [three], "resources": [LEDGER.provide(ledger)], "lease": 1.0}
    async with Runtime(store=store, **options) as runtime:
        run = await at_the_gate(runtime)
        await on_its_thread(store, harm)
        Gates.opened.set()
        async with asyncio.timeout(DEADLINE):
            with pytest.raises(kind):
                await run.outcome()
        await on_its_thread(store, mend)
        async with asyncio.timeout(DEADLINE):
            assert await (await runtime.options(run_id="r").start(three, "go")).result() == 400_000
    await check(path, ledger)


async def test_a_row_that_was_damaged_leaves_its_run_alone_and_no_other(path: Path, ledger: Ledger) -> None:
    """R51: it is never half-run; it says what is wrong, and is found by `doctor`."""
    async with Runtime(
        workflows=[three],
        store=SQLiteStore(path),
        resources=[LEDGER.provide(ledger)],
        drain_timeout=0.0,
        halt_timeout=0.0,
    ) as runtime:
        await at_the_gate(runtime)
    with closing(sqlite3.connect(path)) as db, db:
        db.execute("UPDATE turns SET data = x'c1c1c1' WHERE sequence = 1")
    Gates.opened.set()
    async with opened(path, ledger) as runtime:
        assert await runtime.options(run_id="other").run(three, "go") == 400_000
        record = await runtime.record("r")
        assert record.problem is not None and "can't be built again" in record.problem
        assert [finding.run_id for finding in await runtime.doctor()] == ["r"]
        with pytest.raises(InvalidState, match="left alone"):
            await runtime.options(run_id="r").start(three, "go")
