"""The saga: a seat, a room and a charge, or none of them.

Every request carries its step's idempotency key, which stays the same over all attempts: a service that has done the
work already answers again without doing it again. What each step does when it's left in the dark differs on purpose:

- seats and rooms simply ask again, on a 503, a lost connection and a timeout;
- a card is asked about first: after a timeout or a lost connection, `settle` looks up whether the charge was made.
"""

from __future__ import annotations

import msgspec

from actorflow import (
    Exponential,
    Limit,
    Recover,
    Resource,
    Retry,
    StepTimeout,
    TryAgain,
    failure,
    step,
    step_context,
    workflow,
)
from examples.trip.client import Service, Unavailable


class Trip(msgspec.Struct, frozen=True):
    id: str
    city: str
    withdrawn: bool = False
    """The traveller changes their mind once all is paid: `confirm` fails for good, and everything is given back."""


class Seat(msgspec.Struct, frozen=True):
    number: str


class Room(msgspec.Struct, frozen=True):
    number: str


class Charge(msgspec.Struct, frozen=True):
    number: str


class Ticket(msgspec.Struct, frozen=True):
    trip: str
    seat: Seat
    room: Room
    charge: Charge


@failure
class TravellerWithdrew(Exception):
    """The trip is off, and known as such in whichever process the run ends. Nothing that could be tried again would change that."""


SEATS = Resource[Service]("seats")
ROOMS = Resource[Service]("rooms")
CARDS = Resource[Service]("cards")

GATEWAY = Limit("card gateway", at_most=8)
SOON = Exponential(0.05, most=1.0)
PATIENCE = 1.0
"""Seconds that a service gets to answer."""


def key() -> str:
    return step_context().idempotency_key


@step(timeout=PATIENCE, retry=Retry(on=(Unavailable, ConnectionError, StepTimeout), backoff=SOON))
async def reserve_seat(trip: Trip) -> Seat:
    return Seat(await SEATS.get().ask("reserve", trip.id, key()))


@reserve_seat.undo
async def release_seat(seat: Seat, trip: Trip) -> None:
    await SEATS.get().ask("release", trip.id, key())


@reserve_seat.compensate
async def forget_seat(error: Exception, trip: Trip) -> None:
    """Out of attempts, but one of them may have worked: whatever the trip has there is released."""
    await SEATS.get().ask("release", trip.id, key())


@step(timeout=PATIENCE, retry=Retry(on=(Unavailable, ConnectionError, StepTimeout), backoff=SOON))
async def reserve_room(trip: Trip) -> Room:
    return Room(await ROOMS.get().ask("reserve", trip.id, key()))


@reserve_room.undo
async def release_room(room: Room, trip: Trip) -> None:
    await ROOMS.get().ask("release", trip.id, key())


@reserve_room.compensate
async def forget_room(error: Exception, trip: Trip) -> None:
    await ROOMS.get().ask("release", trip.id, key())


@step(limit=GATEWAY, timeout=PATIENCE, retry=Retry(on=(Unavailable,), backoff=SOON))
async def charge_card(trip: Trip) -> Charge:
    return Charge(await CARDS.get().ask("charge", trip.id, key()))


@charge_card.compensate
async def settle(error: Exception, trip: Trip) -> Recover[Charge] | None:
    """The connection or the patience ran out, and the card may be charged or not: ask, and go on from the answer."""
    if number := await CARDS.get().find(trip.id):
        return Recover(Charge(number))
    raise TryAgain(error, after=0.1)


@charge_card.undo
async def refund(charge: Charge, trip: Trip) -> None:
    await CARDS.get().ask("refund", trip.id, key())


@step(mode="inline")
def confirm(trip: Trip, seat: Seat, room: Room, charge: Charge) -> Ticket:
    if trip.withdrawn:
        raise TravellerWithdrew(trip.id)
    return Ticket(trip.id, seat, room, charge)


@workflow
def book_trip(trip: Trip) -> Ticket:
    seat = reserve_seat(trip)
    room = reserve_room(trip)
    charge = charge_card.options(after=[seat, room])(trip)
    return confirm(trip, seat, room, charge)
