"""The SQLite store as a thing: opening, leaving, sharing a file, grouping commits."""

from __future__ import annotations

import asyncio
import sqlite3
import subprocess
import sys
import threading
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from actorflow.errors import InvalidState, StoreClosed, StoreCorrupt, WrongLoop
from actorflow.store import Claim, MemoryStore, SQLiteStore, Store
from actorflow.store.queries import migrations, queries

CLAIMANT = """
import asyncio, json, sys
from actorflow.store import SQLiteStore

async def main(path, worker, steps):
    async with SQLiteStore(path, synchronous="NORMAL", busy_timeout=60) as store:
        await store.create_run(run_id="r", workflow="w", inputs=b"")
        print("ready", flush=True)
        sys.stdin.readline()
        mine = []
        for step in range(steps):
            claim = await store.begin_step("r", f"s{step}", b"", worker=worker)
            if claim.decision == "execute":
                mine.append(step)
                await store.complete_step(claim.step_run.id, worker.encode(), token=claim.step_run.token)
        print(json.dumps(mine), flush=True)

asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3])))
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "runs.db"


def files(path: Path) -> list[str]:
    return sorted(each.name for each in path.parent.iterdir())


async def a_run(store: Store, run_id: str = "r") -> str:
    return (await store.create_run(run_id=run_id, workflow="w", inputs=b"")).run_id


# ── entering and leaving ──────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("kind", [MemoryStore, SQLiteStore])
async def test_it_refuses_use_before_entering_and_after_leaving(kind: Any, path: Path) -> None:
    store: Store = kind() if kind is MemoryStore else kind(path)
    with pytest.raises(StoreClosed, match="async with"):
        await store.get_run("r")
    async with store:
        await a_run(store)
        with pytest.raises(StoreClosed, match="already"):
            await store.__aenter__()
        assert (await store.get_run("r")).workflow == "w"
    with pytest.raises(StoreClosed):
        await store.get_run("r")


async def test_making_a_store_touches_nothing(path: Path) -> None:
    assert repr(SQLiteStore(path)) == f"SQLiteStore({str(path)!r})"
    assert not path.exists()


async def test_leaving_leaves_one_file_and_no_thread(path: Path) -> None:
    async with SQLiteStore(path) as store:
        await a_run(store)
        assert [each.name for each in threading.enumerate() if each.name.startswith("actorflow store")] == [
            "actorflow store runs.db"
        ]
    assert files(path) == ["runs.db"]
    assert not [each for each in threading.enumerate() if each.name.startswith("actorflow store")]


async def test_it_can_be_entered_again(path: Path) -> None:
    store = SQLiteStore(path)
    for _ in range(3):
        async with store:
            await a_run(store)
    assert files(path) == ["runs.db"]


async def test_what_was_asked_before_leaving_is_done(path: Path) -> None:
    async with SQLiteStore(path) as store:
        await a_run(store)
        asked = [asyncio.ensure_future(store.begin_step("r", f"s{each}", b"")) for each in range(50)]
        await asyncio.sleep(0)
    assert {claim.decision for claim in await asyncio.gather(*asked)} == {"execute"}
    async with SQLiteStore(path) as store:
        assert len(await store.step_statuses("r")) == 50


async def test_a_cancelled_leave_leaves_all_the_same(path: Path) -> None:
    store = SQLiteStore(path)
    await store.__aenter__()
    leaving = asyncio.ensure_future(store.__aexit__(None, None, None))
    await asyncio.sleep(0)
    leaving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await leaving
    assert files(path) == ["runs.db"]


async def test_a_cancelled_entry_leaves_no_thread(path: Path) -> None:
    entering = asyncio.ensure_future(SQLiteStore(path).__aenter__())
    await asyncio.sleep(0)
    entering.cancel()
    with pytest.raises(asyncio.CancelledError):
        await entering


async def test_another_loop_is_refused(path: Path) -> None:
    async with SQLiteStore(path) as store:
        with pytest.raises(WrongLoop, match=r"runs\.db"):
            await asyncio.to_thread(asyncio.run, store.get_run("r"))


def test_a_store_may_serve_one_loop_after_another(path: Path) -> None:
    store = SQLiteStore(path)

    async def once() -> None:
        async with store:
            await a_run(store)

    asyncio.run(once())
    asyncio.run(once())


def test_an_unknown_level_is_refused(path: Path) -> None:
    with pytest.raises(InvalidState, match="FULL"):
        SQLiteStore(path, synchronous="OFF")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize(("synchronous", "level"), [("FULL", 2), ("NORMAL", 1)])
async def test_it_writes_ahead_at_the_level_that_was_asked_for(path: Path, synchronous: Any, level: int) -> None:
    async with SQLiteStore(path, synchronous=synchronous) as store:
        writer, desk = store._writer, store._desk
        assert writer is not None
        assert desk._db is not None
        # The connection belongs to its thread: what it says is asked there.
        found: list[Any] = []
        answer = desk.answer

        def spying(requests: Any) -> list[Any]:
            assert desk._db is not None
            found.extend(desk._db.execute(f"PRAGMA {name}").fetchone()[0] for name in ("journal_mode", "synchronous"))
            return answer(requests)

        desk.answer = spying  # type: ignore[method-assign]
        await a_run(store)
    assert found == ["wal", level]


# ── records outlive their process ─────────────────────────────────────────────────────────────────────────────────────


async def test_records_are_there_when_the_file_is_opened_again(path: Path) -> None:
    async with SQLiteStore(path) as store:
        await a_run(store)
        mine = (await store.begin_step("r", "charge", b"in")).step_run
        await store.fail_step(mine.id, b"bad", token=1)
        mine = (await store.begin_step("r", "charge", b"in")).step_run
        done = await store.complete_step(mine.id, b"out", token=2)
        tried = await store.attempts(mine.id)
    async with SQLiteStore(path) as store:
        assert await store.get_step_run("r", "charge") == done
        assert await store.attempts(mine.id) == tried
        assert await store.complete_step(mine.id, b"out", token=2) == done
        later = (await store.begin_step("r", "pay", b"")).step_run
        assert (await store.complete_step(later.id, b"", token=1)).sequence > done.sequence


async def test_the_order_of_completion_is_no_clock(path: Path) -> None:
    """The clock goes back between two completions."""

    class Backwards:
        def __init__(self) -> None:
            self.seconds = 1e9

        def time(self) -> float:
            self.seconds -= 60
            return self.seconds

    async with SQLiteStore(path, clock=Backwards()) as store:  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
        await a_run(store)
        for step in ("first", "second", "third"):
            mine = (await store.begin_step("r", step, b"")).step_run
            await store.complete_step(mine.id, step.encode(), token=1)
        assert await store.completed_steps("r") == ["first", "second", "third"]
    async with SQLiteStore(path) as store:
        assert await store.completed_outputs("r") == [b"first", b"second", b"third"]


# ── several stores on one file ────────────────────────────────────────────────────────────────────────────────────────


async def test_two_stores_on_one_file_see_each_others_writes_at_once(path: Path) -> None:
    async with SQLiteStore(path) as one, SQLiteStore(path) as two:
        await a_run(one)
        mine = (await one.begin_step("r", "charge", b"in", worker="one")).step_run
        assert (await two.begin_step("r", "charge", b"in")).decision == "skip"
        await two.lose_attempt(mine.id, token=1)
        theirs = (await two.begin_step("r", "charge", b"in", worker="two")).step_run
        assert (await one.get_step_run("r", "charge")) == theirs
        done = await two.complete_step(mine.id, b"two", token=2)
        assert await one.completed_outputs("r") == [b"two"]
        assert await one.complete_step(mine.id, b"two", token=2) == done


async def test_two_stores_claim_exactly(path: Path) -> None:
    async with SQLiteStore(path) as one, SQLiteStore(path) as two, SQLiteStore(path) as three:
        await a_run(one)
        for step in range(10):
            asked = [store.begin_step("r", f"s{step}", b"") for store in (one, two, three) for _ in range(8)]
            decisions = [claim.decision for claim in await asyncio.gather(*asked)]
            assert decisions.count("execute") == 1


def test_processes_that_start_at_once_make_the_tables_once_and_claim_exactly(path: Path) -> None:
    steps = 60
    workers = [
        subprocess.Popen(
            [sys.executable, "-c", CLAIMANT, str(path), f"w{each}", str(steps)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )
        for each in range(4)
    ]  # fmt: skip
    for worker in workers:
        assert worker.stdout is not None
        assert worker.stdout.readline() == "ready\n"
    ended = [worker.communicate("go\n")[0] for worker in workers]
    assert [worker.returncode for worker in workers] == [0] * 4
    executed = [step for each in ended for step in eval(each)]
    assert sorted(executed) == list(range(steps))
    with closing(sqlite3.connect(path)) as db:
        assert db.execute("SELECT version FROM versions").fetchall() == [
            (migration.version,) for migration in migrations("sqlite")
        ]
        (different,) = db.execute("SELECT count(DISTINCT sequence) FROM step_runs WHERE sequence > 0").fetchone()
        assert different == steps
    assert files(path) == ["runs.db"]


# ── group commit ──────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_what_is_asked_within_a_turn_is_one_transaction(path: Path) -> None:
    async with SQLiteStore(path) as store:
        await a_run(store)
        sizes: list[int] = []
        together = store._desk._together

        def spying(requests: Any) -> list[Any]:
            sizes.append(len(requests))
            return together(requests)

        store._desk._together = spying  # type: ignore[method-assign]
        await asyncio.gather(*(store.begin_step("r", f"s{each}", b"") for each in range(64)))
        assert sizes == [64]


async def test_one_broken_row_does_not_disturb_those_beside_it(path: Path) -> None:
    async with SQLiteStore(path) as store:
        await a_run(store)
        mine = (await store.begin_step("r", "charge", b"in")).step_run
    with closing(sqlite3.connect(path)) as db, db:
        db.execute("UPDATE step_runs SET input = 'text'")
    async with SQLiteStore(path) as store:
        asked: list[Any] = [store.complete_step(mine.id, b"out", token=1), store.begin_step("r", "pay", b"")]
        broken, fine = await asyncio.gather(*asked, return_exceptions=True)
        assert type(broken) is StoreCorrupt
        assert isinstance(fine, Claim)


# ── SQL in files ──────────────────────────────────────────────────────────────────────────────────────────────────────


def test_every_query_has_a_name_and_a_description() -> None:
    text = (Path(sys.modules[SQLiteStore.__module__].__file__ or "").parent / "sql/sqlite/queries.sql").read_text()
    blocks = [block.splitlines() for block in text.strip().split("\n\n")]
    assert [block[0].split()[1] for block in blocks] == list(queries("sqlite"))
    assert all(block[1].startswith("-- ") and block[1].endswith(".") for block in blocks)


def test_migrations_are_numbered_without_a_gap() -> None:
    known = migrations("sqlite")
    assert [migration.version for migration in known] == list(range(1, len(known) + 1))
