"""Workflows that the command line's tests run."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from datetime import date, timedelta
from enum import Enum
from typing import Literal

import msgspec

from actorflow import (
    Exponential,
    Halt,
    Limit,
    Resource,
    Retry,
    Runtime,
    Workflow,
    WorkflowBuilder,
    approval,
    step,
    step_context,
    template,
    wait_for_signal,
    workflow,
)


class Trip(msgspec.Struct, frozen=True):
    city: str
    nights: int = 1


class Colour(Enum):
    RED = "red"
    BLUE = "blue"


class NoMoney(Exception):
    """The card is empty."""


GREETING = Resource[str]("greeting")
CALM = Retry(attempts=2, on=(ConnectionError,), backoff=Exponential(0.001))


@step
async def reserve(trip: Trip) -> str:
    return f"{trip.city}-12A"


@reserve.undo
async def release(seat: str) -> None: ...


@step
async def charge(seat: str, nights: int) -> str:
    if nights > 14:
        return pay(nights)
    return f"{seat}, {nights} nights"


def pay(nights: int) -> str:
    raise NoMoney(f"{nights} nights are too many")


@workflow
def book(trip: Trip, note: str = "none") -> str:
    return charge(reserve(trip), trip.nights)


@workflow
def composed(trip: Trip) -> str:
    return book(trip)


@step
async def tell(number: int, name: str, on: date | None, kind: Literal["a", "b"], tags: list[str]) -> str:
    return f"{number} {name} {on} {kind} {tags}"


@workflow
def told(
    number: int,
    name: str,
    on: date | None = None,
    kind: Literal["a", "b"] = "a",
    tags: list[str] | None = None,
    colour: Colour = Colour.RED,
) -> str:
    return tell.options(name="tell")(number, name, on, kind, [])


@step
async def greet() -> str:
    return GREETING.get()


@workflow
def greeted() -> str:
    return greet()


@step(mode="inline")
def clean() -> str:
    return "clean"


@clean.undo
async def soil(value: str) -> None:
    raise OSError("the undo broke")


@step(retry=CALM)
async def drop(after: str) -> str:
    raise ConnectionError("the line dropped")


@drop.compensate
async def mend(error: Exception, after: str) -> None: ...


@workflow
def stuck() -> str:
    return drop(clean())


@step
async def pause() -> int:
    raise Halt(7)


@step
async def doubled(number: int) -> int:
    return 2 * number


@workflow
def paused() -> int:
    return doubled(pause())


class Unknown:
    """It can't be encoded."""


@step
async def opaque() -> object:
    raise Halt(Unknown())


@workflow
def lost() -> object:
    return opaque()


@step(mode="inline")
def first() -> str:
    return "first"


@first.undo
async def unfirst(value: str) -> None:
    print("undone", flush=True)


@step
async def waits(after: str) -> str:
    """Says that it is there, and goes on for ever."""
    print("waiting", file=sys.stderr, flush=True)
    await asyncio.Event().wait()
    return after


@workflow
def endless() -> str:
    return waits(first())


@step
async def ignore(after: str) -> str:
    """Goes on for ever, whoever cancels it."""
    print("waiting", file=sys.stderr, flush=True)
    while True:
        with suppress(asyncio.CancelledError):
            await asyncio.Event().wait()


@workflow
def deaf() -> str:
    return ignore(first())


@step(mode="inline")
def held() -> str:
    return "held"


@held.undo
async def let_go(value: str) -> None:
    """Takes until somebody sends SIGUSR1."""
    told = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, told.set)
    print("waiting", file=sys.stderr, flush=True)
    await told.wait()


@workflow
def hard_to_undo() -> str:
    return waits(held())


@step(irreversible=True)
async def launch() -> str:
    print("waiting", file=sys.stderr, flush=True)
    await asyncio.Event().wait()
    return "launched"


@workflow
def rocket() -> str:
    return launch()


@step
async def counting() -> int:
    for done in range(3):
        step_context().progress(done, 3)
    return 3


@workflow
def counted() -> int:
    return counting()


@step
async def awkward() -> object:
    print("a step prints")
    return {1: {2}, "unknown": Unknown()}


@workflow
def odd() -> object:
    return awkward()


@step(mode="process")
def awkward_elsewhere() -> int:
    print("a worker prints", flush=True)
    return 1


@workflow
def odd_elsewhere() -> int:
    return awkward_elsewhere()


def from_data() -> Workflow[[], str]:
    builder = WorkflowBuilder("from_data")
    builder.add_step("greeting", clean)
    builder.returns("greeting")
    return builder.build()


def needs_more(number: int) -> None: ...


# ── what is lent ──────────────────────────────────────────────────────────────────────────────────────────────────────


def lent() -> Runtime:
    return Runtime(resources=[GREETING.provide("hello")], limits=[Limit("doors", at_most=1)])


async def lent_later() -> Runtime:
    return Runtime(resources=[GREETING.provide("later")])


@asynccontextmanager
async def lent_a_while() -> AsyncGenerator[Runtime, None]:
    print("opened", file=sys.stderr)
    yield Runtime(resources=[GREETING.provide("a while")], halt_timeout=0.05)
    print("closed", file=sys.stderr)


def quick() -> Runtime:
    return Runtime(halt_timeout=0.01)


def hasty() -> Runtime:
    return Runtime(halt_timeout=0.01, cancel_grace=0.01)


async def never_ready() -> Runtime:
    print("waiting", file=sys.stderr, flush=True)
    await asyncio.Event().wait()
    return Runtime()


def broken() -> Runtime:
    raise NoMoney("no runtime today")


def nothing() -> None: ...


@workflow
def sold(what: str) -> str:
    """Waits for people."""
    answer = approval("Sell it?", by=["ann", "bob"])
    paid = wait_for_signal("paid", int, timeout=timedelta(days=3))
    return template("{what}: {answer.approved}, {paid}", what=what, answer=answer, paid=paid)


@workflow
def called() -> str:
    return wait_for_signal("name", str)
