"""Group commit: the turns of all runs that wait go to the store in one transaction (R48).

1. A turn is entered; its run is due. At most one commit is under way, and while it is, turns gather.
2. When it's acknowledged the next one starts at once; then what the first one's turns have caused is done.
3. A commit that fails is tried again as it is: rows have numbers, so one that was stored after all isn't stored twice. Nothing is lost meanwhile,
   and nothing that isn't stored has been told to anybody.
4. A run that another runtime has taken over is let go (R50); a store that can't be written to any more ends its runs here, not there.
"""

from __future__ import annotations

import asyncio
from asyncio import Task
from collections.abc import Coroutine, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import structlog

from actorflow import crash_points
from actorflow.engine import ENDED
from actorflow.errors import (
    CommitUnknown,
    LeaseExpired,
    RecordNotFound,
    RunConflict,
    StoreBusy,
    StoreError,
    StoreFull,
    StoreUnavailable,
)
from actorflow.runtime.journal import Held
from actorflow.runtime.resting import let_rest, may_rest, wake_of
from actorflow.runtime.step_runner import EAGER
from actorflow.runtime.stored import change_of
from actorflow.store import Append, DeleteRun, OpenRun, Request, RunChange, Turns, encode_turns

if TYPE_CHECKING:
    from actorflow.runtime.machine import Machine
    from actorflow.runtime.row import Row
    from actorflow.store import Store

log = structlog.get_logger("actorflow")

PASSING = (CommitUnknown, StoreBusy, StoreFull, StoreUnavailable)
"""What may be better in a moment."""
WAITS = (0.02, 0.05, 0.1, 0.2, 0.5, 1.0)
"""Seconds before a commit that failed is tried again; the last one goes on."""


class Sent(NamedTuple):
    """What is on its way of one run: how many of its turns, and what was asked of the store for it."""

    row: Row
    turns: int
    requests: Sequence[Request[Any]]


class Recorder:
    """`owner` is the runtime's number in the store, `worker` its name. `patience` is how many seconds a store may be away."""

    def __init__(self, machine: Machine, store: Store, owner: int, worker: str, patience: float) -> None:
        self.machine = machine
        self.store = store
        self.owner = owner
        self.worker = worker
        self.patience = patience
        self.loop = machine.loop
        self.clock = machine.services.clock
        self.due: dict[str, Row] = {}
        self.under_way: Task[None] | None = None
        self.is_closed = False
        self.left: list[Row] = []  # runs that hadn't ended when the runtime was left

    # ── turns come ────────────────────────────────────────────────────────────────────────────────────────────────

    def enter(self, row: Row, held: Held) -> None:
        """The last turn of the row's journal has caused this."""
        journal = row.journal
        assert journal is not None
        journal.held.append(held)
        if not journal.is_under_way:
            self.due[row.id] = row

    # ── they go ───────────────────────────────────────────────────────────────────────────────────────────────────

    def send(self) -> None:
        """Called when the executor has handled all that had come, and when a commit is done."""
        if self.under_way is not None or self.is_closed or not self.due:
            return
        due, self.due = self.due, {}
        offset = self.clock.time() - self.machine.now()
        batch: list[Sent] = []
        for row in due.values():
            if row.journal is None or row.journal.is_closed:
                continue
            try:
                batch.append(self.sent(row, offset))
            except Exception as error:
                self.machine.services.endings.fault(row, error, is_sound=False)
        if batch:
            self.begin(self.commit(batch))

    def begin(self, commit: Coroutine[Any, Any, None]) -> None:
        """Goes as far as the store at once, where a task can: a turn of the loop less for each step of a chain."""
        name = "actorflow: commit"
        if not EAGER:
            self.under_way = self.loop.create_task(commit, name=name)
            return
        task = Task(commit, loop=self.loop, name=name, eager_start=True)  # type: ignore[call-arg, unused-ignore]
        if not task.done():
            self.under_way = task

    def sent(self, row: Row, offset: float) -> Sent:
        journal = row.journal
        assert journal is not None
        requests: list[Request[Any]] = []
        if journal.opening is not None:
            if journal.replaces:
                requests.append(DeleteRun(row.id))
            requests.append(OpenRun(journal.opening, self.owner))
        data = encode_turns(Turns(self.worker, offset, journal.turns))
        is_new = journal.ends or (row.state.phase != ENDED and row.state.doing != journal.status)
        change, journal.ends = change_of(journal.desk, row) if is_new else None, False
        requests.append(Append(row.id, self.owner, journal.sequence + 1, data, change, tuple(journal.consumed)))
        count = len(journal.turns)
        journal.turns, journal.consumed = [], []
        journal.is_under_way = True
        journal.sequence += 1
        if change is not None:
            journal.status = change.status or ""
        journal.opening = None
        return Sent(row, count, requests)

    async def commit(self, batch: Sequence[Sent]) -> None:
        if crash_points.listener is not None:
            crash_points.listener("commit.sending")
        requests = [request for sent in batch for request in sent.requests]
        try:
            answers = await self.stored(requests)
        except Exception as problem:
            self.under_way = None
            for sent in batch:
                self.failed(sent.row, problem)
            if self.due:
                self.send()
            return
        if crash_points.listener is not None:
            crash_points.listener("commit.stored")
        self.under_way = None
        for sent in batch:
            journal = sent.row.journal
            assert journal is not None
            journal.is_under_way = False
            if journal.turns:
                self.due[sent.row.id] = sent.row
        if self.due:
            self.send()
        place = 0
        for sent in batch:
            ours, place = place, place + len(sent.requests)
            self.acknowledged(sent, answers[ours:place])
        if crash_points.listener is not None:
            crash_points.listener("commit.released")

    async def stored(self, requests: Sequence[Request[Any]]) -> list[Any]:
        """Tries until it is known to be stored. Raises the `StoreError` that won't pass."""
        began, tries = self.machine.now(), 0
        while True:
            self.clock.hold()
            try:
                return await self.store.together(requests)
            except PASSING as error:
                if self.machine.now() - began > self.patience:
                    raise
                if tries == 0:
                    log.warning("the store can't be written to; its runs wait", error=str(error))
            finally:
                self.clock.release()
            if crash_points.listener is not None:
                crash_points.listener("commit.failed")
            await asyncio.sleep(WAITS[min(tries, len(WAITS) - 1)])
            tries += 1

    def acknowledged(self, sent: Sent, answers: Sequence[Any]) -> None:
        row, journal = sent.row, sent.row.journal
        assert journal is not None
        for answer in answers:
            may_pass = isinstance(answer, RecordNotFound)  # what is to be replaced may be gone
            if isinstance(answer, BaseException) and not may_pass:
                self.refused(row, answer)
                return
        if journal.accepted is not None and not journal.accepted.done():
            journal.accepted.set_result(None)
        for _ in range(sent.turns):
            held = journal.held.popleft()
            if held.waits:
                self.machine.executor.release(row, held)
        if may_rest(self.machine, row) and row.id in self.machine.rows:
            let_rest(self.machine, row)

    def refused(self, row: Row, refusal: BaseException) -> None:
        if isinstance(refusal, LeaseExpired) and not is_being_started(row):  # else another runtime was quicker
            log.warning("another runtime has taken the run over", run=row.id)
        if isinstance(refusal, (LeaseExpired, RunConflict)):
            self.machine.let_go(row, refusal)
        else:
            self.failed(row, refusal)

    def failed(self, row: Row, problem: BaseException) -> None:
        """R48: what the store refuses for good, or a fault on the way: the run is read from it again."""
        if isinstance(problem, StoreError):
            self.machine.let_go(row, problem)
        elif self.machine.keeper is not None:
            cause = problem if isinstance(problem, Exception) else RuntimeError(problem)
            self.machine.keeper.take_overs.give_back(row, self.machine.fault_of(row, cause))

    # ── the end ───────────────────────────────────────────────────────────────────────────────────────────────────

    async def settle(self, timeout: float = 5.0) -> None:
        """Waits until all that was decided is stored, for at most so many seconds: a store that is away isn't waited for."""
        until = self.machine.now() + timeout
        while (self.under_way is not None or self.due) and self.machine.now() < until:
            self.send()
            if self.under_way is not None:
                await asyncio.wait({self.under_way}, timeout=until - self.machine.now())

    async def leave(self) -> None:
        """Says of the runs that hadn't ended that they were left in order: what was in flight wasn't lost in a crash."""
        offset = self.clock.time() - self.machine.now()
        mark = encode_turns(Turns(self.worker, offset, []))
        marks = [
            Append(
                row.id,
                self.owner,
                row.journal.sequence + 1,
                mark,
                RunChange(release=True, wake=wake_of(self.machine, row)),
            )
            for row in self.left
            if row.journal is not None and row.journal.opening is None and not row.journal.is_under_way
        ]
        if marks:
            await self.store.together(marks)

    async def close(self) -> None:
        """Waits for the commit that is under way; what has gathered since isn't stored."""
        self.is_closed = True
        if self.under_way is not None:
            await asyncio.wait({self.under_way})


def is_being_started(row: Row) -> bool:
    """Whether nobody was told yet that there is such a run."""
    journal = row.journal
    return journal is not None and journal.accepted is not None and not journal.accepted.done()
