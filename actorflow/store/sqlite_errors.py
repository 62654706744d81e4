"""What goes wrong in SQLite, said in our words: one class of `StoreError` for each thing that somebody can do something about."""

from __future__ import annotations

import sqlite3

from actorflow.errors import (
    CommitUnknown,
    StoreBusy,
    StoreCorrupt,
    StoreError,
    StoreFull,
    StoreReadOnly,
    StoreUnavailable,
)

PRIMARY = 0xFF
"""The bits of SQLite's extended codes that hold the plain one."""

BUSY = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}
FULL = {sqlite3.SQLITE_FULL}
READ_ONLY = {sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM, sqlite3.SQLITE_AUTH}
CORRUPT = {
    sqlite3.SQLITE_CORRUPT,
    sqlite3.SQLITE_NOTADB,
    sqlite3.SQLITE_FORMAT,
    sqlite3.SQLITE_ERROR,
    sqlite3.SQLITE_CONSTRAINT,
}
"""`ERROR` and `CONSTRAINT` too: our statements are right for our tables, so the tables aren't ours any more."""
UNAVAILABLE = {sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_NOLFS, sqlite3.SQLITE_PROTOCOL}
SYNCING = {sqlite3.SQLITE_IOERR_FSYNC, sqlite3.SQLITE_IOERR_DIR_FSYNC}


def said_plainly(store: str, error: sqlite3.Error, *, committing: bool = False) -> StoreError:
    """`committing` says that the error came out of a `COMMIT`: one that the disk refused may be there after a crash, or not."""
    extended = getattr(error, "sqlite_errorcode", None) or 0
    code = extended & PRIMARY
    if committing and extended in SYNCING:
        return CommitUnknown(store, f"the disk didn't confirm a commit ({error})", "Read again what is recorded.")
    if code in BUSY:
        return StoreBusy(store, f"another process keeps the database locked ({error})", "Ask again later.")
    if code in FULL:
        return StoreFull(store, f"there's no room left ({error})", "Make room; the store then works on.")
    if code in READ_ONLY:
        return StoreReadOnly(store, f"it may not be written to ({error})", "Check who owns the file and its folder.")
    if code in CORRUPT:
        return StoreCorrupt(
            store, f"its content isn't what a store writes ({error})", "Restore the file from a backup."
        )
    if code in UNAVAILABLE:
        return StoreUnavailable(
            store, f"it can't be opened ({error})", "Check that the folder is there, and no file's."
        )
    if code == sqlite3.SQLITE_IOERR:
        advice = "Is the disk full, is there a limit on the size of files, is the disk sound?"
        return StoreError(store, f"the disk refused a read or a write ({error})", advice)
    return StoreError(store, f"SQLite refused ({type(error).__name__}: {error})")
