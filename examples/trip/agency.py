"""A booking service as a process of its own, which may be killed: `python -m examples.trip.agency STORE SEATS ROOMS CARDS`.

It is told of trips, a line each, and says, a line each, how they ended. A trip's run has the trip's id, so whoever hasn't heard of a trip's end tells the
next process of it: it's the same run, and goes on where it stood. STORE is a file, or `postgresql://…`; the others are the services' addresses.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Mapping
from typing import Literal

import aiohttp
import msgspec
import structlog

from actorflow import (
    ActorflowError,
    Cancelled,
    Failed,
    Halted,
    Outcome,
    PostgresStore,
    Runtime,
    SQLiteStore,
    Store,
    StoreError,
    Succeeded,
)
from examples.trip.booking import CARDS, ROOMS, SEATS, Ticket, TravellerWithdrew, Trip, book_trip
from examples.trip.client import Service

How = Literal["booked", "given back", "failed otherwise", "stopped"]

READY = "ready"
NO_STORE = 75
"""The exit code of one that can't open its store just now."""


class Ended(msgspec.Struct, frozen=True):
    """`how` is `None` if this process has lost sight of the trip: another one has to be told of it."""

    trip: str
    how: How | None
    words: str = ""


def store_of(name: str) -> Store:
    return PostgresStore(name) if name.startswith("postgresql://") else SQLiteStore(name)


def how_it_ended(outcome: Outcome[Ticket]) -> How:
    match outcome:
        case Succeeded():
            return "booked"
        case Failed(error, "complete") if isinstance(error.__cause__, TravellerWithdrew):
            return "given back"
        case Failed():
            return "failed otherwise"
        case Halted() | Cancelled():
            return "stopped"


async def book(runtime: Runtime, trip: Trip) -> Ended:
    """Raises nothing: a trip that this process can't see to the end isn't its end."""
    try:
        run = await runtime.options(run_id=trip.id).start(book_trip, trip)
        outcome = await run.outcome()
    except ActorflowError as error:
        return Ended(trip.id, None, str(error))
    return Ended(trip.id, how_it_ended(outcome), "" if isinstance(outcome, Succeeded) else str(outcome))


async def serve(store: Store, urls: Mapping[str, str], at_once: int | None, lease: float) -> None:
    """Until the input is closed, and all that was told of has ended."""
    async with aiohttp.ClientSession() as session:
        seats, rooms, cards = (Service(session, urls[name]) for name in ("seats", "rooms", "cards"))
        lent = [SEATS.provide(seats), ROOMS.provide(rooms), CARDS.provide(cards)]
        async with (
            Runtime(
                workflows=[book_trip],
                resources=lent,
                store=store,
                max_runs=at_once,
                lease=lease,
                lost_limit=100,  # the kills are on purpose: no step is to blame
                keep_finished=50,
            ) as runtime,
            asyncio.TaskGroup() as bookings,
        ):
            say(READY)
            reader = await lines()
            while line := await reader.readline():
                bookings.create_task(answer(runtime, msgspec.json.decode(line, type=Trip)))


async def answer(runtime: Runtime, trip: Trip) -> None:
    say(msgspec.json.encode(await book(runtime, trip)).decode())


def say(line: str) -> None:
    print(line, flush=True)


async def lines() -> asyncio.StreamReader:
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    return reader


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m examples.trip.agency", description=__doc__)
    parser.add_argument("store")
    for name in ("seats", "rooms", "cards"):
        parser.add_argument(name, metavar=f"{name.upper()}-URL")
    parser.add_argument("--at-once", type=int, metavar="N", help="how many runs go on at once, at most")
    parser.add_argument("--lease", type=float, default=3.0, metavar="SECONDS")
    asked = parser.parse_args()
    structlog.configure(
        logger_factory=structlog.PrintLoggerFactory(sys.stderr)
    )  # what is printed is for whoever started us
    urls = {name: str(getattr(asked, name)) for name in ("seats", "rooms", "cards")}
    try:
        asyncio.run(serve(store_of(asked.store), urls, asked.at_once, asked.lease))
    except StoreError as error:
        print(f"no agency without its store: {error}", file=sys.stderr)
        return NO_STORE
    return 0


if __name__ == "__main__":
    sys.exit(main())
