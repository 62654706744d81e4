"""Whether anything moves a run that a live runtime has: something executes, waits for its turn, for a time, or for somebody."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

from actorflow.engine import COMPENSATION_WAITING, DORMANT, QUEUED, UNDO_WAITING
from actorflow.runtime.views import WAITS, StepView

if TYPE_CHECKING:
    from actorflow.runtime.machine import Machine
    from actorflow.runtime.row import Row

WAITED_FOR: Final = frozenset({QUEUED, DORMANT})
"""What a node is that permits move, a time, or somebody; each of these knows of it."""
MAY_QUEUE: Final = frozenset({COMPENSATION_WAITING, UNDO_WAITING})
"""What it is whose handler waits for its next try, for which there is a timer, or for permits, if it takes some."""
PATIENCE: Final = 60.0
"""Seconds for which a run may be nobody's while runtimes are alive, a message may wait, and nothing may be recorded of what should go on."""
AT_WORK: Final = frozenset({"ready", "waiting for permits", "in guards", "running", "compensating", "undoing"})
"""Statuses, as they are recorded, of steps that go on, or are about to."""


def is_still(machine: Machine, row: Row) -> bool:
    """Whether nothing will move a run that goes on here. One that is being stored, or asks its middleware, isn't still."""
    journal, handle = row.journal, row.handle
    if journal is not None and (journal.is_under_way or journal.turns or journal.held or journal.opening is not None):
        return False
    if row.live or row.timers or row.holding() or machine.services.endings.tasks or machine.executor.mailbox:
        return False
    if handle is not None and handle._status == "waiting":
        return False
    return not any(status in WAITED_FOR or queues(row, node, status) for node, status in enumerate(row.state.status))


def queues(row: Row, node: int, status: int) -> bool:
    return status in MAY_QUEUE and bool(row.step(node).limits)


def seems_still(steps: Iterable[StepView], now: float) -> bool:
    """The same of a run that goes on elsewhere, by what is recorded of its steps. `now` is seconds since the epoch: what was due before that
    hasn't come.
    """
    return not any(step.status in AT_WORK or waits(step, now) for step in steps)


def waits(step: StepView, now: float) -> bool:
    if step.status in WAITS:
        return step.due is None or step.due >= now
    return step.due is not None and step.due >= now
