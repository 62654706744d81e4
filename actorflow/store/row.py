"""A step run as a store keeps it: the row, its key, its number, and the attempt that its latest claim is."""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from actorflow.store.base import Attempt, AttemptOutcome, StepRun, StepStatus


class Key(NamedTuple):
    """What a step run is of: the number that the store gave its run, and the step's name."""

    run: int
    step: str


LARGEST = 2**63 - 1
"""The largest number that every database takes."""


def number_in(step_run_id: str) -> int | None:
    """The number in an id, or `None` if it isn't an id that a store gives."""
    if not (step_run_id.isascii() and step_run_id.isdecimal() and len(step_run_id) <= 19 and step_run_id[0] != "0"):
        return None
    number = int(step_run_id)
    return number if number <= LARGEST else None


class Trial(msgspec.Struct, frozen=True, gc=False):
    """The attempt that the latest claim is, as far as its row doesn't tell: its end is the row's status."""

    worker: str
    started: float
    ended: float | None = None


class Row(msgspec.Struct, frozen=True):
    """`number` is the step run's own, and its id. `trial` is `None` before the first claim, and after a claim was lost: lost ones are kept with the earlier ones."""

    number: int
    key: Key
    step_run: StepRun
    trial: Trial | None

    def after(self, step_run: StepRun, trial: Trial | None) -> Row:
        return Row(self.number, self.key, step_run, trial)


ENDED_AS: dict[StepStatus, AttemptOutcome] = {
    StepStatus.COMPLETED: "completed",
    StepStatus.FAILED: "failed",
    StepStatus.UNDONE: "completed",
    StepStatus.UNDO_FAILED: "failed",
}
UNDO = frozenset({StepStatus.UNDOING, StepStatus.UNDONE, StepStatus.UNDO_FAILED})


def latest_attempt(row: Row) -> Attempt | None:
    """The attempt of the latest claim; its number is given by `numbered`."""
    if row.trial is None:
        return None
    now = row.step_run
    return Attempt(
        number=0,
        worker=row.trial.worker,
        started=row.trial.started,
        ended=row.trial.ended,
        outcome=ENDED_AS.get(now.status),
        error=now.error if now.status in {StepStatus.FAILED, StepStatus.UNDO_FAILED} else None,
        phase="undo" if now.status in UNDO else "run",
        token=now.token,
    )


def numbered(attempts: list[Attempt]) -> list[Attempt]:
    """The attempts in order of their claims, each with its number within its phase."""
    counts = {"run": 0, "undo": 0}
    found: list[Attempt] = []
    for attempt in sorted(attempts, key=lambda each: each.token):
        counts[attempt.phase] += 1
        found.append(msgspec.structs.replace(attempt, number=counts[attempt.phase]))
    return found
