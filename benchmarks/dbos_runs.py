"""The same five-step workflows in DBOS, in a process of their own: `python -m benchmarks.dbos_runs DATABASE RUNS AT_ONCE` prints runs a second.

DBOS isn't needed by anything else here: `pip install -r benchmarks/requirements.txt`.
"""

from __future__ import annotations

import asyncio
import sqlite3
import subprocess
import sys
import time
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from benchmarks.bare_inserts import VALUE
from benchmarks.harness import verify

STEPS = 5


def is_here() -> bool:
    return find_spec("dbos") is not None


async def dbos_runs(database: str, runs: int, at_once: int) -> float:
    """Runs a second, after one that isn't counted."""
    command = [sys.executable, "-m", "benchmarks.dbos_runs", database, str(runs), str(at_once)]
    finished = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, check=False)
    if finished.returncode:
        raise SystemExit(f"benchmarks.dbos_runs failed:\n{finished.stderr}")
    return float(finished.stdout.splitlines()[-1])


def measure(database: str, runs: int, at_once: int) -> float:
    library: Any = import_module("dbos")
    decorate = library.DBOS

    async def carry(value: bytes) -> bytes:
        return value

    carried = decorate.step()(carry)

    async def chain(value: bytes) -> bytes:
        for _ in range(STEPS):
            value = await carried(value)
        return value

    chained = decorate.workflow()(chain)
    if sqlite3.sqlite_version_info < (3, 42):
        lend_a_clock()
    config = {"name": "bench", "system_database_url": database, "log_level": "ERROR", "console_log_level": "ERROR"}
    library.DBOS(config=config)
    decorate.launch()
    try:
        return asyncio.run(crowd(chained, runs, at_once))
    finally:
        decorate.destroy()


def lend_a_clock() -> None:
    """Its tables use `unixepoch('subsec')`, which an older SQLite doesn't have."""
    alchemy: Any = import_module("sqlalchemy")

    def connected(db: Any, _record: Any) -> None:
        if isinstance(db, sqlite3.Connection):
            db.create_function("unixepoch", -1, lambda *_: time.time())

    alchemy.event.listen(alchemy.Engine, "connect", connected)


async def crowd(chain: Any, runs: int, at_once: int) -> float:
    verify("result", await chain(VALUE), VALUE)
    numbers = iter(range(runs))

    async def lane() -> None:
        for _ in numbers:
            verify("result", await chain(VALUE), VALUE)

    began = time.perf_counter()
    await asyncio.gather(*(lane() for _ in range(at_once)))
    return runs / (time.perf_counter() - began)


if __name__ == "__main__":
    print(measure(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])))
