"""What a turn that was broken off has left behind (R35): nodes that should execute, and of which nobody will hear again."""

from __future__ import annotations

from collections.abc import Container

from actorflow.engine.orders import NothingBegun
from actorflow.engine.state import ASKED, COMPENSATING, GUARDING, LEAVING, OVERDUE, RUNNING, STOPPING, UNDOING, State
from actorflow.facts import (
    AttemptFailed,
    CompensationAttemptFailed,
    ScopeLeft,
    StepFact,
    StepInterrupted,
    UndoAttemptFailed,
)


def answers_for_the_lost(
    state: State, live: Container[int], error: BaseException, now: float
) -> list[StepFact | NothingBegun]:
    """The messages that end what the state takes to execute, but for the nodes that are live. Nobody knows what became of it."""
    answers = (answer(state, node, error, now) for node in range(len(state.status)) if node not in live)
    return [message for message in answers if message is not None]


def answer(state: State, node: int, error: BaseException, now: float) -> StepFact | NothingBegun | None:
    run, attempt, tries = state.run, state.attempt[node], state.tries.get(node, 1)
    status = state.status[node]
    if status == ASKED:
        return NothingBegun(run, node, attempt, now, error)
    if status == GUARDING:
        return StepInterrupted(run, node, attempt, now, entered=False, began=now)
    if status in (RUNNING, OVERDUE, STOPPING):
        return AttemptFailed(run, node, attempt, now, error, again=False, delay=0.0, began=now, unknown=True)
    if status == COMPENSATING:
        return CompensationAttemptFailed(run, node, attempt, now, tries, error, again=False, delay=0.0, began=now)
    if status == UNDOING:
        return UndoAttemptFailed(run, node, attempt, now, tries, error, again=False, delay=0.0, began=now)
    if status == LEAVING:
        return ScopeLeft(run, node, attempt, now, error, now)
    return None
