"""Runs, runtimes, turns, messages and notes, kept in this process."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from heapq import nlargest
from itertools import islice

from msgspec.structs import replace

from actorflow.store.lead import Lead, Move, is_claimable, lead_of, led
from actorflow.store.lists import rank
from actorflow.store.requests import ListRuns
from actorflow.store.runs import Note, RunMessage, RunRecord, RuntimeRecord, ScheduleRecord
from actorflow.store.tables import Place


class MemoryRuns:
    """`_last` is the number that was given last."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}
        self._runs: dict[int, RunRecord] = {}
        self._runtimes: dict[int, RuntimeRecord] = {}
        self._turns: dict[int, list[bytes]] = {}
        self._projected: dict[int, int] = {}
        self._messages: dict[int, dict[int, RunMessage]] = {}
        self._notes: dict[int, list[Note]] = {}
        self._schedules: dict[str, ScheduleRecord] = {}
        self._last = 0

    def next_number(self) -> int:
        self._last += 1
        return self._last

    # ── runs ──────────────────────────────────────────────────────────────────────────────────────────────────────────

    def run_number(self, run_id: str) -> int | None:
        return self._numbers.get(run_id)

    def run(self, run_id: str) -> RunRecord | None:
        number = self._numbers.get(run_id)
        return self._runs[number] if number is not None else None

    def lead(self, run_id: str) -> Lead | None:
        number = self._numbers.get(run_id)
        return lead_of(number, self._runs[number]) if number is not None else None

    def add_run(self, run: RunRecord) -> None:
        number = self._numbers[run.run_id] = self.next_number()
        self._runs[number] = run
        self._turns[number] = []
        self._projected[number] = 0

    def move(self, move: Move) -> None:
        self._runs[move.lead.number] = led(self._runs[move.lead.number], move)

    def keep_labels(self, number: int, labels: Mapping[str, str], updated: float) -> None:
        self._runs[number] = replace(self._runs[number], labels=labels, updated=updated)

    def drop_runs(self, numbers: Sequence[int]) -> None:
        for number in numbers:
            del self._numbers[self._runs.pop(number).run_id]
            for table in (self._turns, self._projected, self._messages, self._notes):
                table.pop(number, None)

    def page(self, query: ListRuns, after: Place | None, limit: int) -> list[tuple[Place, RunRecord]]:
        places = (Place(run.created, number) for number, run in self._runs.items() if is_asked_for(run, query))
        later = (place for place in places if after is None or rank(query, place) < rank(query, after))
        newest = nlargest(limit, later, key=lambda place: rank(query, place))
        return [(place, without_bytes(self._runs[place.number])) for place in newest]

    def count(self) -> dict[str, int]:
        return dict(Counter(run.status for run in self._runs.values()))

    def claimable(self, now: float, limit: int, workflows: Sequence[str] | None) -> list[Lead]:
        return list(islice(self._claimable(now, workflows), limit))

    def _claimable(self, now: float, workflows: Sequence[str] | None) -> Iterator[Lead]:
        for number, run in self._runs.items():
            lead = lead_of(number, run)
            if is_claimable(lead, now) and (workflows is None or run.workflow in workflows):
                yield lead

    def purgeable(self, before: float, statuses: Sequence[str], limit: int) -> list[int]:
        ended = (
            (run.ended, number)
            for number, run in self._runs.items()
            if run.ended is not None and run.ended < before and run.status in statuses and run.owner is None
        )
        return [number for _, number in sorted(ended)[:limit]]

    # ── runtimes ──────────────────────────────────────────────────────────────────────────────────────────────────────

    def runtime(self, number: int) -> RuntimeRecord | None:
        return self._runtimes.get(number)

    def runtimes(self) -> list[RuntimeRecord]:
        return [self._runtimes[number] for number in sorted(self._runtimes)]

    def lapsed(self, now: float, but: int) -> list[int]:
        return [each.number for each in self.runtimes() if each.expires < now and each.number != but]

    def keep_runtime(self, runtime: RuntimeRecord) -> None:
        self._runtimes[runtime.number] = runtime

    def drop_runtime(self, number: int) -> None:
        del self._runtimes[number]
        for run, record in self._runs.items():
            if record.owner == number:
                self._runs[run] = replace(record, owner=None)

    # ── turns ─────────────────────────────────────────────────────────────────────────────────────────────────────────

    def add_turns(self, lead: Lead, turns: bytes) -> Lead:
        after = replace(lead, tail=lead.tail + 1)
        self._turns[lead.number].append(turns)
        self._runs[lead.number] = replace(self._runs[lead.number], tail=after.tail)
        return after

    def turns_at(self, number: int, sequence: int) -> bytes | None:
        return self._turns[number][sequence - 1]

    def turns(self, number: int) -> list[bytes]:
        return list(self._turns[number])

    def backlog(self, number: int) -> Sequence[bytes]:
        projected, turns = self._projected[number], self._turns[number]
        return turns[projected:] if projected < len(turns) else ()

    def keep_projected(self, number: int, count: int) -> None:
        self._projected[number] += count

    # ── messages and notes ────────────────────────────────────────────────────────────────────────────────────────────

    def add_message(self, run: int, message: RunMessage) -> None:
        self._messages.setdefault(run, {})[message.number] = message

    def drop_messages(self, run: int, numbers: Sequence[int]) -> None:
        for number in numbers:
            self._messages.get(run, {}).pop(number, None)

    def messages_of(self, run: int) -> list[RunMessage]:
        return list(self._messages.get(run, {}).values())

    def messages_for(self, owner: int) -> list[RunMessage]:
        mine = (
            each for run, kept in self._messages.items() if self._runs[run].owner == owner for each in kept.values()
        )
        return sorted(mine, key=lambda message: message.number)

    def add_note(self, run: int, note: Note) -> None:
        self._notes.setdefault(run, []).append(note)

    def notes(self, run: int) -> list[Note]:
        return list(self._notes.get(run, ()))

    # ── schedules ─────────────────────────────────────────────────────────────────────────────────────────────────────

    def schedule(self, name: str) -> ScheduleRecord | None:
        return self._schedules.get(name)

    def schedules(self) -> list[ScheduleRecord]:
        return [self._schedules[name] for name in sorted(self._schedules)]

    def keep_schedule(self, schedule: ScheduleRecord) -> None:
        self._schedules[schedule.name] = schedule


def is_asked_for(run: RunRecord, query: ListRuns) -> bool:
    return (
        (not query.status or run.status in query.status)
        and query.workflow in {None, run.workflow}
        and query.parent in {None, run.parent}
        and (query.since is None or run.created >= query.since)
        and (query.until is None or run.created < query.until)
        and query.labels.items() <= dict(run.labels).items()
    )


def without_bytes(run: RunRecord) -> RunRecord:
    return replace(run, inputs=b"", context=b"", options=b"", result=None, failure=None)
