"""What do combinators cost beside the same steps written by hand?

`each` over 1,000 items beside a fan of 1,000 of our own steps; composed workflows beside the same steps written flat; and `each` over a million
items beside 1,000: time per item, and memory over that of the results.
"""

from __future__ import annotations

import asyncio
import statistics
import subprocess
import sys
from collections.abc import Iterator
from contextlib import AsyncExitStack
from typing import Any

from actorflow import Runtime, Step, Workflow, each, step, workflow
from benchmarks.harness import Figure, Options, Repetition, compare, interleave, on_a_fresh_loop, per_step, verify
from benchmarks.memory import resident

MANY = 1_000
PARTS = 10


@step
async def one(item: int) -> int:
    return item


@step(mode="inline")
def one_inline(item: int) -> int:
    return item


Work = Step[[int], int, Any]
BODIES: dict[str, Work] = {"async": one, "inline": one_inline}

# ── the same by hand, and by combinators ──────────────────────────────────────────────────────────────────────────────


def fan(body: Work) -> Workflow[[list[int]], list[int]]:
    @workflow
    def by_hand(items: list[int]) -> list[int]:
        return [body(items[i]) for i in range(MANY)]

    return by_hand


def through_each(body: Work) -> Workflow[[list[int]], list[int]]:
    @workflow
    def with_each(items: list[int]) -> list[int]:
        return each(items, body)

    return with_each


def flat(body: Work) -> Workflow[[int], int]:
    @workflow
    def in_a_row(start: int) -> int:
        for _ in range(MANY):
            start = body(start)
        return start

    return in_a_row


def composed(body: Work) -> Workflow[[int], int]:
    @workflow
    def part(start: int) -> int:
        for _ in range(PARTS):
            start = body(start)
        return start

    @workflow
    def of_parts(start: int) -> int:
        for _ in range(MANY // PARTS):
            start = part(start)
        return start

    return of_parts


# ── figures ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def run(options: Options) -> Iterator[Figure]:
    for name, body in BODIES.items():
        yield from on_a_fresh_loop(beside_a_fan(name, body, options))
    for name, body in BODIES.items():
        yield from on_a_fresh_loop(beside_flat(name, body, options))
    size = options.size(1_000_000, 50_000)
    for name, body in BODIES.items():
        yield from on_a_fresh_loop(growth(name, body, size, options))
    yield memory(size)


async def beside_a_fan(name: str, body: Work, options: Options) -> list[Figure]:
    items = list(range(MANY))
    async with Runtime() as runtime:
        by_hand, with_each = fan(body), through_each(body)
        verify("a fan by hand", await runtime.run(by_hand, items), items)
        verify("each", await runtime.run(with_each, items), items)
        turns: dict[str, Repetition] = {
            "raw": lambda: per_step(lambda: repeated(runtime, by_hand, items), MANY * TIMES),
            "each": lambda: per_step(lambda: repeated(runtime, with_each, items), MANY * TIMES),
        }
        return await compare("combinators", f"each {name}", "µs/item", turns, options)


async def beside_flat(name: str, body: Work, options: Options) -> list[Figure]:
    async with Runtime() as runtime:
        by_hand, of_parts = flat(body), composed(body)
        verify("composed workflows", await runtime.run(of_parts, 3), await runtime.run(by_hand, 3))
        turns: dict[str, Repetition] = {
            "raw": lambda: per_step(lambda: repeated(runtime, by_hand, 1), MANY * TIMES),
            "composed": lambda: per_step(lambda: repeated(runtime, of_parts, 1), MANY * TIMES),
        }
        return await compare("combinators", f"composed {name}", "µs/step", turns, options)


TIMES = 5


async def repeated(runtime: Runtime, wired: Workflow[..., Any], given: Any) -> None:
    for _ in range(TIMES):
        await runtime.run(wired, given)


async def growth(name: str, body: Work, size: int, options: Options) -> list[Figure]:
    """What an item costs among so many, as a multiple of one among 1,000."""
    few, many = list(range(MANY)), range(size)
    async with AsyncExitStack() as stack:
        runtime = await stack.enter_async_context(Runtime())
        wired = lazily(body)
        verify("each over a generator", await runtime.run(wired, MANY), few)
        turns: dict[str, Repetition] = {
            "1000": lambda: per_step(lambda: again(runtime, wired, MANY, size // MANY // 10), size // 10),
            "many": lambda: per_step(lambda: runtime.run(wired, len(many)), size),
        }
        costs = await interleave(turns, 3)
    ratio = statistics.median(a / b for a, b in zip(costs["many"], costs["1000"], strict=True))
    return [Figure("combinators", f"{size} items {name}", "÷1000", ratio, "×")]


async def again(runtime: Runtime, wired: Workflow[..., Any], count: int, times: int) -> None:
    for _ in range(times):
        await runtime.run(wired, count)


def lazily(body: Work) -> Workflow[[int], list[int]]:
    @workflow
    def over_a_generator(count: int) -> list[int]:
        return each(numbers(count), body)

    return over_a_generator


@step(mode="inline")
def numbers(count: int) -> Iterator[int]:
    return iter(range(count))


# ── memory ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def memory(size: int) -> Figure:
    """In a process of its own: the most that is resident while `each` runs, over what the list of results takes."""
    code = f"from benchmarks.combinators import peak; print(peak({size}))"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return Figure("combinators", f"{size} items", "memory over results", float(out.stdout), "MiB")


def peak(size: int) -> float:
    """MiB."""
    return asyncio.run(_peak(size))


async def _peak(size: int) -> float:
    most = 0

    @step(mode="inline")
    def watched(item: int) -> int:
        nonlocal most
        if item % 1000 == 0:
            most = max(most, resident())
        return item

    async with Runtime() as runtime:
        wired = lazily(watched)
        await runtime.run(wired, MANY)
        before = resident()
        most = before
        results = await runtime.run(wired, size)
        taken = sys.getsizeof(results) + sum(map(sys.getsizeof, results[::1000])) * 1000
    return (most - before - taken) / 2**20
