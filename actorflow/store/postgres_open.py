"""Opens a Postgres database: refuses tables that are too new, brings older ones up to date."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any, cast

import asyncpg  # pyright: ignore[reportMissingTypeStubs]

from actorflow.errors import StoreTooNew
from actorflow.store.queries import Migration, migrations

LOCK = 0x41464C57
"""The key under which stores that start at once wait for each other."""

SETTINGS = {"application_name": "actorflow", "enable_seqscan": "off", "jit": "off"}
"""Every question of ours is by key; a plan that was made while a table was empty would go on reading it whole."""


LONGEST_PAUSE = 1000
"""Milliseconds of nothing in the middle of a transaction that the server allows at least: the locks of a process that was frozen there go then."""


async def open_database(dsn: str, store: str, connect_timeout: float, busy_timeout: float) -> Any:
    """A connection to tables of this version. Raises what asyncpg raises, and `StoreTooNew`."""
    patience = round(busy_timeout * 1000)
    idle = {"idle_in_transaction_session_timeout": str(max(LONGEST_PAUSE, patience // 2))}
    settings = {**SETTINGS, **idle, "lock_timeout": str(patience)}
    connect = cast("Any", asyncpg).connect
    db = await connect(dsn, timeout=connect_timeout, command_timeout=busy_timeout + 1, server_settings=settings)
    try:
        await migrate(db, store)
    except BaseException:
        db.terminate()
        raise
    return db


async def version_of(db: Any, store: str) -> int:
    """The version of the tables, 0 if there are none. Raises `StoreTooNew`."""
    if await db.fetchval("SELECT to_regclass('actorflow.versions')") is None:
        return 0
    version = int(await db.fetchval("SELECT coalesce(max(version), 0) FROM actorflow.versions"))
    newest = migrations("postgres")[-1].version
    if version > newest:
        problem = f"its tables are of version {version}, this ActorFlow knows those up to {newest}"
        raise StoreTooNew(store, problem, "Use the ActorFlow that wrote it, or a newer one.")
    return version


async def migrate(db: Any, store: str) -> None:
    """Applies what is missing in one transaction: of those that start at once one does it, the others wait and find it done.

    The lock is taken before the transaction begins: one that has begun may not see tables that were made while it waited.
    """
    known = migrations("postgres")
    if await version_of(db, store) == known[-1].version:
        return
    await db.execute("SELECT pg_advisory_lock($1)", LOCK)
    try:
        async with db.transaction():
            await apply(db, known[await version_of(db, store) :])
    finally:
        await db.execute("SELECT pg_advisory_unlock($1)", LOCK)


async def apply(db: Any, missing: Sequence[Migration]) -> None:
    await db.execute("CREATE SCHEMA IF NOT EXISTS actorflow")
    await db.execute(
        "CREATE TABLE IF NOT EXISTS actorflow.versions"
        " (version integer PRIMARY KEY, name text NOT NULL, applied double precision NOT NULL)"
    )
    for migration in missing:
        await db.execute(migration.sql)
        applied = (migration.version, migration.name, time.time())
        await db.execute("INSERT INTO actorflow.versions (version, name, applied) VALUES ($1, $2, $3)", *applied)
