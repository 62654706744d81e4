"""Rows and attempts as the tuples that databases take and give."""

from __future__ import annotations

from typing import Any

from actorflow.store.base import Attempt, StepRun, StepStatus
from actorflow.store.row import Key, Row, Trial

STATUSES = {status.value: status for status in StepStatus}


def row_from(
    number: int,
    run: int,
    run_id: str,
    step: str,
    status: str,
    input: bytes | None,
    output: bytes | None,
    error: bytes | None,
    token: int,
    sequence: int,
    worker: str | None,
    started: float | None,
    ended: float | None,
) -> Row:
    trial = Trial(worker or "", started, ended) if started is not None else None
    known = StepRun(str(number), run_id, step, STATUSES[status], input, output, error, token, sequence)
    return Row(number, Key(run, step), known, trial)


def as_new(row: Row) -> tuple[Any, ...]:
    now = row.step_run
    return (
        row.number,
        *row.key,
        now.status.value,
        now.token,
        now.sequence,
        *tried(row),
        now.input,
        now.output,
        now.error,
    )


def as_changed(row: Row) -> tuple[Any, ...]:
    now = row.step_run
    return (now.status.value, now.token, now.sequence, *tried(row), now.input, now.output, now.error, row.number)


def tried(row: Row) -> tuple[Any, ...]:
    trial = row.trial
    return (trial.worker, trial.started, trial.ended) if trial is not None else (None, None, None)


def as_past(number: int, attempt: Attempt) -> tuple[Any, ...]:
    times = attempt.started, attempt.ended
    return (number, attempt.token, attempt.phase, attempt.worker, *times, attempt.outcome, attempt.error)


def attempt_from(
    token: int,
    phase: Any,
    worker: str,
    started: float,
    ended: float | None,
    outcome: Any,
    error: bytes | None,
) -> Attempt:
    """Its number is given by `numbered`."""
    return Attempt(0, worker, started, ended, outcome, error, phase, token)
