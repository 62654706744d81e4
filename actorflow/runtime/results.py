"""Results of nodes by name, for steps that are running (R8)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from actorflow.engine import COMPLETED, GONE, SKIPPED
from actorflow.errors import InvalidState, ResultGone, suggest

if TYPE_CHECKING:
    from actorflow.runtime.row import Row


def result_of(row: Row, node: int, name: str) -> Any:
    """The result of the node of this name: the nearest one, from the frame of `node` outwards. Raises `ResultGone`, `InvalidState`."""
    state = row.state
    found = find(row, node, name)
    if state.status[found] not in (COMPLETED, SKIPPED):
        raise InvalidState(f"{state.name(found)!r} has no result yet\nWait for it: options(after=[…]).")
    value = state.values[found]
    if value is GONE:
        raise ResultGone(
            f"the result of {state.name(found)!r} was dropped: nothing needed it any more\nKeep it: options(keep=True)."
        )
    return value


def find(row: Row, node: int, name: str) -> int:
    tree = row.state.tree
    frame = None if tree is None else tree.frame_of[node]
    while frame is not None:
        if name in frame.plan.names:
            return frame.base + frame.plan.names.index(name)
        frame = frame.scope.frame
    names = list(row.launch.plan.names)
    if name in names:
        return names.index(name)
    if tree is not None:
        for slot in range(len(names), len(row.state.status)):
            if tree.frame_of[slot] is not None and row.name(slot) == name:
                return slot
    raise InvalidState(f"run {row.id!r} has no node {name!r}{suggest(name, names)}")
