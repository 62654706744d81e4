"""Wiring is an ordinary call, with the step's own types; containers of promises are what they hold."""

from typing import TypedDict, assert_type

from trip import Charge, Seat, Trip, book_trip, charge_card, label, reserve_seat

from actorflow import step, transform, workflow


class Booking(TypedDict):
    seat: Seat
    charge: Charge


@step
def join(*parts: str, sep: str = " ") -> str:
    return sep.join(parts)


@workflow
def booked(trip: Trip) -> Booking:
    seat = reserve_seat(trip.city)
    assert_type(seat, Seat)
    return {"seat": seat, "charge": charge_card(seat, trip.nights)}


@workflow
def many(trip: Trip, prefix: str = "") -> dict[str, list[str]]:
    one, other = label(trip.city), label(prefix, n=2)
    name = transform(book_trip(trip), lambda charge: charge.id)
    assert_type(name, str)
    return {"labels": [one, other], "names": [join(one, other, name, sep=", ")]}


@workflow
def nothing(trip: Trip) -> None:
    book_trip(trip)
