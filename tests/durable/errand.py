"""A service whose one run waits most of the time: `python -m tests.durable.errand DATABASE LEDGER [POINT HIT]`.

It says by lines: `waits STEP` when a wait is recorded, and `ended OUTCOME`. It is killed, with SIGKILL, when the crash point POINT is reached for
the HIT-th time.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from actorflow import Event, Runtime, SQLiteStore, crash_points, sleep, step, wait_for_signal, workflow
from actorflow.facts import WaitStarted
from tests.durable.ledger import Ledger
from tests.durable.sagas import LEDGER, key, reserve

NAP = 0.5
"""Seconds."""


@step
async def spend(payments: Sequence[int]) -> str:
    return LEDGER.get().take(" and ".join(map(str, payments)), key())


@workflow
def errand() -> str:
    """Sleeps, then takes two payments, each once."""
    slept = sleep(NAP, after=[reserve("seat")])
    first = wait_for_signal.options(after=[slept])("paid", int)
    return spend([first, wait_for_signal.options(after=[first])("paid", int)])


def say(line: str) -> None:
    print(line, flush=True)


class Killer:
    def __init__(self, point: str, hit: int) -> None:
        self.point = point
        self.left = hit

    def reached(self, point: str) -> None:
        self.left -= point == self.point
        if self.left == 0:
            os.kill(os.getpid(), signal.SIGKILL)


async def serve(database: Path, ledger: Path) -> None:
    lent = [LEDGER.provide(Ledger(ledger))]

    def tells(event: Event) -> None:
        say(f"waits {event.node}")

    async with Runtime(workflows=[errand], store=SQLiteStore(database), resources=lent) as runtime:
        runtime.subscribe(tells, WaitStarted)
        run = await runtime.options(run_id="saga").start(errand)
        say(f"ended {await run.result()}")


def main(database: str, ledger: str, point: str = "", hit: str = "1") -> None:
    if point:
        crash_points.listener = Killer(point, int(hit)).reached
    asyncio.run(serve(Path(database), Path(ledger)))


if __name__ == "__main__":
    main(*sys.argv[1:])
