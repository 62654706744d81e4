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
    """Whether nobody has to wait for it while the runtime is left: what comes next is further away than that, or up to somebody."""
    if machine.rests_after is None or not only_waits(row):
        return False
    due = due_next(row.state)
    return due is None or due - machine.now() > machine.rests_after


def let_all_rest(machine: Machine, *, after: float) -> None:
    """From now on: what waits for more than so many seconds is released, at once or as soon as it waits."""
    machine.rests_after = after
    for row in list(machine.rows.values()):
        if may_rest(machine, row):
            let_rest(machine, row)


def let_rest(machine: Machine, row: Row) -> None:
    release(machine, row, "while the run only waits")


def release(machine: Machine, row: Row, when: str) -> None:
    """R37: it isn't taken back: it goes on in whichever runtime takes it next."""
    machine.let_go(row, RuntimeClosed(f"the runtime was left {when}\nIt goes on when one with this store is there."))
    if machine.keeper is not None:
        machine.keeper.recorder.left.append(row)
