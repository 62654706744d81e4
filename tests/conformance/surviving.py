"""What the tests of surviving look with: stores that several runtimes share, commits that the test lets through, waiting on the mock clock."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, Self

from actorflow import Run, Runtime, Workflow
from actorflow.store import Append, Request, Store
from actorflow.testing import MockClock
from actorflow.testing.store_around import StoreAround

LEASE = 30.0
"""Seconds: that of every runtime here."""


class Through(StoreAround):
    """A store that asks another one. It enters and leaves nothing."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc: object) -> None: ...


class Shared(Through):
    """One runtime's way to a store that is open already, for several of them."""


class Gated(Through):
    """Holds back what runs record until the test lets it through. While a commit waits the clock doesn't jump: use `clock.advance`."""

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self.opened = asyncio.Event()
        self.opened.set()
        self.arrived = asyncio.Event()
        self.commits = 0

    def hold(self) -> None:
        """From the next commit on; `arrived` is set when it waits."""
        self.opened.clear()
        self.arrived.clear()

    def let_through(self) -> None:
        self.opened.set()

    async def _ask_all(self, requests: Sequence[Request[Any]], /) -> list[Any]:
        if any(isinstance(request, Append) for request in requests):
            self.commits += 1
            self.arrived.set()
            await self.opened.wait()
        return await super()._ask_all(requests)


async def lapse(clock: MockClock) -> None:
    """Lets the lease of whoever has died end."""
    await clock.advance(LEASE + 1)


async def until(condition: Callable[[], object], seconds: float = 100.0) -> None:
    """Waits, on the mock clock, until it is so. Raises `AssertionError` if it isn't by then."""
    for _ in range(int(seconds / 0.25)):
        if condition():
            return
        await asyncio.sleep(0.25)
    raise AssertionError("it didn't come to that")


def told_more(seen: Sequence[object], count: int) -> bool:
    return len(seen) > count


def is_here(runtime: Runtime, run_id: str) -> bool:
    return any(run.id == run_id for run in runtime.list_runs())


async def taken_over(runtime: Runtime, run_id: str) -> Run[Any]:
    """The run, once the runtime has taken it over by itself."""
    await until(lambda: is_here(runtime, run_id))
    return runtime.get(run_id)


async def begin(
    runtime: Runtime, workflow: Workflow[..., Any], *inputs: Any, run_id: str = "r", **asked: Any
) -> Run[Any]:
    """Starts a run of this id, or gives the one that is there."""
    return await runtime.options(run_id=run_id, **asked).start(workflow, *inputs)
