"""A store in one SQLite file: the embedded default. Standard library alone, write-ahead log, one owning thread, group commit."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Awaitable, Sequence
from contextlib import suppress
from os import PathLike
from pathlib import Path
from typing import Any, Literal, Self, TypeVar

from actorflow.clock import Clock
from actorflow.errors import InvalidState, StoreClosed, StoreError, WrongLoop
from actorflow.store.answers import answered
from actorflow.store.face import StoreFace
from actorflow.store.requests import Request
from actorflow.store.sqlite_errors import said_plainly
from actorflow.store.sqlite_open import open_database
from actorflow.store.sqlite_tables import SQLiteTables
from actorflow.store.tables import MustWrite
from actorflow.store.writer import Writer, is_of_the_request

T = TypeVar("T")


class SQLiteStore(StoreFace):
    """Keeps records in the file `path`, which it makes if it isn't there; its folder has to be.

    `synchronous="FULL"`: what was acknowledged survives a power cut; `"NORMAL"`: it survives the process, the last commits may be lost with
    the machine. `busy_timeout` is how many seconds it waits for a lock of another process, before `StoreBusy`. Several processes may use one
    file, each through a store of its own.

    Entering raises `StoreUnavailable`, `StoreReadOnly`, `StoreCorrupt`, `StoreTooNew`, `StoreBusy`.
    """

    def __init__(
        self,
        path: str | PathLike[str],
        *,
        synchronous: Literal["FULL", "NORMAL"] = "FULL",
        busy_timeout: float = 10.0,
        clock: Clock | None = None,
    ) -> None:
        if synchronous not in {"FULL", "NORMAL"}:
            raise InvalidState(f"synchronous is 'FULL' or 'NORMAL', not {synchronous!r}")
        self._path = Path(path)
        self._given = synchronous, busy_timeout, clock or Clock()
        self._desk = SQLiteDesk(self._path, *self._given)
        self._writer: Writer | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    def __repr__(self) -> str:
        return f"SQLiteStore({str(self._path)!r})"

    def beside(self) -> Self:
        synchronous, busy_timeout, clock = self._given
        return type(self)(self._path, synchronous=synchronous, busy_timeout=busy_timeout, clock=clock)

    async def __aenter__(self) -> Self:
        if self._loop is not None:
            raise StoreClosed(repr(self), "the store is entered already", "Leave it first, or use another one.")
        self._loop = asyncio.get_running_loop()
        writer = Writer(self._desk, self._path.name)
        try:
            await writer.open()
        except BaseException:
            self._loop = None
            raise
        self._writer = writer
        return self

    async def __aexit__(self, *exc: object) -> None:
        writer, self._writer = self._writer, None
        try:
            if writer is not None:
                await writer.close()
        finally:
            self._loop = None

    def _ask(self, request: Request[T], /) -> Awaitable[T]:
        return self._open_writer().ask(request)

    def _ask_all(self, requests: Sequence[Request[Any]], /) -> Awaitable[list[Any]]:
        return self._open_writer().ask_all(requests)

    def _open_writer(self) -> Writer:
        if self._writer is None:
            raise StoreClosed(repr(self), "the store isn't open", "Enter it first: async with store: …")
        if asyncio.get_running_loop() is not self._loop:
            raise WrongLoop(f"{self!r} belongs to the loop that entered it\nOther loops use a store of their own.")
        return self._writer


class SQLiteDesk:
    """The connection, used by the writer's thread alone."""

    def __init__(self, path: Path, synchronous: str, busy_timeout: float, clock: Clock) -> None:
        self._path = path
        self._synchronous = synchronous
        self._busy_timeout = busy_timeout
        self._clock = clock
        self._db: sqlite3.Connection | None = None
        self._tables: SQLiteTables | None = None

    def open(self) -> None:
        self._connect()

    def close(self) -> None:
        """The last connection to a file takes its log with it."""
        db, self._db = self._db, None
        if db is not None:
            with suppress(sqlite3.Error):
                db.close()

    def answer(self, requests: Sequence[Request[Any]]) -> list[Any]:
        """All in one transaction; if what one of them touches is broken, each in one of its own."""
        try:
            return self._together(requests)
        except StoreError as error:
            if len(requests) == 1 or not is_of_the_request(error):
                raise
        return [self._alone(request) for request in requests]

    def _alone(self, request: Request[Any]) -> Any:
        try:
            return self._together([request])[0]
        except StoreError as error:
            return error

    def _together(self, requests: Sequence[Request[Any]]) -> list[Any]:
        if not any(request.writes for request in requests):
            with suppress(MustWrite):
                return self._in_transaction(requests, may_write=False)
        return self._in_transaction(requests, may_write=True)

    def _in_transaction(self, requests: Sequence[Request[Any]], *, may_write: bool) -> list[Any]:
        """Raises `MustWrite` if there is something to write that nobody asked for."""
        db, tables = self._connect()
        committing = False
        try:
            db.execute("BEGIN IMMEDIATE" if may_write else "BEGIN")
            tables.begin(may_write=may_write)
            answers = [answered(tables, request) for request in requests]
            tables.write()
            committing = True
            db.execute("COMMIT")
        except sqlite3.Error as error:
            self._roll_back(db, tables)
            raise said_plainly(str(self._path), error, committing=committing) from error
        except BaseException:
            self._roll_back(db, tables)
            raise
        return answers

    def _connect(self) -> tuple[sqlite3.Connection, SQLiteTables]:
        if self._db is None or self._tables is None:
            try:
                self._db = open_database(self._path, self._synchronous, self._busy_timeout)
            except sqlite3.Error as error:
                raise said_plainly(str(self._path), error) from error
            self._tables = SQLiteTables(self._db, str(self._path), self._clock)
        return self._db, self._tables

    def _roll_back(self, db: sqlite3.Connection, tables: SQLiteTables) -> None:
        """A connection that can't even do this is given up; the next transaction opens another one."""
        tables.forget()
        try:
            if db.in_transaction:
                db.execute("ROLLBACK")
        except sqlite3.Error:
            self.close()
