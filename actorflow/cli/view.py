"""The lines of a tree that fit a terminal: pure, and as cheap as there are lines, however many rows the tree has.

What goes on or has failed is shown first, what has ended well where there is room; the rest is counted. What has ended well as a whole is one
line.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from typing import NamedTuple

from actorflow.cli.tree import ACTIVE, STATES, Row, Tree
from actorflow.cli.words import GLYPHS, STYLES, WORDS, duration, first_line, printable

_BAR = 16
"""How wide a progress bar is, in characters."""


class Line(NamedTuple):
    """A line of the tree. `detail` may be cut at its end, `time` stands at the right."""

    depth: int
    glyph: str
    style: str
    name: str
    detail: str
    time: str


def lines(tree: Tree, room: int, now: float) -> list[Line]:
    """At most `room` lines for the whole tree. `now`: seconds of the run's monotonic clock."""
    return _under(tree.root, 0, max(room, 1), now)


def totals(tree: Tree) -> list[tuple[str, str]]:
    """How many steps are in which state, each with its style: the foot of the tree."""
    counts = _summary(tree.root.counts)
    return [(f"{GLYPHS[state]} {count:,} {WORDS[state]}", STYLES[state]) for state, count in counts]


# ── which rows ────────────────────────────────────────────────────────────────────────────────────────────────────────


def _under(row: Row, depth: int, room: int, now: float) -> list[Line]:
    """The lines of what is in a row: each child has its share of the room, and what one leaves is there for the next."""
    shown = _chosen(row, room)
    hidden = _hidden(row, shown)
    left = room - bool(hidden)
    found: list[Line] = []
    for number, child in enumerate(shown):
        share = (left - len(found)) // (len(shown) - number)
        found += _lines_of(child, depth, max(share, 1), now)
    if hidden:
        more = f"{sum(count for _, count in hidden):,} more"
        found.append(Line(depth, "…", "dim", more, _listed(hidden), ""))
    return found


def _chosen(row: Row, room: int) -> list[Row]:
    """As many children as fit, in the order in which they began: those that go on, then failures, then the last that ended well."""
    urgent = [*islice(row.active.values(), room), *islice(row.loud.values(), room)]
    quiet = len(row.quiet)
    if len(row.active) + len(row.loud) + quiet <= room and not any(row.dropped):
        return sorted((*urgent, *row.quiet.values()), key=_order)
    free = room - 1
    last = list(islice(reversed(row.quiet.values()), max(free - len(urgent), 0)))
    return sorted((*urgent[:free], *last), key=_order)


def _order(row: Row) -> int:
    return row.order


def _hidden(row: Row, shown: Sequence[Row]) -> list[tuple[str, int]]:
    """How many of the steps below aren't shown, by state."""
    if len(shown) == len(row.active) + len(row.loud) + len(row.quiet) and not any(row.dropped):
        return []
    counts = list(row.counts)
    if row.state and not row.is_scope:
        counts[STATES.index(row.state)] -= 1
    for child in shown:
        counts = [one - other for one, other in zip(counts, child.counts, strict=True)]
    return _summary(counts)


def _summary(counts: Sequence[int]) -> list[tuple[str, int]]:
    return [(state, count) for state, count in zip(STATES, counts, strict=True) if count > 0]


def _lines_of(row: Row, depth: int, room: int, now: float) -> list[Line]:
    name = row.label
    while not row.state and not any(row.dropped):  # what holds one thing alone is shown as one with it
        inner = list(islice(row.children, 2))
        if len(inner) != 1:
            break
        row = inner[0]
        name += row.label if row.label.startswith("[") else f".{row.label}"
    own = _line(row, depth, printable(name), now)
    parts = len(row.active) + len(row.loud)
    alone = parts == 1 and not row.quiet and not any(row.dropped)
    if not parts or room < (2 if alone else 3):
        return [own]
    return [own, *_under(row, depth + 1, room - 1, now)]


# ── how a row is shown ────────────────────────────────────────────────────────────────────────────────────────────────


def _line(row: Row, depth: int, name: str, now: float) -> Line:
    state = _state_of(row)
    detail = _parts(row) if _has_parts(row) else _detail(row, now)
    return Line(depth, GLYPHS[state], STYLES[state], name, detail, _time(row, state, now))


def _has_parts(row: Row) -> bool:
    """Whether it's what it holds that matters: a combinator, or a step that has added steps."""
    if not row.state or row.is_scope:
        return True
    return row.state == "succeeded" and row.steps > 1


def _state_of(row: Row) -> str:
    """A combinator that has ended is shown as undone once all in it is."""
    if not row.state:
        return _state_of_parts(row)
    if row.is_scope and row.state == "succeeded":
        back = "stuck" if row.count("stuck") else "undoing" if row.count("undoing") else "undone"
        return back if row.count(back) and not row.count("succeeded") else row.state
    return row.state


def _state_of_parts(row: Row) -> str:
    """Of what steps are in: that which matters most."""
    order = (
        "stuck", "undoing", "compensating", "failed", "running", "retrying", "waiting", "checking", "halted", "interrupted",
        "undone", "succeeded", "skipped",
    )  # fmt: skip
    return next((state for state in order if row.count(state)), "waiting")


def _parts(row: Row) -> str:
    return _listed(_summary(row.counts))


def _listed(counts: Sequence[tuple[str, int]]) -> str:
    return ", ".join(f"{count:,} {WORDS[state]}" for state, count in counts)


def _detail(row: Row, now: float) -> str:
    match row.state:
        case "retrying":
            return f"attempt {row.attempt} failed{_again(row, now)}{_why(row)}"
        case "running":
            return "  ".join(filter(None, (f"attempt {row.attempt}" if row.attempt > 1 else "", bar(row))))
        case "undoing" | "compensating":
            again = _again(row, now)
            tries = f", try {row.attempt}" if row.attempt > 1 or again else ""
            return f"{row.state}{tries}{again}{_why(row) if again or row.state == 'compensating' else ''}"
        case "failed":
            return f"{'compensated' if row.note else 'failed'}{_why(row)}"
        case "stuck":
            return f"{row.note}{_why(row)}"
        case "succeeded":
            return f"attempt {row.attempt}" if row.attempt > 1 else ""
        case "checking":
            return "guards"
        case "waiting":
            return f"waits {row.note}"
        case _:
            return row.state


def _again(row: Row, now: float) -> str:
    return "" if row.due is None or row.due <= now else f", again in {row.due - now:.1f} s"


def _why(row: Row) -> str:
    return "" if row.error is None else f": {first_line(row.error)}"


def bar(row: Row) -> str:
    """`██████──────────  40%`, or how much is done where nobody knows of how much."""
    if row.total is None:
        return f"{row.done:,.12g} done" if row.done else ""
    share = min(max(row.done / row.total, 0.0), 1.0) if row.total > 0 else 1.0
    full = int(share * _BAR)
    return f"{'█' * full}{'─' * (_BAR - full)} {share:4.0%}  {row.done:,.12g} of {row.total:,.12g}"


def _time(row: Row, state: str, now: float) -> str:
    if state in {"waiting", "checking", "skipped", "retrying"}:
        return ""
    if row.ended is None and state not in ACTIVE:
        return ""
    return duration(max((row.ended if row.ended is not None else now) - row.began, 0.0))
