"""Appends that change nothing but the tails of runs whose leads are known: one statement, one round trip, a transaction of its own.

Whatever goes wrong here is no answer: the same appends are made the long way then. Those that had been made all the same are found to be repeated.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, TypeGuard

from msgspec.structs import replace

from actorflow.errors import LeaseLost
from actorflow.store.lead import Lead
from actorflow.store.postgres_reads import columns
from actorflow.store.queries import queries
from actorflow.store.requests import Append, Request


class Quick(NamedTuple):
    """What is inserted, and the leads from then on."""

    owner: int
    rows: list[tuple[int, int, bytes]]
    leads: dict[str, Lead]


def quick(requests: Sequence[Request[Any]], leads: Mapping[str, Lead]) -> Quick | None:
    """`None` if there is anything else to do than to insert turns of one runtime."""
    found: Quick | None = None
    for each in requests:
        if not is_plain(each):
            return None
        if found is None:
            found = Quick(each.owner, [], {})
        lead = found.leads.get(each.run_id) or leads.get(each.run_id)
        if lead is None or not lead.owner == each.owner == found.owner or each.sequence != lead.tail + 1:
            return None
        found.leads[each.run_id] = replace(lead, tail=each.sequence)
        found.rows.append((lead.number, each.sequence, each.turns))
    return found


def is_plain(request: Request[Any]) -> TypeGuard[Append]:
    return type(request) is Append and request.change is None and not request.consumed


async def append(db: Any, asked: Quick, leads: dict[str, Lead]) -> list[Any]:
    """Raises what asyncpg raises."""
    added = await db.fetchval(queries("postgres")["append_turns"], asked.owner, *columns(asked.rows))
    if not added:
        leads.clear()
        return [LeaseLost(asked.owner) for _ in asked.rows]
    leads.update(asked.leads)
    return [sequence for _, sequence, _ in asked.rows]
