"""How fast it has to be: the highest that a figure may be, as a ratio to raw or as a value, on 3.12 and later and on 3.11; or the lowest."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import NamedTuple

from benchmarks.harness import Figure


class Target(NamedTuple):
    """`figure` is `benchmark/workload/variant`, with wildcards; `of` is the field that is bounded.

    With `is_least` the bound is the lowest that the figure may be: one that counts what is done in a time.
    """

    figure: str
    of: str
    at_most: float
    at_most_on_3_11: float | None = None
    is_least: bool = False

    @property
    def bound(self) -> float:
        older = sys.version_info < (3, 12) and self.at_most_on_3_11 is not None
        return self.at_most_on_3_11 if older and self.at_most_on_3_11 is not None else self.at_most

    def verdict(self, found: float) -> str:
        is_met = found >= self.bound if self.is_least else found <= self.bound
        return f"{'≥' if self.is_least else '≤'} {self.bound:.2f} {'✓' if is_met else '✗'}"


WORKLOADS = ("chain", "fan", "layers", "diamonds")

TARGETS = (
    *(Target(f"overhead/{workload}/async-0", "ratio", 1.3, 2.3) for workload in WORKLOADS),
    *(Target(f"overhead/{workload}/async-1", "ratio", 1.6, 2.6) for workload in WORKLOADS),
    Target("overhead/chain/inline-0", "ratio", 0.7),
    Target("overhead/fan/inline-0", "ratio", 0.7),
    Target("overhead/layers/inline-0", "ratio", 0.9),
    Target("overhead/diamonds/inline-0", "ratio", 1.1),
    Target("overhead/diamonds-sequential/inline-0", "ratio", 1.3),
    Target("scaling/*-100000/async-0 ÷1000", "value", 1.25),
    Target("scaling/*-100000/inline-0 ÷1000", "value", 1.25),
    Target("io/fan/async-0", "ratio", 1.15),
    Target("awaits/fan/async-0", "ratio", 1.25, 1.3),
    Target("undo/chain/undo-async", "ratio", 2.0, 2.5),
    Target("memory/sleeping-*/async-0", "value", 3.0),
    Target("hop/*/worst", "value", 20.0),
    Target("imports/import/actorflow", "ratio", 1.5),
    Target("combinators/each */each", "ratio", 1.5),
    Target("combinators/composed */composed", "ratio", 1.1),
    Target("combinators/* items */÷1000", "value", 1.25),
    Target("combinators/* items/memory over results", "value", 64.0),
    Target("cli/help/--help", "value", 0.4),
    Target("cli/live tree/tree", "ratio", 1.1),
    Target("actors/send/actor", "ratio", 1.0),
    Target("actors/ask/actor", "ratio", 1.25),
    Target("actors/spawn and stop/actor", "ratio", 1.25),
    Target("store/* runs at once/sqlite", "ratio", 3.0),
    Target("store/* runs at once/postgres", "ratio", 3.0),
    Target("store/one chain/sqlite", "ratio", 1.3),
    Target("store/write-behind/over no store", "value", 15.0),
    Target("store/sqlite, 1 at once/runtime", "ratio", 0.5, is_least=True),
    Target("store/sqlite, 20 at once/runtime", "ratio", 0.3, is_least=True),
    Target("store/*, 1 at once/runtime ÷ dbos", "value", 15.0, is_least=True),
    Target("store/*, 20 at once/runtime ÷ dbos", "value", 40.0, is_least=True),
    Target("store/* runs left/recovered", "value", 10.0),
    Target("store/* runs left/memory", "value", 256.0),
    Target("store/*, * ended/full", "ratio", 1.5),
)


def targets_of(figure: Figure) -> Iterator[Target]:
    name = f"{figure.benchmark}/{figure.workload}/{figure.variant}"
    return (target for target in TARGETS if fnmatchcase(name, target.figure))


def judged(figure: Figure) -> str:
    """`≤ 1.30 ✓`, `≥ 0.50 ✗`, or nothing where nothing is asked."""
    return ", ".join(target.verdict(measured(figure, target)) for target in targets_of(figure))


def measured(figure: Figure, target: Target) -> float:
    return figure.value if target.of == "value" or figure.ratio_to_raw is None else figure.ratio_to_raw
