"""What happened in a run, in order, as short texts that a test can be compared with.

    assert history(run).only(StepSucceeded, RunEnded) == ["step succeeded seat#1", "step succeeded charge#1", "run succeeded"]

A text is what a fact says, then the node and the number of the attempt; a handler's later tries are told too: `undo started seat#1
try 2`. Which of two independent steps goes first is chance: `same_up_to_causal_order` compares two histories without it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from operator import eq
from typing import Any, TypeAlias, cast, overload

import msgspec

from actorflow.errors import InvalidState
from actorflow.facts import Event, Fact, RunEnded
from actorflow.plan import Plan
from actorflow.telemetry import words_of, words_of_kind
from actorflow.testing.causal import Comparison, compared

Line: TypeAlias = "str | tuple[str] | tuple[str, str] | tuple[str, str, int] | Record"
"""What a record equals: its text, or a tuple of its words, its node, the number of its attempt, as far as they are given."""


class Record(msgspec.Struct, frozen=True, eq=False):
    """One fact of a history. `node` is empty for the run itself, `attempt` 0 before the first; `fact` and `at` have the rest."""

    words: str
    node: str = ""
    attempt: int = 0
    tries: int = 1
    fact: Any = None
    at: float = 0.0

    @property
    def text(self) -> str:
        """`step succeeded seat#1`, `undo started seat#1 try 2`, `run failed`."""
        if not self.node:
            return self.words
        number = f"#{self.attempt}" if self.attempt else ""
        return f"{self.words} {self.node}{number}" + (f" try {self.tries}" if self.tries > 1 else "")

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Record):
            return self.text == other.text
        if isinstance(other, str):
            return self.text == other
        if isinstance(other, tuple):
            given = cast("tuple[object, ...]", other)
            return bool(given) and (self.words, self.node, self.attempt)[: len(given)] == given
        return NotImplemented

    def __hash__(self) -> int:
        return hash(self.text)

    def __repr__(self) -> str:
        return repr(self.text)


class History(Sequence[Record]):
    """The facts of one run, in order. Equal to a list of texts or tuples of the same length, record by record."""

    def __init__(self, records: Iterable[Record], *, plan: Plan | None = None) -> None:
        self._records = tuple(records)
        self.plan = plan

    @classmethod
    def of_events(cls, events: Iterable[Event], *, plan: Plan | None = None) -> History:
        """The history that the events of one run tell."""
        return cls(map(record_of, events), plan=plan)

    @classmethod
    def of_texts(cls, texts: Iterable[Line], *, plan: Plan | None = None) -> History:
        """The history that texts tell. Raises `InvalidState` for a text that no fact has."""
        return cls(map(as_record, texts), plan=plan)

    # ── looking ───────────────────────────────────────────────────────────────────────────────────────────────────────

    @property
    def texts(self) -> list[str]:
        return [record.text for record in self._records]

    @property
    def facts(self) -> list[Fact]:
        return [record.fact for record in self._records]

    def only(self, *kinds: type[Fact]) -> History:
        """The records of facts of these types and their subtypes."""
        return History((one for one in self._records if isinstance(one.fact, kinds)), plan=self.plan)

    def without(self, *kinds: type[Fact]) -> History:
        """The records of all other facts."""
        return History((one for one in self._records if not isinstance(one.fact, kinds)), plan=self.plan)

    def of(self, *nodes: str) -> History:
        """The records of these nodes; `""` is the run itself."""
        return History((one for one in self._records if one.node in nodes), plan=self.plan)

    # ── comparing ─────────────────────────────────────────────────────────────────────────────────────────────────────

    def same_up_to_causal_order(self, other: History | Iterable[Line]) -> Comparison:
        """Whether both tell the same but for the order of what has nothing to do with each other: truthy or falsy, and with a
        text that names the differences.

        The order of the facts of a node is kept, that of the run's own facts, that of what is undone; every node comes after
        what it waits for; nothing goes past the start, a pause's end or a resume of the run. Who waited for which permits isn't
        compared. The dependencies are those of the histories' plan.
        """
        there = other if isinstance(other, History) else History.of_texts(other)
        return compared(self, there, self.plan or there.plan)

    def expect_same_up_to_causal_order(self, other: History | Iterable[Line]) -> None:
        """Raises `AssertionError` with the differences, if there are any."""
        comparison = self.same_up_to_causal_order(other)
        if not comparison:
            raise AssertionError(comparison.text)

    # ── being a sequence ──────────────────────────────────────────────────────────────────────────────────────────────

    @overload
    def __getitem__(self, index: int) -> Record: ...
    @overload
    def __getitem__(self, index: slice) -> History: ...
    def __getitem__(self, index: int | slice) -> Record | History:
        if isinstance(index, slice):
            return History(self._records[index], plan=self.plan)
        return self._records[index]

    def __len__(self) -> int:
        return len(self._records)

    def __iter__(self) -> Iterator[Record]:
        return iter(self._records)

    def __eq__(self, other: object) -> bool:
        if isinstance(other, (History, list, tuple)):
            lines = cast("Sequence[object]", other)
            return len(self) == len(lines) and all(map(eq, self._records, lines))
        return NotImplemented

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return "[" + "".join(f"\n  {text!r}," for text in self.texts) + ("\n" if self._records else "") + "]"


def record_of(event: Event) -> Record:
    """An event as one record of a history."""
    fact = event.fact
    tries: int = getattr(fact, "tries", 1)
    return Record(words_of(fact), event.node, event.attempt, tries, fact, event.monotonic)


# ── from texts ────────────────────────────────────────────────────────────────────────────────────────────────────────

STATUSES = ("succeeded", "failed", "halted", "cancelled", "undone")


def as_record(line: Line) -> Record:
    """A record that equals the line. Raises `InvalidState` if it begins with the words of no fact."""
    if isinstance(line, Record):
        return line
    if isinstance(line, tuple):
        return Record(*cast("tuple[str, str, int]", line))
    words = max((known for known in vocabulary() if begins_with(line, known)), key=len, default=None)
    if words is None:
        raise InvalidState(f"no fact is told as {line!r}\nA text is like 'step succeeded seat#1' or 'run failed'.")
    node, _, tries = line[len(words) :].strip().partition(" try ")
    node, _, attempt = node.partition("#")
    return Record(words, node, int(attempt or 0), int(tries or 1))


def begins_with(line: str, words: str) -> bool:
    return line == words or line.startswith(words + " ")


def vocabulary() -> set[str]:
    """The words of all facts."""
    told = {words_of_kind(kind) for kind in kinds_below(Fact) if kind is not RunEnded}
    return told | {f"run {status}" for status in STATUSES}


def kinds_below(kind: type[Fact]) -> Iterator[type[Fact]]:
    for below in kind.__subclasses__():
        yield below
        yield from kinds_below(below)
