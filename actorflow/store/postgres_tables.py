"""The tables of a Postgres store, as one transaction sees them: read in a few questions first, written in a few at the end.

What is asked in between is answered from memory. The runs that are written to are locked, in order of their numbers, from the first
question to the commit, so nobody else can have changed what was read.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from actorflow.clock import Clock
from actorflow.store.base import Attempt
from actorflow.store.postgres_reads import columns
from actorflow.store.postgres_runs import PostgresRuns
from actorflow.store.projection import told_by
from actorflow.store.records import as_changed, as_new, as_past, attempt_from, row_from
from actorflow.store.requests import (
    BeginStep,
    BeginUndo,
    CompletedOutputs,
    CompletedSteps,
    CompleteStep,
    End,
    GetStepRun,
    ListAttempts,
    Request,
    ScheduleStep,
    StepStatuses,
)
from actorflow.store.row import Key, Row, number_in
from actorflow.store.tables import MustWrite

BY_RUN = (BeginStep, BeginUndo, CompletedOutputs, CompletedSteps, GetStepRun, ScheduleStep, StepStatuses)
BY_ID = (End, ListAttempts)
LISTING = (StepStatuses, CompletedSteps, CompletedOutputs)
STEPS = (*BY_RUN, *BY_ID)
"""What is asked of step runs: they are made of all that the run did first."""


class PostgresTables(PostgresRuns):
    """Step runs, beside the rest."""

    def __init__(self, clock: Clock, *, may_write: bool) -> None:
        super().__init__(clock, may_write=may_write)
        self._backlogs: dict[int, list[bytes]] = {}
        self._new: dict[int, Row] = {}
        self._changed: dict[int, Row] = {}
        self._kept: list[tuple[Any, ...]] = []
        self._made: list[tuple[int, int]] = []

    # ── reading ───────────────────────────────────────────────────────────────────────────────────────────────────────

    async def _read_belongings(self, db: Any, requests: Sequence[Request[Any]]) -> None:
        """Raises `MustWrite` if step runs have to be made of what runs did."""
        await super()._read_belongings(db, requests)
        if any(isinstance(each, STEPS) for each in requests):
            await self._read_backlogs(db)
            await self._read_rows(db, requests)

    async def _read_backlogs(self, db: Any) -> None:
        for run, data in await db.fetch(self._sql["list_backlog"], list(self._runs)):
            self._backlogs.setdefault(run, []).append(data)
        if self._backlogs and not self.may_write:
            raise MustWrite

    async def _read_rows(self, db: Any, requests: Sequence[Request[Any]]) -> None:
        """Of a run that has done more than its step runs tell, all; else those that are asked for."""
        listed = {*self._asked_for(requests, *LISTING), *self._backlogs}
        if numbers := self._step_runs(requests):
            self._take(await db.fetch(self._sql["find_rows"], numbers))
        keys = {key for each in requests if isinstance(each, BY_RUN) and (key := self._key(each)) is not None}
        if keys:
            self._take(await db.fetch(self._sql["find_rows_of"], *columns(keys)))
        if listed:
            self._take(await db.fetch(self._sql["list_rows"], list(listed)))
        if asked := self._step_runs([each for each in requests if isinstance(each, ListAttempts)]):
            for step_run, *values in await db.fetch(self._sql["list_attempts"], asked):
                self._past.setdefault(step_run, []).append(attempt_from(*values))

    def _step_runs(self, requests: Sequence[Request[Any]]) -> list[int]:
        given = {number_in(each.step_run_id) for each in requests if isinstance(each, BY_ID) and each.step_run_id}
        return [number for number in given if number is not None]

    def _key(self, request: Request[Any]) -> Key | None:
        run, step = self._numbers.get(getattr(request, "run_id", "")), getattr(request, "step", None)
        return Key(run, step) if run is not None and step is not None else None

    def _take(self, found: Iterable[Any]) -> None:
        for number, run, *rest in found:
            if run in self._runs:
                super().add(row_from(number, run, self._runs[run].run_id, *rest))

    def _count_numbers(self, requests: Sequence[Request[Any]]) -> int:
        """A step run that is new, and its completion: two for each that is told of."""
        told = sum(2 for turns in self._backlogs.values() for data in turns for _ in told_by(0, "", data))
        asked = sum(isinstance(each, (ScheduleStep, BeginStep, CompleteStep)) for each in requests)
        return super()._count_numbers(requests) + told + asked

    # ── answering ─────────────────────────────────────────────────────────────────────────────────────────────────────

    def backlog(self, number: int) -> Sequence[bytes]:
        return self._backlogs.get(number, ())

    def keep_projected(self, number: int, count: int) -> None:
        del self._backlogs[number]
        self._made.append((count, number))

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

    # ── writing ───────────────────────────────────────────────────────────────────────────────────────────────────────

    async def write(self, db: Any) -> None:
        await super().write(db)
        await self._put(db, "add_rows", [as_new(row) for row in self._new.values()])
        await self._put(db, "keep_rows", [as_changed(row) for row in self._changed.values()])
        await self._put(db, "keep_attempts", self._kept)
        await self._put(db, "keep_projected", self._made)
