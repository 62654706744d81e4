"""A run that is built again from what was recorded of it: the messages that its engine accepted, decided once more.

The engine is pure, so the same plan and the same messages, each with its time, give the same state and the same facts. What was ordered
was carried out when the messages were new, so orders are dropped. It holds for a run whose facts are all taken from its first message on, as
those of every run with a store are: `begin_recording`.

A *turn* is the messages that were decided together: one that came, and the permits that were granted for it at once. With its end ranges of
bodies that are over are free to be used anew, so `end_turn` has to be called wherever the live run called it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from actorflow.engine.decide import decide
from actorflow.engine.state import State
from actorflow.engine.table import RULES
from actorflow.facts import Fact

EVERYTHING: Mapping[type, bool] = {kind: True for kind in RULES if issubclass(kind, Fact)}
"""What a run that is recorded takes: all facts that the engine has."""


def begin_recording(state: State) -> None:
    """From here on all facts are gathered; to be called before the first message."""
    state.facts = []
    state.takes = EVERYTHING


def end_turn(state: State) -> list[Fact]:
    """Gives the turn's facts. The names of their nodes have to be read before the next message: numbers may be used anew from then on."""
    facts = state.facts
    assert facts is not None, "nobody takes the facts of this run"
    state.facts = []
    if state.tree is not None:
        state.tree.recycle()
    return facts


def replay_turn(state: State, messages: Sequence[Any]) -> list[Fact]:
    """Decides the messages of a turn again. Gives its facts, which are those that were recorded if the plan is the same."""
    for message in messages:
        decide(state, message, message.at)
    state.started.clear()
    state.asks.clear()
    state.orders.clear()
    state.more = False
    return end_turn(state)


def replay(state: State, turns: Iterable[Sequence[Any]]) -> None:
    """Brings a new state to where these turns have led to. What executed then is still under way in it: `TakeOver` comes next."""
    begin_recording(state)
    for messages in turns:
        replay_turn(state, messages)
