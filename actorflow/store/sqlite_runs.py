"""Runs, runtimes, turns, messages and notes in a SQLite store, as one transaction sees them."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from heapq import nlargest, nsmallest
from typing import Any

import msgspec
from msgspec.structs import replace

from actorflow.errors import StoreCorrupt, brief
from actorflow.store.lead import Lead, Move, lead_of
from actorflow.store.lists import question, rank, statuses_asked
from actorflow.store.queries import queries
from actorflow.store.requests import ListRuns
from actorflow.store.run_records import (
    as_moved,
    as_new_run,
    is_sound_run,
    labels_as_text,
    labels_from,
    lead_from,
    run_from,
)
from actorflow.store.runs import Note, RunMessage, RunRecord, RuntimeRecord, ScheduleRecord
from actorflow.store.tables import Place


class SQLiteRuns:
    """Leads of runs that somebody has are remembered between transactions, until somebody else writes to the file."""

    def __init__(self, db: sqlite3.Connection, store: str) -> None:
        self._db = db
        self._store = store
        self._sql = queries("sqlite")
        self._numbers: dict[str, int] = {}
        self._leads: dict[str, Lead] = {}
        self._runtimes: dict[int, RuntimeRecord] = {}
        self._projected: set[int] = set()
        self._turns: list[tuple[int, int, bytes]] = []
        self._moves: list[Move] = []
        self._last: int | None = None
        self._has_given = False

    def write(self) -> None:
        """Writes what was gathered."""
        if self._turns:
            self._db.executemany(self._sql["add_turns"], self._turns)
            self._turns.clear()
        if self._moves:
            self._db.executemany(self._sql["move_run"], [as_moved(move) for move in self._moves])
            for lead in (move.lead for move in self._moves):
                if lead.owner is None:
                    self._leads.pop(lead.run_id, None)
            self._moves.clear()
        if self._has_given:
            self._db.execute(self._sql["keep_number"], (self._last,))
            self._has_given = False

    def forget(self) -> None:
        for each in (self._numbers, self._leads, self._runtimes, self._projected, self._turns, self._moves):
            each.clear()
        self._last = None
        self._has_given = False

    def _ask(self, query: str, parameters: tuple[Any, ...] = ()) -> sqlite3.Cursor:
        """After what was gathered is written: it may be asked for."""
        self.write()
        return self._db.execute(self._sql[query], parameters)

    def next_number(self) -> int:
        if self._last is None:
            found = self._db.execute(self._sql["last_number"]).fetchone()
            if found is None or type(found[0]) is not int:
                raise StoreCorrupt(self._store, "it has lost count of its numbers")
            self._last = int(found[0])
        self._last += 1
        self._has_given = True
        return self._last

    # ── runs ──────────────────────────────────────────────────────────────────────────────────────────────────────────

    def run_number(self, run_id: str) -> int | None:
        number = self._numbers.get(run_id)
        if number is None:
            found = self._db.execute(self._sql["find_run_number"], (run_id,)).fetchone()
            if found is None:
                return None
            number = self._numbers[run_id] = int(found[0])
        return number

    def run(self, run_id: str) -> RunRecord | None:
        found = self._ask("find_run", (run_id,)).fetchone()
        return self._run(found) if found is not None else None

    def _run(self, values: tuple[Any, ...]) -> RunRecord:
        if is_sound_run(values):
            try:
                return run_from(values)
            except msgspec.DecodeError:
                pass  # its labels are no labels
        raise StoreCorrupt(self._store, f"run {values[0]!r} can't be: {brief(values)}")

    def lead(self, run_id: str) -> Lead | None:
        lead = self._leads.get(run_id)
        if lead is None:
            found = self._ask("find_lead", (run_id,)).fetchone()
            if found is None:
                return None
            lead = self._leads[run_id] = lead_from(found)
        return lead

    def add_run(self, run: RunRecord) -> None:
        number = self.next_number()
        self._db.execute(self._sql["add_run"], as_new_run(number, run))
        self._add_labels(number, run.labels)
        self._numbers[run.run_id] = number
        self._leads[run.run_id] = lead_of(number, run)
        self._projected.add(number)

    def move(self, move: Move) -> None:
        self._moves.append(move)
        self._leads[move.lead.run_id] = move.lead

    def keep_labels(self, number: int, labels: Mapping[str, str], updated: float) -> None:
        self._drop_labels(number)
        self._db.execute(self._sql["keep_labels"], (labels_as_text(labels), updated, number))
        self._add_labels(number, labels)

    def _add_labels(self, number: int, labels: Mapping[str, str]) -> None:
        if labels:
            self._db.executemany(self._sql["add_label"], [(*label, number) for label in labels.items()])

    def _drop_labels(self, number: int) -> str:
        """Answers with the run's id."""
        run_id, labels = self._ask("find_labels", (number,)).fetchone()
        self._leads.pop(run_id, None)
        dropped = [(*label, number) for label in labels_from(labels).items()]
        self._db.executemany(self._sql["drop_label"], dropped)
        return str(run_id)

    def drop_runs(self, numbers: Sequence[int]) -> None:
        for number in numbers:
            self._numbers.pop(self._drop_labels(number), None)
        for table in ("attempts", "rows", "turns", "run_messages", "notes", "run"):
            self._db.executemany(self._sql[f"drop_{table}"], [(number,) for number in numbers])

    def page(self, query: ListRuns, after: Place | None, limit: int) -> list[tuple[Place, RunRecord]]:
        self.write()
        found: list[tuple[Place, RunRecord]] = []
        for status in statuses_asked(query):
            base, more, values = question(query, status, after, other="+")
            for number, *rest in self._db.execute(f"{self._sql[base].rstrip(';')} {more}", (*values, limit)):
                run = self._run(tuple(rest))
                found.append((Place(run.created, number), run))
        return nlargest(limit, found, key=lambda each: rank(query, each[0]))

    def count(self) -> dict[str, int]:
        return dict(self._ask("count_runs").fetchall())

    def claimable(self, now: float, limit: int, workflows: Sequence[str] | None) -> list[Lead]:
        if workflows is None:
            return self._found_leads("list_claimable", (now, limit))
        found: list[Lead] = []
        for workflow in set(workflows):
            found += self._found_leads("list_claimable_at_once", (workflow, limit))
            found += self._found_leads("list_claimable_on_time", (workflow, now, limit))
        return nsmallest(limit, found, key=lambda lead: lead.number)

    def _found_leads(self, query: str, parameters: tuple[Any, ...]) -> list[Lead]:
        return [lead_from(values) for values in self._ask(query, parameters)]

    def purgeable(self, before: float, statuses: Sequence[str], limit: int) -> list[int]:
        ended: list[tuple[float, int]] = []
        for status in statuses:
            ended += self._ask("list_purgeable", (status, before, limit)).fetchall()
        return [number for _, number in nsmallest(limit, ended)]

    # ── runtimes ──────────────────────────────────────────────────────────────────────────────────────────────────────

    def runtime(self, number: int) -> RuntimeRecord | None:
        runtime = self._runtimes.get(number)
        if runtime is None:
            found = self._db.execute(self._sql["find_runtime"], (number,)).fetchone()
            if found is None:
                return None
            runtime = self._runtimes[number] = RuntimeRecord(*found)
        return runtime

    def runtimes(self) -> list[RuntimeRecord]:
        return [RuntimeRecord(*values) for values in self._db.execute(self._sql["list_runtimes"])]

    def lapsed(self, now: float, but: int) -> list[int]:
        return [each.number for each in self.runtimes() if each.expires < now and each.number != but]

    def keep_runtime(self, runtime: RuntimeRecord) -> None:
        self._db.execute(self._sql["keep_runtime"], (runtime.number, runtime.name, runtime.expires))
        self._runtimes[runtime.number] = runtime

    def drop_runtime(self, number: int) -> None:
        self._ask("free_runs", (number,))
        self._ask("drop_runtime", (number,))
        self._runtimes.pop(number, None)
        self._leads.clear()

    # ── turns ─────────────────────────────────────────────────────────────────────────────────────────────────────────

    def add_turns(self, lead: Lead, turns: bytes) -> Lead:
        after = self._leads[lead.run_id] = replace(lead, tail=lead.tail + 1)
        self._turns.append((lead.number, after.tail, turns))
        self._projected.discard(lead.number)
        return after

    def turns_at(self, number: int, sequence: int) -> bytes | None:
        found = self._ask("find_turns", (number, sequence)).fetchone()
        return found[0] if found is not None else None

    def turns(self, number: int) -> list[bytes]:
        return self._turns_after(number, 0)

    def _turns_after(self, number: int, sequence: int) -> list[bytes]:
        found = [data for (data,) in self._ask("list_turns", (number, sequence))]
        if not all(type(data) is bytes for data in found):
            raise StoreCorrupt(self._store, f"turns of run number {number} aren't bytes")
        return found

    def backlog(self, number: int) -> Sequence[bytes]:
        if number in self._projected:
            return ()
        (projected,) = self._ask("find_projected", (number,)).fetchone()
        found = self._turns_after(number, projected)
        if not found:
            self._projected.add(number)
        return found

    def keep_projected(self, number: int, count: int) -> None:
        self._ask("keep_projected", (count, number))
        self._projected.add(number)

    # ── messages and notes ────────────────────────────────────────────────────────────────────────────────────────────

    def add_message(self, run: int, message: RunMessage) -> None:
        self._ask("add_message", (message.number, run, message.kind, message.data, message.posted))

    def drop_messages(self, run: int, numbers: Sequence[int]) -> None:
        self._db.executemany(self._sql["drop_message"], [(number, run) for number in numbers])

    def messages_of(self, run: int) -> list[RunMessage]:
        return [RunMessage(*values) for values in self._ask("list_messages_of", (run,))]

    def messages_for(self, owner: int) -> list[RunMessage]:
        return [RunMessage(*values) for values in self._ask("list_messages_for", (owner,))]

    def add_note(self, run: int, note: Note) -> None:
        self._ask("add_note", (note.number, run, note.who, note.what, note.why, note.at))

    def notes(self, run: int) -> list[Note]:
        return [Note(*values) for values in self._ask("list_notes", (run,))]

    # ── schedules ─────────────────────────────────────────────────────────────────────────────────────────────────────

    def schedule(self, name: str) -> ScheduleRecord | None:
        found = self._db.execute(self._sql["find_schedule"], (name,)).fetchone()
        return self._schedule(found) if found is not None else None

    def schedules(self) -> list[ScheduleRecord]:
        return [self._schedule(values) for values in self._db.execute(self._sql["list_schedules"])]

    def _schedule(self, values: tuple[Any, ...]) -> ScheduleRecord:
        name, trigger, since, last = values
        if type(name) is type(trigger) is str and type(since) is float and (last is None or type(last) is float):
            return ScheduleRecord(name, trigger, since, last)
        raise StoreCorrupt(self._store, f"schedule {name!r} can't be: {brief(values)}")

    def keep_schedule(self, schedule: ScheduleRecord) -> None:
        values = (schedule.name, schedule.trigger, schedule.since, schedule.last)
        self._db.execute(self._sql["keep_schedule"], values)
