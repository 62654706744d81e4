"""What was found wrong with a workflow, and what couldn't be decided."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(slots=True)
class Findings:
    """Problems refuse the workflow; notes don't."""

    problems: list[str] = field(default_factory=list[str])
    notes: list[str] = field(default_factory=list[str])


def at(line: str, text: str) -> str:
    """A problem with the line that it was written on: `trips.py:17: …`."""
    return f"{line}: {text}" if line else text
