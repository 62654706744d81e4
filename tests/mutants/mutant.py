"""A mutant: ActorFlow with one thing wrong, as data."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]


class Stale(Exception):
    """The code has changed so that a mutant says nothing any more: give it a text that is there, once."""


class Mutant(NamedTuple):
    """In `file`, a path below `actorflow/`, the text `old` becomes `new`. `rules` are those that it breaks, whose tests are asked first, unless
    `tests` names quicker ones.
    """

    name: str
    rules: str
    file: str
    old: str
    new: str
    tests: str = ""

    @property
    def path(self) -> str:
        return f"actorflow/{self.file}"

    @property
    def is_simulated(self) -> bool:
        """Whether the simulated worlds run through it: they know the engine alone."""
        return self.file.startswith("engine/")

    def applied(self, root: Path = ROOT) -> str:
        """The file as the mutant has it. Raises `Stale` unless the old text occurs exactly once."""
        source = (root / self.path).read_text()
        count = source.count(self.old)
        if count != 1:
            raise Stale(f"{self.name}: its old text occurs {count} times in {self.path}:\n{self.old}")
        return source.replace(self.old, self.new)
