"""What was found wrong with a workflow, and what couldn't be decided."""

from __future__ import annotations

import msgspec


class Findings(msgspec.Struct):
    """Problems refuse the workflow; notes don't."""

    problems: list[str] = []
    notes: list[str] = []


def at(line: str, text: str) -> str:
    """A problem with the line that it was written on: `trips.py:17: …`."""
    return f"{line}: {text}" if line else text
