"""A copy with other options keeps its parameters."""

from typing import assert_type

from trip import Charge, Seat, Trip, charge_card, reserve_seat

from actorflow import Durability, Exponential, Fixed, Limit, Rate, Retry, Runtime, Skip, workflow


def enough(seat: Seat, nights: int) -> Skip[Charge] | None:
    return Skip(Charge("none")) if nights == 0 else None


async def allowed(seat: Seat, nights: int) -> bool:
    return nights < 30


def by_seat(seat: Seat) -> str:
    return seat.code


PAY = charge_card.options(
    guards=[enough],
    where=allowed,
    limit=(Limit("cards", rate=Rate(5, per=1.0)), Limit("city", 2, key=by_seat)),
    retry=Retry(attempts=None, within=60, backoff=Fixed(1)),
    timeout=None,
    keep=True,
)


@workflow
def paid(trip: Trip) -> Charge:
    seat = reserve_seat.options(retry=Retry(backoff=Exponential(0.1, factor=3)))(trip.city)
    assert_type(PAY(seat, trip.nights), Charge)
    return PAY.options(name="again", after=[seat])(seat, nights=2)


LEVEL: Durability = "write_behind"


@workflow(durability="none")
def quick(nights: int) -> int:
    return nights


async def quickly() -> None:
    async with Runtime(durability="none") as runtime:
        assert_type(await runtime.options(durability="strict").run(quick.options(durability=LEVEL), nights=3), int)
