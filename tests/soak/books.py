"""Whether the services' books, the runs in the store and what the agencies told say the same."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from actorflow import Store
from actorflow.testing.checking import problems_of as problems_of_store
from examples.trip.faults import OPERATIONS
from examples.trip.verdict import balances, complaints

SUCCEEDED = "booked"


async def problems_of(store: Store, folder: Path, hows: Mapping[str, str]) -> list[str]:
    seats, rooms, cards = (balances(str(folder / f"{name}.db")) for name in OPERATIONS)
    statuses = await statuses_in(store)
    found = complaints(seats, rooms, cards)
    found += [problem async for problem in problems_of_store(store)]
    found += [f"{trip}: nobody was told how it ended ({statuses[trip]})" for trip in statuses.keys() - hows.keys()]
    for trip, how in hows.items():
        if (how == SUCCEEDED) != (statuses.get(trip) == "succeeded") or (how == SUCCEEDED) != bool(cards.get(trip)):
            found.append(f"{trip}: told as {how}, stored as {statuses.get(trip)}, charged: {bool(cards.get(trip))}")
    print(f"{len(statuses)} runs are stored, {sum(cards.values())} charges are held, {len(found)} complaints")
    return found


async def statuses_in(store: Store) -> dict[str, str]:
    statuses: dict[str, str] = {}
    after: str | None = None
    while True:
        page = await store.list_runs(limit=1000, after=after)
        statuses.update({run.run_id: run.status for run in page.runs})
        after = page.next
        if after is None:
            return statuses
