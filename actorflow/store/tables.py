"""What a store keeps, as its answers use it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol

from actorflow.errors import InvalidValue
from actorflow.store.base import Attempt
from actorflow.store.lead import Lead, Move
from actorflow.store.requests import ListRuns
from actorflow.store.row import Key, Row
from actorflow.store.runs import Note, RunMessage, RunRecord, RuntimeRecord, ScheduleRecord


class MustWrite(Exception):
    """A request that only reads has found something to write: it is asked again in a transaction that may."""


class Place(NamedTuple):
    """Where a run stands in a list: by its number; if runs of some time are asked for, by when they were created, then by number."""

    created: float
    number: int


def place(after: str | None) -> Place | None:
    """Where a page goes on; `None`: at the beginning."""
    if after is None:
        return None
    created, _, number = after.partition("/")
    try:
        return Place(float(created), int(number))
    except ValueError:
        raise InvalidValue(f"after is what `next` of a page was, not {after!r}") from None


class Tables(Protocol):
    """Within one request nobody else changes what is kept."""

    may_write: bool
    """Whether the transaction that goes on may write."""

    def now(self) -> float: ...

    def next_number(self) -> int:
        """Higher than all before: of a run, a runtime, a step run, a completion, a message or a note."""
        ...

    # ── runs ──────────────────────────────────────────────────────────────────────────────────────────────────────────

    def run_number(self, run_id: str) -> int | None: ...

    def run(self, run_id: str) -> RunRecord | None: ...

    def lead(self, run_id: str) -> Lead | None: ...

    def add_run(self, run: RunRecord) -> None: ...

    def move(self, move: Move) -> None: ...

    def keep_labels(self, number: int, labels: Mapping[str, str], updated: float) -> None: ...

    def drop_runs(self, numbers: Sequence[int]) -> None:
        """With all that belongs to them."""
        ...

    def page(self, query: ListRuns, after: Place | None, limit: int) -> list[tuple[Place, RunRecord]]:
        """`limit` runs at most that come after this place, newest first."""
        ...

    def count(self) -> dict[str, int]: ...

    def claimable(self, now: float, limit: int, workflows: Sequence[str] | None) -> list[Lead]:
        """Oldest first; nobody else can claim them until this transaction has ended."""
        ...

    def purgeable(self, before: float, statuses: Sequence[str], limit: int) -> list[int]:
        """Runs that nobody has, and that ended before then."""
        ...

    # ── runtimes ──────────────────────────────────────────────────────────────────────────────────────────────────────

    def runtime(self, number: int) -> RuntimeRecord | None: ...

    def runtimes(self) -> list[RuntimeRecord]: ...

    def lapsed(self, now: float, but: int) -> list[int]:
        """Runtimes whose lease is over; nobody else can fence them until this transaction has ended."""
        ...

    def keep_runtime(self, runtime: RuntimeRecord) -> None: ...

    def drop_runtime(self, number: int) -> None:
        """Its runs have no owner then."""
        ...

    # ── turns ─────────────────────────────────────────────────────────────────────────────────────────────────────────

    def add_turns(self, lead: Lead, turns: bytes) -> Lead:
        """After its tail; answers with the lead from then on."""
        ...

    def turns_at(self, number: int, sequence: int) -> bytes | None: ...

    def turns(self, number: int) -> list[bytes]: ...

    def backlog(self, number: int) -> Sequence[bytes]:
        """The turns that step runs aren't made of yet, in order."""
        ...

    def keep_projected(self, number: int, count: int) -> None:
        """Step runs are made of so many more."""
        ...

    # ── messages and notes ────────────────────────────────────────────────────────────────────────────────────────────

    def add_message(self, run: int, message: RunMessage) -> None: ...

    def drop_messages(self, run: int, numbers: Sequence[int]) -> None: ...

    def messages_of(self, run: int) -> list[RunMessage]: ...

    def messages_for(self, owner: int) -> list[RunMessage]: ...

    def add_note(self, run: int, note: Note) -> None: ...

    def notes(self, run: int) -> list[Note]: ...

    # ── schedules ─────────────────────────────────────────────────────────────────────────────────────────────────────

    def schedule(self, name: str) -> ScheduleRecord | None: ...

    def schedules(self) -> list[ScheduleRecord]:
        """Names in order."""
        ...

    def keep_schedule(self, schedule: ScheduleRecord) -> None: ...

    # ── step runs ─────────────────────────────────────────────────────────────────────────────────────────────────────

    def row(self, number: int) -> Row | None: ...

    def row_of(self, key: Key) -> Row | None: ...

    def rows(self, run: int) -> list[Row]: ...

    def add(self, row: Row) -> None: ...

    def keep(self, row: Row) -> None: ...

    def past_attempts(self, number: int) -> list[Attempt]: ...

    def keep_attempt(self, number: int, attempt: Attempt) -> None: ...
