"""R21, R22: waits in what is taken back, and in arounds that are entered again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from actorflow import Halted, Outcome, Runtime, Succeeded, around, each, sleep, step, wait_for_signal, workflow
from actorflow.testing import MockClock


async def test_a_signal_isnt_taken_by_an_item_that_is_taken_back(runtime: Runtime, clock: MockClock) -> None:
    """R21: nothing counts any more for what waits in it, while its steps are undone."""

    @step
    async def book(number: int) -> int:
        return number

    @book.undo
    async def release(number: int) -> None:
        await asyncio.sleep(60)

    @step
    async def check(number: int) -> int:
        if number == 1:
            raise ValueError("no")
        return number

    @workflow
    def one(number: int) -> int:
        check(book(number))
        return wait_for_signal("go", int)

    @workflow
    def all_of_them(numbers: list[int]) -> list[Outcome[int]]:
        return each(numbers, one, on_error="collect")

    run = await runtime.start(all_of_them, [1, 2])
    await clock.advance(10)
    await runtime.signal(run.id, "go", 7)
    first, second = await run.result()
    assert type(first).__name__ == "Failed"
    assert second == Succeeded(7, run.id)


async def test_an_around_that_is_entered_again_is_left_when_its_wait_has_ended_meanwhile(
    runtime: Runtime, clock: MockClock
) -> None:
    seen: list[str] = []

    @asynccontextmanager
    async def room() -> AsyncIterator[str]:
        if seen:
            await asyncio.sleep(60)  # the second time it takes a while
        seen.append("entered")
        yield "key"
        seen.append("left")

    @workflow
    def waits() -> int:
        return around(room, lambda key: wait_for_signal("go", int))

    run = await runtime.start(waits)
    await clock.advance(1)
    await run.halt()
    assert isinstance(await run.outcome(), Halted)
    again = await runtime.resume(waits, run.id)
    await clock.advance(10)
    await runtime.signal(run.id, "go", 7)
    assert await again.result() == 7
    assert seen == ["entered", "left", "entered", "left"]


async def test_one_isnt_entered_again_for_a_wait_that_is_over(runtime: Runtime, clock: MockClock) -> None:
    """What came due while it was halted is over before anything is entered."""
    seen: list[str] = []

    @asynccontextmanager
    async def room() -> AsyncIterator[str]:
        seen.append("entered")
        yield "key"
        seen.append("left")

    @workflow
    def waits() -> None:
        around(room, lambda key: sleep(100))

    run = await runtime.options(max_concurrency=1).start(waits)
    await clock.advance(1)
    await run.halt()
    await run.outcome()
    await clock.advance(1000)
    await (await runtime.resume(waits, run.id)).result()
    assert seen.count("entered") == seen.count("left")
