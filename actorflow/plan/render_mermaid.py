"""A plan as a Mermaid flowchart: a subgraph per composed workflow and scope, dotted arrows for `after`, a class per look."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from actorflow.plan.boxes import STYLES, is_cluster, lines_of, style_of, title_of
from actorflow.plan.colours import Colour
from actorflow.plan.picture import Box, Look, Picture, all_boxes, draw
from actorflow.plan.plan import Plan


def mermaid(plan: Plan, look: Look) -> str:
    """The flowchart."""
    picture = draw(plan, look)
    lines = [f"flowchart {look.direction}", *_boxes(picture.boxes, look, "    ")]
    lines += [f"    {each.tail.id} {'-->' if each.takes else '-.->'} {each.head.id}" for each in picture.arrows]
    lines += [f'    more["{escaped(picture.note)}"]'] if picture.note else []
    return "\n".join([*lines, *_classes(picture)]) + "\n"


def _boxes(boxes: Sequence[Box], look: Look, indent: str) -> Iterator[str]:
    for box in boxes:
        if is_cluster(box):
            yield f'{indent}subgraph {box.id}["{escaped(title_of(box, look))}"]'
            yield from _boxes(box.children, look, f"{indent}    ")
            yield f"{indent}end"
        else:
            yield f"{indent}{_box(box, look)}"


def _box(box: Box, look: Look) -> str:
    label = "<br/>".join(map(escaped, lines_of(box, look)))
    style = style_of(box)
    shape = f'["{label}"]' if box.kind == "step" else f'[["{label}"]]'
    return f"{box.id}{shape}" + (f":::{style}" if style else "")


def _classes(picture: Picture) -> Iterator[str]:
    """What the classes look like that are used, and which subgraphs have them."""
    boxes = list(all_boxes(picture.boxes))
    used = {style for box in boxes if (style := style_of(box))}
    for name, colour in STYLES.items():
        if name in used:
            yield f"    classDef {name} {_look(colour)}"
            around = ",".join(box.id for box in boxes if is_cluster(box) and style_of(box) == name)
            if around:
                yield f"    class {around} {name}"


def _look(colour: Colour) -> str:
    parts = [
        f"fill:{colour.fill}" if colour.fill else "",
        f"stroke:{colour.line}",
        f"stroke-width:{colour.width}px" if colour.width != 1 else "",
        "stroke-dasharray:5 3" if colour.is_dashed else "",
        f"color:{colour.text}" if colour.text else "",
    ]
    return ",".join(filter(None, parts))


def escaped(label: str) -> str:
    """A label in which Mermaid sees text alone: no end of the label, no markup, no list."""
    line = " ".join(label.splitlines())
    return "".join(each if _is_plain(line, i, each) else f"#{ord(each)};" for i, each in enumerate(line))


def _is_plain(label: str, i: int, character: str) -> bool:
    """Whether a character stands for itself: an underscore within a word does, and a dash that doesn't begin a list."""
    if character == "_":
        return label[i - 1 : i].isalnum() and label[i + 1 : i + 2].isalnum()
    return character.isalnum() or character in " ,:/()·↩✚⚠↻⏲…" or (character in "-+" and i > 0)
