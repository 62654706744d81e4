"""What a report needs of a run beside its outcome: what was undone and compensated, and why there is no snapshot."""

from __future__ import annotations

from typing import Any

from actorflow import facts
from actorflow.facts import Event

LISTED = 20
"""How many names of a kind are kept; the rest is counted."""


class Names:
    """The first names of many, and how many there are."""

    def __init__(self) -> None:
        self.first: list[str] = []
        self.count = 0

    def add(self, name: str) -> None:
        self.count += 1
        if len(self.first) < LISTED:
            self.first.append(name)

    def __str__(self) -> str:
        more = f", and {self.count - len(self.first):,} more" if self.count > len(self.first) else ""
        return ", ".join(self.first) + more


class Ledger:
    """Folds events; a pure reducer."""

    def __init__(self) -> None:
        self.undone = Names()
        self.compensated = Names()
        self.seconds: float | None = None
        self.no_snapshot = ""

    def take(self, event: Event) -> None:
        match event.fact:
            case facts.StepUndone():
                self.undone.add(event.node)
            case facts.StepCompensated():
                self.compensated.add(event.node)
            case facts.SnapshotFailed(message=message):
                self.no_snapshot = message
            case facts.RunEnded():
                self.seconds = event.duration
            case _:
                pass


TAKEN: tuple[type[Any], ...] = (facts.StepUndone, facts.StepCompensated, facts.SnapshotFailed, facts.RunEnded)
"""The types of facts that a report can't do without."""
