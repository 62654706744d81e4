"""A node is ready."""

from __future__ import annotations

from actorflow.engine.state import READY, State
from actorflow.facts import StepScheduled


def ready(state: State, node: int, at: float) -> None:
    """All that the node waits for is resolved."""
    state.status[node] = READY
    state.ready.append(node)
    if state.facts is not None and state.takes[StepScheduled]:
        state.facts.append(StepScheduled(state.run, node, state.attempt[node], at))
