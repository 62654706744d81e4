"""Runs that go on elsewhere: in another runtime that has the same store, or in none yet. Who waits for one here is told of its end."""

from __future__ import annotations

import asyncio
from asyncio import Future
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import structlog

from actorflow.errors import ActorflowError, InvalidState, StoreError
from actorflow.runtime.handle import Run, as_status
from actorflow.runtime.stored import outcome_of

if TYPE_CHECKING:
    from actorflow.runtime.keeper import Keeper
    from actorflow.store import RunRecord

log = structlog.get_logger("actorflow")

FOLLOWED_EVERY = 0.5
"""Seconds between two looks at a run that goes on elsewhere, and is waited for here."""


class Elsewhere:
    def __init__(self, keeper: Keeper) -> None:
        self.keeper = keeper
        self.machine = keeper.machine

    def hand_over(self, run: Run[Any]) -> None:
        """The run goes on elsewhere; who waits for it here is told when it has ended there."""
        run._row = None
        waiters = [waiter for waiter in run._waiters if not waiter.done()]
        run._waiters.clear()
        if waiters:
            following = self.machine.loop.create_task(self.follow(run, waiters), name=f"actorflow: follow {run.id}")
            self.keeper.followed.add(following)
            following.add_done_callback(self.keeper.followed.discard)

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
        while (record := await self.keeper.record(run_id)).status == "undoing":
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
            record = await self.keeper.record(run.id)
        except StoreError as error:
            log.debug("the store can't be asked for a run that is waited for", run=run.id, error=str(error))
            return False
        if record.problem is not None:
            raise left_alone(record)
        run._outcome = outcome_of(record, self.machine.known.plans[run.workflow], self.keeper.desk.codec)
        run._status = as_status(record.status)
        return run._outcome is not None


def left_alone(record: RunRecord) -> InvalidState:
    return InvalidState(
        f"run {record.run_id!r} is left alone: {record.problem}\nOnce that is mended, release() has it taken over again."
    )
