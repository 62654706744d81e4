"""The one way into a run's state: a message, then facts, then whatever the state now calls for.

Pure: the same plan, state and messages (which bring their time) give the same facts and orders. No `await`, no clock, no I/O.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from actorflow.engine.advance import advance
from actorflow.engine.orders import PermitsGranted, Resume, UndoAll
from actorflow.engine.permits import free_permits
from actorflow.engine.policy import answer_of_a_stopped_step
from actorflow.engine.record import record
from actorflow.engine.state import ENDED, READY, RUN, WAITING, RunOptions, State
from actorflow.engine.table import RULES
from actorflow.facts import Fact
from actorflow.plan import Plan

AFTER_THE_END = (Resume, UndoAll, PermitsGranted)
"""What counts when the run has ended; a late grant is declined."""


def decide(state: State, message: Any, now: float) -> None:
    """Takes one message. What comes of it stands in `state.started`, `asks`, `orders` and `facts` afterwards."""
    kind: type[Any] = message.__class__
    expects, fold, order, then = RULES[kind]
    if expects is not None:
        node = message.node
        if state.status[node] != expects or state.attempt[node] != message.attempt:
            message = answer_of_a_stopped_step(state, message)
            if message is None:
                return
        elif expects > WAITING and state.tries[node] != message.tries:
            return  # an answer of a handler's earlier try
    elif state.phase == ENDED and kind not in AFTER_THE_END:
        return
    if order is None and then is None and fold is not None and message.__class__ is kind:
        # what `record` does where nothing follows, without the call: most messages are of this kind
        if state.facts is not None and state.takes[kind]:
            state.facts.append(message)
        fold(state, message)
    else:
        record(state, message, now)
    if state.held:
        free_permits(state, message)
    advance(state, now)


def replay(plan: Plan, run: str, inputs: Sequence[Any], options: RunOptions, facts: Iterable[Fact]) -> State:
    """Gives the state back that the recorded facts of whole turns have led to."""
    state = State(plan, run, inputs, options)
    for fact in facts:
        fold = RULES[type(fact)].fold
        if fold is not None:
            fold(state, fact)
    waiting = dict.fromkeys(node for node in state.ready if state.status[node] == READY)
    state.ready.clear()
    if state.phase == RUN:
        state.ready.extend(waiting)
    return state
