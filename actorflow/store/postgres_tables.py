"""The tables of a Postgres store, as one transaction sees them: read in a few questions first, written in a few at the end.

What is asked in between is answered from memory. The runs that are written to are locked, in order of their numbers, from the first
question to the commit, so nobody else can have changed what was read.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from actorflow.clock import Clock
from actorflow.store.base import Attempt
from actorflow.store.memory import MemoryTables
from actorflow.store.queries import queries
from actorflow.store.records import as_changed, as_new, as_past, attempt_from, row_from
from actorflow.store.requests import (
    BeginStep,
    BeginUndo,
    CompletedOutputs,
    CompletedSteps,
    CompleteStep,
    CreateRun,
    End,
    GetRun,
    GetStepRun,
    ListAttempts,
    Request,
    ScheduleStep,
    StepStatuses,
)
from actorflow.store.row import Key, Row, number_in
from actorflow.store.runs import RunRecord


class PostgresTables(MemoryTables):
    """Holds what the requests of one transaction touch."""

    def __init__(self, clock: Clock) -> None:
        super().__init__(clock)
        self._sql = queries("postgres")
        self._new: dict[int, Row] = {}
        self._changed: dict[int, Row] = {}
        self._kept: list[tuple[Any, ...]] = []
        self._given: list[int] = []

    # ── reading ───────────────────────────────────────────────────────────────────────────────────────────────────────

    async def read(self, db: Any, requests: Sequence[Request[Any]]) -> None:
        """All that the requests may need."""
        await self._add_runs(db, [each for each in requests if isinstance(each, CreateRun)])
        numbers = list({number for number in map(number_of, requests) if number is not None})
        await self._read_runs(db, requests, numbers)
        await self._read_rows(db, requests, numbers)
        listed = [each for each in requests if isinstance(each, ListAttempts)]
        if listed:
            asked = [number for number in map(number_of, listed) if number is not None]
            for step_run, *values in await db.fetch(self._sql["list_attempts"], asked):
                self._past.setdefault(step_run, []).append(attempt_from(*values))
        wanted = sum(isinstance(each, (ScheduleStep, BeginStep, CompleteStep)) for each in requests)
        if wanted:
            self._given = sorted(each["number"] for each in await db.fetch(self._sql["give_numbers"], wanted))
            self._given.reverse()

    async def _add_runs(self, db: Any, creates: Sequence[CreateRun]) -> None:
        """Before anything else, so that of those who create a run at once one does, and all find it."""
        if creates:
            first = {each.run_id: each for each in reversed(creates)}.values()
            now = self.now()
            columns = (
                [each.run_id for each in first],
                [each.workflow for each in first],
                [each.inputs for each in first],
            )
            await db.execute(self._sql["add_runs"], *columns, [now] * len(first))

    async def _read_runs(self, db: Any, requests: Sequence[Request[Any]], numbers: Sequence[int]) -> None:
        query = self._sql["lock_runs" if any(each.writes for each in requests) else "find_runs"]
        whole = {each.run_id for each in requests if isinstance(each, CreateRun | GetRun)}
        run_ids = {str(run_id) for each in requests if (run_id := getattr(each, "run_id", None)) is not None}
        for number, run_id, workflow, created, inputs in await db.fetch(query, list(run_ids), numbers, list(whole)):
            self._numbers[run_id] = number
            self._runs[number] = RunRecord(run_id, workflow, inputs or b"", created)
            self._rows_of[number] = {}

    async def _read_rows(self, db: Any, requests: Sequence[Request[Any]], numbers: Sequence[int]) -> None:
        if numbers:
            self._take(await db.fetch(self._sql["find_rows"], numbers))
        single = (BeginStep, BeginUndo, GetStepRun, ScheduleStep)
        keys = {Key(*key) for each in requests if isinstance(each, single) and (key := self._key(each)) is not None}
        if keys:
            runs, steps = zip(*keys, strict=True)
            self._take(await db.fetch(self._sql["find_rows_of"], runs, steps))
        listing = (StepStatuses, CompletedSteps, CompletedOutputs)
        listed = {self._numbers.get(each.run_id) for each in requests if isinstance(each, listing)} - {None}
        if listed:
            self._take(await db.fetch(self._sql["list_rows"], list(listed)))

    def _key(self, request: BeginStep | BeginUndo | GetStepRun | ScheduleStep) -> Key | None:
        run = self._numbers.get(request.run_id)
        return Key(run, request.step) if run is not None else None

    def _take(self, found: Iterable[Any]) -> None:
        for number, run, *rest in found:
            if run in self._runs:
                super().add(row_from(number, run, self._runs[run].run_id, *rest))

    # ── answering ─────────────────────────────────────────────────────────────────────────────────────────────────────

    def add(self, row: Row) -> None:
        super().add(row)
        self._new[row.number] = row

    def keep(self, row: Row) -> None:
        super().keep(row)
        gathered = self._new if row.number in self._new else self._changed
        gathered[row.number] = row

    def keep_attempt(self, number: int, attempt: Attempt) -> None:
        super().keep_attempt(number, attempt)
        self._kept.append(as_past(number, attempt))

    def next_number(self) -> int:
        return self._given.pop()

    # ── writing ───────────────────────────────────────────────────────────────────────────────────────────────────────

    async def write(self, db: Any) -> None:
        if self._new:
            await db.execute(self._sql["add_rows"], *columns(as_new(row) for row in self._new.values()))
        if self._changed:
            await db.execute(self._sql["keep_rows"], *columns(as_changed(row) for row in self._changed.values()))
        if self._kept:
            await db.execute(self._sql["keep_attempts"], *columns(self._kept))


def number_of(request: Request[Any]) -> int | None:
    """The number of the step run that a request names by its id."""
    if isinstance(request, End | ListAttempts) and request.step_run_id:
        return number_in(request.step_run_id)
    return None


def columns(records: Iterable[tuple[Any, ...]]) -> Iterable[tuple[Any, ...]]:
    """One array per column is one statement, however many rows there are."""
    return zip(*records, strict=True)
