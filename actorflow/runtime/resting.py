"""Runs of a store that only wait: when their runtime is left they are let go at once, and nobody takes them before they are due (R37)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from actorflow.engine import DORMANT, RUN, WAITING
from actorflow.errors import RuntimeClosed

if TYPE_CHECKING:
    from actorflow.engine import State
    from actorflow.runtime.machine import Machine
    from actorflow.runtime.row import Row

STILL = frozenset({WAITING, DORMANT})
"""What a node is that waits for nothing but a time, or a signal."""


def only_waits(row: Row) -> bool:
    """Whether nothing of it executes, or is about to, and all that it did is stored."""
    state, journal = row.state, row.journal
    if journal is None or journal.opening is not None or journal.is_under_way or journal.turns or journal.held:
        return False
    if state.phase != RUN or not state.is_settled or state.ready or row.live or row.orphans or row.holding():
        return False
    return any(status in STILL for status in state.status)


def due_next(state: State) -> float | None:
    """When the first of its waits ends by itself, a monotonic time; `None`: none does."""
    ends = (due for node, due in state.retry_at.items() if state.status[node] in STILL)
    return min(ends, default=None)


def wake_of(machine: Machine, row: Row) -> float | None:
    """Seconds since the epoch from which it has to be taken up again; `None`: at any time."""
    due = due_next(row.state) if only_waits(row) else None
    return None if due is None else machine.services.clock.time() + max(0.0, due - machine.now())


def may_rest(machine: Machine, row: Row) -> bool:
    """Whether a drain needn't wait for it: what comes next is further away than `rest_after`, or up to somebody."""
    if not only_waits(row):
        return False
    due = due_next(row.state)
    return due is None or due - machine.now() > machine.config.rest_after


def let_rest(machine: Machine, row: Row) -> None:
    """It goes on in whichever runtime takes it when it's due, or when somebody has said something to it."""
    machine.let_go(
        row,
        RuntimeClosed("the runtime was left while the run only waits\nIt goes on when one with this store is there."),
    )
    if machine.keeper is not None:
        machine.keeper.recorder.left.append(row)


def let_all_rest(machine: Machine) -> None:
    for row in [row for row in machine.rows.values() if may_rest(machine, row)]:
        let_rest(machine, row)
