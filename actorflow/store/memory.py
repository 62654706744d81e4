"""A store that keeps everything in this process: for tests, for runs that needn't outlive it, and to compare with."""

from __future__ import annotations

from typing import Self, TypeVar

from actorflow.clock import Clock
from actorflow.errors import StoreClosed
from actorflow.store.answers import answer
from actorflow.store.base import Attempt, RunRecord
from actorflow.store.face import StoreFace
from actorflow.store.requests import Request
from actorflow.store.row import Key, Row

T = TypeVar("T")


class MemoryStore(StoreFace):
    """Keeps records as long as the object lives: it may be left and entered again, also by another loop.

    It passes the suite that every store passes, and forgets all with its process.
    """

    def __init__(self, *, clock: Clock | None = None) -> None:
        self._tables = MemoryTables(clock or Clock())
        self._is_open = False

    def __repr__(self) -> str:
        return "MemoryStore()"

    async def __aenter__(self) -> Self:
        if self._is_open:
            raise StoreClosed(repr(self), "the store is entered already", "Leave it first, or use another one.")
        self._is_open = True
        return self

    async def __aexit__(self, *exc: object) -> None:
        self._is_open = False

    async def _ask(self, request: Request[T], /) -> T:
        if not self._is_open:
            raise StoreClosed(repr(self), "the store isn't open", "Enter it first: async with store: …")
        return answer(self._tables, request)


class MemoryTables:
    def __init__(self, clock: Clock) -> None:
        self.now = clock.time
        self._runs: dict[str, tuple[int, RunRecord]] = {}
        self._rows: dict[int, dict[str, Row]] = {}
        self._past: dict[Key, list[Attempt]] = {}
        self._sequence = 0

    def run_number(self, run_id: str) -> int | None:
        found = self._runs.get(run_id)
        return found[0] if found else None

    def run(self, run_id: str) -> RunRecord | None:
        found = self._runs.get(run_id)
        return found[1] if found else None

    def add_run(self, run: RunRecord) -> None:
        number = len(self._runs) + 1
        self._runs[run.run_id] = (number, run)
        self._rows[number] = {}

    def row(self, key: Key) -> Row | None:
        return self._rows.get(key.run, {}).get(key.step)

    def rows(self, run: int) -> list[Row]:
        return list(self._rows[run].values())

    def keep(self, row: Row) -> None:
        self._rows[row.key.run][row.key.step] = row

    def past_attempts(self, key: Key) -> list[Attempt]:
        return self._past.get(key, [])

    def keep_attempt(self, key: Key, attempt: Attempt) -> None:
        self._past.setdefault(key, []).append(attempt)

    def next_sequence(self) -> int:
        self._sequence += 1
        return self._sequence
