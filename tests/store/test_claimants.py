"""R45: of any number of claimants, each with a way of its own to the records, exactly one executes: connections of one process, and processes."""

from __future__ import annotations

import asyncio
import sys
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from actorflow.store import Claim, MemoryStore, PostgresStore, SQLiteStore, Store
from tests.store.claimant import store_of
from tests.store.servers import empty

ROOT = Path(__file__).parents[2]
RUN = "run"
DEADLINE = 60.0
STEPS = 40
EndOfClaim = Callable[[Store, Claim], Awaitable[object]]


@pytest.fixture(params=["memory", "sqlite", "postgres"])
async def first(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Store]:
    """A store with a run. What is `beside` it has a connection of its own."""
    if request.param == "memory":
        store: Store = MemoryStore()
    elif request.param == "sqlite":
        store = SQLiteStore(tmp_path / "runs.db", synchronous="NORMAL")
    else:
        store = PostgresStore(request.getfixturevalue("postgres"))
    async with store:
        if isinstance(store, PostgresStore):
            await empty(store)
        await store.create_run(run_id=RUN, workflow="w", inputs=b"")
        yield store


async def fails(store: Store, claim: Claim) -> object:
    return await store.fail_step(claim.step_run.id, b"bad", token=claim.step_run.token)


async def loses(store: Store, claim: Claim) -> object:
    return await store.lose_attempt(claim.step_run.id, token=claim.step_run.token)


async def all_claim(stores: Sequence[Store], step: str) -> Claim:
    """The claim of the one that executes; all others are told the same of it."""
    claims = await asyncio.gather(
        *(store.begin_step(RUN, step, b"%d" % n, worker=f"w{n}") for n, store in enumerate(stores))
    )
    assert Counter(claim.decision for claim in claims) == {"execute": 1, "skip": len(stores) - 1}
    assert len({claim.step_run for claim in claims}) == 1
    return next(claim for claim in claims if claim.decision == "execute")


@pytest.mark.parametrize("claimants", [2, 8, 64])
async def test_of_claimants_with_connections_of_their_own_exactly_one_executes(first: Store, claimants: int) -> None:
    """Whether nobody has claimed it before, somebody has failed, or was lost."""
    async with AsyncExitStack() as stack:
        stores = [await stack.enter_async_context(first.beside()) for _ in range(claimants)]
        for step, end in (("failed", fails), ("lost", loses)):
            for token in range(1, 4):
                claim = await all_claim(stores, step)
                assert claim.step_run.token == token
                await end(stores[token % claimants], claim)
        assert [len(await first.attempts((await all_claim(stores, "failed")).step_run.id))] == [4]


@pytest.mark.parametrize("processes", [2, 8])
@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
async def test_of_processes_exactly_one_executes_each_step(
    request: pytest.FixtureRequest, tmp_path: Path, kind: str, processes: int
) -> None:
    """Each claims all steps, as fast as it can, from the same moment on, with 8 tasks at once."""
    where = str(tmp_path / "runs.db") if kind == "sqlite" else str(request.getfixturevalue("postgres"))
    async with store_of(where) as store:
        if isinstance(store, PostgresStore):
            await empty(store)
        await store.create_run(run_id=RUN, workflow="w", inputs=b"")
        claimed = await claimed_by(where, processes)
        assert Counter(step for steps in claimed for step in steps) == {f"step-{number}": 1 for number in range(STEPS)}
        assert set((await store.step_statuses(RUN)).values()) == {"running"}


async def claimed_by(where: str, processes: int) -> list[list[str]]:
    """What each of so many processes executes."""
    command = [sys.executable, "-m", "tests.store.claimant", where, str(STEPS)]
    pipe = asyncio.subprocess.PIPE
    started = [
        await asyncio.create_subprocess_exec(*command, cwd=ROOT, stdin=pipe, stdout=pipe) for _ in range(processes)
    ]
    async with asyncio.timeout(DEADLINE):
        for process in started:
            assert process.stdout is not None
            assert await process.stdout.readline() == b"ready\n"
        said = await asyncio.gather(*(process.communicate(b"go\n") for process in started))
    assert [process.returncode for process in started] == [0] * processes
    return [out.decode().split() for out, _ in said]
