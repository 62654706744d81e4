"""Gives the disk space of what was deleted back, with what the databases have for it. A large one is busy meanwhile."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any, cast

from actorflow.store.sqlite_errors import said_plainly

PATIENCE = 10.0
"""Seconds for which a lock of somebody else is waited for."""


def vacuum_sqlite(path: Path) -> tuple[int, int]:
    """The file's size in bytes before, and now. Raises `StoreError`: it needs the file for itself."""
    before = path.stat().st_size
    db = sqlite3.connect(path, timeout=PATIENCE, isolation_level=None)
    try:
        db.execute("VACUUM")
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    except sqlite3.Error as error:
        raise said_plainly(str(path), error) from error
    finally:
        db.close()
    return before, path.stat().st_size


async def vacuum_postgres(dsn: str) -> None:
    """Runtimes may go on meanwhile. Raises what asyncpg raises."""
    import asyncpg  # pyright: ignore[reportMissingTypeStubs]

    db = await cast("Any", asyncpg).connect(dsn)
    try:
        for (table,) in await db.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'actorflow'"):
            await db.execute(f'VACUUM (ANALYZE) actorflow."{table}"')
    finally:
        await db.close()
