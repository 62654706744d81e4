"""Handlers that don't fit."""

from trip import Charge, Seat, label, reserve_seat

from actorflow import Recover


@reserve_seat.undo  # BAD undo of the wrong value
async def u1(seat: Charge, city: str) -> None: ...


@reserve_seat.undo  # BAD undo with the wrong argument
async def u2(seat: Seat, nights: int) -> None: ...


@reserve_seat.undo(retry=None)  # BAD undo of the wrong value, with options
async def u3(seat: Charge) -> None: ...


@label.undo  # BAD undo without the default
def u4(value: str, leg: str, n: int) -> None: ...


@reserve_seat.compensate  # BAD recovers the wrong type
async def c1(error: Exception, city: str) -> Recover[Charge] | None:
    return None


@reserve_seat.compensate  # BAD lacks the argument
async def c2(error: Exception) -> Recover[Seat] | None:
    return None


@reserve_seat.compensate  # BAD doesn't take the error
async def c3(city: str) -> Recover[Seat] | None:
    return None


@reserve_seat.compensate(timeout=3)  # BAD answers with the bare value
async def c4(error: Exception, city: str) -> Seat:
    return Seat(city)
