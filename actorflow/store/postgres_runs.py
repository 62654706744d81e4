"""Runs, runtimes, turns, messages and notes in a Postgres store, as one transaction sees them: read first, written at the end.

A run's lead is remembered between transactions as long as this store's runtime has the run: it's fenced only by a transaction that deletes the
runtime's row, which every append holds a lock on. So an append that changes nothing else of its run reads no run and locks none.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from msgspec.structs import replace

from actorflow.clock import Clock
from actorflow.store.lead import Lead, Move, lead_of
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
    OpenRun,
    Post,
    Purge,
    ReadTurns,
    ReleaseRun,
    Renew,
    Request,
    TakeNote,
)
from actorflow.store.run_answers import first_record, place
from actorflow.store.run_records import as_moved, as_new_run, labels_as_text, run_from
from actorflow.store.runs import NewRun, Note, RunMessage, RunRecord, RuntimeRecord
from actorflow.store.tables import Place

OWNED = (Append, ClaimRuns, Leave, OpenRun, ReleaseRun, Renew)
ALL_RUNTIMES = (ClaimRuns, DeleteRun, ListRuntimes)
"""What must know who lives."""
REMEMBERED = 20_000


class PostgresRuns(MemoryTables):
    """Holds what the requests of one transaction touch. It has one time for all of them. `leads` outlives it."""

    def __init__(self, clock: Clock, leads: dict[str, Lead], *, may_write: bool) -> None:
        super().__init__(clock)
        moment = clock.time()
        self.now = lambda: moment
        self.may_write = may_write
        self._sql = queries("postgres")
        self._leads = leads
        self._fresh: dict[str, int] = {}
        self._given: list[int] = []
        self._at: dict[tuple[int, int], bytes] = {}
        self._pages: dict[int, list[tuple[Place, RunRecord]]] = {}
        self._counts: dict[str, int] = {}
        self._found: list[str] = []
        self._purgeable: list[int] = []
        self._fenced: list[int] = []
        self._mine: list[RunMessage] = []
        self._added: list[tuple[int, int, bytes]] = []
        self._moves: dict[int, Move] = {}
        self._labelled: dict[int, Mapping[str, str]] = {}
        self._consumed: list[tuple[int, int]] = []
        self._posted: list[tuple[Any, ...]] = []
        self._noted: list[tuple[Any, ...]] = []
        self._renewed: dict[int, RuntimeRecord] = {}
        self._left: list[int] = []
        self._dropped: list[int] = []

    # ── reading ───────────────────────────────────────────────────────────────────────────────────────────────────────

    async def read(self, db: Any, requests: Sequence[Request[Any]]) -> None:
        """All that the requests may need. Runtimes are locked before runs, and runs in order of their numbers, always."""
        await self._read_runtimes(db, requests)
        await self._add_runs(db, requests)
        await self._claim_runs(db, requests)
        await self._read_runs(db, requests)
        await self._read_belongings(db, requests)
        await self._read_lists(db, requests)
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

    async def _read_runs(self, db: Any, requests: Sequence[Request[Any]]) -> None:
        run_ids = {run_id for each in requests if (run_id := self._run_id(each)) is not None} - self._numbers.keys()
        numbers = self._step_runs(requests)
        if run_ids or numbers:
            whole = [run_id for each in requests if is_whole(each) and (run_id := self._run_id(each)) is not None]
            query = self._sql["lock_runs" if self.may_write else "find_runs"]
            await self._take_runs(db, await db.fetch(query, list(run_ids), numbers, whole))

    def _run_id(self, request: Request[Any]) -> str | None:
        """The run whose record must be read for a request."""
        if isinstance(request, OpenRun):
            return request.run.run_id
        run_id: str | None = getattr(request, "run_id", None)
        if isinstance(request, Append) and request.change is None:
            lead = self._leads.get(request.run_id)
            if lead is not None and lead.owner == request.owner and lead.tail < request.sequence:
                return None
        return run_id

    def _step_runs(self, requests: Sequence[Request[Any]]) -> list[int]:
        """The numbers of the step runs that are asked for by their ids."""
        return []

    async def _take_runs(self, db: Any, found: Sequence[Any]) -> None:
        if not found:
            return
        tails = dict(await db.fetch(self._sql["find_tails"], [each["number"] for each in found]))
        for number, *values in found:
            run = run_from((*values[:12], tails[number], *values[12:]))
            if run.run_id not in self._fresh:
                self._numbers[run.run_id] = number
            self._leads.pop(run.run_id, None)
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
        ids = {self._run_id(each) for each in requests if isinstance(each, kinds)}
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

    # ── answering ─────────────────────────────────────────────────────────────────────────────────────────────────────

    def next_number(self) -> int:
        return self._given.pop()

    def lead(self, run_id: str) -> Lead | None:
        number = self._numbers.get(run_id)
        return lead_of(number, self._runs[number]) if number is not None else self._leads.get(run_id)

    def add_run(self, run: RunRecord) -> None:
        """It's in the database already: what is left to do is to know it, and to have it found by its labels."""
        number = self._numbers[run.run_id] = self._fresh.pop(run.run_id)
        self._runs[number] = run
        self._rows_of[number] = {}
        if run.labels:
            self._labelled[number] = run.labels

    def move(self, move: Move) -> None:
        super().move(move)
        before = self._moves.get(move.lead.number)
        self._moves[move.lead.number] = move if before is None else both(before, move)

    def keep_labels(self, number: int, labels: Mapping[str, str], updated: float) -> None:
        super().keep_labels(number, labels, updated)
        self._labelled[number] = labels

    def drop_runs(self, numbers: Sequence[int]) -> None:
        self._dropped += numbers

    def page(self, query: ListRuns, after: Place | None, limit: int) -> list[tuple[Place, RunRecord]]:
        return self._pages[id(query)][:limit]

    def count(self) -> dict[str, int]:
        return self._counts

    def claimable(self, now: float, limit: int, workflows: Sequence[str] | None) -> list[Lead]:
        return [lead for run_id in self._found if (lead := self.lead(run_id)) is not None]

    def purgeable(self, before: float, statuses: Sequence[str], limit: int) -> list[int]:
        return self._purgeable

    def lapsed(self, now: float, but: int) -> list[int]:
        return self._fenced

    def keep_runtime(self, runtime: RuntimeRecord) -> None:
        super().keep_runtime(runtime)
        self._renewed[runtime.number] = runtime

    def drop_runtime(self, number: int) -> None:
        super().drop_runtime(number)
        self._leads.clear()
        self._renewed.pop(number, None)
        if number not in self._fenced:
            self._left.append(number)

    def add_turns(self, lead: Lead, turns: bytes) -> Lead:
        after = replace(lead, tail=lead.tail + 1)
        self._added.append((lead.number, after.tail, turns))
        self._at[lead.number, after.tail] = turns
        if lead.number in self._turns:
            self._turns[lead.number].append(turns)
        if lead.number in self._runs:
            self._runs[lead.number] = replace(self._runs[lead.number], tail=after.tail)
        else:
            self._leads[lead.run_id] = after
        return after

    def turns_at(self, number: int, sequence: int) -> bytes | None:
        return self._at.get((number, sequence))

    def turns(self, number: int) -> list[bytes]:
        return self._turns.get(number, [])

    def add_message(self, run: int, message: RunMessage) -> None:
        super().add_message(run, message)
        self._posted.append((message.number, run, message.kind, message.data, message.posted))

    def drop_messages(self, run: int, numbers: Sequence[int]) -> None:
        super().drop_messages(run, numbers)
        self._consumed += ((number, run) for number in numbers)

    def messages_for(self, owner: int) -> list[RunMessage]:
        return self._mine

    def add_note(self, run: int, note: Note) -> None:
        super().add_note(run, note)
        self._noted.append((note.number, run, note.who, note.what, note.why, note.at))

    # ── writing ───────────────────────────────────────────────────────────────────────────────────────────────────────

    async def write(self, db: Any) -> None:
        await self._drop_runtimes(db, self._left)
        await self._put(
            db, "keep_runtimes", [(each.number, each.name, each.expires) for each in self._renewed.values()]
        )
        await self._put(db, "add_turns", self._added)
        await self._put(db, "move_runs", [(*as_moved(move), move.clears) for _, move in sorted(self._moves.items())])
        await self._write_labels(db)
        await self._put(db, "add_messages", self._posted)
        await self._put(db, "drop_messages", self._consumed)
        await self._put(db, "add_notes", self._noted)
        if self._dropped:
            for table in ("attempts", "rows", "turns", "run_messages", "notes", "labels", "runs"):
                await db.execute(self._sql[f"drop_{table}"], self._dropped)

    async def _put(self, db: Any, query: str, rows: Sequence[tuple[Any, ...]]) -> None:
        if rows:
            await db.execute(self._sql[query], *columns(rows))

    async def _drop_runtimes(self, db: Any, numbers: Sequence[int]) -> None:
        if numbers:
            await db.execute(self._sql["free_runs"], numbers)
            await db.execute(self._sql["drop_runtimes"], numbers)

    async def _write_labels(self, db: Any) -> None:
        if not self._labelled:
            return
        for number, labels in self._labelled.items():
            run = self._runs[number]
            await db.execute(self._sql["keep_labels"], labels_as_text(labels), run.updated, number)
        await db.execute(self._sql["drop_labels"], list(self._labelled))
        pairs = [(*label, number) for number, labels in self._labelled.items() for label in labels.items()]
        await self._put(db, "add_labels", pairs)

    def committed(self) -> None:
        """Remembers the leads of runs that somebody has."""
        if len(self._leads) > REMEMBERED:
            self._leads.clear()
        for run_id, number in self._numbers.items():
            if self._runs[number].owner is not None and number not in self._dropped:
                self._leads[run_id] = lead_of(number, self._runs[number])


def both(first: Move, then: Move) -> Move:
    """Two moves of one run within a transaction."""
    if then.clears:
        return then
    result, failure = then.result or first.result, then.failure or first.failure
    return Move(then.lead, result, failure, first.clears)


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
