"""What the command line's runs of the trip borrow: three services that live as long as the run.

    actorflow run examples.trip.booking:book_trip --runtime examples.trip.lent:runtime --input-trip '{"id": "t-1", "city": "Oslo"}'

`flaky` lends services that get something wrong on every trip. They keep their files in the folder that TRIP_FOLDER names, so that a run
that was halted finds them again; without it, nowhere.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import AsyncGenerator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

from actorflow import Runtime
from examples.trip.booking import CARDS, ROOMS, SEATS
from examples.trip.faults import Fault
from examples.trip.servants import order_faults, services

FAULTS = (
    Fault("seats", "reserve", "fail", "before"),
    Fault("seats", "reserve", "fail", "after"),
    Fault("rooms", "reserve", "slow", "before"),
    Fault("cards", "charge", "drop", "after"),
)
TRIPS = tuple(f"t-{number}" for number in range(100))
"""Those that meet the faults of `flaky`."""


def runtime() -> AbstractAsyncContextManager[Runtime]:
    """Healthy services."""
    return lent(())


def flaky() -> AbstractAsyncContextManager[Runtime]:
    """Services that lose requests, are too slow, and drop a line after a card was charged."""
    return lent(FAULTS)


@asynccontextmanager
async def lent(faults: Sequence[Fault]) -> AsyncGenerator[Runtime, None]:
    with tempfile.TemporaryDirectory(prefix="actorflow-trip-") as nowhere:
        folder = Path(os.environ.get("TRIP_FOLDER", nowhere))
        async with services(folder) as running:
            await order_faults(running, [(trip, fault) for trip in TRIPS for fault in faults])
            yield Runtime(
                resources=[
                    SEATS.provide(running["seats"]),
                    ROOMS.provide(running["rooms"]),
                    CARDS.provide(running["cards"]),
                ]
            )
