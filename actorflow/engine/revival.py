"""A halted run that is built again from what was stored of it: its tables, with every frame in the range that it had (R16).

What follows from the plan and the statuses isn't stored, but worked out anew: what waits for what, whose results are still read, and what
bodies have from around them.
"""

from __future__ import annotations

from collections.abc import Iterator

from actorflow.engine.fold_scopes import EMITTED
from actorflow.engine.frames import RESOLVED, extend, give_again, scope_plan, take_captures, tree_of
from actorflow.engine.items import inherit
from actorflow.engine.state import HOLE, State, program_of
from actorflow.engine.tree import Frame, GrowingProgram, Scope
from actorflow.plan import Body, BodyPlan, Plan, ScopePlan


class Misfit(Exception):  # it says why; it never leaves the runtime
    """What was stored doesn't fit the plan."""


class Revival:
    """Scopes and frames are told outermost first, then laid out; when all values are there, the rest is settled."""

    def __init__(self, state: State, size: int) -> None:
        self.state = state
        self.size = size
        self.tree = tree = tree_of(state)
        self.frames: list[Frame] = []
        tree.is_marked = True
        tree.frame_of += [None] * (size - len(tree.frame_of))

    # ── outermost first ───────────────────────────────────────────────────────────────────────────────────────────

    def scope(self, node: int, emitted: Plan | None, began: float) -> Scope:
        """Opens the scope of a node; `emitted`: it holds what the step has emitted."""
        tree = self.tree
        if not 0 <= node < self.size:
            raise Misfit
        plan = scope_plan_of(self, node) if emitted is None else emitted_scope(emitted)
        scope = tree.scopes[node] = Scope(node, plan, tree.frame_of[node], began)
        return scope

    def frame(self, scope: Scope, base: int, number: int, index: int, key: str | None) -> Frame:
        """A body of a scope, in its range. Its nodes and values are there when it has been laid out."""
        if not 0 <= number < len(scope.plan.bodies):
            raise Misfit
        body = scope.plan.bodies[number]
        frame = self.claim(body.plan, base)
        frame.enter(scope, number, body, index, key)
        scope.frames[base] = frame
        self.frames.append(frame)
        return frame

    def free(self, plan: Plan, base: int) -> None:
        """A range that can be used anew."""
        self.tree.free.setdefault(plan, []).append(self.claim(plan, base))

    def claim(self, plan: Plan, base: int) -> Frame:
        frame_of = self.tree.frame_of
        frame = Frame(base, plan, program_of(plan))
        if base < len(self.state.values) or frame.end > self.size or any(frame_of[base : frame.end]):
            raise Misfit
        frame_of[base : frame.end] = [frame] * (frame.end - base)
        return frame

    # ── all of it ─────────────────────────────────────────────────────────────────────────────────────────────────

    def lay_out(self) -> None:
        """Lets the run's tables grow as they had grown. What no frame is in belongs to nobody any more."""
        state = self.state
        free = (frame for frames in self.tree.free.values() for frame in frames)
        for frame in sorted((*self.frames, *free), key=lambda frame: frame.base):
            leave_out(state, frame.base - len(state.values))
            extend(state, frame.plan, frame.program, 1)
        leave_out(state, self.size - len(state.values))

    def settle(self) -> None:
        """Works out what isn't stored. Statuses, values and what was entered before are there."""
        state, tree = self.state, self.tree
        state.remaining = count_resolved(state, 0, len(state.plan))
        for frame in self.frames:
            if not frame.is_over:
                frame.left = count_resolved(state, frame.base, frame.nodes)
                state.remaining += frame.left
                give_again(state, tree, frame)
                take_captures(state, tree, frame)
                inherit(state, tree, frame)
        for outer in self.hosts():
            outer.guests += 1
            outer.left += 1

    def hosts(self) -> Iterator[Frame]:
        """The frames of steps of which something is under way that they have emitted."""
        for scope in self.tree.scopes.values():
            outer = scope.frame
            is_guest = scope.plan.control is EMITTED and scope.open and scope.node not in self.tree.replaced
            if outer is not None and is_guest and not outer.is_over:
                yield outer


def scope_plan_of(revival: Revival, node: int) -> ScopePlan:
    try:
        return scope_plan(revival.tree, revival.state.plan, node)
    except KeyError:
        raise Misfit from None


def emitted_scope(plan: Plan) -> ScopePlan:
    return ScopePlan(EMITTED, (BodyPlan(Body("", None), plan),))


def is_emitted(scope: Scope) -> bool:
    """Whether the scope holds what a step has emitted."""
    return scope.plan.control is EMITTED


def leave_out(state: State, count: int) -> None:
    program = state.program
    assert isinstance(program, GrowingProgram)
    state.values += [None] * count
    state.status += bytes([HOLE]) * count
    for table in (state.attempt, state.counts, state.readers):
        table.extend([0] * count)
    program.leave_out(count)


def count_resolved(state: State, first: int, end: int) -> int:
    """Counts down what the dependents of resolved nodes wait for. Gives how many of these nodes aren't resolved."""
    program, left = state.program, 0
    for node in range(first, end):
        if state.status[node] not in RESOLVED:
            left += 1
            continue
        for other in program.dependents[node]:
            state.counts[other] -= 1
        for other in program.releases[node]:
            state.readers[other] -= 1
    return left


# ── what is worth storing ─────────────────────────────────────────────────────────────────────────────────────────────


def scopes_outermost_first(state: State) -> Iterator[Scope]:
    """The scopes that are open or may be undone, each after the one that it stands in."""
    tree = state.tree
    if tree is None:
        return
    inside: dict[Frame | None, list[Scope]] = {}
    for scope in tree.scopes.values():
        inside.setdefault(scope.frame, []).append(scope)
    waiting = inside.get(None, [])[::-1]
    while waiting:
        scope = waiting.pop()
        yield scope
        for frame in scope.frames.values():
            waiting += inside.get(frame, ())
