"""Does a step cost the same in a big plan as in a small one? Chains and fans of 1,000, 10,000 and 100,000 steps.

The lines `async-0 ÷1000` say what a step costs at the size in the workload's name, as a multiple of one at 1,000.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterator, Sequence
from contextlib import AsyncExitStack

from actorflow import Runtime
from benchmarks import graphs, raw
from benchmarks.harness import Figure, Options, Repetition, Work, figures, interleave, on_a_fresh_loop, per_step

SHAPES: dict[str, Callable[[int], raw.Graph]] = {"chain": raw.chain, "fan": raw.fan}
BODIES: dict[str, graphs.OneStep] = {"async-0": graphs.one, "inline-0": graphs.one_inline}


def run(options: Options) -> Iterator[Figure]:
    sizes = (1_000, 10_000) if options.quick else (1_000, 10_000, 100_000)
    for shape, make in SHAPES.items():
        yield from on_a_fresh_loop(one_shape(shape, {size: make(size) for size in sizes}, options))


async def one_shape(shape: str, sized: dict[int, raw.Graph], options: Options) -> list[Figure]:
    """All sizes and variants take turns; small ones are repeated, so that the work is of one order."""
    async with AsyncExitStack() as stack:
        runtime = await stack.enter_async_context(Runtime())
        for inline in (False, True):
            await graphs.verify_ours(sized[min(sized)], runtime, inline=inline)
        turns = {key: repetition for size, graph in sized.items() for key, repetition in variants(runtime, size, graph)}
        costs = await interleave({f"{variant} {size}": turn for (variant, size), turn in turns.items()}, options.rounds)
    found: list[Figure] = []
    for size in sized:
        mine = {variant: costs[f"{variant} {size}"] for variant in ("raw", *BODIES)}
        found += figures("scaling", f"{shape}-{size}", "µs/step", mine)
        found += growth(shape, size, mine, {variant: costs[f"{variant} {min(sized)}"] for variant in mine})
    return found


def variants(runtime: Runtime, size: int, graph: raw.Graph) -> Iterator[tuple[tuple[str, int], Repetition]]:
    times = max(1, 10_000 // size)
    yield ("raw", size), repeated(graphs.raw_work(graph), times, len(graph))
    for name, body in BODIES.items():
        wired = graphs.drawn(graph, body)
        yield (name, size), repeated(graphs.our_work(runtime.run, wired), times, len(graph))


def repeated(work: Work, times: int, steps: int) -> Repetition:
    async def again() -> None:
        for _ in range(times):
            await work()

    return lambda: per_step(again, steps * times)


def growth(shape: str, size: int, mine: dict[str, list[float]], small: dict[str, list[float]]) -> Iterator[Figure]:
    if mine == small:
        return
    for variant, costs in mine.items():
        yield Figure("scaling", f"{shape}-{size}", f"{variant} ÷1000", ratio(costs, small[variant]), "×")


def ratio(costs: Sequence[float], base: Sequence[float]) -> float:
    return statistics.median(cost / other for cost, other in zip(costs, base, strict=True))
