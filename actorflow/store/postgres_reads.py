"""What the requests of one transaction may need of a Postgres store, read in a few questions before any of them is answered."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from actorflow.clock import Clock
from actorflow.store.lists import question, rank, statuses_asked
from actorflow.store.memory import MemoryTables
from actorflow.store.queries import queries
from actorflow.store.requests import (
    Append,
    ClaimRuns,
    CountRuns,
    CreateRun,
    DeleteRun,
    GetRun,
    Join,
    Leave,
    ListMessages,
    ListNotes,
    ListRuns,
    ListRuntimes,
    ListSchedules,
    MoveSchedule,
    OpenRun,
    OpenSchedule,
    Post,
    Purge,
    ReadTurns,
    ReleaseRun,
    Renew,
    Request,
    TakeNote,
)
from actorflow.store.run_answers import first_record
from actorflow.store.run_records import as_new_run, run_from
from actorflow.store.runs import NewRun, Note, RunMessage, RunRecord, RuntimeRecord, ScheduleRecord
from actorflow.store.tables import Place, place

OWNED = (Append, ClaimRuns, Leave, OpenRun, ReleaseRun, Renew)
ALL_RUNTIMES = (ClaimRuns, DeleteRun, ListRuntimes)
"""What must know who lives."""


class PostgresReads(MemoryTables):
    """Holds what the requests of one transaction touch. It has one time for all of them."""

    def __init__(self, clock: Clock, *, may_write: bool) -> None:
        super().__init__(clock)
        moment = clock.time()
        self.now = lambda: moment
        self.may_write = may_write
        self._sql = queries("postgres")
        self._fresh: dict[str, int] = {}
        self._given: list[int] = []
        self._at: dict[tuple[int, int], bytes] = {}
        self._pages: dict[int, list[tuple[Place, RunRecord]]] = {}
        self._counts: dict[str, int] = {}
        self._found: list[str] = []
        self._purgeable: list[int] = []
        self._fenced: list[int] = []
        self._mine: list[RunMessage] = []

    # ── reading ───────────────────────────────────────────────────────────────────────────────────────────────────────

    async def read(self, db: Any, requests: Sequence[Request[Any]]) -> None:
        """All that the requests may need. Runtimes are locked before runs, and runs in order of their numbers, always."""
        await self._read_runtimes(db, requests)
        await self._add_runs(db, requests)
        await self._claim_runs(db, requests)
        await self._read_runs(db, requests)
        await self._read_belongings(db, requests)
        await self._read_lists(db, requests)
        await self._read_schedules(db, requests)
        await self._take_numbers(db, self._count_numbers(requests))

    async def _read_runtimes(self, db: Any, requests: Sequence[Request[Any]]) -> None:
        owners = list({each.owner for each in requests if isinstance(each, OWNED)})
        if any(isinstance(each, ALL_RUNTIMES) for each in requests):
            self._take_runtimes(await db.fetch(self._sql["list_runtimes"]))
        if owners:
            for owner in owners:
                self._runtimes.pop(owner, None)
            self._take_runtimes(await db.fetch(self._sql["lock_runtimes"], owners))

    def _take_runtimes(self, found: Iterable[Any]) -> None:
        self._runtimes.update((each["number"], RuntimeRecord(*each)) for each in found)

    async def _add_runs(self, db: Any, requests: Sequence[Request[Any]]) -> None:
        """Before anything else, so that of those who create a run at once one does, and all find it."""
        new: dict[str, RunRecord] = {}
        for each in requests:
            if isinstance(each, CreateRun):
                given = NewRun(each.run_id, each.workflow, each.inputs)
                new.setdefault(given.run_id, first_record(given, None, self.now()))
            elif isinstance(each, OpenRun) and each.owner in self._runtimes:
                new.setdefault(each.run.run_id, first_record(each.run, each.owner, self.now()))
        if new:
            rows = [as_new_run(0, run)[1:-2] for run in new.values()]
            self._fresh.update(await db.fetch(self._sql["add_runs"], *columns(rows)))

    async def _claim_runs(self, db: Any, requests: Sequence[Request[Any]]) -> None:
        """What lapsed runtimes had is nobody's before anything is claimed. Only one claim is asked for in a transaction."""
        for each in requests:
            if isinstance(each, ClaimRuns) and each.owner in self._runtimes:
                lapsed = await db.fetch(self._sql["lock_lapsed"], self.now(), each.owner)
                self._fenced = [number for (number,) in lapsed]
                await self._drop_runtimes(db, self._fenced)
                if each.run_id is None:
                    given = (self.now(), list(each.workflows) if each.workflows is not None else None, each.limit)
                    found = await db.fetch(self._sql["lock_claimable"], *given)
                    await self._take_runs(db, found)
                    self._found = [each["run_id"] for each in found]

    async def _drop_runtimes(self, db: Any, numbers: Sequence[int]) -> None:
        if numbers:
            await db.execute(self._sql["free_runs"], numbers)
            await db.execute(self._sql["drop_runtimes"], numbers)

    async def _read_runs(self, db: Any, requests: Sequence[Request[Any]]) -> None:
        run_ids = {run_id for each in requests if (run_id := run_of(each)) is not None}
        run_ids -= self._numbers.keys() | self._fresh.keys()
        numbers = self._step_runs(requests)
        if run_ids or numbers:
            whole = [run_id for each in requests if is_whole(each) and (run_id := run_of(each)) is not None]
            query = self._sql["lock_runs" if self.may_write else "find_runs"]
            await self._take_runs(db, await db.fetch(query, list(run_ids), numbers, whole))

    def _step_runs(self, requests: Sequence[Request[Any]]) -> list[int]:
        """The numbers of the step runs that are asked for by their ids."""
        return []

    async def _take_runs(self, db: Any, found: Sequence[Any]) -> None:
        if not found:
            return
        tails = dict(await db.fetch(self._sql["find_tails"], [each["number"] for each in found]))
        for number, *values in found:
            run = run_from((*values[:12], tails[number], *values[12:]))
            self._numbers[run.run_id] = number
            self._runs[number] = run
            self._rows_of[number] = {}

    async def _read_belongings(self, db: Any, requests: Sequence[Request[Any]]) -> None:
        """What belongs to the runs that were read, as far as it's asked for."""
        repeated = [each for each in requests if isinstance(each, Append) and self._may_be_there(each)]
        if repeated:
            keys = [(self._numbers[each.run_id], each.sequence) for each in repeated]
            for run, sequence, data in await db.fetch(self._sql["find_turns"], *columns(keys)):
                self._at[run, sequence] = data
        if runs := self._asked_for(requests, ReadTurns):
            for run, data in await db.fetch(self._sql["list_turns"], runs):
                self._turns.setdefault(run, []).append(data)
        if runs := self._asked_for(requests, ListMessages):
            for run, *values in await db.fetch(self._sql["list_messages_of"], runs):
                super().add_message(run, RunMessage(*values))
        if runs := self._asked_for(requests, ListNotes):
            for run, *values in await db.fetch(self._sql["list_notes"], runs):
                super().add_note(run, Note(*values))

    def _may_be_there(self, request: Append) -> bool:
        run = self.run(request.run_id)
        return run is not None and request.sequence <= run.tail

    def _asked_for(self, requests: Sequence[Request[Any]], *kinds: type[Any]) -> list[int]:
        """The numbers of the runs that requests of these kinds are about."""
        ids = {run_of(each) for each in requests if isinstance(each, kinds)}
        return [self._numbers[run_id] for run_id in ids if run_id is not None and run_id in self._numbers]

    async def _read_lists(self, db: Any, requests: Sequence[Request[Any]]) -> None:
        for each in requests:
            if isinstance(each, ListRuns):
                self._pages[id(each)] = await self._page(db, each)
            elif isinstance(each, CountRuns):
                self._counts = dict(await db.fetch(self._sql["count_runs"]))
            elif isinstance(each, Purge):
                given = (list(each.statuses), self.now() - each.older_than, each.limit)
                self._purgeable = [number for (number,) in await db.fetch(self._sql["lock_purgeable"], *given)]
            elif isinstance(each, ListMessages) and each.owner is not None:
                found = await db.fetch(self._sql["list_messages_for"], each.owner)
                self._mine = [RunMessage(*values) for values in found]

    async def _read_schedules(self, db: Any, requests: Sequence[Request[Any]]) -> None:
        """Those that are new are added before anything else, so that of those who open one at once all find the same."""
        for each in requests:
            if isinstance(each, ListSchedules):
                self._take_schedules(await db.fetch(self._sql["list_schedules"], each.name))
        opened: dict[str, OpenSchedule] = {}
        for each in requests:
            if isinstance(each, OpenSchedule):
                opened.setdefault(each.name, each)
        if opened:
            rows = [(name, each.trigger, each.since) for name, each in sorted(opened.items())]
            await db.execute(self._sql["add_schedules"], *columns(rows))
        names = opened.keys() | {each.name for each in requests if isinstance(each, MoveSchedule)}
        if names:
            self._take_schedules(await db.fetch(self._sql["lock_schedules"], list(names)))

    def _take_schedules(self, found: Iterable[Any]) -> None:
        self._schedules.update((each["name"], ScheduleRecord(*each)) for each in found)

    async def _page(self, db: Any, query: ListRuns) -> list[tuple[Place, RunRecord]]:
        found: list[tuple[Place, RunRecord]] = []
        for status in statuses_asked(query):
            base, more, values = question(query, status, place(query.after), schema="actorflow.")
            sql = numbered(f"{self._sql[base].rstrip(';')} {more}")
            for number, *rest in await db.fetch(sql, *values, query.limit + 1):
                found.append((Place(rest[3], number), run_from(tuple(rest))))
        return sorted(found, key=lambda each: rank(query, each[0]), reverse=True)

    def _count_numbers(self, requests: Sequence[Request[Any]]) -> int:
        return sum(isinstance(each, (Join, Post, TakeNote)) for each in requests)

    async def _take_numbers(self, db: Any, wanted: int) -> None:
        if wanted:
            self._given = sorted(each["number"] for each in await db.fetch(self._sql["give_numbers"], wanted))
            self._given.reverse()


def run_of(request: Request[Any]) -> str | None:
    """The run that a request is about; `None` if it's about several, or if there's no telling."""
    run_id: str | None = request.run.run_id if isinstance(request, OpenRun) else getattr(request, "run_id", None)
    return run_id


def is_whole(request: Request[Any]) -> bool:
    """Whether the run's bytes are asked for."""
    return isinstance(request, ClaimRuns | CreateRun | GetRun | OpenRun)


def columns(records: Iterable[tuple[Any, ...]]) -> Iterable[tuple[Any, ...]]:
    """One array per column is one statement, however many rows there are."""
    return zip(*records, strict=True)


def numbered(sql: str) -> str:
    """`?` as Postgres has them: `$1`, `$2`."""
    first, *parts = sql.split("?")
    return first + "".join(f"${number}{part}" for number, part in enumerate(parts, 1))
