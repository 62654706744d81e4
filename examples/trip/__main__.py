"""Books 200 trips, 20 at a time, a quarter of them meeting faults; then lets the verdict be spoken.

`python -m examples.trip` starts the services, prints how it goes, and ends with the verdict of `verdict.py`, a program of
its own that reads the services' files. Exit code 0 if all is well. `--keep FOLDER` keeps the files.

With `--store trips.db` the runs are stored, and survive their process. `--killed 5` books in a process that is killed with SIGKILL five times on the
way, and started again: it comes to the same end.
"""

from __future__ import annotations

import argparse
import asyncio
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from rich.console import Console
from rich.table import Table

from actorflow import Failed, Runtime, SQLiteStore, Store
from examples.trip import faults
from examples.trip.agency import how_it_ended
from examples.trip.booking import CARDS, ROOMS, SEATS, Trip, book_trip
from examples.trip.client import Service
from examples.trip.killed import Evening
from examples.trip.servants import faults_met, order_faults, services

CITIES = ("Oslo", "Rome", "Porto", "Ghent", "Riga", "Cork")
SEED = 2
AT_ONCE = 20
VERDICT = Path(__file__).with_name("verdict.py")
console = Console(highlight=False)


def trips(how_many: int, withdrawn: frozenset[int]) -> list[Trip]:
    return [Trip(name(n), CITIES[n % len(CITIES)], n in withdrawn) for n in range(how_many)]


def name(number: int) -> str:
    return f"trip-{number:03}"


class Progress:
    """Says how it goes, every twenty trips."""

    def __init__(self, of: int) -> None:
        self.of = of
        self.ended: Counter[str] = Counter()
        self.began = time.monotonic()

    def note(self, how: str) -> None:
        self.ended[how] += 1
        if self.ended.total() % 20 == 0 or self.ended.total() == self.of:
            seconds = time.monotonic() - self.began
            counts = ", ".join(f"{count} {how}" for how, count in sorted(self.ended.items()))
            console.print(f"{self.ended.total():4} of {self.of} trips after {seconds:4.1f} s: {counts}")


async def book(runtime: Runtime, trip: Trip, progress: Progress) -> None:
    run = await runtime.options(run_id=trip.id).start(book_trip, trip)
    outcome = await run.outcome()
    how = how_it_ended(outcome)
    if how == "failed otherwise" and isinstance(outcome, Failed):
        console.print(f"{trip.id}: {outcome.error} (rollback: {outcome.rollback})")
    progress.note(how)


async def book_all(running: dict[str, Service], all_trips: Sequence[Trip], store: Store | None) -> Counter[str]:
    lent = [SEATS.provide(running["seats"]), ROOMS.provide(running["rooms"]), CARDS.provide(running["cards"])]
    progress = Progress(len(all_trips))
    async with (
        Runtime(workflows=[book_trip], resources=lent, max_runs=AT_ONCE, seed=SEED, store=store) as runtime,
        asyncio.TaskGroup() as bookings,
    ):
        for trip in all_trips:
            bookings.create_task(book(runtime, trip, progress))
    return progress.ended


async def book_killed(running: dict[str, Service], all_trips: Sequence[Trip], store: Path, kills: int) -> Counter[str]:
    progress = Progress(len(all_trips))
    when = [len(all_trips) * (kill + 1) // (kills + 1) for kill in range(kills)]
    evening = Evening(all_trips, when, progress.note)
    ended = await evening.spend(str(store), running, AT_ONCE)
    console.print(f"the process was killed {kills - len(evening.kills)} times")
    return ended


def fault_table(met: Counter[faults.Fault]) -> Table:
    """How often each combination was met."""
    table = Table("service", "operation", *(f"{kind}\n{moment}" for kind in faults.KINDS for moment in faults.MOMENTS))
    for service, operations in faults.OPERATIONS.items():
        for operation in operations:
            counts = (met[faults.Fault(service, operation, k, m)] for k in faults.KINDS for m in faults.MOMENTS)
            table.add_row(service, operation, *map(str, counts))
    return table


def rare(met: Counter[faults.Fault]) -> list[faults.Fault]:
    return [fault for fault in faults.every_fault() if met[fault] < faults.EACH]


class Asked(NamedTuple):
    """`folder` is for the services' files, `store` for the runs: a file, or nothing; `kills` is how often the process dies."""

    folder: Path
    trips: int
    store: Path | None
    kills: int


async def book_and_count(asked: Asked) -> bool:
    """The whole evening: whether every trip ended as it had to, and each fault was met often enough."""
    how_many = asked.trips
    plan = faults.scenario(how_many, SEED)
    console.print(f"starting three services; seed {SEED}")
    async with services(asked.folder) as running:
        await order_faults(running, [(name(n), fault) for n, hand in plan.faults.items() for fault in hand])
        console.print(f"booking {how_many} trips, {AT_ONCE} at a time; {len(plan.faulty)} of them meet faults")
        ended = await booked(asked, running, trips(how_many, plan.withdrawn))
        met = await faults_met(running)
    console.print(f"{met.total()} faults met, on {len(plan.faulty)} trips:", fault_table(met))
    missing = rare(met)
    for fault in missing:
        console.print(f"met less than {faults.EACH} times: {' '.join(fault)}")
    expected = Counter({"booked": how_many - len(plan.withdrawn), "given back": len(plan.withdrawn)})
    if ended != expected:
        console.print(f"expected {dict(expected)}, got {dict(ended)}")
    return ended == expected and not missing


async def booked(asked: Asked, running: dict[str, Service], all_trips: Sequence[Trip]) -> Counter[str]:
    if asked.kills:
        return await book_killed(running, all_trips, asked.store or asked.folder / "runs.db", asked.kills)
    return await book_all(running, all_trips, None if asked.store is None else SQLiteStore(asked.store))


def verdict(folder: Path) -> bool:
    """Asks a separate program, which knows the files alone."""
    files = [str(folder / f"{service}.db") for service in faults.OPERATIONS]
    return subprocess.run([sys.executable, str(VERDICT), *files], check=False).returncode == 0


def run(asked: Asked) -> int:
    as_expected = asyncio.run(book_and_count(asked))
    return 0 if verdict(asked.folder) and as_expected else 1


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m examples.trip", description=__doc__)
    parser.add_argument("--trips", type=int, default=200, metavar="N", help="how many (100 or more)")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="keep the services' files in this new folder")
    parser.add_argument("--store", type=Path, metavar="FILE", help="keep the runs in this new SQLite file")
    parser.add_argument("--killed", type=int, default=0, metavar="N", help="kill the process that books N times")
    asked = parser.parse_args()
    if asked.trips < 100:
        parser.error("--trips: the faults need 100 trips or more to be dealt to")
    if asked.store and asked.store.exists():
        parser.error(
            f"--store: {asked.store} has the runs of another evening, and its services are gone; name a new file"
        )
    if asked.keep:
        asked.keep.mkdir(parents=True)
        return run(Asked(asked.keep, asked.trips, asked.store, asked.killed))
    with tempfile.TemporaryDirectory(prefix="actorflow-trip-") as folder:
        return run(Asked(Path(folder), asked.trips, asked.store, asked.killed))


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
