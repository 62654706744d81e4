"""Permits of limits (R28, R29). They die with their owner, so they aren't durable and stand beside the table."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from actorflow.engine.orders import DeclinePermits, PermitsQueued, ReleasePermits, WithdrawAsks
from actorflow.engine.state import ASKED, COMPLETED, FAILED, OPEN, QUEUED, READY, SKIPPED, UNDO_FAILED, UNDONE, State

SETTLED = (COMPLETED, SKIPPED, FAILED, UNDONE, UNDO_FAILED, OPEN)
"""A step is open whose own code has ended, and for which another one stands that may need the same permits."""


def release(state: State, node: int) -> None:
    if node in state.held:
        state.held.discard(node)
        state.orders.append(ReleasePermits(node))


def free_permits(state: State, message: Any) -> None:
    """R29: permits come back when their node is settled."""
    node = getattr(message, "node", -1)
    if node in state.held and state.status[node] in SETTLED:
        release(state, node)


def decline(state: State, node: int) -> None:
    state.held.discard(node)
    state.orders.append(DeclinePermits(node))


def permits_wait(state: State, message: PermitsQueued, now: float) -> None:
    """Those that held a slot for the answer give it up, and wait in line."""
    for node in message.nodes:
        if state.status[node] == ASKED:
            state.status[node] = QUEUED
            state.running -= 1


def leave_lines(state: State, nodes: Iterable[int] | None = None) -> None:
    """Nothing new starts (of these nodes): those that asked for permits, or hold a slot for the answer, step back."""
    among = range(len(state.status)) if nodes is None else nodes
    queued = [node for node in among if state.status[node] in (ASKED, QUEUED)]
    for node in queued:
        state.running -= state.status[node] == ASKED
        state.status[node] = READY
    state.asks = [] if nodes is None else [node for node in state.asks if state.status[node] == ASKED]
    if queued:
        state.orders.append(WithdrawAsks(tuple(queued)))
