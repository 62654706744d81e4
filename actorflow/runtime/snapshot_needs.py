"""What of a halted run is still needed, and so worth storing: what is open, what may be undone, what was to be kept (R7, R16)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Iterator, Sequence
from typing import NamedTuple

from actorflow.engine import (
    COMPLETED,
    SKIPPED,
    Frame,
    Scope,
    State,
    needs_arguments_to_be_undone,
    scopes_outermost_first,
)

RESOLVED = (COMPLETED, SKIPPED)


class Needed(NamedTuple):
    """A scope, and those of its bodies that are open or may be undone."""

    scope: Scope
    frames: list[Frame]


def needed_scopes(state: State) -> list[Needed]:
    """Outermost first. Bodies that are over, and in which nothing is undone any more or kept, are left out."""
    undone = set(state.undo_stack)
    holding: set[Frame] = set()
    needed: list[Needed] = []
    for scope in reversed(list(scopes_outermost_first(state))):
        frames = [
            frame
            for frame in scope.frames.values()
            if not frame.is_over or frame in holding or any(True for _ in nodes_that_last(frame, undone))
        ]
        if frames or state.status[scope.node] not in RESOLVED:
            needed.append(Needed(scope, frames))
            if scope.frame is not None:
                holding.add(scope.frame)
    return needed[::-1]


def nodes_that_last(frame: Frame, undone: Container[int]) -> Iterator[int]:
    """The nodes of a body whose results may still be needed; when it's over, that's what is undone, or with it, or kept."""
    nodes = range(frame.base, frame.nodes)
    if not frame.is_over:
        yield from nodes
        return
    plan = frame.plan
    read = {slot for i in undone_with_arguments(frame, undone) for slot in plan.reads[i]}
    for i, node in enumerate(nodes):
        if node in undone or i in read or (plan.draft is not None and plan.draft.nodes[i].keep):
            yield node


def undone_with_arguments(frame: Frame, undone: Container[int]) -> set[int]:
    """The nodes of a body, by its own numbers, whose undos are still to be called with their arguments."""
    steps = frame.plan.steps
    return {i for i in range(len(steps)) if frame.base + i in undone and needs_arguments_to_be_undone(steps[i])}


def used_up(state: State, scopes: Sequence[Scope]) -> set[int]:
    """The nodes whose results were only needed to pull items from, when all have been pulled."""
    reads: Counter[int] = Counter()
    for scope in scopes:
        if scope.each is not None and not scope.more and state.status[scope.node] not in RESOLVED:
            plan = state.plan if scope.frame is None else scope.frame.plan
            captured = {slot for slots in scope.plan.waits for slot in slots}
            reads.update(
                scope.base + node
                for node in plan.reads[scope.node - scope.base]
                if node not in captured and not plan.keeps[node] and plan.steps[node].undo is None
            )
    return {node for node, count in reads.items() if count == state.readers[node]}
