"""A plan as Graphviz DOT: a cluster per composed workflow and scope, dashed arrows for `after`. `dot -Tsvg` makes a picture of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from actorflow.plan.boxes import STYLES, is_cluster, lines_of, style_of, title_of
from actorflow.plan.colours import Colour
from actorflow.plan.picture import Arrow, Box, Look, draw
from actorflow.plan.plan import Plan

_HEAD = (
    "    compound=true",
    '    graph [fontname="Helvetica,Arial,sans-serif", fontsize=12, style=rounded, color="#999999"]',
    '    node [fontname="Helvetica,Arial,sans-serif", fontsize=12, shape=box, style="rounded,filled", fillcolor="#ffffff"]',
    '    edge [fontname="Helvetica,Arial,sans-serif", fontsize=10, arrowsize=0.7]',
)

_PLAIN = Colour("#ffffff", "#999999", "#333333")
"""A cluster with no look of its own among some that have one: it would have theirs, if it's inside."""


def dot(plan: Plan, look: Look) -> str:
    """The graph."""
    picture = draw(plan, look)
    lines = [f"digraph {quoted(plan.name)} {{", *_HEAD, f"    rankdir={'LR' if look.direction == 'LR' else 'TB'}"]
    lines += _boxes(picture.boxes, look, "    ")
    lines += map(_arrow, picture.arrows)
    lines += [f"    more [shape=plaintext, style=solid, label={quoted(picture.note)}]"] if picture.note else []
    return "\n".join([*lines, "}"]) + "\n"


def _boxes(boxes: Sequence[Box], look: Look, indent: str) -> Iterator[str]:
    for box in boxes:
        if is_cluster(box):
            yield f"{indent}subgraph cluster_{box.id} {{"
            yield f"{indent}    label={quoted(title_of(box, look))}"
            own = STYLES.get(style_of(box)) or (_PLAIN if look.status is not None else None)
            yield from (f"{indent}    {each}" for each in _colours(own, ("bgcolor", "color")))
            yield from _boxes(box.children, look, f"{indent}    ")
            yield from [f"{indent}    {box.id} [shape=point, style=invis]"] if not box.children else []
            yield f"{indent}}}"
        else:
            yield f"{indent}{_box(box, look)}"


def _box(box: Box, look: Look) -> str:
    label = quoted("\n".join(lines_of(box, look)))
    double = ["peripheries=2"] if box.kind != "step" else []
    return f"{box.id} [{', '.join([f'label={label}', *double, *_colours(STYLES.get(style_of(box)), ('fillcolor', 'color'))])}]"


def _colours(style: Colour | None, names: tuple[str, str]) -> Iterator[str]:
    """A look, with the names that a node or a cluster has for its ground and its border."""
    if style is not None:
        fill, line = names
        yield from [f'{fill}="{style.fill}"'] if style.fill else []
        yield f'{line}="{style.line}"'
        yield from [f'fontcolor="{style.text}"'] if style.text else []
        yield from [f"penwidth={style.width}"] if style.width != 1 else []
        yield from ['style="rounded,filled,dashed"'] if style.is_dashed else []


def _arrow(arrow: Arrow) -> str:
    """Graphviz draws between boxes alone: an arrow to a cluster goes to its first box, and is cut at the border."""
    tail, head = _last(arrow.tail), _first(arrow.head)
    parts = [
        f"ltail=cluster_{arrow.tail.id}" if is_cluster(arrow.tail) else "",
        f"lhead=cluster_{arrow.head.id}" if is_cluster(arrow.head) else "",
        "" if arrow.takes else "style=dashed",
    ]
    said = ", ".join(filter(None, parts))
    return f"    {tail.id} -> {head.id}" + (f" [{said}]" if said else "")


def _first(box: Box) -> Box:
    return _first(box.children[0]) if box.children else box


def _last(box: Box) -> Box:
    return _last(box.children[-1]) if box.children else box


def quoted(text: str) -> str:
    """A text as DOT has it: no escapes but of lines, no entities, no characters that can't be shown."""
    shown = "".join(each if each.isprintable() or each == "\n" else "�" for each in text.replace("\r\n", "\n"))
    plain = shown.replace("&", "&amp;").replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{plain}"'
