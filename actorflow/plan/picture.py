"""A plan as boxes and arrows, before it's written in a language: what the text, the Mermaid and the DOT of a plan have in common.

1. place each node: in the box of its composed workflow, a scope with the boxes of its bodies in its own
2. draw an arrow per need; arrows between the same two boxes, where some were folded, are one
3. give each box the status of its nodes in a run

Costs O(nodes + edges), and at most `most` boxes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Literal, TypeAlias

import msgspec

from actorflow.errors import InvalidValue
from actorflow.plan.bodies import Body, bodies_of, kind_of, steps_at
from actorflow.plan.paths import Finder
from actorflow.plan.plan import Plan
from actorflow.plan.colours import known_status, merged

Direction: TypeAlias = Literal["TD", "LR"]
BoxKind: TypeAlias = Literal["step", "scope", "body", "workflow", "again"]


class Look(msgspec.Struct, frozen=True):
    """How a plan is to be drawn; see `Plan.mermaid`."""

    expand: bool = True
    direction: Direction = "TD"
    descriptions: bool = False
    status: Mapping[str, str] | None = None
    most: int = 1_000

    def __post_init__(self) -> None:
        if self.direction not in ("TD", "LR"):
            raise InvalidValue(f"a plan can't be drawn in direction {self.direction!r}\nGive 'TD' or 'LR'.")
        if isinstance(self.most, bool) or not isinstance(self.most, int) or self.most < 1:
            raise InvalidValue(f"a drawing has most={self.most!r}\nGive a whole number from 1.")


class Box(msgspec.Struct, eq=False):
    """A step, or what has steps inside: a scope (a combinator), one of its bodies, a composed workflow.

    `again` is a workflow inside itself. `node` is the number in `plan` of a step or a scope, -1 for the others. `steps` counts what was
    folded away.
    """

    id: str
    path: str
    label: str
    kind: BoxKind
    plan: Plan
    node: int = -1
    children: list[Box] = []
    steps: int = 0
    status: str = ""


class Arrow(msgspec.Struct, frozen=True, eq=False):
    """`takes`: `head` takes a result of `tail`; otherwise it only waits for it."""

    tail: Box
    head: Box
    takes: bool


class Picture(msgspec.Struct, eq=False):
    """The whole of it. `hidden` counts the steps that are beyond `most`."""

    plan: Plan
    look: Look
    boxes: list[Box] = []
    arrows: list[Arrow] = []
    hidden: int = 0

    @property
    def note(self) -> str:
        """What to say of the steps that aren't shown; empty if all are."""
        what = "step isn't" if self.hidden == 1 else "steps aren't"
        return f"{self.hidden:,} more {what} shown: most={self.look.most:,}" if self.hidden else ""


def draw(plan: Plan, look: Look) -> Picture:
    """The picture of a plan. Raises `InvalidValue` for a status that is none."""
    painter = _Painter(Picture(plan, look))
    painter.paint(plan, _Place("", "", ()), painter.picture.boxes)
    if look.status is not None:
        _colour(painter, look.status)
    return painter.picture


def all_boxes(boxes: list[Box]) -> Iterator[Box]:
    """All boxes from the outside in, each before those in it."""
    waiting = boxes[::-1]
    while waiting:
        box = waiting.pop()
        yield box
        waiting.extend(reversed(box.children))


class _Place(msgspec.Struct, frozen=True):
    """Where a plan is painted: what its boxes' ids and its nodes' names begin with, and the plans that it is in."""

    ids: str
    path: str
    within: tuple[Plan, ...]


class _Painter:
    """Paints one picture. `members` are the nodes that a folded workflow stands for, by the id of its box."""

    def __init__(self, picture: Picture) -> None:
        self.picture = picture
        self.members: dict[str, list[str]] = {}
        self._left = picture.look.most

    def paint(self, plan: Plan, place: _Place, boxes: list[Box]) -> None:
        """Adds the boxes and the arrows of a plan. Its composed workflows are found again by their names."""
        workflows: dict[str, Box] = {}
        placed = [self._placed(plan, i, place, boxes, workflows) for i in range(len(plan))]
        arrows: dict[tuple[str, str], Arrow] = {}
        for i, head in enumerate(placed):
            reads = set(plan.reads[i]) if head else ()
            for j in plan.needs[i] if head else ():
                tail = placed[j]
                if tail and head and tail is not head:
                    known = arrows.get((tail.id, head.id))
                    if known is None or (j in reads and not known.takes):
                        arrows[tail.id, head.id] = Arrow(tail, head, j in reads)
        self.picture.arrows += arrows.values()

    def _placed(self, plan: Plan, i: int, place: _Place, boxes: list[Box], workflows: dict[str, Box]) -> Box | None:
        """The box that a node is drawn in, None if it is one too many."""
        *outer, label = plan.names[i].split(".")
        if outer and not self.picture.look.expand:
            return self._folded(plan, i, place, boxes, workflows)
        if not self._left:
            self.picture.hidden += steps_at(plan, i, place.within)
            return None
        self._left -= 1
        for depth in range(1, len(outer) + 1):
            boxes = self._workflow(plan, ".".join(outer[:depth]), place, boxes, workflows).children
        box = Box(f"{place.ids}n{i}", place.path + plan.names[i], label, "step", plan, i, [])
        boxes.append(box)
        bodies = bodies_of(plan, i)
        if bodies:
            self._fill(box, bodies, place)
        return box

    def _workflow(self, plan: Plan, name: str, place: _Place, boxes: list[Box], workflows: dict[str, Box]) -> Box:
        box = workflows.get(name)
        if box is None:
            label = name.rpartition(".")[2]
            box = workflows[name] = Box(
                f"{place.ids}g{len(workflows)}", place.path + name, label, "workflow", plan, -1, []
            )
            boxes.append(box)
        return box

    def _folded(self, plan: Plan, i: int, place: _Place, boxes: list[Box], workflows: dict[str, Box]) -> Box | None:
        """The box of the outermost composed workflow that a node belongs to."""
        name = plan.names[i].partition(".")[0]
        steps = steps_at(plan, i, place.within)
        if name not in workflows:
            if not self._left:
                self.picture.hidden += steps
                return None
            self._left -= 1
        box = self._workflow(plan, name, place, boxes, workflows)
        box.steps += steps
        self.members.setdefault(box.id, []).append(place.path + plan.names[i])
        return box

    def _fill(self, box: Box, bodies: tuple[Body, ...], place: _Place) -> None:
        """A scope's box: its bodies in it, or how many steps they have."""
        box.kind = "scope"
        if not self.picture.look.expand:
            box.steps = steps_at(box.plan, box.node, place.within)
            return
        for number, body in enumerate(bodies):
            self._fill_body(box, body, _Place(f"{box.id}b{number}", f"{box.path}{body.suffix}.", (*place.within, box.plan)))

    def _fill_body(self, box: Box, body: Body, place: _Place) -> None:
        inner = box.children
        if body.key:
            inside = Box(place.ids, f"{box.path}{body.suffix}", body.key, "body", body.plan, -1, [])
            inner.append(inside)
            inner = inside.children
        if body.plan in place.within:
            inner.append(Box(f"{place.ids}again", place.path, body.plan.name, "again", body.plan, -1, []))
        else:
            self.paint(body.plan, place, inner)


# ── the colours of a run ──────────────────────────────────────────────────────────────────────────────────────────────


def _colour(painter: _Painter, status: Mapping[str, str]) -> None:
    """Gives each box the status of what it stands for; a step of which nothing is told is pending."""
    boxes = list(all_boxes(painter.picture.boxes))
    found: dict[str, set[str]] = {box.id: set() for box in boxes}
    finder = Finder({box.path: box.id for box in reversed(boxes) if box.kind != "again"})
    for name, told in status.items():
        box_id = finder.find(name)
        if box_id:
            found[box_id].add(known_status(told))
    for box_id, names in painter.members.items():
        if any(name not in status for name in names):
            found[box_id].add("pending")
    for box in boxes:
        is_one = box.kind in ("step", "scope") or box.steps
        box.status = merged(found[box.id]) if is_one or found[box.id] else ""
