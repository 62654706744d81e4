"""How soon is something small done, while something big goes on? Four no-op steps in a row, beside a step that sleeps.

Milliseconds from the start of the run to its end, the median and the worst of all; the sleeper is async, in a thread, or
in a worker process.
"""

from __future__ import annotations

import asyncio
import gc
import statistics
import time
from collections.abc import Iterator

from actorflow import Runtime, Workflow, step, workflow
from benchmarks import graphs, raw
from benchmarks.harness import Figure, Options, on_a_fresh_loop, verify

SLEEP = 0.45
HOPS_BESIDE_ONE = 10
PAUSE = 0.03
"""Seconds between two hops, so that ten of them fit beside one sleeper."""


@step
async def sleeps_async() -> bool:
    await asyncio.sleep(SLEEP)
    return True


@step
def sleeps_in_thread() -> bool:
    time.sleep(SLEEP)
    return True


@step(mode="process")
def sleeps_in_process() -> bool:
    time.sleep(SLEEP)
    return True


@workflow
def async_sleeper() -> bool:
    return sleeps_async()


@workflow
def thread_sleeper() -> bool:
    return sleeps_in_thread()


@workflow
def process_sleeper() -> bool:
    return sleeps_in_process()


SLEEPERS = {"async": async_sleeper, "thread": thread_sleeper, "process": process_sleeper}


def run(options: Options) -> Iterator[Figure]:
    for name, sleeper in SLEEPERS.items():
        yield from on_a_fresh_loop(beside(name, sleeper, options))


async def beside(name: str, sleeper: Workflow[[], bool], options: Options) -> list[Figure]:
    hop = graphs.drawn(raw.chain(4), graphs.one)
    times: list[float] = []
    async with Runtime() as runtime:
        slept = await runtime.run(sleeper)  # starts the worker, too
        verify("sleeper", slept, expected=True)
        hopped = await runtime.run(hop)
        verify("hop", hopped, [1])
        for _ in range(options.size(5, 2)):
            gc.collect()
            times += await beside_one(runtime, sleeper, hop)
    return [
        Figure("hop", name, "worst", max(times), "ms"),
        Figure("hop", name, "median", statistics.median(times), "ms"),
    ]


async def beside_one(runtime: Runtime, sleeper: Workflow[[], bool], hop: graphs.Drawn) -> list[float]:
    times: list[float] = []
    sleeping = await runtime.start(sleeper)
    for _ in range(HOPS_BESIDE_ONE):
        began = time.perf_counter()
        await runtime.run(hop)
        times.append((time.perf_counter() - began) * 1000)
        await asyncio.sleep(PAUSE)
    verify("the sleeper slept on", sleeping.status(), "running")
    verify("sleeper", await sleeping.result(), expected=True)
    return times
