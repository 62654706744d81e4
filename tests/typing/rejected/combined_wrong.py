"""Combinators that are given what doesn't fit."""

from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager

from trip import Charge, Client, Seat, Trip, book_trip, charge_card, label, reserve_seat

from actorflow import (
    around,
    choose,
    choose_first,
    debug,
    each,
    gather,
    group,
    repeat,
    step,
    template,
    transform,
    workflow,
)


@asynccontextmanager
async def connect() -> AsyncGenerator[Client]:
    yield Client()


@contextmanager
def open_file() -> Generator[Client]:
    yield Client()


@step
async def copy_row(client: Client, row: int) -> int:
    return row


@workflow
def next_number(number: int) -> int:
    return number


@workflow
def to_text(number: int) -> str:
    return transform(number, str)


@workflow
def w1(trip: Trip) -> list[Seat]:
    return each(trip.legs, lambda leg: label(leg))  # BAD each gives list[str]


@workflow
def w2(trip: Trip) -> str:
    return choose(trip.city, {"a": lambda: reserve_seat("a")})  # BAD gives a seat


@workflow
def w3(trip: Trip) -> None:
    each(trip.nights, label)  # BAD an int isn't iterated
    each(trip.legs, charge_card)  # BAD a body that takes something else
    each([1, 2], label)  # BAD items of another type
    each(trip.legs, lambda: label("x"))  # BAD a body without the item
    each(trip.legs, label, concurrency="3")  # BAD
    each(trip.legs, label, batch=3)  # BAD
    each(trip.legs, label, on_error="ignore")  # BAD
    each(trip.legs, label, key=lambda leg: leg.size)  # BAD misspelt attribute in a key
    each.options(nane="x")(trip.legs, label)  # BAD


@workflow
def w4(trip: Trip) -> list[str]:
    return each(trip.legs, label, on_error="collect")  # BAD outcomes aren't labels


@workflow
def w5(trip: Trip) -> None:
    choose(trip.city, {1: lambda: label("x")})  # BAD a case of another type
    choose(trip.city, {"x": lambda city: label(city)})  # BAD branches take nothing
    choose(trip.city, ["x"])  # BAD
    choose_first([(lambda nights: nights.big, lambda nights: label("x"))], on=trip.nights)  # BAD
    choose_first([(lambda nights: nights > 1, lambda: label("x"))], on=trip.nights)  # BAD a branch takes the value
    choose_first([lambda nights: nights > 1], on=trip.nights)  # BAD


@workflow
def w6(trip: Trip) -> Charge:
    return group(lambda: reserve_seat(trip.city))  # BAD a seat isn't a charge


@workflow
def w7(trip: Trip) -> None:
    group(reserve_seat)  # BAD a body takes nothing
    group(lambda: label("x"), before=label)  # BAD before takes nothing
    group(lambda: label("x"), after=charge_card)  # BAD after takes the result alone
    around(open_file, lambda client: copy_row(client, 1))  # BAD an ordinary context manager
    around(connect(), lambda client: copy_row(client, 1))  # BAD not a factory
    around(connect, lambda client: copy_row(1, client))  # BAD
    repeat(to_text, trip.nights, at_most=2)  # BAD a pass gives something else than it takes
    repeat(next_number, trip.city, at_most=2)  # BAD
    repeat(next_number, 1, until=lambda number: number.done)  # BAD
    repeat(next_number, 1, exhausted="never")  # BAD
    repeat(next_number, 1, at_most="2")  # BAD


@workflow
def w8(trip: Trip) -> int:
    return template("to {city}", city=trip.city)  # BAD a text isn't an int


@workflow
def w9(trip: Trip) -> None:
    gather(Trip, trip.city, nights="2", legs=[])  # BAD
    gather(Trip, trip.city)  # BAD
    debug("x")  # BAD
    template(3)  # BAD
    transform.options(keep=True)(trip, len)  # BAD


def is_far(city: str) -> bool:
    return city == "Rome"


w10 = book_trip.options(where=is_far)  # BAD a predicate of something else
