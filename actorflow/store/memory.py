"""A store that keeps everything in this process: for tests, for runs that needn't outlive it, and to compare with."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any, Self, TypeVar

from actorflow.clock import Clock
from actorflow.errors import StoreClosed
from actorflow.store.answers import answer, answered
from actorflow.store.base import Attempt
from actorflow.store.face import StoreFace
from actorflow.store.memory_runs import MemoryRuns
from actorflow.store.requests import Request
from actorflow.store.row import Key, Row
from actorflow.store.runs import RunRecord

T = TypeVar("T")


class MemoryStore(StoreFace):
    """Keeps records as long as the object lives: it may be left and entered again, also by another loop.

    It passes the suite that every store passes, and forgets all with its process.
    """

    def __init__(self, *, clock: Clock | None = None) -> None:
        self._tables = MemoryTables(clock or Clock())
        self._lock = threading.Lock()
        self._is_open = False

    def __repr__(self) -> str:
        return "MemoryStore()"

    def beside(self) -> Self:
        other = type(self)()
        other._tables, other._lock = self._tables, self._lock
        return other

    async def __aenter__(self) -> Self:
        if self._is_open:
            raise StoreClosed(repr(self), "the store is entered already", "Leave it first, or use another one.")
        self._is_open = True
        return self

    async def __aexit__(self, *exc: object) -> None:
        self._is_open = False

    async def _ask(self, request: Request[T], /) -> T:
        tables = self._open_tables()
        with self._lock:
            return answer(tables, request)

    async def _ask_all(self, requests: Sequence[Request[Any]], /) -> list[Any]:
        tables = self._open_tables()
        with self._lock:
            return [answered(tables, request) for request in requests]

    def _open_tables(self) -> MemoryTables:
        if not self._is_open:
            raise StoreClosed(repr(self), "the store isn't open", "Enter it first: async with store: …")
        return self._tables


class MemoryTables(MemoryRuns):
    """Step runs, beside the rest."""

    may_write = True

    def __init__(self, clock: Clock) -> None:
        super().__init__()
        self.now = clock.time
        self._rows: dict[int, Row] = {}
        self._rows_of: dict[int, dict[str, int]] = {}
        self._past: dict[int, list[Attempt]] = {}

    def add_run(self, run: RunRecord) -> None:
        super().add_run(run)
        self._rows_of[self._numbers[run.run_id]] = {}

    def drop_runs(self, numbers: Sequence[int]) -> None:
        super().drop_runs(numbers)
        for number in numbers:
            for row in self._rows_of.pop(number).values():
                del self._rows[row]
                self._past.pop(row, None)

    def row(self, number: int) -> Row | None:
        return self._rows.get(number)

    def row_of(self, key: Key) -> Row | None:
        number = self._rows_of[key.run].get(key.step)
        return self._rows[number] if number is not None else None

    def rows(self, run: int) -> list[Row]:
        return [self._rows[number] for number in self._rows_of[run].values()]

    def add(self, row: Row) -> None:
        self._rows_of[row.key.run][row.key.step] = row.number
        self._rows[row.number] = row

    def keep(self, row: Row) -> None:
        self._rows[row.number] = row

    def past_attempts(self, number: int) -> list[Attempt]:
        return self._past.get(number, [])

    def keep_attempt(self, number: int, attempt: Attempt) -> None:
        self._past.setdefault(number, []).append(attempt)
