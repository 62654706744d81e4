"""How far schedules have come, and which of their firings go on: as the store knows it, or this runtime alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Protocol

from msgspec.structs import replace

from actorflow.engine import ENDED
from actorflow.errors import RecordNotFound
from actorflow.store import GetRun, ListSchedules, ScheduleRecord

if TYPE_CHECKING:
    from actorflow.runtime.keeper import Keeper
    from actorflow.runtime.machine import Machine

UNFINISHED: Final = ("running", "halting", "rolling_back", "undoing")
LABEL: Final = "schedule"
"""The label of every run that a schedule has started: the schedule's name."""
PAGE: Final = 200


class Seen(NamedTuple):
    """`record`: `None` if nothing is known of the schedule. `is_there`: the run of the due time that is asked for."""

    record: ScheduleRecord | None
    is_there: bool


class Ledger(Protocol):
    """What is shared by all replicas, where there is a store."""

    async def open(self, name: str, trigger: str, since: float) -> ScheduleRecord: ...

    async def look(self, name: str, run_id: str) -> Seen: ...

    async def goes_on(self, name: str, workflow: str) -> bool:
        """Whether a run with the schedule's label does."""
        ...

    async def move(self, name: str, last: float) -> bool:
        """Whether it was news that this due time was dealt with."""
        ...


class LedgerHere:
    """Without a store: it ends with the runtime."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self.records: dict[str, ScheduleRecord] = {}

    async def open(self, name: str, trigger: str, since: float) -> ScheduleRecord:
        known = self.records.get(name)
        if known is None or known.trigger != trigger:
            known = self.records[name] = ScheduleRecord(name, trigger, since)
        return known

    async def look(self, name: str, run_id: str) -> Seen:
        return Seen(self.records.get(name), self.machine.find(run_id) is not None)

    async def goes_on(self, name: str, workflow: str) -> bool:
        return goes_on_here(self.machine, name)

    async def move(self, name: str, last: float) -> bool:
        known = self.records[name]
        is_news = last > known.reached
        if is_news:
            self.records[name] = replace(known, last=last)
        return is_news


def goes_on_here(machine: Machine, name: str) -> bool:
    return any(row.labels.get(LABEL) == name and row.state.phase != ENDED for row in machine.rows.values())


class StoredLedger:
    """A clock that jumps doesn't while the store is asked. Raises what the store raises."""

    def __init__(self, machine: Machine, keeper: Keeper) -> None:
        self.machine = machine
        self.keeper = keeper

    async def open(self, name: str, trigger: str, since: float) -> ScheduleRecord:
        store = self.keeper.store
        record: ScheduleRecord = await self.keeper.held(store.open_schedule(name, trigger=trigger, since=since))
        return record

    async def look(self, name: str, run_id: str) -> Seen:
        asked: list[Any] = [ListSchedules(name), GetRun(run_id)]
        found: Sequence[Any] = await self.keeper.held(self.keeper.store.together(asked))
        for answer in found:
            if isinstance(answer, BaseException) and not isinstance(answer, RecordNotFound):
                raise answer
        records, run = found
        is_there = not isinstance(run, RecordNotFound) or self.machine.find(run_id) is not None
        return Seen(records[0] if records else None, is_there)

    async def goes_on(self, name: str, workflow: str) -> bool:
        """Those that go on are few; those with the label are many when the schedule is old. So it's the few that are looked through."""
        if goes_on_here(self.machine, name):
            return True
        after: str | None = None
        while True:
            asked = self.keeper.store.list_runs(status=UNFINISHED, workflow=workflow, limit=PAGE, after=after)
            page = await self.keeper.held(asked)
            if any(run.labels.get(LABEL) == name for run in page.runs):
                return True
            after = page.next
            if after is None:
                return False

    async def move(self, name: str, last: float) -> bool:
        is_news: bool = await self.keeper.held(self.keeper.store.move_schedule(name, last=last))
        return is_news


def ledger_of(machine: Machine) -> Ledger:
    return LedgerHere(machine) if machine.keeper is None else StoredLedger(machine, machine.keeper)
