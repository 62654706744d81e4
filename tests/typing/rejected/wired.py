"""Wiring mistakes. Each line marked BAD must be rejected by both checkers, and no other line."""

from trip import Charge, Seat, Trip, book_trip, charge_card, label, reserve_seat

from actorflow import transform, workflow


@workflow
def w1(trip: Trip) -> Charge:
    return charge_card(trip, nights=3)  # BAD wrong type wired


@workflow
def w2(trip: Trip) -> Charge:
    return charge_card(reserve_seat(trip.city))  # BAD missing argument


@workflow
def w3(trip: Trip) -> Charge:
    return charge_card(reserve_seat(trip.city), night=3)  # BAD misspelt argument


@workflow
def w4(trip: Trip) -> Charge:
    return charge_card(reserve_seat(trip.town), nights=3)  # BAD misspelt sub-path


@workflow
def w5(trip: Trip) -> Seat:
    return charge_card(reserve_seat(trip.city), nights=3)  # BAD returns wrong step


@workflow
def w6(trip: Trip) -> str:
    return label(trip.city, 2, 3)  # BAD too many arguments


@workflow
def w7(trip: Trip) -> Charge:
    return charge_card(reserve_seat, nights=3)  # BAD a step that isn't called


@workflow
def w8(trip: Trip) -> list[str]:
    return [label(trip.city), book_trip(trip)]  # BAD a list of other things


@workflow
def w9(trip: Trip) -> Charge:
    return book_trip(trip.city)  # BAD wrong input of a workflow


@workflow
def w10(trip: Trip) -> str:
    return transform(book_trip(trip), lambda charge: charge.code)  # BAD misspelt attribute in a transform


@workflow
def w11(trip: Trip) -> int:
    return transform(book_trip(trip), lambda charge: charge.id)  # BAD transform of another type
