"""Books 200 trips, 20 at a time, a quarter of them meeting faults; then lets the verdict be spoken.

`python -m examples.trip` starts the services, prints how it goes, and ends with the verdict of `verdict.py`, a program of
its own that reads the services' files. Exit code 0 if all is well. `--keep FOLDER` keeps the files.
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

from rich.console import Console
from rich.table import Table

from actorflow import Cancelled, Failed, Halted, Runtime, Succeeded
from examples.trip import faults
from examples.trip.booking import CARDS, ROOMS, SEATS, TravellerWithdrew, Trip, book_trip
from examples.trip.client import Service
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
    match await run.outcome():
        case Succeeded():
            progress.note("booked")
        case Failed(error, "complete") if isinstance(error.__cause__, TravellerWithdrew):
            progress.note("given back")
        case Failed(error, rollback):
            console.print(f"{trip.id}: {error} (rollback: {rollback})")
            progress.note("failed otherwise")
        case Halted() | Cancelled():
            progress.note("stopped")


async def book_all(running: dict[str, Service], all_trips: Sequence[Trip]) -> Counter[str]:
    lent = [SEATS.provide(running["seats"]), ROOMS.provide(running["rooms"]), CARDS.provide(running["cards"])]
    progress = Progress(len(all_trips))
    async with Runtime(resources=lent, max_runs=AT_ONCE, seed=SEED) as runtime, asyncio.TaskGroup() as bookings:
        for trip in all_trips:
            bookings.create_task(book(runtime, trip, progress))
    return progress.ended


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


async def book_and_count(folder: Path, how_many: int) -> bool:
    """The whole evening: whether every trip ended as it had to, and each fault was met often enough."""
    plan = faults.scenario(how_many, SEED)
    console.print(f"starting three services; seed {SEED}")
    async with services(folder) as running:
        await order_faults(running, [(name(n), fault) for n, hand in plan.faults.items() for fault in hand])
        console.print(f"booking {how_many} trips, {AT_ONCE} at a time; {len(plan.faulty)} of them meet faults")
        ended = await book_all(running, trips(how_many, plan.withdrawn))
        met = await faults_met(running)
    console.print(f"{met.total()} faults met, on {len(plan.faulty)} trips:", fault_table(met))
    missing = rare(met)
    for fault in missing:
        console.print(f"met less than {faults.EACH} times: {' '.join(fault)}")
    expected = Counter({"booked": how_many - len(plan.withdrawn), "given back": len(plan.withdrawn)})
    if ended != expected:
        console.print(f"expected {dict(expected)}, got {dict(ended)}")
    return ended == expected and not missing


def verdict(folder: Path) -> bool:
    """Asks a separate program, which knows the files alone."""
    files = [str(folder / f"{service}.db") for service in faults.OPERATIONS]
    return subprocess.run([sys.executable, str(VERDICT), *files], check=False).returncode == 0


def run(folder: Path, how_many: int) -> int:
    as_expected = asyncio.run(book_and_count(folder, how_many))
    return 0 if verdict(folder) and as_expected else 1


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m examples.trip", description=__doc__)
    parser.add_argument("--trips", type=int, default=200, metavar="N", help="how many (100 or more)")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="keep the services' files in this new folder")
    asked = parser.parse_args()
    if asked.trips < 100:
        parser.error("--trips: the faults need 100 trips or more to be dealt to")
    if asked.keep:
        asked.keep.mkdir(parents=True)
        return run(asked.keep, asked.trips)
    with tempfile.TemporaryDirectory(prefix="actorflow-trip-") as folder:
        return run(Path(folder), asked.trips)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
