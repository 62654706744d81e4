"""Postgres goes away in the middle of runs: it's stopped, its sessions are ended, wires are cut. Runs wait and go on, and nothing is done twice (R48)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any, cast

import asyncpg
import pytest

from actorflow import PostgresStore, Runtime, StoreError, crash_points, step, workflow
from actorflow.testing import check_store
from tests.durable.compared import check_world, what_came
from tests.durable.cutter import Cutter
from tests.durable.ledger import Ledger
from tests.durable.sagas import CASES, LEDGER, Case, key
from tests.store.servers import Server, private_server

CUT = [case for case in CASES if case.name in ("chain", "rolled_back")]
DEADLINE = 60.0
RUNS = [f"run-{number}" for number in range(10)]


@pytest.fixture(scope="module")
def own() -> Iterator[Server]:
    """A server that a test may stop."""
    with private_server() as server:
        yield server


@pytest.fixture
async def other(own: Server) -> AsyncIterator[Any]:
    """Another session of it. The store begins empty."""
    db = await cast("Any", asyncpg).connect(own.dsn, command_timeout=DEADLINE)
    await db.execute("DROP SCHEMA IF EXISTS actorflow CASCADE")
    yield db
    await db.close(timeout=DEADLINE)


class Asked(Ledger):
    """How often each piece of work was asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.keys: list[str] = []

    def enter(self, thing: str, amount: int, key: str) -> None:
        self.keys.append(key)
        super().enter(thing, amount, key)

    def check_nothing_was_repeated(self) -> None:
        assert len(self.keys) == len(set(self.keys))


@pytest.fixture
def ledger() -> Iterator[Asked]:
    asked = Asked()
    yield asked
    asked.close()


class Gate:
    """Where steps wait until all of them are there, and something has happened."""

    def __init__(self) -> None:
        self.waiting = 0
        self.full = asyncio.Event()
        self.open = asyncio.Event()

    async def pass_through(self) -> None:
        self.waiting += 1
        if self.waiting == len(RUNS):
            self.full.set()
        await self.open.wait()


class Gates:
    now: Gate


@step
async def first(name: str) -> str:
    return LEDGER.get().take(f"{name} first", key())


@step
async def second(name: str, before: str) -> str:
    await Gates.now.pass_through()
    return LEDGER.get().take(f"{name} second", key())


@step
async def third(name: str, before: str) -> str:
    return LEDGER.get().take(f"{name} third", key())


@workflow
def three(name: str) -> str:
    return third(name, second(name, first(name)))


@pytest.fixture
def gate() -> Gate:
    Gates.now = Gate()
    return Gates.now


async def all_outcomes(runtime: Runtime) -> list[str]:
    runs = (runtime.options(run_id=name).run(three, name) for name in RUNS)
    async with asyncio.timeout(DEADLINE):
        return list(await asyncio.gather(*runs))


async def check(own: Server, ledger: Asked) -> None:
    ledger.check_nothing_was_repeated()
    assert len(ledger.lines) == 3 * len(RUNS)
    async with PostgresStore(own.dsn) as store:
        await check_store(store)
        assert await store.count_runs() == {"succeeded": len(RUNS)}


class Failing:
    """Waits for the moment when a commit has failed."""

    def __init__(self) -> None:
        self.has_failed = asyncio.Event()

    def __call__(self, point: str) -> None:
        if point == "commit.failed":
            self.has_failed.set()


@pytest.fixture
def failing() -> Iterator[Failing]:
    crash_points.listener = listener = Failing()
    yield listener
    crash_points.listener = None


async def test_runs_wait_for_a_server_that_is_started_again(
    own: Server, other: Any, gate: Gate, ledger: Asked, failing: Failing
) -> None:
    """The steps end while there's no server: their results are stored by the next one."""
    async with Runtime(workflows=[three], resources=[LEDGER.provide(ledger)], store=PostgresStore(own.dsn)) as runtime:
        outcomes = asyncio.create_task(all_outcomes(runtime))
        await gate.full.wait()
        await asyncio.to_thread(own.stop)
        gate.open.set()
        await failing.has_failed.wait()
        await asyncio.to_thread(own.start)
        assert await outcomes == [f"{name} third taken" for name in RUNS]
    await check(own, ledger)


async def test_sessions_that_are_ended_in_the_middle_of_a_commit(
    own: Server, other: Any, gate: Gate, ledger: Asked
) -> None:
    """The server waits for a lock with the commit of ten steps when its session is ended; then it's free."""
    async with Runtime(workflows=[three], resources=[LEDGER.provide(ledger)], store=PostgresStore(own.dsn)) as runtime:
        outcomes = asyncio.create_task(all_outcomes(runtime))
        await gate.full.wait()
        async with other.transaction():
            await other.execute("LOCK TABLE actorflow.turns IN EXCLUSIVE MODE")
            gate.open.set()
            await until_one_waits(other)
            assert await other.fetchval(
                "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
                " WHERE application_name = 'actorflow' AND wait_event_type = 'Lock'"
            )
        assert await outcomes == [f"{name} third taken" for name in RUNS]
    await check(own, ledger)


async def until_one_waits(other: Any) -> None:
    waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'actorflow.turns'::regclass"
    async with asyncio.timeout(DEADLINE):
        while not await other.fetchval(waiting):
            await asyncio.sleep(0)


# ── wires ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


async def outcome_over(cutter: Cutter, case: Case, name: str, ledger: Ledger) -> object:
    """A service that can't open its store is started again."""
    options: dict[str, Any] = {
        "workflows": [case.workflow],
        "resources": [LEDGER.provide(ledger)],
        "seed": 0,
        **case.options,
    }
    while True:
        try:
            runtime = Runtime(store=PostgresStore(cutter.dsn), **options)
            async with runtime:
                run = await runtime.options(run_id=name).start(case.workflow, *case.inputs)
                return what_came(await run.outcome())
        except StoreError:
            assert not ledger.lines
            assert cutter.packets >= cutter.cut_at


@pytest.mark.timeout(300)
@pytest.mark.parametrize("case", CUT, ids=lambda case: case.name)
async def test_the_wire_is_cut_at_every_packet_before_and_after_it_is_done(
    own: Server, other: Any, tmp_path: Path, case: Case, capsys: pytest.CaptureFixture[str]
) -> None:
    """A saga once for each packet that it sends to the server (of the longer one each third), and for each of the two moments."""
    async with Cutter(Path(own.dsn.partition("host=")[2]), tmp_path) as cutter:
        undisturbed = await cut_once(cutter, case, "warm", 0, is_done=False)
        assert await cut_once(cutter, case, "whole", 0, is_done=False) == undisturbed
        packets = cutter.packets
        for at in range(1, packets + 1):
            for is_done in (False, True) if case is CUT[0] or at % 3 == 0 else ():
                outcome = await cut_once(cutter, case, f"{at}-{is_done}", at, is_done=is_done)
                assert outcome == undisturbed, f"cut at packet {at} of {packets}"
    with capsys.disabled():
        print(f"\n{case.name}: {cutter.cuts} wires were cut, at {packets} packets ", end="")
    assert cutter.cuts >= 2 * (packets // 3 - 5)
    async with PostgresStore(own.dsn) as store:
        await check_store(store)


async def cut_once(cutter: Cutter, case: Case, name: str, at: int, *, is_done: bool) -> object:
    ledger = Asked()
    try:
        cutter.cut(at, is_done=is_done)
        async with asyncio.timeout(DEADLINE):
            outcome = await outcome_over(cutter, case, name, ledger)
        check_world(case, ledger)
        ledger.check_nothing_was_repeated()
        return outcome
    finally:
        ledger.close()
