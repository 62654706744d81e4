"""Exactly one firing among real processes on one store, one of which is killed."""

from __future__ import annotations

import asyncio
import os
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest

from tests.runtime.schedules.replica import PACE, store_of
from tests.store.servers import private_server

ROOT = Path(__file__).parents[3]
DEADLINE = 60.0
"""Seconds for anything that is waited for: the machine may be busy."""


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with private_server() as server:
        yield server.dsn


@pytest.fixture(params=["sqlite", "postgres"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return str(tmp_path / "runs.db") if request.param == "sqlite" else str(request.getfixturevalue("server"))


@asynccontextmanager
async def replica(place: str) -> AsyncIterator[Process]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.runtime.schedules.replica", place),
        stdin=PIPE,
        stdout=PIPE,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def says(process: Process, count: int) -> list[str]:
    """The next so many lines."""
    assert process.stdout is not None
    async with asyncio.timeout(DEADLINE):
        lines = [(await process.stdout.readline()).decode().strip() for _ in range(count)]
    assert all(lines), "it ended"
    return lines


@pytest.mark.timeout(180)
async def test_one_of_two_processes_is_killed_and_every_due_time_has_one_run(place: str) -> None:
    async with replica(place) as first:
        said = await says(first, 5)
        async with replica(place) as second:
            listening = asyncio.ensure_future(says(second, 10))
            said += await says(first, 5)
            first.kill()
            said += await listening
            rest, _ = await second.communicate(b"")  # its input ends
            said += rest.decode().split()
    async with store_of(place) as store:
        page = await store.list_runs(labels={"schedule": "tick"}, limit=10_000)
    due = sorted(datetime.fromisoformat(run.run_id.partition("@")[2]) for run in page.runs)
    assert {after - before for before, after in pairwise(due)} == {timedelta(seconds=PACE)}
    assert {datetime.fromisoformat(line) for line in said} <= set(due)
    again = len(said) - len(set(said))
    assert again <= 2, said  # what was in flight when it was killed
    assert len(due) >= 15
