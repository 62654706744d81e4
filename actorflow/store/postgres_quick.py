"""What a runtime's own runs do in a commit: one statement for all that begin, go on and end, which reads no run and locks none before.

A run's lead is remembered as long as this store's runtime has the run: the runtime is fenced only by a transaction that deletes its row, which
every statement holds a lock on. What was remembered may be wrong all the same, and a run may be there already: what the database doesn't take so is
given back, to be done the long way.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec.structs import replace

from actorflow.store import lead as rules
from actorflow.store.lead import Lead, Move
from actorflow.store.postgres_reads import columns, run_of
from actorflow.store.queries import queries
from actorflow.store.requests import Append, OpenRun, Request
from actorflow.store.run_answers import first_record
from actorflow.store.run_records import as_moved, as_new_run
from actorflow.store.runs import Opened, RunRecord


class Quick:
    """What is sent for the requests, which are all of one runtime, and the leads from then on."""

    def __init__(self, owner: int) -> None:
        self.owner = owner
        self.opened: dict[str, tuple[int, RunRecord]] = {}  # with the request's place
        self.begun: dict[str, tuple[int, Append]] = {}  # their first turns
        self.appended: dict[tuple[int, int], int] = {}  # places, by the store's number of the run and the sequence
        self.rows: list[tuple[int, int, bytes]] = []
        self.moves: dict[int, Move] = {}  # one for each run, by its number
        self.leads: dict[str, Lead] = {}

    @property
    def size(self) -> int:
        """How many of the requests it answers."""
        return len(self.opened) + len(self.begun) + len(self.rows)

    @property
    def is_plain(self) -> bool:
        """Whether runs only go on."""
        return not (self.opened or self.moves)

    def open(self, place: int, request: OpenRun, now: float) -> None:
        self.opened[request.run.run_id] = place, first_record(request.run, self.owner, now)

    def begin(self, place: int, request: Append) -> None:
        self.begun[request.run_id] = place, request

    def append(self, place: int, request: Append, lead: Lead, now: float) -> None:
        after = replace(lead, tail=request.sequence)
        if request.change is not None:
            move = rules.changed(after, request.change, now)
            before = self.moves.get(lead.number)
            self.moves[lead.number] = move if before is None else rules.both(before, move)
            after = move.lead
        self.leads[request.run_id] = after
        self.appended[lead.number, request.sequence] = place
        self.rows.append((lead.number, request.sequence, request.turns))


def quick(requests: Sequence[Request[Any]], leads: Mapping[str, Lead], now: float) -> Quick | None:
    """Those of the requests that can be made so, without coming before another one that they were asked after."""
    found: Quick | None = None
    others: set[str] = set()
    for place, each in enumerate(requests):
        run_id = run_of(each)
        if run_id is None:
            break
        if run_id in others or not isinstance(each, (Append, OpenRun)):
            others.add(run_id)
            continue
        found = found or Quick(each.owner)
        if each.owner != found.owner or not taken(found, place, each, leads, now):
            others.add(run_id)
    return found if found is not None and found.size else None


def taken(found: Quick, place: int, request: Append | OpenRun, leads: Mapping[str, Lead], now: float) -> bool:
    """Whether it was put to the others: a run that is new and has no labels, its first turn, and what a run does whose lead is known."""
    if isinstance(request, OpenRun):
        is_new = request.run.run_id not in leads and request.run.run_id not in found.opened
        if is_new and not request.run.labels:
            found.open(place, request, now)
            return True
        return False
    if request.consumed:
        return False
    if request.run_id in found.opened:
        if request.sequence != 1 or request.change is not None or request.run_id in found.begun:
            return False
        found.begin(place, request)
        return True
    lead = found.leads.get(request.run_id) or leads.get(request.run_id)
    if lead is None or lead.owner != found.owner or request.sequence != lead.tail + 1:
        return False
    found.append(place, request, lead, now)
    return True


async def commit(db: Any, asked: Quick) -> dict[int, Any]:
    """The answers, by the places of the requests; those that weren't taken have none. Raises what asyncpg raises."""
    if asked.is_plain:
        found = await db.fetch(queries("postgres")["append_turns"], asked.owner, *arrays(asked.rows, 3))
        return {asked.appended[run, sequence]: sequence for run, sequence in found}
    news = [as_new_run(0, record)[1:-2] for _, record in asked.opened.values()]
    first = [(run_id, request.turns) for run_id, (_, request) in asked.begun.items()]
    moved = [as_moved(move) for move in asked.moves.values()]
    given = (*arrays(news, 15), *arrays(first, 2), *arrays(asked.rows, 3), *arrays(moved, 10))
    answers: dict[int, Any] = {}
    for run_id, run, sequence in await db.fetch(queries("postgres")["commit_turns"], asked.owner, *given):
        if run_id is None:
            answers[asked.appended[run, sequence]] = sequence
        else:
            answers.update(begun(asked, run_id, run))
    return answers


def begun(asked: Quick, run_id: str, number: int) -> dict[int, Any]:
    place, record = asked.opened[run_id]
    answers: dict[int, Any] = {place: Opened(record, True)}
    if run_id in asked.begun:
        place, _ = asked.begun[run_id]
        answers[place] = 1
        record = replace(record, tail=1)
    asked.leads[run_id] = rules.lead_of(number, record)
    return answers


def arrays(rows: Sequence[tuple[Any, ...]], width: int) -> Sequence[Sequence[Any]]:
    """One array per column, of nothing too."""
    return list(columns(rows)) if rows else [()] * width
