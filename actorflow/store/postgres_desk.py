"""The connection of a Postgres store, for one transaction after the other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any

from actorflow.clock import Clock
from actorflow.errors import StoreError, StoreUnavailable
from actorflow.store.answers import answered
from actorflow.store.lead import Lead
from actorflow.store.postgres_errors import DOUBLE, FAILURES, said_plainly
from actorflow.store.postgres_open import open_database
from actorflow.store.postgres_quick import Quick, commit, quick
from actorflow.store.postgres_tables import STEPS, PostgresTables
from actorflow.store.requests import (
    ClaimRuns,
    CountRuns,
    CreateRun,
    DeleteRun,
    GetRun,
    Leave,
    ListMessages,
    ListRuns,
    ListSchedules,
    OpenSchedule,
    Purge,
    Request,
)
from actorflow.store.tables import MustWrite
from actorflow.store.writer import is_of_the_request, once_more

REMEMBERED = 20_000
"""Of how many runs at most the leads are remembered."""
ALONE = (ClaimRuns, CountRuns, DeleteRun, Leave, ListRuns, ListSchedules, OpenSchedule, Purge)


class PostgresDesk:
    """`name` is what errors call the database."""

    def __init__(self, dsn: str, name: str, connect_timeout: float, busy_timeout: float, clock: Clock) -> None:
        self._dsn = dsn
        self._name = name
        self._timeouts = connect_timeout, busy_timeout
        self._clock = clock
        self._db: Any = None
        self._leads: dict[str, Lead] = {}

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
        self._leads.clear()
        db, self._db = self._db, None
        if db is not None:
            try:
                await db.close(timeout=self._timeouts[1])
            except FAILURES:
                db.terminate()

    async def answer(self, requests: Sequence[Request[Any]]) -> list[Any]:
        """In as few transactions as can be; if what one of them touches is broken, each in one of its own."""
        groups = list(grouped(requests))
        if len(groups) == 1:
            return await self._answer(requests)
        return [answer for group in groups for answer in await self._answer_or_refuse(group)]

    async def _answer_or_refuse(self, requests: Sequence[Request[Any]]) -> list[Any]:
        """What was done before isn't undone by what fails now."""
        try:
            return await self._answer(requests)
        except StoreError as error:
            return [once_more(error) for _ in requests]

    async def _answer(self, requests: Sequence[Request[Any]]) -> list[Any]:
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
            if isinstance(error.__cause__, DOUBLE):
                # A tail that was remembered isn't the tail any more: somebody has appended with the same number through another store.
                return await self._together(requests)
            if len(requests) == 1 or not is_of_the_request(error):
                raise
        return [await self._alone(request) for request in requests]

    async def _alone(self, request: Request[Any]) -> Any:
        try:
            return (await self._together([request]))[0]
        except StoreError as error:
            return error

    async def _together(self, requests: Sequence[Request[Any]]) -> list[Any]:
        asked = quick(requests, self._leads, self._clock.time())
        if asked is not None and asked.size == len(requests):
            return await self._at_once(requests, asked)
        if not any(request.writes for request in requests):
            with suppress(MustWrite):
                return await self._in_transaction(requests, None, may_write=False)
        return await self._in_transaction(requests, asked, may_write=True)

    async def _at_once(self, requests: Sequence[Request[Any]], asked: Quick) -> list[Any]:
        """A statement that is a transaction by itself. Whether one that failed was done shows in the long way: it's repeated then, and fine."""
        answers: dict[int, Any] = {}
        try:
            answers = await commit(await self.open(), asked)
            self._keep(asked.leads)
        except DOUBLE:
            self._leads.clear()
        except FAILURES:
            self._give_up()
        missing = [place for place in range(len(requests)) if place not in answers]
        if missing:
            found = await self._in_transaction([requests[place] for place in missing], None, may_write=True)
            answers.update(zip(missing, found, strict=True))
        return [answers[place] for place in range(len(requests))]

    async def _in_transaction(
        self, requests: Sequence[Request[Any]], asked: Quick | None, *, may_write: bool
    ) -> list[Any]:
        """Raises `MustWrite` if there is something to write that nobody asked for."""
        db = await self.open()
        tables = PostgresTables(self._clock, may_write=may_write)
        answers: dict[int, Any] = {}
        committing = False
        try:
            transaction = db.transaction()
            await transaction.start()
            try:
                answers.update(await commit(db, asked) if asked is not None else {})
                others = [place for place in range(len(requests)) if place not in answers]
                await tables.read(db, [requests[place] for place in others])
                answers.update({place: answered(tables, requests[place]) for place in others})
                await tables.write(db)
            except BaseException:
                await self._roll_back(transaction)
                raise
            committing = True
            await transaction.commit()
        except FAILURES as error:
            self._leads.clear()
            if committing:
                self._give_up()
            raise said_plainly(self._name, error, committing=committing) from error
        if asked is not None:
            self._keep(asked.leads)
        self._remember(tables)
        return [answers[place] for place in range(len(requests))]

    def _remember(self, tables: PostgresTables) -> None:
        """The leads of runs that somebody has; what is remembered of runs that were read is forgotten."""
        if len(self._leads) > REMEMBERED:
            self._leads.clear()
        if tables.has_fenced:
            self._leads.clear()
        self._keep(tables.known())

    def _keep(self, leads: Mapping[str, Lead]) -> None:
        for run_id, lead in leads.items():
            self._leads.pop(run_id, None)
            if lead.owner is not None:
                self._leads[run_id] = lead

    async def _roll_back(self, transaction: Any) -> None:
        """A connection that can't even do this is given up; the next transaction makes another one."""
        try:
            await transaction.rollback()
        except FAILURES:
            self._give_up()

    def _give_up(self) -> None:
        self._leads.clear()
        db, self._db = self._db, None
        if db is not None:
            db.terminate()


def grouped(requests: Sequence[Request[Any]]) -> Iterator[list[Request[Any]]]:
    """What goes into one transaction, in order: what concerns many runs is alone, and what is asked of step runs is apart from what runs did.

    All that a transaction touches is read before any of it is answered, so no answer may depend on another one's changes in what else it would read.
    """
    group: list[Request[Any]] = []
    of: str | None = None
    for request in requests:
        kind = kind_of(request)
        if group and (kind == "alone" or of == "alone" or (kind is not None and of is not None and kind != of)):
            yield group
            group, of = [], None
        group.append(request)
        of = kind or of
    yield group


def kind_of(request: Request[Any]) -> str | None:
    """`None`: it goes with any."""
    if isinstance(request, CreateRun | GetRun):
        return None
    if isinstance(request, ALONE) or (isinstance(request, ListMessages) and request.owner is not None):
        return "alone"
    return "steps" if isinstance(request, STEPS) else "runs"
