"""What the tests of specs are made of: steps of every kind, and a registry of them all."""

from __future__ import annotations

import datetime as dt
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from enum import Enum
from typing import Any, NamedTuple

import msgspec

from actorflow import (
    Exponential,
    Fixed,
    Limit,
    Registry,
    Retry,
    Skip,
    choose,
    each,
    step,
    template,
    transform,
    workflow,
)  # fmt: skip


class Trip(msgspec.Struct, frozen=True):
    city: str
    nights: int = 2
    legs: list[str] = []
    by_name: dict[str, int] = {}


@dataclass
class Pair:
    left: Any
    right: Any


class Point(NamedTuple):
    x: Any
    y: Any


class Kind(Enum):
    CARD = "card"
    CASH = "cash"


class Declined(Exception):
    pass


GATEWAY = Limit("gateway", at_most=4)


@step(mode="inline")
def reserve(leg: str, nights: int = 1) -> str:
    return f"{leg}/{nights}"


@reserve.undo
def release(value: str) -> None: ...


@step(mode="inline")
def grow(count: int) -> int:
    return count + 1


@step(mode="inline")
def joined(*parts: Any, sep: str = "+", **named: Any) -> str:
    return sep.join([*map(str, parts), *(f"{name}={value}" for name, value in named.items())])


@step(mode="inline")
def trip_to(city: str) -> Trip:
    return Trip(city, 3, ["a", "b"], {"x": 1})


@step(timeout=5, retry=Retry(attempts=2, on=(ConnectionError,)))
async def charge(seat: str) -> str:
    return seat


@workflow
def book(leg: str, nights: int = 3) -> dict[str, Any]:
    """Books a seat."""
    seat = reserve(leg, nights)
    return {"seat": seat, "trip": trip_to(leg)}


@workflow
def grown(count: int) -> int:
    return grow(count)


@workflow
def private(leg: str) -> str:
    return joined(reserve(leg), reserve(leg))


@asynccontextmanager
async def lent() -> AsyncIterator[str]:
    yield "lent"


def path_of(*parts: str, sep: str) -> str:
    return sep.join(parts)


def is_long(nights: int) -> bool:
    return nights > 7


def double(nights: int) -> int:
    return 2 * nights


def leg_name(leg: str) -> str:
    return leg.upper()


def skips(leg: str, nights: int = 1) -> Skip[str] | None:
    return Skip("skipped") if leg == "no" else None


def has_items(items: list[str]) -> bool:
    return bool(items)


def never(leg: str, nights: int = 3) -> bool:
    return False


def waits(attempt: int, reason: Any, arguments: Any, random: Any) -> float:
    return 1.0


REGISTRY = Registry(
    steps=[reserve, grow, joined, trip_to, charge],
    workflows=[book, grown],
    types=[Trip, Pair, Point, Kind, Declined],
    functions=[path_of, lent, is_long, double, leg_name, skips, has_items, never, waits],
    limits=[GATEWAY],
)


@workflow
def everything(trip: Trip, kind: Kind = Kind.CARD, day: dt.date | None = None, charge: list[int] = (1, 2)) -> Any:  # type: ignore[assignment]
    """Says all that can be said.

    In two paragraphs.
    """
    from actorflow import around, choose_first, debug, fail, gather, group, repeat

    paid = globals()["charge"].options(
        timeout=2.5, limit=GATEWAY, retry=Retry(attempts=None, on=(Declined, OSError), within=60, backoff=Exponential(0.2)),
        description="pays", keep=True, after=[trip_to("x")],
    )(trip.city)  # fmt: skip
    also = globals()["charge"].options(irreversible=True, retry=Retry(backoff=Fixed(1)), timeout=None)(paid)
    booked = book(trip.city)
    again = book.options(name="again", undoable=False, after=[booked])(booked["trip"].city, nights=trip.nights)
    held = book.options(name="held", where=never)("held")
    secret = private(again["seat"])
    parts = joined(
        trip.legs[0], trip.by_name["x"], (1, Trip("y")), {"a": paid, "b": [also]}, sep="-", more=Pair(1, paid)
    )
    text = template.options(after=[secret])("{a}: {b.city!r}", a=parts, b=trip)
    debug(level="debug", text=text, charge=charge)
    made = gather(Trip, city=text, nights=transform(trip.nights, double))
    point = gather(path_of, made.city, "b", sep="/")

    def leg_body(leg: str) -> Any:
        inner = each(trip.legs, lambda item: joined(item, leg, booked["seat"], made), key=leg_name, concurrency=3)
        seat = reserve.options(guards=[skips])(leg, trip.nights)
        return [inner, seat, book(leg), None]

    legs = each.options(where=has_items)(trip.legs, leg_body, batch_size=7, ordered=False, on_error="collect")
    way = choose(
        kind,
        {Kind.CARD: lambda: reserve("card"), Kind.CASH: lambda: private("cash")},
        default=lambda: fail("{k}", k=kind),
    )
    first = choose_first([(is_long, lambda value: grow(value))], on=trip.nights, default=lambda value: grow(value))
    grouped = group(lambda: reserve(trip.city), before=lambda: grow(1), after=lambda seat: joined(seat))
    around_it = around(lent, lambda value: joined(value, paid))
    count = repeat(grown, trip.nights, until=is_long, at_most=9, exhausted="fail")
    other = repeat(grow, count, at_most=2)
    return {
        "paid": also, "again": again, "held": held, "point": point, "legs": legs, "ways": (way, first, grouped),
        "around": around_it, "counts": [count, other], "pair": Pair(paid, Point(count, 3)), "day": day, "set": frozenset({3}),
    }  # fmt: skip
