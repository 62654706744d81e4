"""Deals with due times: each has a run, or is passed over, and that is written down.

1. The run of a due time has an id of its own, `<name>@<due time>`. A run is created once per id (R47), so however many replicas start it, there is one.
2. Only when it's there is the due time written down as dealt with. A crash between the two starts it once more, and finds the run that is there.
3. What is written down only moves on. A clock that goes back, or replicas whose clocks differ, fire nothing twice.
4. Of several replicas the one that fired last goes first; the others look a moment later, and find that it has. It needn't: that only saves them work.
"""

from __future__ import annotations

import asyncio
from asyncio import Future
from collections.abc import Coroutine, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import structlog
from msgspec.structs import replace

from actorflow.errors import LeaseExpired, RunConflict, RuntimeClosed, StoreError, describe
from actorflow.facts import ScheduleSkipped
from actorflow.runtime.schedule_choice import choose
from actorflow.runtime.schedule_firing import iso
from actorflow.runtime.schedule_triggers import moment_of, seconds_of

if TYPE_CHECKING:
    from actorflow.runtime.machine import Machine
    from actorflow.runtime.schedule_firing import Firing
    from actorflow.runtime.schedule_ledger import Ledger
    from actorflow.runtime.schedule_triggers import Trigger
    from actorflow.store import ScheduleRecord

log = structlog.get_logger("actorflow")

Why: TypeAlias = Literal["missed", "overlap", "failed"]


class Dealing:
    """`is_over`: nothing more is to be fired, for now. Raises `RuntimeClosed`, and what the store raises; then it's done again."""

    def __init__(self, machine: Machine, ledger: Ledger, trigger: Trigger, firing: Firing) -> None:
        self.machine = machine
        self.ledger = ledger
        self.trigger = trigger
        self.firing = firing
        self.name = firing.name
        self.record: ScheduleRecord | None = None
        self.is_over = False
        self._was_opened = False
        self._goes_first = machine.keeper is None
        self._reached = machine.services.clock.time()

    def now(self) -> datetime:
        return moment_of(self.machine.services.clock.time())

    def reached(self) -> datetime:
        """What is due then or before is dealt with."""
        return moment_of(self._reached)

    async def open(self) -> None:
        """The first time, what was reached before counts, from which all that was missed follows; from then on it only moves on."""
        record = await self.ledger.open(self.name, self.trigger.text, self._reached)
        if not self._was_opened:
            self._was_opened = True
            self._reached = record.reached
        self._learn(record)

    def _learn(self, record: ScheduleRecord) -> None:
        self.record = record
        self._reached = max(self._reached, record.reached)

    async def _move(self, due: datetime) -> bool:
        """Writes down that all up to this was dealt with. Whether that was news."""
        last = seconds_of(due)
        is_news = await self.ledger.move(self.name, last)
        if self.record is not None:
            self._learn(replace(self.record, last=max(last, self.record.last or last)))
        return is_news

    # ── what is due ───────────────────────────────────────────────────────────────────────────────────────────────────

    async def deal(self) -> bool:
        """With all that is due by now. No, if something has to wait for the end of an earlier firing."""
        if self.record is None:
            await self.open()
        while not self.is_over:
            choice = choose(self.trigger, self.reached(), self.now())
            if choice.passed is not None:
                await self._pass_over(*choice.passed, "missed")
            if not choice.dues:
                break
            if not await self._deal_with_each(choice.dues):
                return False
        return True

    async def _deal_with_each(self, dues: Sequence[datetime]) -> bool:
        for due in dues:
            if due > self.reached() and not self.is_over and not await self._deal_with(due):
                return False
        return True

    async def _deal_with(self, due: datetime) -> bool:
        """No, if it has to wait."""
        if await self._was_dealt_with(due):
            return True
        if not self._goes_first and self.record is not None and self.record.last is not None:
            await asyncio.sleep(self._courtesy())
            if self.is_over or await self._was_dealt_with(due):
                return True
        overlaps = self.trigger.overlaps
        if overlaps != "allow" and await self.ledger.goes_on(self.name, self.firing.workflow.name):
            if overlaps == "skip":
                await self._pass_over(due, due, "overlap")
            return overlaps == "skip"
        await self._to_the_end(self._fire(due))
        return True

    async def _was_dealt_with(self, due: datetime) -> bool:
        """By a replica; by one that may have died before it could say so."""
        seen = await self.ledger.look(self.name, self.firing.run_id(due))
        if seen.record is None:  # somebody has deleted it
            await self.open()
        else:
            self._learn(seen.record)
        if due > self.reached() and seen.is_there:
            await self._move(due)
        if due > self.reached():
            return False
        self._goes_first = self.machine.keeper is None
        return True

    def _courtesy(self) -> float:
        """Seconds; of several that wait some wait longer."""
        owner = 0 if self.machine.keeper is None else self.machine.keeper.owner
        return min(0.2 + owner % 8 / 10, self.trigger.pace.total_seconds() / 5)

    # ── passing over ──────────────────────────────────────────────────────────────────────────────────────────────────

    async def _pass_over(self, first: datetime, last: datetime, why: Why) -> None:
        """Of several replicas the one tells it that writes it down."""
        if await self._move(last):
            self._tell_skipped(first, last, why)

    def _tell_skipped(self, first: datetime, last: datetime, why: Why) -> None:
        log.warning("a schedule skips what was due", schedule=self.name, first=iso(first), last=iso(last), why=why)
        hub = self.machine.hub
        if not hub.silent and hub.takes(ScheduleSkipped):
            at = self.machine.now()
            hub.publish([ScheduleSkipped(self.name, at, seconds_of(first), seconds_of(last), why)])

    # ── firing ────────────────────────────────────────────────────────────────────────────────────────────────────────

    async def _to_the_end(self, work: Coroutine[Any, Any, None]) -> None:
        """What is begun is ended, even if the schedule is removed meanwhile; a runtime that is left waits for it."""
        task, tasks = self.machine.loop.create_task(work), self.machine.services.endings.tasks
        tasks.add(task)
        task.add_done_callback(tasks.discard)
        task.add_done_callback(nobody_asks)
        await asyncio.shield(task)

    async def _fire(self, due: datetime) -> None:
        """A run that isn't stored is started by whoever can write down first that it was: at most once."""
        is_recorded = self.firing.is_recorded
        if not is_recorded and not await self._move(due):
            return
        is_started = await self._start(due)
        is_news = not is_recorded or await self._move(due)
        self._goes_first = is_news or self.machine.keeper is None
        if is_news and not is_started:
            self._tell_skipped(due, due, "failed")

    async def _start(self, due: datetime) -> bool:
        """Whether there is a run. What a store or the runtime's end stands in the way of isn't over."""
        try:
            await self.firing.start(due)
        except (StoreError, LeaseExpired, RuntimeClosed):
            raise
        except RunConflict as error:  # a replica with other code was quicker
            log.warning("a schedule's run is there already, and another one", schedule=self.name, error=str(error))
        except Exception as error:
            log.error("a schedule couldn't start its run", schedule=self.name, due=iso(due), error=describe(error))
            return False
        return True


def nobody_asks(future: Future[Any]) -> None:
    """Who has waited for it may be gone; what it raises is no news then."""
    if not future.cancelled():
        future.exception()
