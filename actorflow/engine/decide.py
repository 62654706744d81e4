"""The one way into a run's state: a message, then facts, then whatever the state now calls for.

Pure: the same plan, state and messages (which bring their time) give the same facts and orders. No `await`, no clock, no I/O.
"""

from __future__ import annotations

from typing import Any

from actorflow.engine.advance import advance
from actorflow.engine.fold import nothing_changes
from actorflow.engine.orders import PermitsGranted, Resume, TakeOver, UndoAgain, UndoAll
from actorflow.engine.permits import free_permits
from actorflow.engine.policy import answer_of_a_stopped_step
from actorflow.engine.record import record
from actorflow.engine.state import DORMANT, ENDED, WAITING, State
from actorflow.engine.table import RULES

AFTER_THE_END = (Resume, UndoAgain, UndoAll, PermitsGranted, TakeOver)
"""What counts when the run has ended; a late grant is declined."""


def decide(state: State, message: Any, now: float) -> bool:
    """Takes one message. What comes of it stands in `state.started`, `asks`, `orders` and `facts` afterwards.

    Answers whether it counted: one that is stale, comes after the end or only informs has changed nothing, and needn't be recorded. `now` is
    the message's own time wherever the run is to be replayed: see `replaying.py`.
    """
    kind: type[Any] = message.__class__
    expects, fold, order, then = RULES[kind]
    if expects is not None:
        node = message.node
        if state.status[node] != expects or state.attempt[node] != message.attempt:
            message = answer_of_a_stopped_step(state, message)
            if message is None:
                return False
        elif WAITING < expects < DORMANT and state.tries[node] != message.tries:
            return False  # an answer of a handler's earlier try
    elif state.phase == ENDED and kind not in AFTER_THE_END:
        return False
    if order is None and then is None and fold is not None and message.__class__ is kind:
        # what `record` does where nothing follows, without the call: most messages are of this kind
        if state.facts is not None and state.takes[kind]:
            state.facts.append(message)
        if fold is nothing_changes:
            return False  # it only informs: whatever else the state calls for comes with a message that is recorded
        fold(state, message)
    else:
        record(state, message, now)
    if state.held:
        free_permits(state, message)
    advance(state, now)
    return True
