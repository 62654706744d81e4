"""A runtime's part in its store: it joins, keeps its lease, takes over runs that nobody has, and leaves (R50).

1. Runs that aren't ended belong to one live runtime each. Who finds a lease that has lapsed fences its owner, in the store, and takes its runs.
2. A run that is taken over is built again from its turns, then told so with one message: `TakeOver`.
3. A run that can't be built again is left alone, marked, and reported (R51).
"""

from __future__ import annotations

import asyncio
from asyncio import Future, Lock, Task
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any
from weakref import WeakValueDictionary

import structlog

from actorflow import crash_points
from actorflow.engine import TakeOver, begin_recording
from actorflow.errors import ActorflowError, InvalidState, LeaseExpired, RecordNotFound, RunConflict, StoreError
from actorflow.runtime.commands import Mail, overtaken
from actorflow.runtime.entries import Desk
from actorflow.runtime.handle import Run, as_status
from actorflow.runtime.heart import Heart
from actorflow.runtime.journal import Journal
from actorflow.runtime.neighbours import is_dead, own_name
from actorflow.runtime.recorder import Recorder
from actorflow.runtime.stored import Before, Unfit, is_same, new_run, outcome_of, row_of
from actorflow.store import ListRuns, ReadTurns, RunPage

if TYPE_CHECKING:
    from actorflow.plan import Plan
    from actorflow.policy import Durability
    from actorflow.runtime.machine import Machine
    from actorflow.runtime.row import Row
    from actorflow.store import Request, RunRecord, Store

log = structlog.get_logger("actorflow")

AT_ONCE = 100
"""How many runs are claimed in one transaction."""
FOLLOWED_EVERY = 0.5
"""Seconds between two looks at a run that goes on elsewhere, and is waited for here."""
A_DAY = 86_400.0
OFTEN = 30
"""How many looks in a row may find nothing before they become rare, where time jumps."""
LOOKS = 3
"""How often within a lease's time it is renewed, and lapsed ones are looked for."""


class Keeper:
    """`lease` is seconds. Made by `join`."""

    def __init__(self, machine: Machine, store: Store, owner: int, worker: str) -> None:
        config = machine.config
        self.machine = machine
        self.store = store
        self.owner = owner
        self.worker = worker
        self.lease = config.lease
        self.desk = Desk(machine.services.values.codec, config.max_value_bytes)
        self.recorder = Recorder(machine, store, owner, worker, config.store_patience)
        self.watching: Task[None] | None = None
        self.heart: Heart | None = None
        self.followed: set[Task[None]] = set()
        self.mail = Mail(self)
        self.given_up: set[str] = set()  # runs that are this runtime's, and that the store has failed
        self.faulty: set[str] = set()  # runs on which this runtime has failed once
        self.locks: WeakValueDictionary[str, Lock] = WeakValueDictionary()

    @classmethod
    async def join(cls, machine: Machine, store: Store) -> Keeper:
        worker = own_name()
        await store.__aenter__()
        try:
            owner = await store.join(worker, lease=machine.config.lease)
        except BaseException:
            await store.__aexit__()
            raise
        if crash_points.listener is not None:
            crash_points.listener("runtime.joined")
        return cls(machine, store, owner, worker)

    def begin(self) -> None:
        self.watching = self.machine.loop.create_task(self.watch(), name="actorflow: keeper")
        if self.machine.services.clock.linger:  # a clock that jumps has no use for a thread that waits
            self.heart = Heart(self.machine.loop, self.store.beside(), self.beat, self.lease / LOOKS)
            self.heart.start()
        self.followed.add(self.machine.loop.create_task(self.mail.listen(), name="actorflow: mail"))

    async def beat(self, store: Store) -> bool:
        """Renews the lease from another thread."""
        return await store.renew(self.owner, lease=self.lease)

    async def leave(self) -> None:
        """What isn't ended may be taken over at once."""
        if self.heart is not None:
            self.heart.stop()
        if self.watching is not None:
            self.watching.cancel()
            await asyncio.wait({self.watching})
        for task in self.followed:
            task.cancel()
        await self.recorder.close()
        if crash_points.listener is not None:
            crash_points.listener("runtime.leaving")
        try:
            await self.recorder.leave()
            await self.store.leave(self.owner)
        except StoreError as error:
            log.warning("the store couldn't be told that the runtime has left", error=str(error))
        finally:
            await self.store.__aexit__()

    # ── new runs ──────────────────────────────────────────────────────────────────────────────────────────────────

    def keep(self, row: Row, durability: Durability, *, replaces: bool = False) -> None:
        """The row is a new run's: from now on it is recorded, in the place of one that has ended if it `replaces` it. Raises `NotSerializable`."""
        opening = new_run(self.desk, row, durability)
        row.journal = Journal(self.desk, is_strict=durability != "write_behind", opening=opening)
        row.journal.replaces = replaces
        begin_recording(row.state)
        row.journal.accepted = self.machine.loop.create_future()
        if crash_points.listener is not None:
            crash_points.listener("run.opening")

    async def find(self, run_id: str, plan: Plan, inputs: Sequence[Any]) -> Run[Any] | None:
        """R47: the run of this id that is stored. Raises `RunConflict` if it is another one."""
        try:
            record = await self.record(run_id)
        except RecordNotFound:
            return None
        if record.workflow != plan.name:
            raise RunConflict(f"run {run_id!r} exists already, of workflow {record.workflow!r}\nUse another run_id.")
        if not is_same(self.desk, plan, record, inputs):
            raise RunConflict(f"run {run_id!r} exists already, with other inputs\nUse another run_id.")
        if record.problem is not None and record.ended is None:
            raise left_alone(record)
        return self.machine.find_current(run_id) or await self.attach(record, plan)

    async def attach(self, record: RunRecord, plan: Plan) -> Run[Any]:
        """A run that is stored and not here: it is taken over if nobody has it, else its end is waited for.

        Raises `InvalidState` if it can't be built again, and so is left alone (R51).
        """
        outcome = outcome_of(record, plan, self.desk.codec)
        if outcome is None:
            async with self.alone(record.run_id):
                await self.take_if_free(record.run_id)
            record = await self.record(record.run_id)
            outcome = outcome_of(record, plan, self.desk.codec)
        if record.problem is not None:
            raise left_alone(record)
        return self.machine.find_current(record.run_id) or Run.elsewhere(self.machine, record, outcome)

    async def take_if_free(self, run_id: str) -> None:
        if run_id in self.machine.rows:
            return
        taken = await self.held(self.store.claim_runs(self.owner, run_id=run_id))
        if taken and taken[0].ended is not None:  # meanwhile
            await self.held(self.store.release_run(run_id, owner=self.owner))
        else:
            await self.take(taken)

    def alone(self, run_id: str) -> Lock:
        """For whoever claims a run by its id: one after the other."""
        return self.locks.setdefault(run_id, Lock())

    # ── runs that have ended ──────────────────────────────────────────────────────────────────────────────────────

    async def record(self, run_id: str) -> RunRecord:
        """Raises `RecordNotFound`."""
        record: RunRecord = await self.held(self.store.get_run(run_id))
        return record

    async def reclaim(self, run_id: str, status: str) -> Row:
        """The row of a run of this status that isn't going on anywhere; it is this runtime's now.

        Raises `InvalidState` if it's another one's, or something else by now, or doesn't fit. Whoever asks has to be `alone` with the run until the
        row is in the table.
        """
        taken = await self.held(self.store.claim_runs(self.owner, run_id=run_id))
        if not taken:
            raise InvalidState(f"run {run_id!r} is going on in another runtime")
        if taken[0].status != status:
            await self.held(self.store.release_run(run_id, owner=self.owner))
            raise InvalidState(f"run {run_id!r} isn't {status} any more, but {taken[0].status.replace('_', ' ')}")
        data = await self.held(self.store.turns(run_id))
        try:
            row, before = row_of(self.machine, self.desk, taken[0], data)
        except Unfit as problem:
            await self.held(self.store.release_run(run_id, owner=self.owner))
            raise InvalidState(str(problem)) from problem
        assert row.journal is not None
        row.journal.consumed += await overtaken(self, run_id)
        row.journal.taking = self.taking(row, before)
        return row

    def taking(self, row: Row, before: Before) -> TakeOver:
        """What a run that was built again is told first."""
        now = self.machine.now()
        shift = before.offset - (self.machine.services.clock.time() - now) if before.offset else 0.0
        limit = self.machine.config.lost_limit
        return TakeOver(row.id, now, shift, lost_limit=limit, worker=self.worker, crashed=not before.has_left)

    async def stored_run(self, run_id: str) -> Run[Any]:
        """A run that is stored, and of which this runtime knows nothing newer. Raises `RecordNotFound`, `UnknownWorkflow`."""
        record = await self.record(run_id)
        outcome = outcome_of(record, self.machine.known.plan_named(record.workflow), self.desk.codec)
        return Run.elsewhere(self.machine, record, outcome)

    async def release(self, row: Row) -> None:
        await self.held(self.store.release_run(row.id, owner=self.owner))

    # ── runs that go on elsewhere ─────────────────────────────────────────────────────────────────────────────────

    def hand_over(self, run: Run[Any]) -> None:
        """The run goes on elsewhere; who waits for it here is told when it has ended there."""
        run._row = None
        waiters = [waiter for waiter in run._waiters if not waiter.done()]
        run._waiters.clear()
        if waiters:
            following = self.machine.loop.create_task(self.follow(run, waiters), name=f"actorflow: follow {run.id}")
            self.followed.add(following)
            following.add_done_callback(self.followed.discard)

    def ended(self, run: Run[Any]) -> Future[None]:
        """Done when the run, which isn't here, has ended."""
        waiter: Future[None] = self.machine.loop.create_future()
        run._waiters.append(waiter)
        self.hand_over(run)
        return waiter

    async def follow(self, run: Run[Any], waiters: Sequence[Future[None]]) -> None:
        try:
            while any(not waiter.done() for waiter in waiters) and not await self.has_ended(run):
                await asyncio.sleep(FOLLOWED_EVERY)
        except ActorflowError as error:
            run._error = error
        for waiter in waiters:
            if not waiter.done():
                waiter.set_result(None)

    async def until_undone(self, run_id: str) -> None:
        """Waits for the end of a rollback that goes on elsewhere. Raises `InvalidState` if the run is left alone."""
        while (record := await self.record(run_id)).status == "undoing":
            if record.problem is not None:
                raise left_alone(record)
            await asyncio.sleep(FOLLOWED_EVERY)

    async def has_ended(self, run: Run[Any]) -> bool:
        """Looks for the end of a run that goes on elsewhere, or here by now. Raises what `outcome` raises of it."""
        here = self.machine.rows.get(run.id)
        if here is not None and here.handle is not None:
            run._outcome = await here.handle.outcome()
            return True
        try:
            record = await self.record(run.id)
        except StoreError as error:
            log.debug("the store can't be asked for a run that is waited for", run=run.id, error=str(error))
            return False
        if record.problem is not None:
            raise left_alone(record)
        run._outcome = outcome_of(record, self.machine.known.plans[run.workflow], self.desk.codec)
        run._status = as_status(record.status)
        return run._outcome is not None

    # ── taking over ───────────────────────────────────────────────────────────────────────────────────────────────

    async def watch(self) -> None:
        """Renews the lease, and takes over what others have left."""
        looks = 0
        while True:
            wait = self.wait_after(looks)
            try:
                await self.renew(max(self.lease, LOOKS * wait))
                looks = 0 if await self.take_over() else looks + 1
            except LeaseExpired:  # between two questions; the next renewal says so
                wait = min(wait, 1.0)
            except StoreError as error:
                log.warning("the store can't be asked for runs that were left", error=str(error))
            except (
                Exception
            ) as error:  # a fault of ours: the lease must be renewed all the same, and other runs taken over
                log.error("a fault of the runtime", exc_info=error)
            await asyncio.sleep(wait)
            if crash_points.listener is not None:
                crash_points.listener("runtime.waited")

    def wait_after(self, looks: int) -> float:
        """Seconds to the next look. Where time jumps from timer to timer, looks at which nothing was found become rare: else a month would
        take as long as they do.
        """
        wait = self.lease / LOOKS
        if self.machine.services.clock.linger or looks < OFTEN:
            return wait
        return min(wait * 2.0 ** min(looks - OFTEN, 32), max(wait, A_DAY))

    async def regain(self) -> None:
        """The store has said that this runtime was fenced: it joins anew at once."""
        async with self.alone(""):
            await self.renew(self.lease)

    async def renew(self, lease: float) -> None:
        """If another runtime has fenced this one, its runs aren't its own any more, and it joins anew."""
        if not await self.held(self.store.renew(self.owner, lease=lease)):
            log.error("the runtime has lost its lease; its runs go on elsewhere", worker=self.worker)
            self.machine.lose_all()
            self.owner = self.recorder.owner = await self.held(self.store.join(self.worker, lease=lease))

    async def held(self, asked: Any) -> Any:
        """A clock that jumps doesn't while the store is asked."""
        clock = self.machine.services.clock
        clock.hold()
        try:
            return await asked
        finally:
            clock.release()

    async def take_over(self) -> bool:
        """All unfinished runs of workflows that are known here, and that nobody has. Answers whether there were any."""
        if self.machine.config.takes_over:
            await self.bury_neighbours()
        found = await self.take_again()
        while self.machine.config.takes_over:
            names = tuple(self.machine.known.workflows)
            if not names:
                break
            taken: list[RunRecord] = await self.held(self.store.claim_runs(self.owner, limit=AT_ONCE, workflows=names))
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
                await self.take(await self.held(self.store.claim_runs(self.owner, run_id=run_id)))
            self.given_up.discard(run_id)
        return bool(runs)

    async def is_unfinished(self, run_id: str) -> bool:
        """No, if its first commit had failed, or its last one hadn't."""
        try:
            return (await self.record(run_id)).ended is None
        except RecordNotFound:
            return False

    async def bury_neighbours(self) -> None:
        """Runtimes of this machine whose process is gone don't need their leases any more."""
        for other in await self.held(self.store.runtimes()):
            if other.number != self.owner and is_dead(other.name):
                await self.held(self.store.leave(other.number))

    async def take(self, taken: Sequence[RunRecord]) -> None:
        if crash_points.listener is not None:
            crash_points.listener("takeover.claimed")
        asked: list[Request[Any]] = [ReadTurns(record.run_id) for record in taken]
        asked += [ListRuns(parent=record.run_id, limit=1000) for record in taken]
        found = await self.held(self.store.together(asked))
        for record, data, children in zip(taken, found[: len(taken)], found[len(taken) :], strict=True):
            if record.run_id in self.machine.rows:
                continue
            try:
                if isinstance(data, Exception):
                    raise Unfit(str(data)) from data
                row, before = row_of(self.machine, self.desk, record, data)
            except Unfit as problem:
                await self.leave_alone(record, problem)
            else:
                await self.go_on(row, before, children)

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
        if journal.is_under_way and self.recorder.under_way is not None:
            await asyncio.wait({self.recorder.under_way})
        try:
            await self.held(self.store.release_run(row.id, owner=self.owner, problem=problem))
        except ActorflowError as error:
            log.warning("a run can't be given back to the store", run=row.id, error=str(error))

    async def leave_alone(self, record: RunRecord, problem: Unfit) -> None:
        """R51: it is never half-run."""
        log.error("a run is left alone", run=record.run_id, workflow=record.workflow, problem=str(problem))
        await self.held(self.store.release_run(record.run_id, owner=self.owner, problem=str(problem)))

    async def go_on(self, row: Row, before: Before, page: RunPage | Exception) -> None:
        if crash_points.listener is not None:
            crash_points.listener("takeover.built")
        if isinstance(page, RunPage) and page.runs:
            self.machine.services.children.meet(row, [run for run in page.runs if run.ended is None])
        await self.machine.starting.take_up(row, self.taking(row, before))


def left_alone(record: RunRecord) -> InvalidState:
    return InvalidState(
        f"run {record.run_id!r} is left alone: {record.problem}\nOnce that is mended, release() has it taken over again."
    )
