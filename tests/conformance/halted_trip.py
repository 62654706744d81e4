"""A workflow that is halted in one process and resumed in another."""

from __future__ import annotations

import msgspec

from actorflow import Exponential, Halt, Retry, TryAgain, step, step_context, workflow

seen: list[str] = []
"""What the steps of this process saw."""

faults: set[str] = set()
"""The steps that fail in this process."""


class Seat(msgspec.Struct, frozen=True):
    code: str


class Booking(msgspec.Struct, frozen=True):
    seat: Seat
    approved: bool
    charge: str
    note: str


@step
async def reserve(city: str, nights: int) -> Seat:
    seen.append(f"reserve {city} {nights}")
    return Seat(f"S-{city}")


@reserve.undo
async def release(seat: Seat, city: str, nights: int) -> None:
    seen.append(f"release {seat.code} {city} {nights}")


@step(retry=Retry(attempts=2, on=(ConnectionError,), backoff=Exponential(0.05)))
async def charge(nights: int) -> str:
    if step_context().attempt == 1:
        seen.append("charge 1")
        raise TryAgain(ConnectionError("no line"), after=0.05)
    seen.append("charge 2")
    return f"C-{nights}"


@charge.undo
async def refund(value: str) -> None:
    seen.append(f"undo charge {value}")


@step
async def approve(seat: Seat) -> bool:
    seen.append("approve")
    raise Halt(True)


@step
async def book(seat: Seat, approved: bool, paid: str) -> Booking:
    note: str = step_context().context["note"]
    if "book" in faults:
        raise ValueError("no room")
    seen.append(f"book {seat.code} {str(approved).lower()} {paid}")
    return Booking(seat, approved, paid, note)


@workflow
def trip(city: str, nights: int) -> Booking:
    seat = reserve(city, nights)
    paid = charge(nights)
    return book(seat, approve(seat), paid)
