"""A store in Postgres, for several machines: one connection per store, group commit, runs locked while they are written to."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Sequence
from typing import TYPE_CHECKING, Any, Self, TypeVar
from urllib.parse import urlsplit

from actorflow.clock import Clock
from actorflow.errors import StoreClosed, StoreError, WrongLoop
from actorflow.store.face import StoreFace
from actorflow.store.requests import Request
from actorflow.store.writer import AT_ONCE, Asked, mine, once_more

T = TypeVar("T")

if TYPE_CHECKING:
    from actorflow.store.postgres_desk import PostgresDesk


class PostgresStore(StoreFace):
    """Keeps records in the schema `actorflow` of the database that `dsn` names (`postgresql://user@host:5432/name`).

    A connection that is lost is made again for the next transaction; `connect_timeout` and `busy_timeout` (for a lock) are seconds. Entering
    raises `StoreUnavailable`, `StoreReadOnly`, `StoreTooNew`.
    """

    def __init__(
        self, dsn: str, *, connect_timeout: float = 10.0, busy_timeout: float = 10.0, clock: Clock | None = None
    ) -> None:
        self._name = named(dsn)
        self._given = dsn, connect_timeout, busy_timeout, clock or Clock()
        self._desk = desk_for(dsn, self._name, *self._given[1:])
        self._loop: asyncio.AbstractEventLoop | None = None
        self._is_open = False
        self._waiting: list[Asked] = []
        self._working: asyncio.Task[None] | None = None

    def __repr__(self) -> str:
        return f"PostgresStore({self._name!r})"

    def beside(self) -> Self:
        dsn, connect_timeout, busy_timeout, clock = self._given
        return type(self)(dsn, connect_timeout=connect_timeout, busy_timeout=busy_timeout, clock=clock)

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


def desk_for(dsn: str, name: str, connect_timeout: float, busy_timeout: float, clock: Clock) -> PostgresDesk:
    """Loads what needs the extra, when a store is made."""
    try:
        from actorflow.store.postgres_desk import PostgresDesk
    except ModuleNotFoundError as error:
        raise ImportError("PostgresStore needs asyncpg\nInstall it: pip install 'actorflow[postgres]'.") from error
    return PostgresDesk(dsn, name, connect_timeout, busy_timeout, clock)


def named(dsn: str) -> str:
    """The server and the database, without user and password."""
    parts = urlsplit(dsn)
    host = parts.hostname or "localhost"
    return f"postgres {host}{f':{parts.port}' if parts.port else ''}{parts.path}"
