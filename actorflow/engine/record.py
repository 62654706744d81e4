"""How facts enter a run's state."""

from __future__ import annotations

from actorflow.engine.orders import EndRun
from actorflow.engine.state import State
from actorflow.engine.table import RULES
from actorflow.facts import Fact, RunEnded


def record(state: State, fact: Fact | None, now: float) -> None:
    """Folds a fact, collects the orders it causes, and goes on with the fact that follows."""
    while fact is not None:
        kind = type(fact)
        _, fold, order, then = RULES[kind]
        if fold is not None:
            if state.facts is not None and state.takes[kind]:
                state.facts.append(fact)
            fold(state, fact)
        if order is not None:
            order(state, fact)
        fact = then(state, fact, now) if then is not None else None


def end(state: State, status: str, now: float) -> None:
    record(state, RunEnded(state.run, now, status, state.rollback, state.began), now)
    state.orders.append(EndRun(status))
