"""`each`: how many items at once (R6), how they are pulled, what it gives."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from actorflow import Failed, Halt, Halted, Limit, RunFailed, Runtime, each, step, workflow
from actorflow.testing import MockClock
from tests.conformance.telling import acting, undone


@step(mode="inline")
def nothing() -> list[int]:
    return []


# ── what it gives ─────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_an_empty_input_gives_an_empty_list(clock: MockClock) -> None:
    """Empty input gives an empty list, whatever it is: a list, a promise, an iterator that ends at once."""

    @step(mode="inline")
    def lazily() -> Iterator[int]:
        return iter(())

    @step(mode="inline")
    def async_lazily() -> Any:
        async def items() -> AsyncIterator[int]:
            for item in list[int]():
                yield item

        return items()

    act = acting([])

    @workflow
    def empty() -> list[Any]:
        collected: Any = each(nothing(), act, on_error="collect")
        return [each([], act), each(nothing(), act), each(lazily(), act), each(async_lazily(), act), collected]

    async with Runtime(clock=clock, values="shared") as runtime:
        assert await runtime.run(empty) == [[], [], [], [], []]


@pytest.mark.parametrize("items", [[3, 1, 2], (3, 1, 2), {3: "c", 1: "a", 2: "b"}, range(3)])
async def test_any_iterable_that_is_at_hand(clock: MockClock, items: Any) -> None:
    """Items come from a list, a tuple, the keys of a dict, a range, …"""

    @workflow
    def walk() -> list[int]:
        return each(items, acting([]))

    async with Runtime(clock=clock) as runtime:
        assert await runtime.run(walk) == list(items)


@pytest.mark.parametrize("ordered", [True, False])
async def test_results_in_the_order_of_the_items_or_of_their_completion(clock: MockClock, ordered: bool) -> None:
    """`ordered=True` gives the order of the source, `False` that of completion."""

    async def wait(value: int) -> None:
        await clock.advance(value)

    act = acting([], wait)

    @workflow
    def walk() -> list[int]:
        return each([3, 1, 2], act, ordered=ordered)

    async with Runtime(clock=clock) as runtime:
        assert await runtime.run(walk) == ([3, 1, 2] if ordered else [1, 2, 3])


# ── how many at once ──────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(("concurrency", "most"), [(1, 1), (3, 3), (None, 4)])
async def test_so_many_items_at_once(clock: MockClock, concurrency: int | None, most: int) -> None:
    """R6: at most `concurrency` items are under way, `batch_size` if it isn't told; a place that is free is used at once."""
    under_way: set[int] = set()
    highest = 0

    @step
    async def first(value: int) -> int:
        nonlocal highest
        under_way.add(value)
        highest = max(highest, len(under_way))
        await clock.advance(1 + value % 3)
        return value

    @step
    async def last(value: int) -> int:
        await clock.advance(1)
        under_way.discard(value)
        return value

    @workflow
    def walk() -> list[int]:
        return each(list(range(20)), lambda item: last(first(item)), concurrency=concurrency, batch_size=4)

    async with Runtime(clock=clock) as runtime:
        assert await runtime.run(walk) == list(range(20))
    assert highest == most


async def test_the_runs_own_bound_holds_over_all_items(clock: MockClock) -> None:
    """R6: `max_concurrency` bounds the steps of one run that execute at once, items of several `each` among them."""
    now = highest = 0

    async def wait(value: int) -> None:
        nonlocal now, highest
        now += 1
        highest = max(highest, now)
        await clock.advance(1)
        now -= 1

    act = acting([], wait)

    @workflow
    def walk() -> list[list[int]]:
        return [each([1, 2, 3, 4], act), each([5, 6, 7, 8], act)]

    async with Runtime(clock=clock) as runtime:
        assert await runtime.options(max_concurrency=3).run(walk) == [[1, 2, 3, 4], [5, 6, 7, 8]]
    assert highest == 3


async def test_sequential_runs_one_step_at_a_time(clock: MockClock) -> None:
    """R6: `sequential=True` runs one at a time, what is inside too."""
    now = highest = 0

    async def wait(value: int) -> None:
        nonlocal now, highest
        now += 1
        highest = max(highest, now)
        await clock.advance(1)
        now -= 1

    act = acting([], wait)

    @workflow
    def walk() -> list[int]:
        act(9)
        return each([1, 2, 3], lambda item: act(act(item)))

    async with Runtime(clock=clock) as runtime:
        assert await runtime.options(sequential=True).run(walk) == [1, 2, 3]
    assert highest == 1


async def test_an_items_permits_come_back_when_its_step_has_ended(clock: MockClock) -> None:
    """R29: also in a run that nobody listens to, where an item takes the place of the one before."""
    gateway = Limit("gateway", at_most=1)
    go = asyncio.Event()

    @step
    async def wait(value: int) -> int:
        if value == 2:
            await go.wait()
        return value

    @step(limit=gateway)
    async def limited(value: int) -> int:
        return value

    @step(limit=gateway)
    async def other() -> None:
        go.set()

    @workflow
    def walk() -> list[int]:
        return each([1, 2], lambda item: limited(wait(item)), concurrency=1)

    @workflow
    def beside() -> None:
        other()

    async with Runtime(clock=clock, values="shared") as runtime:
        run = await runtime.start(walk)
        async with asyncio.timeout(100):
            await runtime.run(beside)
            assert await run.result() == [1, 2]


# ── pulled lazily ─────────────────────────────────────────────────────────────────────────────────────────────────────


class Source:
    """Counts what is pulled from it, and looks how far ahead of what was done that is."""

    def __init__(self, size: int, *, fails_at: int = -1) -> None:
        self.size = size
        self.fails_at = fails_at
        self.pulled = 0
        self.done = 0
        self.furthest = 0

    def items(self) -> Iterator[int]:
        for item in range(self.size):
            yield self.pull(item)

    async def async_items(self) -> AsyncIterator[int]:
        for item in range(self.size):
            await asyncio.sleep(0)
            yield self.pull(item)

    def pull(self, item: int) -> int:
        if item == self.fails_at:
            raise OSError("the source")
        self.pulled += 1
        self.furthest = max(self.furthest, self.pulled - self.done)
        return item


def drawn(source: Source, act: Any, *, is_async: bool, **options: Any) -> Any:
    @step(mode="inline")
    def given() -> Any:
        return source.async_items() if is_async else source.items()

    @workflow
    def walk() -> list[int]:
        return each(given(), act, **options)

    return walk


@pytest.mark.parametrize("is_async", [False, True])
@pytest.mark.parametrize("concurrency", [1, 3, 7])
async def test_never_reads_further_ahead_than_a_batch(clock: MockClock, is_async: bool, concurrency: int) -> None:
    """Pulled lazily, `batch_size` at a time, never read ahead further than that: beside what is under way, one batch is at hand."""
    source = Source(50)

    async def wait(value: int) -> None:
        await clock.advance(1)
        source.done += 1

    walk = drawn(source, acting([], wait), is_async=is_async, batch_size=5, concurrency=concurrency)
    async with Runtime(clock=clock, values="shared") as runtime:
        assert await runtime.run(walk) == list(range(50))
    assert source.furthest <= concurrency + 5


@pytest.mark.parametrize("is_async", [False, True])
async def test_an_endless_source_is_pulled_only_as_far_as_items_go(clock: MockClock, is_async: bool) -> None:
    """An item's failure ends the pulling: a source without an end is fine."""
    source = Source(1 << 60)
    told: list[str] = []

    async def wait(value: int) -> None:
        if value == 12:
            raise ValueError

    walk = drawn(source, acting(told, wait), is_async=is_async, batch_size=5, concurrency=1)
    async with Runtime(clock=clock, values="shared") as runtime:
        with pytest.raises(RunFailed):
            await runtime.run(walk)
    assert source.pulled <= 20
    assert undone(told) == [f"each[{place}].act" for place in range(11, -1, -1)]


@pytest.mark.parametrize("is_async", [False, True])
async def test_a_source_that_raises_fails_the_run(clock: MockClock, is_async: bool) -> None:
    """What the source raises is the error of the `each`; finished items are undone."""
    source = Source(50, fails_at=7)
    told: list[str] = []
    walk = drawn(source, acting(told), is_async=is_async, batch_size=5, concurrency=1)
    async with Runtime(clock=clock, values="shared") as runtime:
        outcome = await (await runtime.start(walk)).outcome()
    assert isinstance(outcome, Failed)
    assert [(error.node, type(error.error)) for error in outcome.error.errors] == [("each", OSError)]
    done = [line for line in told if not line.startswith("undo ")]
    assert undone(told) == done[::-1]


@pytest.mark.parametrize("is_async", [False, True])
async def test_no_item_is_lost_or_doubled_over_a_halt(clock: MockClock, is_async: bool) -> None:
    """R16: resumed by id in this runtime, it goes on with the next item of the source, where it was."""
    source = Source(23)
    told: list[str] = []

    @step
    async def pause(value: int) -> int:
        if value in (4, 11):
            raise Halt(value)
        return value

    act = acting(told)
    walk = drawn(source, lambda item: act(pause(item)), is_async=is_async, batch_size=5, concurrency=3)
    async with Runtime(clock=clock, values="shared") as runtime:
        outcome = await (await runtime.start(walk)).outcome()
        halts = 0
        while isinstance(outcome, Halted):
            halts += 1
            outcome = await (await runtime.resume(walk, outcome.run_id)).outcome()
    assert halts == 2
    assert getattr(outcome, "value", None) == list(range(23))
    assert sorted(told) == sorted(f"each[{place}].act" for place in range(23))
