"""A saga that operators look after: it can wait, fail, be halted and be lost."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from actorflow import Fixed, Halt, Limit, Resource, Retry, Workflow, step, step_context, workflow


class World:
    """What the steps do, by name: each entry is called when its step executes. `effects` are what stands."""

    def __init__(self, **acts: Callable[[], Any]) -> None:
        self.acts = acts
        self.effects: list[str] = []
        self.ran: list[str] = []

    async def act(self, name: str) -> None:
        self.ran.append(f"{name} {step_context().attempt}")
        found = self.acts.get(name)
        done = found() if found is not None else None
        if asyncio.iscoroutine(done):
            await done


WORLD = Resource[World]("world")
GATE = Limit("gate", at_most=1)


class Declined(Exception):
    """The card isn't good for it."""


@step
async def reserve(city: str) -> str:
    await WORLD.get().act("reserve")
    WORLD.get().effects.append(f"seat in {city}")
    return f"{city}-12A"


@reserve.undo(retry=Retry(attempts=2, backoff=Fixed(1)))
async def release(seat: str, city: str) -> None:
    await WORLD.get().act("release")
    WORLD.get().effects.remove(f"seat in {city}")


@step(retry=Retry(attempts=2, on=(ConnectionError,), backoff=Fixed(3600)))
async def quote(seat: str) -> int:
    await WORLD.get().act("quote")
    return len(seat) * 10


@step(irreversible=True)
async def pay(price: int) -> str:
    await WORLD.get().act("pay")
    WORLD.get().effects.append(f"paid {price}")
    return f"receipt for {price}"


@step(limit=GATE)
async def tell(receipt: str) -> str:
    await WORLD.get().act("tell")
    return f"told of {receipt}"


@workflow
def trip(city: str) -> str:
    return tell(pay(quote(reserve(city))))


KNOWN: list[Workflow[..., Any]] = [trip]


async def forever() -> None:
    await asyncio.get_running_loop().create_future()


def declines() -> None:
    raise Declined("no money")


def breaks_off() -> None:
    raise ConnectionError("the line dropped")


def pauses() -> None:
    raise Halt
