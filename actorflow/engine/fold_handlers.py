"""How the facts of compensations and undos change a run's state. As in `fold.py`, there is no policy here."""

from __future__ import annotations

from actorflow.engine.fold import forget, resolve
from actorflow.engine.items_of import errors_of, stays_incomplete, took_back
from actorflow.engine.state import (
    COMPENSATING,
    COMPENSATION_WAITING,
    COMPLETED,
    GONE,
    INTERRUPTED,
    SETTLING,
    UNDO_FAILED,
    UNDO_WAITING,
    UNDOING,
    UNDOING_ALL,
    UNDONE,
    State,
)
from actorflow.errors import CompensationFailed, StepError, UndoFailed
from actorflow.facts import (
    CompensationAttemptFailed,
    CompensationGaveUp,
    CompensationRetryScheduled,
    CompensationStarted,
    RollbackResumed,
    StepCompensated,
    StepFact,
    StepRecovered,
    StepUndone,
    UndoAttemptFailed,
    UndoGaveUp,
    UndoRetryScheduled,
    UndoStarted,
)

# ── compensation ──────────────────────────────────────────────────────────────────────────────────────────────────────


def compensation_started(state: State, fact: CompensationStarted) -> None:
    node = fact.node
    if fact.tries == 1 and state.status[node] != COMPENSATION_WAITING:
        state.handlers += 1
    state.first_at.setdefault(~node, fact.at)
    state.retry_at.pop(node, None)
    state.status[node] = COMPENSATING
    state.offered.add(node)
    state.tries[node] = fact.tries
    state.reasons[node] = fact.error


def compensation_ended(state: State, node: int) -> None:
    state.handlers -= 1
    state.first_at.pop(~node, None)
    state.status[node] = INTERRUPTED


def step_recovered(state: State, fact: StepRecovered) -> None:
    node = fact.node
    compensation_ended(state, node)
    state.status[node] = COMPLETED
    took_back(state, node)
    if state.program.undoable[node]:
        state.undo_stack.append(node)
    forget(state, node)
    resolve(state, node, fact.value, fact.at)


def step_compensated(state: State, fact: StepCompensated) -> None:
    """It has been dealt with, so its outcome is no longer unknown."""
    compensation_ended(state, fact.node)
    took_back(state, fact.node)
    state.unknown.discard(fact.node)
    state.doubtful.discard(fact.node)


def compensation_attempt_failed(state: State, fact: CompensationAttemptFailed) -> None:
    state.status[fact.node] = COMPENSATION_WAITING


def compensation_retry_scheduled(state: State, fact: CompensationRetryScheduled) -> None:
    state.status[fact.node] = COMPENSATION_WAITING
    state.retry_at[fact.node] = fact.due


def compensation_gave_up(state: State, fact: CompensationGaveUp) -> None:
    compensation_ended(state, fact.node)
    failed = CompensationFailed(state.name(fact.node), fact.tries)
    failed.__cause__ = fact.error
    state.handler_errors[fact.node] = failed
    state.unknown.discard(fact.node)
    state.doubtful.discard(fact.node)
    stays_incomplete(state, fact.node)


# ── undo ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


def undo_started(state: State, fact: UndoStarted) -> None:
    tree = state.tree
    if state.phase == SETTLING and (tree is None or fact.node not in tree.undoing):  # else it's that of an item
        state.phase = UNDOING_ALL
    state.status[fact.node] = UNDOING
    state.tries[fact.node] = fact.tries
    state.retry_at.pop(fact.node, None)
    state.first_at.setdefault(~fact.node, fact.at)


def undo_ended(state: State, fact: StepFact, status: int) -> None:
    if state.undo_stack[-1] == fact.node:
        state.undo_stack.pop()
    else:
        state.undo_stack.remove(fact.node)
    tree = state.tree
    if tree is not None and fact.node in tree.undoing:
        tree.undoing.discard(fact.node)
        state.handlers -= 1
    state.status[fact.node] = status
    if status != UNDO_FAILED and not state.unsettled:  # an undo that was given up may be tried again, and may take it
        state.values[fact.node] = GONE
    state.first_at.pop(~fact.node, None)
    forget(state, fact.node)


def step_undone(state: State, fact: StepUndone) -> None:
    took_back(state, fact.node)
    undo_ended(state, fact, UNDONE)


def undo_attempt_failed(state: State, fact: UndoAttemptFailed) -> None:
    state.status[fact.node] = UNDO_WAITING


def undo_retry_scheduled(state: State, fact: UndoRetryScheduled) -> None:
    state.status[fact.node] = UNDO_WAITING
    state.retry_at[fact.node] = fact.due


def undo_gave_up(state: State, fact: UndoGaveUp) -> None:
    failed = UndoFailed(state.name(fact.node), fact.tries)
    failed.__cause__ = fact.error
    errors_of(state, fact.node).append(StepError(state.name(fact.node), "undo", fact.tries, failed))
    stays_incomplete(state, fact.node)
    undo_ended(state, fact, UNDO_FAILED)


def rollback_resumed(state: State, fact: RollbackResumed) -> None:
    """R52: what is tried again, or was dealt with, is nothing that wasn't undone; what was undone stays so."""
    again = {state.name(node) for node in fact.retried}
    dealt_with = again | set(fact.settled)
    state.unsettled = (state.unsettled or set()) - dealt_with
    state.incomplete = bool(state.unsettled)
    state.errors[:] = [e for e in state.errors if e.phase not in ("undo", "compensate") or e.node not in dealt_with]
    state.undone = state.ended == "undone"
    state.ended = ""
    state.phase = UNDOING_ALL
    state.acted = True
    for node in fact.retried:
        state.status[node] = COMPLETED
    state.undo_stack[:] = fact.retried[::-1]
