"""What a step inside a body emits belongs to that body: the body isn't done before it (R8)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from actorflow import Runtime, around, each, emit, step, workflow


async def test_an_around_is_left_when_what_its_steps_have_emitted_has_ended() -> None:
    """R8: … whatever turn it ends in."""
    seen: list[str] = []
    goes_on = asyncio.Event()

    @asynccontextmanager
    async def door() -> AsyncGenerator[str]:
        yield "door"
        seen.append("left")

    @step
    async def store(page: str) -> None:
        await goes_on.wait()
        seen.append(f"stored {page}")

    @step
    async def fetch(page: str) -> str:
        emit(store(page))
        return page

    @step
    async def other() -> None:
        goes_on.set()

    @workflow
    def crawl(page: str) -> str:
        found = around(door, lambda _: fetch(page))
        other()
        return found

    async with Runtime() as runtime:
        assert await runtime.run(crawl, "a") == "a"
    assert seen == ["stored a", "left"]


async def test_an_item_is_under_way_until_what_its_steps_have_emitted_has_ended() -> None:
    """R8: one item at a time is one with all that it has emitted."""
    seen: list[str] = []

    @step
    async def store(page: str) -> None:
        await asyncio.sleep(0)
        seen.append(f"stored {page}")

    @step
    async def fetch(page: str) -> str:
        seen.append(f"fetched {page}")
        emit(store(page))
        return page

    @workflow
    def crawl(pages: list[str]) -> list[str]:
        return each(pages, fetch, concurrency=1)

    async with Runtime() as runtime:
        assert await runtime.run(crawl, ["a", "b"]) == ["a", "b"]
    assert seen == ["fetched a", "stored a", "fetched b", "stored b"]
