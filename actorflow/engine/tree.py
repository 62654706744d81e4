"""What a run has opened beyond its plan: scopes, and the frames in them.

A frame is a body's plan spliced into the run. Its nodes, inputs and constants take a range of the run's own tables, so all that holds for a
node of the plan holds for them: a node of a frame is told by its number alone. The ranges of frames that nothing will look at again are
used anew: an `each` over a million items takes the room of those that are under way.

    Tree ── Scope (a scope node that is open) ── Frame (a body of it) ── Scope …
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from actorflow.errors import StepError
from actorflow.plan import Around, BodyPlan, Each, Plan, ScopePlan

if TYPE_CHECKING:
    from actorflow.engine.state import Program, State


class _Late:
    """Stands for a captured value that isn't there yet."""

    def __repr__(self) -> str:
        return "<not there yet>"


LATE: Final = _Late()


class Scope:
    """A scope node that is open, or was and may be needed again.

    frame    the frame that the node stands in, None in the plan itself; `base` is where that frame's slots begin
    frames   those that are open, and those that are done but may be undone, by where they begin
    open     how many are under way
    value    of a repeat, the last pass's result; of an around, the body's result once it is there
    """

    __slots__ = (
        "base", "began", "each", "frame", "frames", "is_done", "is_gated", "items", "keys", "more", "next", "node", "open", "passes", "plan", "results",
        "start", "value",
    )  # fmt: skip

    def __init__(self, node: int, plan: ScopePlan, frame: Frame | None, began: float) -> None:
        self.node = node
        self.plan = plan
        self.frame = frame
        self.base = 0 if frame is None else frame.base
        self.began = began
        self.frames: dict[int, Frame] = {}
        self.open = 0
        self.value: Any = None
        self.each = plan.control if isinstance(plan.control, Each) else None
        self.is_gated: bool = isinstance(plan.control, Around) or (frame is not None and frame.scope.is_gated)
        self.passes = 0  # of a repeat
        self.is_done = False  # the body of an around has ended: what is left is to leave
        # of an each
        self.items: Sequence[Any] = ()
        self.keys: Sequence[str] | None = None
        self.start = 0  # the index of the first of `items` in the source
        self.next = 0  # the first of `items` that wasn't begun
        self.more = False  # the source has more
        self.results: list[Any] = []

    def at(self, index: int) -> Frame | None:
        """The frame of an item or a pass; it's one of the last."""
        return next((frame for frame in reversed(self.frames.values()) if frame.index == index), None)


class Frame:
    """A body in a run. Its nodes are `base` up to `nodes`, its inputs and constants `nodes` up to `end`.

    left      how many nodes aren't resolved, captures aren't there, and guests aren't done yet; -1: it's over
    guests    frames of steps that were emitted by nodes of it
    key       its part of the names in it; None: its index
    emitted   whether a step in it has emitted others
    rolling   an item that is taken back by itself: 1 settling, 2 undoing
    """

    __slots__ = (
        "acted", "base", "body", "emitted", "end", "errors", "guests", "incomplete", "index", "key", "late", "launch", "left", "names", "nodes",
        "number", "patience", "plan", "program", "rolling", "scope",
    )  # fmt: skip

    def __init__(self, base: int, plan: Plan, program: Program) -> None:
        self.base = base
        self.nodes = base + len(plan)
        self.end = self.nodes + len(plan.inputs) + len(plan.constants)
        self.plan = plan
        self.program = program
        self.launch: Any = None  # what the runtime knows of the plan

    def enter(self, scope: Scope, number: int, body: BodyPlan, index: int, key: str | None) -> None:
        self.scope = scope
        self.number = number
        self.body = body
        self.index = index
        self.key = key
        self.left = self.late = self.guests = self.rolling = 0
        self.errors: list[StepError] = []
        self.acted = self.incomplete = self.emitted = False
        self.patience = 0.0
        self.names: Mapping[int, str] = {}

    @property
    def is_over(self) -> bool:
        return self.left < 0

    @property
    def unresolved(self) -> int:
        """How many of its nodes aren't resolved."""
        return self.left - self.late - self.guests

    def values(self, state: State) -> Sequence[Any]:
        """Its part of the run's values, as its plan numbers them."""
        return state.values[self.base : self.end]


class Tree:
    """All scopes and frames of a run.

    frame_of  per slot: the frame that it belongs to, None for the plan's own
    scopes    by node
    done      frames whose nodes are all resolved, and that weren't closed yet
    late      by slot: the frames that wait for it, with the slots of their captures
    free      by plan: ranges that can be used anew; `spent` ones can when telemetry has read the names
    entered   arounds that were entered and not left, in that order; `left`: those that must be entered again
    parked    compensations that go on when the arounds that they are in have been entered again
    rolling   items that are taken back by themselves; `undoing`: nodes that are undone for them
    broken    scope nodes of which a capture couldn't be made, with the error
    own       the own value of a step that was replaced by one it emitted, for its undo
    replaced  steps that wait for the result of one that stands for them
    generations  of nodes that stand for a step: its name, and how many stood for it before
    """

    def __init__(self, size: int) -> None:
        self.frame_of: list[Frame | None] = [None] * size
        self.scopes: dict[int, Scope] = {}
        self.done: list[Frame] = []
        self.late: dict[int, list[tuple[Frame, int]]] = {}
        self.free: dict[Plan, list[Frame]] = {}
        self.spent: list[Frame] = []
        self.entered: list[int] = []
        self.left: set[int] = set()
        self.parked: list[int] = []
        self.rolling: list[Frame] = []
        self.undoing: set[int] = set()
        self.broken: list[tuple[int, Exception]] = []
        self.is_marked = False  # the run was paused before: its tables tell of single nodes
        self.own: dict[int, Any] = {}
        self.replaced: set[int] = set()
        self.generations: dict[int, tuple[str, int]] = {}

    def recycle(self) -> None:
        """Telemetry has read all names: what is spent is free."""
        for frame in self.spent:
            self.free.setdefault(frame.plan, []).append(frame)
        self.spent.clear()


class GrowingProgram:
    """The program of a run that has frames: a plan's, with the frames' behind it. See `Program`."""

    def __init__(self, program: Program, size: int) -> None:
        gap = size - len(program.steps)
        self.steps: list[Any] = [*program.steps, *([None] * gap)]
        self.dependents: list[tuple[int, ...]] = [*program.dependents, *([()] * gap)]
        self.releases: list[tuple[int, ...]] = [*program.releases, *([()] * gap)]
        self.special = bytearray(program.special) + bytes(gap)
        self.undoable = bytearray(program.undoable) + bytes(gap)
        self.stores = bytearray(program.stores) + bytes(gap)

    def grow(self, program: Program, base: int, gap: int, count: int) -> None:
        """Takes in so many frames at the end of the tables, with a gap behind each."""
        self.steps += [*program.steps, *([None] * gap)] * count
        self.special += (program.special + bytes(gap)) * count
        self.undoable += (program.undoable + bytes(gap)) * count
        self.stores += (program.stores + bytes(gap)) * count
        size = len(program.steps) + gap
        starts = range(base, base + size * count, size)
        self.dependents += moved(program.dependents, starts, gap)
        self.releases += moved(program.releases, starts, gap)

    def leave_out(self, count: int) -> None:
        """Slots at the end of the tables that nothing uses."""
        self.steps += [None] * count
        self.dependents += [()] * count
        self.releases += [()] * count
        self.special += bytes(count)
        self.undoable += bytes(count)
        self.stores += bytes(count)


def moved(table: Sequence[tuple[int, ...]], starts: range, gap: int) -> list[tuple[int, ...]]:
    """A table of nodes as it reads from each start on, with a gap behind each."""
    if not any(table):
        return [()] * ((len(table) + gap) * len(starts))
    rest = [()] * gap
    return [found for start in starts for found in (*(tuple(start + node for node in one) for one in table), *rest)]


def frames_within(tree: Tree, frame: Frame) -> Iterator[Frame]:
    """The frame and all frames in it, outermost first."""
    scopes = tree.scopes
    waiting = [frame]
    while waiting:
        outer = waiting.pop()
        yield outer
        for node in range(outer.base, outer.nodes):
            scope = scopes.get(node)
            if scope is not None:
                waiting += scope.frames.values()


def nodes_within(tree: Tree, frame: Frame) -> Iterator[int]:
    """The nodes of a frame and of all frames in it."""
    for inner in frames_within(tree, frame):
        yield from range(inner.base, inner.nodes)


def path_of(tree: Tree | None, node: int) -> tuple[int, ...]:
    """Where a node was defined: its place in its body, behind the way to that."""
    path: list[int] = []
    frame = None if tree is None else tree.frame_of[node]
    while frame is not None:
        path += (node - frame.base, frame.index)
        node = frame.scope.node
        frame = frame.scope.frame
    return (node, *reversed(path))


def name_of(state: State, node: int) -> str:
    """A node's name, with the path to it (R5)."""
    names = state.plan.names
    if node < len(names):
        return names[node]
    tree = state.tree
    frame = None if tree is None else tree.frame_of[node]
    if frame is None:
        return ""
    local = node - frame.base
    if local >= len(frame.plan):
        return ""
    return frame.names.get(local) or f"{prefix_of(state, frame)}{frame.plan.names[local]}"


def prefix_of(state: State, frame: Frame) -> str:
    owner = name_of(state, frame.scope.node)
    key = str(frame.index) if frame.key is None else frame.key
    return f"{owner}[{key}]." if key else f"{owner}."
