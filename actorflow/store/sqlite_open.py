"""Opens a SQLite database: refuses what isn't ours or is too new, before anything of it is changed, then brings its tables up to date."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from actorflow.errors import StoreTooNew, StoreUnavailable
from actorflow.store.queries import Migration, migrations

APPLICATION = 0x41464C57
"""`AFLW`, in the header of every file that is ours."""

PAUSE = 0.01
"""Seconds between two tries at what SQLite doesn't wait for by itself."""


def open_database(path: Path, synchronous: str, busy_timeout: float) -> sqlite3.Connection:
    """A connection whose tables are those of this version. Waits `busy_timeout` seconds for a lock.

    Raises `sqlite3.Error`, `StoreTooNew`, `StoreUnavailable`.
    """
    db = sqlite3.connect(path, timeout=busy_timeout, isolation_level=None)
    try:
        known = migrations("sqlite")
        check(db, path, known)
        use_wal(db, path, busy_timeout)
        db.execute(f"PRAGMA synchronous={synchronous}")
        migrate(db, path, known)
    except BaseException:
        db.close()
        raise
    return db


def check(db: sqlite3.Connection, path: Path, known: Sequence[Migration]) -> None:
    """All of it as it is at one moment: another process may be making its tables. Raises `StoreTooNew`, `StoreUnavailable`."""
    db.execute("BEGIN")
    if version_of(db, path, known) == 0:
        look_around(db, path)
    db.execute("ROLLBACK")


def version_of(db: sqlite3.Connection, path: Path, known: Sequence[Migration]) -> int:
    """The version of the tables, 0 if there are none. Raises `StoreTooNew`."""
    if not db.execute("SELECT 1 FROM sqlite_master WHERE name = 'versions'").fetchone():
        return 0
    (version,) = db.execute("SELECT coalesce(max(version), 0) FROM versions").fetchone()
    if version > known[-1].version:
        problem = f"its tables are of version {version}, this ActorFlow knows those up to {known[-1].version}"
        raise StoreTooNew(str(path), problem, "Use the ActorFlow that wrote it, or a newer one.")
    return int(version)


def look_around(db: sqlite3.Connection, path: Path) -> None:
    """A database of something else is left alone."""
    (application,) = db.execute("PRAGMA application_id").fetchone()
    if application != APPLICATION and db.execute("SELECT 1 FROM sqlite_master").fetchone():
        raise StoreUnavailable(str(path), "it's a database of something else", "Give the store a file of its own.")


def use_wal(db: sqlite3.Connection, path: Path, busy_timeout: float) -> None:
    """Several readers and a writer at once. Changing to it takes a lock that SQLite doesn't wait for."""
    until = time.monotonic() + busy_timeout
    while True:
        try:
            (mode,) = db.execute("PRAGMA journal_mode=WAL").fetchone()
            break
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > until:
                raise
            time.sleep(PAUSE)
    if mode not in {"wal", "memory"}:
        problem = f"its journal is {mode!r} and can't be a write-ahead log"
        raise StoreUnavailable(str(path), problem, "Put it on a local disk: network file systems can't do it.")


def migrate(db: sqlite3.Connection, path: Path, known: Sequence[Migration]) -> None:
    """Applies what is missing in one transaction: of processes that start at once one does it, the others wait and find it done."""
    if version_of(db, path, known) == known[-1].version:
        return
    db.execute("BEGIN IMMEDIATE")
    version = version_of(db, path, known)
    if version == 0:
        db.execute(
            "CREATE TABLE IF NOT EXISTS versions (version INTEGER PRIMARY KEY, name TEXT NOT NULL, applied REAL NOT NULL)"
        )
        db.execute(f"PRAGMA application_id={APPLICATION}")
    for migration in known[version:]:
        for statement in statements(migration.sql):
            db.execute(statement)
        applied = (migration.version, migration.name, time.time())
        db.execute("INSERT INTO versions (version, name, applied) VALUES (?, ?, ?)", applied)
    db.execute("COMMIT")


def statements(sql: str) -> Iterator[str]:
    """One statement after the other; `executescript` would commit first."""
    statement = ""
    for line in sql.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""
    assert not statement.strip(), statement
