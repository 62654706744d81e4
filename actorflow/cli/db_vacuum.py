"""Gives the disk space of deleted runs back, with what the database has for it."""

from __future__ import annotations

import asyncio
import sqlite3
from pathlib import Path
from typing import Any, cast

from actorflow.cli.exits import Refused
from actorflow.cli.runs_store import on_store


def vacuum(url: str) -> str:
    """What to tell of it. Raises `Refused`."""
    on_store(url, lambda opened: opened.count_runs())  # it is a store of ours, and up to date
    if url.startswith("sqlite:"):
        return of_sqlite(Path(url.removeprefix("sqlite:").removeprefix("//")))
    return of_postgres(url)


def of_sqlite(path: Path) -> str:
    before = path.stat().st_size
    db = sqlite3.connect(path, timeout=10.0, isolation_level=None)
    try:
        db.execute("VACUUM")
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    except sqlite3.Error as error:
        raise Refused(f"{path} can't be vacuumed: {error}\nTry again when no runtime uses it.") from error
    finally:
        db.close()
    return f"{path}: {before:,} bytes before, {path.stat().st_size:,} now"


def of_postgres(url: str) -> str:
    import asyncpg  # pyright: ignore[reportMissingTypeStubs]

    async def main() -> None:
        db = await cast("Any", asyncpg).connect(url)
        try:
            tables = await db.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'actorflow'")
            for (table,) in tables:
                await db.execute(f'VACUUM (ANALYZE) actorflow."{table}"')
        finally:
            await db.close()

    try:
        asyncio.run(main())
    except Exception as error:
        raise Refused(f"the tables can't be vacuumed: {error}") from error
    return "all tables were vacuumed"
