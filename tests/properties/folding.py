"""The facts of a run tell all of it: folded one after the other they give the state that the run has ended in."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from actorflow.engine import RULES, State
from actorflow.engine.state import ASKED, QUEUED, READY, RUN, WAITING
from actorflow.errors import StepError
from actorflow.facts import Fact

DURABLE = (
    "acted", "allowance", "attempt", "began", "by", "cancelled", "counts", "ended", "handlers", "incomplete", "offered", "passed",
    "phase", "readers", "remaining", "rollback", "running", "stopped", "tries", "uncounted", "undo_stack", "undone", "unknown",
    "values",
)  # fmt: skip

BEFORE_A_TRY = (READY, ASKED, QUEUED, WAITING)
"""A node that waits for its next try, and for what, isn't recorded."""


def fold_all(state: State, facts: Iterable[Fact]) -> State:
    """Folds facts into a state, and gives it back."""
    for fact in facts:
        rule = RULES.get(type(fact))
        if rule is not None and rule.fold is not None:
            rule.fold(state, fact)
    waiting = dict.fromkeys(node for node in state.ready if state.status[node] == READY)
    state.ready.clear()
    if state.phase == RUN:
        state.ready.extend(waiting)
    return state


def compare(live: State, told: State) -> None:
    for name in DURABLE:
        one, other = getattr(live, name), getattr(told, name)
        assert one == other, f"{name} is {one!r}, the facts say {other!r}"
    statuses = [READY if status in BEFORE_A_TRY else status for status in live.status]
    assert statuses == [READY if status in BEFORE_A_TRY else status for status in told.status], "statuses differ"
    assert texts(live.errors) == texts(told.errors)
    assert {node: str(error) for node, error in live.reasons.items()} == {n: str(e) for n, e in told.reasons.items()}


def texts(errors: Sequence[StepError]) -> list[str]:
    return [str(error) for error in errors]
