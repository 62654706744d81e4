"""How an item whose outcome is collected is taken back by itself, while the rest of its run goes on.

As a rollback of the run, in small: what is in flight in it ends, what failed is compensated, arounds are left, what was completed is undone in
reverse order, one at a time. If the run itself is rolled back meanwhile, the item becomes a part of that.
"""

from __future__ import annotations

from actorflow.engine import rollback
from actorflow.engine.fold_scopes import UNDOING_ITEM
from actorflow.engine.frames import make_special
from actorflow.engine.items_of import is_gated, is_taken_back, item_of
from actorflow.engine.orders import LeaveScope
from actorflow.engine.record import record
from actorflow.engine.state import (
    ASKED,
    COMPENSATING,
    COMPENSATION_WAITING,
    GUARDING,
    LEAVING,
    OVERDUE,
    RUNNING,
    STOPPING,
    UNDO_WAITING,
    UNDOING,
    State,
)
from actorflow.engine.tree import Frame, Tree, nodes_within
from actorflow.errors import RunFailed
from actorflow.facts import ItemEnded
from actorflow.outcome import Failed, Rollback

__all__ = ["inherit", "is_gated", "is_taken_back", "item_of", "leave_next", "nodes_of", "roll_back"]

BUSY = frozenset({
    ASKED, GUARDING, RUNNING, OVERDUE, STOPPING, COMPENSATING, COMPENSATION_WAITING, LEAVING, UNDOING, UNDO_WAITING,
})  # fmt: skip


def nodes_of(tree: Tree, frame: Frame) -> list[int]:
    return list(nodes_within(tree, frame))


def is_within(tree: Tree, node: int, item: Frame) -> bool:
    frame = tree.frame_of[node]
    while frame is not None and frame is not item:
        frame = frame.scope.frame
    return frame is not None


def inherit(state: State, tree: Tree, frame: Frame) -> None:
    """Nodes inside an around, or an item that is taken back, are looked at before they start."""
    scope = frame.scope
    if scope.is_gated or is_rolling(frame):
        make_special(state, range(frame.base, frame.nodes))


def is_rolling(frame: Frame | None) -> bool:
    while frame is not None:
        if frame.rolling:
            return True
        frame = frame.scope.frame
    return False


def roll_back(state: State, tree: Tree, now: float) -> list[Frame]:
    """Takes each item that has failed one step further. Gives those that have ended."""
    return [item for item in list(tree.rolling) if goes_further(state, tree, item, now)]


def goes_further(state: State, tree: Tree, item: Frame, now: float) -> bool:
    nodes = nodes_of(tree, item)
    rollback.compensate_waiting(state, nodes, now)
    if any(state.status[node] in BUSY for node in nodes):
        return False
    entered = [node for node in tree.entered if is_within(tree, node, item)]
    if entered:
        leave_next(state, entered[-1], item.errors[0].error if item.errors else None)
        return False
    item.rolling = UNDOING_ITEM
    return not undoes_one(state, tree, item, now)


def leave_next(state: State, node: int, error: BaseException | None) -> None:
    """Leaves an around, with the failure in hand if there is one."""
    state.status[node] = LEAVING
    state.handlers += 1
    state.orders.append(LeaveScope(node, state.attempt[node], error))


def undoes_one(state: State, tree: Tree, item: Frame, now: float) -> bool:
    """R22: the last one completed first. False if nothing is left: then the item has its outcome."""
    node = next((node for node in reversed(state.undo_stack) if is_within(tree, node, item)), None)
    if node is None:
        end_item(state, item, now)
        return False
    state.handlers += 1
    tree.undoing.add(node)
    rollback.undo(state, node, now)
    return True


def end_item(state: State, item: Frame, now: float) -> None:
    node = item.scope.node
    how: Rollback = "incomplete" if item.incomplete else "complete" if item.acted else "none"
    error = RunFailed(state.run, state.plan.name, item.errors, how)
    error.__cause__ = next((e.error for e in item.errors if e.phase in ("run", "guard")), None)
    outcome = Failed(error, how, state.run)
    record(state, ItemEnded(state.run, node, state.attempt[node], now, item.index, outcome), now)
