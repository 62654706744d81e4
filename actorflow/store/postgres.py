"""A store in Postgres, for several machines: one connection per store, group commit, runs locked while they are written to."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Sequence
from typing import Any, Self, TypeVar

from actorflow.clock import Clock
from actorflow.errors import StoreClosed, StoreError, StoreUnavailable, WrongLoop
from actorflow.store.answers import answered
from actorflow.store.face import StoreFace
from actorflow.store.requests import Request
from actorflow.store.writer import AT_ONCE, Asked, is_of_the_request, mine, once_more

T = TypeVar("T")

try:
    from actorflow.store.postgres_errors import FAILURES, said_plainly
    from actorflow.store.postgres_open import named, open_database
    from actorflow.store.postgres_tables import PostgresTables
except ImportError as error:
    raise ImportError("PostgresStore needs asyncpg\nInstall it: pip install 'actorflow[postgres]'.") from error


class PostgresStore(StoreFace):
    """Keeps records in the schema `actorflow` of the database that `dsn` names (`postgresql://user@host:5432/name`).

    A connection that is lost is made again for the next transaction; `connect_timeout` and `busy_timeout` (for a lock) are seconds. Entering
    raises `StoreUnavailable`, `StoreReadOnly`, `StoreTooNew`.
    """

    def __init__(
        self, dsn: str, *, connect_timeout: float = 10.0, busy_timeout: float = 10.0, clock: Clock | None = None
    ) -> None:
        self._name = named(dsn)
        self._desk = PostgresDesk(dsn, connect_timeout, busy_timeout, clock or Clock())
        self._loop: asyncio.AbstractEventLoop | None = None
        self._is_open = False
        self._waiting: list[Asked] = []
        self._working: asyncio.Task[None] | None = None

    def __repr__(self) -> str:
        return f"PostgresStore({self._name!r})"

    async def __aenter__(self) -> Self:
        if self._loop is not None:
            raise StoreClosed(repr(self), "the store is entered already", "Leave it first, or use another one.")
        self._loop = asyncio.get_running_loop()
        try:
            await self._desk.open()
        except BaseException:
            self._loop = None
            raise
        self._is_open = True
        return self

    async def __aexit__(self, *exc: object) -> None:
        """Does what was asked before."""
        self._is_open = False
        try:
            while self._working is not None:
                await asyncio.shield(self._working)
        finally:
            if self._working is None:
                await self._desk.close()
            self._loop = None

    def _ask(self, request: Request[T], /) -> Awaitable[T]:
        return self._gather((request,), is_single=True)

    def _ask_all(self, requests: Sequence[Request[Any]], /) -> Awaitable[list[Any]]:
        return self._gather(requests, is_single=False)

    def _gather(self, requests: Sequence[Request[Any]], *, is_single: bool) -> asyncio.Future[Any]:
        loop = asyncio.get_running_loop()
        if not self._is_open:
            raise StoreClosed(repr(self), "the store isn't open", "Enter it first: async with store: …")
        if loop is not self._loop:
            raise WrongLoop(f"{self!r} belongs to the loop that entered it\nOther loops use a store of their own.")
        future: asyncio.Future[Any] = loop.create_future()
        self._waiting.append(Asked(requests, future, is_single))
        if self._working is None:
            self._working = loop.create_task(self._work(), name=f"actorflow store {self._name}")
        return future

    async def _work(self) -> None:
        """Answers all that waits in one transaction, then what has come meanwhile in the next; ends when nothing waits."""
        try:
            while self._waiting:
                waiting, self._waiting = self._waiting[:AT_ONCE], self._waiting[AT_ONCE:]
                await self._answer(waiting)
        finally:
            self._working = None

    async def _answer(self, waiting: Sequence[Asked]) -> None:
        try:
            answers = iter(await self._desk.answer([request for asked in waiting for request in asked.requests]))
            self._deliver([(asked, mine(asked, answers)) for asked in waiting])
        except StoreError as error:
            self._deliver([(asked, once_more(error)) for asked in waiting])
        except BaseException as error:  # a fault of ours, or the loop's end: nobody may wait for ever because of it
            self._deliver([(asked, error) for asked in waiting])
            if not isinstance(error, Exception):
                raise

    @staticmethod
    def _deliver(answers: Sequence[tuple[Asked, Any]]) -> None:
        for asked, answer in answers:
            if asked.future.done():
                continue
            if isinstance(answer, BaseException):
                asked.future.set_exception(answer)
            else:
                asked.future.set_result(answer)


class PostgresDesk:
    """The connection, for one transaction after the other."""

    def __init__(self, dsn: str, connect_timeout: float, busy_timeout: float, clock: Clock) -> None:
        self._dsn = dsn
        self._name = named(dsn)
        self._timeouts = connect_timeout, busy_timeout
        self._clock = clock
        self._db: Any = None

    async def open(self) -> Any:
        if self._db is None or self._db.is_closed():
            try:
                self._db = await open_database(self._dsn, *self._timeouts)
            except TimeoutError as error:
                raise StoreUnavailable(self._name, "the server doesn't answer", "Is the address right?") from error
            except FAILURES as error:
                raise said_plainly(self._name, error) from error
        return self._db

    async def close(self) -> None:
        db, self._db = self._db, None
        if db is not None:
            try:
                await db.close(timeout=self._timeouts[1])
            except FAILURES:
                db.terminate()

    async def answer(self, requests: Sequence[Request[Any]]) -> list[Any]:
        """All in one transaction; if what one of them touches is broken, each in one of its own."""
        was_connected = self._db is not None
        try:
            return await self._together(requests)
        except StoreUnavailable:
            if not was_connected:
                raise
            # The connection was lost since the last transaction, or in this one before its commit: nothing has happened.
            self._give_up()
            return await self._together(requests)
        except StoreError as error:
            if len(requests) == 1 or not is_of_the_request(error):
                raise
        return [await self._alone(request) for request in requests]

    async def _alone(self, request: Request[Any]) -> Any:
        try:
            return (await self._together([request]))[0]
        except StoreError as error:
            return error

    async def _together(self, requests: Sequence[Request[Any]]) -> list[Any]:
        db = await self.open()
        tables = PostgresTables(self._clock)
        committing = False
        try:
            transaction = db.transaction()
            await transaction.start()
            try:
                await tables.read(db, requests)
                answers = [answered(tables, request) for request in requests]
                await tables.write(db)
            except BaseException:
                await self._roll_back(transaction)
                raise
            committing = True
            await transaction.commit()
        except FAILURES as error:
            if committing:
                self._give_up()
            raise said_plainly(self._name, error, committing=committing) from error
        return answers

    async def _roll_back(self, transaction: Any) -> None:
        """A connection that can't even do this is given up; the next transaction makes another one."""
        try:
            await transaction.rollback()
        except FAILURES:
            self._give_up()

    def _give_up(self) -> None:
        db, self._db = self._db, None
        if db is not None:
            db.terminate()
