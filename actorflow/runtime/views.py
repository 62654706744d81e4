"""What people are shown of runs. All times are seconds since the epoch; values are plain data, as they are stored."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, TypeAlias

import msgspec

from actorflow.failures import FailureRecord
from actorflow.store import Note, RunMessage, RuntimeRecord

Phase: TypeAlias = Literal["run", "compensate", "undo"]
AttemptEnd: TypeAlias = Literal["completed", "failed", "lost", "interrupted", "abandoned"]


WAITS = frozenset({"sleeping", "waiting for a signal", "waiting for approval"})
"""Statuses of what runs nothing, and waits."""


class HistoryEntry(msgspec.Struct, frozen=True):
    """Something that a run did or was told, as it's recorded.

    `number` counts from 1; `kind` is the name of a fact, or, where `is_request`, of what the run was asked. `step` is empty for the run itself.
    `details` are the rest of it, `error` is what went wrong, `worker` the runtime that recorded it.
    """

    number: int
    at: float
    worker: str
    kind: str
    step: str
    attempt: int
    is_request: bool = False
    details: Mapping[str, Any] = {}
    error: FailureRecord | None = None
    value: bytes | None = None

    def __hash__(self) -> int:
        return hash((self.number, self.kind, self.step))


class AttemptView(msgspec.Struct, frozen=True):
    """One try at a step, at its compensation or at its undo. `ended` and `outcome` are `None` while it goes on, as far as is recorded."""

    phase: Phase
    number: int
    worker: str
    started: float
    ended: float | None = None
    outcome: AttemptEnd | None = None
    error: str = ""


class StepView(msgspec.Struct, frozen=True):
    """A step of a run.

    `status` is pending, ready, waiting for permits, in guards, running, waiting (for its next attempt), sleeping, waiting for a signal,
    waiting for approval, interrupted, set aside, compensating, completed, skipped, failed, undoing, undone, undo failed, or dealt with (by a
    person). `due`: when the next try is, or the wait ends by itself. `error` is the last one's text. `value` is what it returned, if it was asked
    for. One that waits for a signal or an approval has a `signal`, an approval a `question`; `by` may answer it. `orphaned`: the pools of which a
    thread of it that was abandoned still holds a permit, if it's the runtime with the thread that is asked (R12).
    """

    name: str
    status: str
    attempts: tuple[AttemptView, ...] = ()
    due: float | None = None
    started: float | None = None
    ended: float | None = None
    error: str = ""
    value: Any = None
    signal: str = ""
    question: str | None = None
    by: tuple[str, ...] = ()
    orphaned: tuple[str, ...] = ()

    @property
    def is_asked(self) -> bool:
        """Whether people are asked now."""
        return self.question is not None and self.status in WAITS

    def __hash__(self) -> int:
        return hash((self.name, self.status))


class ErrorView(msgspec.Struct, frozen=True):
    """An error of a run: `phase` is guard, run, compensate or undo; `step` is empty for the run itself. `cause` is the text of what caused it."""

    step: str
    phase: str
    attempt: int
    type: str
    message: str
    traceback: str = ""
    cause: str = ""

    def __str__(self) -> str:
        name = self.type.rpartition(".")[2]
        return f"{name}: {self.message}" + (f" ({self.cause})" if self.cause else "")


class RunView(msgspec.Struct, frozen=True):
    """A run as it's recorded. `inputs`, `result` and `context` are given if values are asked for.

    `owner` is the runtime that has it, `problem` why it is left alone, `by` who halted it or why it was cancelled, `set_aside` are steps for
    which a person must decide. `messages` are those that it hasn't taken yet, `notes` what operators did to it.
    """

    run_id: str
    workflow: str
    status: str
    created: float
    updated: float
    ended: float | None = None
    labels: Mapping[str, str] = {}
    parent: str | None = None
    fingerprint: str = ""
    owner: RuntimeRecord | None = None
    wake: float | None = None
    problem: str | None = None
    rollback: str = "none"
    by: str = ""
    set_aside: tuple[str, ...] = ()
    errors: tuple[ErrorView, ...] = ()
    steps: tuple[StepView, ...] = ()
    messages: tuple[RunMessage, ...] = ()
    notes: tuple[Note, ...] = ()
    inputs: tuple[Any, ...] | None = None
    result: Any = None
    context: Any = None

    def __hash__(self) -> int:
        return hash(self.run_id)


class Reason(msgspec.Struct, frozen=True):
    """Why a run stands where it stands, as far as one thing is concerned.

    `kind` is ended, halted, left_alone, unowned, lapsed, asked, executing, still, retry, sleep, signal, approval, permits, orphaned, set_aside, resting or stuck. `until`: when
    that is over by itself, if it is known. `then` is what can be done about it.
    """

    kind: str
    what: str
    step: str = ""
    until: float | None = None
    then: tuple[str, ...] = ()

    def __str__(self) -> str:
        return "\n".join([self.what, *(f"  {one}" for one in self.then)])


class Explanation(msgspec.Struct, frozen=True):
    """Why a run isn't further: what it waits for, and what can be done. `str()` of it is for people."""

    run_id: str
    workflow: str
    status: str
    reasons: tuple[Reason, ...]

    def __str__(self) -> str:
        return "\n".join([f"run {self.run_id} of {self.workflow}: {self.status}", *map(str, self.reasons)])


class Finding(msgspec.Struct, frozen=True):
    """A run that nothing will move, or won't before somebody does something: `what` is the matter, `then` what to do."""

    run_id: str
    workflow: str
    status: str
    kind: str
    what: str
    then: str

    def __str__(self) -> str:
        return f"run {self.run_id} of {self.workflow} ({self.status}): {self.what}\n  {self.then}"
