"""Runs, runtimes, turns, messages and notes in a Postgres store, as one transaction sees them: answered from what was read, written at the end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec.structs import replace

from actorflow.clock import Clock
from actorflow.errors import StoreBusy
from actorflow.store.lead import Lead, Move, both, lead_of
from actorflow.store.postgres_reads import PostgresReads, columns
from actorflow.store.requests import ListRuns
from actorflow.store.run_records import as_moved, labels_as_text
from actorflow.store.runs import Note, RunMessage, RunRecord, RuntimeRecord, ScheduleRecord
from actorflow.store.tables import Place


class PostgresRuns(PostgresReads):
    """What changes is gathered."""

    def __init__(self, clock: Clock, *, may_write: bool) -> None:
        super().__init__(clock, may_write=may_write)
        self._added: list[tuple[int, int, bytes]] = []
        self._moves: dict[int, Move] = {}
        self._labelled: dict[int, Mapping[str, str]] = {}
        self._consumed: list[tuple[int, int]] = []
        self._posted: list[tuple[Any, ...]] = []
        self._noted: list[tuple[Any, ...]] = []
        self._renewed: dict[int, RuntimeRecord] = {}
        self._left: list[int] = []
        self._dropped: list[int] = []
        self._scheduled: dict[str, ScheduleRecord] = {}

    # ── answering ─────────────────────────────────────────────────────────────────────────────────────────────────────

    def next_number(self) -> int:
        return self._given.pop()

    def add_run(self, run: RunRecord) -> None:
        """It's in the database already: what is left to do is to know it, and to have it found by its labels."""
        number = self._fresh.pop(run.run_id, None)
        if number is None:
            raise StoreBusy("postgres", f"run {run.run_id!r} was deleted just as it was asked for", "Ask again.")
        self._numbers[run.run_id] = number
        self._runs[number] = run
        self._rows_of[number] = {}
        self._turns[number] = []
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
        self._renewed.pop(number, None)
        if number not in self._fenced:
            self._left.append(number)

    def add_turns(self, lead: Lead, turns: bytes) -> Lead:
        after = replace(lead, tail=lead.tail + 1)
        self._added.append((lead.number, after.tail, turns))
        self._at[lead.number, after.tail] = turns
        if lead.number in self._turns:
            self._turns[lead.number].append(turns)
        self._runs[lead.number] = replace(self._runs[lead.number], tail=after.tail)
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

    def keep_schedule(self, schedule: ScheduleRecord) -> None:
        super().keep_schedule(schedule)
        self._scheduled[schedule.name] = schedule

    # ── writing ───────────────────────────────────────────────────────────────────────────────────────────────────────

    async def write(self, db: Any) -> None:
        await self._drop_runtimes(db, self._left)
        await self._put(
            db, "keep_runtimes", [(each.number, each.name, each.expires) for each in self._renewed.values()]
        )
        await self._put(db, "add_turns", self._added)
        await self._put(db, "move_runs", [as_moved(move) for _, move in sorted(self._moves.items())])
        await self._write_labels(db)
        await self._put(db, "add_messages", self._posted)
        await self._put(db, "drop_messages", self._consumed)
        await self._put(db, "add_notes", self._noted)
        kept = [(each.name, each.trigger, each.since, each.last) for each in self._scheduled.values()]
        await self._put(db, "keep_schedules", kept)
        if self._dropped:
            for table in ("attempts", "rows", "turns", "run_messages", "notes", "labels", "runs"):
                await db.execute(self._sql[f"drop_{table}"], self._dropped)

    async def _put(self, db: Any, query: str, rows: Sequence[tuple[Any, ...]]) -> None:
        if rows:
            await db.execute(self._sql[query], *columns(rows))

    async def _write_labels(self, db: Any) -> None:
        if not self._labelled:
            return
        for number, labels in self._labelled.items():
            run = self._runs[number]
            await db.execute(self._sql["keep_labels"], labels_as_text(labels), run.updated, number)
        await db.execute(self._sql["drop_labels"], list(self._labelled))
        pairs = [(*label, number) for number, labels in self._labelled.items() for label in labels.items()]
        await self._put(db, "add_labels", pairs)

    # ── what is remembered ────────────────────────────────────────────────────────────────────────────────────────────

    @property
    def has_fenced(self) -> bool:
        """Whether runtimes are gone, and what they had with them."""
        return bool(self._left or self._fenced)

    def known(self) -> dict[str, Lead]:
        """The leads of all runs that were read; those that were deleted are nobody's."""
        leads = {run_id: lead_of(number, self._runs[number]) for run_id, number in self._numbers.items()}
        return {id: replace(lead, owner=None) if lead.number in self._dropped else lead for id, lead in leads.items()}
