"""R48, R50: a real `kill -9` of a process whose run waits; the next process goes on with the wait, and each signal counts once."""

from __future__ import annotations

import asyncio
import signal
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from actorflow import Operator, SQLiteStore
from actorflow.testing import check_store
from tests.durable.errand import NAP
from tests.durable.ledger import Ledger

ROOT = Path(__file__).parents[2]
DEADLINE = 60.0
FIRST, SECOND = "wait_for_signal", "wait_for_signal_2"


class Place:
    """What outlives the processes."""

    def __init__(self, folder: Path) -> None:
        self.database = folder / "runs.db"
        self.ledger = folder / "ledger.db"

    async def signal(self, value: int) -> None:
        async with Operator(SQLiteStore(self.database)) as operator:
            await operator.signal("saga", "paid", value, who="bank")

    async def check(self) -> None:
        """What was done was done once, with each payment once and in order; nothing is left to be delivered."""
        ledger = Ledger(self.ledger)
        assert ledger.taken == ["seat", "1 and 2"]
        ledger.close()
        async with SQLiteStore(self.database) as store:
            await check_store(store)
            assert await store.messages(run_id="saga") == []
            told = [entry.kind for entry in await Operator(store).history("saga")]
            assert told.count("SignalReceived") == told.count("SignalCame") == 2


class Service:
    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process

    async def says(self, expected: str) -> None:
        assert self.process.stdout is not None
        async with asyncio.timeout(DEADLINE):
            while (line := await self.process.stdout.readline()) != f"{expected}\n".encode():
                assert line, f"it has ended, and hasn't said {expected!r}"

    async def is_killed(self) -> None:
        """By itself, with SIGKILL."""
        async with asyncio.timeout(DEADLINE):
            assert await self.process.wait() == -signal.SIGKILL

    async def kill(self) -> None:
        self.process.kill()
        await self.is_killed()


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


@asynccontextmanager
async def service(place: Place, *dies_at: str) -> AsyncIterator[Service]:
    command = ["-m", "tests.durable.errand", str(place.database), str(place.ledger), *dies_at]
    process = await asyncio.create_subprocess_exec(sys.executable, *command, cwd=ROOT, stdout=asyncio.subprocess.PIPE)
    try:
        yield Service(process)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def finishes(place: Place, *payments: int) -> None:
    """Another process takes the run over, and gets these payments."""
    async with service(place) as running:
        for payment in payments:
            await place.signal(payment)
        await running.says("ended 1 and 2 taken")
        async with asyncio.timeout(DEADLINE):
            assert await running.process.wait() == 0
    await place.check()


async def test_killed_while_it_sleeps(place: Place) -> None:
    """It sleeps until the same moment."""
    async with service(place) as running:
        await running.says("waits sleep")
        began = time.time()
        await running.kill()
    async with service(place) as running:
        await running.says(f"waits {FIRST}")
        assert time.time() - began >= NAP - 0.2
        await running.kill()
    await finishes(place, 1, 2)


async def test_killed_while_it_sleeps_and_started_again_when_the_moment_has_passed(place: Place) -> None:
    """The signals come while nobody is there, before they are waited for."""
    async with service(place) as running:
        await running.says("waits sleep")
        await running.kill()
    await place.signal(1)
    await place.signal(2)
    await finishes(place)


@pytest.mark.parametrize("is_there", [True, False], ids=["then signalled", "signalled while nobody is there"])
async def test_killed_while_it_waits_for_a_signal(place: Place, *, is_there: bool) -> None:
    async with service(place) as running:
        await running.says(f"waits {FIRST}")
        await running.kill()
    if not is_there:
        await place.signal(1)
    await finishes(place, *([1, 2] if is_there else [2]))


@pytest.mark.parametrize(
    ("point", "hit"),
    [("message.found", 1), ("message.found", 2)],
    ids=["the first one", "the second one"],
)
async def test_killed_between_a_signal_s_arrival_and_its_delivery(place: Place, point: str, hit: int) -> None:
    async with service(place, point, str(hit)) as running:
        for payment, step in ((1, FIRST), (2, SECOND))[:hit]:
            await running.says(f"waits {step}")
            await place.signal(payment)
        await running.is_killed()
    await finishes(place, *(payment for payment in (1, 2) if payment > hit))


async def test_killed_when_the_delivery_is_stored_and_nobody_was_told(place: Place) -> None:
    """Of the second process the first commit has that it took the run over, the second one has the signal."""
    async with service(place) as running:
        await running.says(f"waits {FIRST}")
        await running.kill()
    await place.signal(1)
    async with service(place, "commit.stored", "2") as running:
        await running.is_killed()
    async with SQLiteStore(place.database) as store:
        assert await store.messages(run_id="saga") == []
    await finishes(place, 2)
