"""The trip saga: what the other programs are about."""

import msgspec

from actorflow import Exponential, Limit, Recover, Resource, Retry, step, step_context, workflow


class Client:
    async def charge(self, *, key: str, nights: int) -> "Charge":
        return Charge(key)


class Trip(msgspec.Struct, frozen=True):
    city: str
    nights: int
    legs: list[str]


class Seat(msgspec.Struct, frozen=True):
    code: str


class Charge(msgspec.Struct, frozen=True):
    id: str


GATEWAY = Limit("gateway", at_most=4)
CARDS = Resource[Client]("cards")


@step
async def reserve_seat(city: str) -> Seat:
    return Seat(city)


@reserve_seat.undo
async def release_seat(seat: Seat, city: str) -> None: ...


@step(limit=GATEWAY, timeout=10, retry=Retry(attempts=4, on=(ConnectionError,), backoff=Exponential(0.2)))
async def charge_card(seat: Seat, nights: int) -> Charge:
    return await CARDS.get().charge(key=step_context().idempotency_key, nights=nights)


@charge_card.compensate
async def settle(error: Exception, seat: Seat, nights: int) -> Recover[Charge] | None:
    return Recover(Charge("x"))


@charge_card.undo(retry=Retry(attempts=3))
async def refund(charge: Charge) -> None: ...


@step
def label(leg: str, n: int = 1) -> str:
    return leg * n


@label.undo
def unlabel(value: str, leg: str, n: int = 1) -> None: ...


@workflow
def book_trip(trip: Trip) -> Charge:
    seat = reserve_seat(trip.city)
    return charge_card.options(after=[seat], name="pay")(seat, nights=trip.nights)
