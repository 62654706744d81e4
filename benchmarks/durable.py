"""Runs of a chain of steps through a runtime, in a store or in none: what the figures of `store` are made of."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import cache, partial
from pathlib import Path
from typing import Literal, TypeAlias

from actorflow import Runtime, Workflow, step, workflow
from actorflow.store import PostgresStore, SQLiteStore, Store
from benchmarks.bare_inserts import VALUE
from benchmarks.harness import verify
from benchmarks.servers import emptied
from benchmarks.yardsticks import Measure, a_second, a_step

Place: TypeAlias = Callable[[], AbstractAsyncContextManager[Store | None]]
"""Gives a store that nobody has entered yet, empty; or none."""
Durability: TypeAlias = Literal["strict", "write_behind"]


@step
async def carry(value: bytes) -> bytes:
    """Takes and gives what a row of `bare_inserts` has."""
    return value


@cache
def chain(steps: int) -> Workflow[[bytes], bytes]:
    @workflow(name=f"chain-{steps}")
    def carried(value: bytes) -> bytes:
        for _ in range(steps):
            value = carry(value)
        return value

    carried.compile()
    return carried


# ── places ────────────────────────────────────────────────────────────────────────────────────────────────────────────


@asynccontextmanager
async def on_disk() -> AsyncGenerator[Store | None]:
    with tempfile.TemporaryDirectory() as folder:
        yield SQLiteStore(Path(folder) / "store.db")


@asynccontextmanager
async def on_server(dsn: str) -> AsyncGenerator[Store | None]:
    await emptied(dsn)
    yield PostgresStore(dsn)


@asynccontextmanager
async def nowhere() -> AsyncGenerator[Store | None]:
    yield None


# ── what is measured ──────────────────────────────────────────────────────────────────────────────────────────────────


async def cost_of_a_step(place: Place, runs: int, at_once: int, steps: int, durability: Durability = "strict") -> float:
    return await measured(place, runs, at_once, steps, durability, partial(a_step, steps=runs * steps))


async def runs_a_second(place: Place, runs: int, at_once: int, steps: int) -> float:
    return await measured(place, runs, at_once, steps, "strict", partial(a_second, runs=runs))


async def measured(
    place: Place, runs: int, at_once: int, steps: int, durability: Durability, measure: Measure
) -> float:
    """Each run's result is right, and a store has all steps of the last one."""
    async with place() as store, Runtime(store=store, durability=durability) as runtime:
        cost = await measure(partial(all_runs, runtime, chain(steps), runs, at_once))
        if store is not None:
            verify("succeeded runs", await store.count_runs(), {"succeeded": runs})
            page = await store.list_runs(limit=1)
            verify("completed steps of the last run", len(await store.completed_steps(page.runs[0].run_id)), steps)
        return cost


async def all_runs(runtime: Runtime, wired: Workflow[[bytes], bytes], runs: int, at_once: int) -> None:
    numbers = iter(range(runs))

    async def lane() -> None:
        for _ in numbers:
            verify("result", await runtime.run(wired, VALUE), VALUE)

    await asyncio.gather(*(lane() for _ in range(at_once)))
