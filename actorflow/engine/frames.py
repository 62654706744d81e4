"""Frames: how a body is spliced into a run, how what it uses from around it comes to it, and how its range is used anew."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from actorflow.engine.ready import ready
from actorflow.engine.state import COMPLETED, GONE, HOLE, OPEN, READY, RUN, SKIPPED, InOrder, Program, State, program_of
from actorflow.engine.tree import LATE, Frame, GrowingProgram, Scope, Tree, frames_within
from actorflow.outcome import Succeeded
from actorflow.plan import Call, Choose, ChooseFirst, NodeValue, Plan, ScopePlan

RESOLVED = (COMPLETED, SKIPPED)

DEPTH = 2
"""How many workflows within each other are compiled to see whether their frames can be used anew."""


def tree_of(state: State) -> Tree:
    """The run's tree; from the first frame on the run has tables that grow."""
    tree = state.tree
    if tree is None:
        size = len(state.values)
        tree = state.tree = Tree(size)
        if isinstance(state.ready, InOrder):
            state.ready.tree = tree
        gap = size - len(state.status)
        program = state.program
        state.program = GrowingProgram(program if isinstance(program, Program) else program_of(state.plan), size)
        state.status += bytes([HOLE]) * gap
        state.attempt += [0] * gap
        state.counts += [0] * gap
        state.readers += [0] * gap
    return tree


def scope_plan(tree: Tree, plan: Plan, node: int) -> ScopePlan:
    frame = tree.frame_of[node]
    return plan.scopes[node] if frame is None else frame.plan.scopes[node - frame.base]


def scope_at(state: State, node: int, began: float) -> Scope:
    """The scope of a node, opened if it wasn't."""
    tree = tree_of(state)
    scope = tree.scopes.get(node)
    if scope is None:
        scope = Scope(node, scope_plan(tree, state.plan, node), tree.frame_of[node], began)
        tree.scopes[node] = scope
    return scope


def make_special(state: State, nodes: Iterable[int]) -> None:
    """They aren't simply started any more."""
    special = state.program.special
    assert isinstance(special, bytearray)
    for node in nodes:
        special[node] = 1


# ── frames ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def open_frame(
    state: State, tree: Tree, scope: Scope, number: int, index: int, key: str | None, given: Sequence[Any], at: float
) -> Frame:
    """Splices a body in: its nodes that wait for nothing are ready."""
    body = scope.plan.bodies[number]
    plan = body.plan
    free = tree.free.get(plan) or make_room(state, tree, plan, 1)
    frame = reused(state, free.pop())
    frame.enter(scope, number, body, index, key)
    scope.frames[frame.base] = frame
    scope.open += 1
    first = frame.nodes
    if len(given) == 1:
        state.values[first] = given[0]
    else:
        state.values[first : first + len(given)] = given
    if body.takes:
        take_captures(state, tree, frame)
    state.remaining += frame.nodes - frame.base
    frame.left += frame.nodes - frame.base
    counts = state.counts
    for root in plan.roots:
        if not counts[frame.base + root]:
            ready(state, frame.base + root, at)
    if not frame.left:
        tree.done.append(frame)
    return frame


def make_room(state: State, tree: Tree, plan: Plan, count: int) -> list[Frame]:
    """So many frames at the end of the run's tables, free; those of an `each` are made together."""
    program = program_of(plan)
    base = len(state.values)
    extend(state, plan, program, count)
    size = (len(state.values) - base) // count
    frames = [Frame(base + i * size, plan, program) for i in range(count)]
    for frame in frames:
        tree.frame_of += [frame] * size
    free = tree.free.setdefault(plan, [])
    free += reversed(frames)
    return free


def extend(state: State, plan: Plan, program: Program, count: int) -> None:
    """The run's tables have so many frames more."""
    nodes, base = len(plan), len(state.values)
    gap = len(plan.inputs) + len(plan.constants)
    size = nodes + gap
    state.values += [*([None] * (nodes + len(plan.inputs))), *plan.constants] * count
    state.status += (program.zeros + bytes([HOLE]) * gap) * count
    state.attempt += [0] * (size * count)
    state.counts += [*program.counts, *([0] * gap)] * count
    state.readers += [*program.readers, *([0] * gap)] * count
    growing = state.program
    assert isinstance(growing, GrowingProgram)
    growing.grow(program, base, gap, count)


def reused(state: State, frame: Frame) -> Frame:
    """A frame whose range nothing looks at any more, as it was at first."""
    base, nodes, program = frame.base, frame.nodes, frame.program
    if nodes - base == 1:
        state.status[base] = 0
        state.attempt[base] = 0
        state.counts[base] = program.counts[0]
        state.readers[base] = program.readers[0]
        return frame
    state.status[base:nodes] = program.zeros
    state.attempt[base:nodes] = [0] * (nodes - base)
    state.counts[base:nodes] = program.counts
    state.readers[base:nodes] = program.readers
    return frame


def leaves_nothing(plan: Plan) -> bool:
    """Whether nothing looks at a frame of this plan when it is over: nothing in it is undone, or kept to be read by name."""
    program: Program = program_of(plan)
    if program.is_spent is None:
        if plan.draft is not None and isinstance(plan.draft.result, NodeValue):
            program.result = plan.draft.result.node
        plain = not any(step.guards or step.compensate or step.limits for step in plan.steps)
        program.is_spent = keeps_nothing(plan, (), DEPTH)
        program.is_quick = program.is_spent and plain and program.result >= 0 and not plan.scopes
    return program.is_spent


def keeps_nothing(plan: Plan, around: tuple[Plan, ...], depth: int) -> bool:
    """The same, with the bodies in it.

    It must not depend on what has been drawn so far: a run uses its ranges in the same way wherever it is replayed. So workflows that are
    compiled when they are first needed are compiled here; how deep is bounded, as such a workflow may repeat itself without end.
    """
    if plan in around or plan.draft is None or any(node.keep for node in plan.draft.nodes):
        return False
    if any(program_of(plan).undoable):
        return False
    around = (*around, plan)
    return all(
        (depth > 0 or drawn.draft is not None) and keeps_nothing(body.plan, around, depth - (drawn.draft is None))
        for local, scope in plan.scopes.items()
        for body, drawn in zip(scope.bodies, plan.draft.nodes[local].bodies, strict=True)
    )


def retire(state: State, tree: Tree, frame: Frame) -> None:
    """The frame is over. What a rollback may need stays; else its range is free, once telemetry has read the names."""
    scope = frame.scope
    frame.left = -1
    scope.open -= 1
    if not leaves_nothing(frame.plan) or is_looked_at(tree, frame):
        drop_results(state, frame)
        return
    del scope.frames[frame.base]
    clear(state, frame)
    if state.facts:
        tree.spent.append(frame)
    else:
        tree.free.setdefault(frame.plan, []).append(frame)


def is_looked_at(tree: Tree, frame: Frame) -> bool:
    """Whether something of it is still needed though nothing in it is undone: what a step of it has emitted, or an error."""
    if frame.names or frame.emitted or frame.incomplete:
        return True
    return bool(frame.plan.scopes) and any(node in tree.scopes for node in range(frame.base, frame.nodes))


def takes_the_next(state: State, tree: Tree, frame: Frame) -> bool:
    """A frame whose item is done takes the next item at once, if nothing is to be remembered of this one.

    The same as closing it and opening it again, in a fraction of the time: its captures stay as they are. Written for speed.
    """
    scope = frame.scope
    place = scope.next
    control = scope.each
    if (
        control is None
        or not frame.program.is_quick
        or place >= len(scope.items)
        or state.facts is not None
        or state.status[scope.node] != OPEN
        or tree.is_marked
        or frame.emitted
        or frame.rolling
    ):
        return False
    base, nodes = frame.base, frame.nodes
    values = state.values
    value = values[base + frame.program.result]
    if control.collects:
        value = Succeeded(value, state.run)
    results = scope.results
    if control.ordered:
        results[frame.index] = value
        results.append(None)
    else:
        results.append(value)
    scope.next = place + 1
    frame.index = scope.start + place
    frame.key = None if scope.keys is None else scope.keys[place]
    values[nodes] = scope.items[place]
    if nodes - base == 1:
        state.attempt[base] = 0
        state.status[base] = READY
        state.ready.append(base)
        state.remaining += 1
        frame.left = 1
        return True
    reused(state, frame)
    state.remaining += nodes - base
    frame.left = nodes - base
    for root in frame.plan.roots:
        state.status[base + root] = READY
        state.ready.append(base + root)
    return True


def drop_results(state: State, frame: Frame) -> None:
    """R7: what was kept to make the body's result isn't needed any more, but by undos that take it."""
    nodes = () if frame.plan.draft is None else frame.plan.draft.nodes
    undone_with = frame.program.undone_with
    for local, node in enumerate(range(frame.base, frame.nodes)):
        if not state.program.undoable[node] and not nodes[local].keep and local not in undone_with:
            state.values[node] = GONE


def clear(state: State, frame: Frame) -> None:
    """Nothing of what its nodes were stays with their numbers."""
    state.values[frame.base : frame.nodes + len(frame.plan.inputs)] = [None] * (
        frame.nodes - frame.base + len(frame.plan.inputs)
    )
    for table in (state.passed, state.offered, state.stopped, state.stopping, state.abandoned, state.doubtful):
        if table:
            table.difference_update(range(frame.base, frame.nodes))
    for counts in (state.uncounted, state.lost):
        if counts:
            for node in range(frame.base, frame.nodes):
                counts.pop(node, None)


def scope_ended(tree: Tree, scope: Scope) -> None:
    """The scope node is resolved. Frames that may be undone keep their place in it."""
    if not scope.frames:
        tree.scopes.pop(scope.node, None)
    scope.items, scope.results = (), []


# ── captures ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def take_captures(state: State, tree: Tree, frame: Frame) -> None:
    """Gives the body what it uses from around it; what isn't there yet comes later, and only who reads it waits."""
    scope, plan, body = frame.scope, frame.plan, frame.body
    for place, capture in enumerate(body.takes, body.given):
        slot = frame.nodes + place
        missing = [one for one in scope.plan.waits[capture] if not is_there(state, scope, scope.base + one)]
        if not missing:
            state.values[slot] = captured(state, tree, scope, capture)
            continue
        state.values[slot] = LATE
        frame.left += 1
        frame.late += 1
        for local in plan.readers_of[place]:
            state.counts[frame.base + local] += 1
        for one in missing:
            tree.late.setdefault(scope.base + one, []).append((frame, place))


def is_there(state: State, scope: Scope, slot: int) -> bool:
    status = state.status[slot] if slot < len(state.status) else HOLE
    return state.values[slot] is not LATE if status == HOLE else status in RESOLVED


def captured(state: State, tree: Tree, scope: Scope, capture: int) -> Any:
    outer = scope.frame
    if tree.left and waits_for_an_around(tree, outer):
        return None  # it comes when what it may be made from has been entered again
    values = state.values if outer is None else outer.values(state)
    try:
        return scope.plan.captures[capture](values)
    except Exception as error:  # what the value's own attributes and items raise: it fails the scope
        tree.broken.append((scope.node, error))
        return None


def resolved(state: State, tree: Tree, node: int, at: float) -> None:
    """A node has its value: its frame may be done, and captures that waited for it are there."""
    frame = tree.frame_of[node]
    if frame is not None and frame.left > 0:
        frame.left -= 1
        if not frame.left and (state.phase != RUN or not takes_the_next(state, tree, frame)):
            tree.done.append(frame)
    if tree.late:
        arrives(state, tree, node, at)


def arrives(state: State, tree: Tree, slot: int, at: float) -> None:
    """What is at this slot is there now."""
    for frame, place in tree.late.pop(slot, ()):
        if frame.is_over:
            continue
        scope, capture = frame.scope, frame.body.takes[place - frame.body.given]
        if not all(is_there(state, scope, scope.base + one) for one in scope.plan.waits[capture]):
            continue
        state.values[frame.nodes + place] = captured(state, tree, scope, capture)
        for local in frame.plan.readers_of[place]:
            other = frame.base + local
            state.counts[other] -= 1
            if not state.counts[other]:
                ready(state, other, at)
        frame.late -= 1
        frame.left -= 1
        if not frame.left:
            tree.done.append(frame)
        arrives(state, tree, frame.nodes + place, at)


def waits_for_an_around(tree: Tree, frame: Frame | None) -> bool:
    """Whether the frame is inside of an around that was left in a halt, and not entered again yet."""
    while frame is not None:
        if frame.scope.node in tree.left:
            return True
        frame = frame.scope.frame
    return False


def give_again(state: State, tree: Tree, frame: Frame) -> None:
    """What a body was given of its scope's own arguments: they may be made from what was entered again."""
    scope, given = frame.scope, frame.body.given
    if not given or not isinstance(scope.plan.control, (Call, Choose, ChooseFirst)):
        return
    outer, local = scope.frame, scope.node - scope.base
    if tree.left and waits_for_an_around(tree, outer):
        return
    plan, values = (state.plan, state.values) if outer is None else (outer.plan, outer.values(state))
    takes = plan.takes[local]
    try:
        arguments = plan.binders[local](values) if takes is None else [values[slot] for slot in takes]
    except Exception as error:  # what the value's own attributes and items raise: it fails the scope
        tree.broken.append((scope.node, error))
    else:
        state.values[frame.nodes : frame.nodes + given] = arguments[:given]


def enter_again(state: State, tree: Tree, frame: Frame, value: Any) -> None:
    """An around was entered again: its body, and what has its value from there, get the new one; who waited for that goes on."""
    state.values[frame.nodes] = value
    for inner in frames_within(tree, frame):
        if inner is not frame and not inner.is_over:
            scope = inner.scope
            give_again(state, tree, inner)
            for place, capture in enumerate(inner.body.takes, inner.body.given):
                if state.values[inner.nodes + place] is not LATE:
                    state.values[inner.nodes + place] = captured(state, tree, scope, capture)
        for node in range(inner.base, inner.nodes):
            if state.status[node] == READY and node not in state.ready:
                state.ready.append(node)
