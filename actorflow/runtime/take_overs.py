"""Taking over: runs that nobody has are claimed, built again from their turns, and told so with one message, `TakeOver` (R50).

One that can't be built again is left alone, marked, and reported (R51).
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import structlog

from actorflow import crash_points
from actorflow.engine import TakeOver
from actorflow.errors import ActorflowError, InvalidState, RecordNotFound
from actorflow.runtime.commands import overtaken
from actorflow.runtime.neighbours import is_dead
from actorflow.runtime.stored import Before, Unfit, row_of
from actorflow.store import ListRuns, ReadTurns, RunPage

if TYPE_CHECKING:
    from actorflow.runtime.keeper import Keeper
    from actorflow.runtime.row import Row
    from actorflow.store import Request, RunRecord

log = structlog.get_logger("actorflow")

AT_ONCE = 100
"""How many runs are claimed in one transaction."""


class TakeOvers:
    """`given_up` are runs that are this runtime's, and that it doesn't run because of its store; `faulty` those on which it has failed once."""

    def __init__(self, keeper: Keeper) -> None:
        self.keeper = keeper
        self.machine = keeper.machine
        self.given_up: set[str] = set()
        self.faulty: set[str] = set()

    async def look(self) -> bool:
        """All unfinished runs of workflows that are known here, and that nobody has. Answers whether there were any."""
        if self.machine.config.takes_over:
            await self.bury_neighbours()
        found = await self.take_again()
        while self.machine.config.takes_over:
            names = tuple(self.machine.known.workflows)
            if not names:
                break
            taken: list[RunRecord] = await self.keeper.held(
                self.keeper.store.claim_runs(self.keeper.owner, limit=AT_ONCE, workflows=names)
            )
            if taken:
                found = True
                await self.take(taken)
            if len(taken) < AT_ONCE:
                break
        return found

    async def take_again(self) -> bool:
        """R48: what the store had failed is read from it again, once it can be written to."""
        runs = [run_id for run_id in self.given_up if run_id not in self.machine.rows]
        for run_id in runs:
            if await self.is_unfinished(run_id):
                await self.take(await self.keeper.held(self.keeper.store.claim_runs(self.keeper.owner, run_id=run_id)))
            self.given_up.discard(run_id)
        return bool(runs)

    async def is_unfinished(self, run_id: str) -> bool:
        """No, if its first commit had failed, or its last one hadn't."""
        try:
            return (await self.keeper.record(run_id)).ended is None
        except RecordNotFound:
            return False

    async def bury_neighbours(self) -> bool:
        """Runtimes of this machine whose process is gone don't need their leases any more. Answers whether there were any."""
        others = await self.keeper.held(self.keeper.store.runtimes())
        dead = [other.number for other in others if other.number != self.keeper.owner and is_dead(other.name)]
        for number in dead:
            await self.keeper.held(self.keeper.store.leave(number))
        return bool(dead)

    async def claimed(self, run_id: str) -> list[RunRecord]:
        """The run, which is this runtime's now; none if a live runtime has it."""
        claim = self.keeper.store.claim_runs
        found: list[RunRecord] = await self.keeper.held(claim(self.keeper.owner, run_id=run_id))
        if not found and await self.bury_neighbours():
            found = await self.keeper.held(claim(self.keeper.owner, run_id=run_id))
        return found

    async def take(self, taken: Sequence[RunRecord]) -> None:
        """These were claimed. Those that it doesn't come to, as the store is away, are this runtime's all the same: it looks at them again."""
        try:
            await self.build(taken)
        except Exception:
            self.given_up.update(record.run_id for record in taken if record.run_id not in self.machine.rows)
            raise

    async def build(self, taken: Sequence[RunRecord]) -> None:
        if crash_points.listener is not None:
            crash_points.listener("takeover.claimed")
        asked: list[Request[Any]] = [ReadTurns(record.run_id) for record in taken]
        asked += [ListRuns(parent=record.run_id, limit=1000) for record in taken]
        found = await self.keeper.held(self.keeper.store.together(asked))
        for record, data, children in zip(taken, found[: len(taken)], found[len(taken) :], strict=True):
            if record.run_id in self.machine.rows:
                continue
            try:
                if isinstance(data, Exception):
                    raise Unfit(str(data)) from data
                row, before = row_of(self.machine, self.keeper.desk, record, data)
            except Unfit as problem:
                await self.leave_alone(record, problem)
            else:
                await self.go_on(row, before, children)

    async def leave_alone(self, record: RunRecord, problem: Unfit) -> None:
        """R51: it is never half-run."""
        log.error("a run is left alone", run=record.run_id, workflow=record.workflow, problem=str(problem))
        await self.keeper.held(
            self.keeper.store.release_run(record.run_id, owner=self.keeper.owner, problem=str(problem))
        )

    async def go_on(self, row: Row, before: Before, page: RunPage | Exception) -> None:
        if crash_points.listener is not None:
            crash_points.listener("takeover.built")
        if isinstance(page, RunPage) and page.runs:
            self.machine.services.children.meet(row, [run for run in page.runs if run.ended is None])
        await self.machine.starting.take_up(row, self.taking(row, before))

    def taking(self, row: Row, before: Before) -> TakeOver:
        """What a run that was built again is told first."""
        now = self.machine.now()
        shift = before.offset - (self.machine.services.clock.time() - now) if before.offset else 0.0
        limit = self.machine.config.lost_limit
        return TakeOver(row.id, now, shift, lost_limit=limit, worker=self.keeper.worker, crashed=not before.has_left)

    # ── one, by its id ────────────────────────────────────────────────────────────────────────────────────────────

    async def reclaim(self, run_id: str, status: str) -> Row:
        """The row of a run of this status that isn't going on anywhere; it is this runtime's now.

        Raises `InvalidState` if it's another one's, or something else by now, or doesn't fit. Whoever asks has to be `alone` with the run until the
        row is in the table.
        """
        taken = await self.claimed(run_id)
        if not taken:
            raise InvalidState(f"run {run_id!r} is going on in another runtime")
        if taken[0].status != status:
            await self.keeper.held(self.keeper.store.release_run(run_id, owner=self.keeper.owner))
            raise InvalidState(f"run {run_id!r} isn't {status} any more, but {taken[0].status.replace('_', ' ')}")
        data = await self.keeper.held(self.keeper.store.turns(run_id))
        try:
            row, before = row_of(self.machine, self.keeper.desk, taken[0], data)
        except Unfit as problem:
            await self.keeper.held(self.keeper.store.release_run(run_id, owner=self.keeper.owner))
            raise InvalidState(str(problem)) from problem
        assert row.journal is not None
        row.journal.consumed += await overtaken(self.keeper, run_id)
        row.journal.taking = self.taking(row, before)
        return row

    def give_back(self, row: Row, fault: ActorflowError) -> None:
        """R35: a run on which the runtime has failed is read again from the store; if it fails a second time, the run is left alone."""
        self.machine.let_go(row, fault)
        again = row.id in self.faulty
        self.faulty.add(row.id)
        self.machine.services.endings.spawn(self.given_back(row, str(fault) if again else None))

    async def given_back(self, row: Row, problem: str | None) -> None:
        journal = row.journal
        if journal is None or (journal.opening is not None and not journal.is_under_way):
            return  # nothing of it is stored
        if journal.is_under_way and self.keeper.recorder.under_way is not None:
            await asyncio.wait({self.keeper.recorder.under_way})
        try:
            await self.keeper.held(self.keeper.store.release_run(row.id, owner=self.keeper.owner, problem=problem))
        except ActorflowError as error:
            self.given_up.add(row.id)
            log.warning("a run can't be given back to the store", run=row.id, error=str(error))
