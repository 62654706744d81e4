"""How numbers, times and names are shown."""

from __future__ import annotations

from actorflow.errors import describe

GLYPHS = {
    "checking": "◌",
    "waiting": "◌",
    "running": "●",
    "retrying": "↻",
    "succeeded": "✓",
    "skipped": "⊘",
    "halted": "⏸",
    "interrupted": "⏸",
    "failed": "✗",
    "compensating": "✚",
    "undoing": "↩",
    "undone": "↩",
    "stuck": "‼",
}
"""The signs of a step's states. `stuck`: its undo or its compensation was given up."""

WORDS = {state: state for state in GLYPHS} | {"stuck": "given up", "checking": "in guards"}
"""How the states are called."""

STYLES = {
    "checking": "dim",
    "waiting": "dim",
    "running": "cyan",
    "retrying": "yellow",
    "succeeded": "green",
    "skipped": "dim",
    "halted": "yellow",
    "interrupted": "yellow",
    "failed": "bold red",
    "compensating": "magenta",
    "undoing": "magenta",
    "undone": "magenta",
    "stuck": "bold red",
}
"""Rollback has a colour of its own: magenta."""


def duration(seconds: float) -> str:
    """`0.4 ms`, `12 ms`, `1.2 s`, `2 min 05 s`, `1 h 02 min`."""
    if seconds < 0.000_05:
        return "0 ms"
    if seconds < 0.001:
        return f"{seconds * 1000:.1f} ms"
    if seconds < 0.9995:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02} min"


def counted(count: int, word: str) -> str:
    return f"{count:,} {word}" if count == 1 else f"{count:,} {word}s"


def printable(text: str) -> str:
    """A text that stays on its line and does nothing to the terminal."""
    return text if text.isprintable() else "".join(each if each.isprintable() else "·" for each in text)


def first_line(error: BaseException) -> str:
    """An error on one line, for a row of the tree."""
    text = describe(error)
    line = text.partition("\n")[0]
    return printable(line if line == text else f"{line} …")
