"""The tables of a SQLite store, as one transaction sees them: what it changes is gathered, and written before it is committed."""

from __future__ import annotations

import sqlite3
from typing import Any

from actorflow.clock import Clock
from actorflow.errors import StoreCorrupt, brief
from actorflow.store.base import Attempt, RunRecord, StepRun, StepStatus
from actorflow.store.queries import queries
from actorflow.store.row import Key, Row, Trial, id_of

REMEMBERED = 10_000
"""How many rows, and how many runs, are known by heart at most."""
SMALL = 16 * 1024
"""Bytes of input up to which a row is remembered."""
OPEN = frozenset({StepStatus.RUNNING, StepStatus.UNDOING})
"""What will be written again soon."""

STATUSES = {status.value: status for status in StepStatus}


class SQLiteTables:
    """Rows that will be written again are remembered between transactions, until somebody else writes to the file."""

    def __init__(self, db: sqlite3.Connection, store: str, clock: Clock) -> None:
        self.now = clock.time
        self._db = db
        self._store = store
        self._sql = queries("sqlite")
        self._file_version = -1
        self._numbers: dict[str, int] = {}
        self._rows: dict[Key, Row] = {}
        self._changed: dict[Key, Row] = {}
        self._past: list[tuple[Any, ...]] = []
        self._sequence: int | None = None
        self._completed = False

    # ── transactions ──────────────────────────────────────────────────────────────────────────────────────────────────

    def begin(self) -> None:
        """Forgets what another connection may have changed since. A transaction has begun."""
        (version,) = self._db.execute("PRAGMA data_version").fetchone()
        if version != self._file_version or len(self._rows) > REMEMBERED or len(self._numbers) > REMEMBERED:
            self.forget()
            self._file_version = version

    def write(self) -> None:
        """Writes what was gathered."""
        if self._changed:
            self._db.executemany(self._sql["keep_row"], [record(row) for row in self._changed.values()])
            for key, row in self._changed.items():
                if row.step_run.status not in OPEN or len(row.step_run.input or b"") > SMALL:
                    self._rows.pop(key, None)
            self._changed.clear()
        if self._past:
            self._db.executemany(self._sql["keep_attempt"], self._past)
            self._past.clear()
        if self._completed:
            self._db.execute(self._sql["keep_completion"], (self._sequence,))
            self._completed = False

    def forget(self) -> None:
        """After a rollback, too: nothing of what was gathered has happened."""
        self._numbers.clear()
        self._rows.clear()
        self._changed.clear()
        self._past.clear()
        self._sequence = None
        self._completed = False
        self._file_version = -1

    # ── runs ──────────────────────────────────────────────────────────────────────────────────────────────────────────

    def run_number(self, run_id: str) -> int | None:
        number = self._numbers.get(run_id)
        if number is None:
            found = self._db.execute(self._sql["find_run_number"], {"run_id": run_id}).fetchone()
            if found is None:
                return None
            number = self._numbers[run_id] = int(found[0])
        return number

    def run(self, run_id: str) -> RunRecord | None:
        found = self._db.execute(self._sql["find_run"], {"run_id": run_id}).fetchone()
        return RunRecord(*found[1:]) if found is not None else None

    def add_run(self, run: RunRecord) -> None:
        added = self._db.execute(self._sql["add_run"], (run.run_id, run.workflow, run.inputs, run.created))
        assert added.lastrowid is not None
        self._numbers[run.run_id] = added.lastrowid

    # ── step runs ─────────────────────────────────────────────────────────────────────────────────────────────────────

    def row(self, key: Key) -> Row | None:
        known = self._rows.get(key)
        if known is not None:
            return known
        found = self._db.execute(self._sql["find_row"], key).fetchone()
        return self._row(key.run, found) if found is not None else None

    def rows(self, run: int) -> list[Row]:
        self.write()
        found = self._db.execute(self._sql["list_rows"], {"run": run})
        return [self._row(run, values) for values in found]

    def keep(self, row: Row) -> None:
        self._changed[row.key] = self._rows[row.key] = row

    def _row(self, run: int, values: tuple[Any, ...]) -> Row:
        run_id, step, status, input, output, error, token, sequence, worker, started, ended = values
        if not is_sound(values):
            raise StoreCorrupt(self._store, f"the row of step {step!r} in run {run_id!r} can't be: {brief(values)}")
        key = Key(run, step)
        trial = Trial(worker, started, ended) if started is not None else None
        known = StepRun(id_of(key), run_id, step, STATUSES[status], input, output, error, token, sequence)
        return Row(key, known, trial)

    # ── attempts and completions ──────────────────────────────────────────────────────────────────────────────────────

    def past_attempts(self, key: Key) -> list[Attempt]:
        self.write()
        found = self._db.execute(self._sql["list_attempts"], key)
        return [
            Attempt(0, worker, started, ended, outcome, error, phase, token)
            for token, phase, worker, started, ended, outcome, error in found
        ]

    def keep_attempt(self, key: Key, attempt: Attempt) -> None:
        times = attempt.started, attempt.ended
        self._past.append((*key, attempt.token, attempt.phase, attempt.worker, *times, attempt.outcome, attempt.error))

    def next_sequence(self) -> int:
        if self._sequence is None:
            found = self._db.execute(self._sql["last_completion"]).fetchone()
            if found is None:
                raise StoreCorrupt(self._store, "it has lost count of the completions")
            self._sequence = int(found[0])
        self._sequence += 1
        self._completed = True
        return self._sequence


def is_sound(values: tuple[Any, ...]) -> bool:
    """Whether a row is of the types that a store writes: SQLite's columns take any."""
    _, step, status, input, output, error, token, sequence, worker, started, ended = values
    return (
        type(step) is str
        and status in STATUSES
        and all(value is None or type(value) is bytes for value in (input, output, error))
        and type(token) is type(sequence) is int
        and (started is None or (type(started) is float and type(worker) is str))
        and (ended is None or type(ended) is float)
    )


def record(row: Row) -> tuple[Any, ...]:
    now, trial = row.step_run, row.trial
    tried = (trial.worker, trial.started, trial.ended) if trial is not None else (None, None, None)
    return (*row.key, now.status.value, now.input, now.output, now.error, now.token, now.sequence, *tried)
