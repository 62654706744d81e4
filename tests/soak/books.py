"""Whether the services' books, the runs in the store and what the agencies told say the same."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path

from actorflow import Store
from actorflow.store import RunRecord
from actorflow.testing.checking import problems_of_run
from examples.trip.faults import OPERATIONS
from examples.trip.verdict import balances, complaints

SUCCEEDED = "booked"
TOGETHER = 50


async def problems_of(store: Store, folder: Path, hows: Mapping[str, str]) -> list[str]:
    seats, rooms, cards = (balances(str(folder / f"{name}.db")) for name in OPERATIONS)
    runs = await runs_in(store)
    statuses = {run.run_id: run.status for run in runs}
    found = complaints(seats, rooms, cards)
    found += await unsound(store, runs)
    found += [f"{trip}: nobody was told how it ended ({statuses[trip]})" for trip in statuses.keys() - hows.keys()]
    for trip, how in hows.items():
        if (how == SUCCEEDED) != (statuses.get(trip) == "succeeded") or (how == SUCCEEDED) != bool(cards.get(trip)):
            found.append(f"{trip}: told as {how}, stored as {statuses.get(trip)}, charged: {bool(cards.get(trip))}")
    print(f"{len(statuses)} runs are stored, {sum(cards.values())} charges are held, {len(found)} complaints")
    return found


async def runs_in(store: Store) -> list[RunRecord]:
    runs: list[RunRecord] = []
    after: str | None = None
    while True:
        page = await store.list_runs(limit=1000, after=after)
        runs += page.runs
        after = page.next
        if after is None:
            return runs


async def unsound(store: Store, runs: Sequence[RunRecord]) -> list[str]:
    """What `check_store` raises; many are asked for at once, because there are many."""
    found: list[str] = []
    for first in range(0, len(runs), TOGETHER):
        answers = await asyncio.gather(*(problems_of_run(store, run) for run in runs[first : first + TOGETHER]))
        found += [problem for problems in answers for problem in problems]
    return found
