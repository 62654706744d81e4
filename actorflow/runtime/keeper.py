"""A runtime's part in its store: it joins, keeps its lease, has runs that nobody has taken over, and leaves (R50).

Runs that aren't ended belong to one live runtime each. Who finds a lease that has lapsed fences its owner, in the store, and takes its runs.
"""

from __future__ import annotations

import asyncio
from asyncio import Lock, Task
from collections.abc import Awaitable, Sequence
from typing import TYPE_CHECKING, Any
from weakref import WeakValueDictionary

import structlog

from actorflow import crash_points
from actorflow.engine import begin_recording
from actorflow.errors import LeaseExpired, RecordNotFound, RunConflict, StoreError
from actorflow.runtime.commands import Mail
from actorflow.runtime.desk import Desk
from actorflow.runtime.elsewhere import Elsewhere, left_alone
from actorflow.runtime.handle import Run
from actorflow.runtime.heart import Heart
from actorflow.runtime.journal import Journal
from actorflow.runtime.neighbours import own_name
from actorflow.runtime.recorder import PASSING, WAITS, Recorder
from actorflow.runtime.stored import is_same, new_run, outcome_of
from actorflow.runtime.take_overs import TakeOvers

if TYPE_CHECKING:
    from actorflow.clock import Clock
    from actorflow.plan import Plan
    from actorflow.policy import Durability
    from actorflow.runtime.machine import Machine
    from actorflow.runtime.row import Row
    from actorflow.store import RunRecord, Store

log = structlog.get_logger("actorflow")

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
        self.take_overs = TakeOvers(self)
        self.elsewhere = Elsewhere(self)
        self.locks: WeakValueDictionary[str, Lock] = WeakValueDictionary()

    @classmethod
    async def join(cls, machine: Machine, store: Store) -> Keeper:
        worker, clock = own_name(), machine.services.clock
        await held(clock, store.__aenter__())
        try:
            owner = await held(clock, store.join(worker, lease=machine.config.lease))
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
            await self.held(self.recorder.leave())
            await self.held(self.store.leave(self.owner))
        except StoreError as error:
            log.warning("the store couldn't be told that the runtime has left", error=str(error))
        finally:
            await self.held(self.store.__aexit__())

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
        """R47: the run of this id that is stored. Raises `RunConflict` if it is another one.

        A store that is away for a moment is waited for, as runs that go on do: as long as a lease would last, unless the runtime is being left.
        Then its error is raised; nothing was started.
        """
        until, tries = self.machine.now() + self.lease, 0
        while True:
            try:
                return await self.found(run_id, plan, inputs)
            except PASSING as error:
                if self.machine.now() >= until or self.machine.is_closing:
                    raise
                if tries == 0:
                    log.warning("the store can't be asked; the start of a run waits", run=run_id, error=str(error))
            await asyncio.sleep(WAITS[min(tries, len(WAITS) - 1)])
            tries += 1

    async def found(self, run_id: str, plan: Plan, inputs: Sequence[Any]) -> Run[Any] | None:
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
        taken = await self.take_overs.claimed(run_id)
        if taken and taken[0].ended is not None:  # meanwhile
            await self.held(self.store.release_run(run_id, owner=self.owner))
        else:
            await self.take_overs.take(taken)

    def alone(self, run_id: str) -> Lock:
        """For whoever claims a run by its id: one after the other."""
        return self.locks.setdefault(run_id, Lock())

    # ── runs that have ended ──────────────────────────────────────────────────────────────────────────────────────

    async def record(self, run_id: str) -> RunRecord:
        """Raises `RecordNotFound`."""
        record: RunRecord = await self.held(self.store.get_run(run_id))
        return record

    async def stored_run(self, run_id: str) -> Run[Any]:
        """A run that is stored, and of which this runtime knows nothing newer. Raises `RecordNotFound`, `UnknownWorkflow`."""
        record = await self.record(run_id)
        outcome = outcome_of(record, self.machine.known.plan_named(record.workflow), self.desk.codec)
        return Run.elsewhere(self.machine, record, outcome)

    async def release(self, row: Row) -> None:
        await self.held(self.store.release_run(row.id, owner=self.owner))

    # ── the lease ─────────────────────────────────────────────────────────────────────────────────────────────────

    async def watch(self) -> None:
        """Renews the lease, and takes over what others have left."""
        looks = 0
        while True:
            wait = self.wait_after(looks)
            try:
                await self.renew(max(self.lease, LOOKS * wait))
                looks = 0 if await self.take_overs.look() else looks + 1
            except LeaseExpired:  # between two questions; the next renewal says so
                wait = min(wait, 1.0)
            except StoreError as error:
                log.warning("the store can't be asked for runs that were left", error=str(error))
            except Exception as error:  # a fault of ours: the lease must be renewed all the same
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
        return await held(self.machine.services.clock, asked)


async def held(clock: Clock, asked: Awaitable[Any]) -> Any:
    """A clock that jumps doesn't while the store is asked."""
    clock.hold()
    try:
        return await asked
    finally:
        clock.release()
