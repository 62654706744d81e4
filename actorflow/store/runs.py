"""What a store keeps of runs and of the runtimes that have them, and what it can be asked of them.

A run is *unfinished* (running, halting, rolling_back, undoing) or *ended* (halted, succeeded, failed, cancelled, undone). A runtime that uses a
store *joins* it: it gets a number, which is its fencing token and the `owner` of the runs that it has, and a *lease*, which it renews.

    join ──> open_run, claim_runs ──> append … append ──> (the run has ended, or release_run) ──> leave
                  ^                       │
                  └── the lease lapses: another runtime claims the run, and from then on the first one's writes are refused (`LeaseExpired`)

What a run did is its *turns*, in order (see `journal`); step runs are made of them when somebody asks.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

import msgspec

UNFINISHED = frozenset({"running", "halting", "rolling_back", "undoing"})
ENDED = frozenset({"halted", "succeeded", "failed", "cancelled", "undone"})
FINISHED = ("succeeded", "failed", "cancelled", "undone")
"""What `purge` takes unless told: the ended runs that nobody has to resume."""


class RunRecord(msgspec.Struct, frozen=True):
    """A run as it's recorded. Times are seconds since the epoch.

    `owner` is the number of the runtime that has it; `wake`: it isn't to be claimed before; `tail`: the sequence of its last turns;
    `problem`: why it's left alone (R51). `context`, `options`, `result` and `failure` are bytes that the store doesn't look into. `updated` is when
    this record changed: its status, its owner, its labels.
    """

    run_id: str
    workflow: str
    inputs: bytes
    created: float
    fingerprint: str = ""
    context: bytes = b""
    labels: Mapping[str, str] = {}
    options: bytes = b""
    parent: str | None = None
    status: str = "running"
    updated: float = 0.0
    ended: float | None = None
    result: bytes | None = None
    failure: bytes | None = None
    owner: int | None = None
    wake: float | None = None
    tail: int = 0
    problem: str | None = None

    def __hash__(self) -> int:
        return hash(self.run_id)


class NewRun(msgspec.Struct, frozen=True):
    """What `open_run` records."""

    run_id: str
    workflow: str
    inputs: bytes
    fingerprint: str = ""
    context: bytes = b""
    labels: Mapping[str, str] = {}
    options: bytes = b""
    parent: str | None = None


class Opened(msgspec.Struct, frozen=True):
    """The answer to `open_run`: recorded, or the run of this id that there is already, unchanged."""

    run: RunRecord
    is_new: bool


class RunChange(msgspec.Struct, frozen=True, gc=False):
    """What becomes of a run with an `append`; nothing, as far as it's `None`.

    An ended status sets `ended`, takes `result` and `failure` where they're given, and takes the run from its owner; any other clears them, but for
    `undoing`: what the run came to stays (R26). `release` takes it from its owner, too; then it isn't claimed before `wake`.
    """

    status: str | None = None
    result: bytes | None = None
    failure: bytes | None = None
    wake: float | None = None
    release: bool = False


class RuntimeRecord(msgspec.Struct, frozen=True):
    """A runtime that has joined. Its lease has lapsed when `expires`, seconds since the epoch, is past."""

    number: int
    name: str
    expires: float


class RunPage(msgspec.Struct, frozen=True):
    """Runs without their bytes (`inputs`, `context`, `options`, `result`, `failure`); `next` is the `after` of the next page, `None` at the end."""

    runs: list[RunRecord]
    next: str | None


class RunMessage(msgspec.Struct, frozen=True):
    """A message for a run, kept until an `append` consumes it."""

    number: int
    run_id: str
    kind: str
    data: bytes
    posted: float


class Note(msgspec.Struct, frozen=True):
    """What an operator did to a run: who, what, why, and when (seconds since the epoch)."""

    number: int
    run_id: str
    who: str
    what: str
    why: str
    at: float


class ScheduleRecord(msgspec.Struct, frozen=True):
    """How far a schedule has come. Times are seconds since the epoch.

    `trigger` says in words what comes due; its due times count from `since` on. `last` is the one that was dealt with last: a run was started for
    it, or it was passed over; `None` if none was yet.
    """

    name: str
    trigger: str
    since: float
    last: float | None = None

    @property
    def reached(self) -> float:
        """Nothing that is due at this time or before is dealt with any more."""
        return self.since if self.last is None else max(self.since, self.last)


class RunStore(Protocol):
    """The runs of a store, and the runtimes that have them. Unknown runs raise `RecordNotFound`."""

    # ── runtimes ──────────────────────────────────────────────────────────────────────────────────────────────────────

    async def join(self, name: str, *, lease: float) -> int:
        """Records a runtime, for `lease` seconds. Its number is its fencing token."""
        ...

    async def renew(self, owner: int, *, lease: float) -> bool:
        """Prolongs a lease: `lease` seconds from now. False if the runtime is gone: it was fenced, and has lost all its runs."""
        ...

    async def leave(self, owner: int) -> None:
        """Ends a lease; the runtime's runs may be claimed at once."""
        ...

    async def runtimes(self) -> list[RuntimeRecord]:
        """The runtimes that are there, in the order they joined; lapsed ones until somebody claims."""
        ...

    # ── having a run ──────────────────────────────────────────────────────────────────────────────────────────────────

    async def open_run(self, run: NewRun, *, owner: int) -> Opened:
        """Records a run once per id (R47), as `owner`'s. With another workflow or other inputs: `RunConflict`."""
        ...

    async def append(
        self,
        run_id: str,
        *,
        owner: int,
        sequence: int,
        turns: bytes,
        change: RunChange | None = None,
        consumed: Sequence[int] = (),
    ) -> int:
        """Records what a run did, as `sequence`: one more than its `tail`; and with it what becomes of the run, and which messages it took.

        The same again is fine. Another sequence, or other turns: `InvalidState`. `LeaseExpired` if the run isn't `owner`'s any more; then nothing
        has changed.
        """
        ...

    async def claim_runs(
        self, owner: int, *, limit: int = 100, run_id: str | None = None, workflows: Sequence[str] | None = None
    ) -> list[RunRecord]:
        """Takes unfinished runs that nobody has, oldest first: not those with a `problem`, and none before its `wake` (R50).

        Runtimes whose lease has lapsed are fenced: they are gone from then on, and so is what they had. With `run_id`: that run, whatever its
        status, problem and wake, unless a live runtime has it. `LeaseExpired` if `owner` itself is gone.
        """
        ...

    async def release_run(
        self, run_id: str, *, owner: int, wake: float | None = None, problem: str | None = None
    ) -> None:
        """Gives a run up: it may be claimed from `wake` on, or is left alone because of a `problem`."""
        ...

    async def turns(self, run_id: str) -> list[bytes]:
        """What the run did, in order."""
        ...

    # ── looking, and keeping order ────────────────────────────────────────────────────────────────────────────────────

    async def list_runs(
        self,
        *,
        status: Sequence[str] = (),
        workflow: str | None = None,
        labels: Mapping[str, str] | None = None,
        parent: str | None = None,
        since: float | None = None,
        until: float | None = None,
        limit: int = 100,
        after: str | None = None,
    ) -> RunPage:
        """Runs, newest first, a page at a time: of any of the statuses, with all the labels, created at `since` or later and before `until`."""
        ...

    async def count_runs(self) -> dict[str, int]:
        """How many runs there are in each status that any is in."""
        ...

    async def label_run(self, run_id: str, labels: Mapping[str, str | None]) -> Mapping[str, str]:
        """Sets labels, and removes those that are `None`; answers with all that it has now."""
        ...

    async def delete_run(self, run_id: str) -> None:
        """Deletes a run with all that belongs to it. One that a live runtime has: `InvalidState`."""
        ...

    async def purge(self, older_than: float, statuses: Sequence[str] = FINISHED, limit: int = 1000) -> int:
        """Deletes runs that ended more than `older_than` seconds ago, `limit` at most; says how many."""
        ...

    # ── messages and notes ────────────────────────────────────────────────────────────────────────────────────────────

    async def post(self, run_id: str, kind: str, data: bytes) -> int:
        """Keeps a message for a run until an `append` consumes it; says its number."""
        ...

    async def messages(self, owner: int | None = None, run_id: str | None = None) -> list[RunMessage]:
        """The messages that wait, in order: for the runs that a runtime has, or for one run."""
        ...

    async def note(self, run_id: str, *, who: str, what: str, why: str = "") -> Note:
        """Records what an operator did."""
        ...

    async def notes(self, run_id: str) -> list[Note]:
        """What operators did to a run, in order."""
        ...

    # ── schedules ─────────────────────────────────────────────────────────────────────────────────────────────────────

    async def open_schedule(self, name: str, *, trigger: str, since: float) -> ScheduleRecord:
        """Records a schedule that isn't known yet, or has another trigger by now: it begins at `since`. One that is known stays as it is."""
        ...

    async def move_schedule(self, name: str, *, last: float) -> bool:
        """Records that a due time was dealt with; says whether that was news. It never goes back. `RecordNotFound` for an unknown schedule."""
        ...

    async def schedules(self, name: str | None = None) -> list[ScheduleRecord]:
        """All schedules that were ever opened, names in order; or the one of this name, if there is one."""
        ...
