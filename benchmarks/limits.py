"""What does a shared limit cost? A fan and a chain of steps that all need a permit of one pool; CPU a step.

`raw` has no limit; `raw-semaphore` is the raw executor with a body inside an `asyncio.Semaphore`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from functools import partial

from actorflow import Limit, Runtime, step
from benchmarks import graphs, raw
from benchmarks.harness import Figure, Options, Work, compare, on_a_fresh_loop, per_step, verify

AT_MOST = 100
POOL = Limit("pool", at_most=AT_MOST)


@step(limit=POOL)
async def limited(*_results: int) -> int:
    return 1


@step(mode="inline", limit=POOL)
def limited_inline(*_results: int) -> int:
    return 1


def run(options: Options) -> Iterator[Figure]:
    steps = options.size(1000, 200)
    for name, graph in {"chain": raw.chain(steps), "fan": raw.fan(steps)}.items():
        yield from on_a_fresh_loop(measure(name, graph, options))


async def measure(name: str, graph: raw.Graph, options: Options) -> list[Figure]:
    wired = {
        "unlimited": graphs.drawn(graph, graphs.one),
        "limited": graphs.drawn(graph, limited),
        "limited-inline": graphs.drawn(graph, limited_inline),
    }
    async with Runtime() as runtime:
        works: dict[str, Work] = {
            "raw": graphs.raw_work(graph),
            "raw-semaphore": under_a_semaphore(graph),
        }
        for variant, workflow in wired.items():
            result = await runtime.run(workflow)
            verify(variant, result, [1])
            works[variant] = graphs.our_work(runtime.run, workflow)
        variants = {variant: partial(per_step, work, len(graph)) for variant, work in works.items()}
        return await compare("limits", name, "µs/step", variants, options)


def under_a_semaphore(graph: raw.Graph) -> Work:
    permits = asyncio.Semaphore(AT_MOST)

    async def body(*_results: int) -> int:
        async with permits:
            return 1

    return graphs.raw_work(graph, body)
