"""The scopes of a halted run, to be stored with it (R16): which bodies are open, what they were given, what they gave.

What a body has from around it is stored only if the scope can't give it again: items, what a pass was given, what an undo takes.
"""

from __future__ import annotations

from collections.abc import Container, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from actorflow.engine import Frame, Scope, State, Tree, is_emitted
from actorflow.errors import NotSerializable
from actorflow.plan import Around, BodyPlan, Each, Plan, Repeat
from actorflow.runtime.snapshot_emitted import emitted_record
from actorflow.runtime.snapshot_needs import RESOLVED, Needed, undone_with_arguments
from actorflow.runtime.snapshot_records import FrameRecord, FreeRange, ScopeRecord, TreeRecord, noted
from actorflow.store import Codec

if TYPE_CHECKING:
    from actorflow.runtime.row import Row


def tree_record(row: Row, tree: Tree, needed: Sequence[Needed], codec: Codec, now: float) -> TreeRecord:
    """Raises `NotSerializable`, naming the path, if something of it can't be encoded."""
    state = row.state
    writer = ScopeWriter(state, codec, now)
    undone = set(state.undo_stack)
    own = {node: value for node, value in tree.own.items() if node in undone}
    return TreeRecord(
        size=len(state.values),
        scopes=[writer.scope(scope, frames) for scope, frames in needed],
        free=list(free_ranges(state, tree)),
        done=[frame.base for frame in tree.done],
        left=tree.left,
        replaced=tree.replaced,
        own={node: codec.encode(v, state.program.steps[node].returns, state.name(node)) for node, v in own.items()},
        generations=tree.generations,
    )


def check_sources(row: Row) -> None:
    """Raises `NotSerializable` for an iterator that was begun: it is known to this process alone."""
    tree = row.state.tree
    for node in row.scoped.sources:
        frame = None if tree is None else tree.frame_of[node]
        if row.state.status[node] not in RESOLVED and (frame is None or not frame.is_over):
            raise NotSerializable(
                f"the items of {row.name(node)!r} come from an iterator that isn't at its end, which no other process has"
                "\nGive it a list, or read the items inside the steps."
            )


class ScopeWriter:
    def __init__(self, state: State, codec: Codec, now: float) -> None:
        self.state = state
        self.codec = codec
        self.now = now
        self.undone = set(state.undo_stack)

    def scope(self, scope: Scope, frames: Sequence[Frame]) -> ScopeRecord:
        node, name = scope.node, self.state.name(scope.node)
        plan = scope.plan.bodies[0].plan
        is_under_way = self.state.status[node] not in RESOLVED
        has_items = scope.each is not None and is_under_way
        return ScopeRecord(
            node=node,
            spent=self.now - scope.began,
            is_open=scope.open,
            passes=scope.passes,
            is_done=scope.is_done,
            fits=plan.fingerprint if isinstance(scope.plan.control, Repeat) else "",
            emitted=emitted_record(plan, name, self.codec) if is_emitted(scope) else None,
            value=self.codec.encode(scope.value, value_type(scope), name) if is_under_way and scope.is_done else None,
            items=self.items(scope, name) if has_items else None,
            start=scope.start + scope.next,
            keys=None if scope.keys is None else list(scope.keys[scope.next :]),
            results=self.results(scope, name) if has_items else None,
            frames=[self.frame(frame) for frame in frames],
        )

    # ── items ─────────────────────────────────────────────────────────────────────────────────────────────────────

    def items(self, scope: Scope, name: str) -> bytes:
        """Those that weren't begun."""
        first = scope.start + scope.next
        rest = list(scope.items[scope.next :])
        keys = range(first, first + len(rest)) if scope.keys is None else scope.keys[scope.next :]
        return self.listed(rest, list_of(item_type(scope)), (f"{name}[{key}], its item" for key in keys))

    def results(self, scope: Scope, name: str) -> bytes:
        """Those that are there, in their order: what is missing among them is the results of items that are open."""
        returns = self.state.program.steps[scope.node].returns
        places = list(range(len(scope.results)))
        if scope.each is not None and scope.each.ordered:
            missing = open_places(scope)
            places = [place for place in places if place not in missing]
        return self.listed(
            [scope.results[place] for place in places], returns, (f"{name}[{place}]" for place in places)
        )

    def listed(self, values: list[Any], kind: Any, names: Iterator[str]) -> bytes:
        """A list as one; if that can't be, the value that it is about is named."""
        try:
            return self.codec.encode(values, kind)
        except NotSerializable:
            for value, name in zip(values, names, strict=False):
                self.codec.encode([value], kind, name)
            raise

    # ── bodies ────────────────────────────────────────────────────────────────────────────────────────────────────

    def frame(self, frame: Frame) -> FrameRecord:
        plan, state = frame.plan, self.state
        places = self.needed_by_undos(frame) if frame.is_over else given_again_by_none(frame)
        return FrameRecord(
            base=frame.base,
            number=frame.number,
            index=frame.index,
            key=frame.key,
            is_over=frame.is_over,
            acted=frame.acted,
            incomplete=frame.incomplete,
            emitted=frame.emitted,
            names=dict(frame.names),
            errors=[noted(error, self.codec) for error in frame.errors],
            inputs={
                place: self.codec.encode(
                    state.values[frame.nodes + place], plan.inputs[place].type, self.input_name(frame, place)
                )
                for place in places
            },
        )

    def needed_by_undos(self, frame: Frame) -> Iterator[int]:
        """What a body that is over was given, and an undo will be given again."""
        plan, nodes = frame.plan, undone_with_arguments(frame, self.undone)
        for place in range(len(plan.inputs)) if nodes else ():
            readers = plan.readers_of[place] if plan.readers_of else nodes
            if place not in plan.lent and not nodes.isdisjoint(readers):
                yield place

    def input_name(self, frame: Frame, place: int) -> str:
        key = frame.index if frame.key is None else frame.key
        where = f"{self.state.name(frame.scope.node)}[{key}]" if key != "" else self.state.name(frame.scope.node)
        return f"{where}, its {frame.plan.inputs[place].name!r}"


def given_again_by_none(frame: Frame) -> Sequence[int]:
    """An open body has all from its scope again, but the items and what a pass was given."""
    return range(frame.body.given) if isinstance(frame.scope.plan.control, (Each, Repeat)) else ()


def open_places(scope: Scope) -> Container[int]:
    """Where the results of open items will be."""
    return {frame.index for frame in scope.frames.values() if not frame.is_over}


# ── types ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def item_type(scope: Scope) -> Any:
    return scope.plan.bodies[0].plan.inputs[0].type


def value_type(scope: Scope) -> Any:
    """Of what the last pass of a repeat gave, or the body of an around."""
    plan = scope.plan.bodies[0].plan
    is_known = plan.return_type is not Any or isinstance(scope.plan.control, Around)
    return plan.return_type if is_known else plan.inputs[0].type


def list_of(kind: Any) -> Any:
    generic: Any = list
    return generic[kind]


# ── ranges to be used anew ─────────────────────────────────────────────────────────────────────────────────────────────────


def free_ranges(state: State, tree: Tree) -> Iterator[FreeRange]:
    """Of bodies that were drawn in the run's workflow, or were compiled in a pass of it. Others aren't used anew."""
    free = [frame for frames in (*tree.free.values(), tree.spent) for frame in frames]
    ways = ways_to_plans(state.plan) if free else {}
    for frame in free:
        if frame.plan in ways:
            yield FreeRange(frame.base, frame.end - frame.base, ways[frame.plan])


def ways_to_plans(plan: Plan) -> dict[Plan, tuple[int, ...]]:
    """Each body's plan that is there, with the way to it."""
    ways: dict[Plan, tuple[int, ...]] = {plan: ()}
    waiting = [plan]
    while waiting:
        outer = waiting.pop()
        for node, number, body in bodies_of(outer):
            if body.is_drawn and body.plan not in ways:
                ways[body.plan] = (*ways[outer], node, number)
                waiting.append(body.plan)
    return ways


def bodies_of(plan: Plan) -> Iterator[tuple[int, int, BodyPlan]]:
    for node, scope in plan.scopes.items():
        for number, body in enumerate(scope.bodies):
            yield node, number, body
