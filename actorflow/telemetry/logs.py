"""Events as lines of a log, through structlog; off unless asked for: `runtime.subscribe(log_events())`."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any, Literal, TypeAlias

import structlog

from actorflow import facts
from actorflow.errors import describe
from actorflow.facts import Event

Level: TypeAlias = Literal["debug", "info", "warning", "error"]

LEVELS: dict[type, Level] = {
    facts.RunStarted: "info",
    facts.RunResumed: "info",
    facts.RunPaused: "info",
    facts.WaitStarted: "info",
    facts.SignalReceived: "info",
    facts.RollbackStarted: "warning",
    facts.RollbackResumed: "info",
    facts.SnapshotFailed: "warning",
    facts.GuardFailed: "warning",
    facts.AttemptFailed: "warning",
    facts.StepInterrupted: "warning",
    facts.StepAbandoned: "error",
    facts.LeaseTaken: "info",
    facts.LeaseLost: "warning",
    facts.AttemptLost: "warning",
    facts.StepGaveUp: "error",
    facts.CompensationStarted: "warning",
    facts.ItemFailed: "warning",
    facts.ItemEnded: "warning",
    facts.StepRecovered: "warning",
    facts.StepCompensated: "warning",
    facts.CompensationAttemptFailed: "warning",
    facts.CompensationRetryScheduled: "warning",
    facts.CompensationGaveUp: "error",
    facts.UndoStarted: "warning",
    facts.StepUndone: "warning",
    facts.UndoAttemptFailed: "warning",
    facts.UndoRetryScheduled: "warning",
    facts.UndoGaveUp: "error",
    facts.ActorRestarted: "warning",
    facts.DeadLetter: "warning",
    facts.ScheduleSkipped: "warning",
    facts.EventsLost: "warning",
}
"""What isn't here is progress: debug. The end of a run has the level of its status."""

ENDS: dict[str, Level] = {"failed": "error", "cancelled": "warning", "undone": "warning"}

SHOWN = (
    "workflow",
    "worker",
    "status",
    "rollback",
    "tries",
    "phase",
    "by",
    "path",
    "actor",
    "pools",
    "count",
    "done",
    "total",
    "signal",
    "question",
    "schedule",
    "why",
)
"""Fields of facts that a line shows as they are, where they aren't empty."""


def log_events(logger: Any = None) -> Callable[[Event], None]:
    """A subscriber that writes one readable line for each event: what happened, to which run and node, how long it took, why.

    `logger` is a structlog logger, `structlog.get_logger("actorflow")` unless given. Steps going well are logged as debug, runs as
    info, failures and everything that is taken back as warning, what stands or was given up as error.
    """
    log = structlog.get_logger("actorflow") if logger is None else logger

    def write(event: Event) -> None:
        getattr(log, level_of(event.fact))(words_of(event.fact), **dict(_fields(event)))

    return write


def level_of(fact: object) -> Level:
    """The level that a fact is logged at."""
    if isinstance(fact, facts.RunEnded):
        return ENDS.get(fact.status, "info")
    if isinstance(fact, facts.ActorStopped):
        return "debug" if fact.error is None else "error"
    return LEVELS.get(type(fact), "debug")


def words_of(fact: object) -> str:
    """What a fact says, in words: `step succeeded`, `run failed`."""
    if isinstance(fact, facts.RunEnded):
        return f"run {fact.status}"
    return words_of_kind(type(fact))


def words_of_kind(kind: type) -> str:
    """What facts of a type say, but for `RunEnded`, whose status says it."""
    if kind not in _WORDS:
        _WORDS[kind] = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", kind.__name__).lower()
    return _WORDS[kind]


_WORDS: dict[type, str] = {}


def _fields(event: Event) -> Iterator[tuple[str, Any]]:
    fact = event.fact
    if event.run_id:
        yield "run", event.run_id
    if event.node:
        yield "node", event.node
    if event.attempt:
        yield "attempt", event.attempt
    if event.duration is not None:
        yield "ms", round(event.duration * 1000, 3)
    yield from _shown(fact)
    due: float | None = getattr(fact, "due", None)
    if due is not None:
        yield "again_in_s", round(due - event.monotonic, 3)
    error: BaseException | None = getattr(fact, "error", None) or getattr(fact, "reason", None)
    if error is not None:
        yield "error", describe(error)


def _shown(fact: object) -> Iterator[tuple[str, Any]]:
    for name in SHOWN:
        value = getattr(fact, name, None)
        if value not in {None, "", "none", ()} and not (name == "status" and isinstance(fact, facts.RunEnded)):
            yield name, value
