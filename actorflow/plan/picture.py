"""A plan as boxes and arrows, before it's written in a language: what the text, the Mermaid and the DOT of a plan have in common.

1. place each node: in the box of its composed workflow; a scope is a box with its bodies' boxes inside
2. draw an arrow per need, and per capture of a body to the nodes that use it; between two boxes there is one
3. give each box the status of its nodes in a run

Costs O(nodes + edges), and makes at most `most` boxes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Literal, TypeAlias

import msgspec

from actorflow.errors import InvalidValue
from actorflow.plan.bodies import Within, bodies_of, is_inside, steps_at, suffix_of
from actorflow.plan.colours import known_status, merged
from actorflow.plan.control import BodyPlan
from actorflow.plan.paths import Finder
from actorflow.plan.plan import Plan

Direction: TypeAlias = Literal["TD", "LR"]
"""From the top down, or from left to right."""
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
        if type(self.most) is not int or self.most < 1:
            raise InvalidValue(f"a drawing has most={self.most!r}\nGive a whole number from 1.")


class Box(msgspec.Struct, eq=False):
    """A step, or what has steps inside: a scope (a combinator), one of its bodies, a composed workflow.

    `again` stands for a workflow inside itself. `name` is the name in `plan`, `path` the one in the whole. `node` is the number of a step or
    a scope, -1 for the others. `steps` counts what was folded away, if it `is_folded`.
    """

    id: str
    path: str
    name: str
    kind: BoxKind
    plan: Plan
    node: int = -1
    children: list[Box] = []
    is_folded: bool = False
    steps: int = 0
    status: str = ""

    @property
    def label(self) -> str:
        """The last part of the name: those before it are the boxes around."""
        return self.name if self.kind in ("body", "again") else self.name.rpartition(".")[2]


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
        return f"… {self.hidden:,} more {what} shown (most={self.look.most:,})" if self.hidden else ""


def draw(plan: Plan, look: Look) -> Picture:
    """The picture of a plan. Raises `InvalidValue` for a status that is none."""
    picture = Picture(plan, look)
    placing = _Placing(picture)
    placing.place(_Sheet(plan, picture.boxes))
    picture.arrows = _arrows(placing.sheets)
    if look.status is not None:
        _colour(picture.boxes, placing.members, look.status)
    return picture


def all_boxes(boxes: Sequence[Box]) -> Iterator[Box]:
    """All boxes from the outside in, each before those in it."""
    waiting = list(reversed(boxes))
    while waiting:
        box = waiting.pop()
        yield box
        waiting.extend(reversed(box.children))


# ── boxes ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


class _Sheet(msgspec.Struct, eq=False):
    """A plan, or that of a body, as it's painted.

    boxes      where its boxes go
    ids, path  what their ids and paths begin with
    within     the plans that it is in
    scope      of a body: the sheet and the number of its scope node, and the body
    placed     per node its box, None for one too many
    workflows  the boxes of composed workflows, by their names
    sources    per input the boxes whose results it is made from, if it is a body's
    """

    plan: Plan
    boxes: list[Box]
    ids: str = ""
    path: str = ""
    within: Within = ()
    scope: tuple[_Sheet, int, BodyPlan] | None = None
    placed: list[Box | None] = []
    workflows: dict[str, Box] = {}
    sources: list[tuple[Box, ...]] = []

    def box(self, number: str, name: str, kind: BoxKind, node: int = -1) -> Box:
        return Box(f"{self.ids}{number}", self.path + name, name, kind, self.plan, node)

    def workflow(self, name: str, boxes: list[Box]) -> Box:
        """The box of a composed workflow, made when it's first asked for."""
        known = self.workflows.get(name)
        if known is None:
            known = self.workflows[name] = self.box(f"g{len(self.workflows)}", name, "workflow")
            boxes.append(known)
        return known

    def made_from(self, slots: Iterable[int]) -> tuple[Box, ...]:
        """The boxes of the results at these slots; where an input stands, of those that it is made from."""
        count = len(self.plan)
        found: dict[str, Box] = {}
        for slot in slots:
            sources = (self.placed[slot],) if slot < count else self.sources[slot - count] if self.sources else ()
            found |= {box.id: box for box in sources if box}
        return tuple(found.values())


class _Placing:
    """Places the nodes of a picture. `members` has the paths of the nodes that a folded workflow stands for, by the id of its box."""

    def __init__(self, picture: Picture) -> None:
        self.sheets: list[_Sheet] = []
        self.members: dict[str, list[str]] = {}
        self._picture = picture
        self._left = picture.look.most

    def place(self, sheet: _Sheet) -> None:
        """Adds the boxes of a plan, and of the bodies in it."""
        self.sheets.append(sheet)
        put = self._put if self._picture.look.expand else self._put_folded
        sheet.placed = [None] * len(sheet.plan)
        for i in range(len(sheet.plan)):
            sheet.placed[i] = put(sheet, i)

    def _put(self, sheet: _Sheet, i: int) -> Box | None:
        if not self._has_room(sheet, i):
            return None
        name = sheet.plan.names[i]
        boxes = sheet.boxes
        for at in (at for at, character in enumerate(name) if character == "."):
            boxes = sheet.workflow(name[:at], boxes).children
        box = self._node(sheet, i)
        boxes.append(box)
        for number, body in enumerate(bodies_of(sheet.plan, i)):
            self._put_body(box, sheet, number, body)
        return box

    def _put_body(self, box: Box, around: _Sheet, number: int, body: BodyPlan) -> None:
        ids, path = f"{box.id}b{number}", box.path + suffix_of(body)
        inner = box.children
        if body.key not in ("", "*"):
            inner.append(Box(ids, path, body.key, "body", body.plan))
            inner = inner[-1].children
        within = (*around.within, around.plan)
        if is_inside(body.plan, within):
            inner.append(Box(f"{ids}again", f"{path}.", body.plan.name, "again", body.plan))
        else:
            self.place(_Sheet(body.plan, inner, f"{ids}_", f"{path}.", within, (around, box.node, body)))

    def _put_folded(self, sheet: _Sheet, i: int) -> Box | None:
        """A scope is one box, and so is a composed workflow."""
        outer, dot, _ = sheet.plan.names[i].partition(".")
        if outer not in sheet.workflows and not self._has_room(sheet, i):
            return None
        if not dot:
            box = self._node(sheet, i)
            sheet.boxes.append(box)
            box.is_folded = box.kind == "scope"
            box.steps = steps_at(sheet.plan, i, sheet.within) if box.is_folded else 0
            return box
        box = sheet.workflow(outer, sheet.boxes)
        box.is_folded = True
        box.steps += steps_at(sheet.plan, i, sheet.within)
        self.members.setdefault(box.id, []).append(sheet.path + sheet.plan.names[i])
        return box

    def _node(self, sheet: _Sheet, i: int) -> Box:
        return sheet.box(f"n{i}", sheet.plan.names[i], "scope" if i in sheet.plan.scopes else "step", i)

    def _has_room(self, sheet: _Sheet, i: int) -> bool:
        if self._left:
            self._left -= 1
            return True
        self._picture.hidden += steps_at(sheet.plan, i, sheet.within)
        return False


# ── arrows ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def _arrows(sheets: Iterable[_Sheet]) -> list[Arrow]:
    """All arrows, outer sheets first; where one would only wait, and another one takes, it takes."""
    arrows: dict[tuple[str, str], Arrow] = {}
    for sheet in sheets:
        for arrow in (*_needs(sheet), *_captures(sheet)):
            between = arrow.tail.id, arrow.head.id
            known = arrows.get(between)
            if arrow.tail is not arrow.head and (known is None or arrow.takes > known.takes):
                arrows[between] = arrow
    return list(arrows.values())


def _needs(sheet: _Sheet) -> Iterator[Arrow]:
    for i, head in enumerate(sheet.placed):
        if head:
            reads = frozenset(sheet.plan.reads[i])
            for j in sheet.plan.needs[i]:
                tail = sheet.placed[j]
                if tail:
                    yield Arrow(tail, head, j in reads)


def _captures(sheet: _Sheet) -> Iterator[Arrow]:
    """From what a body captures to the nodes that use it; to the scope if it's folded."""
    if sheet.scope:
        around, node, body = sheet.scope
        waits = around.plan.scopes[node].waits
        sheet.sources = [()] * body.given + [around.made_from(waits[i]) for i in body.takes]
        for sources, readers in zip(sheet.sources, sheet.plan.readers_of, strict=False):
            heads = [head for i in readers if (head := sheet.placed[i])]
            yield from (Arrow(tail, head, True) for head in heads for tail in sources)
    for i, scope in sheet.plan.scopes.items():
        box = sheet.placed[i]
        if box and box.is_folded:
            yield from (Arrow(tail, box, True) for waits in scope.waits for tail in sheet.made_from(waits))


# ── the colours of a run ──────────────────────────────────────────────────────────────────────────────────────────────


def _colour(boxes: Sequence[Box], members: Mapping[str, list[str]], status: Mapping[str, str]) -> None:
    """Gives each box the status of what it stands for; a step of which nothing is told is pending."""
    boxes = list(all_boxes(boxes))
    found: dict[str, set[str]] = {box.id: set() for box in boxes}
    finder = Finder({box.path: box.id for box in boxes if box.kind != "again"})
    for name, told in status.items():
        box_id = finder.find(name)
        if box_id:
            found[box_id].add(known_status(told))
    for box_id, paths in members.items():
        if not all(path in status for path in paths):
            found[box_id].add("pending")
    for box in boxes:
        if found[box.id] or box.node >= 0 or box.is_folded:
            box.status = merged(found[box.id])
