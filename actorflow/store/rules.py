"""What may follow what: the rules of step runs, for every store alike. Pure: a row and a request in, a change out.

A write that isn't listed here changes nothing.
"""

from __future__ import annotations

from typing import Generic, TypeVar

import msgspec
from msgspec.structs import replace

from actorflow.errors import InvalidState, StaleClaim
from actorflow.store.base import Attempt, Claim, Scheduled, StepRun, StepStatus
from actorflow.store.requests import (
    BeginStep,
    BeginUndo,
    CompleteStep,
    CompleteUndo,
    End,
    FailStep,
    FailUndo,
    LoseAttempt,
    ScheduleStep,
)
from actorflow.store.row import Key, Row, Trial, latest_attempt

T = TypeVar("T")

PENDING, RUNNING, COMPLETED = StepStatus.PENDING, StepStatus.RUNNING, StepStatus.COMPLETED
FAILED, UNDOING, UNDONE, UNDO_FAILED = StepStatus.FAILED, StepStatus.UNDOING, StepStatus.UNDONE, StepStatus.UNDO_FAILED

CLAIMABLE = frozenset({PENDING, FAILED})
"""What `begin_step` may claim, beside a step that nothing is recorded of (R45)."""
UNDOABLE = frozenset({COMPLETED, UNDO_FAILED})
"""What `begin_undo` may claim; a `failed` one only when its outcome is unknown (R54)."""
NOTHING_TO_UNDO = frozenset({PENDING, RUNNING, FAILED})
ENDS: dict[type[End], tuple[StepStatus, StepStatus]] = {
    CompleteStep: (RUNNING, COMPLETED),
    FailStep: (RUNNING, FAILED),
    CompleteUndo: (UNDOING, UNDONE),
    FailUndo: (UNDOING, UNDO_FAILED),
}
"""The end of a claim: the status that it needs, and the one that it makes (R46)."""


class Change(msgspec.Struct, Generic[T], frozen=True):
    """What a request comes to: its answer, the row as it is from now on (`None`: unchanged), and the attempt that it replaced."""

    answer: T
    row: Row | None = None
    past: Attempt | None = None


def schedule_new(number: int, run: int, request: ScheduleStep) -> Change[Scheduled]:
    scheduled = StepRun(str(number), request.run_id, request.step, PENDING, request.input, None, None, 0)
    return Change(Scheduled(scheduled, "schedule"), Row(number, Key(run, request.step), scheduled, None))


def schedule_again(row: Row) -> Change[Scheduled]:
    return Change(Scheduled(row.step_run, "skip"))


def begin_new(number: int, run: int, request: BeginStep, now: float) -> Change[Claim]:
    claimed = StepRun(str(number), request.run_id, request.step, RUNNING, request.input, None, None, 1)
    row = Row(number, Key(run, request.step), claimed, Trial(request.worker, now))
    return Change(Claim(claimed, "execute"), row)


def begin_step(row: Row, request: BeginStep, now: float) -> Change[Claim]:
    before = row.step_run
    if before.status not in CLAIMABLE:
        return Change(Claim(before, "skip"))
    input = before.input if before.status is PENDING else request.input
    claimed = replace(before, status=RUNNING, input=input, output=None, error=None, token=before.token + 1)
    return Change(Claim(claimed, "execute"), row.after(claimed, Trial(request.worker, now)), latest_attempt(row))


def begin_undo(row: Row, request: BeginUndo, now: float) -> Change[Claim]:
    before = row.step_run
    if before.status in UNDOABLE or (before.status is FAILED and request.unknown):
        error = before.error if before.status is FAILED else None
        claimed = replace(before, status=UNDOING, error=error, token=before.token + 1)
        return Change(Claim(claimed, "execute"), row.after(claimed, Trial(request.worker, now)), latest_attempt(row))
    if before.status in NOTHING_TO_UNDO:
        raise InvalidState(f"step run {before.id!r} is {before.status}: there's nothing to undo")
    return Change(Claim(before, "skip"))


def end(row: Row, request: End, now: float, sequence: int) -> Change[StepRun]:
    """`complete_step`, `fail_step`, `complete_undo`, `fail_undo`. `sequence` is the number of this completion, if it is one."""
    before, needed, made = row.step_run, *ENDS[type(request)]
    if is_repeated(before, request, made):
        return Change(before)
    trial = fenced(row, request, needed)
    after = replace(before, status=made, error=request.value if made in {FAILED, UNDO_FAILED} else None)
    if made is COMPLETED:
        after = replace(after, output=request.value, sequence=sequence)
    return Change(after, row.after(after, replace(trial, ended=now)))


def is_repeated(before: StepRun, request: End, made: StepStatus) -> bool:
    """Whether this very write was made already, with this claim."""
    if request.token != before.token or before.status is not made:
        return False
    return made is UNDONE or request.value == (before.output if made is COMPLETED else before.error)


def fenced(row: Row, request: End, *needed: StepStatus) -> Trial:
    """The attempt that the write ends. Raises `StaleClaim` if the status or the claim isn't the one it needs."""
    before = row.step_run
    is_stale = before.status not in needed or (request.token is not None and request.token != before.token)
    if is_stale or row.trial is None:
        raise StaleClaim(str(before.status), before.id, request.token, before.token)
    return row.trial


def lose_attempt(row: Row, request: LoseAttempt, now: float) -> Change[StepRun]:
    """A lost step is `pending` again; a lost undo leaves what it found: a completed step, or one whose outcome is unknown."""
    before = row.step_run
    if request.token == before.token > 0 and row.trial is None:
        return Change(before)
    fenced(row, request, RUNNING, UNDOING)
    status = PENDING if before.status is RUNNING else COMPLETED if before.sequence else FAILED
    after = replace(before, status=status)
    attempt = latest_attempt(row)
    past = replace(attempt, ended=now, outcome="lost") if attempt else None
    return Change(after, row.after(after, None), past)


def settle(row: Row, status: StepStatus, value: bytes | None, sequence: int) -> Change[StepRun]:
    """What a run's turns tell and no claim does: a failed step is recovered, a pending one skipped or said to have failed. The latest attempt stays as it ended."""
    if status is COMPLETED:
        after = replace(row.step_run, status=status, output=value, error=None, sequence=sequence)
    else:
        after = replace(row.step_run, status=status, error=value)
    return Change(after, row.after(after, None), latest_attempt(row))
