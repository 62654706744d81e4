"""What a run's history says of each of its steps: status, attempts, and what it waits for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Final

from msgspec.structs import replace

from actorflow.runtime.history import text_of
from actorflow.runtime.views import AttemptEnd, AttemptView, HistoryEntry, Phase, StepView


class StepTold:
    """A step, as far as its history was read."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.status = "pending"
        self.attempts: list[AttemptView] = []
        self.due: float | None = None
        self.started: float | None = None
        self.ended: float | None = None
        self.error = ""
        self.value: bytes | None = None
        self.signal = ""
        self.question: str | None = None
        self.by: tuple[str, ...] = ()

    def begins(self, phase: Phase, number: int, entry: HistoryEntry) -> None:
        self.attempts.append(AttemptView(phase, number, entry.worker, entry.at))
        self.due = None

    def ends(self, phase: Phase, outcome: AttemptEnd, entry: HistoryEntry) -> None:
        """The last attempt of its phase is over, if it wasn't before."""
        error = text_of(entry.error)
        self.error = error or self.error
        for place in range(len(self.attempts) - 1, -1, -1):
            attempt = self.attempts[place]
            if attempt.phase == phase:
                if attempt.ended is None:
                    self.attempts[place] = replace(attempt, ended=entry.at, outcome=outcome, error=error)
                return

    @property
    def view(self) -> StepView:
        return StepView(
            self.name, self.status, tuple(self.attempts), self.due, self.started, self.ended, self.error, None,
            self.signal, self.question, self.by,
        )  # fmt: skip


def steps_told(history: Iterable[HistoryEntry]) -> dict[str, StepTold]:
    """The steps by name, in the order in which they first appear."""
    steps: dict[str, StepTold] = {}
    for entry in history:
        if entry.kind in OF_MANY:
            OF_MANY[entry.kind](steps, entry)
        elif entry.step:
            step = steps.get(entry.step)
            if step is None:
                step = steps[entry.step] = StepTold(entry.step)
            tells = OF_ONE.get(entry.kind)
            if tells is not None:
                tells(step, entry)
    return steps


# ── attempts ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def is_now(status: str) -> Callable[[StepTold, HistoryEntry], None]:
    def tells(step: StepTold, entry: HistoryEntry) -> None:
        step.status = status
        step.due = None

    return tells


def scheduled(step: StepTold, entry: HistoryEntry) -> None:
    """That it waits for permits was told before, in the same turn."""
    if step.status == "pending":
        step.status = "ready"


def starts(step: StepTold, entry: HistoryEntry) -> None:
    step.status = "running"
    if step.started is None:
        step.started = entry.at
    step.begins("run", entry.attempt, entry)


def completes(step: StepTold, entry: HistoryEntry) -> None:
    step.ends("run", "completed", entry)
    resolved(step, entry, "completed")


def skips(step: StepTold, entry: HistoryEntry) -> None:
    resolved(step, entry, "skipped")


def recovers(step: StepTold, entry: HistoryEntry) -> None:
    step.ends("compensate", "completed", entry)
    resolved(step, entry, "completed")


def resolved(step: StepTold, entry: HistoryEntry, status: str) -> None:
    step.status = status
    step.ended = entry.at
    step.value = entry.value
    step.due = None


def ends_as(outcome: AttemptEnd, status: str) -> Callable[[StepTold, HistoryEntry], None]:
    def tells(step: StepTold, entry: HistoryEntry) -> None:
        step.ends("run", outcome, entry)
        step.status = status

    return tells


def waits(step: StepTold, entry: HistoryEntry) -> None:
    step.status = "waiting"
    step.due = entry.details.get("due")


def is_dormant(step: StepTold, entry: HistoryEntry) -> None:
    told = entry.details
    step.due = told.get("due")
    step.signal, step.question, step.by = told.get("signal", ""), told.get("question"), tuple(told.get("by", ()))
    asks = "waiting for approval" if step.question is not None else "waiting for a signal"
    step.status = asks if step.signal else "sleeping"


def gives_up(step: StepTold, entry: HistoryEntry) -> None:
    step.status = "failed"
    step.ended = entry.at
    step.due = None
    step.error = step.error or text_of(entry.error)


def guard_fails(step: StepTold, entry: HistoryEntry) -> None:
    step.status = "ready"
    step.error = text_of(entry.error)


# ── handlers ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def handler_begins(phase: Phase, status: str) -> Callable[[StepTold, HistoryEntry], None]:
    def tells(step: StepTold, entry: HistoryEntry) -> None:
        step.status = status
        step.begins(phase, entry.details.get("tries", 1), entry)

    return tells


def handler_ends(phase: Phase, outcome: AttemptEnd, status: str = "") -> Callable[[StepTold, HistoryEntry], None]:
    def tells(step: StepTold, entry: HistoryEntry) -> None:
        step.ends(phase, outcome, entry)
        step.status = status or step.status
        step.due = None

    return tells


def handler_waits(step: StepTold, entry: HistoryEntry) -> None:
    step.due = entry.details.get("due")


OF_ONE: Final[Mapping[str, Callable[[StepTold, HistoryEntry], None]]] = {
    "StepScheduled": scheduled,
    "GuardsStarted": is_now("in guards"),
    "GuardsPassed": is_now("ready"),
    "GuardFailed": guard_fails,
    "StepStarted": starts,
    "StepSucceeded": completes,
    "StepHalted": completes,
    "StepsEmitted": completes,
    "StepSkipped": skips,
    "AttemptFailed": ends_as("failed", "failed"),
    "StepInterrupted": ends_as("interrupted", "interrupted"),
    "StepAbandoned": ends_as("abandoned", "failed"),
    "AttemptLost": ends_as("lost", "interrupted"),
    "RetryScheduled": waits,
    "WaitStarted": is_dormant,
    "StepGaveUp": gives_up,
    "CompensationStarted": handler_begins("compensate", "compensating"),
    "StepRecovered": recovers,
    "StepCompensated": handler_ends("compensate", "completed", "failed"),
    "CompensationAttemptFailed": handler_ends("compensate", "failed"),
    "CompensationRetryScheduled": handler_waits,
    "CompensationGaveUp": handler_ends("compensate", "failed", "failed"),
    "UndoStarted": handler_begins("undo", "undoing"),
    "StepUndone": handler_ends("undo", "completed", "undone"),
    "UndoAttemptFailed": handler_ends("undo", "failed"),
    "UndoRetryScheduled": handler_waits,
    "UndoGaveUp": handler_ends("undo", "failed", "undo failed"),
}  # fmt: skip

# ── of several steps ──────────────────────────────────────────────────────────────────────────────────────────────────


def permits_wait(steps: dict[str, StepTold], entry: HistoryEntry) -> None:
    for name in entry.details.get("nodes", ()):
        steps.setdefault(name, StepTold(name)).status = "waiting for permits"


def taken_over(steps: dict[str, StepTold], entry: HistoryEntry) -> None:
    """Permits, and what guards were about, are gone with the runtime that had the run."""
    for step in steps.values():
        if step.status in {"waiting for permits", "in guards"}:
            step.status = "ready"


def resumed(steps: dict[str, StepTold], entry: HistoryEntry) -> None:
    for step in steps.values():
        if step.status == "interrupted":
            step.status = "ready"


def dealt_with(steps: dict[str, StepTold], entry: HistoryEntry) -> None:
    """By a person, by name (R52)."""
    for name in entry.details.get("settled", ()):
        if name in steps:
            steps[name].status = "dealt with"


OF_MANY: Final[Mapping[str, Callable[[dict[str, StepTold], HistoryEntry], None]]] = {
    "PermitsQueued": permits_wait,
    "LeaseTaken": taken_over,
    "RunResumed": resumed,
    "RollbackResumed": dealt_with,
}  # fmt: skip
