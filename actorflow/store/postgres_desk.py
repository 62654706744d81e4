"""The connection of a Postgres store, for one transaction after the other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from actorflow.clock import Clock
from actorflow.errors import StoreError, StoreUnavailable
from actorflow.store.answers import answered
from actorflow.store.postgres_errors import FAILURES, said_plainly
from actorflow.store.postgres_open import open_database
from actorflow.store.postgres_tables import PostgresTables
from actorflow.store.requests import Request
from actorflow.store.writer import is_of_the_request


class PostgresDesk:
    """`name` is what errors call the database."""

    def __init__(self, dsn: str, name: str, connect_timeout: float, busy_timeout: float, clock: Clock) -> None:
        self._dsn = dsn
        self._name = name
        self._timeouts = connect_timeout, busy_timeout
        self._clock = clock
        self._db: Any = None

    async def open(self) -> Any:
        if self._db is None or self._db.is_closed():
            try:
                self._db = await open_database(self._dsn, self._name, *self._timeouts)
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
