"""What does it cost to have each step on disk before anything depends on it? Step runs in stores, beside bare inserts of the same rows.

`bare group` and `bare single` are the yardstick: one insert per step, committed in groups by a thread, or one by one on the loop's thread.
In `sqlite` a run records itself, claims each step and completes it, and the claim of the next step rides in the commit of a completion, as
the executor has it; `sqlite apart` awaits each claim by itself, as a worker does. Wall-clock time: a disk is waited for.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from pathlib import Path

from actorflow.store import MemoryStore, SQLiteStore, Store
from benchmarks import bare_inserts
from benchmarks.bare_inserts import VALUE, Group, Saver, Single
from benchmarks.harness import Figure, Options, Repetition, compare, on_a_fresh_loop, timed, verify

RunOnce = Callable[[Store, str, int], Awaitable[None]]


def run(options: Options) -> Iterator[Figure]:
    at_once = options.size(100, 20)
    yield from on_a_fresh_loop(many_at_once(f"{at_once} runs at once", at_once, 20, options))
    yield from on_a_fresh_loop(one_at_a_time("chain", options.size(100, 20), options))


async def many_at_once(workload: str, at_once: int, steps: int, options: Options) -> list[Figure]:
    variants: dict[str, Repetition] = {
        "bare group": partial(bare, Group, at_once, at_once, steps),
        "sqlite": partial(stored, on_disk, riding, at_once, at_once, steps),
        "sqlite apart": partial(stored, on_disk, apart, at_once, at_once, steps),
        "memory": partial(stored, in_memory, riding, at_once, at_once, steps),
    }
    return await compared(workload, variants, options, "bare group")


async def one_at_a_time(workload: str, steps: int, options: Options) -> list[Figure]:
    variants: dict[str, Repetition] = {
        "bare single": partial(bare, Single, 1, 1, steps),
        "bare group": partial(bare, Group, 1, 1, steps),
        "sqlite": partial(stored, on_disk, riding, 1, 1, steps),
        "sqlite apart": partial(stored, on_disk, apart, 1, 1, steps),
    }
    return await compared(workload, variants, options, "bare single")


async def compared(workload: str, variants: dict[str, Repetition], options: Options, raw: str) -> list[Figure]:
    return await compare("store", workload, "µs/step", variants, options, raw)


# ── the yardstick ─────────────────────────────────────────────────────────────────────────────────────────────────────


async def bare(kind: type[Single] | type[Group], runs: int, at_once: int, steps: int) -> float:
    with tempfile.TemporaryDirectory() as folder:
        saver: Saver = kind(bare_inserts.connect(Path(folder) / "bare.db"))
        try:
            return await a_step(partial(bare_inserts.runs, saver, runs, at_once, steps), runs * steps)
        finally:
            saver.close()


async def a_step(work: Callable[[], Awaitable[None]], steps: int) -> float:
    """Microseconds of wall-clock time a step."""
    seconds, _ = await timed(work, time.perf_counter)
    return seconds / steps * 1e6


# ── stores ────────────────────────────────────────────────────────────────────────────────────────────────────────────


@asynccontextmanager
async def on_disk() -> AsyncGenerator[Store]:
    with tempfile.TemporaryDirectory() as folder:
        async with SQLiteStore(Path(folder) / "store.db") as store:
            yield store


@asynccontextmanager
async def in_memory() -> AsyncGenerator[Store]:
    async with MemoryStore() as store:
        yield store


async def stored(
    opened: Callable[[], AbstractAsyncContextManager[Store]], run_once: RunOnce, runs: int, at_once: int, steps: int
) -> float:
    async with opened() as store:
        took = await a_step(partial(all_runs, store, run_once, runs, at_once, steps), runs * steps)
        verify("completed steps of the last run", len(await store.completed_steps(f"run{runs - 1}")), steps)
    return took


async def all_runs(store: Store, run_once: RunOnce, runs: int, at_once: int, steps: int) -> None:
    numbers = iter(range(runs))

    async def lane() -> None:
        for number in numbers:
            await run_once(store, f"run{number}", steps)

    await asyncio.gather(*(lane() for _ in range(at_once)))


async def apart(store: Store, run_id: str, steps: int) -> None:
    await store.create_run(run_id=run_id, workflow="bench", inputs=VALUE)
    for number in range(steps):
        claim = await store.begin_step(run_id, f"step{number}", VALUE)
        await store.complete_step(claim.step_run.id, VALUE, token=claim.step_run.token)


async def riding(store: Store, run_id: str, steps: int) -> None:
    await store.create_run(run_id=run_id, workflow="bench", inputs=VALUE)
    claim = await store.begin_step(run_id, "step0", VALUE)
    for number in range(1, steps):
        mine = claim.step_run
        _, claim = await asyncio.gather(
            store.complete_step(mine.id, VALUE, token=mine.token), store.begin_step(run_id, f"step{number}", VALUE)
        )
    await store.complete_step(claim.step_run.id, VALUE, token=claim.step_run.token)
