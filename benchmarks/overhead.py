"""What does a step cost that does nothing, against the least that asyncio alone costs for the same graph?

Microseconds of CPU a step. `raw` starts a task per step, `raw-eager` starts them eagerly (Python 3.12 on); the number
of `async-0` and `inline-1` is that of subscribers, which take every event.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterator
from contextlib import AsyncExitStack
from functools import partial

from actorflow import Runtime
from benchmarks import graphs, raw
from benchmarks.harness import (
    HAS_EAGER_TASKS,
    Figure,
    Options,
    Repetition,
    Work,
    compare,
    on_a_fresh_loop,
    per_step,
    settle,
    verify,
)

UNIT = "µs/step"
STEPS_OF_A_DIAMOND = 5


def run(options: Options) -> Iterator[Figure]:
    for name, graph in workloads(options).items():
        yield from on_a_fresh_loop(one_graph(name, graph, options))
    yield from on_a_fresh_loop(many_diamonds(options))
    yield from on_a_fresh_loop(diamonds_in_turn(options))


def workloads(options: Options) -> dict[str, raw.Graph]:
    steps = options.size(1000, 200)
    return {"chain": raw.chain(steps), "fan": raw.fan(steps), "layers": raw.layers(10, steps // 10)}


async def one_graph(name: str, graph: raw.Graph, options: Options) -> list[Figure]:
    """One run of a graph, in every variant."""
    async with AsyncExitStack() as stack:
        works = raw_variants(graph)
        for variant, work in (await our_variants(graph, stack)).items():
            works[variant] = checked(work, [1] * len(graphs.sinks(graph)))
        return await compare("overhead", name, UNIT, repetitions(works, len(graph)), options)


async def many_diamonds(options: Options) -> list[Figure]:
    """Thousands of five-step runs, a hundred at once."""
    runs, at_once = options.size(2000, 400), options.size(100, 50)
    graph = raw.diamond()
    async with AsyncExitStack() as stack:
        works = raw_variants(graph) | await our_variants(graph, stack)
        crowds = {variant: crowd(work, runs, at_once) for variant, work in works.items()}
        return await compare("overhead", "diamonds", UNIT, repetitions(crowds, runs * STEPS_OF_A_DIAMOND), options)


async def diamonds_in_turn(options: Options) -> list[Figure]:
    """Five-step runs one after the other: what starting and ending a run costs is in it."""
    runs = options.size(1000, 200)
    graph = raw.diamond()
    async with AsyncExitStack() as stack:
        ours = await our_variants(graph, stack)
        works = {"raw": raw_variants(graph)["raw"], "inline-0": ours["inline-0"], "async-0": ours["async-0"]}
        rows = {variant: crowd(work, runs, 1) for variant, work in works.items()}
        steps = runs * STEPS_OF_A_DIAMOND
        return await compare("overhead", "diamonds-sequential", UNIT, repetitions(rows, steps), options)


def raw_variants(graph: raw.Graph) -> dict[str, Work]:
    variants: dict[str, Work] = {"raw": graphs.raw_work(graph)}
    if HAS_EAGER_TASKS:
        variants["raw-eager"] = graphs.raw_work(graph, eager=True)
    return variants


async def our_variants(graph: raw.Graph, stack: AsyncExitStack) -> dict[str, Work]:
    """Each kind of step, in a runtime without and in one with a subscriber; each verified before it's timed."""
    await graphs.verify_raw(graph, eager=HAS_EAGER_TASKS)
    variants: dict[str, Work] = {}
    bodies: dict[str, graphs.OneStep] = {"async": graphs.one, "inline": graphs.one_inline}
    for kind, body in bodies.items():
        wired = graphs.drawn(graph, body)
        for subscribers in (0, 1):
            runtime = await stack.enter_async_context(Runtime())
            if subscribers:
                await subscribe(runtime, graph)
            await graphs.verify_ours(graph, runtime, inline=kind == "inline")
            variants[f"{kind}-{subscribers}"] = graphs.our_work(runtime.run, wired)
    return variants


async def subscribe(runtime: Runtime, graph: raw.Graph) -> None:
    """Takes every event, and makes sure that they come: at least one for each step."""
    events: deque[object] = deque(maxlen=4 * len(graph) + 1000)
    runtime.subscribe(events.append)
    await runtime.run(graphs.drawn(graph, graphs.one))
    await settle()
    verify("an event for each step", len(events) >= len(graph), expected=True)


def checked(work: Work, expected: list[int]) -> Work:
    async def check() -> None:
        verify("results", await work(), expected)

    return check


def crowd(work: Work, runs: int, at_once: int) -> Work:
    """The work so many times, by so many workers."""

    async def worker() -> None:
        for _ in range(runs // at_once):
            await work()

    async def all_workers() -> None:
        async with asyncio.TaskGroup() as workers:
            for _ in range(at_once):
                workers.create_task(worker())

    return worker if at_once == 1 else all_workers


def repetitions(works: dict[str, Work], steps: int) -> dict[str, Repetition]:
    return {variant: partial(per_step, delivered(variant, work), steps) for variant, work in works.items()}


def delivered(variant: str, work: Work) -> Work:
    """With a subscriber, the work is done when the last events are there, too."""
    if not variant.endswith("-1"):
        return work

    async def work_and_tell() -> None:
        await work()
        await settle()

    return work_and_tell
