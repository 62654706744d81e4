"""Combinators: each keeps the types of what it is given and of its bodies."""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, assert_type

from trip import Charge, Client, Seat, Trip, book_trip, charge_card, label, reserve_seat

from actorflow import (
    Outcome,
    around,
    choose,
    choose_first,
    debug,
    each,
    emit,
    fail,
    gather,
    group,
    repeat,
    step,
    template,
    transform,
    workflow,
)


@step
async def pages(city: str) -> AsyncIterator[str]:
    raise NotImplementedError


@step
async def copy_row(client: Client, row: int) -> int:
    return row


@asynccontextmanager
async def connect() -> AsyncGenerator[Client]:
    yield Client()


@workflow
def next_number(number: int, by: int = 1) -> int:
    return transform(number, lambda number: number + 1)


@step
async def crawl(page: str) -> int:
    emit(crawl(page), label(page))
    return 1


def is_big(number: int) -> bool:
    return number > 3


@workflow
def items(trip: Trip) -> dict[str, object]:
    labels = each(trip.legs, lambda leg: label(leg, n=2), concurrency=3, key=lambda leg: leg.lower())
    assert_type(labels, list[str])
    by_step = each(trip.legs, reserve_seat, ordered=False, batch_size=10)
    assert_type(by_step, list[Seat])
    tried = each(trip.legs, reserve_seat, on_error="collect")
    assert_type(tried, list[Outcome[Seat]])
    nested = each([1, 2], lambda number: each(trip.legs, lambda leg: label(leg, number)))
    assert_type(nested, list[list[str]])
    pulled = each(pages(trip.city), label)
    assert_type(pulled, list[str])
    whole = each([trip], book_trip)
    assert_type(whole, list[Charge])
    return {"labels": labels, "seats": by_step, "tried": tried, "nested": nested, "pulled": pulled, "whole": whole}


@workflow
def branches(trip: Trip) -> list[str]:
    one = choose(trip.city, {"Oslo": lambda: label("x"), "Rome": lambda: label("y")})
    assert_type(one, str)
    other: str = choose(trip.nights, {1: lambda: label("x")}, default=lambda: fail("not {n}", n=trip.nights))
    first = choose_first(
        [(is_big, lambda nights: label("x", nights)), (lambda nights: nights < 0, lambda nights: label("z"))],
        on=trip.nights,
        default=lambda nights: label("y", nights),
    )
    assert_type(first, str)
    return [one, other, first]


@workflow
def scopes(trip: Trip) -> tuple[Seat, int, int]:
    seat = group(lambda: reserve_seat(trip.city), before=lambda: label("x"), after=lambda seat: charge_card(seat, 2))
    assert_type(seat, Seat)
    plain = group(lambda: label("x"), before=lambda: debug(seat=seat), after=lambda: charge_card(seat, 2))
    assert_type(plain, str)
    copied = around(connect, lambda client: copy_row(client, trip.nights))
    assert_type(copied, int)
    number = repeat(next_number, copied, until=lambda number: number > 3, at_most=10, exhausted="fail")
    assert_type(number, int)
    again = repeat(lambda number: next_number(number, by=2), number, at_most=2)
    assert_type(again, int)
    return seat, number, again


@workflow
def words(trip: Trip) -> Trip:
    text = template("to {city}", city=trip.city)
    assert_type(text, str)
    debug(level="warning", text=text)
    made = gather(Trip, text, nights=trip.nights, legs=[text])
    assert_type(made, Trip)
    return made


def has_legs(items: list[str]) -> bool:
    return bool(items)


def is_long(trip: Trip) -> bool:
    return trip.nights > 3


@workflow
def with_options(trip: Trip) -> Any:
    booked = book_trip.options(where=is_long, guards=[], name="long")(trip)
    assert_type(booked, Charge)
    labels = each.options(name="labels", after=[booked], where=has_legs, guards=[])(trip.legs, label)
    assert_type(labels, list[str])
    assert_type(choose.options(name="one")(trip.nights, {1: lambda: label("x")}), str)
    assert_type(transform.options(name="size", after=[labels])(trip.legs, len), int)
    return labels
