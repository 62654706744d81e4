"""Appends that change nothing but the tails of runs whose leads are remembered: one statement for all, that reads no run and locks none.

A run's lead is remembered as long as this store's runtime has the run: the runtime is fenced only by a transaction that deletes its row, which
every append holds a lock on. What was remembered may be wrong all the same: turns that the database doesn't take so are given back, to be appended the long way.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, TypeGuard

from msgspec.structs import replace

from actorflow.store.lead import Lead
from actorflow.store.postgres_reads import columns, run_of
from actorflow.store.queries import queries
from actorflow.store.requests import Append, Request


class Quick(NamedTuple):
    """Where the requests stand, what is inserted for them, and the leads from then on. They are all of one runtime."""

    owner: int
    places: list[int]
    rows: list[tuple[int, int, bytes]]
    leads: dict[str, Lead]


def quick(requests: Sequence[Request[Any]], leads: Mapping[str, Lead]) -> Quick | None:
    """Those of the requests that can be made so, without coming before another one that they were asked after."""
    found: Quick | None = None
    others: set[str] = set()
    for place, each in enumerate(requests):
        run_id = run_of(each)
        if run_id is None:
            break
        if run_id in others or not is_plain(each):
            others.add(run_id)
            continue
        found = found or Quick(each.owner, [], [], {})
        lead = found.leads.get(run_id) or leads.get(run_id)
        if lead is None or not lead.owner == each.owner == found.owner or each.sequence != lead.tail + 1:
            others.add(run_id)
            continue
        found.leads[run_id] = replace(lead, tail=each.sequence)
        found.places.append(place)
        found.rows.append((lead.number, each.sequence, each.turns))
    return found if found is not None and found.rows else None


def is_plain(request: Request[Any]) -> TypeGuard[Append]:
    return type(request) is Append and request.change is None and not request.consumed


async def append(db: Any, asked: Quick) -> dict[int, int]:
    """The answers, by the places of the requests; those that weren't taken have none. Raises what asyncpg raises."""
    found = await db.fetch(queries("postgres")["append_turns"], asked.owner, *columns(asked.rows))
    taken = {tuple(each) for each in found}
    pairs = zip(asked.places, asked.rows, strict=True)
    return {place: sequence for place, (run, sequence, _) in pairs if (run, sequence) in taken}
