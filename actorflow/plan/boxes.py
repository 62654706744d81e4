"""What the boxes of a picture say and how they look, whatever language they're written in."""

from __future__ import annotations

from collections.abc import Iterator

from actorflow.plan.bodies import kind_of, scope_words
from actorflow.plan.colours import COLOURS, MARKS, Colour
from actorflow.plan.picture import Box, Look
from actorflow.plan.words import counted, description_of, ending_words, wait_words

STYLES: dict[str, Colour] = {**MARKS, **COLOURS}
"""All looks that a box can have, by name."""


def style_of(box: Box) -> str:
    """The name of a box's look, empty if it has none: its status in the run that is shown, or what kind of step it is."""
    if box.status or box.kind != "step":
        return box.status
    spec = box.plan.steps[box.node]
    if spec.irreversible:
        return "irreversible"
    if spec.undo:
        return "undoable"
    return "inline" if spec.mode in ("inline", "wait") else ""


def lines_of(box: Box, look: Look) -> Iterator[str]:
    """What stands in a box, a line each."""
    yield f"↻ {box.name}" if box.kind == "again" else box.label
    words = " · ".join(filter(None, kind_words(box)))
    if words and box.kind != "again":
        yield words
    yield from described(box, look)
    if box.node >= 0 and (wait := box.plan.steps[box.node].wait) is not None:
        yield f"⏲ {wait_words(wait)}"
    if box.node >= 0:
        yield from ending_words(box.plan.steps[box.node])


def title_of(box: Box, look: Look) -> str:
    """What stands over the boxes in a box."""
    return " · ".join(lines_of(box, look))


def kind_words(box: Box) -> Iterator[str]:
    """What a box is that is more than a step."""
    if box.kind == "scope":
        kind = kind_of(box.plan, box.node)
        yield "" if box.label == kind else kind
        yield from scope_words(box.plan.scopes[box.node].control)
    if box.kind == "again":
        yield "again, as above"
    if box.steps:
        yield counted(box.steps, "step")


def described(box: Box, look: Look) -> Iterator[str]:
    """The first line of a step's description, if descriptions are wanted and it has one."""
    line = description_of(box.plan.steps[box.node].description) if look.descriptions and box.node >= 0 else ""
    if line:
        yield line


def is_cluster(box: Box) -> bool:
    """Whether it's drawn around others."""
    return bool(box.children) or box.kind == "body" or (box.kind == "scope" and not box.is_folded)
