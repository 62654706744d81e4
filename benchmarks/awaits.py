"""What does it cost when steps really suspend? A fan of steps that each give way to the loop ten times; CPU a step."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from functools import partial

from actorflow import Runtime, step
from benchmarks import graphs, raw
from benchmarks.harness import HAS_EAGER_TASKS, Figure, Options, Work, compare, on_a_fresh_loop, per_step, verify

SUSPENSIONS = 10


async def give_way() -> int:
    for _ in range(SUSPENSIONS):
        await asyncio.sleep(0)
    return 1


async def raw_body(*_results: int) -> int:
    return await give_way()


@step
async def patient(*_results: int) -> int:
    return await give_way()


def run(options: Options) -> Iterator[Figure]:
    yield from on_a_fresh_loop(measure(options))


async def measure(options: Options) -> list[Figure]:
    graph = raw.fan(options.size(1000, 200))
    wired = graphs.drawn(graph, patient)
    async with Runtime() as runtime:
        result = await runtime.run(wired)
        verify("results", result, [1])
        await graphs.verify_ours(graph, runtime, inline=False)
        works: dict[str, Work] = {
            "raw": graphs.raw_work(graph, raw_body),
            "async-0": graphs.our_work(runtime.run, wired),
        }
        if HAS_EAGER_TASKS:
            works["raw-eager"] = graphs.raw_work(graph, raw_body, eager=True)
        variants = {name: partial(per_step, work, len(graph)) for name, work in works.items()}
        return await compare("awaits", "fan", "µs/step", variants, options)
