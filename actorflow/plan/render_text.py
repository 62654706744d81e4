"""A plan as text: a line per step, by level, with all that it says of itself."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from actorflow.plan.bodies import steps_in
from actorflow.plan.boxes import described, kind_words
from actorflow.plan.picture import Arrow, Box, Look, Picture, draw
from actorflow.plan.plan import Plan
from actorflow.plan.words import counted, description_of, head_words, step_words

_SOME = 4
"""How many names a line lists before it says how many more there are."""
_WIDEST = 40


class Ladder:
    """The levels of a plan: per node how many nodes stand before it on the longest way to it, itself included; 1 for a root.

    A composed workflow is where its first node is.
    """

    def __init__(self, plan: Plan) -> None:
        self.of_node = _levels(plan)
        self.of_workflow: dict[str, int] = {}
        for name, level in zip(plan.names, self.of_node, strict=True):
            outer, dot, _ = name.partition(".")
            if dot:
                self.of_workflow[outer] = min(level, self.of_workflow.get(outer, level))


def _levels(plan: Plan) -> list[int]:
    found = [1] * len(plan)
    counts = list(plan.counts)
    ready = list(plan.roots)
    while ready:
        node = ready.pop()
        for i in plan.dependents[node]:
            found[i] = max(found[i], found[node] + 1)
            counts[i] -= 1
            if not counts[i]:
                ready.append(i)
    return found


def text(plan: Plan, look: Look) -> str:
    """The plan's header, then its steps."""
    picture = draw(plan, look)
    ladder = Ladder(plan)
    sizes = f"{counted(steps_in(plan), 'step')} in {counted(max(ladder.of_node, default=0), 'level')}"
    about = description_of(plan.description) if look.descriptions else ""
    head = [head_words(plan), *([about] if about else []), sizes]
    rows = _Rows(picture, ladder)
    lines = rows.sideways() if look.direction == "LR" else rows.of(picture.boxes, "  ")
    note = [f"  {picture.note}"] if picture.note else []
    return "\n".join([*head, *lines, *note])


class _Rows:
    """The lines of a picture. It has a ladder for each plan in it, by the plan's id."""

    def __init__(self, picture: Picture, ladder: Ladder) -> None:
        self._picture = picture
        self._ladders = {id(picture.plan): ladder}
        self._comes: dict[str, list[Arrow]] = {}
        for arrow in picture.arrows:
            self._comes.setdefault(arrow.head.id, []).append(arrow)

    def of(self, boxes: Sequence[Box], indent: str) -> Iterator[str]:
        """A line per box, by level; what is in a scope follows it, further in."""
        rows = sorted(_flat(boxes), key=self._level)
        margin = max((len(str(self._level(box))) for box in rows), default=0)
        width = min(_WIDEST, max((len(_name(box)) for box in rows), default=0))
        for box in rows:
            yield f"{indent}{self._level(box):>{margin}}  {_name(box):<{width}}  {self._about(box)}".rstrip()
            inner = f"{indent}{' ' * margin}    "
            if box.kind == "scope":
                yield from self._bodies(box.children, inner)

    def _bodies(self, boxes: Sequence[Box], indent: str) -> Iterator[str]:
        for box in boxes:
            if box.kind == "body":
                yield f"{indent}{_shown(box.name)}:" + ("" if box.children else " nothing to run")
                yield from self.of(box.children, f"{indent}  ")
        yield from self.of([box for box in boxes if box.kind != "body"], indent)

    def sideways(self) -> Iterator[str]:
        """A line per level, with the names alone; scopes are one name each."""
        found: dict[int, list[str]] = {}
        for box in _flat(self._picture.boxes):
            found.setdefault(self._level(box), []).append(_name(box) + (f" {box.status}" if box.status else ""))
        margin = len(str(max(found, default=0)))
        return (f"  {level:>{margin}}  {' · '.join(found[level])}" for level in sorted(found))

    def _level(self, box: Box) -> int:
        """That of its node; of a folded workflow that of its first one."""
        ladder = self._ladders.get(id(box.plan))
        if ladder is None:
            ladder = self._ladders[id(box.plan)] = Ladder(box.plan)
        return ladder.of_node[box.node] if box.node >= 0 else ladder.of_workflow.get(box.name, 1)

    def _about(self, box: Box) -> str:
        comes = self._comes.get(box.id, ())
        parts = [
            box.status,
            *kind_words(box),
            _listed("←", [arrow.tail.name for arrow in comes if arrow.takes]),
            _listed("after", [arrow.tail.name for arrow in comes if not arrow.takes]),
            *(step_words(box.plan.steps[box.node], box.name) if box.node >= 0 else ()),
            *(described(box, self._picture.look)),
        ]
        return " · ".join(filter(None, parts))


def _flat(boxes: Sequence[Box]) -> Iterator[Box]:
    """The boxes with a line of their own: those of a composed workflow stand beside the others, under their whole names."""
    for box in boxes:
        if box.kind == "workflow" and not box.is_folded:
            yield from _flat(box.children)
        else:
            yield box


def _name(box: Box) -> str:
    return _shown(box.name)


def _shown(name: str) -> str:
    """A name on one line."""
    return name if name.isprintable() else "".join(each if each.isprintable() else repr(each)[1:-1] for each in name)


def _listed(word: str, names: Sequence[str]) -> str:
    more = f" and {len(names) - _SOME:,} more" if len(names) > _SOME else ""
    return f"{word} {', '.join(map(_shown, names[:_SOME]))}{more}" if names else ""
