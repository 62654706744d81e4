"""What does a runtime's work cost in a store that a million of runs have ended in, beside one that is as good as empty?

A few runs are run; the rest are copies of what those left in the file, made by SQL: with ids, times, workflows and labels of their own.
"""

from __future__ import annotations

import asyncio
import random
import sqlite3
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path

from actorflow import Runtime, Workflow
from actorflow.store import SQLiteStore
from benchmarks.bare_inserts import VALUE
from benchmarks.durable import chain
from benchmarks.harness import Figure, Options, Repetition, compare, verify

FEW = 1000
EACH = 20
"""How often a repetition does its work."""
COPIES = """
INSERT INTO runs (number, run_id, workflow, status, created, updated, ended, fingerprint, labels, inputs, context, options, result)
WITH RECURSIVE counted (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM counted WHERE n < :count)
SELECT :last + n, printf('%012x-%08x', 1 + n / 1000, n), workflow || '-' || (n % 10), status, created - :count + n, updated - :count + n, ended - :count + n,
    fingerprint, json_object('customer', 'c' || (n % 1000)), inputs, context, options, result
FROM counted CROSS JOIN runs WHERE run_id = :model
"""
LABELS = "INSERT INTO run_labels (name, value, run) SELECT 'customer', 'c' || ((number - :last) % 1000), number FROM runs WHERE number > :last"
TURNS = """
INSERT INTO turns (run, sequence, data)
SELECT runs.number, turns.sequence, turns.data FROM runs CROSS JOIN turns
WHERE runs.number > :last AND turns.run = (SELECT number FROM runs WHERE run_id = :model) ORDER BY runs.number, turns.sequence
"""


async def measure(options: Options) -> list[Figure]:
    many = options.size(1_000_000, 20_000)
    with tempfile.TemporaryDirectory() as folder:
        async with AsyncExitStack() as stack:
            empty = await stack.enter_async_context(Archive(Path(folder) / "empty.sqlite", FEW))
            full = await stack.enter_async_context(Archive(Path(folder) / "full.sqlite", many))
            return [figure async for figure in compared(empty, full, many, options)]


async def compared(empty: Archive, full: Archive, many: int, options: Options) -> AsyncIterator[Figure]:
    for what in ("start a run", "list a page", "list by label", "inspect"):
        variants: dict[str, Repetition] = {"empty": empty.works()[what], "full": full.works()[what]}
        for figure in await compare("store", f"{what}, {many} ended", "ms", variants, options, "empty"):
            yield figure


class Archive:
    """A runtime with a file that so many runs have ended in."""

    def __init__(self, path: Path, count: int) -> None:
        self.path = path
        self.count = count
        self.stack = AsyncExitStack()
        self.wired: Workflow[[bytes], bytes] = chain(2)
        self.ids: Iterator[str] = iter(())

    async def __aenter__(self) -> Archive:
        async with Runtime(store=SQLiteStore(self.path)) as runtime:
            run = await runtime.start(self.wired, VALUE)
            verify("result", await run.result(), VALUE)
        await asyncio.to_thread(fill, self.path, run.id, self.count)
        self.ids = some_ids(self.path)
        self.store = SQLiteStore(self.path)
        self.runtime = await self.stack.enter_async_context(Runtime(store=self.store))
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.stack.aclose()

    def works(self) -> dict[str, Repetition]:
        return {
            "start a run": self.start_runs,
            "list a page": partial(each, self.list_page),
            "list by label": partial(each, self.list_by_label),
            "inspect": partial(each, self.inspect),
        }

    async def start_runs(self) -> float:
        """Until it's accepted; that it ends isn't in it."""
        took = 0.0
        for _ in range(EACH):
            began = time.perf_counter()
            run = await self.runtime.start(self.wired, VALUE)
            took += time.perf_counter() - began
            await run.result()
        return took / EACH * 1e3

    async def list_page(self) -> None:
        page = await self.store.list_runs(status=["succeeded"], limit=50)
        verify("runs of a page", len(page.runs), 50)

    async def list_by_label(self) -> None:
        page = await self.store.list_runs(labels={"customer": "c7"}, limit=1)
        verify("runs of a page", len(page.runs), 1)

    async def inspect(self) -> None:
        run_id = next(self.ids)
        verify("its steps", len((await self.runtime.inspect(run_id)).steps), 2)


async def each(work: Callable[[], Awaitable[None]]) -> float:
    """Milliseconds."""
    began = time.perf_counter()
    for _ in range(EACH):
        await work()
    return (time.perf_counter() - began) / EACH * 1e3


def fill(path: Path, model: str, count: int) -> None:
    db = sqlite3.connect(path, isolation_level=None)
    db.execute("PRAGMA synchronous=OFF")
    (last,) = db.execute("SELECT last FROM numbers").fetchone()
    given = {"model": model, "count": count, "last": last}
    db.execute("BEGIN")
    for statement in (COPIES, LABELS, TURNS, "UPDATE numbers SET last = :last + :count"):
        db.execute(statement, given)
    db.execute("COMMIT")
    verify("ended runs", db.execute("SELECT count(*) FROM runs").fetchone(), (count + 1,))
    db.close()


def some_ids(path: Path) -> Iterator[str]:
    """Of runs all over the file, each once."""
    db = sqlite3.connect(path)
    (first, last) = db.execute("SELECT min(number), max(number) FROM runs WHERE ended IS NOT NULL").fetchone()
    numbers = random.Random(7).sample(range(first + 10, last), min(FEW - 10, last - first - 10))
    found = [row[0] for number in numbers for row in db.execute("SELECT run_id FROM runs WHERE number = ?", (number,))]
    db.close()
    return iter(found)
