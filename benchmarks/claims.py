"""What does a step cost in a store that a worker uses by itself, claim by claim? Step runs in stores, beside bare inserts of the same rows.

`bare group` and `bare single` are the yardstick: one insert per step, committed in groups by a thread, or one by one on the loop's thread.
In `sqlite` a run records itself, claims each step and completes it; the claim of the next step rides in the commit of a completion, and what
all runs say within a turn is asked at once, as the executor's recorder does. `sqlite apart` awaits each claim by itself, as a worker does. Wall-clock time: a disk is waited for.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

from actorflow.store import MemoryStore, SQLiteStore, Store
from actorflow.store.face import StoreFace
from actorflow.store.requests import BeginStep, CompleteStep, CreateRun, Request
from benchmarks.bare_inserts import VALUE, Group, Single
from benchmarks.harness import Figure, Options, Repetition, compare, on_a_fresh_loop, verify
from benchmarks.servers import emptied, some_server
from benchmarks.yardsticks import a_step, bare, bare_postgres

RunOnce = Callable[[Store, str, int], Awaitable[None]]


def run(options: Options) -> Iterator[Figure]:
    at_once = options.size(100, 20)
    yield from on_a_fresh_loop(many_at_once(f"{at_once} runs at once", at_once, 20, options))
    yield from on_a_fresh_loop(one_at_a_time("chain", options.size(100, 20), options))
    with some_server() as dsn:
        yield from on_a_fresh_loop(in_postgres(f"postgres, {at_once} at once", dsn, at_once, 20, options))


async def many_at_once(workload: str, at_once: int, steps: int, options: Options) -> list[Figure]:
    variants: dict[str, Repetition] = {
        "bare group": partial(bare, Group, at_once, at_once, steps),
        "sqlite": partial(stored, on_disk, recorded, at_once, at_once, steps),
        "sqlite apart": partial(stored, on_disk, apart, at_once, at_once, steps),
        "memory apart": partial(stored, in_memory, apart, at_once, at_once, steps),
    }
    return await compared(workload, variants, options, "bare group")


async def one_at_a_time(workload: str, steps: int, options: Options) -> list[Figure]:
    variants: dict[str, Repetition] = {
        "bare single": partial(bare, Single, 1, 1, steps),
        "bare group": partial(bare, Group, 1, 1, steps),
        "sqlite": partial(stored, on_disk, recorded, 1, 1, steps),
        "sqlite apart": partial(stored, on_disk, apart, 1, 1, steps),
    }
    return await compared(workload, variants, options, "bare single")


async def in_postgres(workload: str, dsn: str, at_once: int, steps: int, options: Options) -> list[Figure]:
    variants: dict[str, Repetition] = {
        "bare group": partial(bare_postgres, dsn, at_once, at_once, steps),
        "postgres": partial(stored, partial(on_server, dsn), recorded, at_once, at_once, steps),
        "postgres apart": partial(stored, partial(on_server, dsn), apart, at_once, at_once, steps),
    }
    return await compared(workload, variants, options, "bare group")


async def compared(workload: str, variants: dict[str, Repetition], options: Options, raw: str) -> list[Figure]:
    return await compare("claims", workload, "µs/step", variants, options, raw)


# ── stores ────────────────────────────────────────────────────────────────────────────────────────────────────────────


@asynccontextmanager
async def on_disk() -> AsyncGenerator[Store]:
    with tempfile.TemporaryDirectory() as folder:
        async with SQLiteStore(Path(folder) / "store.db") as store:
            yield store


@asynccontextmanager
async def on_server(dsn: str) -> AsyncGenerator[Store]:
    from actorflow.store import PostgresStore

    async with PostgresStore(dsn) as store:
        await emptied(dsn)
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


class Recorder:
    """Gathers what runs ask within a turn, and asks the store once: as the executor's own does."""

    def __init__(self, store: StoreFace) -> None:
        self._store = store
        self._loop = asyncio.get_running_loop()
        self._waiting: list[tuple[Sequence[Request[Any]], asyncio.Future[list[Any]]]] = []

    def record(self, *requests: Request[Any]) -> asyncio.Future[list[Any]]:
        future: asyncio.Future[list[Any]] = self._loop.create_future()
        if not self._waiting:
            self._loop.call_soon(self._flush)
        self._waiting.append((requests, future))
        return future

    def _flush(self) -> None:
        waiting, self._waiting = self._waiting, []
        asked = self._store._ask_all([request for requests, _ in waiting for request in requests])
        assert isinstance(asked, asyncio.Future)
        asked.add_done_callback(partial(self._answer, waiting))

    @staticmethod
    def _answer(
        waiting: list[tuple[Sequence[Request[Any]], asyncio.Future[list[Any]]]], asked: asyncio.Future[list[Any]]
    ) -> None:
        answers = iter(asked.result())
        for requests, future in waiting:
            future.set_result(list(islice(answers, len(requests))))


RECORDERS: WeakKeyDictionary[Store, Recorder] = WeakKeyDictionary()


async def recorded(store: Store, run_id: str, steps: int) -> None:
    """A run as the executor has it: what one turn says of all runs is asked at once, and a claim rides with the completion before it."""
    assert isinstance(store, StoreFace)
    recorder = RECORDERS.get(store) or RECORDERS.setdefault(store, Recorder(store))
    _, claim = await recorder.record(CreateRun(run_id, "bench", VALUE), BeginStep(run_id, "step0", VALUE, ""))
    for number in range(1, steps):
        mine = claim.step_run
        _, claim = await recorder.record(
            CompleteStep(mine.id, mine.token, VALUE), BeginStep(run_id, f"step{number}", VALUE, "")
        )
    await recorder.record(CompleteStep(claim.step_run.id, claim.step_run.token, VALUE))
