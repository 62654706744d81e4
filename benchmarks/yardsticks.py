"""What durability costs with nothing around it: `bare_inserts`, and its like for Postgres. Wall-clock time: a disk is waited for."""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias, cast

from benchmarks import bare_inserts
from benchmarks.bare_inserts import Group, Saver, Single
from benchmarks.harness import timed

Work: TypeAlias = Callable[[], Awaitable[object]]
Measure: TypeAlias = Callable[[Work], Awaitable[float]]


async def a_step(work: Work, steps: int) -> float:
    """Microseconds of wall-clock time a step."""
    seconds, _ = await timed(work, time.perf_counter)
    return seconds / steps * 1e6


async def a_second(work: Work, runs: int) -> float:
    """Runs a second of wall-clock time."""
    seconds, _ = await timed(work, time.perf_counter)
    return runs / seconds


async def bare(kind: type[Single] | type[Group], runs: int, at_once: int, steps: int) -> float:
    """µs a step in SQLite."""
    return await of_sqlite(kind, runs, at_once, steps, partial(a_step, steps=runs * steps))


async def bare_runs(kind: type[Single] | type[Group], runs: int, at_once: int, steps: int) -> float:
    """Runs a second in SQLite."""
    return await of_sqlite(kind, runs, at_once, steps, partial(a_second, runs=runs))


async def of_sqlite(kind: type[Single] | type[Group], runs: int, at_once: int, steps: int, measure: Measure) -> float:
    with tempfile.TemporaryDirectory() as folder:
        saver: Saver = kind(bare_inserts.connect(Path(folder) / "bare.db"))
        try:
            return await measure(partial(bare_inserts.runs, saver, runs, at_once, steps))
        finally:
            saver.close()


class PostgresGroup:
    """`Group` for Postgres: what waits is inserted together, in one transaction."""

    def __init__(self, db: Any) -> None:
        self._db = db
        self._waiting: list[tuple[bare_inserts.Row, asyncio.Future[None]]] = []
        self._working: asyncio.Task[None] | None = None

    async def save(self, row: bare_inserts.Row) -> None:
        saved: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((row, saved))
        if self._working is None:
            self._working = asyncio.create_task(self._write())
        await saved

    async def _write(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting, []
            await self._db.executemany("INSERT INTO bare VALUES ($1, $2, $3, $4, $5)", [row for row, _ in batch])
            for _, saved in batch:
                saved.set_result(None)
        self._working = None

    def close(self) -> None: ...


async def bare_postgres(dsn: str, runs: int, at_once: int, steps: int) -> float:
    """µs a step in Postgres."""
    return await of_postgres(dsn, runs, at_once, steps, partial(a_step, steps=runs * steps))


async def bare_postgres_runs(dsn: str, runs: int, at_once: int, steps: int) -> float:
    """Runs a second in Postgres."""
    return await of_postgres(dsn, runs, at_once, steps, partial(a_second, runs=runs))


async def of_postgres(dsn: str, runs: int, at_once: int, steps: int, measure: Measure) -> float:
    import asyncpg  # pyright: ignore[reportMissingTypeStubs]

    db = await cast("Any", asyncpg).connect(dsn)
    await db.execute("DROP TABLE IF EXISTS bare")
    await db.execute("CREATE TABLE bare (run text, step text, status int, input bytea, output bytea)")
    try:
        return await measure(partial(bare_inserts.runs, PostgresGroup(db), runs, at_once, steps))
    finally:
        await db.execute("DROP TABLE bare")
        await db.close()
