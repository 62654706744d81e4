"""Nodes that wait for a time or a signal, and what ends that. While it waits a node is dormant: it holds nothing, and keeps no halt up.

A signal ends the wait that was reached first, of those that it is for. One that comes before any is kept, in order. In a halt, too, signals are
kept, and times pass: both count when the run is resumed. In a rollback nothing counts any more.
"""

from __future__ import annotations

from typing import Any

from actorflow.engine import items
from actorflow.engine.orders import Remind, SignalCame, WaitOver
from actorflow.engine.record import record
from actorflow.engine.state import DORMANT, RUN, RUNNING, State
from actorflow.errors import Rejected, StepTimeout
from actorflow.facts import Fact, SignalReceived, StepGaveUp, StepSucceeded, WaitStarted
from actorflow.outcome import Approval
from actorflow.plan import Plan

# ── a wait begins ─────────────────────────────────────────────────────────────────────────────────────────────────────


def reminds(state: State, fact: WaitStarted) -> None:
    if fact.due is not None:
        state.orders.append(Remind(fact.due, WaitOver(state.run, fact.node, fact.attempt, fact.due)))


def takes_a_kept_signal(state: State, fact: WaitStarted, now: float) -> Fact | None:
    """A signal that came early ends the wait at once."""
    if not state.signals or not may_end(state, fact.node):
        return None
    place = next((i for i, (name, value) in enumerate(state.signals) if is_for(state, fact.node, name, value)), None)
    return None if place is None else ends_with(state, fact.node, state.signals.pop(place)[1], fact.at)


def wait_goes_on(state: State, now: float) -> None:
    """After a resume or a takeover: what is due since is due now, and signals that have come meanwhile count."""
    for node in [node for node in state.waits if state.status[node] == DORMANT]:
        if node in state.retry_at:
            due = state.retry_at[node] = max(now, state.retry_at[node])
            state.orders.append(Remind(due, WaitOver(state.run, node, state.attempt[node], due)))
    deliver(state, now)


# ── what ends it ──────────────────────────────────────────────────────────────────────────────────────────────────────


def may_end(state: State, node: int) -> bool:
    """Not while the run pauses, nor in what is taken back."""
    return state.phase == RUN and state.status[node] == DORMANT and not items.is_taken_back(state, node)


def is_for(state: State, node: int, signal: str, value: Any) -> bool:
    """Whether a signal of this name may end the wait of this node; an approval may be somebody's to give."""
    wait = state.waits[node]
    if not wait.signal or (signal != wait.signal and signal != state.name(node)):  # a name isn't made for nothing
        return False
    return not wait.by or not isinstance(value, Approval) or value.who in wait.by


def signal_comes(state: State, message: SignalCame, now: float) -> Fact | None:
    record(state, SignalReceived(state.run, message.at, message.signal, message.value), now)
    deliver(state, now)
    return None


def deliver(state: State, now: float) -> None:
    """Each signal ends the first wait that it is for; the others stay."""
    for place, (name, value) in enumerate(state.signals.copy()):
        node = next((one for one in state.waits if may_end(state, one) and is_for(state, one, name, value)), None)
        if node is not None:
            state.signals[place] = TAKEN
            record(state, ends_with(state, node, value, now), now)
    state.signals = [one for one in state.signals if one is not TAKEN]


TAKEN: tuple[str, Any] = ("", None)


def wait_is_over(state: State, message: WaitOver, now: float) -> Fact | None:
    """It counts if it is the wait that goes on, not one before a resume. A signal that didn't come in time has a default, or is a timeout."""
    node = message.node
    if not may_end(state, node) or state.retry_at.get(node) != message.at:
        return None
    spec = state.program.steps[node].wait
    assert spec is not None
    if not spec.signal:
        return ends(state, node, None, message.at)
    if "default" in spec.given:
        return ends(state, node, arguments_of(state, node)["default"], message.at)
    error = StepTimeout(state.name(node), message.at - state.waits[node].began)
    return StepGaveUp(state.run, node, state.attempt[node], message.at, error, "run")


def ends_with(state: State, node: int, value: Any, at: float) -> Fact:
    """Somebody has answered; a no may fail it."""
    spec = state.program.steps[node].wait
    if spec is not None and spec.fails and isinstance(value, Approval) and not value.approved:
        error = Rejected(state.name(node), value.who, value.why)
        return StepGaveUp(state.run, node, state.attempt[node], at, error, "run")
    return ends(state, node, value, at)


def ends(state: State, node: int, value: Any, at: float) -> StepSucceeded:
    """The node has its value, like a step that succeeded."""
    began = state.waits[node].began
    state.status[node] = RUNNING
    state.running += 1
    return StepSucceeded(state.run, node, state.attempt[node], at, value, began)


def arguments_of(state: State, node: int) -> dict[str, Any]:
    """The node's arguments by name. They are kept as long as it waits (R7)."""
    frame = None if state.tree is None else state.tree.frame_of[node]
    plan: Plan = state.plan if frame is None else frame.plan
    values, local = (state.values, node) if frame is None else (frame.values(state), node - frame.base)
    takes = plan.takes[local]
    given = plan.binders[local](values) if takes is None else [values[slot] for slot in takes]
    spec = state.program.steps[node].wait
    return {} if spec is None else dict(zip(spec.given, given, strict=True))
