"""R50 between real processes: one is killed, one is merely frozen until its lease has lapsed. No run goes on in two of them."""

from __future__ import annotations

import asyncio
import os
import signal
import sqlite3
import sys
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import NamedTuple

import pytest

from actorflow import Store
from actorflow.store import decode_turns
from actorflow.testing import check_store
from tests.durable.replica import store_of
from tests.store.servers import private_server

ROOT = Path(__file__).parents[2]
LEASE = 1.0
DEADLINE = 60.0
"""Seconds for anything that is waited for: the machine may be busy."""


class Place(NamedTuple):
    """What the processes share."""

    store: str
    effects: Path

    @property
    def lines(self) -> list[tuple[str, str, str]]:
        """Mark, run and effect, in order."""
        found = [line.split() for line in self.effects.read_text().splitlines()]
        return [(mark, run_id, " ".join(effect)) for mark, run_id, *effect in found]


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with private_server() as server:
        yield server.dsn


@pytest.fixture(params=["sqlite", "postgres"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    store = str(tmp_path / "runs.db") if request.param == "sqlite" else str(request.getfixturevalue("server"))
    return Place(store, tmp_path / "effects")


class Replica:
    """One process. `said` has what it printed and nobody has waited for yet."""

    def __init__(self, mark: str, process: asyncio.subprocess.Process) -> None:
        self.mark = mark
        self.process = process
        self.said: list[str] = []

    def tell(self, word: str, runs: Iterable[str]) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write("".join(f"{word} {run_id}\n" for run_id in runs).encode())

    async def says(self, *expected: str) -> None:
        """Waits for these lines, in any order, among others."""
        missing = set(expected)
        async with asyncio.timeout(DEADLINE):
            while missing := missing - set(self.said):
                self.said.append(await self.line(missing))

    async def answers(self, runs: Sequence[str]) -> dict[str, str]:
        """What its callers get."""
        answers: dict[str, str] = {}
        async with asyncio.timeout(DEADLINE):
            while True:
                answers.update({run: value for word, run, value in split_in_three(self.said) if word == "ended"})
                if answers.keys() >= set(runs):
                    return {run: answers[run] for run in runs}
                self.said.append(await self.line(set(runs) - answers.keys()))

    async def line(self, missing: object) -> str:
        assert self.process.stdout is not None
        line = (await self.process.stdout.readline()).decode()
        assert line, f"{self.mark} ended, and hasn't said {missing}"
        return line.strip()

    def signal(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    async def freeze(self, store: str) -> None:
        """Not while it holds the lock of a SQLite file: nobody else can write then, so nobody can take anything over."""
        while True:
            self.signal(signal.SIGSTOP)
            await self.until_stopped()
            if store.startswith("postgresql://") or is_free(store):
                return
            self.signal(signal.SIGCONT)

    async def until_stopped(self) -> None:
        status = Path(f"/proc/{self.process.pid}/stat")
        async with asyncio.timeout(DEADLINE):
            while status.read_text().rpartition(")")[2].split()[0] != "T":
                await asyncio.sleep(0)


def split_in_three(said: Iterable[str]) -> list[tuple[str, str, str]]:
    parts = [line.split() for line in said]
    return [(one[0], one[1], one[2]) for one in parts if len(one) == 3]


def is_free(path: str) -> bool:
    with closing(sqlite3.connect(path, timeout=0, isolation_level=None)) as database:
        try:
            database.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError:
            return False
        return True


@asynccontextmanager
async def replica(place: Place, mark: str) -> AsyncIterator[Replica]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.durable.replica", place.store, mark, str(place.effects), str(LEASE)),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    started = Replica(mark, process)
    try:
        await started.says("ready")
        yield started
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def workers(store: Store, runs: Iterable[str]) -> Mapping[str, Sequence[str]]:
    """Who wrote each of a run's turns."""
    return {run: [decode_turns(one).worker for one in await store.turns(run)] for run in runs}


def worker_of(who: Replica, workers: Sequence[str]) -> set[int]:
    """The places of what this process has written."""
    return {at for at, worker in enumerate(workers) if f":{who.process.pid};" in worker}


@pytest.mark.timeout(180)
@pytest.mark.parametrize("step_goes_on", [False, True], ids=["its steps still wait", "its steps have all they need"])
async def test_a_frozen_process_records_nothing_once_its_runs_are_taken_over_and_its_callers_get_the_outcome(
    place: Place, step_goes_on: bool
) -> None:
    """One process is killed, and the next takes its runs; that one is frozen, and the third takes all."""
    runs = [f"run-{step_goes_on:d}-{number}" for number in range(6)]
    first, second = runs[:3], runs[3:]
    async with replica(place, "A") as a, replica(place, "C") as c:
        async with replica(place, "B") as b:
            a.tell("start", first)
            b.tell("start", second)
            await a.says(*(f"holds {run}" for run in first))
            await b.says(*(f"holds {run}" for run in second))
            b.signal(signal.SIGKILL)
            await b.process.wait()
        await both_have(a, c, second)

        await a.freeze(place.store)
        if step_goes_on:
            a.tell("go", runs)
        await c.says(*(f"holds {run}" for run in runs))
        c.tell("start", runs)
        c.tell("go", runs)
        told = await c.answers(runs)

        async with store_of(place.store) as store:
            before = await workers(store, runs)
            a.signal(signal.SIGCONT)
            assert await a.answers(first) == {run: told[run] for run in first}
            if not step_goes_on:
                stopped = {line.removeprefix("holds ") for line in a.said if line.startswith("holds ")}
                await a.says(*(f"stopped {run}" for run in stopped))
            await works_on(a, f"again-{step_goes_on:d}")
            assert await workers(store, runs) == before
            await check_store(store)
    for run in runs:
        assert told[run][1:] == "CC", run
        await check_effects(place, run, step_goes_on)
        assert max(worker_of(c, before[run])) == len(before[run]) - 1
        assert max(worker_of(a, before[run]), default=-1) < min(worker_of(c, before[run]))
        assert max(worker_of(b, before[run]), default=-1) < min(worker_of(a, before[run]) | worker_of(c, before[run]))


async def both_have(a: Replica, c: Replica, runs: Sequence[str]) -> None:
    """What the killed one had goes on in either of them: each run in one."""
    lines = {f"holds {run}" for run in runs}

    async def listen(who: Replica) -> None:
        while not lines <= {*a.said, *c.said}:
            who.said.append(await who.line(lines))

    async with asyncio.timeout(DEADLINE):
        listening = {asyncio.create_task(listen(who)) for who in (a, c)}
        await asyncio.wait(listening, return_when=asyncio.FIRST_COMPLETED)
        for task in listening:
            task.cancel()
        await asyncio.gather(*listening, return_exceptions=True)
    assert lines <= {*a.said, *c.said}
    assert not lines & set(a.said) & set(c.said)


async def check_effects(place: Place, run: str, step_goes_on: bool) -> None:
    """Each process's effects on a run are done when the next one's begin; only a step that had all it needed may end where it was frozen."""
    lines = [(mark, effect) for mark, run_id, effect in place.lines if run_id == run]
    if step_goes_on:
        lines = [line for line in lines if line != ("A", "went on")]
    marks = [mark for mark, _ in lines]
    assert marks == sorted(marks, key=lambda mark: "BAC".index(mark)), lines
    done = [effect for _, effect in lines]
    assert done.count("before") == done.count("after") == done.count("went on") == 1, lines


async def works_on(a: Replica, run: str) -> None:
    """The one that was frozen has joined the store anew."""
    a.tell("start", [run])
    await a.says(f"holds {run}")
    a.tell("go", [run])
    assert await a.answers([run]) == {run: "AAA"}
