"""Items of an `each` that collects outcomes: a failure inside one is its own, as long as the run goes on."""

from __future__ import annotations

from actorflow.engine.state import HALTING, RUN, State
from actorflow.engine.tree import Frame, Tree
from actorflow.errors import StepError
from actorflow.plan import Each


def item_of(state: State, node: int) -> Frame | None:
    """The innermost item with an outcome of its own that the node belongs to; the outermost that is taken back, if one is."""
    tree = state.tree
    frame = None if tree is None else tree.frame_of[node]
    found: Frame | None = None
    while frame is not None:
        control = frame.scope.plan.control
        if frame.rolling or (found is None and isinstance(control, Each) and control.collects and not frame.is_over):
            found = frame
        frame = frame.scope.frame
    return found


def is_taken_back(state: State, node: int) -> bool:
    """Whether the node belongs to an item that is taken back by itself."""
    if state.tree is None or not state.tree.rolling:
        return False
    item = item_of(state, node)
    return item is not None and bool(item.rolling)


def goes_forward(state: State, node: int) -> bool:
    """Whether neither the run nor an item that the node is in is being taken back."""
    return state.phase in (RUN, HALTING) and not is_taken_back(state, node)


def is_gated(state: State, node: int) -> bool:
    """Whether the node waits for an around to be entered again, or belongs to an item that is taken back."""
    tree = state.tree
    if tree is None or not (tree.left or tree.rolling):
        return False
    frame = tree.frame_of[node]
    while frame is not None:
        if frame.rolling or frame.scope.node in tree.left:
            return True
        frame = frame.scope.frame
    return False


def waits_for_its_around(state: State, node: int) -> bool:
    """Whether it goes on when an around that it is in has been entered again: what it takes may be lent by that."""
    return state.phase == RUN and is_gated(state, node) and not is_taken_back(state, node)


def own_item(state: State, node: int) -> Frame | None:
    return item_of(state, node) if state.tree is not None and state.phase in (RUN, HALTING) else None


def errors_of(state: State, node: int) -> list[StepError]:
    """Where the node's errors are kept: the run's, or its item's."""
    item = own_item(state, node)
    return state.errors if item is None else item.errors


def stays_incomplete(state: State, node: int) -> None:
    """Something couldn't be taken back, or nobody knows."""
    state.incomplete = True
    if state.unsettled is None:
        state.unsettled = set()
    state.unsettled.add(state.name(node))
    item = own_item(state, node)
    if item is not None:
        item.incomplete = True


def took_back(state: State, node: int) -> None:
    """Something was compensated or undone."""
    state.acted = True
    item = own_item(state, node)
    if item is not None:
        item.acted = True


def joins_the_rollback(state: State, tree: Tree) -> None:
    """The run is rolled back: items that were being taken back are part of that from now on."""
    for item in tree.rolling:
        state.errors += item.errors
        item.rolling = 0
    tree.rolling.clear()
