"""What of a run is recorded, and what of it waits for that (R48): a part of its row, if it has a store.

    message → decide → turn (its messages and facts as entries) → commit → starts, orders, events

The state may run ahead of what is stored; what a turn has caused is held back until its commit.
"""

from __future__ import annotations

from asyncio import Future
from collections import deque
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from actorflow.engine import CLOSING, HALTING, RUN
from actorflow.facts import Fact, RunEnded
from actorflow.runtime.desk import Desk
from actorflow.runtime.entries import MESSAGES_THAT_INFORM, noted, written
from actorflow.store import Entry, NewRun, Turn

if TYPE_CHECKING:
    from actorflow.engine import TakeOver
    from actorflow.runtime.row import Row
    from actorflow.telemetry import NodeNames


class Held(msgspec.Struct, gc=True):
    """What a turn has caused: it is done when the turn is stored."""

    started: Sequence[int]
    orders: Sequence[Any]
    facts: Sequence[Any]
    names: NodeNames | None
    more: bool
    now: float
    waits: bool = True  # for its commit
    is_stored: bool = True  # else it only informs


def key_of(message: Any) -> int:
    """Of a node there's one message at a time that isn't decided."""
    node: int = getattr(message, "node", -1)
    return node if node >= 0 else id(message)


class Journal:
    """Of one run. `sequence` is that of the last row that is stored, or under way."""

    __slots__ = (
        "accepted", "arriving", "consumed", "desk", "ends", "entries", "held", "is_closed", "is_strict", "is_under_way", "opening", "replaces", "sequence", "status",
        "taking", "turns",
    )  # fmt: skip

    def __init__(self, desk: Desk, *, is_strict: bool, opening: NewRun | None = None, sequence: int = 0) -> None:
        self.desk = desk
        self.is_strict = is_strict
        self.opening = opening  # the run itself isn't stored yet
        self.ends = False  # these turns have the run's end
        self.is_closed = False  # the run was let go: nothing more of it is recorded here
        self.replaces = False  # one of this id that has ended
        self.sequence = sequence
        self.status = "" if opening is None else "running"  # of the run, as far as the store was told
        self.turns: list[Turn] = []  # not on their way yet
        self.consumed: list[int] = []  # messages of the store that these turns have taken in
        # requests made of such messages, by identity, until they are decided
        self.arriving: dict[int, tuple[Any, int]] = {}
        self.held: deque[Held] = deque()
        self.is_under_way = False
        self.entries: dict[int, tuple[Any, Entry]] = {}  # of messages that were written before they were posted
        # what a run that has ended, and was built again, is told before anything else
        self.taking: TakeOver | None = None
        self.accepted: Future[None] | None = None  # done when the run is stored

    @property
    def waits(self) -> bool:
        """Whether something is held back already: what follows doesn't overtake it."""
        return bool(self.held) and self.held[-1].waits

    def must_wait(self, row: Row, messages: Sequence[Any], held: Held) -> bool:
        """R48: at `write_behind` only what can't be repeated waits: irreversible steps, a rollback, and the end of the run."""
        state = row.state
        if self.is_strict or state.phase not in (RUN, HALTING, CLOSING):
            return True
        steps = state.program.steps
        for node in held.started:
            if steps[node].irreversible:
                return True
        for message in messages:
            node = getattr(message, "node", -1)
            if node >= 0 and steps[node].irreversible:
                return True
        return False

    def prepare(self, row: Row, message: Any) -> None:
        """Writes a message before it is posted, so that what can't be stored fails its step. Raises `NotSerializable` (R56)."""
        self.entries[key_of(message)] = message, written(self.desk, row, message)

    def entry(self, row: Row, message: Any) -> Entry:
        found = self.entries.pop(key_of(message), None) if self.entries else None
        if found is not None and found[0] is message:
            return found[1]
        return written(self.desk, row, message)

    def take(self, row: Row, messages: Sequence[Any], facts: Sequence[Any]) -> bool:
        """Enters a turn. False if there is nothing to record: it changed nothing."""
        if len(messages) == 1 and type(messages[0]) in MESSAGES_THAT_INFORM:
            return False
        if self.arriving and (arrived := self.arriving.pop(id(messages[0]), None)) is not None:
            self.consumed.append(arrived[1])
        if facts and type(facts[-1]) is RunEnded:
            self.ends = True
        if len(messages) == 1 and facts and facts[0] is messages[0]:
            self.turns.append(Turn([self.entry(row, messages[0])], [noted(row, fact) for fact in facts[1:]]))
            return True
        told = set(map(id, messages))
        folded = {id(fact) for fact in facts}
        entries = [self.late(self.entry(row, one), one, folded) for one in messages]
        self.turns.append(Turn(entries, [noted(row, fact) for fact in facts if id(fact) not in told]))
        return True

    @staticmethod
    def late(entry: Entry, message: Any, folded: set[int]) -> Entry:
        """A fact that came too late, or counts as another one, is marked: it is decided again, but it is nothing that happened."""
        if not isinstance(message, Fact) or id(message) in folded:
            return entry
        return msgspec.structs.replace(entry, kind=f"~{entry.kind}")
