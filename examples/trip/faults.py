"""Which trips meet which faults: the same ones every time, from a seed.

Each combination of service, operation, kind of fault and moment is dealt `EACH` times. Faults of the operations that take
something go to all trips that meet faults; those of the operations that give it back only make sense on trips that are
rolled back, so half of the faulty ones belong to travellers who withdraw.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import cycle
from random import Random
from typing import NamedTuple

OPERATIONS: Mapping[str, tuple[str, str]] = {
    "seats": ("reserve", "release"),
    "rooms": ("reserve", "release"),
    "cards": ("charge", "refund"),
}
"""What each service takes and gives back."""

KINDS = ("fail", "slow", "drop")
"""Answer 503; answer later than anybody waits for; close the connection without an answer."""

MOMENTS = ("before", "after")
"""Before the work is done, or after it."""

EACH = 5


class Fault(NamedTuple):
    service: str
    operation: str
    kind: str
    moment: str


class Scenario(NamedTuple):
    """The trips, by number, that meet faults, those that withdraw, and each trip's faults in the order it meets them."""

    faulty: frozenset[int]
    withdrawn: frozenset[int]
    faults: Mapping[int, Sequence[Fault]]


def every_fault(giving_back: bool | None = None) -> Iterator[Fault]:
    for service, operations in OPERATIONS.items():
        for operation in operations if giving_back is None else operations[giving_back : giving_back + 1]:
            for kind in KINDS:
                for moment in MOMENTS:
                    yield Fault(service, operation, kind, moment)


def scenario(trips: int, seed: int) -> Scenario:
    random = Random(seed)
    faulty = random.sample(range(trips), trips // 4)
    withdrawn = faulty[::2]
    faults: dict[int, list[Fault]] = defaultdict(list)
    deal([fault for fault in every_fault(giving_back=False) for _ in range(EACH)], faulty, faults)
    deal([fault for fault in every_fault(giving_back=True) for _ in range(EACH)], withdrawn, faults)
    return Scenario(frozenset(faulty), frozenset(withdrawn), faults)


def deal(cards: Sequence[Fault], players: Iterable[int], hands: dict[int, list[Fault]]) -> None:
    """In turns, service by service: so nobody's one operation gets more than a few."""
    for player, card in zip(cycle(players), cards, strict=False):
        hands[player].append(card)
