"""The trip example for as long as one likes, while what it runs on is killed: `python -m tests.soak --seconds 600 --store sqlite --kill-every 3`.

Two agencies share one store and one set of services. One is killed with SIGKILL every few seconds and opened again, and now and then frozen (SIGSTOP)
until its lease has lapsed, and let go on; the other is never killed, takes over what the first one leaves, and is looked at from outside: its memory and its
file handles may not grow. With Postgres the server itself is stopped (`-m immediate`) and started now and then. In the end all runs have ended, the
services' books balance and say what the runs say, and `check_store` is silent.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from examples.trip.agency import store_of
from examples.trip.servants import services
from tests.soak.books import problems_of
from tests.soak.driver import Driver, Plan
from tests.store.servers import private_server


@contextmanager
def place_of(kind: str, folder: Path, seconds: float, kill_every: float) -> Iterator[Plan]:
    if kind == "sqlite":
        yield Plan(str(folder / "runs.db"), None, seconds, kill_every)
        return
    with private_server() as server:
        yield Plan(server.dsn, server, seconds, kill_every)


async def soak(plan: Plan, folder: Path) -> list[str]:
    began = time.monotonic()
    async with services(folder) as running:
        driver = Driver(plan, running)
        await driver.drive()
    counts = ", ".join(f"{count} {how}" for how, count in sorted(driver.ended.items()))
    print(f"{driver.ended.total()} trips in {time.monotonic() - began:.0f} s: {counts}")
    print(
        f"{driver.kills} kills, {driver.freezes} freezes, {driver.restarts} restarts of the server, {driver.again} trips told of again"
    )
    print(
        f"{driver.no_store} openings found no store, {driver.lost_sight.total()} times a process lost sight of a trip"
    )
    for words, count in driver.lost_sight.most_common(10):
        print(f"  {count} times: {words}")
    print(f"the one that isn't killed: {driver.watched}")
    async with store_of(plan.store) as store:
        return [*driver.problems, *driver.watched.problems, *await problems_of(store, folder, driver.hows)]


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument("--seconds", type=float, default=600.0)
    parser.add_argument("--store", choices=["sqlite", "postgres"], default="sqlite")
    parser.add_argument("--kill-every", type=float, default=3.0, metavar="SECONDS")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="actorflow-soak-") as folder:
        with place_of(asked.store, Path(folder), asked.seconds, asked.kill_every) as plan:
            problems = asyncio.run(soak(plan, Path(folder)))
    for problem in problems[:50]:
        print(f"PROBLEM: {problem}")
    print(f"{len(problems)} problems" if problems else "all is well")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
