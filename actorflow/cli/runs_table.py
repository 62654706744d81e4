"""Tables: drawn on a terminal, aligned columns in a pipe."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TypeAlias

from actorflow.cli.output import Output
from actorflow.cli.words import GLYPHS, STYLES, printable
from actorflow.store import RuntimeRecord

Cell: TypeAlias = tuple[str, str]
"""A text and its style."""

RUN_STYLES = {
    "running": "cyan",
    "halting": "yellow",
    "halted": "yellow",
    "rolling_back": "magenta",
    "undoing": "magenta",
    "undone": "magenta",
    "cancelled": "magenta",
    "succeeded": "green",
    "failed": "bold red",
}
RUN_GLYPHS = {"running": "●", "halting": "⏸", "halted": "⏸", "rolling_back": "↩", "undoing": "↩", "undone": "↩", "cancelled": "✗", "succeeded": "✓", "failed": "✗"}  # fmt: skip
STEP_STATES = {
    "completed": "succeeded",
    "pending": "waiting",
    "ready": "waiting",
    "waiting for permits": "waiting",
    "in guards": "checking",
    "sleeping": "waiting",
    "waiting for a signal": "waiting",
    "waiting for approval": "waiting",
    "waiting": "retrying",
    "set aside": "interrupted",
    "undo failed": "stuck",
    "dealt with": "undone",
}
"""A step's statuses as the states that have signs and styles, where they are called otherwise."""


def run_status(status: str) -> Cell:
    return f"{RUN_GLYPHS.get(status, '·')} {status.replace('_', ' ')}", RUN_STYLES.get(status, "")


def step_status(status: str) -> Cell:
    state = STEP_STATES.get(status, status)
    return f"{GLYPHS.get(state, '·')} {status}", STYLES.get(state, "")


def table(output: Output, heads: Sequence[str], rows: Sequence[Sequence[Cell]], indent: str = "") -> None:
    """Writes a table; without heads if they are all empty."""
    clean = [[(printable(text), style) for text, style in row] for row in rows]
    if output.is_terminal:
        drawn(output, heads, clean, indent)
        return
    lines = [[text for text, _ in row] for row in clean]
    if any(heads):
        lines.insert(0, [head.upper() for head in heads])
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for line in lines:
        output.text((indent + "  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True))).rstrip())


def drawn(output: Output, heads: Sequence[str], rows: Sequence[Sequence[Cell]], indent: str) -> None:
    from rich.table import Table
    from rich.text import Text

    shown = Table(box=None, show_header=any(heads), header_style="dim", pad_edge=False, padding=(0, 2, 0, 0))
    shown.add_column("", no_wrap=True) if indent else None
    for head in heads:
        shown.add_column(head, overflow="fold")
    for row in rows:
        cells = [Text(text, style=style) for text, style in row]
        shown.add_row(*([Text(indent[:-2])] if indent else []), *cells)
    output.console.print(shown, soft_wrap=False)


def runtime_text(owner: RuntimeRecord) -> str:
    """Its number, its host and its process."""
    return f"runtime {owner.number} ({owner.name.partition(';')[0]})"


def when(time: float | None) -> str:
    """A moment, in the time zone of whoever looks: `2030-01-01 00:00:05`."""
    return "" if time is None else f"{datetime.fromtimestamp(time, UTC).astimezone():%Y-%m-%d %H:%M:%S}"
