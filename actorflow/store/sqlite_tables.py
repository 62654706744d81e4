"""The tables of a SQLite store, as one transaction sees them: what it changes is gathered, and written before it is committed."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Any

from actorflow.clock import Clock
from actorflow.errors import StoreCorrupt, brief
from actorflow.store.base import Attempt, StepStatus
from actorflow.store.records import STATUSES, as_changed, as_new, as_past, attempt_from, row_from
from actorflow.store.row import Key, Row
from actorflow.store.runs import RunRecord
from actorflow.store.sqlite_runs import SQLiteRuns

REMEMBERED = 10_000
"""How many rows, and how many runs, are known by heart at most."""
STEPS = 50_000
"""Of how many steps at most it's known by heart that they are recorded."""
SMALL = 16 * 1024
"""Bytes of input up to which a row is remembered."""
OPEN = frozenset({StepStatus.RUNNING, StepStatus.UNDOING})
"""What will be written again soon."""


class SQLiteTables(SQLiteRuns):
    """Step runs, beside the rest. Rows that will be written again are remembered between transactions, until somebody else writes to the file."""

    def __init__(self, db: sqlite3.Connection, store: str, clock: Clock) -> None:
        super().__init__(db, store)
        self.now = clock.time
        self.may_write = True
        self._file_version = -1
        self._rows: dict[int, Row] = {}
        self._rows_of: dict[Key, Row] = {}
        self._steps: dict[int, set[str]] = {}
        self._steps_known = 0
        self._new: dict[int, Row] = {}
        self._changed: dict[int, Row] = {}
        self._past: list[tuple[Any, ...]] = []

    # ── transactions ──────────────────────────────────────────────────────────────────────────────────────────────────

    def begin(self, *, may_write: bool = True) -> None:
        """Forgets what another connection may have changed since. A transaction has begun."""
        self.may_write = may_write
        (version,) = self._db.execute("PRAGMA data_version").fetchone()
        is_crowded = (
            max(len(self._rows), len(self._numbers), len(self._leads), len(self._projected)) > REMEMBERED
            or self._steps_known > STEPS
        )
        if version != self._file_version or is_crowded:
            self.forget()
            self._file_version = version

    def write(self) -> None:
        super().write()
        if self._new:
            self._db.executemany(self._sql["add_row"], [as_new(row) for row in self._new.values()])
            self._written(self._new)
        if self._changed:
            self._db.executemany(self._sql["keep_row"], [as_changed(row) for row in self._changed.values()])
            self._written(self._changed)
        if self._past:
            self._db.executemany(self._sql["keep_attempt"], self._past)
            self._past.clear()

    def _written(self, rows: dict[int, Row]) -> None:
        """What won't be written again soon, or is large, is forgotten."""
        for number, row in rows.items():
            if row.step_run.status not in OPEN or len(row.step_run.input or b"") > SMALL:
                self._rows.pop(number, None)
                self._rows_of.pop(row.key, None)
        rows.clear()

    def forget(self) -> None:
        """After a rollback, too: nothing of what was gathered has happened."""
        super().forget()
        known: tuple[dict[Any, Any], ...] = (self._rows, self._rows_of, self._steps, self._new, self._changed)
        for each in known:
            each.clear()
        self._steps_known = 0
        self._past.clear()
        self._file_version = -1

    # ── runs ──────────────────────────────────────────────────────────────────────────────────────────────────────────

    def add_run(self, run: RunRecord) -> None:
        super().add_run(run)
        self._steps[self._numbers[run.run_id]] = set()

    def drop_runs(self, numbers: Sequence[int]) -> None:
        """What is known of their steps isn't worth looking through."""
        self.write()
        super().drop_runs(numbers)
        self.forget()

    # ── step runs ─────────────────────────────────────────────────────────────────────────────────────────────────────

    def row(self, number: int) -> Row | None:
        return self._rows.get(number) or self._found("find_row", (number,))

    def row_of(self, key: Key) -> Row | None:
        """Of a run that was created here, and that nobody else has written to since, all steps are known: a new one needn't be looked for."""
        steps = self._steps.get(key.run)
        if steps is not None and key.step not in steps:
            return None
        return self._rows_of.get(key) or self._found("find_row_of", key)

    def rows(self, run: int) -> list[Row]:
        self.write()
        return [self._row(values) for values in self._db.execute(self._sql["list_rows"], (run,))]

    def add(self, row: Row) -> None:
        self._new[row.number] = self._rows[row.number] = self._rows_of[row.key] = row
        steps = self._steps.get(row.key.run)
        if steps is not None:
            steps.add(row.key.step)
            self._steps_known += 1

    def keep(self, row: Row) -> None:
        gathered = self._new if row.number in self._new else self._changed
        gathered[row.number] = self._rows[row.number] = self._rows_of[row.key] = row

    def _found(self, query: str, parameters: tuple[Any, ...]) -> Row | None:
        found = self._db.execute(self._sql[query], parameters).fetchone()
        return self._row(found) if found is not None else None

    def _row(self, values: tuple[Any, ...]) -> Row:
        if not is_sound(values):
            raise StoreCorrupt(self._store, f"step run {values[0]} of run {values[2]!r} can't be: {brief(values)}")
        number, run, run_id, *rest = values
        return row_from(number, run, run_id, *rest)

    # ── attempts ──────────────────────────────────────────────────────────────────────────────────────────────────────

    def past_attempts(self, number: int) -> list[Attempt]:
        self.write()
        found = self._db.execute(self._sql["list_attempts"], (number,))
        return [attempt_from(*values) for values in found]

    def keep_attempt(self, number: int, attempt: Attempt) -> None:
        self._past.append(as_past(number, attempt))


def is_sound(values: tuple[Any, ...]) -> bool:
    """Whether a row is of the types that a store writes: SQLite's columns take any."""
    _, _, _, step, status, input, output, error, token, sequence, worker, started, ended = values
    return (
        type(step) is str
        and status in STATUSES
        and all(value is None or type(value) is bytes for value in (input, output, error))
        and type(token) is type(sequence) is int
        and (started is None or (type(started) is float and type(worker) is str))
        and (ended is None or type(ended) is float)
    )
