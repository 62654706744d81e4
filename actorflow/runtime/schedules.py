"""The schedules of a runtime: each waits for what comes due next, and has it dealt with."""

from __future__ import annotations

import asyncio
from asyncio import Event, Task
from datetime import datetime
from typing import TYPE_CHECKING, Final

import structlog

from actorflow.errors import ActorflowError, InvalidInput, InvalidState, RecordNotFound, RuntimeClosed, brief
from actorflow.runtime.schedule_dealing import Dealing
from actorflow.runtime.schedule_ledger import ledger_of
from actorflow.runtime.schedule_triggers import Cron, Every, moment_of

if TYPE_CHECKING:
    from actorflow.runtime.machine import Machine
    from actorflow.runtime.schedule_firing import Firing

log = structlog.get_logger("actorflow")

LOOKS_EVERY: Final = 60.0
"""Seconds: a clock on the wall may be set, so it is looked at again."""
A_DAY: Final = 86_400.0
LEAST: Final = 0.0001
WAITS: Final = (0.5, 1.0, 2.0, 5.0, 10.0)
"""Seconds before a store that is away is asked again, or it's looked again whether a firing still goes on; the last of them from then on."""


class Schedule:
    """A schedule on a runtime. Made by `Runtime.schedule`. What is done with it concerns this runtime alone: its replicas have theirs."""

    def __init__(self, dealing: Dealing, trigger: Cron | Every) -> None:
        self.name = dealing.name
        self.trigger = trigger
        self.workflow = dealing.firing.workflow.name
        self._dealing = dealing
        self._clock = dealing.machine.services.clock
        self._wake = Event()
        self._is_paused = False
        self._fails = 0
        self._looks = 0
        self._is_behind = False
        self._task: Task[None] | None = None

    def __repr__(self) -> str:
        state = "removed" if self.is_removed else "paused" if self._is_paused else f"next at {self.next_due}"
        return f"<Schedule {self.name!r} of {self.workflow!r}, {self.trigger.text}: {state}>"

    @property
    def next_due(self) -> datetime | None:
        """When it comes due next, in the trigger's time zone. `None`: it was removed, or nothing ever comes."""
        dealing = self._dealing
        return None if self.is_removed else self.trigger.after(max(dealing.now(), dealing.reached()))

    @property
    def last(self) -> datetime | None:
        """The due time that was dealt with last, by whichever replica, as far as this one knows; in the trigger's time zone."""
        record = self._dealing.record
        last = None if record is None else record.last
        return None if last is None else moment_of(last).astimezone(self.trigger.zone)

    @property
    def is_paused(self) -> bool:
        return self._is_paused

    @property
    def is_removed(self) -> bool:
        """So is one whose runtime was left."""
        return self._task is None

    def pause(self) -> None:
        """Fires nothing from here until `resume`. What comes due meanwhile, and no replica fires, counts as missed then."""
        self._is_paused = self._dealing.is_over = True

    def resume(self) -> None:
        self._is_paused = self._dealing.is_over = False
        self._wake.set()

    def remove(self) -> None:
        """Fires nothing any more from here, and its name is free. The store still knows how far it has come; runs that it has started go on."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()

    # ── waiting ───────────────────────────────────────────────────────────────────────────────────────────────────────

    def begin(self) -> Task[None]:
        """For the runtime."""
        self._task = self._dealing.machine.loop.create_task(self._live(), name=f"actorflow: schedule {self.name}")
        return self._task

    async def _live(self) -> None:
        while True:
            try:
                wait = await self._deal()
            except RuntimeClosed:
                return
            except Exception as error:
                wait = self._has_failed(error)
            await self._until_woken(wait)

    async def _deal(self) -> float:
        """Answers with the seconds until it's worth a look."""
        before = self._dealing.reached()
        if await self._dealing.deal():
            wait, self._looks = self._until_next(), 0
        else:
            self._looks = self._looks + 1 if before == self._dealing.reached() else 1
            wait = self._patience()
        if self._fails:
            self._fails = 0
            log.info("a schedule goes on", schedule=self.name)
        return wait

    def _has_failed(self, error: Exception) -> float:
        """It's told once, and tried again until it goes well: what is due doesn't get lost."""
        self._fails += 1
        if isinstance(error, RecordNotFound):  # somebody has deleted it
            self._dealing.record = None
        elif self._fails == 1 and isinstance(error, ActorflowError):
            log.warning("a schedule has to wait for its store", schedule=self.name, error=str(error))
        elif self._fails == 1:
            log.error("a fault of the runtime", schedule=self.name, exc_info=error)
        return WAITS[min(self._fails, len(WAITS)) - 1]

    async def _until_woken(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(max(seconds, LEAST)):
                await self._wake.wait()
        except TimeoutError:
            pass
        self._wake.clear()

    def _until_next(self) -> float:
        now, reached = self._dealing.now(), self._dealing.reached()
        self._look_whether_behind((reached - now).total_seconds())
        due = next(self.trigger.following(reached), None)
        if due is None or self._is_paused:
            return A_DAY
        wait = (due - now).total_seconds()
        return min(wait, LOOKS_EVERY) if self._clock.linger else wait

    def _patience(self) -> float:
        """Before it's looked again whether an earlier firing has ended. Where time jumps from timer to timer, looks become rare."""
        if self._clock.linger:
            return WAITS[min(self._looks, len(WAITS)) - 1]
        return 0.25 * 2.0 ** min(self._looks, 30)

    def _look_whether_behind(self, seconds: float) -> None:
        """Told once: whoever wonders why nothing is fired finds it in the log."""
        was_behind, self._is_behind = self._is_behind, seconds > LOOKS_EVERY
        if self._is_behind and not was_behind:
            log.warning("the clock is behind what a schedule has dealt with", schedule=self.name, seconds=seconds)


class Schedules:
    """The schedules of a runtime, by name."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self.ledger = ledger_of(machine)
        self._known: dict[str, Schedule] = {}
        self._tasks: set[Task[None]] = set()

    def all(self) -> list[Schedule]:
        """In the order in which they were declared."""
        return [schedule for schedule in self._known.values() if not schedule.is_removed]

    def add(self, trigger: Cron | Every, firing: Firing) -> Schedule:
        """Raises `InvalidInput`, `InvalidState`, `InvalidWorkflow`, `NotSerializable`."""
        if not isinstance(trigger, (Cron, Every)):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise InvalidInput(f"what a schedule goes by is Cron(…) or Every(…), not {brief(trigger)}")
        firing.check()
        if any(schedule.name == firing.name for schedule in self.all()):
            raise InvalidState(
                f"there is a schedule {firing.name!r} already\nGive this one another name, or remove() that one."
            )
        self._known.pop(firing.name, None)
        schedule = Schedule(Dealing(self.machine, self.ledger, trigger, firing), trigger)
        self._known[firing.name] = schedule
        task = schedule.begin()
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return schedule

    async def close(self) -> None:
        """Fires nothing any more. What is being fired is ended by whoever drains the runtime."""
        for schedule in self._known.values():
            schedule.remove()
        if self._tasks:
            await asyncio.wait(self._tasks)
