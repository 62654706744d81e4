"""What a node of a run is shown as: a closed list of statuses, each with its colour, and the one that stands for several."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from actorflow.errors import InvalidValue, suggest


class Colour(msgspec.Struct, frozen=True):
    """How a box is drawn: its ground, its border and its text as `#rrggbb`, empty for what it is anyway; `width` in pixels."""

    fill: str
    line: str
    text: str
    width: int = 1
    is_dashed: bool = False


MARKS: dict[str, Colour] = {
    "undoable": Colour("", "#2f7d4f", "", width=2),
    "irreversible": Colour("", "#b3372f", "", width=2, is_dashed=True),
    "inline": Colour("#f4f4f4", "#999999", "#333333"),
}
"""Kinds of steps, where no run is shown."""

COLOURS: dict[str, Colour] = {
    "undo_failed": Colour("#7b1e2b", "#4d0f18", "#ffffff"),
    "compensation_failed": Colour("#7b1e2b", "#4d0f18", "#ffffff"),
    "failed": Colour("#f6c9c5", "#b3372f", "#4d0f18"),
    "undoing": Colour("#e6d5f2", "#7a4a9e", "#3a1f4f"),
    "compensating": Colour("#e6d5f2", "#7a4a9e", "#3a1f4f"),
    "running": Colour("#cfe3fa", "#2f6db3", "#123253"),
    "waiting": Colour("#fdeebf", "#b38a1d", "#4f3b06"),
    "halted": Colour("#fbdcb8", "#b3651d", "#4f2a06"),
    "compensated": Colour("#efe6f5", "#9c7fb5", "#3a1f4f"),
    "undone": Colour("#efe6f5", "#9c7fb5", "#3a1f4f"),
    "pending": Colour("#ffffff", "#a0a0a0", "#555555"),
    "completed": Colour("#d3ecd6", "#2f7d4f", "#123d22"),
    "skipped": Colour("#eeeeee", "#a0a0a0", "#777777"),
}
"""All statuses, from what a person wants to see first to what can wait."""

ALIASES = {
    "ready": "pending",
    "waiting_for_permits": "waiting",
    "open": "running",
    "leaving": "running",
    "guarding": "running",
    "overdue": "running",
    "stopping": "running",
    "interrupted": "halted",
    "set_aside": "halted",
    "compensation_waiting": "compensating",
    "undo_waiting": "undoing",
    "succeeded": "completed",
}
"""Other names that they go by: the engine knows finer differences than a picture."""

_RANK = {status: rank for rank, status in enumerate(COLOURS)}


def known_status(status: str) -> str:
    """The status as `COLOURS` has it. Raises `InvalidValue` for one that is none."""
    name = status.lower().replace(" ", "_")
    name = ALIASES.get(name, name)
    if name not in COLOURS:
        raise InvalidValue(
            f"{status!r} is no status of a node{suggest(name, [*COLOURS, *ALIASES])}\nGive one of {', '.join(COLOURS)}."
        )
    return name


def merged(statuses: Iterable[str]) -> str:
    """The status that stands for several: the one that a person wants to see first; half done is running."""
    found = set(statuses)
    if "pending" in found and not found.isdisjoint(("completed", "skipped")):
        found.add("running")
    return min(found, key=_RANK.__getitem__, default="pending")
