"""Taking back: what failed is compensated, what was completed is undone (R18 to R23)."""

from __future__ import annotations

from collections.abc import Iterable

from actorflow.engine.items_of import waits_for_its_around
from actorflow.engine.orders import AskPermits, CompensateStep, HandlerDue, Remind, StopStep, UndoStep
from actorflow.engine.permits import release
from actorflow.engine.record import end, record
from actorflow.engine.state import (
    COMPENSATING,
    COMPENSATION_WAITING,
    GUARDING,
    INTERRUPTED,
    READY,
    RUNNING,
    SET_ASIDE,
    STOPPING,
    UNDO_WAITING,
    UNDOING,
    UNDOING_ALL,
    WAITING,
    State,
)
from actorflow.errors import AttemptsExhausted
from actorflow.facts import CompensationStarted, Fact, StepFact, StepGaveUp, UndoStarted
from actorflow.policy import TryAgain

IDLE_AFTER_AN_ATTEMPT = (WAITING, INTERRUPTED, READY, SET_ASIDE)


def stop_all(state: State, nodes: Iterable[int] | None = None) -> None:
    """Tells all that executes, or these nodes, to stop; each answers in its own time, or its grace ends (R12)."""
    for node in range(len(state.status)) if nodes is None else nodes:
        status = state.status[node]
        if status == RUNNING or (status == GUARDING and node not in state.stopping):
            if status == RUNNING:
                state.status[node] = STOPPING
            state.stopping.add(node)
            state.orders.append(StopStep(node, state.attempt[node]))


def compensate_the_waiting(state: State, now: float) -> None:
    """R21: a step that waited for another attempt is compensated with its last reason, if its own code was ever entered."""
    compensate_waiting(state, list(state.reasons), now)


def compensate_waiting(state: State, nodes: Iterable[int], now: float) -> None:
    for node in [node for node in nodes if node in state.reasons and state.status[node] in IDLE_AFTER_AN_ATTEMPT]:
        state.retry_at.pop(node, None)
        attempt = state.attempt[node]
        error = standing_error(state, node, attempt, state.reasons[node])
        record(state, compensates_or_stands(state, StepFact(state.run, node, attempt, now), error, now), now)


def standing_error(state: State, node: int, attempt: int, error: BaseException) -> BaseException:
    """R14: what is left of a `TryAgain` that isn't granted: the exception it was given, or `AttemptsExhausted` with its text."""
    if not isinstance(error, TryAgain):
        return error
    if isinstance(error.reason, BaseException):
        return error.reason
    exhausted = AttemptsExhausted(state.name(node), attempt, error.reason or "")
    exhausted.__cause__ = error.__cause__
    return exhausted


def compensates_or_stands(state: State, fact: StepFact, error: BaseException, now: float) -> Fact | None:
    """R18, R54: every way an attempt can fail is offered to the step's compensation, if it has one, once."""
    node = fact.node
    if state.program.steps[node].compensate is not None and node not in state.offered:
        return seek_compensation(state, node, error, now)
    release(state, node)
    return StepGaveUp(state.run, node, fact.attempt, fact.at, error, "run")


def seek_compensation(state: State, node: int, error: BaseException, now: float) -> Fact | None:
    """A compensation keeps its attempt's permits; one for an attempt that has given them back asks, at the front (R28).

    A person may have said that a step has failed, while the around that it is in wasn't entered again yet.
    """
    parks = waits_for_its_around(state, node)
    if parks or (state.program.steps[node].limits and node not in state.held):
        state.handlers += 1
        state.status[node] = COMPENSATION_WAITING
        state.reasons[node] = error
        state.tries[node] = 0
        if parks and state.tree is not None:
            state.tree.parked.append(node)
        else:
            state.orders.append(AskPermits(node))
        return None
    return CompensationStarted(state.run, node, state.attempt[node], now, 1, error)


def compensate_again(state: State, node: int, now: float) -> None:
    tries = state.tries.get(node, 0) + 1
    record(state, CompensationStarted(state.run, node, state.attempt[node], now, tries, state.reasons[node]), now)


def is_undoing(state: State) -> bool:
    return bool(state.undo_stack) and state.status[state.undo_stack[-1]] in (UNDOING, UNDO_WAITING)


def undo_next(state: State, now: float) -> None:
    """R22: one at a time, in reverse order of completion; when nothing is left to undo the run has ended."""
    if not state.undo_stack:
        status = "undone" if state.undone else "cancelled" if state.cancelled else "failed"
        end(state, status, now)
        return
    state.phase = UNDOING_ALL
    undo(state, state.undo_stack[-1], now)


def undo(state: State, node: int, now: float) -> None:
    if state.program.steps[node].limits:
        state.status[node] = UNDO_WAITING
        state.tries[node] = 0
        state.orders.append(AskPermits(node))
    else:
        record(state, UndoStarted(state.run, node, state.attempt[node], now, 1), now)


def undo_again(state: State, node: int, now: float) -> None:
    tries = state.tries.get(node, 0) + 1
    record(state, UndoStarted(state.run, node, state.attempt[node], now, tries), now)


# ── taken over ────────────────────────────────────────────────────────────────────────────────────────────────────────


def handler_goes_on(state: State, node: int, now: float) -> None:
    """Nobody will answer for this compensation or undo any more: the same try is made again, or its wait goes on.

    Its permits are gone, so it asks for them as it did before.
    """
    if node in state.retry_at:
        due = state.retry_at[node] = max(now, state.retry_at[node])
        state.orders.append(Remind(due, HandlerDue(state.run, node, state.attempt[node], due)))
    elif state.program.steps[node].limits:
        if state.status[node] in (COMPENSATING, UNDOING):
            state.status[node] = COMPENSATION_WAITING if state.status[node] == COMPENSATING else UNDO_WAITING
            state.tries[node] -= 1
        state.orders.append(AskPermits(node))
    elif state.status[node] == COMPENSATION_WAITING:
        compensate_again(state, node, now)
    elif state.status[node] == COMPENSATING:
        state.orders.append(CompensateStep(node, state.attempt[node], state.tries[node], state.reasons[node]))
    else:
        state.orders.append(UndoStep(node, state.attempt[node], state.tries[node]))


def unpark(state: State, nodes: Iterable[int], now: float) -> None:
    """Handlers that waited for an around to be entered again go on."""
    tree = state.tree
    assert tree is not None
    for node in nodes:
        tree.parked.remove(node)
        handler_goes_on(state, node, now)
