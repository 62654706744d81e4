"""Does the runtime get in the way of waiting? Steps of 10 ms, a hundred at once; wall time of the whole run."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from functools import partial

from actorflow import Runtime, step
from benchmarks import graphs, raw
from benchmarks.harness import Clock, Figure, Options, Work, compare, on_a_fresh_loop, timed, verify

NAP = 0.01
AT_ONCE = 100


async def nap() -> int:
    await asyncio.sleep(NAP)
    return 1


@step
async def napping(*_results: int) -> int:
    return await nap()


class Crowd:
    """Counts how many are inside, so that the bound itself is verified."""

    def __init__(self) -> None:
        self.inside = 0
        self.most = 0

    async def nap(self) -> int:
        self.inside += 1
        self.most = max(self.most, self.inside)
        try:
            return await nap()
        finally:
            self.inside -= 1


def run(options: Options) -> Iterator[Figure]:
    yield from on_a_fresh_loop(measure(options))


async def measure(options: Options) -> list[Figure]:
    graph = raw.fan(options.size(1000, 300))
    wired = graphs.drawn(graph, napping)
    async with Runtime() as runtime:
        bounded = runtime.options(max_concurrency=AT_ONCE)
        await verify_bound(runtime, graph)
        works: dict[str, Work] = {"raw": bounded_raw(graph), "async-0": graphs.our_work(bounded.run, wired)}
        wall = {name: partial(milliseconds, work, time.perf_counter) for name, work in works.items()}
        cpu = {name: partial(milliseconds, work, time.process_time) for name, work in works.items()}
        found = await compare("io", "fan", "ms wall", wall, options)
        return found + await compare("io", "fan-cpu", "ms CPU", cpu, options)


async def verify_bound(runtime: Runtime, graph: raw.Graph) -> None:
    crowd = Crowd()

    @step
    async def counted(*_results: int) -> int:
        return await crowd.nap()

    result = await runtime.options(max_concurrency=AT_ONCE).run(graphs.drawn(graph, counted))
    verify("results", result, [1])
    verify("steps at once", crowd.most, AT_ONCE)


def bounded_raw(graph: raw.Graph) -> Work:
    """The raw executor, with a body that sleeps inside a semaphore."""

    async def run_bounded() -> list[int]:
        permits = asyncio.Semaphore(AT_ONCE)

        async def body(*_results: int) -> int:
            async with permits:
                return await nap()

        return await raw.run(raw.Plan(graph), body)

    return run_bounded


async def milliseconds(work: Work, clock: Clock) -> float:
    seconds, _ = await timed(work, clock)
    return seconds * 1000
