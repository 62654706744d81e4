"""How the figures are made: variants take turns in one process on one core, and each is the median of its rounds.

Absolute times don't hold on shared machines, so every figure comes with its ratio to the raw variant, taken round by
round (a machine that changes its clock speed changes both sides of one round) and then the median of those.
"""

from __future__ import annotations

import asyncio
import gc
import os
import statistics
import sys
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Mapping, Sequence
from typing import Any, TypeAlias, TypeVar

import msgspec

T = TypeVar("T")

Repetition: TypeAlias = Callable[[], Awaitable[float]]
"""Does the work once and gives what it cost, in the figure's unit."""

Work: TypeAlias = Callable[[], Awaitable[object]]

Clock: TypeAlias = Callable[[], float]

HAS_EAGER_TASKS = sys.version_info >= (3, 12)


class Options(msgspec.Struct, frozen=True):
    """What the command line asked for. `quick` makes the work smaller, never the rounds fewer than five."""

    quick: bool = False

    @property
    def rounds(self) -> int:
        return 5 if self.quick else 7

    def size(self, full: int, quick: int) -> int:
        return quick if self.quick else full


class Figure(msgspec.Struct, frozen=True):
    """One line of the result. `ratio_to_raw` is `None` where there is nothing raw to compare with."""

    benchmark: str
    workload: str
    variant: str
    value: float
    unit: str
    ratio_to_raw: float | None = None


def pin_to_one_core() -> None:
    """Keeps this process, and its children, on one core, where the system can."""
    if sys.platform == "linux":
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})


async def timed(work: Callable[[], Awaitable[T]], clock: Clock = time.process_time) -> tuple[float, T]:
    """Seconds that the work took, and its result. Garbage is collected before, and as usual meanwhile."""
    gc.collect()
    began = clock()
    result = await work()
    return clock() - began, result


async def per_step(work: Work, steps: int, clock: Clock = time.process_time) -> float:
    """Microseconds a step."""
    seconds, _ = await timed(work, clock)
    return seconds / steps * 1e6


async def interleave(variants: Mapping[str, Repetition], rounds: int) -> dict[str, list[float]]:
    """What each variant cost in each round: one round to warm up, then turns, each round begun by another one."""
    names = list(variants)
    costs: dict[str, list[float]] = {name: [] for name in names}
    for round_number in range(rounds + 1):
        first = round_number % len(names)
        for name in names[first:] + names[:first]:
            cost = await variants[name]()
            if round_number:
                costs[name].append(cost)
    return costs


def figures(
    benchmark: str, workload: str, unit: str, costs: Mapping[str, Sequence[float]], raw: str = "raw"
) -> Iterator[Figure]:
    """The medians, and the medians of the ratios of each round."""
    yardstick = costs.get(raw)
    for variant, values in costs.items():
        ratio = (
            statistics.median(value / base for value, base in zip(values, yardstick, strict=True))
            if yardstick
            else None
        )
        yield Figure(benchmark, workload, variant, statistics.median(values), unit, ratio)


async def compare(
    benchmark: str, workload: str, unit: str, variants: Mapping[str, Repetition], options: Options, raw: str = "raw"
) -> list[Figure]:
    return list(figures(benchmark, workload, unit, await interleave(variants, options.rounds), raw))


def on_a_fresh_loop(work: Coroutine[Any, Any, T]) -> T:
    """Runs one workload on a loop of its own, so that none inherits another's leftovers."""
    return asyncio.run(work)


async def settle() -> None:
    """Lets what is under way on the loop be delivered: the last events reach their subscribers in later turns."""
    for _ in range(4):
        await asyncio.sleep(0)


def verify(what: str, got: object, expected: object) -> None:
    """Stops the benchmark: figures of work that wasn't done are worth nothing."""
    if got != expected:
        raise SystemExit(f"{what}: expected {_brief(expected)}, got {_brief(got)}")


def _brief(value: object) -> str:
    text = repr(value)
    return text if len(text) < 200 else text[:200] + "…"
