"""Sagas that are killed: each line of the input is a story to be played, each line of the output is what came of it.

    python -m tests.durable.kill_server FOLDER

A story is played in processes of its own, one after the other, on one SQLite file and one ledger. Each is forked from this process, which has all
modules loaded and neither a loop nor a thread. A process kills itself with SIGKILL at the point that it is told.
"""

from __future__ import annotations

import asyncio
import logging
import os
import shutil
import signal
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import structlog

from actorflow import Outcome, Runtime, SQLiteStore, crash_points, step_context
from actorflow.clock import Clock
from actorflow.errors import RecordNotFound
from actorflow.testing.checking import check_store, steps_completed
from tests.durable.compared import check_world, what_came
from tests.durable.ledger import Ledger
from tests.durable.sagas import CASES, LEDGER, Case

AN_HOUR = 3600.0
MOST_LIVES = 10
RUN = "saga"


class Plot(msgspec.Struct):
    """`kills`: at which point (from 1) the first process is killed, then the second, …; further ones aren't."""

    name: str
    case: str
    kills: Sequence[int] = ()


class Played(msgspec.Struct):
    """What the last process says. `deaths`: how many were killed before; `problem`: what is wrong, if something is."""

    outcome: str
    points: int
    deaths: int = 0
    problem: str = ""


class Later(Clock):
    """Each process begins an hour after the one before was killed: its lease has lapsed by then."""

    def __init__(self, hours: float) -> None:
        self.ahead = hours * AN_HOUR

    def time(self) -> float:
        return time.time() + self.ahead


class Place(NamedTuple):
    """Where a story is played."""

    case: Case
    database: Path
    ledger: Path
    clock: Clock

    @property
    def store(self) -> SQLiteStore:
        return SQLiteStore(self.database, synchronous="NORMAL", clock=self.clock)


class Killer:
    """Listens to the crash points, and kills at one."""

    def __init__(self, at: int, completed: frozenset[str]) -> None:
        self.at = at
        self.completed = completed
        self.points = 0
        self.repeated: list[str] = []

    def reached(self, point: str) -> None:
        self.points += 1
        if point == "step.entering" and (name := step_context().node) in self.completed:
            self.repeated.append(name)
        if self.points == self.at:
            os.kill(os.getpid(), signal.SIGKILL)


async def live(place: Place, kill_at: int, told: Callable[[Played], None]) -> None:
    """A second store on the same file looks on: as long as it is open, leaving the other one costs no `fsync`."""
    async with place.store as store:
        killer = Killer(kill_at, await completed_in(store))
        crash_points.listener = killer.reached
        ledger = Ledger(place.ledger)
        outcome = await outcome_of(place, ledger)
        crash_points.listener = None
        await check_store(store)
        check_world(place.case, ledger)
        assert not killer.repeated, f"these were run again, though their completion is stored: {killer.repeated}"
        told(Played(repr(what_came(outcome)), killer.points))


async def completed_in(store: SQLiteStore) -> frozenset[str]:
    try:
        return await steps_completed(store, RUN)
    except RecordNotFound:
        return frozenset()


async def outcome_of(place: Place, ledger: Ledger) -> Outcome[Any]:
    case = place.case
    told: dict[str, Any] = {
        "workflows": [case.workflow],
        "resources": [LEDGER.provide(ledger)],
        "seed": 0,
        **case.options,
    }
    async with Runtime(store=place.store, clock=place.clock, **told) as runtime:
        run = await runtime.options(run_id=RUN).start(case.workflow, *case.inputs)
        return await run.outcome()


def in_child(place: Place, kill_at: int, out: int) -> None:
    """All of a process's life. It ends at once when it has said what came of it."""

    def told(played: Played) -> None:
        os.write(out, msgspec.json.encode(played))
        os._exit(0)

    try:
        asyncio.run(live(place, kill_at, told))
    except BaseException:
        told(Played("", 0, problem=traceback.format_exc()))


def forked(place: Place, kill_at: int) -> Played | None:
    """`None` if it was killed."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        in_child(place, kill_at, writing)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        said = pipe.read()
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL:
        return None
    return msgspec.json.decode(said, type=Played)


def place_of(case: Case, folder: Path, name: str, hours: float = 0.0) -> Place:
    return Place(case, folder / f"{name}.db", folder / f"{name}.ledger", Later(hours))


def play(plot: Plot, folder: Path) -> Played:
    case = next(case for case in CASES if case.name == plot.case)
    shutil.copy(folder / "empty.db", folder / f"{plot.name}.db")
    for life in range(MOST_LIVES):
        place = place_of(case, folder, plot.name, life)
        played = forked(place, plot.kills[life] if life < len(plot.kills) else 0)
        if played is not None:
            played.deaths = life
            return played
    return Played("", 0, MOST_LIVES, "it never ends")


async def warm_up(folder: Path) -> None:
    """What this process has loaded and worked out, those forked from it have; and it leaves nothing open."""
    async with place_of(CASES[0], folder, "empty").store:
        pass
    for case in CASES:
        place = place_of(case, folder, f"warm {case.name}")
        ledger = Ledger(place.ledger)
        await outcome_of(place, ledger)
        ledger.close()


def main(folder: Path) -> None:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    asyncio.run(warm_up(folder))
    decoder = msgspec.json.Decoder(Plot)
    for line in sys.stdin.buffer:
        played = play(decoder.decode(line), folder)
        sys.stdout.buffer.write(msgspec.json.encode(played) + b"\n")
        sys.stdout.buffer.flush()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
