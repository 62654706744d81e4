"""What the table of permits is made of: pools, lanes of waiting nodes, the turns of the runs, and who holds what.

A lane is a line of nodes of one run that wait for the same pools in the same way, so whoever is first in it can go if
any of it can. A pool knows the lanes that wait for it, by urgency, and within one by the turn of their run.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import OrderedDict, deque
from collections.abc import Iterator
from typing import TypeAlias

import msgspec

from actorflow.policy import Limit, Rate

Owner: TypeAlias = tuple[str, int]
"""A node of a run."""

Urgency: TypeAlias = tuple[bool, int]
"""Sorts lanes: first those at the front (`False`), then by descending priority."""

REMEMBERED = 1024
"""How many runs a pool remembers to have served; one that is forgotten counts as new."""


class Lane:
    """Nodes of one run that wait for the same pools; each with the number of its question, so the first waits longest."""

    __slots__ = ("lineage", "pools", "run", "urgency", "waiters")

    def __init__(self, run: str, pools: tuple[Pool, ...], urgency: Urgency, lineage: tuple[Owner, ...]) -> None:
        self.run = run
        self.pools = pools
        self.urgency = urgency
        self.lineage = lineage
        self.waiters: OrderedDict[int, int] = OrderedDict()

    @property
    def takes_rate(self) -> bool:
        """Only steps count as starts; undos and compensations at the front don't (R28)."""
        return self.urgency[0]

    @property
    def since(self) -> int:
        return next(iter(self.waiters.values()))


class Holding:
    """What a node holds. `sources` says from which ancestor a pool's permit is borrowed, `lent` to whom it is (R30)."""

    __slots__ = ("lent", "name", "orphaned", "owner", "pools", "sources", "started", "takes_rate")

    def __init__(self, owner: Owner, pools: tuple[Pool, ...], started: float, takes_rate: bool) -> None:
        self.owner = owner
        self.pools = pools
        self.started = started
        self.takes_rate = takes_rate
        self.orphaned = False
        self.name = ""  # of an orphan's node
        self.sources: dict[Pool, Holding] | None = None
        self.lent: dict[Pool, Holding] | None = None

    def borrow(self, pool: Pool, source: Holding) -> None:
        """Takes what `source` holds of the pool as lent by it."""
        if self.sources is None:
            self.sources = {}
        if source.lent is None:
            source.lent = {}
        self.sources[pool] = source
        source.lent[pool] = self

    def may_lend(self, pool: Pool) -> bool:
        return pool in self.pools and (self.lent is None or pool not in self.lent)


class Turns:
    """The runs that wait with one urgency for one pool: who was served longest ago goes first, a new one last."""

    __slots__ = ("lanes", "order", "turn")

    def __init__(self) -> None:
        self.order: list[tuple[int, str]] = []
        self.turn: dict[str, int] = {}
        self.lanes: dict[str, list[Lane]] = {}

    def join(self, lane: Lane, turn: int) -> None:
        if lane.run not in self.turn:
            self.turn[lane.run] = turn
            self.lanes[lane.run] = []
            insort(self.order, (turn, lane.run))
        self.lanes[lane.run].append(lane)

    def leave(self, lane: Lane) -> None:
        lanes = self.lanes[lane.run]
        lanes.remove(lane)
        if not lanes:
            self._take_out(lane.run)
            del self.lanes[lane.run], self.turn[lane.run]

    def served(self, run: str, turn: int) -> None:
        if run not in self.turn:
            return
        if len(self.order) == 1:
            self.order[0] = (turn, run)
        else:
            self._take_out(run)
            insort(self.order, (turn, run))
        self.turn[run] = turn

    def _take_out(self, run: str) -> None:
        del self.order[bisect_left(self.order, (self.turn[run], run))]


class Pool:
    """The permits of one limit, or of one key of it. `held` counts what is taken, without what is borrowed of it."""

    __slots__ = (
        "alarm", "at_most", "held", "is_keyed", "key", "lines", "name", "orphaned", "rate", "served", "starts", "turn",
        "waiting", "with_lineage",
    )  # fmt: skip

    def __init__(self, limit: Limit, key: object, at_most: int | None, rate: Rate | None) -> None:
        self.name = limit.name
        self.key = key
        self.is_keyed = limit.key is not None
        self.at_most = at_most
        self.rate = rate
        self.held = 0
        self.orphaned = 0
        self.waiting = 0
        self.with_lineage = 0
        self.starts: deque[float] = deque()
        self.lines: dict[Urgency, Turns] = {}
        self.served: OrderedDict[str, int] = OrderedDict()
        self.turn = 0
        self.alarm: float | None = None

    def __str__(self) -> str:
        return repr(self.name) + (f"[{self.key}]" if self.key is not None else "")

    # ── how much there is ─────────────────────────────────────────────────────────────────────────────────────────

    def is_full(self) -> bool:
        return self.at_most is not None and self.held >= self.at_most

    def is_spent(self, now: float) -> bool:
        """Whether the window of the rate that ends now has as many starts as it may have."""
        return self.rate is not None and self._starts_since(now, self.rate) >= self.rate.starts

    def spent_until(self, now: float) -> float | None:
        """When the rate allows another start, if it doesn't now."""
        if self.rate is None or not self.is_spent(now) or self.rate.starts < 1:
            return None
        return self.starts[len(self.starts) - self.rate.starts] + self.rate.per

    def fades_at(self, now: float) -> float | None:
        """When the rate has forgotten all starts; `None` if it has."""
        if self.rate is None or not self._starts_since(now, self.rate):
            return None
        return self.starts[-1] + self.rate.per

    def is_free(self) -> bool:
        return not self.held and not self.lines

    def take_back_start(self, started: float) -> None:
        """Forgets a start that wasn't used."""
        if started in self.starts:
            self.starts.remove(started)

    def _starts_since(self, now: float, rate: Rate) -> int:
        starts = self.starts
        while starts and starts[0] + rate.per <= now:
            starts.popleft()
        return len(starts)

    # ── who waits ─────────────────────────────────────────────────────────────────────────────────────────────────

    def join(self, lane: Lane) -> None:
        turns = self.lines.get(lane.urgency)
        if turns is None:
            turns = self.lines[lane.urgency] = Turns()
        turn = self.served.get(lane.run)
        turns.join(lane, self._next_turn() if turn is None else turn)
        self.with_lineage += bool(lane.lineage)

    def leave(self, lane: Lane) -> None:
        turns = self.lines[lane.urgency]
        turns.leave(lane)
        if not turns.order:
            del self.lines[lane.urgency]
        self.with_lineage -= bool(lane.lineage)

    def serve(self, run: str) -> None:
        """Puts the run behind all others."""
        turn = self.served[run] = self._next_turn()
        self.served.move_to_end(run)
        if len(self.served) > REMEMBERED:
            self.served.popitem(last=False)
        for turns in self.lines.values():
            turns.served(run, turn)

    def in_order(self, now: float) -> Iterator[list[Lane]]:
        """The lanes of each run in the order in which the runs should be asked, without those that a rate keeps out."""
        is_spent = self.is_spent(now)
        for urgency in sorted(self.lines):
            if is_spent and urgency[0]:
                return
            turns = self.lines[urgency]
            for _, run in turns.order:
                yield turns.lanes[run]

    def _next_turn(self) -> int:
        self.turn += 1
        return self.turn


class PoolStatus(msgspec.Struct, frozen=True):
    """A pool, for people. `orphaned` of the `held` belong to abandoned threads (R12). `key` is `None` without `key=`."""

    name: str
    key: object
    at_most: int | None
    rate: Rate | None
    held: int
    waiting: int
    orphaned: int
