"""Makes step runs of what a run did: each entry that tells of a claim or of the end of one becomes the same change that the store's functions make.

It never fails: a run's turns are the truth, and what doesn't fit the rules, or is of a kind that isn't known here, is passed over.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple, TypeAlias

from actorflow.errors import InvalidState, InvalidValue, StaleClaim
from actorflow.store import rules
from actorflow.store.base import StepStatus
from actorflow.store.journal import Entry, decode_turns
from actorflow.store.requests import (
    BeginStep,
    BeginUndo,
    CompleteStep,
    CompleteUndo,
    End,
    FailStep,
    FailUndo,
    LoseAttempt,
)
from actorflow.store.row import Key, Row
from actorflow.store.rules import COMPLETED, FAILED, PENDING, RUNNING, UNDO_FAILED, UNDOING, UNDONE, Change
from actorflow.store.tables import Tables


class Told(NamedTuple):
    """An entry, and what is known beside it. `at` is seconds since the epoch."""

    run: int
    run_id: str
    worker: str
    at: float
    entry: Entry


Follows: TypeAlias = "Callable[[Tables, Row | None, Told], None]"


def project(tables: Tables, run: int, run_id: str, backlog: Iterable[bytes]) -> None:
    """Makes step runs of turns that none were made of yet."""
    for told in (each for data in backlog for each in told_by(run, run_id, data)):
        row = tables.row_of(Key(run, told.entry.step))
        try:
            KINDS[told.entry.kind](tables, row, told)
        except (StaleClaim, InvalidState):
            continue


def told_by(run: int, run_id: str, data: bytes) -> Iterator[Told]:
    """What concerns step runs, in order. Turns that can't be read tell nothing."""
    try:
        turns = decode_turns(data)
    except InvalidValue:
        return
    for turn in turns.turns:
        for entry in (*turn.messages, *turn.facts):
            if entry.kind in KINDS and entry.step:
                yield Told(run, run_id, turns.worker, entry.at + turns.offset, entry)


# ── what follows from an entry ────────────────────────────────────────────────────────────────────────────────────────


def step_begins(tables: Tables, row: Row | None, told: Told) -> None:
    """It did begin, whatever is recorded: an attempt that nobody ended is lost, and an undone step may run again (a retry)."""
    request = BeginStep(told.run_id, told.entry.step, b"", told.worker)
    if row is None:
        tables.add(begun(tables, request, told))
        return
    if row.step_run.status is RUNNING:
        row = keep(tables, row, rules.lose_attempt(row, LoseAttempt(row.step_run.id, None), told.at))
    if row.step_run.status in {UNDONE, UNDO_FAILED}:
        row = settle(tables, row, FAILED, None, 0)
    keep(tables, row, rules.begin_step(row, request, told.at))


def step_completes(tables: Tables, row: Row | None, told: Told) -> None:
    """Recovered or skipped, a step completes without an attempt that is running."""
    value = told.entry.value or b""
    if row is None:
        row = begun(tables, BeginStep(told.run_id, told.entry.step, b"", told.worker), told)
        tables.add(row)
    if row.step_run.status is RUNNING:
        end(tables, row, CompleteStep(row.step_run.id, None, value), told)
    elif row.step_run.status in {PENDING, FAILED}:
        settle(tables, row, COMPLETED, value, tables.next_number())


def attempt_fails(tables: Tables, row: Row | None, told: Told) -> None:
    """A person may say of a step whose attempt was lost that it failed (R49)."""
    value = told.entry.value or b""
    if row is not None and row.step_run.status is PENDING:
        settle(tables, row, FAILED, value, 0)
    elif row is not None:
        end(tables, row, FailStep(row.step_run.id, None, value), told)


def attempt_is_lost(tables: Tables, row: Row | None, told: Told) -> None:
    if row is not None:
        keep(tables, row, rules.lose_attempt(row, LoseAttempt(row.step_run.id, None), told.at))


def undo_begins(tables: Tables, row: Row | None, told: Told) -> None:
    """An undo that nobody ended is lost, and so is the outcome of a step whose attempt was lost (R54)."""
    if row is None:
        return
    if row.step_run.status is UNDOING:
        row = keep(tables, row, rules.lose_attempt(row, LoseAttempt(row.step_run.id, None), told.at))
    elif row.step_run.status is PENDING:
        row = settle(tables, row, FAILED, None, 0)
    request = BeginUndo(told.run_id, told.entry.step, told.worker, unknown=True)
    keep(tables, row, rules.begin_undo(row, request, told.at))


def undo_completes(tables: Tables, row: Row | None, told: Told) -> None:
    if row is not None:
        end(tables, row, CompleteUndo(row.step_run.id, None), told)


def undo_fails(tables: Tables, row: Row | None, told: Told) -> None:
    if row is not None:
        end(tables, row, FailUndo(row.step_run.id, None, told.entry.value or b""), told)


KINDS: Mapping[str, Follows] = MappingProxyType(
    {
        "StepStarted": step_begins,
        "StepSucceeded": step_completes,
        "StepHalted": step_completes,
        "StepsEmitted": step_completes,
        "StepRecovered": step_completes,
        "StepSkipped": step_completes,
        "AttemptFailed": attempt_fails,
        "StepAbandoned": attempt_fails,
        "StepInterrupted": attempt_is_lost,
        "AttemptLost": attempt_is_lost,
        "UndoStarted": undo_begins,
        "StepUndone": undo_completes,
        "UndoAttemptFailed": undo_fails,
        "UndoGaveUp": undo_fails,
    }
)

# ── how it is kept ────────────────────────────────────────────────────────────────────────────────────────────────────


def begun(tables: Tables, request: BeginStep, told: Told) -> Row:
    change = rules.begin_new(tables.next_number(), told.run, request, told.at)
    assert change.row is not None
    return change.row


def end(tables: Tables, row: Row, request: End, told: Told) -> None:
    completes = type(request) is CompleteStep
    keep(tables, row, rules.end(row, request, told.at, tables.next_number() if completes else 0))


def settle(tables: Tables, row: Row, status: StepStatus, value: bytes | None, sequence: int) -> Row:
    """Another status, without an attempt that led to it; the latest attempt stays as it ended."""
    return keep(tables, row, rules.settle(row, status, value, sequence))


def keep(tables: Tables, row: Row, change: Change[Any]) -> Row:
    if change.past is not None:
        tables.keep_attempt(row.number, change.past)
    if change.row is None:
        return row
    tables.keep(change.row)
    return change.row
