"""How waits and signals change a run's state. As in `fold.py`, there is no policy here."""

from __future__ import annotations

from actorflow.engine.state import DORMANT, State, Wait
from actorflow.facts import SignalReceived, WaitStarted


def wait_started(state: State, fact: WaitStarted) -> None:
    """From here on it holds nothing: no slot, no task."""
    node = fact.node
    state.running -= 1
    state.status[node] = DORMANT
    state.waits[node] = Wait(fact.at, fact.signal, fact.question, tuple(fact.by))
    if fact.due is not None:
        state.retry_at[node] = fact.due


def signal_received(state: State, fact: SignalReceived) -> None:
    state.signals.append((fact.signal, fact.value))
